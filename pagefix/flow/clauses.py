"""Contract clauses: branches that ``swap_activate`` may forbid."""

from __future__ import annotations

from pagefix.c import ast, walk
from pagefix.rulebook import Clause

__all__ = ["side_of"]


def side_of(test: ast.Expr, clause: Clause) -> bool | None:
    """Return the side of a test on which a clause would forbid to be, ``None`` if neither.

    :param test: one operand of a condition, without ``&&``, ``||`` and ``!``.
    """
    side = True
    if isinstance(test, ast.Binary) and test.op == "!=":
        side = False
    elif isinstance(test, ast.Binary) and test.op not in ("==", "&"):
        return None
    for node in walk(test):
        if isinstance(node, ast.Name) and node.decl == ast.GLOBAL:
            if node.name in clause.words:
                return side
            if node.name in clause.opposite:
                return not side
    return None
