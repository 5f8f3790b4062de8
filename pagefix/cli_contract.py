"""The command about the contract of swap files: what is kept, what is missing, what is to do.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import replace

from pagefix.cli_settings import all_rules, settings_of, swap_options
from pagefix.contract import Contracts, Outcome, Verdict
from pagefix.errors import ExitCode

__all__ = ["contract_lines", "run"]

_WIDTH = 14
_BROKEN = (Verdict.MISSING, Verdict.OUTSIDE)


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix import engine
    from pagefix.cli_clauses import other_clauses
    from pagefix.conditions import applicable

    settings = settings_of(options)
    program = engine.load(options.paths)
    rules, swap = applicable(program, all_rules(settings)), swap_options(settings)
    found = engine.contracts(program, rules, swap, places=True)
    others = other_clauses(program, rules, swap)
    found = replace(found, outcomes=(*found.outcomes, *others))
    for line in contract_lines(found):
        print(line)
    missing = any(each.verdict in _BROKEN for each in found.outcomes)
    return ExitCode.FINDINGS if missing else ExitCode.CLEAN


def contract_lines(found: Contracts) -> Iterator[str]:
    """Yield the table of clauses, a line each: those kept, missing, to do, not applicable."""
    for said in found.assumptions:
        yield f"assumed: {said}"
    known: set[str] = set()
    told = {(each.clause, each.rule) for each in found.outcomes if each.verdict is not Verdict.NONE}
    for each in sorted(found.outcomes, key=_order):
        if each.verdict is Verdict.NONE:
            if (each.clause, each.rule) in told:
                continue
            # Why it does not apply is said once, whatever the roles are.
            told.add((each.clause, each.rule))
        line = f"{each.clause:<4} {each.verdict:<{_WIDTH}} {_words(each)}"
        if line not in known:
            known.add(line)
            yield line
    broken = [each for each in found.outcomes if each.verdict in _BROKEN]
    outside = sum(1 for each in broken if each.verdict is Verdict.OUTSIDE)
    parts = [f"{len(broken) - outside} missing"] if len(broken) > outside else []
    parts += [f"{outside} tested outside the lock"] if outside else []
    yield f"{', '.join(parts)}." if parts else "Nothing is missing."


def _order(each: Outcome) -> tuple[str, int, list[str]]:
    number = re.sub(r"\D", "", each.clause)
    return each.clause[:1], int(number or 0), [str(each.verdict), each.role or "", each.reason]


def _words(each: Outcome) -> str:
    if each.where is None:
        return f"{each.rule}: {each.reason}"
    place = f"{each.where.path}:{each.where.line}"
    if each.verdict is Verdict.KEPT:
        return f"{each.rule}: {each.reason}, {place}"
    return f"{each.rule}: {each.reason}, {place}"
