"""Names in text: where a word stands, and in which function.

Asked of the bytes alone, for a contract check wants a few functions of a large directory.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Joined", "Outline", "callees", "drows", "named", "places", "words"]

#: What may be the head of a function: what stands on a line that begins in the first column.
_HEAD = re.compile(rb"\n([A-Za-z_][\w \t*]*+)\(")
#: A call in code that is read backwards: what stands before a parenthesis is found quicker.
_CALL = re.compile(rb"\([ \t\n]*+(\w++)")
_KEYWORDS = frozenset("if while for switch return sizeof defined do else".split())
_DIGITS = ord("9")
#: A beginning that stands more often than this says little about what begins so.
_OFTEN = 500


class Outline(NamedTuple):
    """Where the functions and macros of a text begin; what is neither has no name."""

    starts: list[int]
    names: list[str]

    def around(self, offset: int) -> str | None:
        """Return the function or macro that a place lies in."""
        at = bisect_right(self.starts, offset) - 1
        return self.names[at] or None if at >= 0 else None


class Joined:
    """Some texts as one: a name that is in none of them is found out by one search."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self.texts = texts
        self._paths = list(texts)
        # Each text begins a line.
        self._text = b"".join(part for each in texts.values() for part in (b"\0\n", each))
        self._ends: list[int] = []
        end = 0
        for each in texts.values():
            end += len(each) + 2
            self._ends.append(end)
        self._begun: dict[bytes, list[int] | None] = {}

    def having(self, key: bytes) -> Iterator[str]:
        """Yield the paths of the texts that have something in them."""
        begun = self._beginning(key[: key.find(b"_") + 1])
        if begun is not None:
            found = (at for at in begun if self._text.startswith(key, at))
            yield from dict.fromkeys(self._paths[bisect_right(self._ends, at)] for at in found)
            return
        at = self._text.find(key)
        while at >= 0:
            index = bisect_right(self._ends, at)
            yield self._paths[index]
            at = self._text.find(key, self._ends[index])

    def _beginning(self, prefix: bytes) -> list[int] | None:
        # Where a rare beginning stands: what of another filesystem is asked for begins alike.
        if not prefix:
            return None
        if prefix not in self._begun:
            found: list[int] = []
            at = self._text.find(prefix)
            while at >= 0 and len(found) <= _OFTEN:
                found.append(at)
                at = self._text.find(prefix, at + 1)
            self._begun[prefix] = found if at < 0 else None
        return self._begun[prefix]

    def outlines(self) -> dict[str, Outline]:
        """Return where functions begin in each text, as the first column tells."""
        found = {path: Outline([], []) for path in self._paths}
        begin = index = 0
        for match in _HEAD.finditer(self._text):
            head, behind = match[1], match.end()
            while behind > self._ends[index]:
                begin = self._ends[index]
                index += 1
            name = head.replace(b"*", b" ").replace(b"\t", b" ").rpartition(b" ")[2]
            if name and name[0] > _DIGITS and self._opens(behind, self._ends[index]):
                outline = found[self._paths[index]]
                # Two bytes stand before each text.
                outline.starts.append(match.start() - begin - 1)
                outline.names.append(name.decode())
        return found

    def _opens(self, at: int, end: int) -> bool:
        # Whether a body follows: a prototype, or a macro, ends before one begins.
        brace = self._text.find(b"{", at, end)
        return brace >= 0 and self._text.find(b";", at, brace) < 0


def callees(code: bytes) -> set[str]:
    """Return the names that stand before a parenthesis."""
    return set(named(set(_CALL.findall(code[::-1]))))


def drows(code: bytes, outline: Outline) -> Iterator[tuple[str, set[bytes]]]:
    """Yield the functions of a text with what they call, spelt backwards."""
    edoc, size = code[::-1], len(code)
    for name, (start, end) in zip(outline.names, pairwise([*outline.starts, size]), strict=True):
        if name:
            yield name, set(_CALL.findall(edoc, size - end, size - start))


def named(found: Iterable[bytes]) -> dict[str, bytes]:
    """Return the names of functions among words that are spelt backwards, with those."""
    names = {drow[::-1].decode(): drow for drow in found}
    return {
        name: drow
        for name, drow in names.items()
        if not name[0].isdigit() and name not in _KEYWORDS
    }


def words(code: bytes, key: bytes) -> Iterator[int]:
    """Yield the places where a word stands: quicker than a pattern that looks behind."""
    at = code.find(key)
    while at >= 0:
        end = at + len(key)
        if not (_is_word(code[at - 1 : at]) or _is_word(code[end : end + 1])):
            yield at
        at = code.find(key, end)


def places(code: bytes, key: bytes, form: re.Pattern[bytes]) -> Iterator[int]:
    """Yield the places where a word stands in a form."""
    # Looked at from its line to the end of its statement: for the form at every place of a
    # text would take long.
    for at in words(code, key):
        end = code.find(b";", at) + 1
        match = form.search(code, code.rfind(b"\n", 0, at) + 1, end or len(code))
        if match is not None:
            yield match.start()


def _is_word(char: bytes) -> bool:
    return char.isalnum() or char == b"_"
