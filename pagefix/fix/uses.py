"""What becomes of a value in its function: whether it is used for certain members.

``page->mapping`` is read for two things: the file that a page belongs to, and the tree
that the page is in. For a swapcache page these are two mappings, and a wrapper gives the
first. Which one is meant shows in the members that are used.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Collection

from pagefix.c import ast
from pagefix.fix.route import nodes, route

__all__ = ["used_for"]


def used_for(function: ast.Function, value: ast.Expr, members: Collection[str]) -> str:
    """Return the member that a value is used for, empty if none.

    It is used for a member that is taken from it or from a variable that it is stored in;
    that stands among the other arguments of a call it is passed to; or that is locked
    while the value is only looked at, not followed.
    """
    if _fields(function).isdisjoint(members):
        return ""
    way = route(function, value)
    parent = way[-2] if len(way) > 1 else None
    if isinstance(parent, ast.Member):
        return parent.field if parent.field in members else ""
    for node in reversed(way):
        if isinstance(node, ast.Call):
            others = tuple(a for a in node.args if not a.start <= value.start < a.end)
            found = _member(others, members)
            if found:
                return found
    found = _of_variables(function, value, members)
    return found or _while_locked(function, value, members)


#: The fields named in the function that was asked of last: findings come function by
#: function, and most name none of the members.
_known: list[tuple[ast.Function, frozenset[str]]] = []


def _fields(function: ast.Function) -> frozenset[str]:
    if not _known or _known[0][0] is not function:
        found = (each.field for each in nodes(function.body) if isinstance(each, ast.Member))
        _known[:] = [(function, frozenset(found))]
    return _known[0][1]


def _member(node: tuple[object, ...], members: Collection[str]) -> str:
    for part in nodes(node):
        if isinstance(part, ast.Member) and part.field in members:
            return part.field
    return ""


def _of_variables(function: ast.Function, value: ast.Expr, members: Collection[str]) -> str:
    places = {value.start}
    variables: set[int] = set()
    parts = list(nodes(function.body))
    # Copies of copies: as many rounds as there are new variables.
    while True:
        fresh = set()
        for part in parts:
            if isinstance(part, ast.Declare) and part.init is not None:
                if _gives(part.init, places, variables):
                    fresh.add(part.at)
            elif isinstance(part, ast.Assign) and isinstance(part.target, ast.Name):
                if part.op == "=" and _gives(part.value, places, variables):
                    fresh.add(part.target.decl)
        fresh = {decl for decl in fresh if decl >= 0} - variables
        if not fresh:
            break
        variables |= fresh
    for part in parts:
        if isinstance(part, ast.Member) and part.field in members:
            if isinstance(part.base, ast.Name) and part.base.decl in variables:
                return part.field
    return ""


def _gives(expr: ast.Expr, places: Collection[int], variables: Collection[int]) -> bool:
    # Whether an expression's value is the value itself, or one of the variables.
    if isinstance(expr, ast.Cast):
        return _gives(expr.value, places, variables)
    if isinstance(expr, ast.Conditional):
        branches = (expr.then or expr.test, expr.other)
        return any(_gives(each, places, variables) for each in branches)
    if isinstance(expr, ast.Name):
        return expr.decl in variables
    return isinstance(expr, ast.Member) and expr.start in places


def _while_locked(function: ast.Function, value: ast.Expr, members: Collection[str]) -> str:
    held: dict[str, bool] = {}
    for part in nodes(function.body):
        if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Name):
            continue
        if part.start > value.start:
            break
        member = _member(part.args, members)
        if member and "lock" in part.func.name:
            held[member] = "unlock" not in part.func.name
    return next((member for member, locked in held.items() if locked), "")
