"""What was done before is not done again: steps are taken from memory where that is the same.

Eighth part of the interpreter (see :class:`pagefix.flow.frame.Frame` and
:mod:`pagefix.flow.steps`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pagefix.c import ast
from pagefix.flow.branches import Sides
from pagefix.flow.calls import Calls
from pagefix.flow.state import State
from pagefix.flow.steps import Step, changes
from pagefix.flow.values import Value

if TYPE_CHECKING:
    from pagefix.flow.contexts import Context
    from pagefix.flow.world import World

__all__ = ["Repeats"]

_Node = TypeVar("_Node", bound=ast.Node)


class Repeats(Calls):
    """Steps of one context's run."""

    def __init__(self, run: World, context: Context) -> None:
        super().__init__(run, context)
        self._steps = run.steps(context)
        self._whose = (context.signature, context.carrier, context.offsets_only)

    def once(self, node: _Node, act: Callable[[_Node], Value]) -> Value:
        """Do what a node of the syntax does, and return its value."""
        if self.step is not None:
            return act(node)
        state = self.state
        step = self._known(node, state)
        if step is not None:
            change = step.ways[0]
            if change is not None:
                change.apply(state)
            return step.value
        before = state.copy()
        step = self._begin(node)
        try:
            step.value = act(node)
        finally:
            self._end()
        step.ways = (changes(before, self.state), None)
        step.spot.keep(step, before, self._whose)
        return step.value

    def sides(self, test: ast.Expr) -> Sides:
        """Return the states in which a test is true and false; ``None`` is: never."""
        if self.step is not None:
            return self.branch(test)
        state = self.state
        step = self._known(test, state)
        if step is not None:
            yes, no = step.ways
            other = None
            if no is not None:
                other = state.copy() if yes is not None else state
                no.apply(other)
            if yes is None:
                return None, other
            yes.apply(state)
            return state, other
        before = state.copy()
        step = self._begin(test)
        try:
            sides = self.branch(test)
        finally:
            self._end()
        step.ways = (changes(before, sides[0]), changes(before, sides[1]))
        step.spot.keep(step, before, self._whose)
        return sides

    def _begin(self, node: ast.Node) -> Step:
        step = self.step = self.heap.step = Step(self._steps.spot(node))
        step.users = (self.context.number,)
        return step

    def _end(self) -> None:
        self.step = self.heap.step = None

    def jumps(self) -> None:
        """Note that a step leads out of its expression: it is more than a change."""
        if self.step is not None:
            self.step.jumped = True

    def _known(self, node: ast.Node, state: State) -> Step | None:
        # The step that was made from this state, if it would be the same again.
        spot = self._steps.spot(node)
        step = spot.known.get(spot.key(state, self._whose))
        if step is None or not step.valid:
            return None
        if (step.calls or self.context.number not in step.users) and not self._again(step):
            return None
        number = self.context.number
        for seen, value, clause in step.sights:
            self.run.record.sight(number, clause, seen, value)
        for name, clause in step.taken:
            self.run.record.taken_in(number, clause, name)
        for expr in step.unresolved:
            self.unresolved(expr)
        return step

    def _again(self, step: Step) -> bool:
        # Ask for what the step reads, and make its calls, in their order.
        number = self.context.number
        new = number not in step.users
        done = 0
        for call in step.calls:
            if new:
                self.heap.asked_again(step.reads[done : call.after], number)
                done = call.after
            edge = call.edge
            if edge.caller != number:
                edge = edge._replace(caller=number)
            summary = self.run.enter(call.function, call.path, call.args, edge)
            if not step.valid or summary != call.summary:
                return False
        if new:
            self.heap.asked_again(step.reads[done:], number)
            step.users += (number,)
        return True
