"""Whether a rule means anything in the tree at hand: the tree decides, never a version.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pagefix.c import ast
from pagefix.program import Program
from pagefix.rulebook import Rule

__all__ = ["applicable", "why_not"]

#: Where the flags of a page are.
_FLAGS = "include/linux/page-flags.h"

#: Constants that stand for each other in turn: more of them go in a circle.
_ALIASES = 8


def applicable(program: Program, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules whose conditions the tree meets."""
    return tuple(rule for rule in rules if not why_not(program, rule))


def why_not(program: Program, rule: Rule) -> str:
    """Return why a rule means nothing in this tree (``str``), empty if it does."""
    wanted = rule.tree
    for name in wanted.has:
        if not program.has_symbol(name):
            return f"this tree has no {name}()"
    if wanted.symbol:
        texts = _definitions(program, wanted.symbol)
        if not texts:
            return f"this tree has no {wanted.symbol}()"
        words = (
            rb"\b(?:" + b"|".join(re.escape(each.encode()) for each in wanted.mentions) + rb")\b"
        )
        if not any(re.search(words, text) for text in texts):
            return f"{wanted.symbol}() of this tree does not use {' or '.join(wanted.mentions)}"
    if wanted.same:
        roots = {_root(program, name) for name in wanted.same}
        if len(roots) > 1 or None in roots:
            return f"{' and '.join(wanted.same)} are not one value in this tree"
    return ""


def _definitions(program: Program, symbol: str) -> list[bytes]:
    if not program.files or not program.has_symbol(symbol):
        return []
    path = program.files[0]
    found: tuple[tuple[str, ast.Function | ast.Macro], ...] = program.functions(
        symbol, path
    ) or program.macro(symbol, path)
    return [program.unit(where).code[item.start : item.end] for where, item in found]


def _root(program: Program, name: str) -> str | None:
    # The constant that an alias leads to; None if the tree has none of that name.
    if program.tree.root is None:
        return None
    for _ in range(_ALIASES):
        found = program.enumerator(name, _FLAGS)
        if not found:
            return None
        value = found[0][1].value
        if not isinstance(value, ast.Name):
            return name
        name = value.name
    return None
