"""Where the keys of a TOML file stand: what :mod:`tomllib` does not tell.

Floor 3: imports nothing of pagefix.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Key", "Spot", "key_spots"]

#: A key by its path: ``("fix", 1, "replace")`` is ``replace`` in the second ``[[fix]]``.
Key = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_-]+)\s*\]\]?(?=\s*(?:#.*)?$)")
_ASSIGN = re.compile(r"\s*(\"?)([A-Za-z0-9_-]+)\1\s*=\s*(.*?)\s*$")
_STRING = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")


class Spot(NamedTuple):
    """Where a key, or a table's heading, stands; columns count from 0, ends exclusive.

    :param line: ``int``, from 1.
    :param value: column at which the key's value begins; that of the end if it has none.
    :param value_end: where the value ends on this line.
    """

    line: int
    start: int
    end: int
    value: int
    value_end: int


def key_spots(text: str) -> dict[Key, Spot]:
    """Return the place of every key and table of a rule file.

    Only what rule files use is known: tables, arrays of tables, plain keys, and strings
    over several lines (whose lines are skipped).
    """
    spots: dict[Key, Spot] = {}
    table: Key = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            if closing in line:
                closing = ""
            continue
        header = _HEADER.match(line)
        if header:
            table = (header[2],)
            end = header.end()
            spot = Spot(number, header.start(1), end, end, end)
            if header[1] == "[[":
                spots.setdefault(table, spot)
                count = sum(1 for key in spots if len(key) == 2 and key[0] == header[2])
                table = (header[2], count)
            spots.setdefault(table, spot)
            continue
        assign = _ASSIGN.match(line)
        if assign:
            string = _STRING.match(assign[3])
            end = assign.start(3) + (string.end() if string else len(assign[3]))
            start = assign.start(2) - len(assign[1])
            spot = Spot(number, start, assign.end(2) + len(assign[1]), assign.start(3), end)
            spots.setdefault((*table, assign[2]), spot)
            for quotes in ("'''", '"""'):
                if assign[3].startswith(quotes) and quotes not in assign[3][3:]:
                    closing = quotes
    return spots
