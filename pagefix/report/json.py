"""JSON: one document that holds all there is to say.

The document is ASCII: text that is not UTF-8 travels as surrogate escapes (``\\udcXX``), as
Python's ``surrogateescape`` makes and undoes them.

Floor 6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pagefix.finding import Coverage, Finding, Ledger, Site, Step, Touch, Unread
from pagefix.report.model import About, Report, SitesReport, TreeFacts

__all__ = [
    "coverage_as",
    "dumps",
    "finding_as",
    "head",
    "ledger_as",
    "lines",
    "site_as",
    "sites_json",
    "unread_as",
]

_FORMAT = 1


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield a check as one JSON document, on one line."""
    yield dumps(
        {
            **head(report.tree, about.version),
            "assumptions": list(report.assumptions),
            "findings": [finding_as(each) for each in report.findings],
            "left_out": report.left_out,
            "undecided": [site_as(each) for each in report.undecided],
            "coverage": coverage_as(report.coverage),
            "ledger": ledger_as(report.ledger),
            "unread": [unread_as(each) for each in report.unread],
        }
    )


def sites_json(report: SitesReport, version: str) -> str:
    """Return an inventory as one JSON document."""
    return dumps(
        {
            **head(report.tree, version),
            "sites": [site_as(each) for each in report.sites],
            "ledger": ledger_as(report.ledger),
            "unread": [unread_as(each) for each in report.unread],
        }
    )


def dumps(value: dict[str, Any]) -> str:
    """Return a value as JSON without needless spaces."""
    return json.dumps(value, separators=(",", ":"))


def head(tree: TreeFacts, version: str) -> dict[str, Any]:
    """Return what every document begins with."""
    return {
        "format": _FORMAT,
        "tool": {"name": "pagefix", "version": version},
        "tree": {
            "root": tree.root,
            "wrappers": list(tree.wrappers),
            "assumed": list(tree.assumed),
        },
    }


def site_as(site: Site) -> dict[str, Any]:
    """Return a site as JSON has it."""
    place = site.place
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "field": site.field,
        "record": site.record,
        "status": site.status,
        "access": site.access,
        "function": site.function,
        "macro": site.macro,
        "expression": site.expression,
        "reason": site.reason,
    }


def coverage_as(coverage: Coverage) -> dict[str, Any]:
    """Return what was read, and what was left open, as JSON has it."""
    return {
        "functions": coverage.functions,
        "contexts": coverage.contexts,
        "unmodelled": list(coverage.unmodelled),
        "unresolved_calls": list(coverage.unresolved_calls),
        "widened": list(coverage.widened),
    }


def ledger_as(ledger: Ledger) -> dict[str, Any]:
    """Return the account of the names as JSON has it."""
    return {
        "occurrences": ledger.occurrences,
        "page": ledger.page,
        "other": ledger.other,
        "unresolved": ledger.unresolved,
        "by_record": ledger.by_record,
    }


def unread_as(unread: Unread) -> dict[str, Any]:
    """Return text that was not understood as JSON has it."""
    return {
        "path": unread.path,
        "line": unread.line,
        "end_line": unread.end_line,
        "reason": unread.reason,
    }


def finding_as(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON has it."""
    place = finding.place
    return {
        "rule": finding.rule,
        "kind": finding.kind,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "function": finding.function,
        "field": finding.field,
        "expression": finding.expression,
        "message": finding.message,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "entry": finding.entry,
        "unless": finding.unless,
        "trace": [_step(each) for each in finding.trace],
        "alternatives": finding.alternatives,
        "fixes": [
            {
                "applicability": fix.applicability,
                "message": fix.message,
                "edits": [
                    {
                        "path": edit.path,
                        "start": edit.start,
                        "end": edit.end,
                        "text": edit.text,
                    }
                    for edit in fix.edits
                ],
            }
            for fix in finding.fixes
        ],
        "suppressed": finding.suppressed,
        "touch": None if finding.touch is None else touch_as(finding.touch),
        "fingerprint": finding.fingerprint,
    }


def touch_as(touch: Touch) -> dict[str, Any]:
    """Return by what a change concerns a finding as JSON has it."""
    return {
        "by": touch.by,
        "path": None if touch.place is None else touch.place.path,
        "line": None if touch.place is None else touch.place.line,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "depth": step.depth,
        "path": step.place.path,
        "line": step.place.line,
        "column": step.place.column,
        "message": step.message,
    }
