"""Ops families: which tables are installed together on one object.

Two tables are co-installed if one block stores both under the same object path, container
macros peeled: ``x->i_mapping->a_ops = &a; FOO_I(x)->tree.ops = &b;``. A page of one family
never reaches the methods of another, although both share all the code between the hooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pagefix.c import ast
from pagefix.program import Program

__all__ = ["companions"]


class _Install(NamedTuple):
    """One store of a global's address: where, under which object, on which branches."""

    table: str
    path: tuple[object, ...]
    branches: tuple[tuple[int, int], ...]


def companions(program: Program, table: str, where: str) -> list[tuple[str, str]]:
    """Return the globals co-installed with a table, as (name, file that names it)."""
    found: dict[tuple[str, str], None] = {}
    looked: set[tuple[str, int]] = set()
    for path, offset in program.callers(table):
        unit = program.unit(path)
        chunk = unit.chunk_at(offset)
        if chunk is None or (path, chunk.start) in looked:
            continue
        looked.add((path, chunk.start))
        for item in unit.items(chunk):
            if isinstance(item, ast.Function):
                installs = list(_installs(item.body, ()))
                for mine in installs:
                    if mine.table != table:
                        continue
                    for other in installs:
                        if other.table != table and _together(mine, other):
                            found[(other.table, path)] = None
    return list(found)


def _installs(node: object, branches: tuple[tuple[int, int], ...]) -> Iterator[_Install]:
    if isinstance(node, ast.Assign):
        value = node.value
        if isinstance(value, ast.Unary) and value.op == "&":
            value = value.operand
        if isinstance(value, ast.Name) and value.decl == ast.GLOBAL and value.name != "NULL":
            yield _Install(value.name, _object_path(node.target), branches)
        return
    if isinstance(node, ast.If):
        yield from _installs(node.then, (*branches, (node.start, 0)))
        if node.other is not None:
            yield from _installs(node.other, (*branches, (node.start, 1)))
        return
    if isinstance(node, ast.Switch):
        case = 0
        for each in node.body.body if isinstance(node.body, ast.Block) else ():
            if isinstance(each, ast.Case):
                case += 1
            yield from _installs(each, (*branches, (node.start, case)))
        return
    if isinstance(node, ast.Alternatives):
        for index, each in enumerate(node.branches):
            yield from _installs(each, (*branches, (node.start, index)))
        return
    if isinstance(node, tuple):
        for child in node:
            if isinstance(child, tuple):
                yield from _installs(child, branches)


def _object_path(expr: ast.Expr) -> tuple[object, ...]:
    fields: list[object] = []
    while True:
        if isinstance(expr, ast.Member):
            fields.append(expr.field)
            expr = expr.base
        elif isinstance(expr, ast.Unary):
            expr = expr.operand
        elif isinstance(expr, ast.Cast):
            expr = expr.value
        elif isinstance(expr, ast.Subscript):
            expr = expr.base
        elif isinstance(expr, ast.Call) and expr.args:
            # A container_of-like wrapper: what it wraps is the same object.
            fields.append(_WRAPPED)
            expr = expr.args[0]
        elif isinstance(expr, ast.Name):
            return (expr.decl if expr.decl != ast.GLOBAL else expr.name, *reversed(fields))
        else:
            return ()


_WRAPPED = "()"


def _together(mine: _Install, other: _Install) -> bool:
    if mine.path == other.path:
        return False  # the later store replaces the earlier one
    one, two = dict(mine.branches), dict(other.branches)
    if any(two.get(at, side) != side for at, side in one.items()):
        return False
    anchor = _anchor(mine.path)
    return (
        bool(anchor)
        and other.path[: len(anchor)] == anchor
        and len([name for name in other.path[len(anchor) :] if name != _WRAPPED]) <= _MAX_DISTANCE
    )


#: ``x->i_mapping->a_ops``: how many members lie between the object and a table's slot.
_MAX_DISTANCE = 3


def _anchor(path: tuple[object, ...]) -> tuple[object, ...]:
    # Before a container macro stands the object itself; else the slot and the
    # address_space that it lies in are cut off.
    if _WRAPPED in path:
        return path[: path.index(_WRAPPED)]
    return path[:-2] if len(path) > 2 else path[:-1]
