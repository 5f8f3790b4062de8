"""What a run has found, as every report gets it.

Floor 6.
"""

from __future__ import annotations

from dataclasses import dataclass

from pagefix.finding import Coverage, Finding, Severity, Site, Unread
from pagefix.sites import Ledger

__all__ = ["Report", "SitesReport", "TreeFacts"]


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

    @property
    def failed(self) -> bool:
        """Whether a finding counts for the exit code (``bool``): notes do not."""
        return any(
            each.severity is not Severity.NOTE and each.suppressed is None for each in self.findings
        )
