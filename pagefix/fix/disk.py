"""Reading and writing plain files so that a crash can be told from a success.

Nothing here follows a link in a file's own name, and every call is one of :mod:`os`.

Floor 5.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from pagefix.errors import PagefixError

__all__ = ["content", "copy_new", "digest", "locked", "sync_folder", "write_new"]

_BLOCK = 1 << 20


def content(path: str) -> bytes:
    """Return what a plain file holds.

    :raises PagefixError: if it is no plain file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PagefixError(
                f"{path} is not a plain file",
                why="Only plain files are read and written.",
                remedy="Leave it out.",
            )
        blocks = []
        while block := os.read(handle, _BLOCK):
            blocks.append(block)
        return b"".join(blocks)
    finally:
        os.close(handle)


def digest(path: str) -> str | None:
    """Return the SHA-256 of a plain file's content; ``None`` if there is no such file."""
    try:
        return sha256(content(path)).hexdigest()
    except PagefixError:
        return None
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return None


def write_new(path: str, data: bytes) -> None:
    """Create a file; its content is on disk when this returns."""
    _create(path, data, None)


def copy_new(path: str, data: bytes, like: str) -> None:
    """Create a file with the owner, mode and attributes of another one."""
    _create(path, data, like)


def _create(path: str, data: bytes, like: str | None) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if like is not None:
            _take_after(handle, like)
        os.fsync(handle)
    finally:
        os.close(handle)


def _take_after(handle: int, like: str) -> None:
    theirs = os.stat(like, follow_symlinks=False)
    mine = os.fstat(handle)
    if (mine.st_uid, mine.st_gid) != (theirs.st_uid, theirs.st_gid):
        os.fchown(handle, theirs.st_uid, theirs.st_gid)
    # After the owner: a change of owner clears bits of the mode.
    os.fchmod(handle, stat.S_IMODE(theirs.st_mode))
    if not hasattr(os, "listxattr"):
        return
    own = _attributes(handle)
    for name in _attributes(like):
        value = os.getxattr(like, name)
        if name not in own or os.getxattr(handle, name) != value:
            os.setxattr(handle, name, value)


def _attributes(file: str | int) -> list[str]:
    try:
        return os.listxattr(file)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        return []


def sync_folder(folder: str) -> None:
    """Return when the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other runs of pagefix from writing in a folder; a killed run holds nothing."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems cannot lock a folder; the journal is in the way then.
            if isinstance(error, BlockingIOError):
                raise PagefixError(
                    f"another pagefix is writing in {folder}",
                    why="Two at once would spoil each other's work.",
                    remedy="Wait until it is done, then run the same command again.",
                ) from error
        yield
    finally:
        os.close(handle)
