"""The acts: inventory, check, rewrite.

In: a program and checked rules. Out: reports and changed files as values; nothing is
printed or written here.

Floor 7.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pagefix import reads
from pagefix.c import new_errors, read
from pagefix.errors import PagefixError
from pagefix.finding import Applicability, Coverage, Finding, Fix, Kind, Status, Unread, in_order
from pagefix.fix import (
    FileChange,
    Offers,
    Scanned,
    apply_edits,
    arrange,
    column_limit,
    restyle,
)
from pagefix.program import STDIN, Program
from pagefix.report import Report, SitesReport, TreeFacts
from pagefix.rulebook import Rule, Scope, load_rules
from pagefix.sites import FIELDS, Inventory, inventory
from pagefix.sites_reach import Reach
from pagefix.source import SourceFile

if TYPE_CHECKING:
    from pagefix.contract import Contracts
    from pagefix.flow import SwapOptions

__all__ = ["FIELDS", "Held", "Rewrite", "check", "find_sites", "load", "rewrite"]

_NO_TREE = (
    "no kernel tree around the paths: types are read from these files alone, "
    "and no wrapper is taken to exist"
)


_SKIPPED = "Python files that are no scripts for drgn or gdb, and were skipped: {}"


def load(paths: Sequence[str], stdin: bytes | None = None) -> Program:
    """Return the program below some paths.

    :param stdin: the text that the path ``-`` stands for.
    :raises PagefixError: if there is nothing to read, or a named file is no text.
    """
    if "-" in paths and stdin is None and sys.stdin is None:
        raise PagefixError(
            "there is no standard input to read",
            why="- stands for it, and it is closed.",
            remedy="Name files, or send the text in.",
        )
    program = Program.load(paths, stdin)
    for path in paths:
        # What is named must be text; what a directory holds and is none is listed.
        if not reads.is_directory(path):
            program.data(STDIN if path == "-" else program.tree.show(path))
    return program


def find_sites(
    program: Program, rules: Sequence[Rule], *, whole: bool = False, jobs: int | None = 1
) -> SitesReport:
    """Return the inventory of page fields.

    :param rules: their fixes say which symbols of the tree are worth telling.
    :param whole: whether also what holds no such field is read, to tell what of it could
        not be.
    :param jobs: how many processes; ``None``: as many as are worth it.
    """
    found = inventory(program, whole=whole, jobs=jobs)
    return SitesReport(
        tree=_facts(program, rules, Offers(program)),
        sites=found.sites,
        ledger=found.ledger,
        unread=found.unread,
    )


def find_sites_again(
    program: Program,
    report: SitesReport,
    changed: Iterable[str],
    reach: Reach,
    *,
    whole: bool = False,
    jobs: int | None = 1,
) -> SitesReport | None:
    """Return an inventory as it is now that some files have changed, and nothing else has.

    :param changed: their paths on disk.
    :param reach: what the report's own run has noted.
    :return: ``None`` if all of it must be worked out again.
    """
    touched = reach.of(program, changed)
    if touched is None:
        return None
    found = inventory(program, whole=whole, jobs=jobs, only=touched)
    same = Inventory(
        tuple(site for site in report.sites if site.place.path not in touched),
        tuple(each for each in report.unread if each.path not in touched),
    )
    every = found.joined(same)
    return replace(report, sites=every.sites, ledger=every.ledger, unread=every.unread)


def check(
    program: Program,
    rules: Sequence[Rule],
    scope: Scope = Scope.SWAPCACHE,
    swap: SwapOptions | None = None,
    *,
    strict: bool = False,
    whole: bool = False,
    names: Iterable[str] | None = None,
) -> Report:
    """Return what the rules find.

    :param scope: which pages count: those that the VM hands over from the swap cache, or
        every one.
    :param swap: where such pages enter, if not where the tree says.
    :param strict: whether a place that cannot be decided is a finding too.
    :param whole: see :func:`find_sites`.
    :param names: of the rules there are beside those in use, for comments that allow one;
        pagefix's own if left out.
    """
    # Imported here: an inventory must not pay for what only a check needs.
    from pagefix.conditions import applicable
    from pagefix.findings import as_finding
    from pagefix.hits import find_hits
    from pagefix.ops import find_ops
    from pagefix.suppressions import allow

    found = inventory(program, whole=whole)
    offers = Offers(program, rules)
    facts = _facts(program, rules, offers)
    rules = applicable(program, rules)
    if scope is Scope.ALL:
        rules = tuple(rule for rule in rules if rule.scope is Scope.ALL)
        hits = find_hits(program, rules, found.sites)
        findings = tuple(as_finding(program, offers, hit) for hit in hits)
        undecided = tuple(site for site in found.sites if site.status is Status.UNRESOLVED)
        coverage = Coverage(functions=len({(hit.path, hit.item.start) for hit in hits}))
        assumptions = facts.assumed
    else:
        from pagefix.provenance import provenance

        # Where a page comes to calls, the analysis tells.
        hits = find_hits(
            program, rules, found.sites, lambda rule, each: each.field or rule.everywhere
        )
        reached = provenance(program, rules, hits, found.sites, offers, swap, strict=strict)
        loose = [hit for hit in hits if hit.rule.everywhere]
        findings = (*reached.findings, *(as_finding(program, offers, hit) for hit in loose))
        undecided, coverage = reached.undecided, reached.coverage
        assumptions = (*facts.assumed, *reached.assumptions)
    everywhere = scope is Scope.ALL or coverage.contexts > 0

    def judged(rule: Rule) -> bool:
        return everywhere or rule.everywhere or rule.kind is not Kind.FLOW

    from pagefix.script import check_scripts

    closed: list[Unread] = []
    scripts = check_scripts(_scripts(program, closed, whole=whole), rules, strict=strict)
    closed += scripts.unread
    paired, doubts = find_ops(program, rules)
    kept = contracts(program, rules, swap)
    findings = (*findings, *paired, *kept.findings, *scripts.findings)
    assumptions = (*assumptions, *doubts, *kept.assumptions) if program.files else ()
    if scripts.skipped:
        assumptions = (*assumptions, _SKIPPED.format(scripts.skipped))
    known = {rule.name for rule in rules}
    known.update((rule.name for rule in load_rules(optional=True)) if names is None else names)
    findings = tuple(sorted(findings, key=in_order))
    return Report(
        tree=facts,
        findings=allow(program, findings, rules, sorted(known), judged),
        undecided=(*undecided, *scripts.undecided),
        coverage=coverage,
        assumptions=assumptions,
        ledger=found.ledger,
        unread=(*found.unread, *closed),
        files=len(program.files) + scripts.read,
        hidden=(*found.hidden, *closed),
    )


def _scripts(program: Program, closed: list[Unread], *, whole: bool) -> Iterator[SourceFile]:
    # The Python files; those that are no text are put aside, unless they are named.
    for path in program.scripts:
        try:
            yield program.source(path)
        except PagefixError as error:
            if whole:
                raise
            closed.append(Unread(path, 1, 1, error.why))
            program.leave_out(path)


def contracts(
    program: Program,
    rules: Sequence[Rule],
    swap: SwapOptions | None = None,
    *,
    places: bool = False,
) -> Contracts:
    """Return what breaks the contract of swap files, and what of it is kept.

    :param swap: which tables are those of swap files, if not those that say so.
    :param places: whether it is asked of each test that was met if it is the one needed.
    """
    from pagefix.contract import check_contracts

    return check_contracts(program, rules, "auto" if swap is None else swap.ops, places=places)


def _facts(program: Program, rules: Iterable[Rule], offers: Offers) -> TreeFacts:
    root = program.tree.root
    wrappers = {
        spec.needs
        for rule in (rules if program.files else ())
        for spec in rule.fixes
        if spec.needs is not None and spec.replace is not None and offers.has(spec)
    }
    return TreeFacts(root, tuple(sorted(wrappers)), () if root is not None else (_NO_TREE,))


@dataclass(frozen=True, slots=True)
class Held:
    """A finding that a rewrite leaves as it is, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a rewrite would do.

    :param changes: one for each file that changes, by path.
    :param made: findings whose fix is among the changes.
    :param held: findings that stay, each with the reason.
    """

    changes: tuple[FileChange, ...]
    made: tuple[Finding, ...]
    held: tuple[Held, ...]

    def __iter__(self) -> Iterator[FileChange]:
        return iter(self.changes)


def rewrite(
    program: Program,
    report: Report,
    *,
    unsafe: bool = False,
    only: Container[Finding] | None = None,
) -> Rewrite:
    """Return the changes that the findings' fixes come to; nothing is written.

    :param unsafe: also make fixes that need a look.
    :param only: findings whose fixes may be made; all if left out.
    """
    wanted = frozenset((Applicability.SAFE, *((Applicability.UNSAFE,) if unsafe else ())))
    chosen: dict[Finding, Fix] = {}
    held: list[Held] = []
    for finding in report.findings:
        fix = next((fix for fix in finding.fixes if fix.edits), None)
        if fix is not None and fix.applicability in wanted and finding.suppressed is None:
            if only is None or finding in only:
                chosen[finding] = fix
            else:
                held.append(Held(finding, "not taken"))
        else:
            held.append(Held(finding, _why_held(finding, fix)))
    in_scripts = {each: fix for each, fix in chosen.items() if each.span.path in program.scripts}
    in_code = {each: fix for each, fix in chosen.items() if each not in in_scripts}
    changes, dropped, spoilt = _rewrite_code(program, in_code)
    left = _rewrite_scripts(program, in_scripts, changes)
    made = []
    for finding, fix in chosen.items():
        if finding in spoilt:
            held.append(Held(finding, _SPOILT))
        elif fix in dropped or finding in left:
            held.append(Held(finding, "its edit overlaps another one; run rewrite once more"))
        else:
            made.append(finding)
    return Rewrite(
        tuple(sorted(changes, key=lambda change: change.path)),
        tuple(made),
        tuple(sorted(held, key=lambda each: each.finding.span)),
    )


_SPOILT = "its function would not read as well as before (a pagefix bug): for you to write"


def _rewrite_code(
    program: Program, chosen: dict[Finding, Fix]
) -> tuple[list[FileChange], Container[Fix], set[Finding]]:
    # The changes, the fixes that overlap others, and the findings of functions that pagefix
    # itself would no longer understand: those functions stay as they are.
    spoilt: set[Finding] = set()
    while True:
        left = {each: fix for each, fix in chosen.items() if each not in spoilt}
        arranged = arrange(left.values())
        changes: list[FileChange] = []
        worse: set[Finding] = set()
        for path, edits in arranged.edits.items():
            source = program.unit(path).source
            limit = column_limit(_clang_format(program))
            styled = restyle(source, edits, lambda text: _scanned(program, text), limit)
            changes.append(FileChange(source, styled, apply_edits(source.data, styled)))
            worse |= _spoilt(program, changes[-1], left)
        if not worse:
            return changes, arranged.dropped, spoilt
        spoilt |= worse


def _spoilt(program: Program, change: FileChange, chosen: dict[Finding, Fix]) -> set[Finding]:
    places = new_errors(change.source.data, change.after, program.macros(change.path))
    if not places:
        return set()
    mine = {
        finding: [edit for edit in fix.edits if edit.path == change.path]
        for finding, fix in chosen.items()
    }
    near = {
        finding
        for finding, edits in mine.items()
        if any(start <= edit.start <= end for edit in edits for start, end in places)
    }
    # What is there that nobody has written there came from somewhere in the file.
    return near or {finding for finding, edits in mine.items() if edits}


def _rewrite_scripts(
    program: Program, chosen: dict[Finding, Fix], changes: list[FileChange]
) -> set[Finding]:
    # Imports and the helper are for a whole script: its fixes are made together.
    left: set[Finding] = set()
    for path in sorted({each.span.path for each in chosen}):
        from pagefix.script import rewrite_script

        source = program.source(path)
        mine = {each: fix for each, fix in chosen.items() if each.span.path == path}
        after, edits, dropped = rewrite_script(source, mine, load_rules(optional=True))
        left |= dropped
        changes.append(FileChange(source, edits, after))
    return left


def _why_held(finding: Finding, fix: Fix | None) -> str:
    if finding.suppressed is not None:
        return f"allowed: {finding.suppressed}"
    if fix is None:
        return finding.fixes[0].message if finding.fixes else "there is nothing to write instead"
    if fix.applicability is Applicability.UNSAFE:
        return f"needs a look (--unsafe makes it): {fix.message}"
    return f"only a suggestion: {fix.message}"


def _scanned(program: Program, text: SourceFile) -> Scanned:
    unit = read(text, program.macros(text.path))

    def begin(offset: int) -> int:
        chunk = unit.chunk_at(offset)
        return chunk.start if chunk is not None else 0

    return Scanned(unit.code, begin)


def _clang_format(program: Program) -> bytes | None:
    if program.tree.root is None:
        return None
    try:
        return reads.read(os.path.join(program.tree.root, ".clang-format"))
    except OSError:
        return None
