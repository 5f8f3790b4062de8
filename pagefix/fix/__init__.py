"""From findings to changed files: edits, kernel style, diff, writing.

In: fixes as :class:`pagefix.finding.Fix`, source text. Out: :class:`FileChange`, its
diff, and (by :func:`apply` alone) written files. May not know what a rule means.

Floor 5.
"""

from pagefix.fix.change import FileChange
from pagefix.fix.diff import changed_lines, coloured, unified_diff
from pagefix.fix.edits import Arranged, apply_edits, arrange, gaps_hold_comment, replacement
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
