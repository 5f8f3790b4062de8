"""Writing changes: all files or none.

Every new text is written beside its file and synced before the first file is replaced;
if replacing one fails, those replaced before are put back. A file that changed since it
was read, or that a link takes out of the tree, stops the whole.

Floor 5.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pagefix.errors import PagefixError
from pagefix.fix.change import FileChange

__all__ = ["apply"]


@dataclass(frozen=True, slots=True)
class _Target:
    # One file on its way: where it really is, its new text, and a second name of the old.
    change: FileChange
    real: str
    fresh: str
    saved: str


def apply(changes: Sequence[FileChange], roots: Iterable[str]) -> int:
    """Write the changes; either every file is new afterwards or none is.

    :param roots: folders (or files) that links may not lead out of.
    :return: ``int``, number of files written.
    """
    within = [os.path.realpath(root) for root in roots]
    staged: list[_Target] = []
    replaced: list[_Target] = []
    try:
        for change in changes:
            # One by one: what is staged when the next one fails must be known.
            staged.append(_stage(change, within))  # noqa: PERF401
        for target in staged:
            _unchanged(target.change, target.real)
            # Noted first: to put back what was not replaced does nothing.
            replaced.append(target)
            os.replace(target.fresh, target.real)
        for folder in {os.path.dirname(target.real) for target in staged}:
            _sync_folder(folder)
    except BaseException as error:
        for target in reversed(replaced):
            os.replace(target.saved, target.real)
        if isinstance(error, OSError):
            raise PagefixError(
                f"nothing was written: {error.filename or 'writing'}: {error.strerror}",
                why="A file could not be written or replaced; all files are as they were.",
                remedy="Make room or permission for it, then run the same command again.",
            ) from error
        raise
    finally:
        for target in staged:
            for leftover in (target.fresh, target.saved):
                with suppress(OSError):
                    os.unlink(leftover)
    return len(staged)


def _stage(change: FileChange, within: Sequence[str]) -> _Target:
    real = os.path.realpath(change.source.disk)
    if not any(_inside(real, root) for root in within):
        raise PagefixError(
            f"{change.path} is a link that leaves the tree",
            why=f"It leads to {real}, which is not below what was asked for.",
            remedy="Name the file it leads to, if that is the one to change.",
        )
    _unchanged(change, real)
    folder, name = os.path.split(real)
    fresh = os.path.join(folder, f".{name}.pagefix-new")
    saved = os.path.join(folder, f".{name}.pagefix-old")
    try:
        _write(fresh, change.after, os.stat(real))
        try:
            os.link(real, saved)
        except BaseException:
            os.unlink(fresh)
            raise
    except FileExistsError as error:
        raise PagefixError(
            f"{error.filename2 or error.filename} is in the way",
            why="It is left from a run that was stopped, or another pagefix is at work.",
            remedy="If none is at work, remove the file and run the same command again.",
        ) from error
    return _Target(change, real, fresh, saved)


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _unchanged(change: FileChange, real: str) -> None:
    with open(real, "rb") as file:
        if file.read() == change.source.data:
            return
    raise PagefixError(
        f"{change.path} has changed since it was read",
        why="Its edits were made for another text; no file was written.",
        remedy="Run the same command again.",
    )


def _write(path: str, data: bytes, like: os.stat_result) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            mine = os.fstat(file.fileno())
            if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid):
                os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
