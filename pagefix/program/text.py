"""Headers and sources as bytes: what they include and which names they may define.

Headers are never parsed whole. For each file one pass over the bytes collects the names
that it *may* introduce (every name on a line that begins in the first column, every
macro, every record with a body); only a file that may define the name is handed to
:mod:`pagefix.c`, which decides.

Floor 2: imports only floors 0 and 1.
"""

from __future__ import annotations

import re
from collections import OrderedDict

from pagefix import reads

__all__ = ["Store", "Text", "possible_names"]

# Also in comments, which does no harm, and costs half of looking for the line's begin.
_DIRECTIVE = re.compile(rb'#[ \t]*(?:define[ \t]+(\w+)|include[ \t]*([<"][^>"\n]+)[>"])')
# A declaration begins in the first column; all of such a line, since a record without a
# tag, or another variable, may stand before the name. `}` may be indented where it ends one.
_TOP = re.compile(rb"\n([A-Za-z_}][^\n]*|[ \t]+\}[^\n;{=]*)")
_WORD = re.compile(rb"[A-Za-z_]\w*")
# A record's, or an enumeration's, head and body: its tag is one of the words between.
_BODY = re.compile(rb"\b(struct|union|enum)\b([^;{}()=,*\[]*)\{")
_CONTINUED = re.compile(rb"\\\r?\n")

# How many bytes of headers are kept before the oldest are forgotten.
_KEPT_BYTES = 48 << 20
# How many names, which are kept longer: to collect them again costs more than to read.
_KEPT_NAMES = 600_000
# How often a text is searched for a name before its names are collected.
_LOOKS = 8


def possible_names(data: bytes) -> frozenset[bytes]:
    """Return names a text may declare as a function, variable or typedef; too many."""
    return frozenset(_WORD.findall(b"\n".join(_TOP.findall(b"\n" + data))))


class Text:
    """One file's bytes with the names it may define.

    :param disk: ``str``, path to open.
    """

    __slots__ = (
        "_data",
        "_defines",
        "_enums",
        "_includes",
        "_looks",
        "_names",
        "_store",
        "_tags",
        "disk",
    )

    def __init__(self, disk: str, data: bytes, store: Store | None = None) -> None:
        self.disk = disk
        self._data: bytes | None = data
        self._store = store
        self._includes: tuple[tuple[str, bool], ...] | None = None
        self._names: frozenset[bytes] | None = None
        self._defines: frozenset[bytes] | None = None
        self._looks = 0
        self._tags: frozenset[tuple[bytes, bytes]] | None = None
        self._enums: bool | None = None

    @property
    def data(self) -> bytes:
        """The bytes (``bytes``); read again if they were forgotten meanwhile."""
        if self._data is not None:
            return self._data
        try:
            data = reads.read(self.disk)
        except OSError:
            return b""  # gone meanwhile; the log of what was read says so
        if self._store is not None:
            self._data = data
            self._store._hold(self)
        return data

    def _forget(self) -> None:
        self._data = None

    def _lighten(self) -> None:
        self._names = self._defines = self._includes = self._tags = None

    @property
    def includes(self) -> tuple[tuple[str, bool], ...]:
        """What it includes, in order: (name, whether it is in quotes)."""
        if self._includes is None:
            self._search()
        return self._includes or ()

    @property
    def defines(self) -> frozenset[bytes]:
        """The macros it defines; too many, not too few."""
        if self._defines is None:
            self._search()
        return self._defines or frozenset()

    def _search(self) -> None:
        found = _DIRECTIVE.findall(self.data)
        defines = frozenset([name for name, _ in found if name])
        if self._store is not None:
            # First: where there are too many, it takes away those of all.
            self._store._weigh(len(defines))
        self._defines = defines
        self._includes = tuple(
            [
                (name[1:].decode("utf-8", "surrogateescape"), name[:1] == b'"')
                for _, name in found
                if name
            ]
        )

    def may_define(self, tag: str) -> bool:
        """Whether it may hold the body of ``struct foo`` (``union foo``, ``enum foo``)."""
        word, name = tag.encode().split(b" ", 1)
        if self._tags is None:
            self._tags = frozenset(
                (kind, each)
                for kind, head in _BODY.findall(self.data)
                for each in _WORD.findall(head)
            )
        return (word, name) in self._tags

    @property
    def has_constants(self) -> bool:
        """Whether it may declare constants of an enumeration."""
        if self._enums is None:
            self._enums = b"enum" in self.data
        return self._enums

    def may_introduce(self, key: bytes) -> bool:
        """Whether it may declare or define a name."""
        if self._names is None and self._looks < _LOOKS:
            # A look is quicker than to collect all names of a header that few ask.
            self._looks += 1
            if key not in self.data:
                return False
        return key in self.names or key in self.defines

    @property
    def names(self) -> frozenset[bytes]:
        """Names it may declare as a function, variable or typedef; too many, not too few."""
        if self._names is None:
            names = possible_names(self.data)
            if self._store is not None:
                self._store._weigh(len(names))
            self._names = names
        return self._names

    def definitions(self, name: str) -> list[str]:
        """Return the text behind each ``#define name``, continuation lines joined."""
        if name.encode() not in self.defines:
            return []
        head = re.compile(
            rb"\n[ \t]*#[ \t]*define[ \t]+" + name.encode() + rb"(?!\w)((?:\\\r?\n|[^\n])*)"
        )
        return [
            _CONTINUED.sub(b" ", body).decode("utf-8", "surrogateescape")
            for body in head.findall(b"\n" + self.data)
        ]


class Store:
    """Files by path on disk, the least recently used forgotten beyond a limit."""

    def __init__(self) -> None:
        self._pinned: dict[str, Text] = {}
        self._texts: dict[str, Text | None] = {}
        self._held: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0
        self._names = 0

    def text(self, disk: str) -> Text | None:
        """Return a file, ``None`` if it cannot be read."""
        texts = self._texts
        if disk in self._pinned:
            return self._pinned[disk]
        if disk in texts:
            if disk in self._held:
                self._held.move_to_end(disk)
            return texts[disk]
        try:
            text = Text(disk, reads.read(disk), self)
        except OSError:
            texts[disk] = None
            return None
        texts[disk] = text
        self._hold(text)
        return text

    def add(self, text: Text) -> None:
        """Keep a text that is not on disk (standard input)."""
        self._pinned[text.disk] = text

    def _hold(self, text: Text) -> None:
        # Its bytes are in memory now: the oldest make room.
        size = len(text.data)
        self._bytes += size - self._held.pop(text.disk, 0)
        self._held[text.disk] = size
        while self._bytes > _KEPT_BYTES and len(self._held) > 1:
            disk, old = self._held.popitem(last=False)
            self._bytes -= old
            known = self._texts.get(disk)
            if known is not None:
                known._forget()

    def _weigh(self, names: int) -> None:
        self._names += names
        if self._names > _KEPT_NAMES:
            # All at once: what is used is soon collected again, and who counts each is slow.
            self._names = 0
            for text in self._texts.values():
                if text is not None:
                    text._lighten()
