"""The shared code of the tree around the files under check: ``fs/*.c``, ``fs/iomap``, ``mm``.

A guard there counts, so it is searched for the names of guards; only what lies on a path is
parsed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterable, Iterator
from functools import cached_property

from pagefix import reads
from pagefix.contract.texts import Joined, Outline, callees
from pagefix.program import Program

__all__ = ["Shared"]

#: How many calls lie between code under check and shared code that has a say.
_LEVELS = 6
_FOLDERS = ("fs", "fs/iomap", "mm")


class Shared:
    """Shared code, which is searched as it is: what a comment mentions there does no harm."""

    def __init__(self, program: Program) -> None:
        self._program = program

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files by path; none where there is no tree."""
        if self._program.tree.root is None:
            return {}
        found = {path: data for folder in _FOLDERS for path, data in self._read(folder)}
        # What is shared for one filesystem may be under check beside it.
        self._program.asked.whole.update(found)
        return found

    def _read(self, folder: str) -> Iterator[tuple[str, bytes]]:
        disk = self._program.tree.disk(folder)
        try:
            names = [name for name in reads.names(disk) if name.endswith(".c")]
        except OSError:
            return
        checked = frozenset(self._program.files)
        for name in names:
            shown = f"{folder}/{name}"
            if shown in checked:
                continue
            try:
                data = reads.read(os.path.join(disk, name))
            except OSError:
                continue
            if b"\0" not in data:
                yield shown, data

    @cached_property
    def text(self) -> Joined:
        """All of it."""
        return Joined(self.files)

    @cached_property
    def outlines(self) -> dict[str, Outline]:
        """Where the functions of each file begin."""
        return self.text.outlines()

    @cached_property
    def _homes(self) -> dict[str, tuple[str, list[int]]]:
        # Where a function stands in the first file that has it: once for each configuration.
        found: dict[str, tuple[str, list[int]]] = {}
        for path, outline in self.outlines.items():
            for index, name in enumerate(outline.names):
                home, indexes = found.setdefault(name, (path, []))
                if home == path:
                    indexes.append(index)
        return found

    @property
    def defined(self) -> Collection[str]:
        """The names of its functions."""
        return self._homes.keys()

    def home(self, name: str) -> str | None:
        """Return the file that defines a function, ``None`` if none does."""
        known = self._homes.get(name)
        return None if known is None else known[0]

    def is_static(self, name: str) -> bool:
        """Tell whether a function of shared code is called in its own file alone."""
        path, indexes = self._homes[name]
        return self.files[path].startswith(b"static", self.outlines[path].starts[indexes[0]])

    def _body(self, name: str) -> bytes:
        path, indexes = self._homes[name]
        data, starts = self.files[path], self.outlines[path].starts
        ends = [*starts[1:], len(data)]
        return b"\n".join(data[starts[index] : ends[index]] for index in indexes)

    def reached(self, names: Iterable[str], known: Container[str]) -> dict[str, bytes]:
        """Return the functions that code outside leads to by calls, each with its text.

        :param names: what it calls.
        :param known: functions that it has itself.
        """
        bodies: dict[str, bytes] = {}
        for _ in range(_LEVELS):
            fresh = [
                name
                for name in names
                if name in self._homes and name not in known and name not in bodies
            ]
            if not fresh:
                break
            bodies |= {name: self._body(name) for name in fresh}
            names = sorted(callees(b"\n".join(bodies[name] for name in fresh)))
        return bodies
