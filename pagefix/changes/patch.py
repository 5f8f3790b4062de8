"""Patches applied in memory, to the tree that they are made for.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pagefix.changes.diff import FilePatch, Hunk, parse, reverse
from pagefix.changes.lines import Changes, Texts
from pagefix.changes.mail import letters
from pagefix.errors import PagefixError

__all__ = ["patched"]

Read = Callable[[str], bytes | None]


class _Patch(NamedTuple):
    title: str
    files: tuple[FilePatch, ...]


@dataclass(slots=True)
class _Line:
    text: bytes
    fresh: bool = False


def patched(data: bytes, roots: Iterable[str]) -> Changes:
    """Return what patches come to: diffs, or mails with diffs in the order of the series.

    A patch that the tree has already is taken out first, so that what it changes is known.

    :param data: the text of the patches.
    :param roots: directories that the paths in them may be relative to, the likeliest first.
    :raises PagefixError: if there is none, or one does not apply; it names the hunk.
    """
    found, note = letters(data)
    patches = [
        _Patch(each.title, tuple(parse(each.text)))
        for each in found
        if b"diff " in each.text or b"--- " in each.text
    ]
    patches = [each for each in patches if each.files]
    if not patches:
        raise PagefixError(
            "there is no patch to check",
            why="The text holds no unified diff.",
            remedy="Give the output of git diff or git format-patch, or a mailbox.",
        )
    root = _root(patches, list(dict.fromkeys(map(os.path.realpath, roots))))
    patches = [_settled(each, root) for each in patches]

    def read(path: str) -> bytes | None:
        try:
            with open(os.path.join(root, path), "rb") as file:
                return file.read()
        except OSError:
            return None

    changes = _changes(root, patches, read)
    return replace(changes, note="; ".join(filter(None, [note, changes.note])))


def _changes(root: str, patches: Sequence[_Patch], read: Read) -> Changes:
    files, before = _Files(read), None
    if _is_applied(patches, read):
        before = _before(patches, read)
    if before is None:
        try:
            files.apply(patches)
        except PagefixError:
            # A patch that is in the tree does not apply to it.
            before = _before(patches, read)
            if before is None:
                raise
    if before is not None:
        known = before
        files = _Files(lambda path: known[path] if path in known else read(path))
        files.apply(patches)
    lines: dict[str, frozenset[int]] = {}
    texts: Texts = {}
    for path, state in files.states.items():
        place = os.path.join(root, path)
        texts[place] = _joined(state)
        if state is not None:
            lines[place] = frozenset(n for n, line in enumerate(state, 1) if line.fresh)
    if before is None:
        return Changes(lines, texts)
    note = "the tree has this patch already: its lines are looked at as they are"
    return Changes(lines, {}, {os.path.join(root, path): before[path] for path in before}, note)


def _joined(state: Sequence[_Line] | None) -> bytes | None:
    return None if state is None else b"".join(line.text for line in state)


def _before(patches: Sequence[_Patch], read: Read) -> Texts | None:
    # The texts as they were, if the tree has the patches; they apply to these again.
    files = _Files(read)
    undone = [
        _Patch(each.title, tuple(reverse(file) for file in reversed(each.files)))
        for each in reversed(patches)
    ]
    try:
        files.apply(undone)
        before = {path: _joined(state) for path, state in files.states.items()}
        _Files(lambda path: before[path] if path in before else read(path)).apply(patches)
    except PagefixError:
        return None
    return before


def _is_applied(patches: Sequence[_Patch], read: Read) -> bool:
    # As git's names of the contents tell: all that is known of is as it is afterwards.
    last = {
        file.new: file.blobs[1]
        for patch in patches
        for file in patch.files
        if file.new is not None and file.blobs is not None
    }
    found = [(read(path), blob) for path, blob in last.items()]
    return bool(found) and all(data is not None and _is_blob(data, blob) for data, blob in found)


def _is_blob(data: bytes, name: str) -> bool:
    form = hashlib.sha256 if len(name) > 40 else hashlib.sha1
    return form(b"blob %d\0" % len(data) + data).hexdigest().startswith(name)


# --- which directory


def _root(patches: Sequence[_Patch], roots: Sequence[str]) -> str:
    # The first in which all is there that the series does not make itself; else the first in
    # which something is.
    made: set[str] = set()
    wanted: list[FilePatch] = []
    for patch in patches:
        for file in patch.files:
            if file.old is not None and file.old not in made:
                wanted.append(file)
            if file.new is not None:
                made.add(file.new)
    for enough in (all, any):
        for root in roots:
            if enough(_exists(root, each) for each in wanted):
                return root
    return roots[0]


def _exists(root: str, file: FilePatch) -> bool:
    # Of a patch that is in the tree already, what it deletes or renames is gone.
    names = {file.old, file.new, *(file.whole or ())} - {None, "/dev/null"}
    return any(os.path.isfile(os.path.join(root, name)) for name in names if name)


def _settled(patch: _Patch, root: str) -> _Patch:
    # A diff that is not git's may be made without a directory before its paths.
    return _Patch(patch.title, tuple(_less_sure(file, root) for file in patch.files))


def _less_sure(file: FilePatch, root: str) -> FilePatch:
    if file.whole is None:
        return file
    stripped = (file.old, file.new)
    old, new = (None if each == "/dev/null" else each for each in file.whole)
    if any(_is_there(root, each) for each in stripped) or not (
        _is_there(root, old) or _is_there(root, new)
    ):
        old, new = stripped
    if old is not None and new is not None and old != new:
        # diff tells of no renames: as patch does, the plainer name of those that are there.
        found = [each for each in (new, old) if _is_there(root, each)] or [new]
        old = new = min(found, key=lambda each: (each.count("/"), len(each)))
    return replace(file, old=old, new=new)


def _is_there(root: str, name: str | None) -> bool:
    if name is None or name.startswith("/") or ".." in name.split("/"):
        return False
    return os.path.isfile(os.path.join(root, name))


# --- applying


class _Files:
    # The files that patches have touched so far, as lines.

    def __init__(self, read: Read) -> None:
        self.read = read
        self.states: dict[str, list[_Line] | None] = {}

    def state(self, path: str) -> list[_Line] | None:
        if path in self.states:
            return self.states[path]
        data = self.read(path)
        return None if data is None else [_Line(text) for text in _split(data)]

    def apply(self, patches: Sequence[_Patch]) -> None:
        for number, patch in enumerate(patches, 1):
            which = f"patch {number} of {len(patches)}" if len(patches) > 1 else "the patch"
            which += f' "{patch.title}"' if patch.title else ""
            for file in patch.files:
                self.one(which, file)

    def one(self, which: str, file: FilePatch) -> None:
        name = file.new or file.old or ""
        where = f"{which}: {name}"
        if file.binary:
            if name.endswith((".c", ".h")):
                raise _refused(
                    f"{where}: it cannot be applied",
                    "It is a binary patch, which says nothing of lines.",
                )
            return
        state: list[_Line] | None = []
        if file.old is not None:
            state = self.state(file.old)
            if state is None and file.makes:
                state = []
            if state is None:
                raise _refused(f"{where}: it does not apply", f"There is no {file.old}.")
        elif file.new is not None and self.state(file.new):
            raise _refused(f"{where}: it does not apply", "It makes a file that is there already.")
        made = [replace(line) for line in state or []]
        drift = 0
        for number, hunk in enumerate(file.hunks, 1):
            drift = _apply(made, hunk, drift, f"{where}: hunk {number}")
        if file.old is not None and file.old != file.new and not file.copied:
            self.states[file.old] = None
        if file.new is not None:
            self.states[file.new] = made


def _split(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return [*(line + b"\n" for line in lines[:-1]), *([lines[-1]] if lines[-1] else [])]


def _apply(state: list[_Line], hunk: Hunk, drift: int, where: str) -> int:
    old = hunk.side(b"-")
    # A hunk without lines before stands behind the line it names.
    wanted = hunk.old - 1 if old else hunk.old
    at = _place(state, hunk, old, wanted + drift)
    if at is None:
        raise _refused(
            f"{where} ({hunk.head.split(' @@')[0]} @@) does not apply",
            _difference(state, old, max(wanted + drift, 0)),
        )
    fresh: list[_Line] = []
    position = at
    for mark, text in hunk.lines:
        if mark == b"+":
            fresh.append(_Line(text, fresh=True))
            continue
        if mark == b" ":
            fresh.append(state[position])
        position += 1
    state[at:position] = fresh
    return at - wanted + len(fresh) - len(old)


def _place(state: Sequence[_Line], hunk: Hunk, old: Sequence[bytes], wanted: int) -> int | None:
    # As git does: every line before must be there, but it may have moved.
    marks = [mark for mark, _ in hunk.lines]
    context = b" " in marks
    last = len(state) - len(old)
    at_end = context and marks[-1] != b" "
    at_begin = context and marks[0] != b" " and hunk.old <= 1
    if at_begin:
        places: Iterable[int] = (0,)
    elif not context:
        places = (wanted,)
    else:
        places = sorted(range(max(last + 1, 0)), key=lambda at: (abs(at - wanted), at))
    for at in places:
        if not 0 <= at <= last or (at_end and at != last):
            continue
        if all(state[at + n].text == line for n, line in enumerate(old)):
            return at
    return None


def _difference(state: Sequence[_Line], old: Sequence[bytes], at: int) -> str:
    for number, line in enumerate(old):
        here = state[at + number].text if at + number < len(state) else None
        if here != line:
            wanted = line.decode("utf-8", "replace").strip()
            if here is None:
                return f"The file ends before line {at + number + 1}, where it wants: {wanted}"
            found = here.decode("utf-8", "replace").strip()
            return f"Line {at + number + 1} is `{found}`, and it wants `{wanted}`."
    return "The lines around it are not those that it stands on."


def _refused(title: str, why: str) -> PagefixError:
    return PagefixError(
        title,
        why=why,
        remedy="Check out the tree that it was made for (its base commit), or rebase it.",
    )
