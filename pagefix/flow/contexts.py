"""Contexts: one function with one set of abstract arguments, and how it was reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from pagefix.c import ast
from pagefix.flow.values import BOTTOM, Ident, Predicate, Value

__all__ = ["Callee", "Context", "Edge", "Kind", "Summary"]


class Kind(Enum):
    """What a called name is."""

    FUNCTIONS = auto()
    MACRO = auto()
    VARIABLE = auto()
    BEYOND = auto()


class Callee(NamedTuple):
    """What a called name stands for.

    :param others: the macro's other definitions: the other sides of an ``#if``.
    """

    kind: Kind
    functions: tuple[tuple[str, ast.Function], ...] = ()
    path: str = ""
    macro: ast.Macro | None = None
    others: tuple[Callee, ...] = ()


class Summary(NamedTuple):
    """What a caller learns of a context.

    :param outcome: arguments shown to be no swapcache page, by what the result is.
    :param gone: arguments that may have been unlocked.
    """

    value: Value = BOTTOM
    outcome: Predicate = Predicate("predicate", ())
    gone: frozenset[Ident] = frozenset()


class Edge(NamedTuple):
    """How a context was entered.

    :param caller: number of the calling context, -1 for the VM.
    :param sentence: what the step does, for the trace.
    :param assumed: whether the step rests on a guess.
    :param clause: the contract clause that would forbid the path to the call.
    :param indirect: whether the function was called through a pointer.
    """

    caller: int
    path: str
    start: int
    end: int
    sentence: str
    assumed: bool
    clause: str | None
    indirect: bool = False


@dataclass(slots=True, eq=False)
class Context:
    """One function with one set of abstract arguments.

    :param signature: number of the arguments' shape: where pages are, and which callbacks.
        Allocations and boxed variables are named by it: named by the context itself
        they would make new contexts, which would make new objects, without end.
    :param carrier: record of the first argument that was allocated somewhere; another of
        that record (a clone) is told from others by its place in the text alone.
    :param entered: the contexts that it led to when it was last run.
    :param offsets_only: whether no page, carrier or callback was handed over, only numbers:
        then no page can be met through an object that is not known.
    """

    number: int
    path: str
    function: ast.Function
    args: tuple[Value, ...]
    signature: int
    carrier: str
    edges: dict[Edge, None] = field(default_factory=dict)
    callers: dict[int, None] = field(default_factory=dict)
    entered: dict[int, None] = field(default_factory=dict)
    offsets_only: bool = False
    summary: Summary = field(default_factory=Summary)
    runs: int = 0
