"""The head of an ``if`` with one condition more.

Floor 5.
"""

from __future__ import annotations

import re

from pagefix.c import ast
from pagefix.finding import Edit
from pagefix.fix.style import indent_to, width
from pagefix.source import SourceFile

__all__ = ["extended"]

_CLOSES = re.compile(rb"[ \t]*\)")


def extended(source: SourceFile, control: ast.If, text: str, *, other: bool = False) -> list[Edit]:
    """Return the edits that make a condition hold only where another one holds, too.

    :param text: the other one, that binds no less than ``&&``.
    :param other: whether the condition itself may become a ``||`` by another fix.
    :return: empty if they cannot be told from those of another fix.
    """
    test, data, path = control.test, source.data, source.path
    depth = data.count(b"(", control.start, test.start) - 1
    closing = re.compile(rb"(?:\s*\)){%d}" % depth).match(data, test.end)
    if closing is not None and closing.group():
        # It has parentheses of its own.
        return [Edit(path, closing.end(), closing.end(), f" && {text}")]
    loose = isinstance(test, ast.Assign | ast.Conditional) or (
        isinstance(test, ast.Binary) and test.op in ("||", ",")
    )
    if other and not (isinstance(test, ast.Binary) and test.op == "&&"):
        # With the head's own parenthesis it goes further than any edit in the condition, so
        # it goes around them all.
        end = _CLOSES.match(data, test.end)
        if end is None:
            return []
        start, last = test.start, Edit(path, test.end, end.end(), f") && {text})")
        return [Edit(path, start, start, "("), *_moved(source, test), last]
    if not loose:
        return [Edit(path, test.end, test.end, f" && {text}")]
    return [
        Edit(path, test.start, test.start, "("),
        *_moved(source, test),
        Edit(path, test.end, test.end, f") && {text}"),
    ]


def _moved(source: SourceFile, test: ast.Expr) -> list[Edit]:
    # What stands below the condition's beginning goes on one column further right.
    starts = source.lines()
    first = source.line_of(test.start)
    column = width(source.text(starts[first - 1], test.start))
    edits = []
    for at in starts[first : source.line_of(test.end)]:
        line = source.text(at, source.data.find(b"\n", at))
        blank = line[: len(line) - len(line.lstrip(" \t"))]
        if width(blank) >= column and line.strip():
            edits.append(Edit(source.path, at, at + len(blank), indent_to(width(blank) + 1)))
    return edits
