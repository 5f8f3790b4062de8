"""From findings to changed files: edits, kernel style, diff, writing.

In: fixes as :class:`pagefix.finding.Fix`, source text. Out: :class:`FileChange`, its
diff, and (by :func:`apply` alone) written files. May not know what a rule means.

Names are looked up when they are used: who shows a change needs not know how one is made.

Floor 5.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefix.fix.change import FileChange, apply_edits
    from pagefix.fix.diff import changed_lines, coloured, unified_diff
    from pagefix.fix.edits import Arranged, arrange, gaps_hold_comment, replacement
    from pagefix.fix.journal import stopped
    from pagefix.fix.offer import Offers
    from pagefix.fix.recovery import Recovered, recover
    from pagefix.fix.style import COLUMNS, Scanned, column_limit, restyle
    from pagefix.fix.verdict import HOW, on_a_chain
    from pagefix.fix.writing import apply

__all__ = [
    "COLUMNS",
    "HOW",
    "Arranged",
    "FileChange",
    "Offers",
    "Recovered",
    "Scanned",
    "apply",
    "apply_edits",
    "arrange",
    "changed_lines",
    "coloured",
    "column_limit",
    "gaps_hold_comment",
    "on_a_chain",
    "recover",
    "replacement",
    "restyle",
    "stopped",
    "unified_diff",
]

_HOMES = {
    "change": (
        "FileChange",
        "apply_edits",
    ),
    "diff": (
        "changed_lines",
        "coloured",
        "unified_diff",
    ),
    "edits": (
        "Arranged",
        "arrange",
        "gaps_hold_comment",
        "replacement",
    ),
    "journal": ("stopped",),
    "offer": ("Offers",),
    "recovery": (
        "Recovered",
        "recover",
    ),
    "style": (
        "COLUMNS",
        "Scanned",
        "column_limit",
        "restyle",
    ),
    "verdict": (
        "HOW",
        "on_a_chain",
    ),
    "writing": ("apply",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"pagefix.fix.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
