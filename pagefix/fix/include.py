"""The line that gives a file a header that a wrapper needs.

Floor 5.
"""

from __future__ import annotations

import re

from pagefix.finding import Edit
from pagefix.source import SourceFile

__all__ = ["included", "is_line"]

_LINE = re.compile(
    rb"^[ \t]*#[ \t]*(?P<word>include|if|ifdef|ifndef|endif)\b(?P<rest>[^\n]*)\n", re.M
)
_SYSTEM = re.compile(rb"[ \t]*<(?P<name>[^>\n]+)>[ \t]*\r?\Z")
_GUARD = re.compile(rb"\s*(?:/\*.*?\*/\s*|//[^\n]*\n\s*)*\Z", re.DOTALL)


def included(source: SourceFile, header: str) -> Edit | None:
    """Return the edit that includes a header where others are included.

    :param header: as in ``#include <linux/mm.h>``.
    :return: ``None`` if there is no such place outside of any ``#if``.
    """
    data = source.data
    depth = 0
    last: re.Match[bytes] | None = None
    for found in _LINE.finditer(data):
        if found["word"] == b"include":
            if depth == 0 and _SYSTEM.match(found["rest"]):
                last = found
        elif found["word"] == b"endif":
            depth -= 1
        # What keeps a header from being read twice is around all of it.
        elif found["word"] != b"ifndef" or not _GUARD.match(data, 0, found.start()):
            depth += 1
    if last is None:
        return None
    ending = "\r\n" if last.group().endswith(b"\r\n") else "\n"
    return Edit(source.path, last.end(), last.end(), f"#include <{header}>{ending}")


def is_line(edit: Edit) -> bool:
    """Return whether an edit only adds a line: a flag, an include."""
    return edit.start == edit.end and edit.text.endswith("\n")
