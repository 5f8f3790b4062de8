"""The command that reports.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pagefix.cli_changes import nothing, select
from pagefix.cli_output import about, put, save, screen_of, written
from pagefix.cli_settings import chosen_rules, settings_of
from pagefix.cli_shared import busy, checked, many, refuse_stopped, status
from pagefix.errors import ExitCode, PagefixError

if TYPE_CHECKING:
    from pagefix.config import Settings
    from pagefix.program import Program
    from pagefix.report import Report
    from pagefix.rulebook import Rule

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix import engine, reads

    selection = select(options)
    options.paths = selection.paths
    settings = settings_of(options)
    rules, names = chosen_rules(options, settings)
    if not selection.paths:
        _show(options, None, nothing(), rules)
        return ExitCode.CLEAN
    with reads.laid_over(selection.overlay):
        program = engine.load(options.paths)
        refuse_stopped(program)

        def check(program: Program) -> Report:
            return checked(program, options, settings, rules, names, quiet=True)

        with busy(program):
            report = checked(program, options, settings, rules, names)
        report = _accepted(
            report, settings, write=options.write_baseline, partial=selection.partial
        )
        with busy(program):
            report = selection.reported(program, report, check)
        _show(options, program, report, rules)
    if report.failed and options.exit_zero:
        return ExitCode.CLEAN
    return status(report, failed=report.failed)


def _show(
    options: argparse.Namespace, program: Program | None, report: Report, rules: Sequence[Rule]
) -> None:
    apart = options.format != "rich" or options.output is not None
    if options.format == "rich":
        with written(options.output) as file:
            screen = screen_of(program, file)
            screen.check(report)
            if options.stats and not apart:
                screen.stats(report)
    else:
        from pagefix.report import formatter

        lines = formatter(options.format)(report, about(program, rules))
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        if options.output is None:
            put(text)
        else:
            save(options.output, text)
    if options.stats and apart:
        screen_of(program, sys.stderr).stats(report)


def _accepted(report: Report, settings: Settings, *, write: bool, partial: bool) -> Report:
    # What the project lives with, taken out of what counts.
    from dataclasses import replace

    from pagefix import baseline
    from pagefix.finding import Severity

    if settings.severity is not None:
        order = list(Severity)
        least = order.index(settings.severity)
        kept = tuple(each for each in report.findings if order.index(each.severity) <= least)
        report = replace(report, findings=kept)
    if settings.baseline is None:
        if write:
            raise PagefixError(
                "there is no baseline to write",
                why="--write-baseline writes to the file that --baseline or a setting names.",
                remedy="Name one: --baseline FILE --write-baseline.",
            )
        return report
    if write and partial:
        raise PagefixError(
            "a baseline is not written of a part",
            why="Only what a change concerns, or what lies in named files, was asked for; the"
            " findings elsewhere would be lost.",
            remedy="Write it without --since, --staged, --patch and --only-named.",
        )
    if write:
        count = baseline.write_baseline(settings.baseline, report.findings)
        print(f"{many(count, 'finding')} written to {settings.baseline}.", file=sys.stderr)
    known = baseline.read_baseline(settings.baseline)
    findings, gone = baseline.apply_baseline(report.findings, known)
    # What was not read is not gone.
    if gone and not partial:
        words = "is" if gone == 1 else "are"
        print(
            f"{many(gone, 'finding')} of {settings.baseline} {words} gone:"
            " --write-baseline leaves out what is.",
            file=sys.stderr,
        )
    return replace(report, findings=findings)
