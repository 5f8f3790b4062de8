"""Reports for programs: JSON, and one line for each finding.

JSON is ASCII: text that is not UTF-8 travels as surrogate escapes (``\\udcXX``), as
Python's ``surrogateescape`` makes and undoes them.

Floor 6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pagefix.finding import Finding, Site, Step, Unread
from pagefix.report.model import Report, SitesReport, TreeFacts
from pagefix.sites import Ledger

__all__ = ["check_json", "concise", "concise_sites", "sites_json"]

_FORMAT = 1


def check_json(report: Report, version: str) -> str:
    """Return a check as one JSON document."""
    return _dumps(
        {
            **_head(report.tree, version),
            "assumptions": list(report.assumptions),
            "findings": [_finding(each) for each in report.findings],
            "undecided": [_site(each) for each in report.undecided],
            "coverage": {
                "functions": report.coverage.functions,
                "contexts": report.coverage.contexts,
                "unmodelled": list(report.coverage.unmodelled),
                "unresolved_calls": list(report.coverage.unresolved_calls),
                "widened": list(report.coverage.widened),
            },
            "ledger": _ledger(report.ledger),
            "unread": [_unread(each) for each in report.unread],
        }
    )


def sites_json(report: SitesReport, version: str) -> str:
    """Return an inventory as one JSON document."""
    return _dumps(
        {
            **_head(report.tree, version),
            "sites": [_site(each) for each in report.sites],
            "ledger": _ledger(report.ledger),
            "unread": [_unread(each) for each in report.unread],
        }
    )


def concise(report: Report) -> Iterator[str]:
    """Yield one line for each finding: ``file:line:column-column: message [rule]``."""
    for each in report.findings:
        if each.suppressed is not None:
            continue
        place = each.place
        column = f"{place.column}-{place.end_column}"
        yield (f"{place.path}:{place.line}:{column}: {each.severity}: {each.message} [{each.rule}]")


def concise_sites(report: SitesReport) -> Iterator[str]:
    """Yield one line for each page site, and for each that is unresolved."""
    for each in report.sites:
        if each.status != "other":
            place = each.place
            column = f"{place.column}-{place.end_column}"
            record = each.record or "unresolved"
            reason = f" ({each.reason})" if each.reason else ""
            yield (
                f"{place.path}:{place.line}:{column}: {each.access} of {record}"
                f" {each.field}: {' '.join(each.expression.split())}{reason}"
            )


def _dumps(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _head(tree: TreeFacts, version: str) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "tool": {"name": "pagefix", "version": version},
        "tree": {
            "root": tree.root,
            "wrappers": list(tree.wrappers),
            "assumed": list(tree.assumed),
        },
    }


def _site(site: Site) -> dict[str, Any]:
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


def _ledger(ledger: Ledger) -> dict[str, Any]:
    return {
        "occurrences": ledger.occurrences,
        "page": ledger.page,
        "other": ledger.other,
        "unresolved": ledger.unresolved,
        "by_record": ledger.by_record,
    }


def _unread(unread: Unread) -> dict[str, Any]:
    return {
        "path": unread.path,
        "line": unread.line,
        "end_line": unread.end_line,
        "reason": unread.reason,
    }


def _finding(finding: Finding) -> dict[str, Any]:
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
        "fingerprint": finding.fingerprint,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "depth": step.depth,
        "path": step.place.path,
        "line": step.place.line,
        "column": step.place.column,
        "message": step.message,
    }
