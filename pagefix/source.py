"""Source text: bytes with a line table, and places in it.

Everything in pagefix speaks of a place as a half-open range of *byte offsets* into
the file as it is on disk. Lines and columns are made here, and only for people.

Floor 0: imports only :mod:`pagefix.errors`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Place", "SourceFile", "Span"]


class Span(NamedTuple):
    """A half-open byte range ``[start, end)`` of one file.

    :param path: ``str``, the path as pagefix shows it (relative to the kernel tree
        when there is one); bytes that are not UTF-8 are surrogate escapes.
    """

    path: str
    start: int
    end: int


class Place(NamedTuple):
    """A span as people read it: 1-based lines, 1-based *byte* columns, end exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was read.

    :param path: ``str``, the path as shown (see :class:`Span`).
    :param disk: ``str``, the path to open, as the user gave it (never resolved);
        empty for text that did not come from a file.
    :param data: ``bytes``, the unchanged content.
    """

    path: str
    disk: str
    data: bytes
    _lines: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def lines(self) -> list[int]:
        """Return the byte offset at which each line starts (``list[int]``)."""
        if not self._lines:
            starts = [0]
            find = self.data.find
            at = find(b"\n")
            while at >= 0:
                starts.append(at + 1)
                at = find(b"\n", at + 1)
            self._lines.extend(starts)
        return self._lines

    def line_of(self, offset: int) -> int:
        """Return the 1-based line of a byte offset."""
        return bisect_right(self.lines(), offset)

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based (line, byte column) of a byte offset."""
        line = self.line_of(offset)
        return line, offset - self.lines()[line - 1] + 1

    def place(self, start: int, end: int) -> Place:
        """Return the range as a :class:`Place`."""
        line, column = self.position(start)
        end_line, end_column = self.position(end)
        return Place(self.path, line, column, end_line, end_column)

    def span(self, start: int, end: int) -> Span:
        """Return the range as a :class:`Span` of this file."""
        return Span(self.path, start, end)

    def text(self, start: int, end: int) -> str:
        """Return the text of a range; bytes that are not UTF-8 become surrogate escapes."""
        return self.data[start:end].decode("utf-8", "surrogateescape")
