"""What several commands do: check, show, say how it went.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pagefix import reads
from pagefix.cli_settings import swap_options
from pagefix.errors import ExitCode, PagefixError

if TYPE_CHECKING:
    from pagefix.config import Settings
    from pagefix.program import Program
    from pagefix.report import Report
    from pagefix.rulebook import Rule

__all__ = [
    "busy",
    "checked",
    "folders_of",
    "lived_with",
    "many",
    "named_files",
    "refuse_stopped",
    "severe",
    "status",
    "warn",
]


def checked(
    program: Program,
    options: argparse.Namespace,
    settings: Settings,
    rules: Sequence[Rule],
    names: Sequence[str],
) -> tuple[Report, list[str]]:
    """Return what the rules in use find, and warnings of those that mean nothing here.

    :param names: of all rules there are.
    """
    from pagefix import engine
    from pagefix.config import Scope

    warnings = list(_warnings(program, rules, settings.select))
    with _uncollected(options.alone):
        report = engine.check(
            program,
            rules,
            settings.scope or Scope.SWAPCACHE,
            swap_options(settings, options.without),
            strict=settings.strict,
            whole=named_files(options.paths),
            names=names,
        )
    return report, warnings


@contextmanager
def _uncollected(alone: bool) -> Iterator[None]:
    # What a check makes is in use to its end: to look through it for garbage, again and
    # again, takes an eighth of the time and finds nothing: the peak is the same without.
    # To look once, when it is done, takes a twentieth, and is for those who go on after it.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled and not alone:
            gc.enable()


def warn(warnings: Iterable[str]) -> None:
    """Say it on standard error."""
    for sentence in warnings:
        print(f"warning: {sentence}", file=sys.stderr)


def _warnings(program: Program, rules: Sequence[Rule], select: Sequence[str]) -> Iterator[str]:
    # Our own rules are for trees of every age; a project's are for its own. Who names a rule
    # must hear that it finds nothing because it means nothing here.
    from pagefix.conditions import unknown_names, why_not

    for rule in rules:
        reason = why_not(program, rule) if rule.name in select else ""
        if reason:
            yield f"{rule.name} means nothing here: {reason}"
        if not rule.own:
            yield from unknown_names(program, rule)


def severe(report: Report, settings: Settings) -> Report:
    """Leave out the findings that are less severe than what is to count."""
    if settings.severity is None:
        return report
    from dataclasses import replace

    from pagefix.finding import Severity

    order = list(Severity)
    least = order.index(settings.severity)
    kept = tuple(each for each in report.findings if order.index(each.severity) <= least)
    return replace(report, findings=kept)


def lived_with(report: Report, settings: Settings) -> tuple[Report, int]:
    """Take what the project lives with out of what counts.

    :return: and how many findings of its baseline are there no more.
    """
    report = severe(report, settings)
    if settings.baseline is None:
        return report, 0
    from dataclasses import replace

    from pagefix import baseline

    known = baseline.read_baseline(settings.baseline)
    findings, gone = baseline.apply_baseline(report.findings, known)
    return replace(report, findings=findings), gone


def named_files(paths: Sequence[str]) -> bool:
    """Tell whether files are named: of a directory only what matters is read."""
    return not any(reads.is_directory(path) for path in paths)


def status(report: Report, *, failed: bool) -> int:
    """Return the exit status of a check: clean means that everything was looked at."""
    if failed or not report.hidden:
        return ExitCode.FINDINGS if failed else ExitCode.CLEAN
    first = report.hidden[0]
    more = f", and {len(report.hidden) - 1} more" if len(report.hidden) > 1 else ""
    raise PagefixError(
        "nothing was found, but not everything could be read",
        why=f"{first.path}:{first.line}: {first.reason}{more}; a page's field may be there.",
        remedy="`unread` of --format json lists it; look there, or leave these files out.",
    )


def folders_of(program: Program) -> set[str]:
    """Return the folders of the files under check, where links lead to."""
    disks = [program.disk(path) for path in program.files]
    return {os.path.dirname(reads.real(disk) if os.path.islink(disk) else disk) for disk in disks}


def refuse_stopped(program: Program) -> None:
    """Say nothing of files that a stopped rewrite has left half written."""
    from pagefix import fix

    for folder in fix.stopped(folders_of(program)):
        raise PagefixError(
            f"a rewrite was stopped while it wrote below {folder}",
            why="Some files may have their new text and others not yet: nothing right could be"
            " said of them.",
            remedy="`pagefix rewrite --apply` with the same paths finishes or undoes it first;"
            f" {folder}/.pagefix-journal tells how to do that by hand.",
        )


#: How long a second is, for tests.
_SECOND = 1.0


@contextmanager
def busy(program: Program) -> Iterator[None]:
    """Show a person who waits that something moves; a pipe or a log sees nothing of it."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    words = f"{many(len(program.files), 'file')} to read"
    shown = threading.Thread(target=_tick, args=(words, done), daemon=True)
    shown.start()
    try:
        yield
    finally:
        done.set()
        shown.join()


def _tick(words: str, done: threading.Event) -> None:
    # Nothing for who waits less than a second; then the seconds, on one line that goes away.
    seconds = 0
    while not done.wait(_SECOND):
        seconds += 1
        print(f"\r\x1b[Kpagefix: {words}, {seconds} s", end="", file=sys.stderr, flush=True)
    if seconds:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def many(count: int, word: str) -> str:
    """Return a number with its word."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
