"""The ledger: every place where a page field's name is used, accounted for.

In: a :class:`~pagefix.program.Program`. Out: :class:`Inventory`, in which each
occurrence (a name behind ``->`` or ``.``, or one that ``offsetof`` or a macro puts
there) is found exactly once, as a page's field, as another type's, or unresolved with a
reason. Nothing is dropped: the text is searched first, and what no tree of the reader
answers for is unresolved.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from pagefix import reads
from pagefix.errors import PagefixError
from pagefix.finding import FIELDS, Ledger, Site, Status, Unread
from pagefix.program import Program
from pagefix.sites_file import FileSites
from pagefix.sites_jobs import batches, processes, share
from pagefix.sites_mentions import Mentions
from pagefix.sites_text import Scanner
from pagefix.sites_uses import Uses
from pagefix.sites_walk import PAGES

__all__ = ["FIELDS", "PAGES", "Inventory", "inventory"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every occurrence, in order of path and place, and the text that was not understood.

    :param closed: what of :attr:`unread` is no text but a file that cannot be read.
    """

    sites: tuple[Site, ...]
    unread: tuple[Unread, ...]
    closed: tuple[Unread, ...] = ()

    def joined(self, other: Inventory) -> Inventory:
        """Return this with the inventory of other files."""
        sites: dict[str, list[Site]] = {}
        for site in (*self.sites, *other.sites):
            sites.setdefault(site.place.path, []).append(site)
        return Inventory(
            tuple(site for path in sorted(sites) for site in sites[path]),
            tuple(sorted((*self.unread, *other.unread), key=_by_line)),
            (*self.closed, *other.closed),
        )

    @property
    def hidden(self) -> tuple[Unread, ...]:
        """What was not understood and may hold a page's field: all of it that matters."""
        lines: dict[str, list[int]] = {}
        for site in self.sites:
            if site.status is Status.UNRESOLVED:
                lines.setdefault(site.place.path, []).append(site.place.line)
        return tuple(
            each
            for each in self.unread
            if each in self.closed
            or any(each.line <= line <= each.end_line for line in lines.get(each.path, ()))
        )

    @property
    def ledger(self) -> Ledger:
        """The sums."""
        status = Counter(site.status for site in self.sites)
        records = Counter(site.record for site in self.sites if site.record is not None)
        return Ledger(
            len(self.sites),
            status[Status.PAGE],
            status[Status.OTHER],
            status[Status.UNRESOLVED],
            dict(sorted(records.items())),
        )


def inventory(
    program: Program,
    *,
    fields: Sequence[str] = FIELDS,
    whole: bool = False,
    jobs: int | None = 1,
    only: Collection[str] | None = None,
) -> Inventory:
    """Account for every occurrence of the fields in the program's files.

    :param whole: whether all of each file is read, so that :attr:`Inventory.unread`
        speaks of all of it; else only what holds an occurrence is.
    :param jobs: how many processes; ``None``: as many as are worth it.
    :param only: the files to account for; all of them if left out.
    """
    files = [path for path in program.files if only is None or path in only]

    def size(path: str) -> int:
        return reads.size(program.disk(path))

    count = processes(sum(map(size, files)), jobs) if jobs != 1 else 1
    found = _Accounting(program, fields, whole, count, size).inventory(files)
    return found if only is not None else Inventory((), (), program.unread).joined(found)


def _by_line(each: Unread) -> tuple[str, int, int]:
    return each.path, each.line, each.end_line


class _File(NamedTuple):
    # One file's part, and why it cannot be read.
    path: str
    sites: Sequence[Site]
    unread: Sequence[Unread]
    closed: Unread | None = None


class _Part(NamedTuple):
    # What comes of some files; those that must be asked again when more words are known;
    # and what was noted of all files so far (:class:`~pagefix.asked.Asked`).
    files: list[_File]
    again: list[str]
    words: set[bytes]
    roaming: set[str]
    parts: set[str]


class _Accounting:
    # Accounts for the files in processes.

    def __init__(
        self,
        program: Program,
        fields: Sequence[str],
        whole: bool,
        count: int,
        size: Callable[[str], int],
    ) -> None:
        self._program = program
        self._scanner = Scanner(fields)
        self._mentions = Mentions(program)
        self._uses = Uses(program, self._mentions)
        self._whole = whole
        self._count = count
        self._size = size

    def inventory(self, wanted: Sequence[str]) -> Inventory:
        program = self._program
        files: dict[str, _File] = {}
        pieces = batches(wanted, self._size)
        while pieces:
            parts = self._share(pieces, self._account)
            files.update((file.path, file) for part in parts for file in part.files)
            program.asked.roaming.update(path for part in parts for path in part.roaming)
            program.asked.parts.update(name for part in parts for name in part.parts)
            words = {word for part in parts for word in part.words}
            if words:
                self._learn(words)
            pieces = [[path] for part in parts for path in part.again]
        found = [files[path] for path in sorted(files)]
        refused = [file.closed for file in found if file.closed is not None]
        for each in refused:
            program.leave_out(each.path)
        unread = [*(each for file in found for each in file.unread), *refused]
        unread.sort(key=_by_line)
        sites = tuple(site for file in found for site in file.sites)
        return Inventory(sites, tuple(unread), tuple(refused))

    def _share(
        self, pieces: Sequence[Sequence[str]], work: Callable[[Sequence[str]], _T]
    ) -> list[_T]:
        return share(self._count, len(pieces), lambda number: work(pieces[number]))

    def _learn(self, words: set[bytes]) -> None:
        mentions = self._mentions
        pieces = batches([*self._program.files, *mentions.headers()], self._size)
        parts = self._share(pieces, lambda files: mentions.look(files, words))
        for word in words:
            mentions.learn(word, (path for part in parts for path in part[word]))

    def _account(self, files: Sequence[str]) -> _Part:
        asked = self._program.asked
        part = _Part([], [], set(), asked.roaming, asked.parts)
        program, uses, missing = self._program, self._uses, self._mentions.missing
        for path in files:
            try:
                file = FileSites(program, path, self._scanner, uses)
                sites, unread = file.account(self._whole)
            except PagefixError as error:
                part.files.append(_File(path, (), (), Unread(path, 1, 1, error.why)))
                program.leave_out(path)
                continue
            if missing:
                part.again.append(path)
                part.words.update(missing)
                missing.clear()
                uses.forget()
            elif sites or unread:
                part.files.append(_File(path, sites, unread))
            if not path.endswith(".h"):
                # What others see is soon asked for again.
                program.release(path)
                uses.release(path)
        return part
