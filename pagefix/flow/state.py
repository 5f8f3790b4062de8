"""What holds at one point of one function: its variables, and what tests have shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pagefix.flow.outcomes import merged, outcomes, plain, predicate, told
from pagefix.flow.values import (
    TOP,
    UNKNOWN,
    Atom,
    Ident,
    Labelled,
    Page,
    Predicate,
    Range,
    Value,
    tags,
)

__all__ = ["State", "either", "element_of", "join"]

_NONE: frozenset[Ident] = frozenset()
#: What a page is that a test has shown not to be in the swap cache.
_GUARDED = Labelled("labelled", "guarded")
_NAMING = frozenset(("page", "range", "predicate"))
#: What a predicate describes.
_SAID = frozenset(("const", "top"))
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
        if not _NAMING.isdisjoint(tags(value)):
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
    if isinstance(atom, Predicate):
        return any(stale(ident) for _number, part in atom.cases for ident in part)
    return any(stale(ident) for ident in atom.idents)


def _cleaned(atom: Atom, stale: _Test) -> Atom:
    if isinstance(atom, Page):
        return Page("page", _without(atom.idents, stale), atom.assumed)
    if isinstance(atom, Range):
        return Range("range", _without(atom.idents, stale))
    if isinstance(atom, Predicate):
        return predicate({number: _without(part, stale) for number, part in atom.cases})
    return atom


def join(left: State | None, right: State | None) -> State | None:
    """Return the state that holds after either of two; ``None`` is an unreachable one."""
    if left is None:
        return right
    if right is None or right is left:
        return left
    env = dict(left.env)
    off = left.off & right.off
    named = left.named | right.named
    tested = left.off != right.off
    for decl in _different(env, right.env):
        one, two = env.get(decl, UNKNOWN), right.env.get(decl, UNKNOWN)
        if one == two:
            env[decl] = one
            continue
        if tested or told(one) is not None or told(two) is not None:
            env[decl] = either((one, left.off), (two, right.off), off)
            named.add(decl)
        else:
            env[decl] = one | two
    clause = left.clause if right.clause is not None else None
    return State(env, off, left.gone | right.gone, clause, named)


def _different(one: dict[int, Value], two: dict[int, Value]) -> list[int]:
    # Locals that may hold different values: most hold the very same object.
    found = [decl for decl, value in two.items() if one.get(decl) is not value]
    if len(two) < len(one) + len(found):
        found += [decl for decl in one if decl not in two]
    return found


def either(
    one: tuple[Value, frozenset[Ident]],
    two: tuple[Value, frozenset[Ident]],
    known: frozenset[Ident],
) -> Value:
    """Return what is one of two values, each with what is shown where it is that one.

    ``if (PageSwapCache(page)) err = -EINVAL;``: from here on err is the test's result.

    :param known: what is shown in both cases.
    """
    found = plain(one[0]) | plain(two[0])
    cases = merged(outcomes(*one), outcomes(*two))
    if all(idents <= known for idents in cases.values()):
        return found
    return frozenset(atom for atom in found if atom.tag not in _SAID) | {predicate(cases)}
