"""Whether an answer still stands when a file that it rests on has changed.

It does if what changed is nothing that was asked about (:class:`~pagefix.asked.Asked`): lines
of space and comments, comments behind code, and functions that were not looked at, new ones
among them, as long as each of them holds what is searched for by its words as before. Then
every place outside of what changed is known too: it has moved by a number of lines.

Whatever else changes, a directive, a declaration, a function on a chain, the answer does not
stand, and is worked out again.

Floor 7: imports :mod:`pagefix.c` and :mod:`pagefix.program`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from pagefix.asked import Asked
from pagefix.c import Chunk, ChunkKind, NoMacros, Unit, read
from pagefix.program import margin, possible_names
from pagefix.source import SourceFile

__all__ = ["Hunk", "Shift", "shifted"]

# As those who search see it: a word ends before a byte that is not ASCII.
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# With what stands between, for some take no call that goes over a line which ends in CR LF.
_CALLED = re.compile(r"([A-Za-z_]\w*)[ \t\n]*([^\S \t\n]?)\s*\(", re.ASCII)
_MARK = re.compile(r"[;()]")
# Between two lines there may be more: where comments were.
_LINES = re.compile(r"[ \t\r]*\n\s*")
# A record may have its members in a function, too.
_BODY = r"\b(struct|union|enum)\b([^;{}()=,*\[]*)\{"
#: Above this many lines on a side, what lies between the first and the last change is one hunk.
_FINE = 2000


class Hunk(NamedTuple):
    """Whole lines that were replaced: from 0, the end exclusive, and where they begin in bytes."""

    line: int
    end_line: int
    start: int
    end: int
    new_line: int
    new_end_line: int
    new_start: int
    new_end: int


class Shift:
    """Where the places of a text are after it has changed.

    :param path: the file, as shown.
    """

    def __init__(self, path: str, hunks: Iterable[Hunk]) -> None:
        self.path = path
        self._hunks = tuple(hunks)
        #: Items whose code is as it was, between other comments (begin and end of each).
        self.commented: tuple[tuple[int, int], ...] = ()
        self._lines = [hunk.line for hunk in self._hunks]
        self._starts = [hunk.start for hunk in self._hunks]

    def line(self, line: int) -> int:
        """Return where a line is now (``int``, from 1).

        :raises LookupError: if it is one of those that were replaced.
        """
        at = bisect_right(self._lines, line - 1) - 1
        if at < 0:
            return line
        hunk = self._hunks[at]
        if line - 1 < hunk.end_line:
            raise LookupError(f"{self.path}:{line} was replaced")
        return line + hunk.new_end_line - hunk.end_line

    def offset(self, offset: int) -> int:
        """Return where a byte is now.

        :raises LookupError: if it was replaced.
        """
        at = bisect_right(self._starts, offset) - 1
        if at < 0:
            return offset
        hunk = self._hunks[at]
        if offset < hunk.end:
            raise LookupError(f"byte {offset} of {self.path} was replaced")
        return offset + hunk.new_end - hunk.end

    def lines(self, first: int, last: int) -> tuple[int, int]:
        """Return where some lines are now, the last one included.

        :raises LookupError: if one of them was replaced, or something came between them.
        """
        moved = self.line(first), self.line(last)
        if bisect_right(self._lines, first - 1) != bisect_right(self._lines, last - 1):
            raise LookupError(f"{self.path}:{first}-{last} have other lines between them")
        return moved

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where some bytes are now, at least one, the end exclusive.

        :raises LookupError: if one of them was replaced, or something came between them.
        """
        moved = self.offset(start), self.offset(end - 1) + 1
        if bisect_right(self._starts, start) != bisect_right(self._starts, end - 1):
            raise LookupError(f"bytes {start} to {end} of {self.path} have others between them")
        return moved

    def edit(self, offset: int) -> int:
        """Return where a byte is now that something would be written at.

        :raises LookupError: if it, or a comment in its item, was replaced: what is to be written
            may depend on it.
        """
        if any(start <= offset < end for start, end in self.commented):
            raise LookupError(f"comments around byte {offset} of {self.path} were replaced")
        return self.offset(offset)


def shifted(path: str, old: bytes, new: bytes, asked: Asked) -> Shift | None:
    """Return how the places of a file have moved, ``None`` if the answer may not stand.

    :param path: the file, as shown.
    :param asked: what was asked for the answer.
    """
    if asked.everything or path in asked.whole:
        return None
    one, two = SourceFile(path, "", old), SourceFile(path, "", new)
    hunks = _hunks(one, two)
    shift = Shift(path, hunks)
    before = _Side(read(one, NoMacros()), [(each.start, each.end) for each in hunks])
    after = _Side(read(two, NoMacros()), [(each.new_start, each.new_end) for each in hunks])
    for number in range(len(hunks)):
        if not (before.is_between(number) and before.code(number) == after.code(number)):
            before.recode(number)
            after.recode(number)
    shift.commented = tuple((each.start, each.end) for each in before.commented())
    if not (_only_code(before) and _only_code(after) and _same_beside(before, after, shift)):
        return None
    if _speaks(before) or _speaks(after):
        return None
    looked_at = asked.items.get(path, set())
    if any(chunk.start in looked_at for chunk in before.changed):
        return None
    if not _names_alike(before, after, asked):
        return None
    return shift if _text_alike(before, after, asked) else None


# --- what has changed


def _hunks(old: SourceFile, new: SourceFile) -> list[Hunk]:
    one, two = _lines(old.data), _lines(new.data)
    least = min(len(one), len(two))
    head = 0
    while head < least and one[head] == two[head]:
        head += 1
    tail = 0
    while tail < least - head and one[-1 - tail] == two[-1 - tail]:
        tail += 1
    ends = len(one) - tail, len(two) - tail
    found = [(head, ends[0], head, ends[1])]
    if max(ends) - head < _FINE:
        from difflib import SequenceMatcher

        matcher = SequenceMatcher(None, one[head : ends[0]], two[head : ends[1]], autojunk=False)
        found = [
            (head + a, head + b, head + c, head + d)
            for what, a, b, c, d in matcher.get_opcodes()
            if what != "equal"
        ]
    old_at, new_at = [*old.lines(), len(old.data)], [*new.lines(), len(new.data)]
    return [
        Hunk(a, b, old_at[a], old_at[b], c, d, new_at[c], new_at[d])
        for a, b, c, d in found
        if a < b or c < d
    ]


def _lines(data: bytes) -> list[bytes]:
    # With their ends: a last line without one is another line than with it.
    lines = data.split(b"\n")
    return [*(line + b"\n" for line in lines[:-1]), *(lines[-1:] if lines[-1] else ())]


class _Side:
    # One of the two texts: its items, by whether a hunk that is not only comments reaches in.

    def __init__(self, unit: Unit, ranges: list[tuple[int, int]]) -> None:
        self.data = unit.source.data
        self.unit = unit
        self.ranges = ranges
        self._recoded: list[tuple[int, int]] = []

    def code(self, number: int) -> list[tuple[bytes, bytes]]:
        """Return the lines of a hunk that hold code: that, with its strings as they are."""
        found = []
        at, end = self.ranges[number]
        for line in self.unit.code[at:end].split(b"\n"):
            if line.strip():
                quotes = [place for place, char in enumerate(line) if char in b"\"'"]
                first, last = (quotes[0], quotes[-1]) if quotes else (0, 0)
                found.append((line.rstrip(), self.data[at + first : at + last]))
            at += len(line) + 1
        return found

    def is_between(self, number: int) -> bool:
        """Tell whether a hunk is between statements: no text of an expression is in it."""
        lines = [line for line, _ in self.code(number)]
        lines.append(self.unit.code[: self.ranges[number][0]].rstrip())
        return all(line[-1:] in b";{}" for line in lines)

    def recode(self, number: int) -> None:
        """Take a hunk as one in which the code has changed."""
        self._recoded.append(self.ranges[number])

    @cached_property
    def changed(self) -> list[Chunk]:
        """The items whose code has changed."""
        return [each for each in self.unit.chunks if _reached(each, self._recoded)]

    @cached_property
    def same(self) -> list[Chunk]:
        """All others."""
        return [each for each in self.unit.chunks if not _reached(each, self._recoded)]

    def commented(self) -> list[Chunk]:
        """Return the items in which only comments and space have changed."""
        return [each for each in self.same if _reached(each, self.ranges)]

    def parts(self, text: bytes) -> dict[str, str]:
        """Return what changed, by the function or macro that it belongs to.

        As whoever asks for the function around a place has it: up to where the next item
        begins, so that a directive behind a function is a part of it.

        :param text: the file, as it is or as code alone.
        """
        chunks = self.unit.chunks
        starts = [0, *(each.start for each in chunks), len(text)]
        names = ["", *map(_holder, chunks)]
        spans = [*self.ranges, *((each.start, each.end) for each in self.changed)]
        found: dict[str, str] = {}
        for name, (start, end) in zip(names, pairwise(starts), strict=True):
            if any(first <= end and start <= last for first, last in spans):
                found[name] = f"{found.get(name, '')}\n{text[start:end].decode('latin-1')}"
        return found


def _reached(chunk: Chunk, ranges: list[tuple[int, int]]) -> bool:
    return any(
        chunk.start < end and start < chunk.end if start < end else chunk.start < start < chunk.end
        for start, end in ranges
    )


def _holder(chunk: Chunk) -> str:
    holds = chunk.kind in (ChunkKind.FUNCTION, ChunkKind.DEFINE)
    return chunk.names[0] if holds and chunk.names else ""


def _only_code(side: _Side) -> bool:
    # Whether all that a hunk reaches into are functions and the space between.
    return (
        side.unit.endless < 0
        and all(each.kind is ChunkKind.FUNCTION for each in side.changed)
        and not any(
            b"#" in text
            or b"\\\n" in text
            or b"\\\r" in text
            or b"\0" in text
            or b"pagefix" in text
            for start, end in side.ranges
            # With the end of the line before, which may say that it goes on.
            for text in (side.data[max(start - 3, 0) : end],)
        )
    )


def _speaks(side: _Side) -> bool:
    # Whether a hunk reaches into what decides what a comment to pagefix says and speaks of.
    if b"pagefix" not in side.data:
        return False
    # Imported here: few files have such comments.
    from pagefix.suppressions import spoken

    return any(
        first < end and start <= last
        for first, last in spoken(side.unit)
        for start, end in side.ranges
    )


def _same_beside(before: _Side, after: _Side, shift: Shift) -> bool:
    # Whether all else is read as it was: a comment that is opened changes what is behind it.
    if _beside(before) != _beside(after) or len(before.same) != len(after.same):
        return False
    try:
        return all(
            (one.kind, one.names) == (two.kind, two.names)
            and shift.offset(one.start) == two.start
            and shift.offset(one.end - 1) == two.end - 1
            for one, two in zip(before.same, after.same, strict=True)
        )
    except LookupError:
        return False


def _beside(side: _Side) -> Iterable[bytes]:
    edges = [0, *(edge for each in side.ranges for edge in each), len(side.data)]
    return [side.unit.code[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


# --- what was asked of it


def _names_alike(before: _Side, after: _Side, asked: Asked) -> bool:
    one, two = margin(before.data), margin(after.data)
    if one.records != two.records:
        return False
    moved = (one.words ^ two.words) | (one.callable ^ two.callable)
    moved |= {name.decode() for name in possible_names(before.data) ^ possible_names(after.data)}
    moved |= _introduced(before) ^ _introduced(after)
    return moved.isdisjoint(asked.names) and moved.isdisjoint(asked.mentioned)


def _introduced(side: _Side) -> frozenset[str]:
    return frozenset(name for chunk in side.changed for name in chunk.names)


def _text_alike(before: _Side, after: _Side, asked: Asked) -> bool:
    # It matters whose a word is: a statement may have gone from one function to another. And
    # it matters whether it is code, but for forms: those are searched for in the text as it is.
    return all(
        _code_alike(one, two, asked)
        for one, two in _pairs(before.parts(before.unit.code), after.parts(after.unit.code))
    ) and all(
        Counter(form.findall(one)) == Counter(form.findall(two))
        for one, two in _pairs(before.parts(before.data), after.parts(after.data))
        for form in _forms(asked)
    )


def _pairs(one: dict[str, str], two: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name in one.keys() | two.keys():
        yield one.get(name, ""), two.get(name, "")


def _code_alike(old: str, new: str, asked: Asked) -> bool:
    moved = set(_WORD.findall(old)) ^ set(_WORD.findall(new))
    moved |= {name for name, _ in set(_CALLED.findall(old)) ^ set(_CALLED.findall(new))}
    alike = _around(old, asked.words) == _around(new, asked.words)
    return alike and moved.isdisjoint(asked.mentioned)


def _forms(asked: Asked) -> Iterator[re.Pattern[str]]:
    for each in (_BODY, *sorted(form.decode("latin-1") for form in asked.forms)):
        yield re.compile(each, re.ASCII)


def _around(text: str, words: Set[str]) -> list[str]:
    # What stands around words, in order: from one semicolon to another, both outside of
    # parentheses, for so far may look who searches.
    words = words & set(_WORD.findall(text))
    return list(_statements(text, words)) if words else []


def _statements(text: str, words: Set[str]) -> Iterator[str]:
    begin = depth = 0
    for mark in _MARK.finditer(text):
        depth = max(depth + {"(": 1, ")": -1, ";": 0}[mark[0]], 0)
        if mark[0] == ";" and not depth:
            if not words.isdisjoint(_WORD.findall(text, begin, mark.end())):
                yield _LINES.sub("\n", text[begin : mark.end()].strip())
            begin = mark.end()
    if not words.isdisjoint(_WORD.findall(text, begin)):
        yield _LINES.sub("\n", text[begin:].strip())
