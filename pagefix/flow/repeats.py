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
from pagefix.flow.steps import Spot, Step, changes
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
        state, spot = self.state, self._steps.spot(node)
        key = spot.key(state, self._whose)
        step = spot.known.get(key)
        if step is not None and self._repeated(step):
            change = step.ways[0]
            if change is not None:
                change.apply(state)
            return step.value
        before = state.copy()
        step = self._begin(spot)
        try:
            step.value = act(node)
        finally:
            self._end()
        step.ways = (changes(before, self.state), None)
        spot.keep(step, key, before, self._whose)
        return step.value

    def sides(self, test: ast.Expr) -> Sides:
        """Return the states in which a test is true and false; ``None`` is: never."""
        if self.step is not None:
            return self.branch(test)
        state, spot = self.state, self._steps.spot(test)
        key = spot.key(state, self._whose)
        step = spot.known.get(key)
        if step is not None and self._repeated(step):
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
        step = self._begin(spot)
        try:
            sides = self.branch(test)
        finally:
            self._end()
        step.ways = (changes(before, sides[0]), changes(before, sides[1]))
        spot.keep(step, key, before, self._whose)
        return sides

    def _begin(self, spot: Spot) -> Step:
        step = self.step = self.heap.step = Step(spot)
        step.users = (self.context.number,)
        return step

    def _end(self) -> None:
        self.step = self.heap.step = None

    def jumps(self) -> None:
        """Note that a step leads out of its expression: it is more than a change."""
        if self.step is not None:
            self.step.jumped = True

    def _repeated(self, step: Step) -> bool:
        # Whether a step that was made from this state would be the same again: then it is done.
        number = self.context.number
        if not step.valid:
            return False
        if (step.calls or number not in step.users) and not self._again(step):
            return False
        for seen, value, clause in step.sights:
            self.run.record.sight(number, clause, seen, value)
        for name, clause in step.taken:
            self.run.record.taken_in(number, clause, name)
        for expr in step.unresolved:
            self.unresolved(expr)
        return True

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
