"""What the lexical scan finds: chunks of a file, and its preprocessor directives.

Floor 1: imports nothing of pagefix.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["Chunk", "ChunkKind", "Directive"]


class ChunkKind(Enum):
    """What a top-level item looks like from outside, before it is parsed."""

    FUNCTION = "function"
    RECORD = "record"
    ENUM = "enum"
    TYPEDEF = "typedef"
    VARIABLE = "variable"
    DEFINE = "define"
    CALL = "call"
    OTHER = "other"


class Chunk(NamedTuple):
    """One top-level item, cheap to find and not parsed.

    A ``#define`` inside another item is a chunk of its own too: the one kind of chunk
    that lies within another.

    :param names: names it probably introduces: ``foo``, ``struct foo``, an enumerator,
        a macro. Enough to look a definition up without parsing the file.
    """

    start: int
    end: int
    kind: ChunkKind
    names: tuple[str, ...]


class Directive(NamedTuple):
    """A preprocessor line, continuation lines included, without its newline.

    :param word: ``b"define"``, ``b"if"``, ...; empty for a lone ``#``.
    """

    start: int
    end: int
    word: bytes
