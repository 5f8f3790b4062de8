"""Steps: what one expression of a function did, kept for when it is met in the like state.

A function is run in many contexts, in each until nothing grows, and its loops until their
states are stable: nine of ten expressions only find again what they found before. What an
expression does depends on the locals it names, on what tests have shown, on places in the
heap, and on what the functions it calls give back. The first two are the key under which a
step is kept; a place that grows drops the steps that read it (:meth:`Step.drop`); and the
calls are made again when a step is taken again, so that contexts are entered, and callers
told, as if it had been evaluated.

Stores need not be made again: the heap only grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pagefix.c import ast, walk
from pagefix.flow.contexts import Edge, Summary
from pagefix.flow.sights import Seen
from pagefix.flow.state import State
from pagefix.flow.values import BOTTOM, Ident, Value

__all__ = ["Call", "Change", "Spot", "Step", "Steps", "changes"]

#: What a step that is done asks for.
_NOTHING: dict[object, None] = {}
#: What a step depends on: values of locals, and what tests have shown.
Key = tuple[object, ...]


class Change(NamedTuple):
    """What is different in the state after a step."""

    env: dict[int, Value]
    off: frozenset[Ident]
    gone: frozenset[Ident]
    clause: str | None
    named: frozenset[int]

    def apply(self, state: State) -> None:
        """Change a state in the same way."""
        state.env.update(self.env)
        state.off = self.off
        state.gone = self.gone
        state.clause = self.clause
        state.named |= self.named


def changes(before: State, after: State | None) -> Change | None:
    """Return how a state differs from the one before; ``None`` is unreachable code."""
    if after is None:
        return None
    old = before.env
    env = {decl: value for decl, value in after.env.items() if old.get(decl) is not value}
    named = frozenset(after.named - before.named)
    return Change(env, after.off, after.gone, after.clause, named)


class Call(NamedTuple):
    """A function that was entered, and what it gave back.

    :param after: how many places of the heap had been read before.
    """

    function: ast.Function
    path: str
    args: tuple[Value, ...]
    edge: Edge
    summary: Summary
    after: int


class Step:
    """One evaluation of an expression: what it read, did, and gave.

    :ivar ways: the change to the state; for a test, when it is true and when it is false.
    :ivar asked: what it has asked the heap for so far, in order, while it is made.
    :ivar reads: the same when it is done; tuples, as most are empty and there are many steps.
    :ivar sights: the places that it met a page at (see :class:`pagefix.flow.record.Record`).
    :ivar taken: the functions whose address it took.
    :ivar unresolved: the calls of which nothing was known.
    :ivar jumped: whether it led out of the expression, so that it cannot be taken again.
    :ivar signed: whether it named an object after its context.
    :ivar strays: locals that it used although the expression does not name them: a macro's.
    :ivar users: the contexts that have said what they read by it.
    """

    __slots__ = (
        "asked",
        "calls",
        "jumped",
        "reads",
        "sights",
        "signed",
        "spot",
        "strays",
        "taken",
        "unresolved",
        "users",
        "valid",
        "value",
        "ways",
    )

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.valid = True
        self.value: Value = BOTTOM
        self.ways: tuple[Change | None, Change | None] = (None, None)
        self.asked: dict[object, None] = {}
        self.reads: tuple[object, ...] = ()
        self.calls: tuple[Call, ...] = ()
        self.sights: tuple[tuple[Seen, Value | None, str | None], ...] = ()
        self.taken: tuple[tuple[str, str | None], ...] = ()
        self.unresolved: tuple[ast.Call, ...] = ()
        self.signed = False
        self.jumped = False
        self.strays: tuple[int, ...] = ()
        self.users: tuple[int, ...] = ()

    def drop(self) -> None:
        """Note that something which the step rests on has changed."""
        self.valid = False


class Spot:
    """One expression, with the steps that are known of it."""

    __slots__ = ("decls", "known", "node", "signed")

    def __init__(self, node: object) -> None:
        self.node = node
        self.decls: tuple[int, ...] = tuple(sorted(set(_named(node))))
        self.signed = False
        self.known: dict[Key, Step] = {}

    def key(self, state: State, signature: Key) -> Key:
        """Return what a step from this state depends on.

        :param signature: what tells the context's objects from others'; its last part is
            looked at by every step.
        """
        env = state.env
        named = tuple([(decl, env[decl]) for decl in sorted(state.named)]) if state.named else ()
        whose = signature if self.signed else signature[-1]
        return (state.off, state.gone, state.clause, named, whose, *map(env.get, self.decls))

    def keep(self, step: Step, key: Key, before: State, signature: Key) -> None:
        """Remember a step from a state.

        :param key: what it was thought to depend on.
        """
        if step.jumped:
            return
        step.reads, step.asked = tuple(step.asked), _NOTHING
        if (step.signed and not self.signed) or step.strays:
            # It depends on more than was thought: what is known lacks that part of the key.
            self.signed |= step.signed
            self.decls = tuple(sorted({*step.strays, *self.decls}))
            self.known.clear()
            key = self.key(before, signature)
        self.known[key] = step


def _named(node: object) -> Iterator[int]:
    for each in walk(node):
        if isinstance(each, ast.Name) and each.decl != ast.GLOBAL:
            yield each.decl
        elif isinstance(each, ast.Declare):
            yield each.at


class Steps:
    """The expressions of one function."""

    def __init__(self) -> None:
        self._spots: dict[int, Spot] = {}

    def spot(self, node: object) -> Spot:
        """Return what is known of an expression."""
        spot = self._spots.get(id(node))
        if spot is None:
            spot = self._spots[id(node)] = Spot(node)
        return spot
