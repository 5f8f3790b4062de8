"""The command that runs rules against their fixtures.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from pagefix.cli_settings import all_rules, settings_of
from pagefix.cli_shared import many
from pagefix.errors import ExitCode, PagefixError
from pagefix.rulebook import Rule, rules_folder

__all__ = ["run", "run_fixtures"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix.config import choose

    settings = settings_of(options)
    rules = all_rules(settings)
    if options.rule is not None:
        choose(rules, [options.rule], [])
    said, right = run_fixtures(rules, options.rule, settings.rules, options.fixtures)
    for line in said:
        print(line)
    return ExitCode.CLEAN if right else ExitCode.FINDINGS


def run_fixtures(
    rules: Sequence[Rule], wanted: str | None, folders: Sequence[str], fixtures: str | None
) -> tuple[list[str], bool]:
    """Run rules against their fixtures.

    :param wanted: the one rule to test; all of them if left out.
    :param folders: where a project's own rules are: only they are tested if all are.
    :param fixtures: folder of the fixtures; beside the rules if left out.
    :return: what to print, and whether all is as expected.
    """
    chosen = [rule for rule in rules if rule.name == wanted] if wanted else _all(rules, folders)
    said: list[str] = []
    failed = count = 0
    for rule in chosen:
        for lines in _run(rule, rules, fixtures):
            count += 1
            failed += bool(lines)
            if lines:
                said += [*lines, ""]
    verdict = f"{failed} failed" if failed else "all as expected"
    said.append(f"{many(len(chosen), 'rule')}, {many(count, 'program')}: {verdict}.")
    return said, not failed


def _all(rules: Sequence[Rule], folders: Sequence[str]) -> list[Rule]:
    return [rule for rule in rules if not folders or not rule.own]


def _run(rule: Rule, rules: Sequence[Rule], fixtures: str | None) -> Iterator[tuple[str, ...]]:
    from pagefix.fixtures import programs, run_case

    beside = rules_folder() if rule.own else Path(rule.path).resolve().parent
    # Inside an installed pagefix both have an underscore: pagefix.fixtures is a module.
    name = "_fixtures" if rule.own and beside.name == "_rules" else "fixtures"
    folder = Path(fixtures) if fixtures is not None else beside.parent / name
    found = programs(rule.name, folder)
    if not found:
        raise PagefixError(
            f"{rule.name} has no fixtures",
            why=f"{folder} has no folder {rule.name} with a program in it.",
            remedy=f"Write {folder / rule.name}/some.c, or name the folder with --fixtures.",
        )
    for path in found:
        yield run_case(rule, rules, path).wrong
