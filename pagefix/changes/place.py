"""What has to be read with a file: where a page comes from is not told by one file alone.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["directories", "is_api"]

# Shared code, each file of which is read by itself.
_SHARED = ("mm", "block", "lib", "kernel", "arch")


def is_api(file: str, root: str | None) -> bool:
    """Tell whether a file is a header of the whole kernel, which belongs to no directory."""
    if root is None:
        return False
    inside = os.path.relpath(os.path.abspath(file), os.path.abspath(root)).split("/")
    return inside[0] == "include" or (inside[0] == "arch" and "include" in inside)


def directories(files: Iterable[str], root: str | None) -> list[str]:
    """Return the directories that files belong to: ``fs/foo`` for all that lies below it.

    A file of the kernel's shared code stands for itself; its headers for nothing.

    :param root: of the kernel tree around them, if there is one.
    """
    found = dict.fromkeys(_home(file, root) for file in files if not is_api(file, root))
    return [
        each
        for each in found
        if not any(each != other and _is_below(each, other) for other in found)
    ]


def _home(file: str, root: str | None) -> str:
    folder = os.path.dirname(file) or "."
    if not file.endswith((".c", ".h")):
        # A script says itself where its pages come from.
        return file
    if root is None:
        return _highest(folder)
    inside = os.path.relpath(os.path.abspath(file), os.path.abspath(root)).split("/")
    if inside[0] == "fs" and len(inside) > 2:
        # As the file is spelt, with what is below fs/foo left off.
        up = len(inside) - 3
        return os.path.normpath(os.path.join(folder, *[".."] * up)) if up else folder
    if inside[0] in _SHARED or (inside[0] == "fs" and len(inside) == 2):
        return file
    if len(inside) == 1 and os.path.isdir(os.path.join(root, "fs")):
        return file
    return folder


def _highest(folder: str) -> str:
    # Outside of a kernel: up to the working directory, while there is C above.
    here = os.path.abspath(folder)
    top = os.getcwd()
    while here != top and _is_below(here, top) and _holds_c(os.path.dirname(here)):
        here = os.path.dirname(here)
        folder = os.path.dirname(folder) or "."
    return folder


def _holds_c(folder: str) -> bool:
    try:
        return any(name.endswith(".c") for name in os.listdir(folder))
    except OSError:
        return False


def _is_below(path: str, folder: str) -> bool:
    return os.path.abspath(path).startswith(os.path.abspath(folder).rstrip("/") + "/")
