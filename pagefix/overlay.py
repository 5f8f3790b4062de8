"""Texts that stand in the place of files: what is staged, what a patch makes of them.

:mod:`pagefix.reads` asks it before the disk.

Floor 0: imports nothing of pagefix.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

__all__ = ["Overlay"]


class Overlay:
    """Texts by path.

    :param files: content by absolute path, ``None`` for a file that is not there.
    """

    def __init__(self, files: Mapping[str, bytes | None]) -> None:
        # By folder, all links followed: who lays a text over a file may name it in another
        # way than who opens it.
        self._folders: dict[str, dict[str, bytes | None]] = {}
        # A look at a name is quicker than one at where its folder leads to.
        self._names = {os.path.basename(path) for path in files}
        self._real: dict[str, str] = {}
        for path, data in files.items():
            folder, name = os.path.split(path)
            self._folders.setdefault(os.path.realpath(folder), {})[name] = data

    def __bool__(self) -> bool:
        return bool(self._folders)

    def texts(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield what it holds, by path with all links followed, in order."""
        for folder, files in sorted(self._folders.items()):
            for name, data in sorted(files.items()):
                yield os.path.join(folder, name), data

    def folder(self, path: str) -> str:
        """Return the folder that a path is in, all links followed."""
        return self._resolve(os.path.dirname(path))

    def holds(self, path: str) -> bool | None:
        """Tell whether a file is there; ``None`` if the disk is to be asked."""
        folder, name = os.path.split(path)
        if name not in self._names:
            return None
        files = self._folders.get(self._resolve(folder))
        return files[name] is not None if files is not None and name in files else None

    def data(self, path: str) -> bytes:
        """Return the text of a file that it holds."""
        folder, name = os.path.split(path)
        found = self._folders[self._resolve(folder)][name]
        assert found is not None
        return found

    def is_folder(self, path: str) -> bool:
        """Tell whether it holds a file below a folder, which need not be on disk."""
        return "directory" in self.inside(path).values() or "file" in self.inside(path).values()

    def inside(self, path: str) -> dict[str, str]:
        """Return the names that it holds in a folder: ``file``, ``directory``, or gone (empty)."""
        top = self._resolve(path)
        found = {
            name: "" if data is None else "file"
            for name, data in self._folders.get(top, {}).items()
        }
        begin = top.rstrip("/") + "/"
        for folder, files in self._folders.items():
            if folder.startswith(begin) and any(data is not None for data in files.values()):
                found.setdefault(folder[len(begin) :].split("/")[0], "directory")
        return found

    def _resolve(self, folder: str) -> str:
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = os.path.realpath(folder or ".")
        return real
