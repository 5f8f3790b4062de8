"""Statements on a path: branches, loops, jumps.

Second part of the interpreter. A function is walked forward with all the ways that lead to a
place; a backward ``goto`` and a loop are walked again until nothing new comes round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pagefix.c import ast, walk
from pagefix.contract.expressions import Expressions, Values
from pagefix.contract.judge import Judge
from pagefix.contract.states import ANY, Root, State, bounded
from pagefix.contract.subjects import Shape

__all__ = ["ENDS", "Frame"]

#: How often a loop, or a body with a backward jump, is walked at most.
_ROUNDS = 4
#: Macros that do not come back.
ENDS = frozenset(["BUG", "panic", "unreachable"])
#: Statements that are passed by where nothing in them matters.
_IDLE = (ast.ExprStmt, ast.If, ast.While, ast.For, ast.ForEach, ast.Switch)

_JUMPS = (ast.Goto, ast.Return, ast.Break, ast.Continue)


class Frame(Expressions):
    """One function on a path.

    :param commands: commands of an ioctl: of a ``switch`` that has them, only their cases
        are entered.
    """

    def __init__(
        self,
        run: Judge,
        path: str,
        shape: Shape,
        roots: tuple[Root, ...],
        commands: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(run, path, shape, roots)
        self.commands = commands
        self.returns: Values = []
        self._breaks: list[list[State]] = []
        self._continues: list[list[State]] = []
        self._labels: dict[str, dict[State, None]] = {}
        self._passed: set[str] = set()
        self._again = False

    def walk(self, state: State) -> Values:
        """Return the ways out of the function, with the signs of what it returns."""
        for _ in range(_ROUNDS):
            self.returns, self._passed, self._again = [], set(), False
            end = self._exec(self.shape.function.body, [state])
            if not self._again:
                break
        return list(dict.fromkeys([*self.returns, *((ANY, each) for each in end)]))

    def block(self, body: ast.Block, state: State) -> list[State]:
        """Return what is known behind ``({ ... })``."""
        return self._exec(body, [state])

    # --- one statement ------------------------------------------------------------

    def _exec(self, stmt: ast.Stmt | None, states: list[State]) -> list[State]:
        if stmt is None:
            return states
        if not states and not self.shape.holds_label(stmt):
            return []
        if isinstance(stmt, _IDLE) and self.run.inert(self, stmt):
            return states
        if isinstance(stmt, _JUMPS):
            return self._jump(stmt, states)
        match stmt:
            case ast.Block():
                return self._sequence(stmt.body, states)
            case ast.ExprStmt():
                return self._expression(stmt.value, states)
            case ast.Declare():
                return self._declare(stmt, states)
            case ast.If():
                return self._if(stmt, states)
            case ast.While():
                return self._loop(stmt.test, stmt.body, None, states, first=stmt.first)
            case ast.For():
                states = self._sequence(stmt.init, states)
                return self._loop(stmt.test, stmt.body, stmt.step, states, first=False)
            case ast.ForEach():
                return self._for_each(stmt, states)
            case ast.Switch():
                return self._switch(stmt, states)
            case ast.Alternatives():
                ways = [self._exec(branch, states) for branch in stmt.branches]
                whole = [] if stmt.complete else states
                return bounded([*whole, *(each for way in ways for each in way)])
            case ast.Label():
                self._passed.add(stmt.name)
                come = self._labels.get(stmt.name, ())
                return bounded([*states, *self._living(0, stmt.start, list(come))])
        return self._jump(stmt, states)

    def _jump(self, stmt: ast.Stmt, states: list[State]) -> list[State]:
        match stmt:
            case ast.Goto() if stmt.label is not None:
                known = self._labels.setdefault(stmt.label, {})
                if len(known) < 200:
                    before = len(known)
                    known.update(dict.fromkeys(states))
                    # A jump ahead is met on the way; only one back needs another walk.
                    self._again |= len(known) > before and stmt.label in self._passed
                return []
            case ast.Return():
                ways = [way for each in states for way in self.eval(stmt.value, each)]
                params = self.shape.outgoing
                self.returns += dict.fromkeys(
                    (mask, State(s.marks, s.locked, frozenset(_of(s.numbers, params))))
                    for mask, s in ways
                )
                return []
            case ast.Break():
                if self._breaks:
                    self._breaks[-1] += states
                return []
            case ast.Continue():
                if self._continues:
                    self._continues[-1] += states
                return []
        return states

    def _sequence(self, body: Sequence[ast.Stmt], states: list[State]) -> list[State]:
        for stmt in body:
            states = self._exec(stmt, states)
            if self.run.hasty:
                states = [each for each in states if not (each.marks and self.run.settled(each))]
            if len(states) > 1:
                states = self._living(stmt.start, stmt.end, states)
        return states

    def _living(self, start: int, end: int, states: list[State]) -> list[State]:
        dead = self.shape.liveness.dying(start, end)
        return list(dict.fromkeys(each.forgetting(dead) for each in states)) if dead else states

    def _expression(self, expr: ast.Expr, states: Iterable[State]) -> list[State]:
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name):
            if expr.func.name in ENDS:
                return []
            # set_bit(FLAG, ..), atomic_inc(&count): what nobody looks at is no test.
            self.run.unheeded = expr
        return bounded(state for each in states for _, state in self.eval(expr, each))

    def _declare(self, stmt: ast.Declare, states: list[State]) -> list[State]:
        if stmt.init is None:
            return [each.knowing(stmt.at, ANY) for each in states]
        self.run.given.add(id(stmt.init))
        return bounded(
            after.knowing(stmt.at, mask)
            for each in states
            for mask, after in self.eval(stmt.init, each)
        )

    def _if(self, stmt: ast.If, states: list[State]) -> list[State]:
        true: list[State] = []
        false: list[State] = []
        for each in states:
            one, two = self.cond(stmt.test, each)
            true += one
            false += two
        then = self._exec(stmt.then, bounded(true))
        return bounded([*then, *self._exec(stmt.other, bounded(false))])

    # --- loops --------------------------------------------------------------------

    def _loop(
        self,
        test: ast.Expr | None,
        body: ast.Stmt,
        step: ast.Expr | None,
        states: list[State],
        *,
        first: bool,
    ) -> list[State]:
        heads: dict[State, None] = {}
        fresh, out = bounded(states), []
        walked: set[State] = set()
        entered, last = self._proves(body), first
        for _ in range(_ROUNDS):
            heads.update(dict.fromkeys(fresh))
            inside, left = (fresh, []) if first else self._tested_loop(test, fresh)
            if entered and inside:
                left = []
            first = entered = False
            if walked:
                inside = [each for each in self._anew(body, inside) if each not in walked]
            walked.update(inside)
            self._breaks.append([])
            self._continues.append([])
            end = self._exec(body, inside)
            end = bounded([*end, *self._continues.pop()])
            out += [*left, *self._breaks.pop()]
            if step is not None:
                end = self._expression(step, end)
            fresh = [each for each in end if each not in heads]
            if not fresh:
                break
        if last and test is not None:
            out += self._tested_loop(test, list(heads))[1] + self._tested_loop(test, end)[1]
        return bounded(out)

    def _anew(self, body: ast.Stmt, states: list[State]) -> list[State]:
        # What a variable is given in a loop is another thing in the next round: not tested.
        new = {self.root_of(decl) for decl in self.shape.given(body)}
        found = dict.fromkeys(
            each._replace(marks=frozenset(mark for mark in each.marks if mark[0] not in new))
            for each in states
        )
        return list(found)

    def _proves(self, body: ast.Stmt) -> bool:
        # A loop over extents that tests each of them is walked at least once: where there is
        # no extent there is nothing to have been tested.
        demand = self.run.demand
        return not demand.lock and not self.run.tests.words.isdisjoint(
            self.shape.contents.of(body).words
        )

    def _tested_loop(
        self, test: ast.Expr | None, states: list[State]
    ) -> tuple[list[State], list[State]]:
        if test is None:
            return states, []
        true: list[State] = []
        false: list[State] = []
        for each in states:
            one, two = self.cond(test, each)
            true += one
            false += two
        return bounded(true), bounded(false)

    def _for_each(self, stmt: ast.ForEach, states: list[State]) -> list[State]:
        states = self._expression(stmt.head, states)
        return bounded(
            [
                *states,
                *self._loop(None, stmt.body, None, states, first=False),
                *self._ends(stmt, states),
            ]
        )

    def _ends(self, stmt: ast.ForEach, states: list[State]) -> list[State]:
        # The last round of a loop that a macro heads: its end is not in the text.
        self._breaks.append([])
        self._continues.append([])
        end = self._exec(stmt.body, states)
        return [*end, *self._continues.pop(), *self._breaks.pop()]

    # --- switch -------------------------------------------------------------------

    def _switch(self, stmt: ast.Switch, states: list[State]) -> list[State]:
        states = self._expression(stmt.value, states)
        body = stmt.body.body if isinstance(stmt.body, ast.Block) else (stmt.body,)
        cases = [each for each in body if isinstance(each, ast.Case)]
        chosen = {each for each in cases if self._commanded(each)}
        says = {each: self.run.tests.of_case(each.value) for each in cases}
        named = [each for each in says.values() if each is not None]
        self._breaks.append([])
        flow: list[State] = []
        for each in body:
            if isinstance(each, ast.Case):
                if not chosen or each in chosen:
                    flow = bounded([*flow, *self._entering(stmt, states, says[each], named)])
            else:
                flow = self._exec(each, flow)
        out = [*flow, *self._breaks.pop()]
        if not chosen and all(each.value is not None for each in cases):
            out += states
        return bounded(out)

    def _commanded(self, case: ast.Case) -> bool:
        return bool(self.commands) and any(
            isinstance(node, ast.Name) and node.name in self.commands for node in walk(case.value)
        )

    def _entering(
        self, stmt: ast.Switch, states: list[State], says: bool | None, named: list[bool]
    ) -> list[State]:
        # A case that names what is harmless; or any but those that name what is not.
        harmless = says if says is not None else bool(named) and not any(named)
        if not harmless:
            return states
        return [self.proven(stmt.value, each) for each in states]


def _of(numbers: Iterable[tuple[int, int]], keys: frozenset[int]) -> Iterator[tuple[int, int]]:
    # What a caller may ask for: what is known of its arguments, and what they point to.
    return (pair for pair in numbers if pair[0] in keys)
