"""What gdb is asked in C: texts of expressions, and what a script puts into them.

Floor 5.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import libcst as cst

__all__ = ["Asked", "leading", "of_record"]

_MEMBERS = r"(?:->|\.)\s*(\w+)\s*((?:\[\w*\]\s*)*)"
_MEMBER = re.compile(_MEMBERS)
_CAST = re.compile(
    r"[(*\s]*(?P<record>struct \w+)\s*\*\s*\)\s*[^-.()]*[)\s]*(?P<members>(?:" + _MEMBERS + ")*)"
)


class Asked(NamedTuple):
    """A cast to a record's address, and members of it.

    :param members: their names in order, each with whether an item of it is taken.
    """

    record: str
    members: tuple[tuple[str, bool], ...]


def of_record(text: str) -> Asked | None:
    """Return what a text of C asks for; ``None`` if it is no cast to a record's address."""
    told = _CAST.fullmatch(text)
    if told is None:
        return None
    found = _MEMBER.findall(told["members"])
    return Asked(told["record"], tuple((name, bool(index)) for name, index in found))


def leading(node: Any) -> str:
    """Return the text that something is formatted into or put behind; empty if there is none."""
    match node:
        case cst.SimpleString():
            return str(node.evaluated_value)
        case cst.FormattedString():
            return "".join(
                each.value if isinstance(each, cst.FormattedStringText) else "0"
                for each in node.parts
            )
        case cst.BinaryOperation(operator=cst.Modulo() | cst.Add()):
            return leading(node.left)
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="format"), value=text)):
            return leading(text)
    return ""
