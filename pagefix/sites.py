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

from pagefix.errors import PagefixError
from pagefix.finding import FIELDS, Ledger, Site, Status, Unread
from pagefix.program import Program
from pagefix.sites_file import FileSites
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
    program: Program, *, fields: Sequence[str] = FIELDS, whole: bool = False
) -> Inventory:
    """Account for every occurrence of the fields in the program's files.

    :param whole: whether all of each file is read, so that :attr:`Inventory.unread`
        speaks of all of it; else only what holds an occurrence is.
    """
    scanner = Scanner(fields)
    uses = Uses(program)
    sites: list[Site] = []
    closed: list[Unread] = list(program.unread)
    unread: list[Unread] = []
    for path in program.files:
        try:
            found, missed = FileSites(program, path, scanner, uses).account(whole)
        except PagefixError as error:
            closed.append(Unread(path, 1, 1, error.why))
            program.leave_out(path)
            continue
        sites += found
        unread += missed
        program.release(path)
        uses.release(path)
    unread += closed
    unread.sort(key=lambda each: (each.path, each.line, each.end_line))
    return Inventory(tuple(sites), tuple(unread), tuple(closed))
