"""Names of fields that the text does not hold as one word.

C joins lines before it knows words, so ``page->map\\`` and ``ping`` on two lines are one
access; a macro may stand for a field's name, or paste one together. Nobody writes that
twice in a kernel: it is not followed, but it is told.

Floor 5: imports only floor 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

__all__ = ["JOINED", "Spliced", "pasting", "spliced"]

#: Why such a place is not resolved.
JOINED = "a line that is continued stands inside it"

_JOINT = re.compile(rb"\\\r?\n[\w>]")
_BREAK = rb"(?:\\\r?\n)*"
_PASTE = re.compile(rb"(?:->|\.)[ \t]*(\w*)[ \t]*##[ \t]*(\w*)")


class Spliced(NamedTuple):
    """An access whose field or operator is written on two lines.

    :param at: where the field's name begins.
    """

    at: int
    field: str


def spliced(code: bytes, fields: Sequence[str]) -> Iterator[Spliced]:
    """Yield the accesses in a text that a continued line cuts in two, in order."""
    places: dict[int, Spliced] = {}
    for joint in _JOINT.finditer(code):
        # The longest name with its operator lies this near.
        start, end = max(0, joint.start() - 40), joint.end() + 40
        for field in fields:
            for found in _form(field).finditer(code, start, end):
                inner = found["operator"] + found["field"]
                if b"\\" in inner:
                    at = found.start("field")
                    places[at] = Spliced(at, field)
    yield from (places[at] for at in sorted(places))


def pasting(code: bytes, fields: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where a macro's text makes one of the names of two parts behind ``->`` or ``.``."""
    for found in _PASTE.finditer(code):
        first, second = (part.decode("latin-1") for part in found.groups())
        if any(_makes(first, second, field) for field in fields):
            yield found.span()


def _makes(first: str, second: str, field: str) -> bool:
    # One part is a beginning or an end of the name, and the other one may be a parameter.
    begins = 1 < len(first) < len(field) and field.startswith(first)
    ends = 1 < len(second) < len(field) and field.endswith(second)
    return begins or ends


@cache
def _form(field: str) -> re.Pattern[bytes]:
    name = _BREAK.join(re.escape(char.encode()) for char in field)
    return re.compile(
        rb"(?P<operator>-" + _BREAK + rb">|(?<!\.)\.)(?:\s|\\\r?\n)*(?P<field>" + name + rb")(?!\w)"
    )
