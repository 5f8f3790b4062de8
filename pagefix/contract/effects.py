"""Effects on a path: what must not happen to an object that was not tested.

First part of the walk (see :class:`pagefix.contract.run.Run`).
"""

from __future__ import annotations

from typing import NamedTuple

from pagefix.c import ast
from pagefix.contract.expressions import Expressions, is_nothing
from pagefix.contract.states import Root, State
from pagefix.contract.words import is_named, mentions
from pagefix.rulebook import Demand, Effect

__all__ = ["Effects", "Hit", "Link"]


class Link(NamedTuple):
    """A call on a path."""

    path: str
    start: int
    end: int
    callee: str


class Hit(NamedTuple):
    """An effect that is reached without a test.

    :param stale: there is a test, but not under the lock that is needed.
    :param function: name of the function that it lies in.
    """

    effect: Effect
    stale: bool
    path: str
    start: int
    end: int
    function: str
    links: tuple[Link, ...]


class Effects:
    """What notes the effects of one demand.

    :param need: the role's parameters that must have been tested.
    :param guards: functions that may hold a test.
    """

    def __init__(
        self,
        demand: Demand,
        effects: tuple[Effect, ...],
        need: frozenset[Root],
        guards: frozenset[str],
    ) -> None:
        self.demand = demand
        self.effects = effects
        self.need = need
        self.kept: dict[tuple[str, int, int], str] = {}
        self.locked: set[bool] = set()
        self.overlooked: tuple[str, int, int] | None = None
        self._guards = guards
        # What variables were given on the ways walked so far: under `if (0)` nothing is.
        self.given: set[int] = set()
        self._hits: list[Hit] = []

    def met(self, path: str, expr: ast.Expr, function: str) -> bool:
        """Note a test that stands on a path; tell whether it counts."""
        place = (path, expr.start, expr.end)
        self.kept.setdefault(place, function)
        return place != self.overlooked

    def effect_of_call(self, frame: Expressions, expr: ast.Call, name: str, state: State) -> None:
        """Note a call that is an effect."""
        for effect in self.effects:
            if self._is_effect(frame, expr, name, effect):
                subject = effect.subject
                place = None
                if subject is not None and subject < len(expr.args):
                    place = expr.args[subject]
                elif effect.of and expr.args:
                    place = frame.shape.put(expr.args[0], effect.of)
                if effect.bound is None:
                    self.note(frame, effect, expr, place, state)
                else:
                    self._note_number(frame, effect, expr, state)

    def _note_number(
        self, frame: Expressions, effect: Effect, expr: ast.Call, state: State
    ) -> None:
        # A number is right if it is taken from what it must not exceed, and if that was
        # compared where the number is what is left of it: a difference must not wrap.
        by = frozenset(effect.by)
        assert effect.bound is not None
        arg = expr.args[effect.bound]
        if not frame.shape.depends(arg, by, given=self.given):
            self.note(frame, effect, expr, None, state._replace(marks=frozenset()))
        elif frame.shape.depends(arg, by, rest=True, given=self.given):
            self.note(frame, effect, expr, None, state)
        else:
            self.met(frame.path, expr, frame.shape.function.name)

    def _is_effect(self, frame: Expressions, expr: ast.Call, name: str, effect: Effect) -> bool:
        if effect.passes and self._passes(frame, expr, name):
            return True
        method = expr.func.field if isinstance(expr.func, ast.Member) else name
        if method not in effect.call:
            return False
        if effect.mentions and not _set(expr.args, frozenset(effect.mentions)):
            return False
        return effect.bound is None or effect.bound < len(expr.args)

    def _passes(self, frame: Expressions, expr: ast.Call, name: str) -> bool:
        if len(self.need) < 2 or name in self._guards or name.startswith("trace_"):
            return False
        roots = {frame.root(arg) for arg in expr.args}
        return self.need <= roots and any(
            root is not None and root[0] == "" and root not in self.need for root in roots
        )

    def effect_of_store(self, frame: Expressions, expr: ast.Assign, state: State) -> None:
        """Note an assignment that is an effect."""
        for effect in self.effects:
            if effect.store and expr.op == "|=" and mentions(expr.value, frozenset(effect.store)):
                self.note(frame, effect, expr, None, state)
            elif (
                isinstance(expr.target, ast.Member)
                and expr.target.field in effect.field
                and not is_nothing(expr.value)
            ):
                about: ast.Expr | None = expr.target if effect.subject is not None else None
                if effect.of:
                    about = frame.shape.put(expr.value, effect.of)
                self.note(frame, effect, expr, about, state)

    def effect_of_change(
        self, frame: Expressions, expr: ast.Unary, place: ast.Expr, state: State, *, up: bool
    ) -> None:
        """Note a count that is an effect."""
        for effect in self.effects:
            if up and isinstance(place, ast.Member) and place.field in effect.field:
                about = place if effect.subject is not None else None
                self.note(frame, effect, expr, about, state)

    def note(
        self,
        frame: Expressions,
        effect: Effect,
        node: ast.Expr,
        place: ast.Expr | None,
        state: State,
    ) -> None:
        """Note an effect, unless what it is about has been tested."""
        root = frame.root(place) if place is not None else None
        need = frozenset((root,)) if root is not None else self.need
        self.locked.add(state.locked)
        if self.demand.held and state.locked:
            self.met(frame.path, node, frame.shape.function.name)
            return
        held = {mark[0] for mark in state.marks if mark[1]}
        known = {mark[0] for mark in state.marks}
        if (need <= held) if need else held:
            return
        stale = bool(need <= known if need else known)
        self._hits.append(
            Hit(effect, stale, frame.path, node.start, node.end, frame.shape.function.name, ())
        )


def _set(node: object, names: frozenset[str]) -> bool:
    # Whether a name is mentioned, other than as what is taken out: flags & ~NAME.
    if not isinstance(node, tuple) or (isinstance(node, ast.Unary) and node.op == "~"):
        return False
    return is_named(node, names) or any(_set(child, names) for child in node)
