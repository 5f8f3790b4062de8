"""Where brackets and statements begin: what wrapping a line must know of the text above.

Lexical, on text whose comments and strings are blanked; both sides of an ``#if`` start
from what stands before it.

Floor 5: imports nothing of pagefix.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["TAB", "Context", "Contexts", "Open", "follow"]

#: Width of a tab in kernel source.
TAB = 8


class Open(NamedTuple):
    """An open bracket: its offset, and whether it holds a list (not statements)."""

    at: int
    list: bool


class Context(NamedTuple):
    """What is open at a place.

    :param opens: from the outermost to the innermost.
    :param start: offset at which the statement begins (white space before it included).
    """

    opens: tuple[Open, ...]
    start: int


_MARK = re.compile(
    rb"""(?P<bracket>[(){}\[\];])
    |^[ \t]*\#[ \t]*(?P<directive>if|elif|else|endif|define)?
    |^[ \t]*(?:case\b[^:?;\n]*|\w+)[ \t]*(?P<label>:)(?![:=])
    |\b(?P<word>else|do)\b""",
    re.MULTILINE | re.VERBOSE,
)
_HEADS = frozenset((b"if", b"while", b"for", b"switch"))
_WORD_BEFORE = re.compile(rb"(\w+)[ \t]*$")
_WORD_NEXT = re.compile(rb"\s*\w")


class Contexts:
    """What is open at the lines of a text.

    :param code: the text with comments and strings blanked.
    """

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._start = self._end = -1
        self._state = _State(code, [], 0)

    def at(self, start: int, end: int) -> Context:
        """Return what is open at the beginning of a line.

        :param start: offset of a place where nothing is open: the function's beginning.
        """
        # Lines are asked for one after the other: what is above is read once.
        if self._start != start or end < self._end:
            self._start = self._end = start
            self._state = _State(self._code, [], start)
        self._state.read(self._end, end)
        self._end = max(end, self._end)
        return Context(tuple(self._state.opens), self._state.statement)


def follow(code: bytes, before: Context, start: int, end: int) -> Context:
    """Return what is open at ``end``, given what is open at ``start``."""
    state = _State(code, list(before.opens), before.start)
    state.read(start, end)
    return Context(tuple(state.opens), state.statement)


class _State:
    # What is open, and where the statement began.

    def __init__(self, code: bytes, opens: list[Open], statement: int) -> None:
        self.code = code
        self.opens = opens
        self.statement = statement
        self.branches: list[tuple[list[Open], int]] = []

    def read(self, start: int, end: int) -> None:
        for mark in _MARK.finditer(self.code, start, end):
            directive = mark["directive"]
            if mark["bracket"]:
                self.bracket(mark[0], mark.start())
            elif mark["label"] or mark["word"]:
                self.begins(mark.end())
            elif directive == b"if":
                self.branches.append((list(self.opens), self.statement))
            elif directive in (b"elif", b"else") and self.branches:
                self.opens, self.statement = list(self.branches[-1][0]), self.branches[-1][1]
            elif directive == b"endif" and self.branches:
                self.branches.pop()

    def begins(self, at: int) -> None:
        if not self.opens or not self.opens[-1].list:
            self.statement = at

    def bracket(self, text: bytes, at: int) -> None:
        if text in (b"(", b"["):
            self.opens.append(Open(at, True))
        elif text == b"{":
            self.opens.append(Open(at, _is_list(self.code, at, self.opens)))
            self.begins(at + 1)
        elif text in (b")", b"]"):
            if self.opens and self.opens[-1].list:
                self.closes(self.opens.pop().at, at)
        elif text == b"}":
            while self.opens and self.code[self.opens[-1].at] != ord("{"):
                self.opens.pop()
            if self.opens and not self.opens.pop().list:
                self.begins(at + 1)
        else:
            self.begins(at + 1)

    def closes(self, opened: int, at: int) -> None:
        # What `if (...)` or `for_each_page(...)` heads is a statement of its own; a call
        # is never followed by a word.
        word = _WORD_BEFORE.search(self.code[max(opened - 80, 0) : opened])
        if word is None:
            return
        if word[1] in _HEADS or _WORD_NEXT.match(self.code, at + 1):
            self.begins(at + 1)


def _is_list(code: bytes, at: int, opens: list[Open]) -> bool:
    # A brace begins an initializer after `=`, inside another list, or after a comma.
    before = code[:at].rstrip()[-1:] if at < 200 else code[at - 200 : at].rstrip()[-1:]
    if before in (b"=", b","):
        return True
    inside = bool(opens) and opens[-1].list
    return inside and code[opens[-1].at] == ord("{") and before == b"{"
