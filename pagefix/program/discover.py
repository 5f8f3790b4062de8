"""The files that the user's paths mean.

In: paths of files and directories, ``-`` for standard input. Out: :class:`Found`, each
file once, in order; what a directory holds and could not be read is listed, what was
named and could not be read is an error.

Floor 2: imports only floor 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from os.path import join
from typing import NamedTuple

from pagefix import reads
from pagefix.errors import PagefixError
from pagefix.finding import Unread
from pagefix.program.tree import Tree

__all__ = ["STDIN", "Found", "discover"]

#: How the program read from standard input is shown.
STDIN = "<stdin>"

_SUFFIXES = (".c", ".h")
_SCRIPTS = (".py",)


class Found(NamedTuple):
    """What the paths mean.

    :param files: path as shown, to path on disk; sorted by the former.
    :param unread: what was met in a directory and is no readable file.
    :param stdin: whether standard input is one of the files.
    """

    files: dict[str, str]
    unread: tuple[Unread, ...]
    stdin: bool
    #: Python files, as ``files``: whether they are scripts for drgn or gdb, others find out.
    scripts: dict[str, str]


def discover(paths: Sequence[str], tree: Tree) -> Found:
    """Find the C files below the paths.

    Links to directories below a path are not followed, so a loop of them does no harm.

    :raises PagefixError: if a path does not exist, is no file or directory, cannot be
        read, or if there is no C file at all.
    """
    files: dict[str, str] = {}
    scripts: dict[str, str] = {}
    unread: list[Unread] = []
    for path in paths:
        if path == "-":
            continue
        if _kind(path) == "directory":
            _listable(path)
            shown = tree.show(path)
            for disk, reason in _below(path, ""):
                name = disk if shown == "." else join(shown, disk)
                if reason is None:
                    found = scripts if name.endswith(_SCRIPTS) else files
                    found.setdefault(name, join(path, disk) if path != "." else disk)
                else:
                    unread.append(Unread(name, 1, 1, reason))
        else:
            _readable(path)
            found = scripts if _is_script(path) else files
            found.setdefault(tree.show(path), path)
    if not files and not scripts and not unread and "-" not in paths:
        raise PagefixError(
            "no C file to read",
            why="there is no .c, .h or .py file below " + " ".join(paths or ["(no path)"]),
            remedy="name files, or directories that hold some",
        )
    return Found(
        dict(sorted(files.items())),
        tuple(unread),
        "-" in paths,
        dict(sorted(scripts.items())),
    )


def _is_script(path: str) -> bool:
    # A script that is named may have no suffix: then its first line says what runs it.
    if path.endswith(_SUFFIXES):
        return False
    first = reads.read(path)[:200].split(b"\n", 1)[0]
    return path.endswith(_SCRIPTS) or (
        first.startswith(b"#!") and any(word in first for word in (b"python", b"drgn", b"gdb"))
    )


def _kind(path: str) -> str:
    kind = reads.kind(path)
    if not kind:
        try:
            os.stat(path)
        except OSError as error:
            raise _refusal(path, error) from None
    if kind in ("file", "directory"):
        return kind
    raise PagefixError(
        f"{path}: not a file",
        why="it is a device, a pipe or a socket",
        remedy="name a file or a directory, or '-' to read standard input",
    )


def _listable(path: str) -> None:
    try:
        reads.entries(path)
    except OSError as error:
        raise _refusal(path, error) from None


def _readable(path: str) -> None:
    try:
        reads.read(path)
    except OSError as error:
        raise _refusal(path, error) from None


def _refusal(path: str, error: OSError) -> PagefixError:
    return PagefixError(
        f"{path}: cannot be read",
        why=(error.strerror or str(error)).lower(),
        remedy="check the path and its permissions",
    )


def _below(top: str, inner: str) -> Iterator[tuple[str, str | None]]:
    # (path below `top`, reason why it cannot be read or None), names in order.
    try:
        listed = reads.entries(join(top, inner) if inner else top)
    except OSError as error:
        yield inner, f"directory cannot be read: {(error.strerror or str(error)).lower()}"
        return
    for entry, kind in listed:
        name = join(inner, entry) if inner else entry
        if entry in reads.HISTORIES:
            continue
        if kind == "directory":
            yield from _below(top, name)
        elif kind == "file" and entry.endswith((*_SUFFIXES, *_SCRIPTS)):
            yield name, None
        elif entry.endswith(_SUFFIXES):
            yield from _leads_to(join(top, name), name)


def _leads_to(path: str, name: str) -> Iterator[tuple[str, str | None]]:
    kind = reads.kind(path)
    if kind == "file":
        yield name, None
    elif kind == "other":
        yield name, "not a file: a device, a pipe or a socket"
    elif not kind:
        try:
            os.stat(path)
        except OSError as error:
            yield name, f"cannot be read: {(error.strerror or str(error)).lower()}"
