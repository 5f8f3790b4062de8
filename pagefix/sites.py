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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pagefix import reads
from pagefix.errors import PagefixError
from pagefix.finding import FIELDS, Ledger, Site, Status, Unread
from pagefix.program import Program
from pagefix.sites_file import FileSites
from pagefix.sites_jobs import batches, processes, share
from pagefix.sites_text import Scanner
from pagefix.sites_uses import Uses
from pagefix.sites_walk import PAGES

__all__ = ["FIELDS", "PAGES", "Inventory", "inventory"]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every occurrence, in order of path and place, and the text that was not understood.

    :param closed: what of :attr:`unread` is no text but a file that cannot be read.
    """

    sites: tuple[Site, ...]
    unread: tuple[Unread, ...]
    closed: tuple[Unread, ...] = ()

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
) -> Inventory:
    """Account for every occurrence of the fields in the program's files.

    :param whole: whether all of each file is read, so that :attr:`Inventory.unread`
        speaks of all of it; else only what holds an occurrence is.
    :param jobs: how many processes; ``None``: as many as are worth it.
    """
    ledger = _Accounting(program, fields, whole)
    files = program.files

    def size(path: str) -> int:
        return reads.size(program.disk(path))

    count = processes(sum(map(size, files)), jobs) if jobs != 1 else 1
    if count > 1:
        parts = batches(files, size)
        found = share(count, len(parts), lambda number: ledger.account(parts[number]))
    else:
        found = [ledger.account(files)]
    closed = [*program.unread, *(each for part in found for each in part.closed)]
    for each in found:
        for refused in each.closed:
            program.leave_out(refused.path)
    unread = [*(each for part in found for each in part.unread), *closed]
    unread.sort(key=lambda each: (each.path, each.line, each.end_line))
    sites = tuple(site for part in found for site in part.sites)
    return Inventory(sites, tuple(unread), tuple(closed))


class _Part(NamedTuple):
    sites: list[Site]
    unread: list[Unread]
    closed: list[Unread]


class _Accounting:
    # Accounts for some of the files.

    def __init__(self, program: Program, fields: Sequence[str], whole: bool) -> None:
        self._program = program
        self._scanner = Scanner(fields)
        self._uses = Uses(program)
        self._whole = whole

    def account(self, files: Sequence[str]) -> _Part:
        part = _Part([], [], [])
        program = self._program
        for path in files:
            try:
                file = FileSites(program, path, self._scanner, self._uses)
                found, missed = file.account(self._whole)
            except PagefixError as error:
                part.closed.append(Unread(path, 1, 1, error.why))
                program.leave_out(path)
                continue
            part.sites.extend(found)
            part.unread.extend(missed)
            program.release(path)
            self._uses.release(path)
        return part
