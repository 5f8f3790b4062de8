"""Which Python files are scripts for drgn or gdb. Nothing heavy is imported for it.

Floor 5.
"""

from __future__ import annotations

import re

__all__ = ["kind_of", "worth_reading"]

_DRGN = re.compile(
    rb"^(?:\xef\xbb\xbf)?[ \t]*(?:from[ \t]+drgn[\w.]*[ \t]+import|import[ \t]+drgn)\b",
    re.MULTILINE,
)
_GDB = re.compile(
    rb"^(?:\xef\xbb\xbf)?[ \t]*(?:import[ \t]+(?:[\w.]+,[ \t]*)*gdb|from[ \t]+gdb[\w.]*[ \t]+import)\b",
    re.MULTILINE,
)
_SHEBANG = re.compile(rb"\A(?:\xef\xbb\xbf)?#![^\n]*\bdrgn\b")
# What is typed into drgn, or run in it with %run: `prog` comes from there.
_PROG = re.compile(rb"\bprog\[['\"]\w+['\"]\]")
_WORDS = re.compile(rb"\b(?:mapping|index|private|flags|__folio_index|page_index)\b|pagefix")


def kind_of(data: bytes) -> str:
    """Return ``drgn``, ``gdb``, or nothing for any other text."""
    if _SHEBANG.search(data) or _DRGN.search(data):
        return "drgn"
    if _GDB.search(data):
        return "gdb"
    return "drgn" if _PROG.search(data) and b"import drgn" not in data else ""


def worth_reading(data: bytes) -> bool:
    """Return whether a script names anything that a rule is about."""
    return _WORDS.search(data) is not None
