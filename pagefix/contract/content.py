"""What stands in an expression, whatever the way through it."""

from __future__ import annotations

from typing import NamedTuple

from pagefix.c import ast
from pagefix.contract.locks import may_lock
from pagefix.contract.words import word_of

__all__ = ["Content", "Contents"]

#: What is more than a value: it gives variables values, or leaves the place.
_ELSEWHERE = (
    ast.Declare,
    ast.StatementExpr,
    ast.CompoundLiteral,
    ast.Return,
    ast.Goto,
    ast.Break,
    ast.Continue,
    ast.Label,
    ast.Case,
)


class Content(NamedTuple):
    """What stands in an expression.

    :param words: words at file scope and members.
    :param calls: functions and methods that are called.
    :param changes: whether it may change a variable, or goes elsewhere.
    :param locks: calls of what may take or drop a lock.
    """

    words: frozenset[str]
    calls: frozenset[str]
    changes: bool
    locks: tuple[ast.Call, ...]


_NOTHING: frozenset[str] = frozenset()
_EMPTY = Content(_NOTHING, _NOTHING, False, ())


def _own(node: object, below: Content) -> Content:
    # What stands in a node, from what stands in all below it.
    words, calls, changes, locks = below
    if isinstance(node, ast.Member):
        words |= {node.field}
    elif isinstance(node, ast.Call):
        name = node.func.name if isinstance(node.func, ast.Name) else ""
        calls |= {name or "*"}
        if isinstance(node.func, ast.Member):
            calls |= {node.func.field}
        if may_lock(name):
            locks = (*locks, node)
    elif isinstance(node, ast.Assign):
        changes |= not isinstance(node.target, ast.Member)
    elif isinstance(node, ast.Unary):
        changes |= node.op == "&" or ("_" in node.op and not isinstance(node.operand, ast.Member))
    elif isinstance(node, _ELSEWHERE):
        changes = True
    return Content(words, calls, changes, locks)


def _joined(parts: list[Content]) -> Content:
    if not parts:
        return _EMPTY
    return Content(
        _NOTHING.union(*(each.words for each in parts)),
        _NOTHING.union(*(each.calls for each in parts)),
        any(each.changes for each in parts),
        tuple(call for each in parts for call in each.locks),
    )


class Contents:
    """The contents of a function's expressions, each from what stands in its parts."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Content, object]] = {}

    def of(self, expr: object) -> Content:
        """Return what stands in an expression, which is asked for again and again."""
        known = self._known.get(id(expr))
        if known is None:
            # The node is kept with the answer: its id must not be given to another.
            known = self._known[id(expr)] = (self._read(expr), expr)
        return known[0]

    def _read(self, node: object) -> Content:
        if isinstance(node, ast.Name):
            word = word_of(node)
            return _EMPTY if word is None else Content(frozenset((word,)), _NOTHING, False, ())
        if not isinstance(node, tuple):
            return _EMPTY
        parts = [
            part
            for child in node
            if isinstance(child, tuple) and (part := self.of(child)) != _EMPTY
        ]
        below = parts[0] if len(parts) == 1 else _joined(parts)
        return _own(node, below)
