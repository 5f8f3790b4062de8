"""What an analysis found: places that a swapcache page reaches, each with its chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pagefix.c import ast
from pagefix.finding import Confidence, Coverage, Step
from pagefix.flow.chains import Chains, Rank
from pagefix.flow.entries import OPS, Plan, SwapOptions, plan
from pagefix.flow.helpers import reads_raw, reads_raw_page
from pagefix.flow.record import Sinks
from pagefix.flow.refusals import refusals
from pagefix.flow.sights import Seen, Sight
from pagefix.flow.solver import Solver
from pagefix.flow.switches import checked
from pagefix.program import Program
from pagefix.rulebook import Models, Rule

__all__ = ["Analysis", "Reached", "analyse"]


@dataclass(frozen=True, slots=True)
class Reached:
    """One place that a swapcache page, or its range, reaches.

    :param start: offset of the field token, or of the callee's name.
    :param rules: for a call, names of the rules that it breaks; empty for a field.
    :param unless: the clause that would rule every chain out, ``None`` if there is a free one.
    :param node: the access, the call, or what a table's slot holds.
    :param item: the function or the table that it stands in.
    :param helper: for a call beyond the frontier, position of the page; -1 otherwise.
    """

    path: str
    start: int
    rules: tuple[str, ...]
    entry: str
    confidence: Confidence
    unless: str | None
    trace: tuple[Step, ...]
    alternatives: int
    node: ast.Member | ast.Call | ast.Binary | ast.Name
    item: ast.Function | ast.Global
    helper: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result for all tables.

    :param unknown: places (path, offset of the field) in reached code where nothing is
        known of the page.
    """

    plan: Plan
    reached: tuple[Reached, ...]
    unknown: tuple[tuple[str, int], ...]
    coverage: Coverage
    solvers: tuple[Solver, ...]


def analyse(
    program: Program, models: Models, rules: Iterable[Rule], options: SwapOptions
) -> Analysis:
    """Follow the pages that the VM hands to the checked paths.

    :raises PagefixError: when an option names a table or slot that does not exist.
    """
    sinks = Sinks(rules)
    what = plan(program, models, options)
    without = checked(options.without)
    solvers = [Solver(program, models, sinks, table, without) for table in what.tables]
    found: dict[tuple[str, int], Reached] = {}
    unknown: dict[tuple[str, int], None] = {}
    for solver in solvers:
        solver.solve()
        chains = Chains(solver)
        table, refused = solver.table, None
        for each in _reached(solver, chains):
            if each.unless is not None and "refusals" not in without:
                if refused is None:
                    refused = refusals(solver.world, table.path, table.activate, models.clauses)
                if each.unless in refused:
                    continue
            old = found.get((each.path, each.start))
            if old is None or _worse(old, each):
                found[(each.path, each.start)] = each
        unknown.update(dict.fromkeys(_unknown(solver)))
    reached = tuple(found[key] for key in sorted(found))
    left = tuple(key for key in sorted(unknown) if key not in found)
    return Analysis(what, reached, left, _coverage(solvers), tuple(solvers))


def _worse(old: Reached, new: Reached) -> bool:
    return (old.unless is not None, old.confidence is Confidence.ASSUMED) > (
        new.unless is not None,
        new.confidence is Confidence.ASSUMED,
    )


def _reached(solver: Solver, chains: Chains) -> Iterable[Reached]:
    program = solver.world.program
    for seen in solver.record.fields.values():
        if seen.path in program.files:
            one = _one(solver, chains, seen, seen.node.at, ("swapcache",))  # type: ignore[union-attr]
            if one is not None:
                yield one
    for seen in solver.record.calls.values():
        if seen.path not in program.files:
            continue
        rules = tuple(sorted(seen.rules))
        helper = -1
        if not rules:
            for index in seen.helper:
                if reads_raw(solver.world, _called(seen.node), index, seen.path):
                    helper = index
        if rules or helper >= 0:
            start = seen.node.right.start if isinstance(seen.node, ast.Binary) else seen.node.start
            labels = ("swapcache", "range", "flags")
            one = _one(solver, chains, seen, start, labels, rules, helper)
            if one is not None:
                yield one
    yield from _in_slots(solver)


def _in_slots(solver: Solver) -> Iterable[Reached]:
    # Nothing of the filesystem runs: its table alone hands the page to a helper.
    table, program = solver.table, solver.world.program
    for entry, slot, name in solver.handed_on:
        if not reads_raw_page(solver.world, name.name, entry.carrier, table.path):
            continue
        where = f"{table.name}.{slot}"
        sentence = entry.sentence.format(slot=where, function=name.name)
        place = program.unit(table.path).source.place(name.start, name.end)
        for path, item in program.tables(OPS):
            if path == table.path and item.start <= name.start < item.end:
                yield Reached(
                    path=path,
                    start=name.start,
                    rules=(),
                    entry=where,
                    confidence=Confidence.RESOLVED,
                    unless=None,
                    trace=(Step(0, place, sentence),),
                    alternatives=0,
                    node=name,
                    item=item,
                    helper=-1,
                )


def _called(node: object) -> str:
    func = node.func if isinstance(node, ast.Call) else None
    while isinstance(func, ast.Unary):
        func = func.operand  # (*name)(page)
    return func.name if isinstance(func, ast.Name) else ""


def _one(
    solver: Solver,
    chains: Chains,
    seen: Seen,
    start: int,
    labels: Sequence[str],
    rules: tuple[str, ...] = (),
    helper: int = -1,
) -> Reached | None:
    ranked: list[tuple[Rank, int, Sight]] = []
    for number, sight in seen.sights.items():
        way = chains.ways.get(number)
        if way is not None and not sight.labels.isdisjoint(labels):
            rank = Rank(
                way.rank.forbidden or sight.clause is not None,
                way.rank.assumed or sight.assumed,
                way.rank.borrowed,
                way.rank.length,
            )
            ranked.append((rank, number, sight))
    if not ranked:
        return None
    rank, number, sight = min(ranked, key=lambda each: (each[0], each[1]))
    clause = chains.ways[number].clause or sight.clause
    return Reached(
        path=seen.path,
        start=start,
        rules=rules,
        entry=_entry_name(solver, chains, number),
        confidence=Confidence.ASSUMED if rank.assumed else Confidence.RESOLVED,
        unless=clause if rank.forbidden else None,
        trace=chains.steps(number),
        alternatives=len(ranked) - 1,
        node=seen.node,
        item=seen.function,
        helper=helper,
    )


def _entry_name(solver: Solver, chains: Chains, number: int) -> str:
    sentence = chains.entry(number)
    for _entry, slot, _name in solver.table.slots:
        text = f"{solver.table.name}.{slot}"
        if text in sentence:
            return text
    return solver.table.name


def _unknown(solver: Solver) -> Iterable[tuple[str, int]]:
    for seen in solver.record.fields.values():
        labels = frozenset().union(*(sight.labels for sight in seen.sights.values()))
        if "unknown" in labels and "swapcache" not in labels:
            if seen.path in solver.world.program.files:
                yield seen.path, seen.node.at  # type: ignore[union-attr]


def _coverage(solvers: Sequence[Solver]) -> Coverage:
    functions: set[tuple[str, int]] = set()
    unmodelled: set[str] = set()
    unresolved: set[str] = set()
    widened: set[str] = set()
    contexts = 0
    for solver in solvers:
        contexts += len(solver.contexts)
        functions |= {
            (c.path, c.function.at) for c in solver.contexts if not c.path.startswith("<")
        }
        unmodelled.update(solver.world.coverage_unmodelled)
        unresolved.update(solver.world.coverage_unresolved)
        widened.update(solver.widened)
    return Coverage(
        len(functions),
        contexts,
        tuple(sorted(unmodelled)),
        tuple(sorted(unresolved)),
        tuple(sorted(widened)),
    )
