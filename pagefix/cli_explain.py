"""The command that says why.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import os

from pagefix.cli_output import screen_of
from pagefix.cli_settings import all_rules, chosen_rules, settings_of, swap_options
from pagefix.errors import ExitCode, PagefixError

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix.config import choose
    from pagefix.report import tables

    if options.limits:
        from pagefix.flow import LIMITS

        print(LIMITS, end="")
        return ExitCode.CLEAN
    if options.what is None:
        raise PagefixError(
            "there is nothing to explain",
            why="explain takes a rule, a place (FILE:LINE) or a function with a path.",
            remedy="`pagefix rules` lists the rules; --limits tells what is left out.",
        )
    file, colon, line = options.what.rpartition(":")
    if colon and line.isdigit():
        return _explain_code(options, file, int(line))
    if options.paths:
        return _explain_code(options, None, 0)
    (rule,) = choose(all_rules(settings_of(options)), [options.what], [])
    tables.explain_rule(screen_of(None), rule)
    return ExitCode.CLEAN


def _explain_code(options: argparse.Namespace, file: str | None, line: int) -> int:
    from pagefix import engine
    from pagefix.conditions import applicable
    from pagefix.flow import analyse, explain_function, explain_place
    from pagefix.rulebook import load_models, rules_folder

    paths = options.paths or [os.path.dirname(file or "") or "."]
    if not options.paths and file is not None and os.path.isfile(file):
        # A script may have no suffix; it is all that is needed.
        paths = [file] if not file.endswith((".c", ".h")) else paths
    program = engine.load(paths)
    settings = settings_of(options)
    rules, _names_of_all = chosen_rules(options, settings)
    rules = applicable(program, rules)
    if file is not None and program.tree.show(file) in program.scripts:
        from pagefix.script import explain_script

        for each in explain_script(program.source(program.tree.show(file)), rules, line):
            print(each)
        return ExitCode.CLEAN
    analysis = analyse(
        program, load_models(rules_folder()), rules, swap_options(settings, options.without)
    )
    for assumption in analysis.plan.assumptions:
        print(f"assumed: {assumption}")
    if file is None:
        told = explain_function(program, analysis, options.what)
    else:
        shown = program.tree.show(file)
        if shown not in program.files:
            raise PagefixError(
                f"{file} is not among the checked files",
                why="Only code below the given paths is analysed.",
                remedy="Name a file below them, or other paths.",
            )
        told = explain_place(program, analysis, shown, line)
    for each in told:
        print(each)
    return ExitCode.CLEAN
