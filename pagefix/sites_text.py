"""Where a field's name stands in the text, before anything is parsed.

In: the bytes of a file, or its code with comments and strings blanked. Out:
:class:`Token`: a name behind ``->`` or ``.`` is an occurrence for certain, one that is an
argument is one if the macro around it pastes that argument behind such an operator.

Floor 5: imports only floor 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Scanner", "Token"]

_BLANK = b" \t\r\n\\\v\f"
_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_KEYWORDS = frozenset(b"if while for switch return sizeof typeof defined".split())
# Members of a trace event's record are declared by macros that later also paste them.
_DECLARING = re.compile(rb"(?:TP_STRUCT__entry|TP_STRUCT|TP_PROTO|TP_ARGS)$")
_PASTED = re.compile(rb"(?:\s|\\\n)*##")
_HIDING = re.compile(rb"""["']|/[*/]|\*/""")
_IDENTIFIER = re.compile(rb"[A-Za-z_]\w*$")
_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*(?!define\b)\w+")
# No argument list is longer than this (a table of initializers in one macro may be).
_BACK = 20000


class Token(NamedTuple):
    """A field's name in the text.

    :param at: offset of the name.
    :param field: ``str``, the name.
    :param certain: whether it stands behind ``->`` or ``.``.
    :param callee: name before the argument list it is in, empty if there is none.
    :param argument: which argument it is, counted from 0.
    """

    at: int
    field: str
    certain: bool
    callee: str = ""
    argument: int = 0


class Scanner:
    """Finds the names of some fields.

    :param fields: the names.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        self._names = [field.encode() for field in fields]
        # One search per name with the name first: an alternation is ten times slower.
        self._words = [re.compile(re.escape(name) + rb"(?!\w)") for name in self._names]

    def tokens(self, code: bytes, *, raw: bool = False) -> list[Token]:
        """Return the names in a text, in order.

        :param raw: whether comments and strings are still in it: then what they hide
            counts as certain, so that nothing is missed before the file is read.
        """
        found: list[Token] = []
        for name, word in zip(self._names, self._words, strict=True):
            if name in code:
                field = name.decode()
                for match in word.finditer(code):
                    token = _token(code, match.start(), field, raw)
                    if token is not None:
                        found.append(token)
        found.sort()
        return found


def _token(code: bytes, at: int, field: str, raw: bool) -> Token | None:
    before = at - 1
    if before >= 0 and code[before] in _WORD_BYTES:
        return None
    while before >= 0 and code[before] in _BLANK:
        before -= 1
    if before < 0:
        return None
    mark = code[before : before + 1]
    if raw and _commented(code, before, at):
        return Token(at, field, True)
    if _PASTED.match(code, at + len(field)):
        return None  # part of another name
    if mark == b".":
        if code[before - 1 : before] == b"." or _directive(code, at):
            return None
        return Token(at, field, True)
    if mark == b">":
        return Token(at, field, True) if code[before - 1 : before] == b"-" else None
    return _argument(code, at, before, field, raw) if mark in b"(," else None


def _commented(code: bytes, before: int, at: int) -> bool:
    # Whether a comment may hide what stands before a name.
    if code[before - 1 : before + 1] == b"*/":
        return True
    end = code.rfind(b"\n", before, at)
    return end >= 0 and b"//" in code[code.rfind(b"\n", 0, before) + 1 : end]


def _directive(code: bytes, at: int) -> bool:
    line = code.rfind(b"\n", 0, at) + 1
    return _DIRECTIVE.match(code, line) is not None


def _argument(code: bytes, at: int, before: int, field: str, raw: bool) -> Token | None:
    after = at + len(field)
    while after < len(code) and code[after] in _BLANK:
        after += 1
    if code[after : after + 1] not in (b",", b")", b".", b"[", b"/"):
        return None
    opened = _opening(code, before)
    if raw and _HIDING.search(code, opened[0] if opened else max(0, before - 400), after + 1):
        return Token(at, field, True)
    if opened is None:
        return None
    start, number = opened
    callee = _word_before(code, start)
    if not callee or callee in _KEYWORDS or _in_declaration(code, start):
        return None
    return Token(at, field, False, callee.decode(), number)


def _opening(code: bytes, at: int) -> tuple[int, int] | None:
    # Offset of the parenthesis that is open at `at`, and the commas on the way.
    depth = commas = 0
    for offset in range(at, max(-1, at - _BACK), -1):
        char = code[offset]
        if char in b")]}":
            depth += 1
        elif char in b"([{":
            if depth == 0:
                return (offset, commas) if char == 0x28 else None
            depth -= 1
        elif depth == 0:
            if char == 0x2C:
                commas += 1
            elif char == 0x3B:
                return None
    return None


def _word_before(code: bytes, at: int) -> bytes:
    end = at
    while end > 0 and code[end - 1] in _BLANK:
        end -= 1
    found = _IDENTIFIER.search(code, max(0, end - 80), end)
    return found[0] if found else b""


def _in_declaration(code: bytes, start: int) -> bool:
    # Whether the argument list is inside one that declares a trace event's members.
    while True:
        outer = _opening(code, start - 1)
        if outer is None:
            return False
        start = outer[0]
        if _DECLARING.match(_word_before(code, start)):
            return True
