"""Workflow commands of GitHub Actions: findings appear on the lines of a pull request.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagefix.finding import Finding, Severity
from pagefix.report.model import About, Report
from pagefix.report.words import advice, chain

__all__ = ["lines"]

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield one command for each finding that counts."""
    for each in report.counted:
        place = each.place
        properties = {
            "file": about.here(place.path),
            "line": place.line,
            "endLine": place.end_line,
            "title": f"pagefix: {each.rule}",
        }
        if place.line == place.end_line:
            # Columns mean something on one line only.
            begin, end = about.columns(place)
            properties |= {"col": begin, "endColumn": end}
        said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        yield f"::{_COMMAND[each.severity]} {said}::{_data(_words(each, about))}"


def _words(finding: Finding, about: About) -> str:
    return "\n".join([finding.message, *chain(finding, about), *advice(finding, about)])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
