"""Masking that is only tried on text that could not be read without it.

Floor 1.
"""

from __future__ import annotations

import re

from pagefix.c.draft import Draft, close_of
from pagefix.c.tables import KEYWORDS, NOT_CALLED, TYPE_WORDS

__all__ = ["hide_code", "join_words", "mend"]

_CALL = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(")
_CODE = re.compile(r"[(){};]")
_STATEMENT = re.compile(r"\s*(?:if|for|while|do|switch|return|goto|break|continue)\b")
_TYPES = "|".join(sorted(TYPE_WORDS))
_DECLARES = re.compile(rf"\s*(?:(?:{_TYPES})\b[\w\s*]*|\.\s*\w+\s*)=(?!=)")
_OPERATOR_ARGUMENT = re.compile(r"[(,]\s*(==|!=|<=|>=|<<|>>|<|>|&&|\|\||[-+*/%|^&=])\s*(?=[,)])")
_EMPTY_ARGUMENT = re.compile(r"\(\s*,|,\s+(?=[,)])")
_ODD_NUMBER = re.compile(r"(?<![\w.])\d\w*")
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*|\d+[eE]\d*[fFlL]?|0[xX][0-9a-fA-F]*[pP]\d*"
)
_CLOSE_BEHIND = re.compile(r'(?<=[" ]) "(?=[A-Za-z_]\w*\()')
_CLOSE_BEFORE = re.compile(r'(?<=\))" (?=[" ])')
# A macro alone on its line, without parentheses or semicolon.
_BARE_WORD = re.compile(r"(?<=[;{}])\s*[A-Z_][A-Z0-9_]+([ \t]*\n)\s*(?=[A-Za-z_}])")
_LOOP_END = re.compile(r"\}\s*(while_\w+)\s*\(")
_DO = re.compile(r"\bdo\s*\Z")
# A word or string, blanks, and another that cannot follow it in C.
_IN_A_ROW = re.compile(r'(?<=["\w)])\s+(?=([A-Za-z_]\w*))|(?<=[)\w])\s+(?=["&.])')
_RETURN = re.compile(r"\s*return\b")
_LAST_WORD = re.compile(r"[A-Za-z_]\w*\Z")


def hide_code(draft: Draft) -> None:
    """Hide calls that are given statements: ``DEBUG(if (x) foo();)``."""
    text = draft.text
    for match in _CALL.finditer(text, draft.calls_from):
        opened = match.end() - 1
        if match.group(1) in NOT_CALLED or draft.is_hidden(match.start()):
            continue
        close = close_of(text, opened)
        if close < 0 or not _holds_code(text, opened + 1, close):
            continue
        draft.hide("call", match.start(), close + 1, opened + 1, close)
        if draft.next_char(close + 1) not in (";", ",", ")"):
            draft.semicolon(close + 1)


def _holds_code(text: str, start: int, end: int) -> bool:
    if _STATEMENT.match(text, start, end) or _DECLARES.match(text, start, end):
        return True
    depth = 0
    for match in _CODE.finditer(text, start, end):
        char = match.group()
        if char in "({":
            if char == "{" and not depth:
                return True
            depth += 1
        elif char in ")}":
            depth -= 1
        elif not depth:
            return True
    return False


def mend(draft: Draft) -> None:
    """Put something where an operator, or nothing, is an argument; end what has no end."""
    text, out = draft.text, draft.out
    for match in _OPERATOR_ARGUMENT.finditer(text):
        width = match.end(1) - match.start(1)
        out[match.start(1) : match.end(1)] = b"0".ljust(width)
    for match in _EMPTY_ARGUMENT.finditer(text):
        out[match.end() - 1] = 32 if text[match.start()] == "(" else 48
    for match in _ODD_NUMBER.finditer(out.decode("latin-1")):
        if not _NUMBER.fullmatch(match.group()):  # a piece of a name, to be pasted
            out[match.start() : match.end()] = b"0" * len(match.group())
    for match in _CLOSE_BEHIND.finditer(text):  # "%"FOO: the quote moves, the operator fits
        out[match.start() : match.start() + 2] = b'"+'
        draft.joints.add(draft.start + match.start() + 1)
    for match in _CLOSE_BEFORE.finditer(text):
        out[match.start() : match.start() + 2] = b'+"'
        draft.joints.add(draft.start + match.start())
    for match in _BARE_WORD.finditer(text):
        out[match.start(1)] = 59
    for match in _LOOP_END.finditer(text):
        if _opens_do(text, match.start()):
            start, end = match.span(1)
            out[start:end] = b"while".ljust(end - start)
            draft.loops[draft.start + start] = draft.start + end


def _opens_do(text: str, at: int) -> bool:
    # Whether the block that ends at ``at`` is that of a ``do``.
    depth = 0
    for char in range(at, -1, -1):
        if text[char] == "}":
            depth += 1
        elif text[char] == "{":
            depth -= 1
            if not depth:
                return _DO.search(text, max(0, char - 64), char) is not None
    return False


def join_words(draft: Draft, declares: bool) -> None:
    """Separate words and strings that stand in a row.

    Macros do that: they stand for strings, or for items of an initializer with a comma.

    :param declares: whether the text may hold declarations, where words in a row are C.
    """
    masked = draft.out.decode("latin-1")
    brackets = _Brackets(masked)
    for match in _IN_A_ROW.finditer(masked, draft.calls_from):
        at = match.start()
        first = _LAST_WORD.search(masked, max(0, at - 64), at)
        words = {first.group() if first else "", match.group(1) or ""}
        if not words.isdisjoint(KEYWORDS) or not words.isdisjoint(TYPE_WORDS):
            continue
        if draft.is_hidden(at):
            continue
        opened = brackets.around(at)
        if opened >= 0 and masked[opened] == "{" and _initializes(draft, masked, opened):
            draft.out[at] = 44
            continue
        if masked[at - 1] == ")" and masked[match.end()] != '"':
            continue
        if declares and not _in_expression(draft, masked, opened, at):
            continue  # a declaration
        draft.out[at] = 43
        draft.joints.add(draft.start + at)


class _Brackets:
    # The parenthesis or brace around offsets that are asked for in ascending order.

    def __init__(self, text: str) -> None:
        self.marks = re.finditer(r"[(){}]", text)
        self.next = next(self.marks, None)
        self.stack: list[int] = []

    def around(self, at: int) -> int:
        """Return the one around an offset, ``-1`` if there is none."""
        while self.next is not None and self.next.start() < at:
            if self.next.group() in "({":
                self.stack.append(self.next.start())
            elif self.stack:
                self.stack.pop()
            self.next = next(self.marks, None)
        return self.stack[-1] if self.stack else -1


def _initializes(draft: Draft, text: str, at: int) -> bool:
    # Whether a brace opens an initializer, or a part of one.
    before = draft.before(at)
    return before >= 0 and text[before] in "=,{" and ";" not in text[at : text.find("}", at)]


def _in_expression(draft: Draft, text: str, opened: int, at: int) -> bool:
    if opened >= 0 and text[opened] == "(":
        return draft.word_before(opened)[1] != "for"
    start = max(text.rfind(char, max(0, at - 2000), at) for char in ";{}")
    return "=" in text[start:at] or _RETURN.match(text, start + 1) is not None
