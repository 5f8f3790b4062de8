"""What git knows: the index, and what has changed since a revision.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

from pagefix.changes.diff import FilePatch, parse
from pagefix.changes.lines import Changes, Texts
from pagefix.errors import PagefixError

__all__ = ["Repository"]

_SOURCES = (".c", ".h", ".py")
# Whatever the user has set, the diff is one that can be read.
_DIFF = (
    "diff",
    "--unified=0",
    "--find-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_LINK = b"120000"
_MODULE = b"160000"


class Repository:
    """The git repository around a directory.

    :raises PagefixError: if there is none, or no git.
    """

    def __init__(self, folder: str) -> None:
        # A hook finds its index through the environment: it is used where it is meant.
        self._folder = os.getcwd()
        self._environment: dict[str, str] | None = None
        here = self._top(quiet=True)
        wanted = os.path.realpath(folder)
        if here is None or _lies_beyond(wanted, here):
            self._folder = folder
            self._environment = _without_git()
        #: The top of the work tree, an absolute path without links.
        self.top = self._top() or ""

    def _top(self, *, quiet: bool = False) -> str | None:
        done = self._run("rev-parse", "--show-toplevel")
        if done.returncode == 0:
            return os.path.realpath(os.fsdecode(done.stdout.rstrip(b"\n")))
        if quiet:
            return None
        raise PagefixError(
            f"{self._folder}: there is no git repository",
            why=f"git says: {_said(done)}",
            remedy="Run it in a work tree, or give a patch: git diff | pagefix check --patch -",
        )

    # --- what has changed

    def staged(self, since: str | None = None) -> Changes:
        """Return what the next commit changes, with the texts of the index.

        :param since: the revision to compare with; the last commit if left out.
        :raises PagefixError: if files are unmerged.
        """
        unmerged = self._paths("diff", "--name-only", "--diff-filter=U", "-z")
        if unmerged:
            raise PagefixError(
                f"{unmerged[0]} is not merged",
                why="The index holds several versions of it, and none to check.",
                remedy="Resolve the conflict and git add it.",
            )
        base = self._base(since) if since is not None else self._head()
        patches = parse(self._git(*_DIFF, "--cached", base, "--"))
        texts = self._index()
        return Changes(self._lines(patches), texts, texts | self._before(base, patches))

    def since(self, revision: str) -> Changes:
        """Return what the files on disk have changed since a revision.

        What another branch has changed meanwhile does not count: lines are compared with the
        commit where the two parted. Files that git does not know yet are new.
        """
        base = self._base(revision)
        patches = parse(self._git(*_DIFF, base, "--"))
        lines, before = self._lines(patches), self._before(base, patches)
        for path in self._untracked():
            place = os.path.join(self.top, path)
            lines[place] = frozenset(range(1, _count(place) + 1))
            before.setdefault(place, None)
        return Changes(lines, {}, before)

    def _lines(self, patches: Iterable[FilePatch]) -> dict[str, frozenset[int]]:
        return {
            os.path.join(self.top, patch.new): _new_lines(patch)
            for patch in patches
            if patch.new is not None
        }

    def _before(self, base: str, patches: Sequence[FilePatch]) -> Texts:
        # What the files that have changed were in a commit.
        old = list(dict.fromkeys(each.old for each in patches if each.old is not None))
        names = [os.fsencode(f"{base}:{path}") for path in old]
        texts: Texts = {
            os.path.join(self.top, each.new): None for each in patches if each.new is not None
        }
        for path, data in zip(old, self._blobs(names), strict=True):
            texts[os.path.join(self.top, path)] = data
        return texts

    def _index(self) -> Texts:
        # The files whose text on disk is another than that in the index.
        texts: Texts = {}
        wanted = []
        fields = self._git("diff-files", "--raw", "--no-abbrev", "-z").split(b"\0")
        for facts, name in zip(fields[::2], fields[1::2], strict=False):
            mode, _, blob, _, status = facts.lstrip(b":").split(b" ")
            path = os.path.join(self.top, os.fsdecode(name))
            if status[:1] == b"A":
                # Only announced (`git add -N`).
                texts[path] = None
            elif mode not in (_LINK, _MODULE):
                wanted.append((path, blob))
        for (path, _), data in zip(wanted, self._blobs([blob for _, blob in wanted]), strict=True):
            texts[path] = data
        for path in self._untracked():
            texts[os.path.join(self.top, path)] = None
        return texts

    def _untracked(self) -> list[str]:
        found = self._paths(
            "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/"
        )
        return [path for path in found if path.endswith(_SOURCES)]

    def _blobs(self, names: Sequence[bytes]) -> list[bytes | None]:
        # One that git does not know (a name with a line's end in it is none) is not there.
        if not names:
            return []
        feed = b"".join(name.replace(b"\n", b"?") + b"\n" for name in names)
        answer = self._git("cat-file", "--batch", feed=feed)
        found: list[bytes | None] = []
        at = 0
        for _ in names:
            end = answer.index(b"\n", at)
            facts = answer[at:end].rsplit(b" ", 2)
            at = end + 1
            if facts[-1].isdigit():
                size = int(facts[-1])
                found.append(answer[at : at + size])
                at += size + 1
            else:
                found.append(None)
        return found

    # --- revisions

    def _head(self) -> str:
        done = self._run("rev-parse", "--quiet", "--verify", "HEAD")
        if done.returncode == 0:
            return "HEAD"
        # Before the first commit everything is new.
        return self._git("hash-object", "-t", "tree", "--stdin", feed=b"").decode().strip()

    def _base(self, revision: str) -> str:
        done = self._run("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
        if done.returncode != 0:
            raise PagefixError(
                f"there is no revision {revision!r}",
                why=f"git knows no commit of that name in {self.top}.",
                remedy="Name a commit, a tag or a branch; a shallow clone may have to fetch it.",
            )
        commit = done.stdout.decode().strip()
        parted = self._run("merge-base", commit, "HEAD")
        return parted.stdout.decode().strip() if parted.returncode == 0 else commit

    # --- calling git

    def _paths(self, *arguments: str) -> list[str]:
        return [os.fsdecode(each) for each in self._git(*arguments).split(b"\0") if each]

    def _git(self, *arguments: str, feed: bytes | None = None) -> bytes:
        done = self._run(*arguments, feed=feed)
        if done.returncode != 0:
            raise PagefixError(
                f"git {arguments[0]} has failed",
                why=f"git says: {_said(done)}",
                remedy="Run the same in the repository by hand: git " + " ".join(arguments),
            )
        return done.stdout

    def _run(
        self, *arguments: str, feed: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                # No lock is taken: a commit may be under way.
                ["git", "--no-optional-locks", "-c", "core.quotePath=true", *arguments],
                cwd=self._folder,
                env=self._environment,
                input=feed,
                stdin=None if feed is not None else subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise PagefixError(
                "there is no git",
                why="What has changed is asked of git, which is not on the PATH.",
                remedy="Install it, or give a patch with --patch FILE.",
            ) from error


def _without_git() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}


def _lies_beyond(folder: str, top: str) -> bool:
    # Outside of a work tree, or in one of its own within it, as a module's is.
    if not (folder + "/").startswith(top.rstrip("/") + "/"):
        return True
    while folder != top:
        if os.path.lexists(os.path.join(folder, ".git")):
            return True
        folder = os.path.dirname(folder)
    return False


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"status {done.returncode}"


def _count(path: str) -> int:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return 0
    return data.count(b"\n") + (not data.endswith(b"\n"))


def _new_lines(patch: FilePatch) -> frozenset[int]:
    return frozenset(
        line for hunk in patch.hunks for line in range(hunk.new, hunk.new + len(hunk.side(b"+")))
    )
