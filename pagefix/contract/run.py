"""From a role's entry to the effects without a test: one demand of one role.

In: a function, the demand, the effects. Out: the effects that a path reaches although no
test stands on it (:class:`Hit`), each with the calls that lead there.
"""

from __future__ import annotations

from typing import NamedTuple

from pagefix.c import ast
from pagefix.contract.calls import (
    always,
    handed,
    most_locked,
    paired,
    stub,
    substituted,
    unknowing,
)
from pagefix.contract.content import Content
from pagefix.contract.effects import Effects, Hit, Link
from pagefix.contract.expressions import Expressions, Values, key_of
from pagefix.contract.locks import Lock, lock_of
from pagefix.contract.naming import Naming
from pagefix.contract.sources import FEW, Sources
from pagefix.contract.statements import ENDS, Frame
from pagefix.contract.states import ANY, NOTHING, Root, State, behind
from pagefix.contract.subjects import Shape
from pagefix.contract.tests import Tests
from pagefix.rulebook import Demand, Effect

__all__ = ["Relevant", "Run", "Start"]

#: How deep calls are followed.
_DEPTH = 14


class Start(NamedTuple):
    """Where a role begins.

    :param commands: cases of a ``switch`` in it that the role is about.
    :param subject: its parameters that must have been tested.
    """

    path: str
    function: ast.Function
    commands: frozenset[str]
    subject: tuple[int, ...]


class Relevant(NamedTuple):
    """Functions that are worth entering, for what they may hold."""

    guards: frozenset[str] = frozenset()
    effects: frozenset[str] = frozenset()
    locks: frozenset[str] = frozenset()


class _Result(NamedTuple):
    ways: tuple[tuple[int, State], ...]
    hits: tuple[Hit, ...]


class Run(Effects):
    """The walk through one role for one demand.

    :param relevant: functions that are worth entering; others have no say.
    """

    def __init__(
        self,
        sources: Sources,
        start: Start,
        demand: Demand,
        effects: tuple[Effect, ...],
        relevant: Relevant,
        shapes: dict[tuple[str, int, int], Shape],
    ) -> None:
        need = frozenset(("", index) for index in start.subject)
        super().__init__(demand, effects, need, relevant.guards)
        self.sources = sources
        self.start = start
        self.tests = Tests(demand)
        # The lock that matters is the inode's, unless the demand names another.
        self._locks = frozenset(demand.under)
        self.relevant = relevant.guards | relevant.effects | relevant.locks
        self._core = relevant.guards | relevant.effects
        self._shapes = shapes
        self._compared: dict[int, tuple[int | None, ast.Expr]] = {}
        self._inert: dict[int, tuple[bool, ast.Expr | ast.Stmt]] = {}
        self._calls = frozenset(name for effect in effects for name in effect.call)
        # Calls that may change what is known.
        self._alive = self.relevant | self._calls | self.tests.calls | ENDS
        self._told = self.tests.names | self.tests.taken
        for effect in effects:
            self._told |= {*effect.store, *effect.field}
        # An effect that any call may be.
        self._strict = any(effect.passes for effect in effects)
        self._memo: dict[tuple[object, ...], _Result | None] = {}
        self._depth = 0
        self.unheeded: ast.Expr | None = None
        self.hasty = False
        self._hollow: dict[tuple[str, str], bool] = {}

    def hits(self, state: State) -> tuple[tuple[Hit, ...], Values]:
        """Walk the role; return what is reached untested, and the ways out of it."""
        function = self.start.function
        roots: tuple[Root, ...] = tuple(("", index) for index in range(len(function.params)))
        frame = Frame(
            self,
            self.start.path,
            self._shape(self.start.path, function),
            roots,
            self.start.commands,
        )
        ways = frame.walk(state)
        return tuple(self._hits), ways

    def hurry(self) -> None:
        """Leave a way where nothing can be missing on it any more.

        Then not all tests are met that stand on the ways, and not all effects: no use where
        those are asked for. A test that an unlock undoes, or another object, settles nothing.
        """
        self.hasty = not self.demand.lock and all(
            effect.subject is None and effect.bound is None and not effect.of
            for effect in self.effects
        )

    def settled(self, state: State) -> bool:
        """Tell whether what a path is about has been tested for good."""
        held = {root for root, fresh in state.marks if fresh}
        # A local is given another value in the next round of a loop; a parameter is not.
        return self.need <= held if self.need else any(root[0] == "" for root in held)

    # --- calls --------------------------------------------------------------------

    def call(self, frame: Expressions, expr: ast.Call, name: str, state: State) -> Values:
        """Return the ways through a call, and note the effect that it is."""
        values: Values = []
        for each in self._arguments(frame, expr, state):
            self.effect_of_call(frame, expr, name, each)
            values += self._through(frame, expr, name, each)
        return list(dict.fromkeys(values))

    def _arguments(self, frame: Expressions, expr: ast.Call, state: State) -> list[State]:
        states = [state]
        if not isinstance(expr.func, ast.Name):
            states = frame.after(expr.func, states)
        for arg in expr.args:
            # A test in the arguments is the call's: atomic_read(&root->nr_swapfiles).
            if not self.asked(frame, arg):
                states = frame.after(arg, states)
        return states

    def asked(self, frame: Expressions, expr: ast.Expr) -> bool:
        """Tell whether an expression mentions what the demand asks for."""
        return not self.tests.names.isdisjoint(frame.shape.contents.of(expr).words)

    def comparison(self, frame: Expressions, expr: ast.Binary) -> int | None:
        """Return the good truth of a comparison, ``None`` if it is no test."""
        known = self._compared.get(id(expr))
        if known is None:
            known = (self.tests.of_comparison(expr, frame.shape), expr)
            self._compared[id(expr)] = known
        return known[0]

    def inert(self, frame: Expressions, expr: ast.Expr | ast.Stmt) -> bool:
        """Tell whether an expression or statement changes nothing that is known on a path."""
        known = self._inert.get(id(expr))
        if known is None:
            # The node is kept with the answer: its id must not be given to another.
            matters = self._matters(frame.shape.contents.of(expr))
            known = self._inert[id(expr)] = (not matters, expr)
        return known[0]

    def _matters(self, content: Content) -> bool:
        if content.changes or self._strict or "*" in content.calls:
            return True
        if not self._told.isdisjoint(content.words):
            return True
        if not self._alive.isdisjoint(content.calls):
            return True
        return any(self._locking(call) for call in content.locks)

    def _locking(self, call: ast.Call) -> bool:
        name = call.func.name if isinstance(call.func, ast.Name) else ""
        return lock_of(name, call, self._locks) is not None

    def _through(self, frame: Expressions, expr: ast.Call, name: str, state: State) -> Values:
        lock = lock_of(name, expr, self._locks)
        if lock is Lock.TAKE:
            return [(ANY, state.lock())]
        if lock is Lock.GIVE:
            return [(ANY, state.unlock(matters=self.demand.lock))]
        good = None
        if expr is not self.unheeded and self.asked(frame, expr):
            good = self.tests.of_call(expr)
        if good is not None and name in self.tests.names:
            if self._is_hollow(name, frame.path, good):
                return [(good, state)]
            return frame.tested(expr, good, state)
        if name in self.tests.calls and self.tests.enough(name, expr):
            return [(ANY, frame.proven(expr, state))]
        callees = self._callees(frame, expr, name)
        if callees:
            return [way for callee in callees for way in self._enter(frame, expr, *callee, state)]
        expanded = self._expanded(frame, expr, name)
        if expanded is not None:
            return frame.eval(expanded, state)
        if good is not None:
            return frame.tested(expr, good, state)
        return [(ANY, unknowing(expr, state))]

    def _is_hollow(self, name: str, path: str, good: int) -> bool:
        # A helper that says yes whatever it is asked has tested nothing.
        key = (path, name)
        if key not in self._hollow:
            found = self.sources.functions(name, path)
            self._hollow[key] = bool(found) and all(always(each, good) for _, each in found)
        return self._hollow[key]

    def _callees(
        self, frame: Expressions, expr: ast.Call, name: str
    ) -> list[tuple[str, ast.Function]]:
        if name:
            if name not in self.relevant:
                return []
            found = list(self.sources.functions(name, frame.path))
            # The stub of the other configuration says nothing.
            return [each for each in found if not stub(each[1])] or found
        if isinstance(expr.func, ast.Member):
            methods = self.sources.methods(expr.func.field)
            if len(methods) <= FEW and any(each in self.relevant for _, each in methods):
                return [
                    callee
                    for path, each in methods
                    for callee in self.sources.functions(each, path)
                ]
        return []

    def _expanded(self, frame: Expressions, expr: ast.Call, name: str) -> ast.Expr | None:
        if name not in self.relevant:
            return None
        for _, macro in self.sources.program.near_macros(name, frame.path):
            if macro.params is not None and isinstance(macro.body, tuple):
                if hasattr(macro.body, "start") and not isinstance(macro.body, ast.Block):
                    places = dict(zip((each.at for each in macro.params), expr.args, strict=False))
                    return substituted(macro.body, places)  # type: ignore[return-value]
        return None

    def _enter(
        self,
        frame: Expressions,
        expr: ast.Call,
        path: str,
        function: ast.Function,
        state: State,
    ) -> Values:
        shape = self._shape(path, function)
        roots = tuple(
            (frame.root(arg) if arg is not None else None) or (path, param.at)
            for param, arg in paired(function, expr)
        )
        numbers = frozenset(
            (key, mask)
            for param, arg in paired(function, expr)
            if arg is not None
            for key, mask in handed(frame, param, arg, state)
            if mask != ANY
        )
        words = Naming(roots)
        inner = State(words.inward(state.marks), state.locked, numbers)
        key = (path, function.start, function.variant, words.roots, inner)
        result = self._memo.get(key)
        if result is None:
            if key in self._memo or self._depth >= _DEPTH:
                return [(ANY, state)]
            self._memo[key] = None
            result = self._memo[key] = self._run(path, shape, words.roots, inner)
        link = Link(frame.path, expr.start, expr.end, function.name)
        self._hits += [hit._replace(links=(link, *hit.links)) for hit in result.hits]
        ways = result.ways if function.name in self._core else most_locked(result.ways)
        return [
            (
                mask,
                self._back(frame, expr, function, shape, state, words.outward(after, state.marks)),
            )
            for mask, after in ways
        ]

    def _run(self, path: str, shape: Shape, roots: tuple[Root, ...], state: State) -> _Result:
        outer, self._hits = self._hits, []
        self._depth += 1
        # The switch of a callee goes the same way: it is the same command.
        ways = Frame(self, path, shape, roots, self.start.commands).walk(state)
        self._depth -= 1
        hits, self._hits = tuple(self._hits), outer
        first = {hit.stale: hit for hit in reversed(hits)}
        left = dict.fromkeys((mask, self._left(each, path, shape, roots)) for mask, each in ways)
        return _Result(tuple(left), tuple(first.values()))

    def _left(self, state: State, path: str, shape: Shape, roots: tuple[Root, ...]) -> State:
        # That a local of a callee was tested says, behind the call, no more than that something
        # was, if that is all that is asked: ways that differ in it alone are one way.
        start, end = shape.function.start, shape.function.end
        own = [
            mark
            for mark in state.marks
            if mark[0][0] == path and start <= mark[0][1] < end and mark[0] not in roots
        ]
        if not own:
            return state
        some = () if self.need else ((NOTHING, new) for _, new in own)
        return state._replace(marks=state.marks.difference(own).union(some))

    def _back(
        self,
        frame: Expressions,
        expr: ast.Call,
        function: ast.Function,
        shape: Shape,
        before: State,
        after: State,
    ) -> State:
        # What the callee found out of its parameters holds of the caller's arguments.
        state = State(after.marks, after.locked, before.numbers)
        for param, arg in paired(function, expr):
            if isinstance(arg, ast.Unary) and arg.op == "&":
                key = key_of(arg.operand)
                if key is not None:
                    state = state.knowing(key, after.number(behind(param.at)))
            elif isinstance(arg, ast.Name) and arg.decl != ast.GLOBAL:
                state = state.knowing(behind(arg.decl), after.number(behind(param.at)))
                mask = after.number(param.at)
                if param.at not in shape.values and mask != ANY:
                    state = state.knowing(arg.decl, mask)
        return state

    def _shape(self, path: str, function: ast.Function) -> Shape:
        key = (path, function.start, function.variant)
        if key not in self._shapes:
            self._shapes[key] = Shape(function)
        return self._shapes[key]
