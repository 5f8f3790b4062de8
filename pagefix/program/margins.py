"""What stands at the left margin of a text: whatever it defines at file scope is named there.

Floor 2.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Margin", "margin"]

# A newline in front, not an anchor: the search for a fixed byte is many times quicker.
_LINE = re.compile(rb"\n([A-Za-z_}][^\n]*)")
_WORD = re.compile(rb"[A-Za-z_]\w*")
# A name before a parameter list, which may begin on the next line; not ``int (*f)(int)``.
_HEAD = re.compile(rb"\b([A-Za-z_]\w*+)\s*+\((?!\s*\*)")
_RECORD = re.compile(rb"\n(?:typedef\s+)?(struct|union)\s+(\w+)\s*\{")
# Keywords and types that come before a parenthesis there too.
_KEYWORDS = frozenset(
    ("if", "for", "while", "switch", "return", "sizeof", "int", "void", "defined")
)
_SPLIT = re.compile(rb"\n[ \t]*\(")
_SPLIT_HEAD = re.compile(rb"[A-Za-z_}][^\n(;]*?(\w+)[ \t]*$")


class Margin(NamedTuple):
    """Words at the left margin: a name that is none of them is not defined in the text.

    :param callable: those that stand before a parameter list.
    :param records: the records that have their members there (``struct foo``).
    """

    words: frozenset[str]
    callable: frozenset[str]
    records: frozenset[str]


def margin(text: bytes) -> Margin:
    """Return what stands at the left margin of a text."""
    data = b"\n" + text
    lines = b"\n".join(_LINE.findall(data))
    heads = set(_HEAD.findall(lines))
    for split in _SPLIT.finditer(data):
        line = data[data.rfind(b"\n", 0, split.start()) + 1 : split.start()]
        heads.update(_SPLIT_HEAD.findall(line)[:1] if line[:1].strip() else ())
    records = _RECORD.findall(data)
    return Margin(
        frozenset(word.decode() for word in _WORD.findall(lines)),
        frozenset(word.decode() for word in heads) - _KEYWORDS,
        frozenset(f"{kind.decode()} {name.decode()}" for kind, name in records),
    )
