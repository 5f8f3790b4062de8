"""Declarations inside one item, found by their offset or by name and place.

Walking a whole function for its declarations costs more than parsing it; a node that
does not hold the offset asked for is not entered.

Floor 2: imports only :mod:`pagefix.c.ast`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagefix.c.ast import (
    GLOBAL,
    Alternatives,
    Base,
    Block,
    Call,
    Declare,
    Expr,
    ExprStmt,
    Field,
    ForEach,
    Global,
    Name,
    Param,
    Stmt,
    TypeOf,
)

__all__ = [
    "calls_around",
    "calls_naming",
    "declaration",
    "declarations",
    "field_macro",
    "statements",
    "used_name",
    "value",
    "visible",
]


def _apart(node: tuple[object, ...], at: int) -> bool:
    # Whether a node has a span, and not around the offset.
    if len(node) < 2:
        return False
    start, end = node[0], node[1]
    return isinstance(start, int) and isinstance(end, int) and not start <= at < end


def _parts(node: tuple[object, ...], at: int) -> Iterator[tuple[object, ...]]:
    # The tuples directly below a node that may hold an offset.
    for part in node:
        if isinstance(part, tuple) and part and not _apart(part, at):
            yield part


def declaration(node: tuple[object, ...], at: int) -> Declare | Param | None:
    """Return the declaration whose name stands at an offset."""
    for part in _parts(node, at):
        if isinstance(part, Declare | Param) and part.at == at:
            return part
        found = declaration(part, at)
        if found is not None:
            return found
    return None


def visible(node: tuple[object, ...], name: str, at: int) -> Declare | Param | None:
    """Return the innermost declaration of a name that is in scope at an offset."""
    found: Declare | Param | None = None
    for part in node:
        if not isinstance(part, tuple) or not part:
            continue
        if isinstance(part, Declare | Param) and part.name == name and part.at < at:
            found = part
        if not _apart(part, at):
            found = visible(part, name, at) or found
    return found


def calls_around(node: tuple[object, ...], at: int) -> list[Call]:
    """Return the calls, loop heads among them, that an offset lies in; innermost first."""
    found: list[Call] = []
    for part in _parts(node, at):
        found += calls_around(part, at)
        if isinstance(part, ForEach):
            if part.head not in found:
                found.append(part.head)
        elif isinstance(part, Call):
            found.append(part)
    return found


def calls_naming(node: object, name: str) -> Iterator[Call]:
    """Yield the calls with a name among their arguments."""
    if isinstance(node, tuple):
        if isinstance(node, Call) and _names(node, name):
            yield node
        for part in node:
            if isinstance(part, tuple):
                yield from calls_naming(part, name)


def statements(node: object) -> Iterator[Call | Name]:
    """Yield the calls and names that stand as statements of their own."""
    if isinstance(node, ExprStmt):
        if isinstance(node.value, Call | Name):
            yield node.value
    elif isinstance(node, tuple):
        for part in node:
            if isinstance(part, tuple):
                yield from statements(part)


def used_name(use: Call | Name) -> str:
    """Return the name of what may be a macro; empty for a call through a pointer."""
    func = use.func if isinstance(use, Call) else use
    return func.name if isinstance(func, Name) else ""


def field_macro(field: Field) -> Call | Name | None:
    """Return the macro that a field of a record may be: it stands where its type does."""
    if isinstance(field.type, TypeOf):
        return field.type.value if isinstance(field.type.value, Call | Name) else None
    if isinstance(field.type, Base):
        return Name(field.at, field.at, field.type.name, GLOBAL)
    return None


def _names(call: Call, name: str) -> bool:
    return any(isinstance(arg, Name) and arg.name == name for arg in call.args)


def declarations(node: object) -> Iterator[Declare | Param | Global]:
    """Yield everything that is declared below a node."""
    if isinstance(node, Declare | Param | Global):
        yield node
    if isinstance(node, tuple):
        for part in node:
            if isinstance(part, tuple):
                yield from declarations(part)


def value(stmt: Stmt) -> Expr | None:
    """Return the expression whose value a statement expression has."""
    if isinstance(stmt, ExprStmt):
        return stmt.value
    if isinstance(stmt, Block):
        return value(stmt.body[-1]) if stmt.body else None
    if isinstance(stmt, Alternatives):
        found = [value(branch) for branch in stmt.branches]
        return next((each for each in found if each is not None), None)
    return None
