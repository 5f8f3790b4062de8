"""JSON lines: what the one document of JSON holds, a value a line, for tools that stream.

Each line says by ``type`` what it is: ``run`` is the first, ``end`` the last.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagefix.report.json import (
    coverage_as,
    dumps,
    finding_as,
    head,
    ledger_as,
    site_as,
    unread_as,
)
from pagefix.report.model import About, Report

__all__ = ["lines"]


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield the run, its findings, what is open and the sums."""
    assumed = list(report.assumptions)
    yield dumps({"type": "run", **head(report.tree, about.version), "assumptions": assumed})
    for finding in report.findings:
        yield dumps({"type": "finding", **finding_as(finding)})
    for site in report.undecided:
        yield dumps({"type": "undecided", **site_as(site)})
    for unread in report.unread:
        yield dumps({"type": "unread", **unread_as(unread)})
    yield dumps(
        {
            "type": "end",
            "findings": len(report.findings),
            "left_out": report.left_out,
            "coverage": coverage_as(report.coverage),
            "ledger": ledger_as(report.ledger),
        }
    )
