"""Whether an expression has the form of a pattern.

Comparison is by structure: places in the text, parentheses and comments do not count. A
constant among a call's arguments also finds itself or-ed with others.
A pattern's ``a->b`` also finds ``(*a).b`` and ``x.b``, where ``a`` is ``&x``.

Floor 3.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from pagefix.c import ast

__all__ = ["Bindings", "Bound", "match"]


class Bound(NamedTuple):
    """What a metavariable stands for.

    :param expr: the expression found.
    :param prefix: what must be written before it: ``&`` where ``$P->f`` matched
        ``x.f``, empty otherwise.
    """

    expr: ast.Expr
    prefix: str = ""


Bindings = dict[str, Bound]

#: Fields of a node that say where it is, not what it is.
_PLACES = frozenset({"start", "end", "at", "decl"})


def match(pattern: ast.Expr, expr: ast.Expr) -> Bindings | None:
    """Return what the metavariables stand for, or ``None`` if the form is another one.

    :param pattern: a :attr:`pagefix.rulebook.Match.tree`.
    """
    found: Bindings = {}
    return found if _same(pattern, expr, found) else None


def _same(pattern: object, value: object, found: Bindings) -> bool:
    if isinstance(pattern, ast.Name):
        if pattern.name.startswith("$"):
            return _bind(pattern.name[1:], Bound(cast("ast.Expr", value)), found)
        # A name in a pattern is the kernel's; a local of that name hides it.
        return (
            isinstance(value, ast.Name) and value.name == pattern.name and value.decl == ast.GLOBAL
        )
    if isinstance(pattern, ast.Member):
        return _same_member(pattern, value, found)
    if isinstance(pattern, ast.Call):
        return _same_call(pattern, value, found)
    parts = _parts(pattern, value)
    if parts is None:
        return pattern == value
    return all(name in _PLACES or _same(mine, theirs, found) for name, mine, theirs in parts)


def _parts(one: object, other: object) -> list[tuple[str, object, object]] | None:
    # Fields of two nodes (or members of two tuples) in pairs; None if they have none, or
    # are of two kinds.
    if not isinstance(one, tuple) or type(one) is not type(other):
        return None
    theirs = cast("tuple[object, ...]", other)
    if len(one) != len(theirs):
        return None
    names: tuple[str, ...] = getattr(one, "_fields", ("",) * len(one))
    return list(zip(names, one, theirs, strict=True))


def _same_call(pattern: ast.Call, value: object, found: Bindings) -> bool:
    # A constant that is handed over finds itself among others, too: FLAG in FLAG | OTHER.
    if not isinstance(value, ast.Call) or len(pattern.args) != len(value.args):
        return False
    return _same(pattern.func, value.func, found) and all(
        any(_same(mine, each, found) for each in _ored(theirs))
        if isinstance(mine, ast.Name) and not mine.name.startswith("$")
        else _same(mine, theirs, found)
        for mine, theirs in zip(pattern.args, value.args, strict=True)
    )


def _ored(expr: ast.Expr) -> tuple[ast.Expr, ...]:
    if isinstance(expr, ast.Binary) and expr.op == "|":
        return (*_ored(expr.left), *_ored(expr.right))
    return (expr,)


def _same_member(pattern: ast.Member, value: object, found: Bindings) -> bool:
    if not isinstance(value, ast.Member) or value.field != pattern.field:
        return False
    if pattern.arrow == value.arrow:
        return _same(pattern.base, value.base, found)
    if not pattern.arrow:
        return False
    # (*p).f is p->f, and x.f is (&x)->f.
    base = value.base
    if isinstance(base, ast.Unary) and base.op == "*":
        return _same(pattern.base, base.operand, found)
    if isinstance(pattern.base, ast.Name) and pattern.base.name.startswith("$"):
        return _bind(pattern.base.name[1:], Bound(base, "&"), found)
    return False


def _bind(name: str, bound: Bound, found: Bindings) -> bool:
    before = found.setdefault(name, bound)
    return before is bound or (before.prefix == bound.prefix and _equal(before.expr, bound.expr))


def _equal(one: object, other: object) -> bool:
    # The same text by structure, and the same variables by declaration. What a string
    # says is not kept, so two strings are never known to be equal.
    if isinstance(one, ast.String):
        return False
    parts = _parts(one, other)
    if parts is None:
        return one == other
    return all(
        name in ("start", "end", "at") or _equal(mine, theirs) for name, mine, theirs in parts
    )
