"""What a rewrite is about to do to several files, noted on disk before it is done.

No single call replaces many files at once; a journal makes it look so. It lies in the
deepest folder that holds all of them, as ``.pagefix-journal.new`` while the new texts are
being written beside their files (none has been replaced: a stopped run is undone), and as
``.pagefix-journal`` from the moment when all of them are on disk (a stopped run is
finished): the rename from the one name to the other is the point of no return. As
``.pagefix-journal.done`` it tells that only what lies beside the files is left to remove.

Beside each file ``a.c``: ``.a.c.pagefix-new``, its new text, and ``.a.c.pagefix-old``, a
second name of what it was. So whatever happened, ``mv`` is enough to go either way.

Floor 5.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from pagefix import reads
from pagefix.errors import PagefixError
from pagefix.fix.disk import content

__all__ = [
    "DONE",
    "DRAFT",
    "NAME",
    "Entry",
    "Journal",
    "fresh_name",
    "read_journal",
    "saved_name",
    "stopped",
]

NAME = ".pagefix-journal"
DRAFT = ".pagefix-journal.new"
DONE = ".pagefix-journal.done"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a rewrite.

    :param path: where it really is.
    :param old: SHA-256 of its text before.
    :param new: SHA-256 of its text afterwards.
    """

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Journal:
    """A rewrite of several files.

    :param folder: holds the journal, and (at any depth) all of the files.
    :param name: :data:`DRAFT`, :data:`NAME` (all new texts are on disk beside their files)
        or :data:`DONE`.
    """

    folder: str
    entries: tuple[Entry, ...]
    name: str = DRAFT

    def folders(self) -> list[str]:
        """Return the folders of its files, each once."""
        return sorted({os.path.dirname(each.path) for each in self.entries})

    def forth(self) -> list[str]:
        """Return the ``mv`` commands that make every file new."""
        return [_mv(fresh_name(each.path), each.path) for each in self.entries]

    def back(self) -> list[str]:
        """Return the ``mv`` commands that make every file what it was.

        The first one makes the journal a draft, so that the next run goes back too.
        """
        first = _mv(os.path.join(self.folder, NAME), os.path.join(self.folder, DRAFT))
        return [first, *(_mv(saved_name(each.path), each.path) for each in self.entries)]

    def text(self) -> bytes:
        """Return what stands in the file (``bytes``)."""
        value = {
            "what": "pagefix was stopped while it replaced these files. `pagefix rewrite --apply`"
            " of any of them finishes it or undoes it. By hand: all lines of `new`, or all lines"
            " of `old`; where mv finds no file, or one file twice, nothing is left to do.",
            "new": self.forth(),
            "old": self.back(),
            "format": _FORMAT,
            "files": [
                {"path": os.path.relpath(each.path, self.folder), "old": each.old, "new": each.new}
                for each in self.entries
            ],
        }
        return json.dumps(value, indent=1).encode("ascii") + b"\n"


def fresh_name(path: str) -> str:
    """Return the path at which a file's new text waits."""
    return _beside(path, "new")


def saved_name(path: str) -> str:
    """Return the path at which a file's old text stays until all is done."""
    return _beside(path, "old")


def _beside(path: str, ending: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.pagefix-{ending}")


def _mv(source: str, target: str) -> str:
    return f"mv -f {shlex.quote(source)} {shlex.quote(target)}"


def stopped(folders: Iterable[str]) -> list[str]:
    """Return the folders in which a journal lies, of these and all above them.

    Another user's journal says nothing: anybody can put one in a folder like ``/tmp``.
    """
    seen: set[str] = set()
    for folder in folders:
        at = os.path.realpath(folder)
        while at not in seen:
            seen.add(at)
            at = os.path.dirname(at)
    return sorted(
        folder
        for folder in seen
        if any(_is_mine(os.path.join(folder, name)) for name in (NAME, DRAFT, DONE))
    )


def _is_mine(path: str) -> bool:
    owner = reads.owner(path)
    return owner is not None and os.geteuid() in (0, owner)


def read_journal(folder: str) -> Journal | None:
    """Return the journal in a folder.

    :return: ``None`` for a draft that was cut off: not a single file had been made then.
    :raises PagefixError: for a journal that cannot be read, or leads out of its folder.
    """
    name = next(each for each in (NAME, DRAFT, DONE) if os.path.lexists(os.path.join(folder, each)))
    path = os.path.join(folder, name)
    data = content(path)
    try:
        value = json.loads(data)
        if value["format"] != _FORMAT:
            raise ValueError(f"its format is {value['format']!r}")
        entries = tuple(
            Entry(_inside(folder, each["path"]), str(each["old"]), str(each["new"]))
            for each in value["files"]
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if name == DRAFT:
            return None
        raise PagefixError(
            f"{path} cannot be read",
            why=f"It is not a journal of this pagefix ({error}).",
            remedy="Of each file with a .NAME.pagefix-old beside it keep one text, with mv; then"
            " remove the journal.",
        ) from error
    return Journal(folder, entries, name)


def _inside(folder: str, name: object) -> str:
    # The journal may have come with the tree, from strangers: it names what is below it.
    if not isinstance(name, str) or "\0" in name or os.path.isabs(name):
        raise ValueError(f"it names {name!r}")
    path = os.path.join(folder, name)
    parent = os.path.dirname(path)
    if os.path.realpath(parent) != parent or os.path.commonpath([folder, path]) != folder:
        raise ValueError(f"it names {name!r}")
    return path
