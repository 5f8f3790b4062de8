"""SARIF 2.1.0: findings for code scanning and IDEs, with their chains and fixes.

Chains are ``codeFlows``; what a comment or a baseline allows is there, with
``suppressions``; what was left open (assumptions, undecided places, text that was not
understood) are notifications of the run.

Floor 6.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pagefix.finding import IN_BASELINE, Edit, Finding, Fix, Severity, Status
from pagefix.report.markdown import help_markdown
from pagefix.report.model import About, Report
from pagefix.report.words import printable, touched
from pagefix.rulebook import Rule
from pagefix.source import Place

__all__ = ["lines"]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "SRCROOT"
#: As GitHub names them.
_PROBLEM = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "recommendation",
}
#: Changes when the meaning of a fingerprint does.
_FINGERPRINT = "pagefix/v1"

_Json = dict[str, Any]


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield a check as one SARIF document."""
    return iter([json.dumps(_Log(report, about).document(), indent=1)])


class _Log:
    def __init__(self, report: Report, about: About) -> None:
        self.report = report
        self.about = about
        self.rules = {rule.name: number for number, rule in enumerate(about.rules)}

    def document(self) -> _Json:
        run: _Json = {
            "tool": {
                "driver": {
                    "name": "pagefix",
                    "version": self.about.version,
                    "rules": [_descriptor(rule) for rule in self.about.rules],
                }
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [
                {
                    "executionSuccessful": not self.report.hidden,
                    "toolExecutionNotifications": [*self.notifications()],
                }
            ],
            "results": [self.result(each) for each in self.report.findings],
        }
        if self.report.tree.root is not None:
            root = os.path.abspath(self.report.tree.root).rstrip("/") + "/"
            run["originalUriBaseIds"] = {_ROOT: {"uri": "file://" + _uri(root)}}
        return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}

    # --- results

    def result(self, finding: Finding) -> _Json:
        advice = [fix.message for fix in finding.fixes if not fix.edits]
        touch = finding.touch if finding.touch and not finding.touch.on_line else None
        if touch is not None:
            advice.insert(0, touched(touch))
        result: _Json = {
            "ruleId": finding.rule,
            "level": str(finding.severity),
            "message": {"text": printable(". ".join([finding.message, *advice]) + ".")},
            "locations": [self.location(finding.place, function=finding.function)],
            "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
            "suppressions": [*_suppressions(finding)],
            "properties": {
                key: value
                for key, value in (
                    ("kind", str(finding.kind)),
                    ("confidence", str(finding.confidence)),
                    ("entry", finding.entry),
                    ("unless", finding.unless),
                    ("otherChains", finding.alternatives),
                    ("touchedBy", finding.touch and finding.touch.by),
                )
                if value is not None
            },
        }
        if touch is not None and touch.place is not None:
            result["relatedLocations"] = [self.location(touch.place, "this line has changed")]
        if finding.rule in self.rules:
            result["ruleIndex"] = self.rules[finding.rule]
        if finding.trace:
            result["codeFlows"] = [{"threadFlows": [{"locations": [*self.flow(finding)]}]}]
        fixes = [self.fix(fix) for fix in finding.fixes if fix.edits]
        if fixes:
            result["fixes"] = fixes
        return result

    def flow(self, finding: Finding) -> Iterator[_Json]:
        last = len(finding.trace)
        for number, step in enumerate(finding.trace, 1):
            yield {
                "location": self.location(step.place, step.message),
                "nestingLevel": step.depth,
                "executionOrder": number,
                "importance": "essential" if number == last else "important",
            }

    def fix(self, fix: Fix) -> _Json:
        paths = dict.fromkeys(edit.path for edit in fix.edits)
        return {
            "description": {"text": printable(fix.message)},
            "artifactChanges": [
                {
                    "artifactLocation": self.artifact(path),
                    "replacements": [
                        self.replacement(edit) for edit in fix.edits if edit.path == path
                    ],
                }
                for path in paths
            ],
            "properties": {"applicability": str(fix.applicability)},
        }

    def replacement(self, edit: Edit) -> _Json:
        place = self.about.read(edit.path).place(edit.start, edit.end)
        region = self.region(place)
        region |= {"byteOffset": edit.start, "byteLength": edit.end - edit.start}
        return {"deletedRegion": region, "insertedContent": _content(edit.text)}

    # --- places

    def location(
        self, place: Place, message: str | None = None, function: str | None = None
    ) -> _Json:
        found: _Json = {
            "physicalLocation": {
                "artifactLocation": self.artifact(place.path),
                "region": self.region(place),
            }
        }
        if message is not None:
            found["message"] = {"text": printable(message)}
        if function is not None:
            found["logicalLocations"] = [{"name": printable(function), "kind": "function"}]
        return found

    def region(self, place: Place) -> _Json:
        begin, end = self.about.columns(place)
        return {
            "startLine": place.line,
            "startColumn": begin,
            "endLine": place.end_line,
            "endColumn": end,
        }

    def artifact(self, path: str) -> _Json:
        if os.path.isabs(path):
            return {"uri": "file://" + _uri(path)}
        if self.report.tree.root is None:
            return {"uri": _uri(path)}
        return {"uri": _uri(path), "uriBaseId": _ROOT}

    # --- what was left open

    def notifications(self) -> Iterator[_Json]:
        for sentence in self.report.assumptions:
            yield _notification("note", f"assumed: {sentence}")
        for site in self.report.undecided:
            expression = " ".join(site.expression.split())
            words = "undecided" if site.status is not Status.UNRESOLVED else "unresolved"
            yield _notification(
                "note", f"{words}: {expression}: {site.reason}", self.location(site.place)
            )
        for each in self.report.unread:
            place: _Json = {
                "physicalLocation": {
                    "artifactLocation": self.artifact(each.path),
                    "region": {"startLine": each.line, "endLine": each.end_line},
                }
            }
            yield _notification("warning", f"not understood: {each.reason}", place)


def _notification(level: str, text: str, location: _Json | None = None) -> _Json:
    found: _Json = {"level": level, "message": {"text": printable(text)}}
    if location is not None:
        found["locations"] = [location]
    return found


def _suppressions(finding: Finding) -> Iterator[_Json]:
    if finding.suppressed is not None:
        kind = "external" if finding.suppressed == IN_BASELINE else "inSource"
        yield {"kind": kind, "justification": printable(finding.suppressed)}


def _content(text: str) -> _Json:
    # What is no UTF-8 can only be said as bytes.
    data = text.encode("utf-8", "surrogateescape")
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"binary": b64encode(data).decode()}


def _uri(path: str) -> str:
    return quote(os.fsencode(path))


def _descriptor(rule: Rule) -> _Json:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": _joined(rule.doc.what)},
        "help": {"text": f"{_joined(rule.doc.why)} {_joined(rule.doc.safety)}".strip()}
        | {"markdown": help_markdown(rule)},
        "defaultConfiguration": {"level": str(rule.severity)},
        "properties": {
            "tags": ["linux", "swap", str(rule.kind)],
            "precision": "high",
            "problem.severity": _PROBLEM[rule.severity],
        },
    }


def _joined(text: str) -> str:
    return " ".join(text.split())
