"""The command that takes the inventory.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pagefix import __version__
from pagefix.cli_kept import found_of
from pagefix.cli_output import about, screen_of
from pagefix.cli_shared import busy, named_files
from pagefix.errors import ExitCode
from pagefix.finding import FIELDS
from pagefix.report import SitesReport

if TYPE_CHECKING:
    from pagefix.cache import Store
    from pagefix.program import Program

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""

    def work(stdin: bytes | None, _: Store) -> tuple[Program, SitesReport, list[str]]:
        from pagefix import engine
        from pagefix.rulebook import load_needing

        program = engine.load(options.paths, stdin)
        with busy(program):
            whole = options.whole or named_files(options.paths)
            found = engine.find_sites(program, load_needing(), whole=whole, jobs=options.jobs)
            return program, found, []

    def renew(
        report: SitesReport, changed: Sequence[str], noted: tuple[frozenset[str], frozenset[str]]
    ) -> tuple[Program, SitesReport] | None:
        from pagefix import engine
        from pagefix.sites_reach import Reach

        program = engine.load(options.paths)
        with busy(program):
            whole = options.whole or named_files(options.paths)
            found = engine.find_sites_again(
                program, report, changed, Reach(*noted), whole=whole, jobs=options.jobs
            )
        return None if found is None else (program, found)

    again = None if "-" in options.paths else renew
    report, _, texts = found_of(options, None, SitesReport, work, options.paths, renew=again)
    if options.format == "json":
        from pagefix.report import json

        print(json.sites_json(report, __version__))
    elif options.format == "concise":
        from pagefix.report import concise

        for line in concise.sites_lines(report, about(texts, ())):
            print(line)
    else:
        from pagefix.report import tables

        tables.sites_table(screen_of(texts), report, FIELDS)
    return ExitCode.CLEAN
