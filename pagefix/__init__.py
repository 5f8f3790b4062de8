"""Find where a filesystem may be handed a swapcache page, explain the chain, convert it.

>>> import pagefix
>>> program = pagefix.load(["fs/btrfs"])
>>> report = pagefix.check(program, pagefix.load_rules())
>>> for finding in report.findings:
...     print(finding.place, finding.message)
>>> for change in pagefix.rewrite(program, report).changes:
...     print(pagefix.unified_diff(change).decode())

Names are looked up when they are used, so that ``import pagefix`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefix.engine import check, find_sites, load, rewrite
    from pagefix.errors import ExitCode, PagefixError
    from pagefix.finding import (
        Access,
        Applicability,
        Edit,
        Finding,
        Fix,
        Severity,
        Site,
        Step,
    )
    from pagefix.fix import FileChange, apply, unified_diff
    from pagefix.program import Program
    from pagefix.report import Report, SitesReport
    from pagefix.rulebook import Rule, load_rules
    from pagefix.source import Place, Span

__version__ = "0.1.0.dev0"

__all__ = [
    "Access",
    "Applicability",
    "Edit",
    "ExitCode",
    "FileChange",
    "Finding",
    "Fix",
    "PagefixError",
    "Place",
    "Program",
    "Report",
    "Rule",
    "Severity",
    "Site",
    "SitesReport",
    "Span",
    "Step",
    "__version__",
    "apply",
    "check",
    "find_sites",
    "load",
    "load_rules",
    "rewrite",
    "unified_diff",
]

_HOMES = {
    "pagefix.engine": ("check", "find_sites", "load", "rewrite"),
    "pagefix.errors": ("ExitCode", "PagefixError"),
    "pagefix.finding": (
        "Access",
        "Applicability",
        "Edit",
        "Finding",
        "Fix",
        "Severity",
        "Site",
        "Step",
    ),
    "pagefix.fix": ("FileChange", "apply", "unified_diff"),
    "pagefix.program": ("Program",),
    "pagefix.report": ("Report", "SitesReport"),
    "pagefix.rulebook": ("Rule", "load_rules"),
    "pagefix.source": ("Place", "Span"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
