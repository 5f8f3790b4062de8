"""Where the keys of a TOML file stand: what :mod:`tomllib` does not tell.

Floor 3: imports nothing of pagefix.
"""

from __future__ import annotations

import re

__all__ = ["Key", "key_lines"]

#: A key by its path: ``("fix", 1, "replace")`` is ``replace`` in the second ``[[fix]]``.
Key = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_-]+)\s*\]\]?\s*(?:#.*)?$")
_ASSIGN = re.compile(r"\s*\"?([A-Za-z0-9_-]+)\"?\s*=\s*(.*)$")


def key_lines(text: str) -> dict[Key, int]:
    """Return the 1-based line of every key and table of a rule file.

    Only what rule files use is known: tables, arrays of tables, plain keys, and strings
    over several lines (whose lines are skipped).
    """
    lines: dict[Key, int] = {}
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
            if header[1] == "[[":
                lines.setdefault(table, number)
                count = sum(1 for key in lines if len(key) == 2 and key[0] == header[2])
                table = (header[2], count)
            lines.setdefault(table, number)
            continue
        assign = _ASSIGN.match(line)
        if assign:
            lines.setdefault((*table, assign[1]), number)
            for quotes in ("'''", '"""'):
                if assign[2].startswith(quotes) and quotes not in assign[2][3:]:
                    closing = quotes
    return lines
