"""What a run is asked to do.

Floor 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from pagefix.errors import PagefixError
from pagefix.rulebook import Rule, Scope

__all__ = ["Scope", "choose"]


def choose(rules: Sequence[Rule], select: Iterable[str], ignore: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules that are selected and not ignored.

    An empty ``select`` stands for all of them.
    """
    select, ignore = frozenset(select), frozenset(ignore)
    names = [rule.name for rule in rules]
    for name in sorted(select | ignore):
        if name not in names:
            close = get_close_matches(name, names, n=1)
            raise PagefixError(
                f"there is no rule {name!r}",
                why=f"The nearest is {close[0]!r}." if close else "No rule has a name like it.",
                remedy="`pagefix rules` lists them.",
            )
    return tuple(
        rule for rule in rules if rule.name not in ignore and (not select or rule.name in select)
    )
