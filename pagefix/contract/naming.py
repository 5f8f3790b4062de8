"""Objects in the words of a callee: what it is handed, by number, and all else as one.

A function that is walked in its own words is walked once for all its callers.
"""

from __future__ import annotations

from pagefix.contract.states import NOTHING, Mark, Root, State

__all__ = ["Naming"]

_HANDED = "@"
#: Whatever was tested that a callee has no name for.
_OUTSIDE: Root = ("*", -1)


class Naming:
    """What the objects of a call are called within the callee.

    :param handed: the objects of its arguments, in the caller's words.
    """

    def __init__(self, handed: tuple[Root, ...]) -> None:
        self._inner: dict[Root, Root] = {}
        for index, root in enumerate(handed):
            # The role's own parameters keep their names: a demand may be about them.
            self._inner.setdefault(root, root if root[0] == "" else (_HANDED, index))
        self._outer = {inner: root for root, inner in self._inner.items()}
        #: The objects of its parameters, in its words.
        self.roots = tuple(self._inner[root] for root in handed)

    def inward(self, marks: frozenset[Mark]) -> frozenset[Mark]:
        """Return what was tested before the call, in the callee's words."""
        return frozenset((self._within(root, fresh), fresh) for root, fresh in marks)

    def _within(self, root: Root, fresh: bool) -> Root:
        if root[0] == "" and (fresh or root != NOTHING):
            return root
        return self._inner.get(root, _OUTSIDE)

    def outward(self, after: State, before: frozenset[Mark]) -> State:
        """Return the state behind a call in the caller's words.

        :param before: what was tested before it. What lies outside the callee is still
            tested, or all of it was tested before an unlock.
        """
        marks = {(self._outer.get(root, root), fresh) for root, fresh in after.marks}
        still = (_OUTSIDE, True) in marks
        if still or (_OUTSIDE, False) in marks:
            marks -= {(_OUTSIDE, True), (_OUTSIDE, False)}
            marks |= {
                (root, fresh and still)
                for root, fresh in before
                if self._within(root, fresh) == _OUTSIDE and (root, True) not in marks
            }
        return State(frozenset(marks), after.locked, after.numbers)
