"""A place where a rule's pattern matches: what an analysis hands to whoever reports it.

Floor 3.
"""

from __future__ import annotations

from typing import NamedTuple

from pagefix.c import ast
from pagefix.finding import Access
from pagefix.rulebook.matching import Bindings
from pagefix.rulebook.schema import Match, Rule

__all__ = ["Hit"]


class Hit(NamedTuple):
    """One match of one rule.

    :param path: shown path of the file.
    :param start: with ``end``, the field token, or the callee's name for a call.
    :param expr: the expression that matched.
    :param parents: what the expression stands in, innermost first, up to ``item``.
    :param item: the function, macro, variable or invocation around it.
    :param reason: why nothing may be written instead; empty if nothing is against it.
    :param certain: whether the page is known to be one.
    """

    rule: Rule
    match: Match
    path: str
    start: int
    end: int
    expr: ast.Expr
    bindings: Bindings
    parents: tuple[object, ...]
    item: ast.Item
    access: Access
    reason: str
    certain: bool

    @property
    def function(self) -> str | None:
        """Name of the function around the match (``str``), ``None`` outside of one."""
        return self.item.name if isinstance(self.item, ast.Function) else None

    @property
    def macro(self) -> str | None:
        """Name of the ``#define`` around the match (``str``), ``None`` outside of one."""
        return self.item.name if isinstance(self.item, ast.Macro) else None

    @property
    def variable(self) -> str | None:
        """Name of the variable in whose initializer it stands (``str``), else ``None``."""
        return self.item.name if isinstance(self.item, ast.Global) else None
