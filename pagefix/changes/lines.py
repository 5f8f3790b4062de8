"""Which lines of a file are new.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Changes", "Lines", "steers"]

# A line without which a function may run another way.
_STEERS = re.compile(
    rb"\b(?:if|else|switch|case|default|while|for|do|return|goto|break|continue)\b|[?{}]|&&|\|\|"
)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one file that are new, and where some were taken out.

    :param fresh: numbers of lines, from 1.
    :param cuts: numbers of the lines before which something was taken out that may have
        kept a page away: a test, a branch, a return.
    """

    fresh: frozenset[int] = frozenset()
    cuts: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed.

    :param lines: by absolute path, links in directories followed; files that are gone are
        not among them.
    :param gone: absolute paths of files that are gone.
    :param texts: what stands in the place of files, ``None`` where one is not there.
    :param note: what the user should know of how it was had; empty if nothing.
    """

    lines: dict[str, Lines]
    gone: tuple[str, ...] = ()
    texts: dict[str, bytes | None] = field(default_factory=dict)
    note: str = ""


def steers(lines: Iterable[bytes]) -> bool:
    """Tell whether lines that were taken out may have decided which way a function runs."""
    return any(_STEERS.search(line) for line in lines)
