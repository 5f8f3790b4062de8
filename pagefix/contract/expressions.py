"""Expressions on a path: their signs, the tests in them, the effects they have.

First part of the interpreter (see :class:`pagefix.contract.statements.Frame`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pagefix.c import ast, walk
from pagefix.contract.judge import Judge
from pagefix.contract.states import ANY, NEG, NOTHING, POS, TRUE, ZERO, Root, State, behind, bounded
from pagefix.contract.subjects import Shape
from pagefix.contract.tests import MASKS
from pagefix.contract.words import base_of

__all__ = ["Expressions", "Values", "is_nothing", "key_of"]

#: Ways to come to a value: its signs, and what is known then.
Values = list[tuple[int, State]]

_ERROR = re.compile(r"E[A-Z0-9]{2,}\Z")
_SAME = frozenset("likely unlikely WARN_ON WARN_ON_ONCE READ_ONCE ERR_PTR ERR_CAST".split())
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class Expressions:
    """What an expression does to the states of a path."""

    def __init__(self, run: Judge, path: str, shape: Shape, roots: tuple[Root, ...]) -> None:
        self.run = run
        self.path = path
        self.shape = shape
        self.roots = roots

    # --- what it is about ---------------------------------------------------------

    def root(self, expr: ast.Expr) -> Root | None:
        """Return the object that an expression is about."""
        base = base_of(expr)
        if base is None or base.decl == ast.GLOBAL:
            return None
        return self.root_of(base.decl)

    def root_of(self, decl: int) -> Root:
        """Return the object that a variable is about."""
        about = self.shape.about(decl)
        index = self.shape.params.get(about)
        if index is not None and index < len(self.roots):
            return self.roots[index]
        return (self.path, about)

    def about(self, expr: ast.Expr) -> frozenset[Root]:
        """Return all objects that an expression names, itself or by the member that holds one."""
        found = set()
        for node in walk(expr):
            if isinstance(node, ast.Member):
                held = self.shape.put(node.base, node.field)
                root = self.root(held) if held is not None else None
                found |= {root} if root is not None else set()
            elif isinstance(node, ast.Name) and node.decl != ast.GLOBAL:
                found.add(self.root_of(node.decl))
        return frozenset(found)

    # --- values -------------------------------------------------------------------

    def eval(self, expr: ast.Expr | None, state: State) -> Values:
        """Return the ways through an expression."""
        if expr is None:
            return [(ANY, state)]
        # The most frequent first: a pattern after the other takes time.
        if isinstance(expr, ast.Name):
            return [(self._name(expr, state), state)]
        if isinstance(expr, ast.Number):
            return [(_sign(expr.value), state)]
        match expr:
            case ast.Cast():
                return self.eval(expr.value, state)
            case ast.Call() | ast.Member() | ast.Subscript() if self.run.inert(self, expr):
                return [(self._plain(expr, state), state)]
            case ast.Unary():
                return self._unary(expr, state)
            case ast.Binary():
                return self._binary(expr, state)
            case ast.Assign():
                return self._assign(expr, state)
            case ast.Conditional():
                return self._conditional(expr, state)
            case ast.Call():
                return self.call(expr, state)
            case ast.Member():
                return self._member(expr, state)
            case ast.StatementExpr():
                return [(ANY, each) for each in self.block(expr.body, state)]
        return [(ANY, each) for each in self._parts(expr, [state])]

    def _plain(self, expr: ast.Expr, state: State) -> int:
        # The signs of a call that changes nothing: the few that are known by name.
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and len(expr.args) == 1:
            if expr.func.name in _SAME:
                return self.eval(expr.args[0], state)[0][0]
            if expr.func.name == "PTR_ERR":
                return NEG if self.eval(expr.args[0], state)[0][0] == NEG else ANY
        return ANY

    def block(self, body: ast.Block, state: State) -> list[State]:
        """Return what is known behind ``({ ... })``; statements are known further up."""
        raise NotImplementedError

    def _parts(self, expr: object, states: list[State]) -> list[State]:
        # Whatever stands in an expression, in the order of the text.
        if isinstance(expr, tuple):
            for child in expr:
                if hasattr(child, "_fields") and hasattr(child, "start"):
                    states = self.after(child, states)
                elif isinstance(child, tuple):
                    states = self._parts(child, states)
        return states

    def after(self, expr: ast.Expr, states: Iterable[State]) -> list[State]:
        """Return what is known behind an expression."""
        if isinstance(expr, ast.Name | ast.Number) or self.run.inert(self, expr):
            return states if isinstance(states, list) else list(states)
        return bounded(state for each in states for _, state in self.eval(expr, each))

    def _name(self, expr: ast.Name, state: State) -> int:
        if expr.decl != ast.GLOBAL:
            return state.number(expr.decl)
        if expr.name in ("NULL", "false"):
            return ZERO
        return POS if expr.name == "true" or _ERROR.match(expr.name) else ANY

    def _unary(self, expr: ast.Unary, state: State) -> Values:
        if expr.op == "!":
            true, false = self.cond(expr.operand, state)
            return [*((ZERO, each) for each in true), *((POS, each) for each in false)]
        if expr.op in ("++_", "--_", "_++", "_--"):
            self.run.effect_of_change(self, expr, expr.operand, state, up="+" in expr.op)
            return [
                (ANY, self._forget(expr.operand, each))
                for _, each in self._target(expr.operand, state)
            ]
        if expr.op == "&":
            return [
                (TRUE, self._forget(expr.operand, each))
                for _, each in self._target(expr.operand, state)
            ]
        values = self.eval(expr.operand, state)
        if expr.op == "*" and (key := key_of(expr)) is not None:
            return [(each.number(key), each) for _, each in values]
        if expr.op == "-":
            return [(_negated(mask), each) for mask, each in values]
        return [(ANY, each) for _, each in values]

    def _target(self, expr: ast.Expr, state: State) -> Values:
        # A place that is named, not read: a member in it is no test.
        if isinstance(expr, ast.Member):
            return [(ANY, each) for each in self.after(expr.base, [state])]
        return self.eval(expr, state)

    def _forget(self, expr: ast.Expr, state: State) -> State:
        key = key_of(expr)
        return state if key is None else state.knowing(key, ANY)

    def _binary(self, expr: ast.Binary, state: State) -> Values:
        if expr.op in ("&&", "||"):
            true, false = self.cond(expr, state)
            return [*((POS, each) for each in true), *((ZERO, each) for each in false)]
        if expr.op in MASKS:
            true, false = self._compared(expr, state)
            return [*((POS, each) for each in true), *((ZERO, each) for each in false)]
        if expr.op == ",":
            return [
                way
                for _, each in self.eval(expr.left, state)
                for way in self.eval(expr.right, each)
            ]
        good = None
        if expr.op == "&" and self.run.asked(self, expr):
            good = self.run.tests.of_mask(expr)
        if good is not None:
            return self.tested(expr, good, state)
        return [(ANY, each) for each in self._parts(expr, [state])]

    def _member(self, expr: ast.Member, state: State) -> Values:
        good = self.run.tests.of_member(expr)
        if good is not None:
            return self.tested(expr, good, state)
        return [(ANY, each) for each in self.after(expr.base, [state])]

    def tested(self, expr: ast.Expr, good: int, state: State) -> Values:
        """Return the two ways through a test: the value is good, or it is not."""
        bad = ANY & ~good
        if good == ZERO and not (isinstance(expr, ast.Call) and self.run.tests.named(expr)):
            # A flag or a count is never negative; what a function returns may be an error.
            bad = POS
        return [(good, self.proven(expr, state)), (bad, state)]

    def proven(self, expr: ast.Expr, state: State) -> State:
        """Return the state after a test that came out well."""
        if not self.run.met(self.path, expr, self.shape.function.name):
            return state
        fresh = state.locked or not self.run.demand.lock
        return state.tested(self.about(expr) or (NOTHING,), fresh)

    def _conditional(self, expr: ast.Conditional, state: State) -> Values:
        true, false = self.cond(expr.test, state)
        then = expr.then if expr.then is not None else expr.test
        return [
            *(way for each in true for way in self.eval(then, each)),
            *(way for each in false for way in self.eval(expr.other, each)),
        ]

    def _assign(self, expr: ast.Assign, state: State) -> Values:
        self.run.effect_of_store(self, expr, state)
        self.run.given.add(id(expr.value))
        values: Values = []
        taken = self.run.tests.taken
        if taken and isinstance(expr.value, ast.Member) and expr.value.field in taken:
            state = self.proven(expr, state)
        for mask, each in self._assigned(expr, state):
            key = key_of(expr.target)
            if key is not None:
                values.append((mask, each.knowing(key, mask)))
            else:
                values += [(mask, after) for _, after in self._target(expr.target, each)]
        return values

    def _assigned(self, expr: ast.Assign, state: State) -> Values:
        if expr.op == "=":
            return self.eval(expr.value, state)
        return [(ANY, each) for each in self.after(expr.value, [state])]

    def call(self, expr: ast.Call, state: State) -> Values:
        """Return the ways through a call."""
        name = expr.func.name if isinstance(expr.func, ast.Name) else ""
        if name in _SAME and len(expr.args) == 1:
            return self.eval(expr.args[0], state)
        if name == "PTR_ERR":
            return [(NEG if mask == NEG else mask, s) for mask, s in self.eval(expr.args[0], state)]
        if name in ("IS_ERR", "IS_ERR_OR_NULL") and len(expr.args) == 1:
            bad = NEG if name == "IS_ERR" else NEG | ZERO
            true, false = self._split(expr.args[0], state, bad)
            return [*((POS, each) for each in true), *((ZERO, each) for each in false)]
        return self.run.call(self, expr, name, state)

    # --- conditions ---------------------------------------------------------------

    def cond(self, expr: ast.Expr, state: State) -> tuple[list[State], list[State]]:
        """Return what is known where a condition is true, and where it is false."""
        if isinstance(expr, ast.Unary) and expr.op == "!":
            true, false = self.cond(expr.operand, state)
            return false, true
        if isinstance(expr, ast.Binary) and expr.op in ("&&", "||"):
            true, false = self.cond(expr.left, state)
            if expr.op == "&&":
                ways = [self.cond(expr.right, each) for each in bounded(true)]
                return bounded(s for t, _ in ways for s in t), bounded(
                    [*false, *(s for _, f in ways for s in f)]
                )
            ways = [self.cond(expr.right, each) for each in bounded(false)]
            return bounded([*true, *(s for t, _ in ways for s in t)]), bounded(
                s for _, f in ways for s in f
            )
        if isinstance(expr, ast.Binary) and expr.op in MASKS:
            return self._compared(expr, state)
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name):
            if expr.func.name in _SAME and len(expr.args) == 1:
                return self.cond(expr.args[0], state)
            if expr.func.name in ("IS_ERR", "IS_ERR_OR_NULL") and len(expr.args) == 1:
                bad = NEG if expr.func.name == "IS_ERR" else NEG | ZERO
                return self._split(expr.args[0], state, bad)
        return self._split(expr, state, TRUE)

    def _compared(self, expr: ast.Binary, state: State) -> tuple[list[State], list[State]]:
        left, right, op = expr.left, expr.right, expr.op
        if is_nothing(left):
            left, right, op = right, left, _FLIPPED[op]
        if is_nothing(right):
            return self._split(left, state, MASKS[op])
        good = self.run.comparison(self, expr)
        if good is None:
            after = self._parts(expr, [state])
            return after, after
        true, false = [], []
        for mask, each in self.tested(expr, good, state):
            if mask & TRUE:
                true.append(each)
            if mask & ZERO:
                false.append(each)
        return true, false

    def _split(self, expr: ast.Expr, state: State, mask: int) -> tuple[list[State], list[State]]:
        true, false = [], []
        for value, each in self.eval(expr, state):
            if value & mask:
                true.append(self._refined(expr, each, value & mask))
            if value & ~mask:
                false.append(self._refined(expr, each, value & ~mask))
        return bounded(true), bounded(false)

    def _refined(self, expr: ast.Expr, state: State, mask: int) -> State:
        if isinstance(expr, ast.Assign):
            expr = expr.target
        key = key_of(expr)
        return state if key is None else state.knowing(key, mask)


def key_of(expr: ast.Expr) -> int | None:
    """Return under which key the signs of a local, or of what it points to, are known."""
    if isinstance(expr, ast.Name):
        return expr.decl if expr.decl != ast.GLOBAL else None
    if isinstance(expr, ast.Unary) and expr.op == "*" and isinstance(expr.operand, ast.Name):
        return behind(expr.operand.decl) if expr.operand.decl != ast.GLOBAL else None
    return None


def _sign(value: int | None) -> int:
    if value is None:
        return ANY
    return ZERO if value == 0 else POS if value > 0 else NEG


def _negated(mask: int) -> int:
    return mask & ZERO | (POS if mask & NEG else 0) | (NEG if mask & POS else 0)


def is_nothing(expr: ast.Expr) -> bool:
    """Tell whether an expression is zero, false or NULL."""
    if isinstance(expr, ast.Cast):
        return is_nothing(expr.value)
    if isinstance(expr, ast.Number):
        return expr.value == 0
    return isinstance(expr, ast.Name) and expr.decl == ast.GLOBAL and expr.name in ("NULL", "false")
