"""Abstract values: what one expression may hold, as far as the question needs it.

A value is a frozen set of atoms. The empty set means "nothing yet" (an uninitialised
variable, a call that has not returned); :data:`TOP` stands for everything that is not
tracked. The lattice is the subset order: joining is set union.

A swapcache page carries *identities*: names under which the function at hand knows the
very same page (the argument it came in, the variable it was copied to, the path it was
read from). A test on one of them is a test on all of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = [
    "BOTTOM",
    "CLUSTERS",
    "NULL",
    "PAGES",
    "TOP",
    "UNKNOWN",
    "Atom",
    "Const",
    "Func",
    "Ident",
    "Labelled",
    "Number",
    "Page",
    "Pointer",
    "Predicate",
    "Range",
    "SizeLimit",
    "Top",
    "Unit",
    "Value",
    "const",
    "ordered",
    "pages",
    "pointers",
    "ranges",
    "tags",
    "tracked",
    "without_identities",
]

#: One name of a page inside a function: ``("arg", i)``, ``("def", decl, at)`` or
#: ``("path", root, fields)``.
Ident = tuple[object, ...]


class Top(NamedTuple):
    """Any value that is not tracked."""

    tag: Literal["top"] = "top"


class Page(NamedTuple):
    """A page that may be in the swap cache: the page of the entry under analysis."""

    tag: Literal["page"]
    idents: frozenset[Ident]
    assumed: bool


class Labelled(NamedTuple):
    """A page known not to be a swapcache page: ``pagecache``, ``fresh``, ``metadata``."""

    tag: Literal["labelled"]
    label: str


class Range(NamedTuple):
    """A number computed from the tracked page's offset in its file.

    :param idents: names of the page: where a test rules the page out, its range goes too.
    """

    tag: Literal["range"]
    idents: frozenset[Ident]


class SizeLimit(NamedTuple):
    """A number computed from the file's size.

    :param bias: below zero where it may lie within the file (``size - 1``), above where it
        was rounded up.
    """

    tag: Literal["size"] = "size"
    bias: int = 0


class Unit(NamedTuple):
    """What a range is counted in: whole pages, or more than a page at a time.

    No atom of it: bytes, or blocks that are parts of a page.
    """

    tag: Literal["unit"]
    name: Literal["pages", "more"]


class Const(NamedTuple):
    """An integer constant; the null pointer is 0."""

    tag: Literal["const"]
    value: int


class Func(NamedTuple):
    """A function's address."""

    tag: Literal["func"]
    name: str
    path: str
    assumed: bool


class Pointer(NamedTuple):
    """A pointer to an abstract object (see :mod:`pagefix.flow.heap`).

    :param target: ``int``, the object's number.
    :param inner: whether it may point behind the object's start (arithmetic was done).
    """

    tag: Literal["pointer"]
    target: int
    inner: bool
    assumed: bool


#: A number that an outcome may be; ``None`` is any but 0.
Number = int | None


class Predicate(NamedTuple):
    """The outcome of a test: which pages are no swapcache pages if it is this number or that.

    It describes all of the value that it is in (see :mod:`pagefix.flow.outcomes`).
    """

    tag: Literal["predicate"]
    cases: tuple[tuple[Number, frozenset[Ident]], ...]

    @property
    def if_true(self) -> frozenset[Ident] | None:
        """What is shown where it is not 0; ``None`` if it always is."""
        every = [idents for number, idents in self.cases if number != 0]
        return frozenset.intersection(*every) if every else None

    @property
    def if_false(self) -> frozenset[Ident] | None:
        """What is shown where it is 0; ``None`` if it never is."""
        return next((idents for number, idents in self.cases if number == 0), None)


Atom = Top | Page | Labelled | Range | SizeLimit | Unit | Const | Func | Pointer | Predicate
Value = frozenset[Atom]

TOP = Top()
BOTTOM: Value = frozenset()
UNKNOWN: Value = frozenset((TOP,))
NULL: Value = frozenset((Const("const", 0),))

_NAMED = frozenset(("page", "range", "predicate"))
_TRACKED = frozenset(("page", "range", "func"))


#: Counted in pages, as ``page->index`` is.
PAGES = Unit("unit", "pages")
#: Counted in clusters of pages: the last of them may begin before the file's end.
CLUSTERS = Unit("unit", "more")


@lru_cache(maxsize=1 << 13)
def tags(value: Value) -> frozenset[str]:
    """Return the kinds of atoms in a value: remembered, for nothing is asked as often."""
    return frozenset([atom.tag for atom in value])


def const(number: int) -> Value:
    """Return the value that is just this number."""
    return frozenset((Const("const", number),))


def ordered(value: Value) -> list[Atom]:
    """Return the atoms in an order that does not depend on the hash seed."""
    if len(value) < 2:
        return list(value)
    return sorted(value, key=_order)


@lru_cache(maxsize=1 << 14)
def _order(atom: Atom) -> tuple[str, str]:
    if isinstance(atom, Page | Range):
        return atom.tag, repr(sorted(map(repr, atom.idents))) + str(atom[2:])
    if isinstance(atom, Predicate):
        return atom.tag, repr([(number, sorted(map(repr, part))) for number, part in atom.cases])
    return atom.tag, repr(atom)


def pages(value: Value) -> list[Page]:
    """Return the swapcache pages a value may be."""
    if value is UNKNOWN or "page" not in tags(value):
        return []
    found = [atom for atom in value if isinstance(atom, Page)]
    return sorted(found, key=_order) if len(found) > 1 else found


def ranges(value: Value) -> list[Range]:
    """Return the ranges in a value."""
    if "range" not in tags(value):
        return []
    found = [atom for atom in value if isinstance(atom, Range)]
    return sorted(found, key=_order) if len(found) > 1 else found


def pointers(value: Value) -> list[Pointer]:
    """Return the pointers in a value, in the order their objects were made."""
    if value is UNKNOWN or "pointer" not in tags(value):
        return []
    found = [atom for atom in value if isinstance(atom, Pointer)]
    if len(found) < 2:
        return found
    return sorted(found, key=lambda atom: (atom.target, atom.inner, atom.assumed))


def tracked(value: Value) -> bool:
    """Return whether a value is itself a page, a range or a callback."""
    return not _TRACKED.isdisjoint(tags(value))


def without_identities(value: Value) -> Value:
    """Return the value as the heap keeps it: a page there has no local name."""
    if _NAMED.isdisjoint(tags(value)):
        return value
    kept: set[Atom] = set()
    for atom in value:
        if isinstance(atom, Page):
            kept.add(Page("page", frozenset(), atom.assumed))
        elif isinstance(atom, Range):
            kept.add(Range("range", frozenset()))
        elif not isinstance(atom, Predicate):
            kept.add(atom)
    return frozenset(kept)
