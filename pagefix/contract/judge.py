"""What a walk along a path asks whoever judges it: :class:`pagefix.contract.run.Run`."""

from __future__ import annotations

from typing import Any, Protocol

from pagefix.c import ast
from pagefix.contract.states import State
from pagefix.contract.tests import Tests
from pagefix.rulebook import Demand

__all__ = ["Judge"]


class Judge(Protocol):
    """Who knows the demand, follows calls and notes effects; a frame is where it happens.

    :param unheeded: the last call that is a statement: nobody looks at what it returns.
    :param given: ids of the values that variables were given on the ways walked so far.
    :param hasty: whether a way is left where nothing can be missing on it any more.
    """

    demand: Demand
    tests: Tests
    unheeded: ast.Expr | None
    hasty: bool
    given: set[int]

    def call(self, frame: Any, expr: ast.Call, name: str, state: State) -> list[tuple[int, State]]:
        """Return the ways through a call."""

    def settled(self, state: State) -> bool:
        """Tell whether what a path is about has been tested for good."""

    def asked(self, frame: Any, expr: ast.Expr) -> bool:
        """Tell whether an expression mentions what the demand asks for."""

    def comparison(self, frame: Any, expr: ast.Binary) -> int | None:
        """Return the good truth of a comparison, ``None`` if it is no test."""

    def inert(self, frame: Any, expr: ast.Expr | ast.Stmt) -> bool:
        """Tell whether an expression or statement changes nothing that is known."""

    def met(self, path: str, expr: ast.Expr, function: str) -> bool:
        """Note a test that stands on a path; tell whether it counts."""

    def effect_of_store(self, frame: Any, expr: ast.Assign, state: State) -> None:
        """Note an assignment that is an effect."""

    def effect_of_change(
        self, frame: Any, expr: ast.Unary, place: ast.Expr, state: State, *, up: bool
    ) -> None:
        """Note a count that is an effect."""
