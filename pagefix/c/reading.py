"""From a chunk to its items: mask, parse, lower.

Floor 1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pagefix.c.ast import Function, Item
from pagefix.c.chunk import Chunk, ChunkKind
from pagefix.c.conditionals import Variant
from pagefix.c.context import Context
from pagefix.c.draft import Masked
from pagefix.c.heads import has_macro_head, read_apart
from pagefix.c.invoke import lower_invocation
from pagefix.c.items import lower_items
from pagefix.c.mask import mask
from pagefix.c.parser import faults, parse
from pagefix.c.tables import ANNOTATIONS, CALL_ANNOTATIONS, KEYWORDS, TYPE_WORDS

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["read_chunk"]

_NEIGHBOURS = re.compile(r"\b([A-Za-z_]\w*)(?:\s*\([^()]*\))?\s+(?=([A-Za-z_]\w*))")
_AFTER = re.compile(r"[*)]\s*([A-Za-z_]\w*)")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_RECORD = re.compile(r"\b(?:struct|union|enum)\s+\w+")
_BEHIND_BRACE = re.compile(r"\}\s*([A-Za-z_]\w*)\s+(?=[A-Za-z_*])")
_BEHIND_BRACKET = re.compile(r"\]\s*([A-Za-z_]\w*)\s*;")
_STORAGE = frozenset({"static", "extern", "inline", "const", "volatile"})
_KNOWN = KEYWORDS | ANNOTATIONS | CALL_ANNOTATIONS


def read_chunk(cx: Context, chunk: Chunk, way: Variant, number: int) -> list[Item]:
    """Parse and lower one way through a chunk; faults go to the context.

    :param number: of the way, for :attr:`~pagefix.c.ast.Function.variant`.
    """
    if chunk.kind is ChunkKind.CALL:
        return lower_invocation(cx, chunk.start, chunk.end)
    if chunk.kind is ChunkKind.FUNCTION and has_macro_head(way.text):
        return [read_apart(cx, chunk, way, number)]
    masked, root = _parsed(cx, chunk, way)
    if root.has_error and chunk.kind is ChunkKind.FUNCTION:
        apart = _apart(cx, chunk, way, number, len(faults(root)))
        if apart is not None:
            return [apart]
    with cx.reading(masked, 0):
        for start, end, reason in faults(root):
            cx.faults.append((start + chunk.start, end + chunk.start, reason))
        return lower_items(cx, root, number)


def _apart(cx: Context, chunk: Chunk, way: Variant, number: int, limit: int) -> Function | None:
    # The function, if reading head and body apart leaves less unread than ``limit``.
    mark = len(cx.faults)
    found = read_apart(cx, chunk, way, number)
    if len(cx.faults) - mark < limit:
        return found
    del cx.faults[mark:]
    return None


def _parsed(cx: Context, chunk: Chunk, way: Variant) -> tuple[Masked, Node]:
    body = chunk.kind is ChunkKind.FUNCTION
    first = _calls_from(chunk, way.text)
    extra: dict[str, int] = {}
    best: tuple[int, Masked, Node] | None = None
    for hard in (False, True):
        masked = mask(
            way.text,
            chunk.start,
            cx.macros,
            body=body,
            calls_from=first,
            record=chunk.kind is not ChunkKind.FUNCTION and "{" in way.text[: way.text.find("=")],
            marks=way.marks,
            hard=hard,
            extra=extra,
        )
        root = parse(masked.text)
        if not root.has_error:
            return masked, root
        found = len(faults(root))
        if best is None or found < best[0]:
            best = found, masked, root
        extra = _annotations(cx, way.text) | _spare_words(chunk, way.text)
    assert best is not None
    return best[1], best[2]


def _calls_from(chunk: Chunk, text: str) -> int:
    # Where declarators end and code begins.
    kind = chunk.kind
    if kind is ChunkKind.FUNCTION:
        return text.find("{")
    if kind is ChunkKind.VARIABLE:
        at = text.find("=")
        brace = text.find("{")
        if 0 <= brace < at or at < 0 <= brace:
            return brace
        return at if at >= 0 else len(text)
    if kind is ChunkKind.TYPEDEF and "{" not in text:
        return len(text)
    return 0


def _annotations(cx: Context, text: str) -> dict[str, int]:
    # Words of a text that could not be read which the tree defines as annotations.
    words: set[str] = set()
    for match in _NEIGHBOURS.finditer(text):
        words.update(match.group(1, 2))
    words.update(_AFTER.findall(text))
    words -= _KNOWN
    return {word: len(text) for word in words if cx.macros.annotation(word)}


def _spare_words(chunk: Chunk, text: str) -> dict[str, int]:
    # Words before a function's name that are neither its type nor known: ``STATIC int f(``.
    spare: dict[str, int] = {}
    if "}" in text and chunk.kind is not ChunkKind.FUNCTION:
        # ``} PACKED name;`` and ``name[] ALIGNED;``
        spare = dict.fromkeys(_BEHIND_BRACE.findall(text), len(text))
        spare.update(dict.fromkeys(_BEHIND_BRACKET.findall(text), len(text)))
    name = re.search(rf"\b{re.escape(chunk.names[0])}\s*\(", text) if chunk.names else None
    if chunk.kind not in (ChunkKind.FUNCTION, ChunkKind.VARIABLE) or name is None:
        return spare
    head = _RECORD.sub(" int ", text[: name.start()])
    words = [word for word in _IDENTIFIER.findall(head) if word not in _STORAGE]
    spelt = [word for word in words if word in KEYWORDS or word in TYPE_WORDS]
    others = [word for word in words if word not in spelt]
    if not spelt and others:
        others.pop()  # the type itself
    return spare | dict.fromkeys(others, name.start())
