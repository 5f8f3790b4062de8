"""JUnit XML, which every CI server shows: a suite for each file, a case for each finding.

Floor 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from pagefix.finding import Finding, Severity
from pagefix.report.model import About, Report
from pagefix.report.words import advice, chain, printable

__all__ = ["lines"]

# What XML 1.0 has no way to write.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# In an attribute a line's end would become a blank.
_QUOTED = str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield the document; where nothing is found it holds one case, which passed."""
    suites = [
        (path, tuple(group))
        for path, group in groupby(report.findings, lambda each: each.place.path)
    ]
    cases = sum(len(group) for _, group in suites) or 1
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield f'<testsuites name="pagefix" tests="{cases}" failures="{_failures(report.findings)}">'
    for path, group in suites:
        file = about.here(path)
        yield (
            f'  <testsuite name="{_text(file)}" tests="{len(group)}" failures="{_failures(group)}"'
            f' skipped="{sum(each.suppressed is not None for each in group)}">'
        )
        for each in group:
            yield from _case(each, about, file)
        yield "  </testsuite>"
    if not suites:
        yield '  <testsuite name="pagefix" tests="1" failures="0" skipped="0">'
        yield f'    <testcase name="{report.files} files read, nothing found" classname="pagefix"/>'
        yield "  </testsuite>"
    yield "</testsuites>"


def _failures(findings: Sequence[Finding]) -> int:
    return sum(_failed(each) for each in findings)


def _failed(finding: Finding) -> bool:
    return finding.suppressed is None and finding.severity is not Severity.NOTE


def _case(finding: Finding, about: About, file: str) -> Iterator[str]:
    place = finding.place
    name = f"{finding.rule}:{place.line}:{place.column}"
    line = f'file="{_text(file)}" line="{place.line}"'
    yield f'    <testcase name="{_text(name)}" classname="{_text(file)}" {line}>'
    body = "\n".join([f"{file}:{place.line}", *chain(finding, about), *advice(finding, about)])
    if finding.suppressed is not None:
        yield f'      <skipped message="{_text(finding.suppressed)}"/>'
    elif _failed(finding):
        kind = f'message="{_text(finding.message)}" type="{finding.severity}"'
        yield f"      <failure {kind}>{_body(body)}</failure>"
    else:
        yield f"      <system-out>{_body(finding.message)}\n{_body(body)}</system-out>"
    yield "    </testcase>"


def _text(text: str) -> str:
    return _body(text).translate(_QUOTED)


def _body(text: str) -> str:
    return _NO_XML.sub("\ufffd", printable(text)).translate(_ENTITIES)
