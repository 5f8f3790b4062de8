"""Patterns of rules, which are plain C, and the check that a rewrite broke nothing.

Floor 1.
"""

from __future__ import annotations

from pagefix.c.ast import Expr, ExprStmt, Opaque, Stmt
from pagefix.c.context import Context
from pagefix.c.declarations import base_type, type_of
from pagefix.c.fragments import fill, read_expression, read_statements
from pagefix.c.scan import scan
from pagefix.c.tables import MacroTable, NoMacros
from pagefix.c.unit import read
from pagefix.source import SourceFile

__all__ = ["PatternError", "new_errors", "parse_pattern"]


class PatternError(Exception):
    """A pattern that is not C.

    :param title: ``str``, what is wrong with it.
    :param offset: ``int``, the byte where it goes wrong.
    """

    def __init__(self, title: str, offset: int) -> None:
        super().__init__(title, offset)
        self.title = title
        self.offset = offset


def parse_pattern(text: str) -> Expr | Stmt:
    """Read a pattern: one C expression, or one statement.

    :param text: ``str``; a metavariable is an identifier that begins with ``$``.
    :return: the expression; a statement where the text ends in ``;`` or ``}``.
    :raises PatternError: if it is neither.
    """
    data = text.encode("utf-8", "surrogateescape")
    code = scan(data).code.decode("latin-1")
    if not code.strip():
        raise PatternError("the pattern is empty", 0)
    cx = Context(data, code, NoMacros(), fill=fill, base_type=base_type, type_of=type_of)
    start = len(code) - len(code.lstrip())
    end = len(code.rstrip())
    if code[end - 1] not in ";}":
        value = read_expression(cx, start, end)
        if not cx.faults and not isinstance(value, Opaque):
            return value
    else:
        found = read_statements(cx, start, end)
        if not cx.faults:
            if len(found) != 1:
                raise PatternError("a pattern is one expression or one statement", start)
            only = found[0]
            if not (isinstance(only, ExprStmt) and isinstance(only.value, Opaque)):
                return only
    offset = min((fault[0] for fault in cx.faults), default=start)
    raise PatternError("this is not a C expression or statement", max(0, min(offset, len(data))))


def new_errors(before: bytes, after: bytes, macros: MacroTable) -> list[tuple[int, int]]:
    """Return where a rewritten text holds something unreadable that it did not before.

    Only what the rewrite changed is read.

    :return: places in the text before; all of it where the two do not have the same parts.
    """
    old = read(SourceFile("before.c", "", before), macros)
    new = read(SourceFile("after.c", "", after), macros)
    if len(old.chunks) != len(new.chunks):
        return [(0, len(before))]
    return [
        (one.start, one.end)
        for one, two in zip(old.chunks, new.chunks, strict=True)
        if before[one.start : one.end] != after[two.start : two.end]
        and len(new.broken(two)) > len(old.broken(one))
    ]
