"""Small questions about a function's syntax, answered once per function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pagefix.c import ast, walk

__all__ = [
    "Shape",
    "cases",
    "has_default",
    "is_logical",
    "is_number",
    "root_of",
    "shape_of",
    "substitute",
]


class Shape(NamedTuple):
    """What the interpreter wants to know of a body before it runs it.

    :param types: declared type of each local and parameter, by the name's offset.
    :param boxed: locals that live in the heap: their address is taken, or they are
        records or arrays.
    :param static: locals that outlive the call, which are boxed too.
    :param labels: for each statement that holds labels, their names (keyed by the
        statement's span).
    :param backward: whether a ``goto`` leads back: the body is a loop then.
    :param names: the global names it mentions.
    :param counters: for each loop, by its span, the locals that it counts with.
    """

    types: dict[int, ast.Type]
    boxed: frozenset[int]
    static: frozenset[int]
    labels: dict[tuple[int, int], frozenset[str]]
    backward: bool
    names: frozenset[str]
    counters: dict[tuple[int, int], frozenset[int]]


def root_of(expr: ast.Expr) -> ast.Name | None:
    """Return the variable that an lvalue lies in, if it lies in one (``x.a[3].b``)."""
    while True:
        if isinstance(expr, ast.Name):
            return expr
        if isinstance(expr, ast.Member) and not expr.arrow:
            expr = expr.base
        elif isinstance(expr, ast.Subscript):
            expr = expr.base
        else:
            return None


def shape_of(params: tuple[ast.Param, ...], body: object) -> Shape:
    """Return the :class:`Shape` of a body with its parameters."""
    types: dict[int, ast.Type] = {param.at: param.type for param in params}
    boxed = {param.at for param in params if _is_record(param.type)}
    static: set[int] = set()
    names: set[str] = set()
    labels: dict[str, int] = {}
    jumps: list[tuple[str, int]] = []
    loops: list[tuple[int, int]] = []
    steps: list[tuple[int, int]] = []
    for node in walk(body):
        if isinstance(node, ast.Declare):
            types[node.at] = node.type
            if isinstance(node.type, ast.Array | ast.Record) or _is_record(node.type):
                boxed.add(node.at)
            # A constant of an enumeration in a body has no type, and no place.
            if node.static and not isinstance(node.type, ast.UnknownType):
                static.add(node.at)
        elif isinstance(node, ast.While | ast.For | ast.ForEach):
            loops.append((node.start, node.end))
        elif isinstance(node, ast.Assign):
            if node.op != "=" and isinstance(node.target, ast.Name):
                steps.append((node.start, node.target.decl))
        elif isinstance(node, ast.Unary) and "_" in node.op:
            if isinstance(node.operand, ast.Name):
                steps.append((node.start, node.operand.decl))
        elif isinstance(node, ast.Unary) and node.op == "&":
            root = root_of(node.operand)
            if root is not None and root.decl != ast.GLOBAL:
                boxed.add(root.decl)
        elif isinstance(node, ast.Name) and node.decl == ast.GLOBAL:
            names.add(node.name)
        elif isinstance(node, ast.Label):
            labels[node.name] = node.start
        elif isinstance(node, ast.Goto) and node.label is not None:
            jumps.append((node.label, node.start))
    backward = any(labels.get(label, at) < at for label, at in jumps)
    counters = {
        (start, end): frozenset(decl for at, decl in steps if start <= at < end)
        for start, end in loops
    }
    return Shape(
        types,
        frozenset(boxed | static),
        frozenset(static),
        _holders(body),
        backward,
        frozenset(names),
        counters,
    )


def _is_record(type_: ast.Type) -> bool:
    return isinstance(type_, ast.Base) and type_.name.startswith(("struct ", "union "))


def _holders(body: object) -> dict[tuple[int, int], frozenset[str]]:
    found: dict[tuple[int, int], frozenset[str]] = {}

    def visit(node: object) -> frozenset[str]:
        inside: frozenset[str] = frozenset()
        if isinstance(node, ast.Label):
            inside = frozenset((node.name,))
        elif isinstance(node, tuple):
            for child in node:
                if isinstance(child, tuple):
                    inside |= visit(child)
        start, end = getattr(node, "start", -1), getattr(node, "end", -1)
        if inside and start >= 0:
            found[(start, end)] = found.get((start, end), frozenset()) | inside
        return inside

    visit(body)
    return found


def substitute(
    node: object,
    arguments: dict[int, ast.Expr],
    types: dict[str, ast.Type],
    fields: dict[str, ast.Name],
    rest: tuple[ast.Expr, ...] = (),
) -> object:
    """Return a macro's body with arguments in the place of its parameters.

    :param arguments: by the offset of the parameter's name in the ``#define``.
    :param types: those arguments that are types, by the parameter's name.
    :param fields: those that are names, by the parameter's name.
    :param rest: what ``__VA_ARGS__`` stands for.
    """
    if not isinstance(node, tuple):
        return node
    if isinstance(node, ast.Name):
        return arguments.get(node.decl, node) if node.decl != ast.GLOBAL else node
    if isinstance(node, ast.Base):
        return types.get(node.name, node)
    if isinstance(node, ast.Member) and node.field in fields:
        # The field is an argument: it is written, and so it lies, where the macro is used.
        name = fields[node.field]
        base = substitute(node.base, arguments, types, fields, rest)
        return node._replace(
            start=name.start, end=name.end, base=base, field=name.name, at=name.start
        )
    children: list[Any] = []
    for child in node:
        if isinstance(child, ast.Name) and child.name == "__VA_ARGS__":
            children.extend(rest)
        else:
            children.append(substitute(child, arguments, types, fields, rest))
    if hasattr(node, "_fields"):
        return type(node)(*children) if len(children) == len(node) else node
    return tuple(children)


def is_number(expr: ast.Expr) -> bool:
    """Return whether an expression is a number or a text by its form, whatever its names mean."""
    if isinstance(expr, ast.Unary):
        return expr.op in ("-", "~", "!")
    if isinstance(expr, ast.Binary):
        return expr.op not in ("+", "-", ",")
    if isinstance(expr, ast.Opaque):
        return any(isinstance(part, ast.String) for part in expr.parts)
    return isinstance(expr, ast.Number | ast.String | ast.SizeOf | ast.OffsetOf)


def is_logical(expr: ast.Expr) -> bool:
    """Return whether an expression is ``&&``, ``||`` or ``!``."""
    if isinstance(expr, ast.Binary):
        return expr.op in ("&&", "||")
    return isinstance(expr, ast.Unary) and expr.op == "!"


def has_default(body: ast.Stmt) -> bool:
    """Return whether a switch has a default label."""
    return any(case.value is None for case in cases(body))


def cases(body: ast.Stmt) -> Iterator[ast.Case]:
    """Yield the labels of one switch, not of another within it."""
    if isinstance(body, ast.Case):
        yield body
    for each in body.body if isinstance(body, ast.Block) else ():
        yield from cases(each)
    for each in body.branches if isinstance(body, ast.Alternatives) else ():
        yield from cases(each)
