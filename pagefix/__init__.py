"""Find where a filesystem may be handed a swapcache page, explain the chain, convert it.

>>> import pagefix
>>> program = pagefix.load("fixtures/demo")
>>> report = pagefix.check(program)
>>> for finding in list(report)[:2]:
...     print(finding.place.path, finding.place.line, finding.rule)
demo/foofs.c 28 raw-page-mapping
demo/foofs.c 45 raw-page-mapping
>>> for change in pagefix.rewrite(program, report):
...     print(pagefix.unified_diff(change).decode().splitlines()[0])
--- a/demo/foofs.c

Names are looked up when they are used, so that ``import pagefix`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefix.api import check, check_script, explain, load, provenance, rewrite
    from pagefix.engine import Held, Rewrite, find_sites
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
        Touch,
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
    "Held",
    "PagefixError",
    "Place",
    "Program",
    "Report",
    "Rewrite",
    "Rule",
    "Severity",
    "Site",
    "SitesReport",
    "Span",
    "Step",
    "Touch",
    "__version__",
    "apply",
    "check",
    "check_script",
    "explain",
    "find_sites",
    "load",
    "load_rules",
    "provenance",
    "rewrite",
    "unified_diff",
]

_HOMES = {
    "pagefix.api": ("check", "check_script", "explain", "load", "provenance", "rewrite"),
    "pagefix.engine": ("Held", "Rewrite", "find_sites"),
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
        "Touch",
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
