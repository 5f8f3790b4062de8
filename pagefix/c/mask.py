"""Masking: kernel C made readable for a C grammar, without moving a byte.

What comes in: a stretch of text. What goes out: text of the same length in which what
the grammar cannot read is blanked (annotations), rewritten (the heads of loops) or
hidden behind an identifier (types as arguments, ``typeof``, ``offsetof``, ``asm``).
What is hidden is a :class:`~pagefix.c.draft.Hole`, and read apart when the identifier
is lowered, so nothing but annotations is lost.

Every pass is one regular expression that finds the few places where something may have
to be done: a loop over all tokens in Python would cost as much as the parser.

Floor 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pagefix.c.draft import Draft, Masked, close_of, open_of
from pagefix.c.mask_hard import hide_code, join_words, mend
from pagefix.c.mask_words import mask_words
from pagefix.c.tables import GROUPS, LOOPS, NOT_CALLED, PER_CPU, TYPE_WORDS, MacroTable

__all__ = ["mask"]

_NO_WORDS: Mapping[str, int] = {}

_TYPE_FIRST = re.compile(rf"([(,])\s*((?:{'|'.join(sorted(TYPE_WORDS))})\b)(?!\s*\((?!\s*\*))")
_STAR_END = re.compile(r"\*\s*[,)]")
_STAR_TYPE = re.compile(r"[(,]\s*((?:\w+\s+)*\w+[\s*]*\*)\Z")
_ARGUMENT_END = re.compile(r"[(),\[\]{};]")
_CASE_RANGE = re.compile(r"\bcase\b[^:;{}]*?(\.\.\.)")
_EMPTY_LABEL = re.compile(r":(\s)\s*\}")

_CALLED = r"(?!(?:if|while|for|switch|return|sizeof)\b)([A-Za-z_]\w*)\s*\("
_STATEMENT_CALL = re.compile(r"[;{}:)]\s*" + _CALLED)
_ELSE_CALL = re.compile(r"else\s+" + _CALLED)
_DO_CALL = re.compile(r"do\s+" + _CALLED)
_FIRST_CALL = re.compile(r"\s*" + _CALLED)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_EACH = re.compile(r"for_?_?each|_each_|_each\Z|foreach|FOREACH|FOR_EACH")
_VARIABLE = re.compile(r"\s*(?:(?:static|extern|const|volatile|__\w+)\s+)*([A-Za-z_]\w*)\s*\(")
_ONE_NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*(?=[,)])")
_LONE_WORD = re.compile(r"[;{}]\s*[A-Z_][A-Z0-9_]+([ \t]*\n)\s*[a-z_]\w*\s*\(")
_INNER_HEAD = re.compile(r"(?:if|for|while|do|switch)\b")
_MEMBER_CALL = re.compile(r"[;{}]\s*([A-Za-z_]\w*)\s*\(")
_CONTROL = frozenset({"if", "while", "for", "switch"})


def mask(
    text: str,
    start: int,
    macros: MacroTable,
    *,
    body: bool,
    calls_from: int = 0,
    record: bool = False,
    hard: bool = False,
    extra: Mapping[str, int] = _NO_WORDS,
    marks: tuple[tuple[int, bytes], ...] = (),
) -> Masked:
    """Mask a stretch of text.

    :param text: ``str``, one character for each byte, comments and strings blanked.
    :param start: its offset in the file.
    :param body: whether it holds statements.
    :param calls_from: where in it parentheses behind a name begin to be those of calls:
        before, they are those of declarators.
    :param record: whether it is the definition of a struct or union.
    :param hard: whether a first attempt to read it failed.
    :param extra: annotations beside those of the table, each with the offset in the text
        up to which it is one.
    :param marks: what to write where (offsets of the file): the conditionals to keep.
    """
    draft = Draft(text, start, calls_from)
    mask_words(draft, extra)
    if hard:
        hide_code(draft)
    _types(draft)
    if record:
        _members(draft)
    elif calls_from:
        _variable(draft)
    if body:
        _Heads(draft, macros).run()
        _ends(draft)
    if hard:
        mend(draft)
        join_words(draft, body or record)
    for at, line in marks:
        draft.out[at - start : at - start + len(line)] = line
    return draft.done()


# --- types as arguments ---


def _types(draft: Draft) -> None:
    text = draft.text
    for match in _TYPE_FIRST.finditer(text, draft.calls_from):
        _type_argument(draft, match.start(1), match.start(2))
    for match in _STAR_END.finditer(text, draft.calls_from):
        at = match.start() + 1
        low = max(0, at - 96)
        found = _STAR_TYPE.search(text[low:at])
        if found is not None:
            _type_argument(draft, low + found.start(), low + found.start(1))


def _type_argument(draft: Draft, before: int, at: int) -> None:
    # A type where a call has an argument: hidden up to the comma behind it.
    text = draft.text
    opened = before if text[before] == "(" else open_of(text, before)
    if opened < 0 or not draft.called(opened) or draft.is_hidden(at):
        return
    depth = 0
    for match in _ARGUMENT_END.finditer(text, at):
        char = match.group()
        if char in "([":
            depth += 1
        elif char in ")]" and depth:
            depth -= 1
        elif char in "{};":
            return
        elif not depth:
            end = draft.before(match.start()) + 1
            draft.hide("type", at, end, at, end)
            return


# --- variables that macros declare ---


def _variable(draft: Draft) -> None:
    # ``static DEFINE_FOO(x) = ...;`` at file scope.
    match = _VARIABLE.match(draft.text)
    if match is None or match.group(1) in NOT_CALLED or draft.is_hidden(match.start(1)):
        return
    close = close_of(draft.text, match.end() - 1)
    if close >= 0 and draft.next_kept(close + 1) == "=":
        _declare(draft, match.group(1), match.start(1), match.end() - 1, close)


def _declare(draft: Draft, name: str, at: int, opened: int, close: int) -> None:
    # The variable's name stays where it is among the arguments; all before it is its type.
    text = draft.text
    first = text.find(",", opened, close)
    names = [_ONE_NAME.match(text, opened + 1)]
    if first >= 0:
        names.append(_ONE_NAME.match(text, first + 1))
    variable = names[-1] if PER_CPU.match(name) or names[0] is None else names[0]
    if variable is None:
        return
    start, end = variable.span(1)
    draft.hide("declare", at, start - 1, opened + 1, close)
    draft.out[start - 1] = 32
    draft.blank(end, close + 1)


# --- members of records ---


def _members(draft: Draft) -> None:
    at = draft.calls_from
    while True:
        match = _MEMBER_CALL.search(draft.text, at)
        if match is None:
            return
        at = _member(draft, match.group(1), match.start(1), match.end() - 1)


def _member(draft: Draft, name: str, at: int, opened: int) -> int:
    # A macro among the members; returns where to go on.
    text = draft.text
    close = close_of(text, opened)
    if close < 0 or name in NOT_CALLED:
        return opened
    if name not in GROUPS:
        if draft.next_char(close + 1) == ";":
            draft.hide("call", at, close + 1, opened + 1, close)
            return close
        return opened
    # ``struct_group(name, members)``: the members, in an anonymous struct.
    first = opened + 1
    for _ in range(GROUPS[name]):
        first = text.find(",", first, close) + 1
        if not first:
            return opened
    draft.out[at:first] = b"struct {".ljust(first - at)
    draft.out[close] = 125
    inner = _FIRST_CALL.match(text, first, close)
    if inner is not None:
        return _member(draft, inner.group(1), inner.start(1), inner.end() - 1)
    return first


# --- statements ---


class _Heads:
    # Calls at the start of a statement that no semicolon ends: the heads of loops, and
    # macros that are statements by themselves.

    def __init__(self, draft: Draft, macros: MacroTable) -> None:
        self.draft = draft
        self.macros = macros
        self.loops: set[int] = set()  # closing parentheses of heads

    def run(self) -> None:
        text = self.draft.text
        low = self.draft.calls_from
        found = [*_STATEMENT_CALL.finditer(text, low)]
        if "else" in text:
            found += _ELSE_CALL.finditer(text, low)
        found += _DO_CALL.finditer(text, low)
        first = None if low else _FIRST_CALL.match(text)
        if first is not None:
            found.append(first)
        found.sort(key=lambda match: match.start(1))
        for match in found:
            opened = match.end() - 1
            close = close_of(text, opened)
            # Nearly all end here: ``foo(x);``
            if close >= 0 and text[close + 1 : close + 2] not in (";", ",", ")"):
                self.head(match.group(1), match.start(1), opened, close)

    def head(self, name: str, at: int, opened: int, close: int) -> None:
        draft = self.draft
        behind = draft.after(close + 1)
        char = draft.text[behind : behind + 1]
        if not (char.isalpha() or char in "_{}*(+-&~!=") or not char or name in NOT_CALLED:
            return
        if draft.out[at] == 32 or draft.is_hidden(at) or not self.starts_statement(at):
            return
        if char == "=":
            if draft.next_char(behind + 1) == "{":  # no assignment: it declares
                _declare(draft, name, at, opened, close)
        elif char == "}":
            if not self.in_initializer(at):
                draft.semicolon(close + 1)
        elif char == "{" or self.is_loop(name):
            self.loop(name, at, opened, close)
        elif char.isalpha() or char == "_":
            word = _IDENTIFIER.match(draft.text, behind)
            if word is not None and word.group() == "else":
                draft.semicolon(close + 1)
            elif _deeper(draft, at, close, behind):
                self.loop(name, at, opened, close)
            else:
                draft.semicolon(close + 1)

    def starts_statement(self, at: int) -> bool:
        draft = self.draft
        before = draft.before(at)
        if before < 0 or draft.text[before] != ")":
            return True  # what else may stand there, the patterns know
        if before in self.loops:
            return True
        opened = open_of(draft.text, before, stops="{}")
        return opened >= 0 and draft.word_before(opened)[1] in _CONTROL

    def in_initializer(self, at: int) -> bool:
        # ``= { FOO(x) }``
        draft = self.draft
        brace = draft.before(at)
        if brace < 0 or draft.text[brace] != "{":
            return False
        before = draft.before(brace)
        return before >= 0 and draft.text[before] in "=,{"

    def is_loop(self, name: str) -> bool:
        return _EACH.search(name) is not None or name in LOOPS or bool(self.macros.loop(name))

    def loop(self, name: str, at: int, opened: int, close: int) -> None:
        out, end = self.draft.out, at + len(name)
        word = b"while" if len(name) >= 5 else b"if"
        if self.draft.text[opened + 1 : close].strip():
            out[at:end] = word.ljust(len(name))
        else:
            call = word + b"(1"
            if close - at < len(call):
                return
            out[at:close] = call.ljust(close - at)
        self.loops.add(close)
        self.draft.loops[self.draft.start + at] = self.draft.start + end


def _deeper(draft: Draft, head: int, close: int, behind: int) -> bool:
    # Whether the text behind a head is indented as its body would be.
    text = draft.text
    line = text.rfind("\n", 0, behind) + 1
    if line <= close:  # on the same line: only what can be no statement without it
        return _INNER_HEAD.match(text, behind) is not None
    start = text.rfind("\n", 0, head) + 1
    first = draft.after(start)
    return _columns(text[line:behind]) > _columns(text[start:first])


def _columns(blank: str) -> int:
    return len(blank.expandtabs(8))


def _ends(draft: Draft) -> None:
    # A label before a brace needs a statement; so does a macro alone on its line before a
    # call, or the two would declare a function; a range of cases reads as an operator.
    for match in _EMPTY_LABEL.finditer(draft.text):
        draft.out[match.start(1)] = 59
    for match in _LONE_WORD.finditer(draft.text):
        draft.out[match.start(1)] = 59
    if "..." in draft.text:
        for match in _CASE_RANGE.finditer(draft.text):
            draft.out[match.start(1) : match.end(1)] = b"|| "
            draft.ranges.add(draft.start + match.start())
