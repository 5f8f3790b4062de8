"""What a function gives back, gathered from each place where it returns."""

from __future__ import annotations

from pagefix.flow.contexts import Summary
from pagefix.flow.outcomes import merged, outcomes, plain, predicate
from pagefix.flow.state import State
from pagefix.flow.values import BOTTOM, Atom, Ident, Number, Page, Range, Value

__all__ = ["Result"]


class Result:
    """The result of one context's run, as far as it has come."""

    def __init__(self) -> None:
        self.value: Value = BOTTOM
        self.outcome: dict[Number, frozenset[Ident]] = {}
        self.gone: frozenset[Ident] = frozenset()

    def summary(self) -> Summary:
        """Return what a caller learns."""
        return Summary(self.value, predicate(self.outcome), self.gone)

    def add(self, value: Value, state: State) -> None:
        """Add a value that is given back, and what holds there."""
        self.gone |= _arguments(state.gone)
        cases = {number: _arguments(ids) for number, ids in outcomes(value, state.off).items()}
        self.outcome = merged(self.outcome, cases)
        self.value |= frozenset(_leaving(atom) for atom in plain(value))


def _arguments(idents: frozenset[Ident]) -> frozenset[Ident]:
    # A caller knows a page only as what it has handed over.
    return frozenset(ident for ident in idents if ident[0] == "arg")


def _leaving(atom: Atom) -> Atom:
    if isinstance(atom, Page):
        return Page("page", _arguments(atom.idents), atom.assumed)
    if isinstance(atom, Range):
        return Range("range", _arguments(atom.idents))
    return atom
