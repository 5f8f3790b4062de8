"""What holds at one point of one function: its variables, and what tests have shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pagefix.flow.values import (
    TOP,
    UNKNOWN,
    Atom,
    Const,
    Ident,
    Labelled,
    Page,
    Predicate,
    Range,
    Value,
)

__all__ = ["State", "element_of", "join"]

_NONE: frozenset[Ident] = frozenset()
#: What a page is that a test has shown not to be in the swap cache.
_GUARDED = Labelled("labelled", "guarded")
_NAMING = frozenset(("page", "range", "predicate"))
#: What a flag or an error code may hold.
_FLAGS = frozenset(("const", "top", "predicate"))
_Test = Callable[[Ident], bool]


@dataclass(slots=True)
class State:
    """The abstract state.

    :param env: value of each local by the offset of its declaration; a missing one is
        :data:`~pagefix.flow.values.UNKNOWN`.
    :param off: identities of pages shown not to be in the swap cache.
    :param gone: identities of pages that were unlocked: a test proves nothing any more.
    :param clause: the contract clause that would forbid this path, if there is one.
    :param named: locals whose value may name a page; the others need no look when what is
        known of a page changes.
    """

    env: dict[int, Value] = field(default_factory=dict)
    off: frozenset[Ident] = _NONE
    gone: frozenset[Ident] = _NONE
    clause: str | None = None
    named: set[int] = field(default_factory=set, compare=False)

    def copy(self) -> State:
        """Return a state that can be changed without changing this one."""
        return State(dict(self.env), self.off, self.gone, self.clause, set(self.named))

    def put(self, decl: int, value: Value) -> None:
        """Set what a local holds."""
        self.env[decl] = value
        if any(atom.tag in _NAMING for atom in value):
            self.named.add(decl)

    def drop(self, idents: frozenset[Ident]) -> None:
        """Record that these pages are not in the swap cache."""
        if not idents:
            return
        self.off = self.off | idents
        for decl in self.named:
            self.env[decl] = self.visible(self.env[decl])

    def visible(self, value: Value) -> Value:
        """Return a value without the pages that tests have ruled out here."""
        if not self.off or value is UNKNOWN:
            return value
        kept: set[Atom] = set()
        for atom in value:
            if isinstance(atom, Page | Range) and not atom.idents.isdisjoint(self.off):
                kept.add(_GUARDED if isinstance(atom, Page) else TOP)
            else:
                kept.add(atom)
        return frozenset(kept)

    def assign(self, decl: int, value: Value, at: int) -> None:
        """Give a local a new value: what was known of its old one is known no more."""
        own: Ident = ("def", decl, at)
        element = element_of(decl)
        self.forget(lambda ident: ident == own or _leads_through(ident, decl, element))
        named: set[Atom] = set()
        for atom in value:
            if isinstance(atom, Page):
                atom = Page("page", _live(atom.idents, own, decl) | {own}, atom.assumed)
            elif isinstance(atom, Range):
                atom = Range("range", _live(atom.idents, own, decl))
            named.add(atom)
        self.put(decl, frozenset(named))

    def forget_field(self, name: str) -> None:
        """Forget the paths through a member of this name: it was stored to."""
        self.forget(lambda ident: name in _parts(ident))

    def forget_elements(self) -> None:
        """Forget the paths through an element of an array: one was stored to."""
        self.forget(lambda ident: any(part.startswith("[") for part in _parts(ident)))

    def forget(self, stale: _Test) -> None:
        """Drop the identities that no longer name the page they named."""
        self.off = _without(self.off, stale)
        self.gone = _without(self.gone, stale)
        for decl in self.named:
            value = self.env[decl]
            for atom in value:
                if isinstance(atom, Page | Predicate | Range) and _mentions(atom, stale):
                    self.env[decl] = frozenset(_cleaned(atom, stale) for atom in value)
                    break


def element_of(decl: int) -> str:
    """Return how a path names the element that a variable chooses."""
    return f"[@{decl}]"


def _parts(ident: Ident) -> tuple[str, ...]:
    # The members and elements that a path leads through.
    return ident[2] if ident[0] == "path" else ()  # type: ignore[return-value]


def _leads_through(ident: Ident, decl: int, element: str) -> bool:
    return ident[0] == "path" and (ident[1] == decl or element in _parts(ident))


def _live(idents: frozenset[Ident], own: Ident, decl: int) -> frozenset[Ident]:
    return frozenset(
        ident for ident in idents if ident != own and not (ident[0] == "path" and ident[1] == decl)
    )


def _without(idents: frozenset[Ident], stale: _Test) -> frozenset[Ident]:
    if not idents:
        return idents
    return frozenset(ident for ident in idents if not stale(ident))


def _mentions(atom: Page | Predicate | Range, stale: _Test) -> bool:
    parts = (atom.if_true, atom.if_false) if isinstance(atom, Predicate) else (atom.idents,)
    return any(stale(ident) for part in parts for ident in part)


def _cleaned(atom: Atom, stale: _Test) -> Atom:
    if isinstance(atom, Page):
        return Page("page", _without(atom.idents, stale), atom.assumed)
    if isinstance(atom, Range):
        return Range("range", _without(atom.idents, stale))
    if isinstance(atom, Predicate):
        true, false = _without(atom.if_true, stale), _without(atom.if_false, stale)
        return atom._replace(if_true=true, if_false=false)
    return atom


def join(left: State | None, right: State | None) -> State | None:
    """Return the state that holds after either of two; ``None`` is an unreachable one."""
    if left is None:
        return right
    if right is None or right is left:
        return left
    env: dict[int, Value] = {}
    off = left.off & right.off
    named = left.named | right.named
    tested = left.off != right.off
    for decl in left.env.keys() | right.env.keys():
        one, two = left.env.get(decl, UNKNOWN), right.env.get(decl, UNKNOWN)
        env[decl] = one if one == two else one | two
        if tested and one != two:
            flag = _flag((one, left.off), (two, right.off), off)
            if flag is not None:
                env[decl] = frozenset((flag,))
                named.add(decl)
    clause = left.clause if right.clause is not None else None
    return State(env, off, left.gone | right.gone, clause, named)


def _flag(
    one: tuple[Value, frozenset[Ident]],
    two: tuple[Value, frozenset[Ident]],
    known: frozenset[Ident],
) -> Predicate | None:
    # ``if (PageSwapCache(page)) err = -EINVAL;``: from here on err is the test's result.
    sides = (_truth(*one), _truth(*two))
    if sides[0] is None or sides[1] is None:
        return None
    shown = [
        [side[way] for side in sides if side is not None and side[way] is not None]
        for way in (0, 1)
    ]
    true, false = (
        frozenset.intersection(*each) if each else known  # type: ignore[arg-type]
        for each in shown
    )
    if true | false <= known:
        return None
    negative = all(_is_error(value) for value in (one[0], two[0]))
    return Predicate("predicate", true, false, negative)


def _truth(
    value: Value, off: frozenset[Ident]
) -> tuple[frozenset[Ident] | None, frozenset[Ident] | None] | None:
    # What is shown where the value is not 0, and where it is; ``None``: it never is.
    if not value or any(atom.tag not in _FLAGS for atom in value):
        return None
    first = next(iter(value))
    if isinstance(first, Predicate):
        return (first.if_true | off, first.if_false | off) if len(value) == 1 else (off, off)
    if any(atom.tag != "const" for atom in value):
        return off, off
    numbers = {atom.value for atom in value if isinstance(atom, Const)}
    return (off if numbers - {0} else None), (off if 0 in numbers else None)


def _is_error(value: Value) -> bool:
    return all(
        atom.negative
        if isinstance(atom, Predicate)
        else isinstance(atom, Const) and atom.value <= 0
        for atom in value
    )
