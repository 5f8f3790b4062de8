"""What an expression of a script may stand for: small frozen atoms, in sets.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from pagefix.finding import Step

__all__ = [
    "UNKNOWN",
    "Atom",
    "Bit",
    "Class",
    "Cond",
    "Facts",
    "Flags",
    "Function",
    "Instance",
    "Library",
    "Mask",
    "Number",
    "Object",
    "Page",
    "Raw",
    "Sequence",
    "State",
    "Text",
    "Tuple",
    "Type",
    "Value",
    "join",
    "join_cond",
]


class Page(NamedTuple):
    """A page: ``key`` tells it from others, ``label`` where it comes from.

    :param steps: how it came here.
    """

    key: tuple[int, ...]
    label: str
    steps: tuple[Step, ...]


class Raw(NamedTuple):
    """The value of a raw field of a page, not used for anything yet; ``node`` is the access."""

    page: Page
    field: str
    node: Any


class Flags(NamedTuple):
    """The flags of a page."""

    page: Page


class Bit(NamedTuple):
    """The number of a flag."""

    name: str


class Mask(NamedTuple):
    """``1 << bit``."""

    name: str


#: What is known of pages: (key of the page, fact).
Facts = frozenset[tuple[tuple[int, ...], str]]


class Cond(NamedTuple):
    """A truth value: what is known where it is true, and where it is false.

    ``None`` where it cannot be so.
    """

    true: Facts | None
    false: Facts | None


class Object(NamedTuple):
    """An object of the kernel, of a type that is no page's."""

    record: str


class Type(NamedTuple):
    """A type of the kernel's as a value (gdb)."""

    record: str


class Library(NamedTuple):
    """Something of drgn's or gdb's, by its last name; ``of`` is what a method is taken from."""

    name: str
    of: Any = None


class Function(NamedTuple):
    """A function of the script."""

    node: Any
    self: Any = None


class Class(NamedTuple):
    """A class of the script."""

    node: Any


class Instance(NamedTuple):
    """An object of a class of the script: all of a class are one."""

    node: Any


class Tuple(NamedTuple):
    """Values side by side."""

    items: tuple[frozenset[Any], ...]


class Sequence(NamedTuple):
    """What can be iterated over: any number of one value."""

    item: frozenset[Any]


class Text(NamedTuple):
    """A string that is known."""

    text: str


class Number(NamedTuple):
    """A number that is known."""

    number: int


Atom = (
    Page
    | Raw
    | Flags
    | Bit
    | Mask
    | Cond
    | Object
    | Type
    | Library
    | Function
    | Class
    | Instance
    | Tuple
    | Sequence
    | Text
    | Number
)
Value = frozenset[Atom]

UNKNOWN: Value = frozenset()

#: More of them in one value are too many to follow.
_MANY = 24


def join(values: Iterable[Value]) -> Value:
    """Return what may be any of some values."""
    found: Value = UNKNOWN.union(*values)
    return found if len(found) <= _MANY else frozenset(sorted(found, key=repr)[:_MANY])


def _both(one: Facts | None, other: Facts | None) -> Facts | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def join_cond(conds: Iterable[Cond]) -> Cond:
    """Return what is known of a truth value that may be any of some."""
    true: Facts | None = None
    false: Facts | None = None
    for each in conds:
        true, false = _both(true, each.true), _both(false, each.false)
    return Cond(true, false)


class State:
    """Variables and what is known of pages, at one point of the script."""

    __slots__ = ("facts", "vars")

    def __init__(self, variables: dict[Any, Value], facts: Facts) -> None:
        self.vars = variables
        self.facts = facts

    def copy(self) -> State:
        """Return another one that can be changed."""
        return State(dict(self.vars), self.facts)

    def with_facts(self, facts: Facts | None) -> State | None:
        """Return the state where more is known; ``None`` where it cannot be."""
        return None if facts is None else State(dict(self.vars), closed(self.facts | facts))

    def same(self, other: State) -> bool:
        """Return whether two points know the same."""
        return self.facts == other.facts and self.vars == other.vars


def closed(facts: Facts) -> Facts:
    """Return the facts with what they come to: both bits together are the swap cache."""
    keys = {key for key, fact in facts if fact == "bit"} & {
        key for key, fact in facts if fact == "backed"
    }
    return facts | {(key, "is") for key in keys}


def merge(*states: State | None) -> State | None:
    """Return what is known where ways meet."""
    alive = [each for each in states if each is not None]
    if not alive:
        return None
    if len(alive) == 1:
        return alive[0]
    variables: dict[Any, Value] = {}
    for state in alive:
        for key, value in state.vars.items():
            old = variables.get(key)
            variables[key] = value if old is None or old == value else join((old, value))
    facts = alive[0].facts
    for state in alive[1:]:
        facts = facts & state.facts
    return State(variables, facts)
