"""Where brackets and statements begin: what wrapping a line must know of the text above.

Lexical, on text whose comments and strings are blanked; both sides of an ``#if`` start
from what stands before it.

Floor 5: imports nothing of pagefix.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["TAB", "Context", "Open", "context", "follow"]

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


def context(code: bytes, start: int, end: int) -> Context:
    """Return what is open at ``end``.

    :param code: the text with comments and strings blanked.
    :param start: offset of a place where nothing is open: the function's beginning.
    """
    return follow(code, Context((), start), start, end)


def follow(code: bytes, before: Context, start: int, end: int) -> Context:
    """Return what is open at ``end``, given what is open at ``start``."""
    state = _State(code, list(before.opens), before.start)
    branches: list[tuple[list[Open], int]] = []
    for mark in _MARK.finditer(code, start, end):
        directive = mark["directive"]
        if mark["bracket"]:
            state.bracket(mark[0], mark.start())
        elif mark["label"] or mark["word"]:
            state.begins(mark.end())
        elif directive == b"if":
            branches.append((list(state.opens), state.statement))
        elif directive in (b"elif", b"else") and branches:
            state.opens, state.statement = list(branches[-1][0]), branches[-1][1]
        elif directive == b"endif" and branches:
            branches.pop()
    return Context(tuple(state.opens), state.statement)


class _State:
    # What is open, and where the statement began.

    def __init__(self, code: bytes, opens: list[Open], statement: int) -> None:
        self.code = code
        self.opens = opens
        self.statement = statement

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
