"""The formats of a check: which there are, and how one is had.

A format is a module of this package with a function ``lines(report, about)``; it is
imported when it is asked for. ``rich`` is not among them: it prints on a screen.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from pagefix.report.model import About, Report

__all__ = ["FORMATS", "formatter"]

#: What ``--format`` takes beside ``rich``, and who reads it.
FORMATS = {
    "concise": "editors: vim's quickfix, M-x compile",
    "json": "scripts: one document",
    "jsonl": "scripts: a value a line",
    "sarif": "code scanning, IDEs (SARIF 2.1.0)",
    "github": "GitHub Actions: marks on the lines",
    "gitlab": "GitLab: code quality",
    "junit": "CI servers: test results",
    "markdown": "people: a mail, a review",
}


def formatter(name: str) -> Callable[[Report, About], Iterator[str]]:
    """Return what turns a report into the lines of a format."""
    lines: Callable[[Report, About], Iterator[str]] = import_module(f"pagefix.report.{name}").lines
    return lines
