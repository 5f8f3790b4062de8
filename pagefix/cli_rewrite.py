"""The command that converts.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pagefix.cli_changes import select
from pagefix.cli_kept import Found, found_of
from pagefix.cli_output import put, save, screen_of
from pagefix.cli_settings import chosen_rules, settings_of
from pagefix.cli_shared import (
    busy,
    checked,
    folders_of,
    lived_with,
    many,
    refuse_stopped,
    status,
    warn,
)
from pagefix.errors import ExitCode, PagefixError
from pagefix.report import Report

if TYPE_CHECKING:
    from pagefix.cache import Store
    from pagefix.config import Settings
    from pagefix.engine import Rewrite
    from pagefix.program import Program

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix import engine, rewriting
    from pagefix.program import Program

    writes = options.apply or (options.interactive and options.patch is None)
    if "-" in options.paths and (writes or options.interactive):
        raise PagefixError(
            "standard input cannot be written to",
            why=f"--{'apply' if options.apply else 'interactive'} writes files, and - is none.",
            remedy="Leave it out: the diff goes to standard output.",
        )
    selection = select(options)
    if not selection.paths:
        return ExitCode.CLEAN
    options.paths = selection.paths
    settings = settings_of(options)
    program = engine.load(options.paths)
    if not writes:
        refuse_stopped(program)
    elif _recover(program):
        program = engine.load(options.paths)
    with busy(program):
        found = _found(options, settings, program)
        if isinstance(found.texts, Program):
            program = found.texts
        warn(found.warnings)
        # Before a part is chosen: a baseline counts all that is alike.
        report, _ = lived_with(found.report, settings)
        report = selection.reported(program, report, lambda *_: report)
        result = engine.rewrite(program, report, unsafe=options.unsafe)
    if options.interactive and result.changes:
        screen = screen_of(program)
        chosen = rewriting.ask(program, report, result, screen, unsafe=options.unsafe)
        if chosen is None:
            print("Nothing was written.")
            return status(report, failed=True)
        result = chosen
    if options.patch is not None:
        save(options.patch, rewriting.diff_of(result), what="patch", example="swap.patch")
    if writes:
        _write_all(options, program, result)
    elif options.patch is None:
        diff = rewriting.diff_of(result)
        put(rewriting.coloured(diff) if rewriting.wants_colour(sys.stdout) else diff)
    _tell_held(program, result, settings.baseline)
    if writes and result.changes:
        return ExitCode.CLEAN
    return status(report, failed=bool(result.changes))


def _found(options: argparse.Namespace, settings: Settings, program: Program) -> Found[Report]:
    # What a check finds, which may have been asked for before.
    from pagefix import engine

    def work(_: bytes | None, store: Store | None) -> tuple[Program, Report, Sequence[str]]:
        chosen, names = chosen_rules(options, settings, store)
        # What has been read of the program so far is noted nowhere: an answer that is kept
        # would not rest on it.
        noted = program if store is None else engine.load(options.paths)
        return noted, *checked(noted, options, settings, chosen, names)

    if "-" in options.paths:
        # It has been read.
        _, report, warnings = work(None, None)
        return Found(report, tuple(warnings), program)
    found = found_of(options, settings, Report, work, options.paths)
    edits = (edit for each in found.report.findings for fix in each.fixes for edit in fix.edits)
    for path in {edit.path for edit in edits}:
        if program.source(path).data != found.texts.source(path).data:
            raise PagefixError(
                f"{path}: changed while it was being looked at",
                why="Its text is no longer the one that the findings speak of.",
                remedy="Run pagefix again.",
            )
    return found


def _write_all(options: argparse.Namespace, program: Program, result: Rewrite) -> None:
    from pagefix import fix

    roots = [*options.paths, *([program.tree.root] if program.tree.root else [])]
    written = fix.apply(result.changes, roots)
    print(f"{many(len(result.made), 'finding')} rewritten in {many(written, 'file')}.")


def _recover(program: Program) -> bool:
    from pagefix import fix

    told = fix.recover(folders_of(program))
    for each in told:
        became = "finished: new" if each.finished else "undone: as they were"
        print(
            f"A rewrite that had been stopped was {became} are {many(len(each.files), 'file')}"
            f" ({', '.join(map(program.tree.show, each.files))}).",
            file=sys.stderr,
        )
    return bool(told)


def _tell_held(program: Program, result: Rewrite, baseline: str | None) -> None:
    from pagefix.finding import IN_BASELINE

    screen = screen_of(program, sys.stderr)
    postponed = 0
    for held in result.held:
        if held.finding.suppressed == IN_BASELINE:
            postponed += 1
            continue
        place = screen.where(held.finding.place)
        expression = " ".join(held.finding.expression.split())
        print(f"{place}: {expression}: {held.reason}", file=sys.stderr)
    if postponed:
        words = "is" if postponed == 1 else "are"
        print(
            f"{many(postponed, 'finding')} of {baseline} {words} left as postponed.",
            file=sys.stderr,
        )
