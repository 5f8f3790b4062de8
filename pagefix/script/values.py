"""What an expression of a script may stand for: small frozen atoms, in sets.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

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
    "Masked",
    "Masks",
    "Never",
    "Number",
    "Object",
    "Page",
    "Partial",
    "Raw",
    "Sequence",
    "State",
    "Text",
    "Tuple",
    "Type",
    "Value",
    "Way",
    "held",
    "join",
    "join_cond",
    "rank",
    "renewed",
]


class Way(NamedTuple):
    """One step on the way of a page: how many calls deep, where, and what happens there.

    :param at: where that is among the nodes of the script.
    """

    depth: int
    at: int
    node: Any
    sentence: str


class Page(NamedTuple):
    """A page: ``key`` tells it from others, ``label`` where it comes from.

    :param steps: how it came here.
    :param folio: whether it is a ``struct folio``.
    :param known: what was known of it where the script put it by.
    """

    key: tuple[Any, ...]
    label: str
    steps: tuple[Way, ...]
    folio: bool = False
    known: frozenset[str] = frozenset()


class Raw(NamedTuple):
    """The value of a raw field of a page, not used for anything yet; ``node`` is the access."""

    page: Page
    field: str
    node: Any
    depth: int


class Flags(NamedTuple):
    """The flags of a page."""

    page: Page


class Bit(NamedTuple):
    """The number of a flag."""

    name: str


class Masks(NamedTuple):
    """``1 << bit``, or several of them or-ed."""

    names: frozenset[str]


class Masked(NamedTuple):
    """The flags of a page and-ed with several bits."""

    page: Page
    names: frozenset[str]


#: What is known of pages: (key of the page, fact); the key is empty for all pages.
Facts = frozenset[tuple[tuple[Any, ...], str]]


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


class Partial(NamedTuple):
    """A function of the script that has got its first arguments."""

    function: Any
    args: tuple[frozenset[Any], ...]


class Never(NamedTuple):
    """What a call gives that never comes back."""


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
    | Masks
    | Masked
    | Cond
    | Object
    | Type
    | Library
    | Function
    | Partial
    | Never
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
    several = tuple(values)
    found: Value = UNKNOWN.union(*several)
    if found and not all(several):
        # What may be anything is not what only one side tells.
        found = frozenset(each for each in found if not isinstance(each, Cond | Number))
    return found if len(found) <= _MANY else frozenset(sorted(found, key=_rank)[:_MANY])


def _rank(atom: Any) -> str:
    # The same in each run: nothing of it may hang on where an object lies in memory.
    of = atom if isinstance(atom, Page) else getattr(atom, "page", None)
    return f"{type(atom).__name__} {rank(of) if isinstance(of, Page) else ''}"


def rank(page: Page) -> str:
    """Return what tells which of two pages is shown, the same in each run: the shorter way."""
    ways = [(way.depth, way.at, way.sentence) for way in page.steps]
    return f"{len(ways)} {ways} {page.key} {page.label} {sorted(page.known)} {page.folio}"


def _mapped(value: Value, change: Callable[[Page], Page]) -> Value:
    # A value with its pages changed, also those in what it holds.
    found: set[Any] = set()
    for atom in value:
        match atom:
            case Page():
                found.add(change(atom))
            case Raw() | Flags() | Masked():
                found.add(atom._replace(page=change(atom.page)))
            case Tuple(items):
                found.add(Tuple(tuple(_mapped(each, change) for each in items)))
            case Sequence(item):
                found.add(Sequence(_mapped(item, change)))
            case _:
                found.add(atom)
    return frozenset(found)


def held(value: Value, facts: Facts) -> Value:
    """Return a value as it is put by: what is known of its pages goes with it."""
    if not facts or not value:
        return value
    told: dict[Any, set[str]] = {}
    for key, fact in facts:
        told.setdefault(key, set()).add(fact)

    def change(page: Page) -> Page:
        mine = told.get(page.key)
        return page._replace(known=page.known | mine) if mine else page

    return _mapped(value, change)


def renewed(value: Value, key: Callable[[Any], Any]) -> Value:
    """Return a value with its pages told from others of their origin.

    :param key: the new key, from the old one.
    """

    def conds(facts: Facts | None) -> Facts | None:
        return facts and frozenset((key(each), fact) for each, fact in facts)

    return frozenset(
        Cond(conds(atom.true), conds(atom.false)) if isinstance(atom, Cond) else atom
        for atom in _mapped(value, lambda page: page._replace(key=key(page.key)))
    )


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
