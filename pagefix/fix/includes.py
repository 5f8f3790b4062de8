"""What a file includes, through any number of headers, whatever the configuration.

Floor 5.
"""

from __future__ import annotations

import re
from os.path import dirname

from pagefix.errors import PagefixError
from pagefix.program import Program

__all__ = ["Includes"]

_INCLUDE = re.compile(
    rb'^(?:\xef\xbb\xbf)?[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE
)


class Includes:
    """The ``#include`` lines of a program's files, followed when it is asked for them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._direct: dict[str, tuple[str, ...]] = {}
        self._all: dict[str, frozenset[str]] = {}

    def of(self, path: str) -> frozenset[str]:
        """Return the shown paths of all that a file includes (not of itself)."""
        if path not in self._all:
            found: set[str] = set()
            fresh = [path]
            while fresh:
                for each in self._lines(fresh.pop()):
                    if each not in found:
                        found.add(each)
                        fresh.append(each)
            self._all[path] = frozenset(found - {path})
        return self._all[path]

    def _lines(self, path: str) -> tuple[str, ...]:
        if path not in self._direct:
            self._direct[path] = tuple(self._read(path))
        return self._direct[path]

    def _read(self, path: str) -> list[str]:
        tree = self._program.tree
        try:
            data = self._program.data(path)
        except PagefixError:
            return []
        folder = dirname(self._program.disk(path))
        found = []
        for mark, name in _INCLUDE.findall(data):
            text = name.decode("utf-8", "surrogateescape")
            disk = tree.resolve(text, mark == b'"', folder)
            if disk is not None:
                found.append(tree.show(disk))
        return found
