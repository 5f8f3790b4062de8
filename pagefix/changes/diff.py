"""Unified diffs, as git and diff write them.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pagefix.errors import PagefixError

__all__ = ["FilePatch", "Hunk", "parse", "reverse"]

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_INDEX = re.compile(rb"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})")
# git's own, `diff.mnemonicPrefix` among them.
_PREFIX = re.compile(rb"[abciow]/")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f"}
_NO_NEWLINE = b"\\"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A stretch of lines, before and after.

    :param lines: pairs of a mark (space, minus, plus) and a line with its end.
    """

    old: int
    new: int
    head: str
    lines: tuple[tuple[bytes, bytes], ...]

    def side(self, mark: bytes) -> list[bytes]:
        """Return the lines before (``-``) or after (``+``)."""
        return [line for each, line in self.lines if each in (b" ", mark)]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a patch does to one file.

    :param old: path before, ``None`` for a file that is new.
    :param new: path after, ``None`` for a file that is deleted.
    :param plain: whether the path is taken from a diff that is not git's, so that it is
        not certain how many directories to leave off; ``whole`` has them all.
    :param blobs: git's names of the contents before and after, as far as they are told.
    :param copied: whether the file before stays.
    """

    old: str | None
    new: str | None
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    copied: bool = False
    blobs: tuple[str, str] | None = None
    whole: tuple[str, str] | None = None

    @property
    def makes(self) -> bool:
        """Whether a diff that is not git's may be of a file that is not there before."""
        return self.whole is not None and len(self.hunks) == 1 and not self.hunks[0].side(b"-")


def parse(data: bytes) -> list[FilePatch]:
    """Return what a text of diffs does, file by file; other text in it is passed over.

    :raises PagefixError: if it breaks off, or is a merge's diff.
    """
    return _Parser(data).patches()


def reverse(patch: FilePatch) -> FilePatch:
    """Return what undoes a patch."""
    swap = {b" ": b" ", b"-": b"+", b"+": b"-"}
    hunks = tuple(
        Hunk(hunk.new, hunk.old, hunk.head, tuple((swap[m], line) for m, line in hunk.lines))
        for hunk in patch.hunks
    )
    blobs = None if patch.blobs is None else (patch.blobs[1], patch.blobs[0])
    whole = None if patch.whole is None else (patch.whole[1], patch.whole[0])
    old, new = patch.new, patch.old
    return replace(patch, old=old, new=new, hunks=hunks, blobs=blobs, whole=whole)


class _Parser:
    def __init__(self, data: bytes) -> None:
        self.lines = data.split(b"\n")
        self.at = 0

    def line(self, ahead: int = 0) -> bytes:
        at = self.at + ahead
        return self.lines[at].rstrip(b"\r") if at < len(self.lines) else b""

    def patches(self) -> list[FilePatch]:
        found = []
        while self.at < len(self.lines):
            line = self.line()
            if line.startswith(b"diff --git "):
                found.append(self.git())
            elif line.startswith((b"diff --cc ", b"diff --combined ")):
                raise PagefixError(
                    "this is the diff of a merge",
                    why="It has several texts before, and no hunk of it can be applied.",
                    remedy="Give the diff against one parent: git diff REV.",
                )
            elif self.is_plain():
                found.append(self.plain())
            else:
                self.at += 1
        return found

    def is_plain(self) -> bool:
        return (
            self.line().startswith(b"--- ")
            and self.line(1).startswith(b"+++ ")
            and self.line(2).startswith(b"@@ -")
        )

    def git(self) -> FilePatch:
        old, new = _names(self.line()[len(b"diff --git ") :])
        patch = FilePatch(old, new)
        self.at += 1
        while self.at < len(self.lines):
            word, _, rest = self.line().partition(b" ")
            line = self.line()
            if line.startswith(b"new file mode "):
                patch = replace(patch, old=None)
            elif line.startswith(b"deleted file mode "):
                patch = replace(patch, new=None)
            elif line.startswith((b"rename from ", b"copy from ")):
                copied = word == b"copy"
                patch = replace(patch, old=_text(rest[5:]), copied=copied)
            elif line.startswith((b"rename to ", b"copy to ")):
                patch = replace(patch, new=_text(rest[3:]))
            elif line.startswith(b"index ") and line.endswith(b" 160000"):
                # A module's commit: the lines that follow are no text of a file.
                patch = replace(patch, binary=True)
            elif line.startswith(b"index "):
                blobs = _INDEX.match(line)
                if blobs is not None:
                    patch = replace(patch, blobs=(blobs[1].decode(), blobs[2].decode()))
            elif line.startswith((b"Binary files ", b"GIT binary patch")):
                patch = replace(patch, binary=True)
            elif line.startswith(b"--- ") and self.line(1).startswith(b"+++ "):
                before, after = _git_path(line[4:]), _git_path(self.line(1)[4:])
                patch = replace(patch, old=before, new=after)
                self.at += 2
                return replace(patch, hunks=self.hunks())
            elif not line.startswith((b"old mode ", b"new mode ", b"similarity ", b"dissim")):
                break
            self.at += 1
        return patch

    def plain(self) -> FilePatch:
        before, after = _plain_path(self.line()[4:]), _plain_path(self.line(1)[4:])
        self.at += 2
        hunks = self.hunks()
        # A file that diff -N takes for empty has its name, and a date of no meaning.
        old = None if before == "/dev/null" else before
        new = None if after == "/dev/null" else after
        return FilePatch(
            None if old is None else _less(old),
            None if new is None else _less(new),
            hunks,
            whole=(before, after),
        )

    def hunks(self) -> tuple[Hunk, ...]:
        found = []
        while self.line().startswith(b"@@ -"):
            found.append(self.hunk())
        return tuple(found)

    def hunk(self) -> Hunk:
        head = self.line()
        numbers = _HUNK.match(head)
        if numbers is None:
            raise _broken(head, "Its line numbers cannot be read.")
        old, new = int(numbers[2] or 1), int(numbers[4] or 1)
        lines: list[tuple[bytes, bytes]] = []
        self.at += 1
        while old > 0 or new > 0:
            if self.at >= len(self.lines) - (not self.lines[-1]):
                raise _broken(head, "The text ends within it.")
            line = self.lines[self.at]
            # A mailer may have taken the blank of an empty line.
            mark = line[:1] if line.rstrip(b"\r") else b" "
            if mark not in (b" ", b"-", b"+"):
                if mark == _NO_NEWLINE:
                    self.no_newline(lines)
                    continue
                raise _broken(head, "It has fewer lines than it says.")
            old -= mark != b"+"
            new -= mark != b"-"
            lines.append((mark, line[1:] + b"\n"))
            self.at += 1
        if old < 0 or new < 0:
            raise _broken(head, "It has more lines than it says.")
        if self.line().startswith(_NO_NEWLINE):
            self.no_newline(lines)
        return Hunk(int(numbers[1]), int(numbers[3]), head.decode("utf-8", "replace"), tuple(lines))

    def no_newline(self, lines: list[tuple[bytes, bytes]]) -> None:
        # "\ No newline at end of file" speaks of the line before it.
        if lines:
            mark, line = lines[-1]
            lines[-1] = (mark, line[:-1])
        self.at += 1


def _broken(head: bytes, why: str) -> PagefixError:
    return PagefixError(
        f"the patch is damaged: {head.decode('utf-8', 'replace')}",
        why=why,
        remedy="Save it anew: a mailer may have wrapped or cut its lines.",
    )


def _names(text: bytes) -> tuple[str, str]:
    # Both are the same but for the prefix, unless the next lines say otherwise.
    if text.startswith(b'"'):
        end = re.match(rb'"(?:[^"\\]|\\.)*"', text)
        first = end[0] if end is not None else text
        return _git_path(first) or "", _git_path(text[len(first) + 1 :]) or ""
    half = len(text) // 2
    if text[half : half + 1] == b" ":
        return _git_path(text[:half]) or "", _git_path(text[half + 1 :]) or ""
    first, _, second = text.partition(b" ")
    return _git_path(first) or "", _git_path(second) or ""


def _git_path(name: bytes) -> str | None:
    name = name.split(b"\t")[0] if not name.startswith(b'"') else name
    if name == b"/dev/null":
        return None
    plain = _unquoted(name)
    return _safe((plain[2:] if _PREFIX.match(plain) else plain).decode("utf-8", "surrogateescape"))


def _plain_path(name: bytes) -> str:
    # A date may follow, behind a tab.
    return _unquoted(name.split(b"\t")[0].rstrip()).decode("utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return _safe(_unquoted(name).decode("utf-8", "surrogateescape"))


def _less(path: str) -> str:
    return _safe(path.partition("/")[2] or path)


def _safe(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise PagefixError(
            f"the patch names {path}",
            why="A patch may only change what lies below the directory it is made for.",
            remedy="Make it with git diff, or with diff from the top of the tree.",
        )
    return path


def _unquoted(name: bytes) -> bytes:
    if not name.startswith(b'"'):
        return name

    def byte(match: re.Match[bytes]) -> bytes:
        if len(match[1]) == 3:
            return bytes([int(match[1], 8)])
        return _ESCAPES.get(match[1], match[1])

    return _ESCAPE.sub(byte, name[1:].rstrip(b'"') if name.endswith(b'"') else name[1:])
