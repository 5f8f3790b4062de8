"""The command that takes the inventory.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse

from pagefix import __version__
from pagefix.cli_output import about, screen_of
from pagefix.cli_shared import busy, named_files
from pagefix.errors import ExitCode

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix import engine
    from pagefix.rulebook import load_rules

    program = engine.load(options.paths)
    with busy(program):
        whole = options.whole or named_files(options.paths)
    report = engine.find_sites(program, load_rules(), whole=whole)
    if options.format == "json":
        from pagefix.report import json

        print(json.sites_json(report, __version__))
    elif options.format == "concise":
        from pagefix.report import concise

        for line in concise.sites_lines(report, about(program, ())):
            print(line)
    else:
        from pagefix.report import tables

        tables.sites_table(screen_of(program), report, engine.FIELDS)
    return ExitCode.CLEAN
