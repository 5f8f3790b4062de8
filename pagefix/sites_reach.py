"""Which files must be accounted for again when a source has changed, and nothing else has.

What a file's account rests on is its own text, the headers that it sees, and three things
more: a header's macros are understood by their uses, wherever these are; a header, or a part
of a source, is read through the sources beside it or above it that include it; and a source
may be included like a header.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os.path import basename, dirname
from typing import NamedTuple

from pagefix.program import Program
from pagefix.sites_mentions import below

__all__ = ["Reach"]


class Reach(NamedTuple):
    """What the run of an inventory has noted.

    :param roaming: files whose account rests on how others use their macros.
    :param parts: names, without directories, of what is included and is no header.
    """

    roaming: frozenset[str]
    parts: frozenset[str]

    def of(self, program: Program, changed: Iterable[str]) -> set[str] | None:
        """Return the files to account for again; ``None``: it cannot be told which.

        :param changed: the changed files, on disk.
        """
        shown = {program.disk(path): path for path in program.files}
        touched = set(self.roaming)
        for disk in changed:
            path = shown.get(disk)
            if path is None or not path.endswith(".c") or basename(path) in self.parts:
                return None
            touched.add(path)
            touched.update(self._seeing(program, path))
        return touched

    def _seeing(self, program: Program, source: str) -> Iterator[str]:
        # What a source may include, or may have included, so that it is read through it.
        names = self.parts | set(map(basename, program.included(source)))
        here = dirname(source)
        for path in below(program.files, here) if here else program.files:
            if here in (dirname(path), dirname(dirname(path))):
                if path.endswith(".h") or basename(path) in names:
                    yield path
