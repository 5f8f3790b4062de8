"""One file, read lazily: the scan at once, each chunk when it is asked for.

Floor 1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from pagefix.c import expressions, statements  # noqa: F401  (they register their handlers)
from pagefix.c.ast import (
    Broken,
    Function,
    Global,
    InitList,
    Item,
    Record,
    RecordDef,
    Typedef,
)
from pagefix.c.chunk import Chunk, ChunkKind, Directive
from pagefix.c.conditionals import Variant, variants
from pagefix.c.context import Context
from pagefix.c.declarations import base_type, type_of
from pagefix.c.fragments import fill
from pagefix.c.macros import lower_define
from pagefix.c.reading import read_chunk
from pagefix.c.scan import scan
from pagefix.c.tables import MacroTable
from pagefix.source import SourceFile

__all__ = ["Unit", "read"]


class Unit:
    """One file of C.

    :param source: the file.
    :param macros: what the tree knows of its macros.
    :param asked: takes the offsets at which the chunks begin that are looked at.
    """

    def __init__(
        self, source: SourceFile, macros: MacroTable, asked: set[int] | None = None
    ) -> None:
        self.source = source
        self._asked = set() if asked is None else asked
        self.macros = macros
        found = scan(source.data)
        self.code: bytes = found.code
        self.chunks: tuple[Chunk, ...] = found.chunks
        self._directives = found.directives
        #: Where a comment begins that does not end (``int``), -1 if all do.
        self.endless = found.endless
        self._text: str | None = None
        self._starts = [chunk.start for chunk in found.chunks]
        self._names: dict[str, list[Chunk]] | None = None
        self._read: dict[Chunk, tuple[tuple[Item, ...], tuple[Broken, ...]]] = {}

    def items(self, chunk: Chunk) -> tuple[Item, ...]:
        """Return what a chunk declares, parsed and lowered the first time."""
        return self._lowered(chunk)[0]

    def broken(self, chunk: Chunk) -> tuple[Broken, ...]:
        """Return what could not be read in a chunk."""
        return self._lowered(chunk)[1]

    def find(self, name: str) -> tuple[Chunk, ...]:
        """Return the chunks that introduce a name (``foo``, ``struct foo``, a macro)."""
        if self._names is None:
            names: dict[str, list[Chunk]] = {}
            for chunk in self.chunks:
                for each in chunk.names:
                    names.setdefault(each, []).append(chunk)
            self._names = names
        found = self._names.get(name, ())
        self._asked.update(chunk.start for chunk in found)
        return tuple(found)

    def chunk_at(self, offset: int) -> Chunk | None:
        """Return the innermost chunk around an offset."""
        at = bisect_right(self._starts, offset) - 1
        # Only a #define lies inside another chunk: few steps back are enough.
        while at >= 0:
            chunk = self.chunks[at]
            if chunk.start <= offset < chunk.end:
                self._asked.add(chunk.start)
                return chunk
            if chunk.kind is not ChunkKind.DEFINE:
                return None
            at -= 1
        return None

    # --- reading one chunk ---

    @property
    def text(self) -> str:
        """The file with comments and strings blanked, one character for each byte."""
        if self._text is None:
            # Outside strings, a backslash only continues a line.
            self._text = self.code.decode("latin-1").replace("\\", " ")
        return self._text

    def _lowered(self, chunk: Chunk) -> tuple[tuple[Item, ...], tuple[Broken, ...]]:
        known = self._read.get(chunk)
        if known is None:
            self._asked.add(chunk.start)
            try:
                known = self._lower(chunk)
            except RecursionError:
                known = ((), (Broken(chunk.start, chunk.end, "nested too deeply"),))
            self._read[chunk] = known
        return known

    def _lower(self, chunk: Chunk) -> tuple[tuple[Item, ...], tuple[Broken, ...]]:
        if chunk.start == self.endless:
            return (), (Broken(chunk.start, chunk.end, "a comment that does not end"),)
        if chunk.kind is ChunkKind.DEFINE:
            cx = self._context(self.text)
            items: list[Item] = [lower_define(cx, chunk)]
            return tuple(items), _broken(chunk, cx.faults)
        inside = self._inside(chunk)
        ways = variants(self.text, chunk, inside)
        results = [self._variant(chunk, way, number) for number, way in enumerate(ways)]
        if any(cx.faults for _, cx in results) and any(way.marks for way in ways):
            # The conditionals that were kept may be what it was: read all apart.
            again = variants(self.text, chunk, inside, split_all=True)
            others = [self._variant(chunk, way, number) for number, way in enumerate(again)]
            if sum(len(cx.faults) for _, cx in others) < sum(len(cx.faults) for _, cx in results):
                results, ways = others, again
        results = _readable(results, ways)
        merged = _merge([lowered for lowered, _ in results])
        return tuple(merged), _broken(chunk, [fault for _, cx in results for fault in cx.faults])

    def _inside(self, chunk: Chunk) -> tuple[Directive, ...]:
        lines = self._directives
        first = bisect_left(lines, chunk.start, key=lambda line: line.start)
        last = bisect_left(lines, chunk.end, first, key=lambda line: line.start)
        return lines[first:last]

    def _context(self, text: str) -> Context:
        return Context(
            self.source.data, text, self.macros, fill=fill, base_type=base_type, type_of=type_of
        )

    def _variant(self, chunk: Chunk, way: Variant, number: int) -> tuple[list[Item], Context]:
        text = self.text
        if way.text != text[chunk.start : chunk.end]:
            text = text[: chunk.start] + way.text + text[chunk.end :]
        cx = self._context(text)
        return read_chunk(cx, chunk, way, number), cx


def _readable(
    results: list[tuple[list[Item], Context]], ways: list[Variant]
) -> list[tuple[list[Item], Context]]:
    # Without the ways through a chunk that are no C, if all their text is in the others:
    # ``else`` and, behind it, an #if around the statement.
    clean = [way.text for (_, cx), way in zip(results, ways, strict=True) if not cx.faults]
    if not clean or len(clean) == len(results):
        return results
    read = "".join(max(chars) for chars in zip(*clean, strict=True))
    return [
        result
        for result, way in zip(results, ways, strict=True)
        if not result[1].faults or not _within(way.text, read)
    ]


def _within(text: str, read: str) -> bool:
    pairs = zip(text, read, strict=True)
    return all(char.isspace() or char in (";", other) for char, other in pairs)


def _broken(chunk: Chunk, found: list[tuple[int, int, str]]) -> tuple[Broken, ...]:
    # A fault at the edge may lie in what was put around the text to parse it.
    low, high = chunk.start, chunk.end
    spans = {
        (min(max(start, low), high), min(max(end, low), high), reason)
        for start, end, reason in found
    }
    return tuple(Broken(*span) for span in sorted(spans))


def _merge(results: list[list[Item]]) -> list[Item]:
    # What several ways through a chunk give, as one list.
    if len(results) == 1:
        return results[0]
    merged: list[Item] = []
    known: dict[tuple[type, int], int] = {}
    for item in (item for items in results for item in items):
        key = (type(item), _place(item))
        if isinstance(item, Function) or key not in known:
            known[key] = len(merged)
            merged.append(item)
        else:
            merged[known[key]] = _joined(merged[known[key]], item)
    return merged


def _place(item: Item) -> int:
    return item.start if isinstance(item, RecordDef) else item.at


def _joined(one: Item, two: Item) -> Item:
    if isinstance(one, Global) and isinstance(two, Global):
        if isinstance(one.init, InitList) and isinstance(two.init, InitList):
            return one._replace(init=_join_lists(one.init, two.init))
        return one if one.init is not None else two
    if isinstance(one, RecordDef) and isinstance(two, RecordDef):
        return one._replace(record=_join_records(one.record, two.record))
    if isinstance(one, Typedef) and isinstance(two, Typedef):
        if isinstance(one.type, Record) and isinstance(two.type, Record):
            return one._replace(type=_join_records(one.type, two.type))
    return one


def _join_records(one: Record, two: Record) -> Record:
    fields = {(field.at, field.name): field for field in (*two.fields, *one.fields)}
    return one._replace(fields=tuple(sorted(fields.values(), key=lambda field: field.at)))


def _join_lists(one: InitList, two: InitList) -> InitList:
    items = {}
    for init in (*two.items, *one.items):
        at = init.designators[0].at if init.designators else init.value.start
        items[at] = init
    return one._replace(items=tuple(items[at] for at in sorted(items)))


def read(source: SourceFile, macros: MacroTable, asked: set[int] | None = None) -> Unit:
    """Read one file: scan it now, parse what is asked for later.

    :param asked: see :class:`Unit`.
    """
    return Unit(source, macros, asked)
