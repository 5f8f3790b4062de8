"""Clauses of the swap-file contract that are not a contract rule's: pairing and direct_IO.

In: the program, rules with a clause. Out: outcomes, as :mod:`pagefix.contract` has them.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pagefix.c import ast
from pagefix.contract import OPS, Capable, Outcome, Verdict, capable
from pagefix.flow import SwapOptions
from pagefix.ops import Pairing, pairings
from pagefix.program import Program
from pagefix.rulebook import Rule
from pagefix.source import Place

__all__ = ["other_clauses"]

_DIRECT = "direct_IO"


def other_clauses(
    program: Program, rules: Sequence[Rule], swap: SwapOptions | None = None
) -> tuple[Outcome, ...]:
    """Return what becomes of the clauses that ops rules and flow rules stand for."""
    options = SwapOptions() if swap is None else swap
    able = capable(program, options.ops)
    return (
        *(_paired(rule, each) for rule, each in pairings(program, rules, able.tables)),
        *_followed(program, rules, able, options),
    )


def _paired(rule: Rule, each: Pairing) -> Outcome:
    if each.finding is not None:
        place, reason = each.finding.place, each.finding.message
        return Outcome(each.clause, rule.name, Verdict.MISSING, each.table, place, reason)
    if each.lacks:
        reason = f"{each.table} must get {' and '.join(each.lacks)}, which the VM calls untested"
        return Outcome(each.clause, rule.name, Verdict.TODO, each.table, each.place, reason)
    if not each.has:
        reason = f"the VM calls no method of {each.table} without a test"
        return Outcome(each.clause, rule.name, Verdict.NONE, None, None, reason)
    reason = f"{each.table} has {' and '.join(each.has)}, which the VM calls untested"
    return Outcome(each.clause, rule.name, Verdict.KEPT, each.table, each.place, reason)


def _followed(
    program: Program, rules: Iterable[Rule], able: Capable, swap: SwapOptions
) -> Iterator[Outcome]:
    # A rule about the flags of direct_IO: what is not found there is kept there.
    for rule in rules:
        if not rule.clause or not rule.matches:
            continue
        told = list(_directs(program, able))
        if not told:
            reason = "no direct_IO here is handed the direction by the VM"
            yield Outcome(rule.clause, rule.name, Verdict.NONE, None, None, reason)
            continue
        from pagefix.engine import check

        found = check(program, [rule], swap=swap).findings
        for each in found:
            name, reason = each.function or "", each.message
            yield Outcome(rule.clause, rule.name, Verdict.MISSING, name, each.place, reason)
        for name, place in told if not found else ():
            reason = f"{name}(): no comparison of the direction fails for what the VM adds to it"
            yield Outcome(rule.clause, rule.name, Verdict.KEPT, name, place, reason)


def _directs(program: Program, able: Capable) -> Iterator[tuple[str, Place]]:
    # The direct_IO of tables that the VM swaps through, where it takes the direction.
    for path, item in program.tables(OPS) if able.through else ():
        methods = program.methods(item, path).get(_DIRECT, ()) if item.name in able.tables else ()
        for method in methods:
            for where, function in program.functions(method.name, path):
                first = function.params[0].type if function.params else None
                if isinstance(first, ast.Base) and first.name == "int":
                    end = function.at + len(function.name.encode())
                    yield function.name, program.unit(where).source.place(function.at, end)
