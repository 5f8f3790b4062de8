"""What a condition comes to if a call in it is not made.

Floor 5.
"""

from __future__ import annotations

import re
from zlib import crc32

from pagefix.c import ast

__all__ = ["is_condition", "is_truth", "value_without"]

_COMPARED = ("==", "!=", "<", ">", "<=", ">=")
_ERROR = re.compile(r"E[A-Z0-9]+")


def is_truth(node: object) -> bool:
    """Return whether a node's value is 0 or 1, by what it compares."""
    return (isinstance(node, ast.Binary) and node.op in _COMPARED) or (
        isinstance(node, ast.Unary) and node.op == "!"
    )


def is_condition(parent: object, part: ast.Expr) -> bool:
    """Return whether only the truth of a part counts in what it stands in."""
    if isinstance(parent, ast.Binary):
        return parent.op in ("&&", "||")
    if isinstance(parent, ast.If | ast.While | ast.For | ast.Conditional):
        return parent.test is not None and parent.test == part
    return False


def value_without(expr: ast.Expr, call: ast.Call, skipped: str) -> float | None:
    """Return the value of an expression if a call in it is not made; ``None`` if unknown.

    :param skipped: what stands for the call's value then, as C text.
    """
    if (expr.start, expr.end) == (call.start, call.end):
        return _constant(skipped)
    if isinstance(expr, ast.Number):
        return expr.value
    if isinstance(expr, ast.Name):
        return _constant(expr.name)
    if isinstance(expr, ast.Call) and len(expr.args) == 1:
        return value_without(expr.args[0], call, skipped)
    if isinstance(expr, ast.Unary) and expr.op in ("!", "-"):
        inner = value_without(expr.operand, call, skipped)
        if inner is None:
            return None
        return float(not inner) if expr.op == "!" else -inner
    if isinstance(expr, ast.Binary) and expr.op in _COMPARED:
        left = value_without(expr.left, call, skipped)
        right = value_without(expr.right, call, skipped)
        return None if left is None or right is None else _compared(expr.op, left, right)
    return None


def _compared(op: str, left: float, right: float) -> float:
    return float(
        {
            "==": left == right,
            "!=": left != right,
            "<": left < right,
            ">": left > right,
            "<=": left <= right,
            ">=": left >= right,
        }[op]
    )


def _constant(text: str) -> float | None:
    if text.startswith("-"):
        inner = _constant(text[1:])
        return None if inner is None else -inner
    if text.isdigit():
        return float(text)
    if text in ("NULL", "false", "true"):
        return float(text == "true")
    # An error's number: positive, and that of no other name.
    return 1 + crc32(text.encode()) / 2**33 if _ERROR.fullmatch(text) else None
