"""The command that reports.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pagefix import reads
from pagefix.cli_changes import nothing, select
from pagefix.cli_kept import Found, RulesLater, found_of
from pagefix.cli_output import about, put, save, screen_of, written
from pagefix.cli_settings import chosen_rules, settings_of
from pagefix.cli_shared import (
    busy,
    checked,
    lived_with,
    many,
    refuse_stopped,
    severe,
    status,
    warn,
)
from pagefix.errors import ExitCode, PagefixError
from pagefix.report import Report

if TYPE_CHECKING:
    from pagefix.cache import Store
    from pagefix.config import Settings
    from pagefix.overlay import Overlay
    from pagefix.program import Program
    from pagefix.report import Texts
    from pagefix.rulebook import Rule

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    selection = select(options)
    options.paths = selection.paths
    settings = settings_of(options)
    rules = RulesLater(lambda: chosen_rules(options, settings)[0])
    if not selection.paths:
        chosen_rules(options, settings)  # what is wrong with them is said all the same
        _show(options, None, nothing(), rules)
        return ExitCode.CLEAN

    def look(paths: Sequence[str], overlay: Overlay | None) -> Found[Report]:
        def work(stdin: bytes | None, store: Store) -> tuple[Program, Report, list[str]]:
            from pagefix import engine

            chosen, names = chosen_rules(options, settings, store)
            program = engine.load(paths, stdin)
            refuse_stopped(program)
            with busy(program):
                return program, *checked(program, options, settings, chosen, names)

        return found_of(options, settings, Report, work, paths, overlay)

    with reads.laid_over(selection.overlay):
        found = look(options.paths, selection.overlay)
        warn(found.warnings)
        report = _accepted(
            found.report, settings, write=options.write_baseline, partial=selection.partial
        )
        report = selection.reported(found.texts, report, lambda *before: look(*before).report)
        _show(options, found.texts, report, rules)
    if report.failed and options.exit_zero:
        return ExitCode.CLEAN
    return status(report, failed=report.failed)


def _show(
    options: argparse.Namespace, texts: Texts | None, report: Report, rules: Sequence[Rule]
) -> None:
    apart = options.format != "rich" or options.output is not None
    if options.format == "rich":
        with written(options.output) as file:
            screen = screen_of(texts, file)
            screen.check(report)
            if options.stats and not apart:
                screen.stats(report)
    else:
        from pagefix.report import formatter

        lines = formatter(options.format)(report, about(texts, rules))
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        if options.output is None:
            put(text)
        else:
            save(options.output, text)
    if options.stats and apart:
        screen_of(texts, sys.stderr).stats(report)


def _accepted(report: Report, settings: Settings, *, write: bool, partial: bool) -> Report:
    # What the project lives with, taken out of what counts.
    from pagefix import baseline

    if write and settings.baseline is None:
        raise PagefixError(
            "there is no baseline to write",
            why="--write-baseline writes to the file that --baseline or a setting names.",
            remedy="Name one: --baseline FILE --write-baseline.",
        )
    if write and partial:
        raise PagefixError(
            "a baseline is not written of a part",
            why="Only what a change concerns, or what lies in named files, was asked for; the"
            " findings elsewhere would be lost.",
            remedy="Write it without --since, --staged, --patch and --only-named.",
        )
    if write:
        assert settings.baseline is not None
        count = baseline.write_baseline(settings.baseline, severe(report, settings).findings)
        print(f"{many(count, 'finding')} written to {settings.baseline}.", file=sys.stderr)
    report, gone = lived_with(report, settings)
    # What was not read is not gone.
    if gone and not partial:
        words = "is" if gone == 1 else "are"
        print(
            f"{many(gone, 'finding')} of {settings.baseline} {words} gone:"
            " --write-baseline leaves out what is.",
            file=sys.stderr,
        )
    return report
