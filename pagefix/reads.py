"""What is read of the disk, and a log of it.

Whatever an answer depends on is asked of the disk here and nowhere else (a test reads the
modules that take part in an answer, and fails on any other way). While a log is kept, each
question is noted with its answer: a file with the digest of its text, a directory with that
of its names, a path with what it leads to, nothing included. An answer may be given again as
long as all of these are as they were (:mod:`pagefix.cache`).

While texts are laid over the disk they are what is read; an answer that rests on one is of
no use later, and the log says so.

Floor 0: imports only :mod:`pagefix.overlay`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import NamedTuple

from pagefix.overlay import Overlay

__all__ = [
    "HISTORIES",
    "NO_SIGN",
    "Entry",
    "Log",
    "Sign",
    "digest",
    "entries",
    "is_directory",
    "is_file",
    "is_recorded",
    "kind",
    "kind_now",
    "laid_over",
    "look_at",
    "look_into",
    "names",
    "note",
    "owner",
    "owner_now",
    "read",
    "real",
    "recorded",
    "sign",
    "size",
    "text",
]

#: What tells without reading that a file or directory is as it was: size, times of its
#: text and of its entry in nanoseconds, number.
Sign = tuple[int, int, int, int]

#: What version control keeps beside the files: none of it is source, whatever it is called
#: (a branch ``fix.c`` is a file of that name).
HISTORIES = frozenset((".git", ".hg", ".svn"))

#: Of what is on no disk.
NO_SIGN: Sign = (0, 0, 0, 0)


class Entry(NamedTuple):
    """A name in a directory.

    :param kind: ``file``, ``directory``, ``link`` (to whatever) or ``other``.
    """

    name: str
    kind: str


class Log:
    """What was asked of the disk, with the answers.

    The digest of a file or a directory that could not be read is empty.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, Sign]] = {}
        self.folders: dict[str, tuple[bytes, Sign]] = {}
        self.kinds: dict[str, str] = {}
        self.owners: dict[str, int] = {}
        self.links: dict[str, str] = {}
        #: Whether something gave two answers: then nothing can be told of the whole.
        self.torn = False

    def merge(self, other: Log) -> None:
        """Take in what another process has asked."""
        self.torn |= other.torn
        for mine, theirs in zip(self._digests(), other._digests(), strict=True):
            for path, (found, seen) in theirs.items():
                self._note(mine, path, found, seen)
        for path, each in other.kinds.items():
            self.torn |= self.kinds.setdefault(path, each) != each
        for path, uid in other.owners.items():
            self.torn |= self.owners.setdefault(path, uid) != uid
        for path, each in other.links.items():
            self.torn |= self.links.setdefault(path, each) != each

    def _digests(self) -> tuple[dict[str, tuple[bytes, Sign]], ...]:
        return self.files, self.folders

    def _note(
        self, known: dict[str, tuple[bytes, Sign]], path: str, found: bytes, seen: Sign
    ) -> None:
        before = known.setdefault(path, (found, seen))
        self.torn |= before[0] != found


_log: Log | None = None


@contextmanager
def recorded(*, keep: bool = True) -> Iterator[Log]:
    """Keep a log of what is asked while the block runs; logs do not nest.

    :param keep: whether anything is noted in it.
    """
    global _log
    log = Log()
    before, _log = _log, log if keep else None
    try:
        yield log
    finally:
        _log = before


def is_recorded() -> bool:
    """Tell whether a log is kept."""
    return _log is not None


def note(other: Log) -> None:
    """Take in what another process has asked, if a log is kept."""
    if _log is not None:
        _log.merge(other)


def size(path: str) -> int:
    """Return the size of a file, 0 if there is none: for what changes no answer."""
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0


_overlay: Overlay | None = None


@contextmanager
def laid_over(overlay: Overlay | None) -> Iterator[None]:
    """Read texts in the place of files while the block runs."""
    global _overlay
    before, _overlay = _overlay, overlay or None
    try:
        yield
    finally:
        _overlay = before


def _held(path: str) -> bool | None:
    # Whether a text is laid over a file, or none is there; ``None``: the disk tells.
    if _overlay is None:
        return None
    if _log is not None:
        # Its texts are a part of the question; which of them is meant depends on links.
        _log.links.setdefault(os.path.dirname(path), _overlay.folder(path))
    return _overlay.holds(path)


def digest(data: bytes) -> bytes:
    """Return what stands for a text: two with the same digest are the same."""
    return blake2b(data, digest_size=16).digest()


def sign(about: os.stat_result) -> Sign:
    """Return what tells that a file is as it was."""
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino


def read(path: str) -> bytes:
    """Return the text of a file.

    :raises OSError: if it cannot be read.
    """
    held = _held(path)
    if held and _overlay is not None:
        return _overlay.data(path)
    if held is False:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    try:
        data, seen = _text(path)
    except OSError:
        if _log is not None:
            _log._note(_log.files, path, b"", NO_SIGN)
        raise
    if _log is not None:
        _log._note(_log.files, path, digest(data), seen)
    return data


def _text(path: str) -> tuple[bytes, Sign]:
    with open(path, "rb") as file:
        # Before the text: what is changed while it is read looks changed ever after.
        seen = sign(os.fstat(file.fileno()))
        return file.read(), seen


def look_at(path: str) -> tuple[bytes, Sign]:
    """Return digest and sign of a file, and note nothing."""
    try:
        data, seen = _text(path)
    except (OSError, ValueError):
        return b"", NO_SIGN
    return digest(data), seen


def text(path: str) -> str:
    """Return a file of UTF-8 text, its lines ended as everywhere.

    :raises OSError: if it cannot be read.
    :raises UnicodeDecodeError: if it is something else.
    """
    return read(path).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def entries(path: str) -> list[Entry]:
    """Return what a directory holds, by name.

    :raises OSError: if it cannot be listed.
    """
    laid = {} if _overlay is None else _overlay.inside(path)
    if laid:
        return _laid_entries(path, laid)
    try:
        found, seen = _entries(path)
    except OSError:
        if _log is not None:
            _log._note(_log.folders, path, b"", NO_SIGN)
        raise
    if _log is not None:
        _log._note(_log.folders, path, _digest_of(found), seen)
    return found


def _laid_entries(path: str, laid: dict[str, str]) -> list[Entry]:
    # What is on disk is noted as it is; the overlay is a part of the question.
    found: dict[str, str] = {}
    if kind_now(path) == "directory":
        listed, seen = _entries(path)
        found = dict(listed)
        if _log is not None:
            _log._note(_log.folders, path, _digest_of(listed), seen)
    elif _log is not None:
        _log._note(_log.folders, path, b"", NO_SIGN)
    for name, what in laid.items():
        if what == "file" or (what and name not in found):
            found[name] = what
        elif not what:
            found.pop(name, None)
    return sorted(Entry(name, what) for name, what in found.items())


def look_into(path: str) -> tuple[bytes, Sign]:
    """Return digest and sign of a directory, and note nothing."""
    try:
        found, seen = _entries(path)
    except (OSError, ValueError):
        return b"", NO_SIGN
    return _digest_of(found), seen


def _entries(path: str) -> tuple[list[Entry], Sign]:
    seen = sign(os.stat(path))
    with os.scandir(path) as listed:
        return sorted(Entry(each.name, _kind_of(each)) for each in listed), seen


def _digest_of(found: list[Entry]) -> bytes:
    listed = "\0".join(f"{each.kind} {each.name}" for each in found)
    return digest(listed.encode("utf-8", "surrogateescape"))


def names(path: str) -> list[str]:
    """Return the names in a directory, in order.

    :raises OSError: if it cannot be listed.
    """
    return [each.name for each in entries(path)]


def kind(path: str) -> str:
    """Return what a path leads to: ``file``, ``directory``, ``other``, or empty for nothing."""
    held = _held(path)
    if held is not None:
        return "file" if held else ""
    found = kind_now(path)
    if _log is not None:
        _log.torn |= _log.kinds.setdefault(path, found) != found
    if not found and _overlay is not None and _overlay.is_folder(path):
        return "directory"
    return found


def kind_now(path: str) -> str:
    """Return what :func:`kind` does, and note nothing."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return ""
    if stat.S_ISREG(mode):
        return "file"
    return "directory" if stat.S_ISDIR(mode) else "other"


def is_file(path: str) -> bool:
    """Tell whether a path leads to a file."""
    return kind(path) == "file"


def is_directory(path: str) -> bool:
    """Tell whether a path leads to a directory."""
    return kind(path) == "directory"


def owner(path: str) -> int | None:
    """Return the user whose a path is, itself and not what it leads to; ``None``: nobody's."""
    found = owner_now(path)
    if _log is not None:
        _log.torn |= _log.owners.setdefault(path, found) != found
    return None if found < 0 else found


def owner_now(path: str) -> int:
    """Return the user whose a path is, or -1, and note nothing."""
    try:
        return os.lstat(path).st_uid
    except OSError:
        return -1


def real(path: str) -> str:
    """Return where a path leads to, all links followed."""
    found = os.path.realpath(path)
    if _log is not None:
        _log.torn |= _log.links.setdefault(path, found) != found
    return found


def _kind_of(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
