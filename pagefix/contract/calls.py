"""What goes into a call and comes back from it."""

from __future__ import annotations

from typing import Any

from pagefix.c import ast, walk
from pagefix.contract.expressions import Expressions, key_of
from pagefix.contract.states import ANY, NEG, POS, ZERO, State, behind

__all__ = ["always", "handed", "most_locked", "paired", "stub", "substituted", "unknowing"]


def most_locked(ways: tuple[tuple[int, State], ...]) -> tuple[tuple[int, State], ...]:
    """Return the ways through a function of which only the lock matters."""
    # Which lock a function takes or drops is told by flags that are not followed: only what
    # it does on every way is believed, where that could make a finding.
    best: dict[int, State] = {}
    for mask, state in ways:
        known = best.get(mask)
        if known is None or (state.locked, _fresh(state)) > (known.locked, _fresh(known)):
            best[mask] = state
    return tuple(best.items())


def _fresh(state: State) -> int:
    return sum(fresh for _, fresh in state.marks)


def unknowing(expr: ast.Call, state: State) -> State:
    """Return the state behind a call that is not followed."""
    # A callee that is not entered may change what it is given the address of.
    for arg in expr.args:
        if isinstance(arg, ast.Name) and arg.decl != ast.GLOBAL:
            state = state.knowing(behind(arg.decl), ANY)
    return state


def stub(function: ast.Function) -> bool:
    """Tell whether a function does nothing: that of another configuration."""
    body = function.body.body
    return not body or (
        len(body) == 1 and isinstance(body[0], ast.Return) and _plain(body[0].value)
    )


def _plain(value: ast.Expr | None) -> bool:
    if isinstance(value, ast.Unary):
        return _plain(value.operand)
    return value is None or isinstance(value, ast.Number | ast.Name)


def always(function: ast.Function, good: int) -> bool:
    """Tell whether a function returns nothing but constants of some signs."""
    values = [node.value for node in walk(function.body) if isinstance(node, ast.Return)]
    return bool(values) and all(_constant(each) & ~good == 0 for each in values)


def _constant(value: ast.Expr | None) -> int:
    # The sign of a constant; all of them where it is none.
    if isinstance(value, ast.Unary) and value.op == "-":
        return {POS: NEG, NEG: POS}.get(_constant(value.operand), ANY)
    if isinstance(value, ast.Number) and value.value is not None:
        return ZERO if value.value == 0 else POS if value.value > 0 else NEG
    if isinstance(value, ast.Name) and value.decl == ast.GLOBAL:
        return {"true": POS, "false": ZERO, "NULL": ZERO}.get(value.name, ANY)
    return ANY


def paired(function: ast.Function, expr: ast.Call) -> list[tuple[ast.Param, ast.Expr | None]]:
    """Return the parameters of a function with the arguments of a call."""
    args: tuple[ast.Expr | None, ...] = expr.args
    missing = len(function.params) - len(args)
    return list(zip(function.params, (*args, *[None] * missing), strict=False))


def handed(
    frame: Expressions, param: ast.Param, arg: ast.Expr, state: State
) -> list[tuple[int, int]]:
    """Return what is known of an argument, by the callee's key."""
    # The signs of an argument that is a constant or a variable, or points to one.
    if isinstance(arg, ast.Unary) and arg.op == "&":
        key = key_of(arg.operand)
        return [] if key is None else [(behind(param.at), state.number(key))]
    if isinstance(arg, ast.Name) and arg.decl != ast.GLOBAL:
        pointed = state.number(behind(arg.decl))
        return [(param.at, state.number(arg.decl)), (behind(param.at), pointed)]
    if isinstance(arg, ast.Name | ast.Number):
        return [(param.at, frame.eval(arg, state)[0][0])]
    return []


def substituted(node: object, places: dict[int, ast.Expr]) -> object:
    """Return a macro's body with arguments in the place of its parameters."""
    # A macro's body with arguments in the place of its parameters.
    if not isinstance(node, tuple):
        return node
    if isinstance(node, ast.Name):
        return places.get(node.decl, node) if node.decl != ast.GLOBAL else node
    children: list[Any] = [substituted(child, places) for child in node]
    return type(node)(*children) if hasattr(node, "_fields") else tuple(children)
