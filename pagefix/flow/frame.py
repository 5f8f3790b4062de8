"""One function in one context: statements, loops, jumps, and what it gives back.

The interpreter works on the structured syntax. A state of ``None`` is unreachable code;
a label inside it may still be reached by a ``goto``, so such statements are entered all
the same. A function with a backward ``goto`` is run again until its labels are stable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pagefix.c import ast
from pagefix.flow.contexts import Summary
from pagefix.flow.outcomes import outcomes, shown
from pagefix.flow.places import Slot
from pagefix.flow.repeats import Repeats
from pagefix.flow.results import Result
from pagefix.flow.state import State, join
from pagefix.flow.syntax import cases, has_default, is_logical
from pagefix.flow.values import (
    BOTTOM,
    UNKNOWN,
    Const,
    Ident,
    Pointer,
    Value,
    const,
)

if TYPE_CHECKING:
    from pagefix.flow.contexts import Context
    from pagefix.flow.world import World

__all__ = ["Frame"]

#: Rounds of one loop; the lattice of a function is far lower than this.
_MAX_ROUNDS = 12

#: Functions that do not come back.
_ENDS = frozenset(("BUG", "panic", "unreachable", "do_exit"))


class Frame(Repeats):
    """The run of one context."""

    def __init__(self, run: World, context: Context) -> None:
        super().__init__(run, context)
        self.labels: dict[str, State | None] = {}
        self.breaks: list[State | None] = []
        self.continues: list[State | None] = []
        self.switches: list[tuple[Value, State, bool]] = []
        self.covered: list[frozenset[int]] = []
        self.result = Result()
        self.last: Value = UNKNOWN

    def execute(self) -> Summary:
        """Run the function and return its summary."""
        for _ in range(_MAX_ROUNDS if self.shape.backward else 1):
            before = dict(self.labels)
            self._start()
            end = self.statement(self.context.function.body, self.state)
            if end is not None:
                self.result.add(UNKNOWN, end)
            if self.labels == before:
                break
        return self.result.summary()

    def _start(self) -> None:
        self.state = State()
        function = self.context.function
        for param, value in zip(function.params, self.context.args, strict=False):
            if param.at in self.shape.boxed:
                number = self.variable(param.at, param.type)
                slot = Slot(number, "[]", False)
                if self.record_name(param.type):
                    into = [Pointer("pointer", number, False, False)]
                    self._copy(into, value, function.start, function.start)
                else:
                    self.put(slot, value, function.start, function.start)
            else:
                self.state.put(param.at, value)

    # --- statements -----------------------------------------------------------

    def statement(self, node: ast.Stmt, state: State | None) -> State | None:
        """Run a statement in a state and return the state after it."""
        if state is None and not self._enterable(node):
            return None
        if state is not None:
            self.state = state
        return _STATEMENTS[type(node)](self, node, state)

    def _enterable(self, node: ast.Stmt) -> bool:
        if isinstance(node, ast.Case):
            return True
        if self.switches and isinstance(node, ast.Block | ast.Alternatives):
            return True
        return (node.start, node.end) in self.shape.labels

    def _block(self, node: ast.Block, state: State | None) -> State | None:
        for each in node.body:
            state = self.statement(each, state)
        return state

    def run_block(self, body: ast.Block) -> Value:
        """Run the block of a statement expression and return its last value."""
        self.last = UNKNOWN
        before = self.state
        end = self._block(body, self.state)
        self.state = end if end is not None else before
        return self.last

    def _expression(self, node: ast.ExprStmt, state: State | None) -> State | None:
        self.last = self.once(node.value, self.value)
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            if node.value.func.name in _ENDS:
                return None
        return self.state

    def _declare(self, node: ast.Declare, state: State | None) -> State | None:
        if node.init is not None:
            self.once(node, self._initialise)
        elif node.at not in self.shape.boxed:
            self.uses(node.at)
            self.state.env[node.at] = BOTTOM
        return self.state

    def _initialise(self, node: ast.Declare) -> Value:
        assert node.init is not None
        boxed = node.at in self.shape.boxed
        type_ = self.run.program.strip(node.type, self.path)
        if isinstance(node.init, ast.InitList):
            if boxed:
                number = self.variable(node.at, node.type)
                self.fill(Pointer("pointer", number, False, False), node.init, type_)
            return BOTTOM
        value = self.convert(self.value(node.init), node.init, type_)
        name = ast.Name(node.at, node.at + len(node.name), node.name, node.at)
        self.assign(name, value, node.start, node.end)
        return BOTTOM

    def _if(self, node: ast.If, state: State | None) -> State | None:
        yes: State | None = None
        no: State | None = None
        if state is not None:
            yes, no = self.sides(node.test)
        yes = self.statement(node.then, yes)
        if node.other is not None:
            no = self.statement(node.other, no)
        return self._joined(yes, no)

    def _alternatives(self, node: ast.Alternatives, state: State | None) -> State | None:
        result = None if node.complete else state
        entry = state.copy() if state is not None else None
        for branch in node.branches:
            one = self.statement(branch, entry.copy() if entry is not None else None)
            result = join(result, one)
        return result

    def _joined(self, one: State | None, other: State | None) -> State | None:
        return join(one, other)

    # --- loops ----------------------------------------------------------------

    def _loop(
        self,
        node: ast.While | ast.For | ast.ForEach,
        entry: State | None,
        test: Callable[[State], tuple[State | None, State | None]],
        step: Callable[[State], State],
        *,
        body_first: bool = False,
    ) -> State | None:
        head = self._widened(node, entry)
        exit_: State | None = None
        for _ in range(_MAX_ROUNDS):
            self.breaks.append(None)
            self.continues.append(None)
            inside: State | None = head.copy() if head is not None else None
            if not body_first and inside is not None:
                inside, leave = test(inside)
                exit_ = join(exit_, leave)
            after = join(self.statement(node.body, inside), self.continues.pop())
            exit_ = join(exit_, self.breaks.pop())
            if after is not None:
                after = step(after)
                if body_first:
                    after, leave = test(after)
                    exit_ = join(exit_, leave)
            new = join(head, after)
            if new == head:
                break
            head = new.copy() if new is not None else None
        return exit_

    def _widened(
        self, node: ast.While | ast.For | ast.ForEach, entry: State | None
    ) -> State | None:
        # A counter's first value is not worth a round, nor a context of what is called.
        if entry is None:
            return None
        head = entry.copy()
        for decl in self.shape.counters.get((node.start, node.end), ()):
            value = head.env.get(decl, UNKNOWN)
            if value and all(atom.tag == "const" for atom in value):
                head.env[decl] = UNKNOWN
        return head

    def _tested(
        self, test: ast.Expr | None
    ) -> Callable[[State], tuple[State | None, State | None]]:
        def run(state: State) -> tuple[State | None, State | None]:
            self.state = state
            return (state, None) if test is None else self.sides(test)

        return run

    def _while(self, node: ast.While, state: State | None) -> State | None:
        test = self._tested(node.test)
        return self._loop(node, state, test, lambda s: s, body_first=node.first)

    def _for(self, node: ast.For, state: State | None) -> State | None:
        for each in node.init:
            state = self.statement(each, state)

        def step(after: State) -> State:
            self.state = after
            if node.step is not None:
                self.once(node.step, self.value)
            return self.state

        return self._loop(node, state, self._tested(node.test), step)

    def _for_each(self, node: ast.ForEach, state: State | None) -> State | None:
        def head(state: State) -> tuple[State | None, State | None]:
            self.state = state
            self.once(node.head, self.value)
            return self.state, self.state.copy()

        return self._loop(node, state, head, lambda s: s)

    # --- jumps ----------------------------------------------------------------

    def _switch(self, node: ast.Switch, state: State | None) -> State | None:
        if state is None and (node.start, node.end) not in self.shape.labels:
            return None
        value = self.once(node.value, self.value) if state is not None else BOTTOM
        entry = self.state.copy() if state is not None else State()
        self.switches.append((value, entry, state is not None))
        self.covered.append(self._covered(node.body))
        self.breaks.append(None)
        end = self.statement(node.body, None)
        self.switches.pop()
        self.covered.pop()
        end = join(end, self.breaks.pop())
        if not has_default(node.body):
            end = join(end, state)
        return end

    def _covered(self, body: ast.Stmt) -> frozenset[int]:
        # The numbers that have a case of their own.
        found: set[int] = set()
        for case in cases(body):
            here = self.value(case.value) if case.value is not None else BOTTOM
            found.update(atom.value for atom in here if isinstance(atom, Const) and len(here) == 1)
        return frozenset(found)

    def _case(self, node: ast.Case, state: State | None) -> State | None:
        if not self.switches:
            return state
        value, entry, live = self.switches[-1]
        if not live:
            return state
        seen = shown(self._taken(node, outcomes(value)))
        if seen is None:
            return state
        chosen = entry.copy()
        chosen.drop(seen)
        return join(state, self._chosen(node, chosen))

    def _taken(
        self, node: ast.Case, cases_: dict[int | None, frozenset[Ident]]
    ) -> list[frozenset[Ident]]:
        # What is shown for each number that leads to this label.
        if node.value is None:
            return [seen for number, seen in cases_.items() if number not in self.covered[-1]]
        here = self.value(node.value)
        numbers = {atom.value for atom in here if isinstance(atom, Const)}
        if node.last is not None or len(numbers) != len(here):
            return list(cases_.values())
        return [
            seen
            for number, seen in cases_.items()
            if number in numbers or (number is None and numbers != {0})
        ]

    def _chosen(self, node: ast.Case, state: State) -> State:
        # A case that names a clause's word is a branch that the clause would forbid.
        if node.value is not None and state.clause is None:
            clause = self.run.record.excluded(self, node.value)
            if clause is not None and clause[0]:
                state.clause = clause[1]
        return state

    def _label(self, node: ast.Label, state: State | None) -> State | None:
        self.jumps()
        return join(state, self._copy_of(self.labels.get(node.name)))

    def _copy_of(self, state: State | None) -> State | None:
        return state.copy() if state is not None else None

    def _goto(self, node: ast.Goto, state: State | None) -> State | None:
        self.jumps()
        names = (
            [node.label]
            if node.label is not None
            else sorted(set().union(*self.shape.labels.values()) if self.shape.labels else ())
        )
        for name in names:
            self.labels[name] = join(self.labels.get(name), state.copy() if state else None)
        return None

    def _break(self, node: ast.Break, state: State | None) -> State | None:
        self.jumps()
        if self.breaks:
            self.breaks[-1] = join(self.breaks[-1], state)
        return None

    def _continue(self, node: ast.Continue, state: State | None) -> State | None:
        self.jumps()
        if self.continues:
            self.continues[-1] = join(self.continues[-1], state)
        return None

    def _return(self, node: ast.Return, state: State | None) -> State | None:
        self.jumps()
        if node.value is None:
            self.result.add(UNKNOWN, self.state)
        elif is_logical(node.value):
            for side, number in zip(self.sides(node.value), (1, 0), strict=True):
                if side is not None:
                    self.result.add(const(number), side)
        else:
            self.result.add(self.once(node.value, self._returned_value), self.state)
        return None

    def _returned_value(self, expr: ast.Expr) -> Value:
        return self.convert(self.value(expr), expr, self._return_type())

    def _return_type(self) -> ast.Type:
        return self.run.program.strip(self.context.function.ret, self.path)

    def _asm(self, node: ast.Asm, state: State | None) -> State | None:
        for operand in node.operands:
            self.value(operand)
        return self.state


_STATEMENTS: dict[type, Callable[..., State | None]] = {
    ast.ExprStmt: Frame._expression,
    ast.Declare: Frame._declare,
    ast.Block: Frame._block,
    ast.If: Frame._if,
    ast.While: Frame._while,
    ast.For: Frame._for,
    ast.ForEach: Frame._for_each,
    ast.Switch: Frame._switch,
    ast.Case: Frame._case,
    ast.Label: Frame._label,
    ast.Goto: Frame._goto,
    ast.Break: Frame._break,
    ast.Continue: Frame._continue,
    ast.Return: Frame._return,
    ast.Alternatives: Frame._alternatives,
    ast.Asm: Frame._asm,
}
