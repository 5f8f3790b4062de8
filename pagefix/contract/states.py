"""What is known on one path: which tests stand, whether the inode is locked, small numbers.

A number is known as a set of signs, which is enough for error codes and truth values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "ANY",
    "NEG",
    "NOTHING",
    "POS",
    "TRUE",
    "ZERO",
    "Mark",
    "Root",
    "State",
    "behind",
    "bounded",
]

NEG, ZERO, POS = 1, 2, 4
ANY = NEG | ZERO | POS
TRUE = NEG | POS

#: More states than this at one place are joined: what they know of numbers is given up.
_BOUND = 10

#: The object that an expression is about: a parameter of the role, or a local variable.
Root = tuple[str, int]
#: What a test is about that names no variable.
NOTHING: Root = ("", -1)
#: What was tested, and whether the lock was held and still is.
Mark = tuple[Root, bool]


def behind(decl: int) -> int:
    """Return the key under which is known what a pointer variable points to."""
    return -2 - decl


class State(NamedTuple):
    """One way to come to a place.

    :param marks: objects that were tested; true where the lock was held and still is.
    :param locked: whether the inode's lock is held.
    :param numbers: signs of local variables that are known, by their declaration.
    """

    marks: frozenset[Mark] = frozenset()
    locked: bool = False
    numbers: frozenset[tuple[int, int]] = frozenset()

    def number(self, decl: int) -> int:
        """Return the signs that a local variable may have."""
        for each, mask in self.numbers:
            if each == decl:
                return mask
        return ANY

    def knowing(self, decl: int, mask: int) -> State:
        """Return the state with a local variable's signs."""
        pair, numbers = (decl, mask), self.numbers
        if pair in numbers:
            return self
        for each in numbers:
            if each[0] == decl:
                numbers -= {each}
                break
        else:
            if mask == ANY:
                return self
        return State(self.marks, self.locked, numbers if mask == ANY else numbers | {pair})

    def forgetting(self, decls: frozenset[int]) -> State:
        """Return the state without what is known of some variables."""
        for each in self.numbers:
            if each[0] in decls:
                rest = frozenset(pair for pair in self.numbers if pair[0] not in decls)
                return State(self.marks, self.locked, rest)
        return self

    def tested(self, roots: Iterable[Root], fresh: bool) -> State:
        """Return the state after a test of some objects."""
        new = frozenset((root, fresh) for root in roots)
        old = frozenset(mark for mark in self.marks if (mark[0], True) not in new)
        return self._replace(marks=old | new)

    def lock(self) -> State:
        """Return the state with the inode locked."""
        return self._replace(locked=True)

    def unlock(self, *, matters: bool) -> State:
        """Return the state with the inode unlocked: what was tested may have changed.

        :param matters: whether the test must be made under the lock.
        """
        marks = self.marks
        if matters:
            marks = frozenset((root, False) for root, _ in marks)
        return self._replace(locked=False, marks=marks)


def bounded(states: Iterable[State]) -> list[State]:
    """Return states without duplicates, joined where they are too many."""
    found = states if isinstance(states, list) and len(states) < 2 else list(dict.fromkeys(states))
    if len(found) <= _BOUND:
        return found
    groups: dict[tuple[frozenset[Mark], bool], dict[int, int] | None] = {}
    for state in found:
        key = (state.marks, state.locked)
        known = groups.get(key)
        if known is None:
            groups[key] = dict(state.numbers)
        else:
            numbers = dict(state.numbers)
            groups[key] = {decl: known[decl] | numbers[decl] for decl in known if decl in numbers}
    return [
        State(
            marks,
            locked,
            frozenset((decl, mask) for decl, mask in (known or {}).items() if mask != ANY),
        )
        for (marks, locked), known in groups.items()
    ]
