"""Places that the interpreter looked at, and how each context saw them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pagefix.c import ast
from pagefix.finding import Access
from pagefix.rulebook import Match, Rule

__all__ = ["Seen", "Sight"]


@dataclass(slots=True)
class Sight:
    """How one context saw one place.

    :param labels: labels of the page: ``swapcache``, ``pagecache``, ``unknown``, ...
    :param assumed: whether the page was only guessed to be there.
    """

    labels: frozenset[str]
    assumed: bool
    clause: str | None


@dataclass(slots=True)
class Seen:
    """One place that was looked at, in all contexts.

    :param rules: for a call, the rules whose pattern and label it fits.
    :param helper: for a call beyond the frontier, positions of the pages it is given.
    """

    path: str
    node: ast.Member | ast.Call | ast.Binary
    function: ast.Function
    access: Access
    sights: dict[int, Sight] = field(default_factory=dict)
    rules: dict[str, tuple[Rule, Match]] = field(default_factory=dict)
    helper: tuple[int, ...] = ()
