"""Writing changes: all files or none, whatever stops it.

Every new text is written beside its file and synced before the first file is replaced
(:mod:`pagefix.fix.journal` tells how that is noted). If one cannot be replaced, those
replaced before are put back; a run that was killed is finished or undone by the next. A
file that changed since it was read, or that a link takes out of the tree, stops the whole.

A file with several names (hard links) keeps them: each is replaced by a name of the new
file. It is not written in place: a crash would leave half a text. Names that are not
below the roots would be left with the old text, so they stop the whole too.

Floor 5.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pagefix.errors import PagefixError
from pagefix.fix.change import FileChange
from pagefix.fix.disk import content, copy_new, locked, sync_folder, write_new
from pagefix.fix.journal import DONE, DRAFT, NAME, Entry, Journal, fresh_name, saved_name
from pagefix.fix.recovery import discard, finish, undo

__all__ = ["apply"]


@dataclass(slots=True)
class _Target:
    # One file, by all its names below the roots.
    change: FileChange
    stat: os.stat_result
    names: list[str] = field(default_factory=list)


def apply(changes: Sequence[FileChange], roots: Iterable[str]) -> int:
    """Write the changes; either every file is new afterwards or none is.

    :param roots: folders (or files) that links may not lead out of.
    :return: ``int``, number of files written.
    """
    within = sorted({os.path.realpath(root) for root in roots})
    try:
        targets = _targets(changes, within)
        if targets:
            names = [name for target in targets for name in target.names]
            folder = os.path.commonpath([os.path.dirname(name) for name in names])
            with locked(folder):
                _write(targets, folder)
    except OSError as error:
        raise PagefixError(
            f"nothing was written: {error.filename or 'writing'}: {error.strerror}",
            why="A file could not be written or replaced; all files are as they were.",
            remedy="Make room or permission for it, then run the same command again.",
        ) from error
    return len(changes)


def _write(targets: Sequence[_Target], folder: str) -> None:
    journal = Journal(
        folder,
        tuple(
            Entry(name, _digest(target.change.source.data), _digest(target.change.after))
            for target in targets
            for name in target.names
        ),
    )
    _make_sure_of_room(journal)
    try:
        _prepare(journal, targets)
        for target in targets:
            _unchanged(target)
        os.replace(os.path.join(folder, DRAFT), os.path.join(folder, NAME))
        sync_folder(folder)
        finish(journal)
    except BaseException:
        undo(journal)
        discard(journal)
        raise
    discard(journal)


def _make_sure_of_room(journal: Journal) -> None:
    # What is there already is somebody's: it is not overwritten, and not removed.
    names = [os.path.join(journal.folder, name) for name in (NAME, DRAFT, DONE)]
    for entry in journal.entries:
        names += [fresh_name(entry.path), saved_name(entry.path)]
    for name in names:
        if os.path.lexists(name):
            raise PagefixError(
                f"{name} is in the way",
                why="It is left from a run that was stopped, or another pagefix is at work.",
                remedy="If none is at work, remove the file and run the same command again.",
            )


def _prepare(journal: Journal, targets: Sequence[_Target]) -> None:
    # Everything that takes room comes before anything is replaced.
    write_new(os.path.join(journal.folder, DRAFT), journal.text())
    sync_folder(journal.folder)
    for target in targets:
        first, *others = target.names
        copy_new(fresh_name(first), target.change.after, first)
        for name in others:
            os.link(fresh_name(first), fresh_name(name))
        for name in target.names:
            _save(name, target.change.source.data)
    for folder in journal.folders():
        sync_folder(folder)


def _save(path: str, data: bytes) -> None:
    try:
        os.link(path, saved_name(path), follow_symlinks=False)
    except OSError as error:
        # Some file systems have no hard links; a copy serves as well.
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise
        copy_new(saved_name(path), data, path)


# --- what may be written


def _targets(changes: Sequence[FileChange], within: Sequence[str]) -> list[_Target]:
    # By file, not by name: links may bring one file in twice.
    found: dict[tuple[int, int], _Target] = {}
    for change in changes:
        real = os.path.realpath(change.source.disk)
        if not any(_inside(real, root) for root in within):
            raise PagefixError(
                f"{change.path} is a link that leaves the tree",
                why=f"It leads to {real}, which is not below what was asked for.",
                remedy="Name the file it leads to, if that is the one to change.",
            )
        about = os.stat(real, follow_symlinks=False)
        target = found.setdefault((about.st_dev, about.st_ino), _Target(change, about))
        if target.change.after != change.after:
            raise PagefixError(
                f"{target.change.path} and {change.path} are one file",
                why="By one name it would get another text than by the other.",
                remedy="Name only one of them.",
            )
        if real not in target.names:
            target.names.append(real)
    for target in found.values():
        if target.stat.st_nlink > 1:
            _add_names(target, within)
        _unchanged(target)
    return list(found.values())


def _add_names(target: _Target, within: Sequence[str]) -> None:
    wanted = (target.stat.st_dev, target.stat.st_ino)
    for root in within:
        for path in _names(root, target.stat.st_ino):
            about = os.stat(path, follow_symlinks=False)
            if (about.st_dev, about.st_ino) == wanted and path not in target.names:
                target.names.append(path)
    target.names.sort()
    if len(target.names) < target.stat.st_nlink:
        raise PagefixError(
            f"{target.change.path} has a name outside of the tree (a hard link)",
            why=f"Of its {target.stat.st_nlink} names {len(target.names)} are below what was"
            " asked for: the others would be left behind, or changed unasked.",
            remedy="Take the diff and use patch(1), or make it a file of its own: copy it and"
            " move the copy over it.",
        )


def _names(root: str, inode: int) -> Iterator[str]:
    # Files with an inode number: below a folder, or beside a file.
    top = root if os.path.isdir(root) else os.path.dirname(root)
    folders = [top]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.inode() == inode:
                    yield entry.path
                elif top == root and entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _unchanged(target: _Target) -> None:
    if any(content(name) != target.change.source.data for name in target.names):
        raise PagefixError(
            f"{target.change.path} has changed since it was read",
            why="Its edits were made for another text; no file was written.",
            remedy="Run the same command again.",
        )


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
