"""The check of contract rules: every role of every rule, and what comes of it.

In: the program, the rules. Out: findings, and for each clause whether it is kept, where, or
why it does not apply (:class:`Outcome`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pagefix.contract.capability import Capable, capable
from pagefix.contract.effects import Hit
from pagefix.contract.findings import as_finding, as_leak, asks
from pagefix.contract.leaks import leaks
from pagefix.contract.locks import LOCK_WORDS
from pagefix.contract.outcomes import Contracts, Outcome, Verdict
from pagefix.contract.roles import starts
from pagefix.contract.run import Relevant, Run, Start
from pagefix.contract.sources import Sources
from pagefix.contract.states import State
from pagefix.contract.subjects import Shape
from pagefix.finding import Confidence, Finding, Kind
from pagefix.program import Program
from pagefix.rulebook import ContractSpec, Demand, Effect, Role, Rule
from pagefix.source import Place

__all__ = ["check_contracts"]

#: How many calls lie between a helper that tests and who relies on it.
_GUARDS = 2
#: How many between a role and its effect.
_EFFECTS = 8
#: How many between a function that takes the lock and who relies on it.
_LOCKS = 2


def check_contracts(
    program: Program, rules: Iterable[Rule], ops: str = "auto", *, places: bool = False
) -> Contracts:
    """Return what breaks the contract of a filesystem with swap files.

    :param ops: ``auto``, ``none``, or names of tables taken as those of swap files.
    :param places: whether of several tests that one is looked for which is needed; else
        the place of a clause that is kept is that of the first that was met.
    """
    chosen = [
        (rule, rule.spec)
        for rule in rules
        if rule.kind is Kind.CONTRACT and isinstance(rule.spec, ContractSpec)
    ]
    parts = _capable_parts(program, ops) if chosen else []
    if not parts:
        outcomes = [
            Outcome(role.clause, rule.name, Verdict.NONE, None, None, _NO_TABLE)
            for rule, spec in chosen
            for role in spec.roles[:1]
        ]
        return Contracts((), tuple(outcomes), ())
    entries = [name for _, spec in chosen for role in spec.roles for name in role.vfs]
    findings: list[Finding] = []
    outcomes = []
    said: list[str] = []
    for part, able in parts:
        checker = _Checker(part, able, entries, places)
        for rule, spec in chosen:
            checker.rule(rule, spec)
        if able.assumed and (checker.findings or places):
            said.append(f"contract rules: {', '.join(able.tables)} taken as tables of swap files")
        findings += checker.findings
        outcomes += checker.outcomes
    findings.sort(key=lambda each: (each.span, each.rule))
    return Contracts(tuple(findings), tuple(outcomes), tuple(said))


def _capable_parts(program: Program, ops: str) -> list[tuple[Program, Capable]]:
    # Each filesystem has a contract of its own. Where one has swap files, none is assumed to.
    found = [(part, capable(part, ops)) for part in program.parts()]
    known = any(able and not able.assumed for _, able in found)
    return [(part, able) for part, able in found if able and not (known and able.assumed)]


_ACTIVATE = "swap_activate"
_NO_TABLE = f"no table here has a {_ACTIVATE} that can succeed"
_GIVE_BACK = (
    f"a {_ACTIVATE} that fails must give back every lock, count and reference that it took: "
    "swap_deactivate is not called then"
)


def _unnamed(spec: ContractSpec) -> str:
    names = sorted({name for each in spec.demands for name in each.where})
    return f"nothing here is named {', '.join(names)}"


class _Checker:
    # One program under contract rules.

    def __init__(
        self, program: Program, able: Capable, entries: Iterable[str], places: bool
    ) -> None:
        self.program = program
        self.able = able
        self.places = places
        self.sources = Sources(program, entries)
        self.findings: list[Finding] = []
        self.outcomes: list[Outcome] = []
        self._shapes: dict[tuple[str, int, int], Shape] = {}
        self._reach: dict[tuple[object, ...], frozenset[str]] = {}
        self._handed: dict[tuple[object, ...], tuple[bool, bool]] = {}

    def rule(self, rule: Rule, spec: ContractSpec) -> None:
        if spec.through and not self.able.through:
            reason = "the VM does not swap through the methods of these tables"
            self._none(rule, spec.roles[0], reason)
            return
        done: set[tuple[str, str, int]] = set()
        begins = {role: starts(self.sources, role, self.able) for role in spec.roles}
        for clause in dict.fromkeys(role.clause for role in spec.roles):
            absent = [role for role in spec.roles if role.clause == clause]
            if not any(begins[role] for role in absent):
                self._no_role(rule, spec, absent)
        for role, found in begins.items():
            for start in found:
                key = (role.clause, start.path, start.function.start)
                if spec.pairs:
                    self._pairs(rule, spec, role, start)
                elif not (key in done and not role.commands):
                    done.add(key)
                    self._role(rule, spec, role, start)

    def _no_role(self, rule: Rule, spec: ContractSpec, absent: list[Role]) -> None:
        role = absent[0]
        if role.slot != _ACTIVATE:
            words = dict.fromkeys(word for each in absent for word in each.words)
            self._none(rule, role, f"nothing here is {', '.join(words)}")
            return
        # A method that there is not yet: what it will have to ask for, and to give back.
        todo = [
            f"a swap_activate must {asks(demand)}, as {demand.reference} does"
            for demand in spec.demands
            if self._applies(demand)
        ]
        if spec.pairs:
            todo = [_GIVE_BACK]
        for reason in todo:
            self.outcomes.append(Outcome(role.clause, rule.name, Verdict.TODO, None, None, reason))
        if not todo:
            self._none(rule, role, _unnamed(spec))

    def _none(self, rule: Rule, role: Role, reason: str) -> None:
        self.outcomes.append(Outcome(role.clause, rule.name, Verdict.NONE, None, None, reason))

    # --- one role -------------------------------------------------------------------

    def _role(self, rule: Rule, spec: ContractSpec, role: Role, start: Start) -> None:
        demands = [each for each in spec.demands if self._applies(each)]
        if not demands:
            self._none(rule, role, _unnamed(spec))
        missing: list[tuple[Demand, Hit]] = []
        for demand in demands:
            guarded, locked = self._from_vfs(role, demand)
            if guarded:
                words = f"{role.story}: the VFS {asks(demand, 's')} before it calls {role.slot}"
                self._kept(rule, role, start, None, words)
                continue
            run = self._run(start, demand, spec)
            if not self.places:
                run.hurry()
            hits, _ = run.hits(State(locked=locked))
            if hits:
                missing += [(demand, hit) for hit in hits]
            elif run.kept:
                (path, begin, end), holder = self._needed(run, spec, locked)
                place = self.program.unit(path).source.place(begin, end)
                text = " ".join(self.program.unit(path).source.text(begin, end).split())
                does = "calls" if demand.calls or demand.counts else "tests"
                words = f"{role.story}: {holder}() {does} {text}"
                self._kept(rule, role, start, place, words)
            elif not run.locked:
                self._none(rule, role, f"{role.story}: nothing that it is about is reached")
        for stale in (False, True):
            first = next((each for each in missing if each[1].stale == stale), None)
            if first is not None and not (stale and any(not hit.stale for _, hit in missing)):
                self._found(rule, role, start, *first)

    def _found(self, rule: Rule, role: Role, start: Start, demand: Demand, hit: Hit) -> None:
        finding = as_finding(self.program, rule, role, start, demand, hit)
        if self.able.assumed:
            finding = _assumed(finding)
        self.findings.append(finding)
        self.outcomes.append(
            Outcome(
                role.clause,
                rule.name,
                Verdict.OUTSIDE if hit.stale else Verdict.MISSING,
                start.function.name,
                finding.place,
                finding.message,
            )
        )

    def _applies(self, demand: Demand) -> bool:
        return not demand.where or any(self.sources.defines(name) for name in demand.where)

    def _kept(self, rule: Rule, role: Role, start: Start, place: Place | None, words: str) -> None:
        name = start.function.name
        self.outcomes.append(Outcome(role.clause, rule.name, Verdict.KEPT, name, place, words))

    def _needed(
        self, run: Run, spec: ContractSpec, locked: bool
    ) -> tuple[tuple[str, int, int], str]:
        # Of the tests that were met the one without which the clause is broken.
        met = list(run.kept.items())
        for place, holder in met if self.places and len(met) > 1 else ():
            other = self._run(run.start, run.demand, spec)
            other.overlooked = place
            if other.hits(State(locked=locked))[0]:
                return place, holder
        return met[0]

    def _run(self, start: Start, demand: Demand, spec: ContractSpec) -> Run:
        depth = _EFFECTS if spec.depth is None else spec.depth
        # A number is wrong wherever it is: also in iomap_swapfile_activate(). What a loop in
        # shared code lets through is told by values that are not followed.
        shared = any(effect.bound is not None for effect in spec.effects)
        effects = _NOTHING.union(*(self._having(each, depth, shared) for each in spec.effects))
        guards = locks = _NOTHING
        if spec.depth is None and not shared:
            guards = self._leading(_words(demand.names), _GUARDS, shared=True)
        if demand.lock and not demand.under:
            locks = self._leading(_words(LOCK_WORDS), _LOCKS, shared=False)
        relevant = Relevant(guards, effects, locks)
        return Run(self.sources, start, demand, spec.effects, relevant, self._shapes)

    def _having(self, effect: Effect, depth: int, shared: bool) -> frozenset[str]:
        # The functions that have an effect, and those that call them.
        key = (effect, depth, shared)
        if key not in self._reach:
            holders = {
                holder
                for name, form in _forms(effect)
                for holder in self.sources.holders(name, form, shared=shared)
            }
            self._reach[key] = frozenset(self.sources.closure(holders, depth, shared=shared))
        return self._reach[key]

    def _leading(self, forms: _Forms, depth: int, *, shared: bool) -> frozenset[str]:
        # The functions that hold one of some names, in its form, and those that call them.
        key = (forms, depth, shared)
        if key not in self._reach:
            holders = {
                holder
                for name, form in forms
                for holder in self.sources.holders(name, form, shared=shared)
            }
            self._reach[key] = frozenset(self.sources.closure(holders, depth, shared=shared))
        return self._reach[key]

    # --- before the filesystem is called ----------------------------------------------

    def _from_vfs(self, role: Role, demand: Demand) -> tuple[bool, bool]:
        # Whether the VFS has tested the file, and whether it holds the lock.
        if not role.slot or role.swap or not role.vfs:
            return False, role.locked
        key = (role.slot, role.vfs, demand)
        if key not in self._handed:
            self._handed[key] = self._asked_vfs(role, demand)
        return self._handed[key]

    def _asked_vfs(self, role: Role, demand: Demand) -> tuple[bool, bool]:
        effect = Effect(message="", call=(role.slot,))
        reach = frozenset(self.sources.vfs_callers(role.slot))
        locks: set[bool] = set()
        untested = seen = False
        for name in role.vfs:
            for path, function in self.sources.functions(name, f"fs/{name}"):
                start = Start(path, function, frozenset(), ())
                guards = self._leading(_words(demand.names), _GUARDS, shared=True)
                run = Run(
                    self.sources, start, demand, (effect,), Relevant(guards, reach), self._shapes
                )
                hits, _ = run.hits(State())
                seen |= bool(run.locked)
                locks |= run.locked
                untested |= bool(hits)
        if not seen:
            return False, role.locked
        return not untested, locks == {True}

    # --- pairs ------------------------------------------------------------------------

    def _pairs(self, rule: Rule, spec: ContractSpec, role: Role, start: Start) -> None:
        taken: list[str] = []
        before = len(self.findings)
        for pair in spec.pairs:
            if not self.sources.defines(pair.take):
                continue
            takes = self.sources.holders(pair.take)
            gives = {each for name in pair.give for each in self.sources.holders(name)}
            reach = frozenset(takes ^ gives)
            found = leaks(self.sources, start, pair, reach, self._shapes)
            taken += [pair.take] if found.taken else []
            for leak in found.leaks[:1]:
                finding = as_leak(self.program, rule, role, start, pair, leak)
                if finding.place.path in self.program.files:
                    self.findings.append(finding)
                    self.outcomes.append(
                        Outcome(
                            role.clause,
                            rule.name,
                            Verdict.MISSING,
                            start.function.name,
                            finding.place,
                            finding.message,
                        )
                    )
        if len(self.findings) == before and taken:
            words = f"{role.story}: what {', '.join(f'{each}()' for each in taken)} take is given back where it fails"
            self._kept(rule, role, start, None, words)
        elif not taken:
            self._none(rule, role, f"{start.function.name}() takes nothing to give back")


_NOTHING: frozenset[str] = frozenset()
#: A member that is given something: setting it to nothing is no effect.
_RAISED = (
    r"(?:->|\.){}\s*(?:\+\+|\+=|\|=|=(?!=)(?!\s*(?:NULL|0|false)\s*;))|\+\+[\w>.-]*(?:->|\.){}\b"
)
_Forms = tuple[tuple[str, str], ...]


def _words(names: Iterable[str]) -> _Forms:
    return tuple((name, "") for name in names)


def _forms(effect: Effect) -> Iterator[tuple[str, str]]:
    # How the text of a function looks that has an effect: a word is often too common.
    for name in (*effect.call, *effect.store):
        for word in effect.mentions:
            yield name, rf"\b{{}}\s*\([^;]*\b{re.escape(word)}\b"
        if not effect.mentions:
            yield name, ""
    for name in effect.field:
        yield name, _RAISED


def _assumed(finding: Finding) -> Finding:
    return replace(finding, confidence=Confidence.ASSUMED)
