"""Reading kernel C: from the text of a file to the plain values of :mod:`pagefix.c.ast`.

This package is the only place that knows tree-sitter. It reads C as it is written,
without preprocessor, configuration or compiler: both sides of every ``#if``, and the
bodies of macros.

Floor 1: imports only :mod:`pagefix.errors` and :mod:`pagefix.source`.
"""

from __future__ import annotations

from pagefix.c.chunk import Chunk, ChunkKind
from pagefix.c.nodes import walk
from pagefix.c.pattern import PatternError, new_errors, parse_pattern
from pagefix.c.tables import MacroTable, NoMacros
from pagefix.c.unit import Unit, read

__all__ = [
    "Chunk",
    "ChunkKind",
    "MacroTable",
    "NoMacros",
    "PatternError",
    "Unit",
    "new_errors",
    "parse_pattern",
    "read",
    "walk",
]
