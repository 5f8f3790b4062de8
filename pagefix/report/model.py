"""What a run has found, as every report gets it.

Floor 6.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pagefix.finding import Coverage, Finding, Ledger, Severity, Site, Unread
from pagefix.source import Place, SourceFile

if TYPE_CHECKING:
    from pagefix.rulebook import Rule

__all__ = ["About", "Report", "SitesReport", "Texts", "TreeFacts"]


class Texts(Protocol):
    """The texts that a report speaks of."""

    def source(self, path: str) -> SourceFile:
        """Return a text by its shown path."""

    def disk(self, path: str) -> str:
        """Return the path to open of a shown path."""


@dataclass(frozen=True, slots=True)
class About:
    """What a format may have to know beside the report.

    :param version: of pagefix.
    :param rules: those in use; a format may hold their words.
    :param read: gives the text of a file by its shown path.
    :param disk: gives the path to open of a shown path.
    """

    version: str
    rules: Sequence[Rule]
    read: Callable[[str], SourceFile]
    disk: Callable[[str], str]

    def here(self, path: str) -> str:
        """Return a shown path as it is opened from the working directory."""
        disk = self.disk(path)
        if os.path.isabs(disk):
            near = os.path.relpath(disk)
            return disk if near.startswith("..") else near
        return os.path.normpath(disk)

    def columns(self, place: Place) -> tuple[int, int]:
        """Return begin and end of a place in characters, from 1; those of a Place are bytes."""
        source = self.read(place.path)
        return (
            _characters(source, place.line, place.column),
            _characters(source, place.end_line, place.end_column),
        )


def _characters(source: SourceFile, line: int, column: int) -> int:
    start = source.lines()[line - 1]
    before = source.data[start : start + column - 1]
    return len(before.decode("utf-8", "surrogateescape")) + 1


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What the tree around the paths decided.

    :param root: as the user gave it; ``None`` where there is no kernel tree.
    :param wrappers: symbols that fixes may use and the tree has.
    :param assumed: one sentence for each thing that the tree did not tell.
    """

    root: str | None
    wrappers: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SitesReport:
    """The inventory of page fields."""

    tree: TreeFacts
    sites: tuple[Site, ...]
    ledger: Ledger
    unread: tuple[Unread, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a check has found.

    :param findings: by path and place.
    :param undecided: places of which it is not known whether a page is meant.
    :param assumptions: sentences, which open the human output.
    :param files: ``int``, how many were read.
    :param hidden: what of ``unread`` may hold a page's field.
    :param left_out: ``int``, findings that no change concerns, where only those were wanted.
    """

    tree: TreeFacts
    findings: tuple[Finding, ...]
    undecided: tuple[Site, ...]
    coverage: Coverage
    assumptions: tuple[str, ...]
    ledger: Ledger
    unread: tuple[Unread, ...]
    files: int
    hidden: tuple[Unread, ...] = ()
    left_out: int = 0

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def counted(self) -> list[Finding]:
        """The findings that neither a comment nor a baseline allows (``list[Finding]``)."""
        return [each for each in self.findings if each.suppressed is None]

    @property
    def failed(self) -> bool:
        """Whether a finding counts for the exit code (``bool``): notes do not."""
        return any(each.severity is not Severity.NOTE for each in self.counted)
