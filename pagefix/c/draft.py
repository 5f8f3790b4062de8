"""A stretch of text while it is masked, and what masking leaves behind.

Floor 1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pagefix.c.tables import NOT_CALLED

__all__ = ["Draft", "Hole", "Masked", "close_of", "open_of"]


class Hole(NamedTuple):
    """A stretch of text that an identifier stands for in the masked text.

    :param kind: ``type``, ``typeof``, ``offsetof``, ``asm``, ``goto``, ``call``.
    :param start: of the whole stretch; ``inner`` and ``inner_end`` bound its operand.
    """

    kind: str
    start: int
    end: int
    inner: int
    inner_end: int


class Masked(NamedTuple):
    """Masked text, and what lowering must know of it; all offsets are the file's.

    :param loops: start of a loop macro's name, now ``while``, to the name's end.
    :param ranges: starts of ``case`` marks whose ``...`` became ``||``.
    :param joints: where an operator was put between words that a macro joins.
    :param notes: arguments of annotations, which are blanked: (start, end).
    """

    text: bytes
    start: int
    holes: dict[int, Hole]
    loops: dict[int, int]
    ranges: set[int]
    joints: set[int]
    notes: list[tuple[int, int]]


_PAREN = re.compile(r"[()]")
_FLAT = re.compile(r"[^()]*\)")
_NEXT = re.compile(r"\S")


#: No list of arguments is longer than this: beyond, a parenthesis is not looked for.
_FARTHEST = 20_000


def close_of(text: str, at: int) -> int:
    """Return the offset of the parenthesis that closes the one at ``at``, or ``-1``."""
    flat = _FLAT.match(text, at + 1)
    if flat is not None:
        return flat.end() - 1
    depth = 0
    for match in _PAREN.finditer(text, at):
        if match.group() == "(":
            depth += 1
        else:
            depth -= 1
            if not depth:
                return match.start()
    return -1


def open_of(text: str, at: int, *, stops: str = "{};") -> int:
    """Return the offset of the parenthesis around ``at``, or ``-1``.

    :param stops: marks behind which it is not looked for.
    """
    depth = 0
    for char in range(at - 1, max(-1, at - _FARTHEST), -1):
        mark = text[char]
        if mark == ")":
            depth += 1
        elif mark == "(":
            if not depth:
                return char
            depth -= 1
        elif mark in stops and not depth:
            return -1
    return -1


class Draft:
    """Text that is being masked; offsets are within it.

    :param calls_from: where parentheses behind a name begin to be those of calls.
    """

    def __init__(self, text: str, start: int, calls_from: int) -> None:
        self.text = text
        self.start = start
        self.calls_from = calls_from
        self.out = bytearray(text, "latin-1")
        self.holes: dict[int, Hole] = {}
        self.loops: dict[int, int] = {}
        self.ranges: set[int] = set()
        self.joints: set[int] = set()
        self.notes: list[tuple[int, int]] = []
        self.hidden: list[tuple[int, int]] = []

    def before(self, at: int) -> int:
        """Return the offset of the last character before ``at`` that is no blank, or -1."""
        text = self.text
        at -= 1
        while at >= 0 and text[at].isspace():
            at -= 1
        return at

    def after(self, at: int) -> int:
        """Return the offset of the first character from ``at`` on that is no blank."""
        match = _NEXT.search(self.text, at)
        return match.start() if match else len(self.text)

    def next_kept(self, at: int) -> str:
        """Return the first character from ``at`` on that masking left in the text."""
        out = self.out
        while at < len(out) and out[at] in b" \t\r\n\f\v":
            at += 1
        return chr(out[at]) if at < len(out) else ""

    def next_char(self, at: int) -> str:
        """Return the first character from ``at`` on that is no blank, or nothing."""
        match = _NEXT.search(self.text, at)
        return match.group() if match else ""

    def word_before(self, at: int) -> tuple[int, str]:
        """Return the word that ends before ``at``, blanks aside, and where it starts."""
        text = self.text
        end = self.before(at) + 1
        start = end
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        return start, text[start:end]

    def called(self, opened: int) -> bool:
        """Return whether a parenthesis is that of a call."""
        if opened < self.calls_from:
            return False
        word = self.word_before(opened)[1]
        return bool(word) and not word[0].isdigit() and word not in NOT_CALLED

    def arguments(self, end: int) -> tuple[int, int]:
        """Return the parentheses that follow a word: (open, close), or (-1, -1)."""
        at = self.after(end)
        if self.text[at : at + 1] != "(":
            return -1, -1
        close = close_of(self.text, at)
        return (at, close) if close >= 0 else (-1, -1)

    def blank(self, start: int, end: int) -> None:
        """Blank an annotation; its arguments, if it has any, are noted."""
        self.out[start:end] = b" " * (end - start)

    def hide(self, kind: str, start: int, end: int, inner: int, inner_end: int) -> None:
        """Put an identifier where ``[start, end)`` is, and remember what was there."""
        base = self.start
        hole = Hole(kind, base + start, base + end, base + inner, base + inner_end)
        self.holes[base + start] = hole
        self.out[start:end] = b"_" * (end - start)
        self.hidden.append((start, end))

    def is_hidden(self, at: int) -> bool:
        """Return whether an offset lies in text that is hidden."""
        return any(start <= at < end for start, end in self.hidden)

    def semicolon(self, at: int) -> None:
        """End a statement in the blank at an offset, if one is there."""
        if self.text[at : at + 1].isspace():
            self.out[at] = 59

    def done(self) -> Masked:
        """Return the result."""
        return Masked(
            bytes(self.out),
            self.start,
            self.holes,
            self.loops,
            self.ranges,
            self.joints,
            self.notes,
        )
