"""A unified diff, in bytes, as ``patch -p1`` and ``git apply`` take it.

It is made from the edits, not by comparing files: what was not edited cannot show up.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pagefix.finding import Edit
from pagefix.fix.change import FileChange, apply_edits
from pagefix.source import SourceFile

__all__ = ["Heading", "changed_lines", "coloured", "unified_diff"]

_CONTEXT = 3
_NO_NEWLINE = b"\\ No newline at end of file\n"


class _Block(NamedTuple):
    # Lines [first, last) of the old text (from 0), and what stands there now.
    first: int
    last: int
    new: list[bytes]


#: What stands behind the line numbers of a hunk, given its first and last old line.
Heading = Callable[[int, int], str]


def unified_diff(change: FileChange, heading: Heading | None = None) -> bytes:
    """Return the change as a unified diff with three lines of context.

    :param heading: text for a hunk; ``patch`` and ``git`` take any there.
    :return: ``bytes``; empty if nothing changed.
    """
    blocks = [block for block in _blocks(change) if block.new != _old(change.source, block)]
    if not blocks:
        return b""
    name = change.path.encode("utf-8", "surrogateescape")
    out = [b"--- " + _quoted(b"a/" + name) + b"\n", b"+++ " + _quoted(b"b/" + name) + b"\n"]
    lines = _split(change.source.data)
    shift = 0
    at = 0
    while at < len(blocks):
        until = at + 1
        while until < len(blocks) and blocks[until].first - blocks[until - 1].last <= 2 * _CONTEXT:
            until += 1
        shift = _hunk(out, lines, blocks[at:until], shift, heading)
        at = until
    return b"".join(out)


_COLOURS = ((b"--- ", b"1"), (b"+++ ", b"1"), (b"@@ ", b"36"), (b"-", b"31"), (b"+", b"32"))


def coloured(diff: bytes) -> bytes:
    """Return a diff as a terminal shows it, in the colours of ``git diff``."""
    return b"".join(map(_coloured, diff.splitlines(keepends=True)))


def _coloured(line: bytes) -> bytes:
    text = line.rstrip(b"\r\n")
    for begin, colour in _COLOURS:
        if text.startswith(begin):
            return b"\x1b[%sm%s\x1b[m%s" % (colour, text, line[len(text) :])
    return line


def changed_lines(change: FileChange) -> list[tuple[list[bytes], list[bytes]]]:
    """Return the lines that a change removes and those that it puts there, block by block."""
    return [
        (_old(change.source, block), block.new)
        for block in _blocks(change)
        if block.new != _old(change.source, block)
    ]


def _hunk(
    out: list[bytes],
    lines: list[bytes],
    blocks: list[_Block],
    shift: int,
    heading: Heading | None,
) -> int:
    # Append one hunk; return by how many lines the new text has run ahead of the old.
    first = max(blocks[0].first - _CONTEXT, 0)
    last = min(blocks[-1].last + _CONTEXT, len(lines))
    grown = sum(len(block.new) - (block.last - block.first) for block in blocks)
    old, new = last - first, last - first + grown
    # A range without lines is named by the line before it.
    old_start = first + 1 if old else first
    new_start = first + shift + 1 if new else first + shift
    words = heading(first + 1, last) if heading is not None else ""
    tail = f" {words}".encode("utf-8", "surrogateescape") if words else b""
    out.append(b"@@ -%d,%d +%d,%d @@%s\n" % (old_start, old, new_start, new, tail))
    at = first
    for block in blocks:
        _put(out, b" ", lines[at : block.first])
        _put(out, b"-", lines[block.first : block.last])
        _put(out, b"+", block.new)
        at = block.last
    _put(out, b" ", lines[at:last])
    return shift + grown


def _put(out: list[bytes], mark: bytes, lines: list[bytes]) -> None:
    for line in lines:
        out.append(mark + line)
        if not line.endswith(b"\n"):
            out += [b"\n", _NO_NEWLINE]


def _split(data: bytes) -> list[bytes]:
    # Lines end at \n alone: a form feed or a lone \r is text.
    lines = data.split(b"\n")
    whole = [line + b"\n" for line in lines[:-1]]
    return [*whole, lines[-1]] if lines[-1] else whole


def _old(source: SourceFile, block: _Block) -> list[bytes]:
    return _split(_range(source, block.first, block.last))


def _range(source: SourceFile, first: int, last: int) -> bytes:
    starts = source.lines()
    return source.data[starts[first] : starts[last] if last < len(starts) else None]


def _blocks(change: FileChange) -> list[_Block]:
    # Lines that edits touch, joined where two edits share one or stand on neighbours.
    source = change.source
    starts = source.lines()
    count = len(_split(source.data))
    blocks: list[_Block] = []
    edits = list(change.edits)
    at = 0
    while at < len(edits):
        first = source.line_of(edits[at].start) - 1
        last = source.line_of(edits[at].end) - 1
        until = at + 1
        while until < len(edits) and source.line_of(edits[until].start) - 2 <= last:
            last = max(last, source.line_of(edits[until].end) - 1)
            until += 1
        base = starts[first]
        text = _range(source, first, last + 1)
        moved = [
            Edit(edit.path, edit.start - base, edit.end - base, edit.text)
            for edit in edits[at:until]
        ]
        new = _split(apply_edits(text, moved))
        blocks += _parts(_split(text), min(first, count), new)
        at = until
    return blocks


def _parts(old: list[bytes], first: int, new: list[bytes]) -> Iterator[_Block]:
    # Without the lines that stay: a line that is put in touches no other.
    # Imported here: who shows a change needs it, who only counts does not.
    from difflib import SequenceMatcher

    for kind, one, two, three, four in SequenceMatcher(None, old, new, False).get_opcodes():
        if kind != "equal":
            yield _Block(first + one, first + two, new[three:four])


def _quoted(name: bytes) -> bytes:
    # As git quotes a name in C style; a plain name with spaces ends in a tab.
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in name):
        return name + (b"\t" if b" " in name else b"")
    escapes = {0x22: b'\\"', 0x5C: b"\\\\", 0x09: b"\\t", 0x0A: b"\\n", 0x0D: b"\\r"}
    text = b"".join(
        escapes.get(byte, b"%c" % byte if 0x20 <= byte < 0x7F else b"\\%03o" % byte)
        for byte in name
    )
    return b'"' + text + b'"'
