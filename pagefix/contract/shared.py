"""The shared code of the tree around the files under check: ``fs/*.c``, ``fs/iomap``, ``mm``.

A guard there counts, so it is searched for the names of guards; only what lies on a path is
parsed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property

from pagefix import reads
from pagefix.contract.texts import Joined, Outline
from pagefix.program import Program

__all__ = ["Shared"]

_FOLDERS = ("fs", "fs/iomap", "mm")


class Shared:
    """Shared code, which is searched as it is: what a comment mentions there does no harm."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._alone: dict[str, Joined] = {}

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files by path; none where there is no tree."""
        if self._program.tree.root is None:
            return {}
        return {path: data for folder in _FOLDERS for path, data in self._read(folder)}

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
    def _homes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path, outline in self.outlines.items():
            for name in outline.names:
                found.setdefault(name, path)
        return found

    def home(self, name: str) -> str | None:
        """Return the file that defines a function, ``None`` if none does."""
        return self._homes.get(name)

    def reach_of(self, name: str, home: str) -> Joined:
        """Return the text in which a function may be called: its own file, if it is static."""
        starts, names = self.outlines[home]
        if not self.files[home].startswith(b"static", starts[names.index(name)]):
            return self.text
        if home not in self._alone:
            self._alone[home] = Joined({home: self.files[home]})
        return self._alone[home]
