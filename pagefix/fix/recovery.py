"""Going on, or back, from wherever a rewrite of several files was stopped.

What to do is read from the files themselves, not from what the run believed: each holds
its old text, its new one, or (somebody has been at it since) neither. So being stopped
here too does no harm.

Floor 5.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pagefix.errors import PagefixError
from pagefix.fix.disk import digest, locked, sync_folder
from pagefix.fix.journal import (
    DONE,
    DRAFT,
    NAME,
    Entry,
    Journal,
    fresh_name,
    read_journal,
    saved_name,
    stopped,
)

__all__ = ["Recovered", "discard", "finish", "recover", "undo"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a rewrite that had been stopped.

    :param files: the files it was about.
    :param finished: whether they are all new now; otherwise they are all as they were.
    """

    files: tuple[str, ...]
    finished: bool


def recover(folders: Iterable[str]) -> tuple[Recovered, ...]:
    """Finish or undo every rewrite that was stopped in these folders or above them."""
    found = []
    for folder in stopped(folders):
        with locked(folder):
            # Whoever held the lock may have been at work, not dead.
            if folder in stopped([folder]):
                found.append(_recover(folder))
    return tuple(found)


def _recover(folder: str) -> Recovered:
    journal = read_journal(folder)
    if journal is None:
        os.unlink(os.path.join(folder, DRAFT))
        return Recovered((), False)
    files = tuple(each.path for each in journal.entries)
    if journal.name == DONE:
        finished = any(digest(each.path) == each.new for each in journal.entries)
    elif journal.name == NAME and all(map(_can_finish, journal.entries)):
        finish(journal)
        finished = True
    elif all(map(_can_undo, journal.entries)):
        undo(journal)
        finished = False
    else:
        raise _halfway(journal, "A file was changed, moved or removed after that.")
    discard(journal)
    return Recovered(files, finished)


def _can_finish(entry: Entry) -> bool:
    text = digest(entry.path)
    if text == entry.old:
        # Where the second name is gone, somebody has gone back by hand.
        return digest(fresh_name(entry.path)) == entry.new and os.path.lexists(
            saved_name(entry.path)
        )
    return text == entry.new or not os.path.lexists(fresh_name(entry.path))


def _can_undo(entry: Entry) -> bool:
    text = digest(entry.path)
    if text == entry.new:
        return digest(saved_name(entry.path)) == entry.old
    return text == entry.old or os.path.lexists(fresh_name(entry.path))


def finish(journal: Journal) -> None:
    """Replace every file that is not new yet.

    :raises PagefixError: if one is not what it was when it was read.
    """
    for entry in journal.entries:
        text = digest(entry.path)
        waits = os.path.lexists(fresh_name(entry.path))
        if not waits if text == entry.old else waits and text != entry.new:
            raise PagefixError(
                f"{entry.path} has changed since it was read",
                why="Its edits were made for another text; no file was written.",
                remedy="Run the same command again.",
            )
        if text == entry.old:
            os.replace(fresh_name(entry.path), entry.path)
    for folder in journal.folders():
        sync_folder(folder)


def undo(journal: Journal) -> None:
    """Put back every file that is new.

    :raises PagefixError: if one cannot be; what it was is beside it.
    """
    try:
        for entry in reversed(journal.entries):
            # To replace a file by another name of itself would do nothing.
            if digest(entry.path) == entry.new and os.path.lexists(saved_name(entry.path)):
                os.replace(saved_name(entry.path), entry.path)
        for folder in journal.folders():
            sync_folder(folder)
    except OSError as error:
        raise _halfway(journal, f"{error.filename or 'Writing'}: {error.strerror}.") from error


def discard(journal: Journal) -> None:
    """Remove what lies beside the files, then the journal.

    What cannot be removed keeps the journal, and so the next run will.
    """
    done = os.path.join(journal.folder, DONE)
    with suppress(OSError):
        for each in (DRAFT, NAME):
            # From here on the way is not open that would need what is removed.
            with suppress(FileNotFoundError):
                os.replace(os.path.join(journal.folder, each), done)
        sync_folder(journal.folder)
        for name in (fresh_name, saved_name):
            for entry in journal.entries:
                with suppress(FileNotFoundError):
                    os.unlink(name(entry.path))
        for folder in journal.folders():
            sync_folder(folder)
        with suppress(FileNotFoundError):
            os.unlink(done)


def _halfway(journal: Journal, why: str) -> PagefixError:
    forth = "".join(f"\n    {line}" for line in journal.forth())
    back = "".join(f"\n    {line}" for line in journal.back())
    return PagefixError(
        f"a rewrite of {len(journal.entries)} files was stopped half way",
        why=f"{why} No text is lost.",
        remedy="Go one way with mv; where it finds no file, or one file twice, nothing is left to"
        f" do. Then remove {os.path.join(journal.folder, NAME)}*."
        f" To the new texts:{forth}\n  Back to the old ones:{back}",
    )
