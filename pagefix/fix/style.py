"""Kernel style for what a rewrite makes longer.

A line is wrapped only if it holds an edit, is too wide now and was not before; no other
line changes. Continuation lines stand where the statement has its own, else below the
first argument, else one tab in.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pagefix.finding import Edit
from pagefix.fix.change import apply_edits
from pagefix.fix.layout import TAB, Context, Contexts, Open, follow
from pagefix.source import SourceFile

__all__ = ["COLUMNS", "column_limit", "indent_to", "restyle", "width"]

#: The kernel's preferred limit on the length of a single line.
COLUMNS = 80

_LIMIT = re.compile(rb"^ColumnLimit:\s*(\d+)", re.MULTILINE)
_BACKSLASH = re.compile(r"[ \t]*\\$")

# What a break costs, on top of _DEPTH for each bracket it is in: the lowest wins. What
# binds less comes first.
_DEPTH = 10
_COST = {"comma": 0, "semi": 0, "logic": 1, "compare": 3, "operator": 4, "assign": 15, "paren": 60}
_UNALIGNED = 6


def column_limit(clang_format: bytes | None) -> int:
    """Return the line limit of a tree.

    :param clang_format: content of its ``.clang-format``, ``None`` if it has none.
    """
    found = _LIMIT.search(clang_format or b"")
    # 0 means "no limit" to clang-format; the kernel's still holds.
    return int(found[1]) or COLUMNS if found else COLUMNS


def width(line: str) -> int:
    """Return the column after the last character of a line, tabs being 8 wide."""
    return len(line.expandtabs(TAB))


class Scanned(NamedTuple):
    """The new text as a scanner sees it.

    :param code: the text with comments and strings blanked, same length.
    :param begin: offset at which the function or macro around a place begins.
    """

    code: bytes
    begin: Callable[[int], int]


def restyle(
    source: SourceFile,
    edits: Sequence[Edit],
    scan: Callable[[SourceFile], Scanned],
    limit: int,
) -> tuple[Edit, ...]:
    """Return the edits with lines wrapped that they made too long.

    :param edits: of this file, arranged.
    :param scan: reads the text that the edits make.
    """
    data = apply_edits(source.data, edits)
    after = SourceFile(source.path, "", data)
    scanned: Scanned | None = None
    contexts = Contexts(b"")
    result: list[Edit] = []
    for group, shift in _by_lines(source, edits):
        begin = source.lines()[source.line_of(group[0].start) - 1]
        end = _line_end(source.data, group[-1].end)
        old = source.text(begin, end)
        new = after.text(begin + shift, end + shift + _grown(group))
        if not _needs_care(old, new, limit):
            result += group
            continue
        if scanned is None:
            scanned = scan(after)
            contexts = Contexts(scanned.code)
        block = _Block(after, begin + shift, scanned.begin(begin + shift), contexts)
        wrapped = _wrap_block(block, old, new, scanned.code, limit)
        result += [_smallest(source.path, begin, old, wrapped)] if wrapped != new else group
    return tuple(result)


def _by_lines(source: SourceFile, edits: Sequence[Edit]) -> Iterator[tuple[list[Edit], int]]:
    # Edits that share a line, and how far the text before them has moved.
    shift = 0
    at = 0
    while at < len(edits):
        until = at + 1
        while until < len(edits) and edits[until].start <= _line_end(
            source.data, edits[until - 1].end
        ):
            until += 1
        group = list(edits[at:until])
        yield group, shift
        shift += _grown(group)
        at = until


def _grown(edits: Sequence[Edit]) -> int:
    return sum(
        len(edit.text.encode("utf-8", "surrogateescape")) - (edit.end - edit.start)
        for edit in edits
    )


def _line_end(data: bytes, offset: int) -> int:
    end = data.find(b"\n", offset)
    end = len(data) if end < 0 else end
    return end - 1 if data[end - 1 : end] == b"\r" and end > offset else end


def _needs_care(old: str, new: str, limit: int) -> bool:
    if "\\" in new:
        return True
    return _widest(new) > limit >= _widest(old)


def _widest(text: str) -> int:
    return max(width(line.rstrip("\r")) for line in text.split("\n"))


def _smallest(path: str, begin: int, old: str, new: str) -> Edit:
    # One edit from old to new, without the bytes that they share at both ends.
    before = old.encode("utf-8", "surrogateescape")
    after = new.encode("utf-8", "surrogateescape")
    most = min(len(before), len(after))
    head = 0
    while head < most and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < most - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    text = after[head : len(after) - tail].decode("utf-8", "surrogateescape")
    return Edit(path, begin + head, begin + len(before) - tail, text)


class _Block(NamedTuple):
    # Lines of the new text: where they begin, and the function or macro around them.
    after: SourceFile
    begin: int
    where: int
    contexts: Contexts


def _wrap_block(block: _Block, old: str, new: str, code: bytes, limit: int) -> str:
    # The lines of one block, each wrapped if it has become too wide.
    after, begin, where, contexts = block
    was_wide = _widest(old) > limit
    ending = "\r\n" if after.data[_line_end(after.data, begin) :][:2] == b"\r\n" else "\n"
    done = []
    at = begin
    for line in new.split("\n"):
        text = line.removesuffix("\r")
        size = len(line.encode("utf-8", "surrogateescape")) + 1
        hook = _hook(old, text)
        if hook is not None:
            text = _BACKSLASH.sub("", text)
        if (width(text) > limit or (hook and width(text) + 2 > limit)) and not was_wide:
            here = contexts.at(where, at)
            room = limit - 2 if hook else limit
            lines = list(_Wrapper(after, code, here, room).wrap(at, text))
        else:
            lines = [text]
        if hook is not None or (len(lines) > 1 and _is_directive(after, where)):
            lines = [_hooked(each, hook or limit - TAB) for each in lines[:-1]] + [
                lines[-1] if hook is None else _hooked(lines[-1], hook)
            ]
        done.append(ending.join(lines) + ("\r" if line.endswith("\r") else ""))
        at += size
    return "\n".join(done)


def _hook(old: str, line: str) -> int | None:
    # Column of the backslash that continues a macro's line: where it stood before.
    if not line.endswith("\\"):
        return None
    stood = [width(_BACKSLASH.sub("", each)) and width(each) - 1 for each in old.split("\n")]
    return max(stood)


def _is_directive(after: SourceFile, begin: int) -> bool:
    return after.data[begin : begin + 200].lstrip()[:1] == b"#"


def _hooked(line: str, column: int) -> str:
    # The line with its backslash at the column, or one space behind the text.
    at = width(line)
    if at >= column:
        return f"{line} \\"
    tabs = ""
    while (at // TAB + 1) * TAB <= column:
        tabs += "\t"
        at = (at // TAB + 1) * TAB
    return line + (tabs or " ") + " " * (column - at if tabs else 0) + "\\"


class _Break(NamedTuple):
    # The first line ends before `end`; the rest, from `rest` on, begins at `column`. No
    # first line (`end` is 0): all of it moves to `column`.
    cost: int
    end: int
    rest: int
    column: int
    paren: bool


_BREAKS = re.compile(
    r"""(?P<comma>,)(?=[ \t])
    |(?P<semi>;)(?=[ \t]+\S)
    |(?<=[ \t])(?P<assign>(?:<<|>>|[-+*/%&|^])?=)(?=[ \t])
    |(?<=[ \t])(?P<logic>&&|\|\|)(?=[ \t])
    |(?<=[ \t])(?P<compare>[=!<>]=|[<>?:])(?=[ \t])
    |(?<=[ \t])(?P<operator><<|>>|[-+*/%&|^])(?=[ \t])
    |(?P<paren>\()(?=[^\s)])""",
    re.VERBOSE,
)


class _Wrapper:
    # Wraps one line; offsets are of the new text, `code` is that with comments blanked.

    def __init__(self, after: SourceFile, code: bytes, here: Context, limit: int) -> None:
        self.after = after
        self.code = code
        self.here = here
        self.limit = limit

    def wrap(self, at: int, text: str) -> Iterator[str]:
        first = text
        offset = at  # of text[0]
        shown = text  # the line as it will stand: its own indent, then the text
        for _ in range(text.count(" ") + 1):
            if width(shown) <= self.limit:
                break
            choice = self.choose(offset, shown, first)
            if choice is None:
                break
            if choice.end == 0:
                shown = indent_to(choice.column) + first.lstrip()
                break
            indent = len(shown) - len(first)
            yield (shown[:indent] + first[: choice.end]).rstrip()
            offset += len(first[: choice.rest].encode("utf-8", "surrogateescape"))
            first = first[choice.rest :]
            shown = indent_to(choice.column) + first
        yield shown

    def choose(self, offset: int, shown: str, text: str) -> _Break | None:
        lead = shown[: len(shown) - len(text)]
        found = [
            each
            for each in self.breaks(offset, shown, text)
            if width(lead + text[: each.end]) <= self.limit
        ]
        fitting = [
            each
            for each in found
            if width(indent_to(each.column) + text[each.rest :]) <= self.limit
        ]
        # The rightmost of the cheapest. Behind a parenthesis only where moving the line to
        # the left does not help; where nothing fits in two lines, breaking goes on.
        for some in (fitting, found):
            near = [each for each in some if not each.paren] or self.moved(offset, shown, text)
            if near or some:
                return min(near or some, key=lambda each: (each.cost, -each.end))
        return None

    def moved(self, offset: int, shown: str, text: str) -> list[_Break]:
        # The whole line further left, if it only continues a statement.
        if shown != text or not any(each.list for each in self.here.opens):
            return []
        home = self.statement_indent(self.here)
        column = _indent_of(text) // TAB * TAB
        while column > home + TAB and width(indent_to(column) + text.lstrip()) > self.limit:
            column -= TAB
        if width(indent_to(column) + text.lstrip()) > self.limit:
            return []
        return [_Break(0, 0, 0, column, False)]

    def breaks(self, offset: int, shown: str, text: str) -> Iterator[_Break]:
        lead = len(shown) - len(text)
        code = self.code[offset : offset + len(text.encode("utf-8", "surrogateescape"))]
        # One character for each byte, so that offsets are those of the text.
        if len(code) != len(text):
            return
        plain = code.decode("latin-1")
        for mark in _BREAKS.finditer(plain):
            kind = str(mark.lastgroup)
            end = mark.end()
            # A comment is no code, and goes with what it stands before.
            rest = end + len(text[end:]) - len(text[end:].lstrip(" \t"))
            if not plain[:end].strip() or not plain[rest:].strip():
                continue
            inside = follow(self.code, self.here, self.begin(offset), offset + end)
            depth = sum(each.list for each in inside.opens)
            cost = depth * _DEPTH + _COST[kind]
            for extra, column in self.columns(inside, offset, lead, shown, kind):
                yield _Break(cost + extra, end, rest, column, kind == "paren")

    def begin(self, offset: int) -> int:
        starts = self.after.lines()
        return starts[self.after.line_of(offset) - 1]

    def columns(
        self, inside: Context, offset: int, lead: int, shown: str, kind: str
    ) -> Iterator[tuple[int, int]]:
        # Where the rest may stand, with what it costs.
        home = self.statement_indent(inside)
        own = _indent_of(self.line(offset))
        lists = [each for each in inside.opens if each.list]
        if kind == "paren":
            yield 0, _indent_of(shown) + 2 * TAB
            yield 1, _indent_of(shown) + TAB
            return
        below = self.below(inside, lists, offset)
        if not lists:
            if kind == "semi":
                # What follows is a statement of its own.
                yield 0, home
            elif self.after.line_of(self.first(inside)) != self.after.line_of(offset):
                yield 0, own
            else:
                yield 0, home + TAB if below is None else _indent_of(below)
            return
        innermost = lists[-1]
        braced = self.code[innermost.at : innermost.at + 1] == b"{"
        if innermost.at < self.begin(offset):
            # This line already continues that list.
            yield 0, own + TAB if braced and kind != "comma" else own
            return
        if braced:
            # Below the first item, one space behind the brace.
            yield 0, width(shown[: lead + innermost.at - offset + 1]) + 1
            return
        if below is not None:
            yield 0, _indent_of(below)
        if innermost.at >= offset:
            column = width(shown[: lead + innermost.at - offset + 1])
            yield 0 if below is None else 1, column
        yield _UNALIGNED, home + 2 * TAB

    def statement_indent(self, inside: Context) -> int:
        return _indent_of(self.line(self.first(inside)))

    def first(self, inside: Context) -> int:
        # The statement's first character: white space before it is not the statement.
        rest = self.code[inside.start :]
        return inside.start + len(rest) - len(rest.lstrip())

    def line(self, offset: int) -> str:
        start = self.begin(offset)
        return self.after.text(start, _line_end(self.after.data, start))

    def below(self, inside: Context, lists: list[Open], offset: int) -> str | None:
        # The line below, if it goes on with the same list, or with the same statement
        # outside of any.
        end = self.after.data.find(b"\n", offset)
        if end < 0:
            return None
        later = follow(self.code, self.here, self.begin(offset), end + 1)
        opens = [each for each in later.opens if each.list]
        same = opens[-1:] == lists[-1:] and later.start == inside.start
        return self.line(end + 1) if same else None


def indent_to(column: int) -> str:
    """Return the white space that begins a line at a column (``str``)."""
    return "\t" * (column // TAB) + " " * (column % TAB)


def _indent_of(line: str) -> int:
    return width(line[: len(line) - len(line.lstrip(" \t"))])
