"""What a run looks at, where it is asked only for what has changed, or for named files.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pagefix import reads
from pagefix.errors import PagefixError

if TYPE_CHECKING:
    from pagefix.changes import Changes
    from pagefix.finding import Finding
    from pagefix.overlay import Overlay
    from pagefix.report import Report, Texts

__all__ = ["Selection", "nothing", "select"]

_SOURCES = (".c", ".h", ".py")
_RUNS = (b"python", b"drgn", b"gdb")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read, and what of it is reported.

    :param paths: what is read; none if no source has changed.
    :param changes: only what they concern is reported, if there are any.
    :param named: files all of which is reported.
    """

    paths: list[str]
    overlay: Overlay | None = None
    changes: Changes | None = None
    named: list[str] = field(default_factory=list)

    @property
    def partial(self) -> bool:
        """Whether not all was asked for that is below the paths (``bool``)."""
        return self.changes is not None or bool(self.named)

    def reported(
        self, texts: Texts, report: Report, check: Callable[[list[str], Overlay], Report]
    ) -> Report:
        """Return what of a report was asked for.

        :param check: checks some paths under an overlay: as they were without the changes,
            if that matters.
        """
        if not self.partial:
            return report
        from pagefix.changes import concerned, within

        if self.changes is None:
            return within(texts, report, self.named)

        def before() -> tuple[Finding, ...]:
            found = self._before(check)
            # What was only assumed becomes true: then all that follows is news.
            return () if _assumed(found) and not _assumed(report) else found.findings

        return concerned(texts, report, self.changes, before, self.named)

    def _before(self, check: Callable[[list[str], Overlay], Report]) -> Report:
        from pagefix.overlay import Overlay

        before = Overlay({} if self.changes is None else self.changes.before)
        with reads.laid_over(before):
            there = [each for each in self.paths if reads.kind(each)]
            if not any(map(_holds_source, there)):
                return nothing()
            return check(there, before)


def _assumed(report: Report) -> bool:
    # Whether tables without swap_activate stand in for swap-capable ones.
    return any("taken as swap-capable (--swap-ops" in each for each in report.assumptions)


def select(options: argparse.Namespace) -> Selection:
    """Return what a command line asks to be looked at.

    :raises PagefixError: if it asks for nothing, or for what cannot be had.
    """
    revision, patch = getattr(options, "since", None), getattr(options, "patch_in", None)
    staged = getattr(options, "staged", False)
    changed = staged or revision is not None or patch is not None
    if options.only_named and not options.paths:
        # No file was named, so there is nothing to speak of: a hook that had nothing to do.
        return Selection([])
    if not options.paths and not changed:
        raise PagefixError(
            "the following arguments are required: PATH",
            why="The command line was not understood.",
            remedy=f"`pagefix {options.command} --help` shows what it takes.",
        )
    if "-" in options.paths and (changed or options.only_named):
        raise PagefixError(
            "standard input is no file of the tree",
            why="What has changed, and what belongs to a file, is known of files alone.",
            remedy="Leave - out; --patch - reads a patch from standard input.",
        )
    if not changed:
        if not options.only_named:
            return Selection(options.paths)
        return Selection(_facts(options.paths, []), named=options.paths)
    if patch is not None and (staged or revision is not None):
        raise PagefixError(
            "--patch goes with neither --staged nor --since",
            why="A patch is laid over the files on disk, and says itself what it changes.",
            remedy="Leave out one of them.",
        )
    changes = _changes(options, revision, patch)
    return _selection(options, changes)


def _changes(options: argparse.Namespace, revision: str | None, patch: str | None) -> Changes:
    from pagefix.changes import Repository, patched
    from pagefix.program import Tree

    first = options.paths[0] if options.paths else "."
    if patch is None:
        repository = Repository(first if os.path.isdir(first) else os.path.dirname(first) or ".")
        if options.staged:
            return repository.staged(revision)
        return repository.since("HEAD" if revision is None else revision)
    root = Tree.around(options.paths or ["."]).root
    roots = [root] if root is not None else []
    # A tree need not be a repository.
    with suppress(PagefixError):
        roots.append(Repository(first if os.path.isdir(first) else ".").top)
    found = patched(_text(patch), [*roots, "."])
    if found.note:
        print(f"note: {found.note}", file=sys.stderr)
    return found


def _text(path: str) -> bytes:
    if path != "-":
        with open(path, "rb") as file:
            return file.read()
    if sys.stdin is None:
        raise PagefixError(
            "there is no standard input to read",
            why="- stands for it, and it is closed.",
            remedy="Name a file, or send the patch in.",
        )
    return sys.stdin.buffer.read()


def _selection(options: argparse.Namespace, changes: Changes) -> Selection:
    from dataclasses import replace

    from pagefix.overlay import Overlay

    overlay = Overlay(changes.texts)
    with reads.laid_over(overlay):
        files = [path for path in changes.lines if path.endswith(_SOURCES) or _is_run(path)]
    if options.only_named:
        named = options.paths
    else:
        named = []
        if options.paths:
            files = [each for each in files if _is_below(each, options.paths)]
            changes = replace(changes, lines={each: changes.lines[each] for each in files})
    with reads.laid_over(overlay):
        near = []
        if not options.paths:
            near = [_near(each) for each in (*files, *_gone(changes))]
        facts = [each for each in _facts(options.paths, near) if _holds_source(each)]
        return Selection(facts, overlay, changes, named)


def _is_run(path: str) -> bool:
    # A script may have no suffix, as for one that is named: its first line says what runs it.
    if "." in os.path.basename(path) or not reads.is_file(path):
        return False
    try:
        first = reads.read(path)[:200].split(b"\n", 1)[0]
    except OSError:
        return False
    return first.startswith(b"#!") and any(word in first for word in _RUNS)


def _gone(changes: Changes) -> list[str]:
    # Files that were there: where they lay something may be missed now.
    return [
        path
        for path, text in changes.before.items()
        if text is not None and path.endswith(_SOURCES) and not reads.kind(path)
    ]


def _holds_source(path: str) -> bool:
    if not reads.is_directory(path):
        return reads.is_file(path)
    return any(
        each.name.endswith(_SOURCES)
        or (each.kind == "directory" and _holds_source(os.path.join(path, each.name)))
        for each in reads.entries(path)
        if each.name not in reads.HISTORIES
    )


def _facts(paths: list[str], files: list[str]) -> list[str]:
    # What must be read to judge some files: the directories they belong to.
    from pagefix.changes import directories, is_api
    from pagefix.program import Tree

    folders = [each for each in paths if reads.is_directory(each)]
    files = [*files, *(each for each in paths if each not in folders)]
    if not files:
        return folders
    root = Tree.around(files).root
    shared = [each for each in files if is_api(each, root)]
    if shared:
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        print(
            f"note: {shared[0]}{more}: a header of the whole kernel is looked at only where a"
            " directory that includes it is named",
            file=sys.stderr,
        )
    return [*folders, *(each for each in directories(files, root) if each not in folders)]


def _is_below(path: str, tops: list[str]) -> bool:
    real = (os.path.realpath(each) for each in tops)
    return any(path == top or path.startswith(top.rstrip("/") + "/") for top in real)


def _near(path: str) -> str:
    # As a user would name it from here.
    near = os.path.relpath(path)
    return path if near.startswith("../../..") else near


def nothing() -> Report:
    """Return the report of a run that had nothing to look at."""
    from pagefix.finding import Coverage, Ledger
    from pagefix.report import Report, TreeFacts

    facts = TreeFacts(None, (), ())
    return Report(facts, (), (), Coverage(), (), Ledger(0, 0, 0, 0, {}), (), 0)
