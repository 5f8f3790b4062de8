"""What a function that fails keeps although it had to give it back.

The walk is that of :mod:`pagefix.contract.run`; what has been taken is a mark.
"""

from __future__ import annotations

from typing import NamedTuple

from pagefix.c import ast
from pagefix.contract.expressions import Expressions, Values
from pagefix.contract.run import Relevant, Run, Start
from pagefix.contract.sources import Sources
from pagefix.contract.statements import ENDS
from pagefix.contract.states import ANY, NEG, POS, TRUE, ZERO, State
from pagefix.contract.subjects import Shape
from pagefix.rulebook import Demand, Pair

__all__ = ["Leak", "Leaks", "leaks"]

_GOOD = {"any": ANY, "zero": ZERO, "nonzero": TRUE, "pointer": POS}


class Leak(NamedTuple):
    """Something that is taken, and a way out with an error on which it is held.

    :param out: path, start and end of the ``return``.
    """

    path: str
    start: int
    end: int
    function: str
    out: tuple[str, int, int]


class Leaks(NamedTuple):
    """What becomes of a pair in a role.

    :param taken: whether it is taken at all.
    """

    taken: bool
    leaks: list[Leak]


def leaks(
    sources: Sources,
    start: Start,
    pair: Pair,
    relevant: frozenset[str],
    shapes: dict[tuple[str, int, int], Shape],
) -> Leaks:
    """Return what a role takes, and what of it it keeps on a failure path."""
    run = _Pairing(sources, start, pair, relevant, shapes)
    _, ways = run.hits(State())
    found = []
    for mask, state in ways:
        for (path, at), _held in state.marks:
            if mask in (NEG, TRUE) and (path, at) in run.taken:
                end, function = run.taken[(path, at)]
                out = (start.path, start.function.at, start.function.at)
                found.append(Leak(path, at, end, function, run.way_out or out))
    return Leaks(bool(run.taken), sorted(set(found)))


class _Pairing(Run):
    # Marks say what is held; a call of what gives it back takes them off.

    def __init__(
        self,
        sources: Sources,
        start: Start,
        pair: Pair,
        relevant: frozenset[str],
        shapes: dict[tuple[str, int, int], Shape],
    ) -> None:
        nothing = Demand(missing="", guard="", reference="")
        super().__init__(sources, start, nothing, (), Relevant(relevant), shapes)
        self.pair = pair
        self._calls = frozenset((pair.take, *pair.give, *pair.moves))
        self._alive = self.relevant | self._calls | ENDS
        self.taken: dict[tuple[str, int], tuple[int, str]] = {}
        self.way_out: tuple[str, int, int] | None = None

    def call(self, frame: Expressions, expr: ast.Call, name: str, state: State) -> Values:
        """Return the ways through a call: what it takes is held, what it gives is not."""
        if name == self.pair.take:
            place = (frame.path, expr.start)
            self.taken[place] = (expr.end, frame.shape.function.name)
            held = state._replace(marks=state.marks | {(place, True)})
            good = _GOOD[self.pair.good]
            if good == POS:
                return [(POS, held), (NEG, state)]
            return [(good, held), *([(ANY & ~good, state)] if good != ANY else [])]
        if name in self.pair.give:
            return [(ANY, state._replace(marks=frozenset()))]
        if name in self.pair.moves:
            return [(ZERO, state._replace(marks=frozenset())), (TRUE, state)]
        return super().call(frame, expr, name, state)
