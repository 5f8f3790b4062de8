"""Code quality of GitLab: findings appear in a merge request.

Floor 6.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from pagefix.finding import Finding, Severity
from pagefix.report.model import About, Report
from pagefix.report.words import advice, chain, printable

__all__ = ["lines"]

_SEVERITY = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield the findings that count as one JSON array."""
    seen: Counter[tuple[str, str]] = Counter()
    issues = []
    for each in report.counted:
        key = (each.place.path, each.fingerprint)
        issues.append(_issue(each, about, seen[key]))
        seen[key] += 1
    yield json.dumps(issues, indent=1)


def _issue(finding: Finding, about: About, number: int) -> dict[str, Any]:
    path, place = about.here(finding.place.path), finding.place
    # GitLab takes two issues of one fingerprint for one.
    key = "\0".join([finding.place.path, finding.fingerprint, str(number)])
    body = [*chain(finding, about), *advice(finding, about)]
    return {
        "type": "issue",
        "check_name": finding.rule,
        "description": printable(finding.message),
        "content": {"body": printable("\n".join(body))},
        "categories": ["Bug Risk"],
        "severity": _SEVERITY[finding.severity],
        "fingerprint": sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32],
        "location": {
            "path": printable(path),
            "lines": {"begin": place.line, "end": place.end_line},
        },
    }
