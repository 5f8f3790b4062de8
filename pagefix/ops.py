"""Ops rules: tables that lack what the VM of this tree calls, or that are out of place.

In: the program, ops rules. Out: findings at the slot that asks for what is missing, each
with the place of the VM's call.

Floor 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from pagefix import reads
from pagefix.c import ast, walk
from pagefix.finding import Confidence, Finding, Severity, Step, fingerprint
from pagefix.program import Program, Typer, swaps_through_methods
from pagefix.rulebook import Called, Installed, OpsSpec, Refused, Rule, Template
from pagefix.source import Place

__all__ = ["Pairing", "find_ops", "pairings"]

#: Where the VM's own constants are.
_SWAP = "include/linux/swap.h"


class _Use(NamedTuple):
    # What one function of the VM does with a slot.
    path: str
    slot: str
    function: ast.Function
    start: int
    end: int


class _Table(NamedTuple):
    # A table that sets the slot in question.
    path: str
    item: ast.Global
    members: dict[str, ast.Init]


def find_ops(program: Program, rules: Iterable[Rule]) -> tuple[list[Finding], list[str]]:
    """Return the findings of ops rules, and a sentence for each thing that was not known."""
    found: list[Finding] = []
    unknown: list[str] = []
    for rule in rules:
        spec = rule.spec
        if isinstance(spec, OpsSpec):
            tables = list(_tables(program, spec))
            if tables:
                work = _Rule(program, rule, spec)
                found += work.findings(tables)
                unknown += work.unknown
    return found, list(dict.fromkeys(unknown))


class Pairing(NamedTuple):
    """What a table has of the methods that the VM calls without a test, for one clause.

    :param lacks: what it has not, where no finding says so: it has no ``slot`` yet.
    """

    clause: str
    table: str
    place: Place
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    finding: Finding | None


def pairings(
    program: Program, rules: Iterable[Rule], planned: Iterable[str]
) -> Iterator[tuple[Rule, Pairing]]:
    """Yield what becomes of the clauses of ops rules, for each table that they speak of.

    :param planned: tables that are to get the slot.
    """
    for rule in rules:
        if isinstance(rule.spec, OpsSpec):
            work = _Rule(program, rule, rule.spec)
            for path, item in program.tables(rule.spec.record):
                found = _members(program, path, item, rule.spec.empty)
                if rule.spec.slot in found or item.name in planned:
                    for what in rule.spec.called:
                        if what.clause:
                            yield rule, work.pairing(_Table(path, item, found), what)


def _tables(program: Program, spec: OpsSpec) -> Iterator[_Table]:
    for path, item in program.tables(spec.record):
        members = _members(program, path, item, spec.empty)
        if spec.slot in members:
            yield _Table(path, item, members)


def _members(
    program: Program, path: str, item: ast.Global, empty: Iterable[str]
) -> dict[str, ast.Init]:
    nothing = frozenset(("NULL", *empty))
    return {
        slot: each
        for slot, each in program.slots(item, path).items()
        if not (isinstance(each.value, ast.Name) and each.value.name in nothing)
        if not (isinstance(each.value, ast.Number) and each.value.value == 0)
    }


class _Rule:
    # One rule at work.

    def __init__(self, program: Program, rule: Rule, spec: OpsSpec) -> None:
        self.program = program
        self.rule = rule
        self.spec = spec
        self.unknown: list[str] = []

    def findings(self, tables: Iterable[_Table]) -> Iterator[Finding]:
        for table in tables:
            for called in self.spec.called:
                yield from self.called(table, called)
            for refused in self.spec.refused:
                yield from self.refused(table, refused)
            for installed in self.spec.installed:
                yield from self.installed(table, installed)

    # --- what the VM calls

    def pairing(self, table: _Table, what: Called) -> Pairing:
        # The same questions as for findings; of a table without the slot, what it will need.
        real = self.spec.slot in table.members
        asked = not real or not what.asks or self.asks(table, what)
        slots = {use.slot for use in self.uses(what.files, _calls)} if asked else set()
        slots.discard(self.spec.slot)
        has = tuple(sorted(slots & set(table.members)))
        lacks = () if real else tuple(sorted(slots - set(has)))
        found = next(iter(self.called(table, what)), None) if real else None
        source = self.program.unit(table.path).source
        at = table.members[self.spec.slot].value.start if real else table.item.at
        place = source.place(at, at + 1)
        return Pairing(what.clause, table.item.name, place, has, lacks, found)

    def called(self, table: _Table, what: Called) -> Iterator[Finding]:
        if what.asks and not self.asks(table, what):
            return
        for use in self.uses(what.files, _calls):
            if use.slot in table.members or use.slot == self.spec.slot:
                continue
            text = self.text(use)
            step = self.step(use, f"{use.function.name}() calls {text}, and does not test it")
            found = self.finding(table, what.message, use.slot, use.function.name, (step,))
            yield self.saved(found) if self.tests(table, use.slot) else found

    def tests(self, table: _Table, slot: str) -> bool:
        # Whether the table's own function asks for the method before it says yes.
        return any(
            member.field == slot
            for function in self.functions(table)
            for member in _refusals(function)
        )

    def saved(self, finding: Finding) -> Finding:
        words = f"; {self.spec.slot} itself tests for it, and so refuses every file"
        return replace(finding, message=finding.message + words, severity=Severity.NOTE)

    def refused(self, table: _Table, what: Refused) -> Iterator[Finding]:
        for use in self.uses(what.files, _refusals):
            if use.slot not in table.members:
                text = self.text(use)
                step = self.step(use, f"{use.function.name}() refuses it: !{text}")
                yield self.finding(table, what.message, use.slot, use.function.name, (step,))

    def asks(self, table: _Table, what: Called) -> bool:
        # Whether the VM makes the calls for this table: its function asks for them by a
        # constant; where the VM itself sets the constant, by a return of 0 if others can
        # be told apart at all.
        body = self.body(table)
        if body is not None and any(_has_word(body, name) for name in what.asks):
            return True
        if not self.given(what):
            return False
        if what.extents and self.program.enumerator(what.extents, _SWAP):
            return any(
                swaps_through_methods(self.program, name, table.path)
                for name in self.activates(table)
            )
        return True

    def given(self, what: Called) -> bool:
        for path in self.files(("mm/swapfile.c", *what.files)):
            for function in _functions(self.program, path, what.asks):
                for node in walk(function.body):
                    if isinstance(node, ast.Assign) and node.op == "|=":
                        if isinstance(node.value, ast.Name) and node.value.name in what.asks:
                            return True
        return False

    def body(self, table: _Table) -> bytes | None:
        texts = [
            self.program.unit(where).code[function.start : function.end]
            for where, function in self.definitions(table)
        ]
        return b"\n".join(texts) if texts else None

    def functions(self, table: _Table) -> Iterator[ast.Function]:
        for _, function in self.definitions(table):
            yield function

    def definitions(self, table: _Table) -> Iterator[tuple[str, ast.Function]]:
        for name in self.activates(table):
            yield from self.program.functions(name, table.path)

    def activates(self, table: _Table) -> list[str]:
        methods = self.program.methods(table.item, table.path)
        return [each.name for each in methods.get(self.spec.slot, ())]

    # --- the VM's files

    def files(self, wanted: Iterable[str]) -> list[str]:
        found = []
        for path in dict.fromkeys(wanted):
            if self.program.tree.root is not None and reads.is_file(self.program.disk(path)):
                found.append(path)
            else:
                self.unknown.append(
                    f"no {path} at hand: which methods the VM calls there is not known"
                    f" ({self.rule.name})"
                )
        return found

    def uses(self, wanted: Iterable[str], how: object) -> Iterator[_Use]:
        seen: set[str] = set()
        for path in self.files(wanted):
            for function in _functions(self.program, path, self.slots(path)):
                typer = Typer(self.program, path, function)
                for member in how(function):  # type: ignore[operator]
                    if member.field not in seen and self.is_table(typer, member, path):
                        seen.add(member.field)
                        yield _Use(path, member.field, function, member.start, member.end)

    def slots(self, path: str) -> tuple[str, ...]:
        records = self.program.record(self.spec.record, path)
        return tuple(field.name for record in records for field in record.fields if field.name)

    def is_table(self, typer: Typer, member: ast.Member, path: str) -> bool:
        type_ = self.program.strip(typer.type_of(member.base), path)
        if isinstance(type_, ast.Pointer):
            type_ = self.program.strip(type_.to, path)
        return isinstance(type_, ast.Base | ast.Record) and type_.name == self.spec.record

    # --- where a table is installed

    def installed(self, table: _Table, what: Installed) -> Iterator[Finding]:
        places = list(_installs(self.program, table.item.name))
        others = [self.beside(path, block, what) for path, block in places]
        if places and all(others):
            (path, block), other = places[0], others[0]
            assert other is not None
            function = block.function.name
            place = self.program.unit(path).source.place(block.start, block.end)
            step = Step(0, place, f"{function}() installs it beside {other}")
            yield self.finding(table, what.message, other, function, (step,))

    def beside(self, path: str, block: _Block, what: Installed) -> str | None:
        for name in block.others:
            if name in what.names:
                return name
            for where, item in self.program.variable(name, path):
                type_ = item.type
                if isinstance(type_, ast.Base | ast.Record) and type_.name == what.beside:
                    if set(what.slots) & set(_members(self.program, where, item, ())):
                        return name
        return None

    # --- findings

    def text(self, use: _Use) -> str:
        return " ".join(self.program.unit(use.path).source.text(use.start, use.end).split())

    def step(self, use: _Use, sentence: str) -> Step:
        return Step(0, self.program.unit(use.path).source.place(use.start, use.end), sentence)

    def finding(
        self, table: _Table, message: Template, slot: str, caller: str, steps: tuple[Step, ...]
    ) -> Finding:
        source = self.program.unit(table.path).source
        member = table.members[self.spec.slot]
        at, end = member.value.start, member.value.end
        if member.designators:
            at = member.designators[0].at
            end = at + len(self.spec.slot)
        place = source.place(at, end)
        words = {"TABLE": table.item.name, "SLOT": slot, "CALLER": caller}
        last = Step(len(steps), place, f"{table.item.name} sets {self.spec.slot}")
        return Finding(
            rule=self.rule.name,
            kind=self.rule.kind,
            place=place,
            span=source.span(at, end),
            function=None,
            field=None,
            expression=f".{self.spec.slot}",
            message=message.fill(words),
            severity=self.rule.severity,
            confidence=Confidence.RESOLVED,
            fingerprint=fingerprint(self.rule.name, None, (table.item.name, slot)),
            trace=(*steps, last),
        )


# --- syntax


def _functions(program: Program, path: str, words: Iterable[str]) -> Iterator[ast.Function]:
    # The functions of a file that name one of the words: the others are not even read.
    words = tuple(words)
    program.asked.words.update(words)
    names = [re.escape(word.encode()) for word in words]
    form = re.compile(rb"(?:->|\.|\|=)\s*(?:" + b"|".join(names) + rb")\b")
    unit = program.unit(path)
    for chunk in unit.chunks if names else ():
        if not form.search(unit.code, chunk.start, chunk.end):
            continue
        for item in unit.items(chunk):
            if isinstance(item, ast.Function):
                yield item


def _calls(function: ast.Function) -> Iterator[ast.Member]:
    # Slots that are called and that no test of the function names.
    called = [
        node.func
        for node in walk(function.body)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Member)
    ]
    tested = {
        member.field
        for node in walk(function.body)
        if isinstance(node, ast.If | ast.Conditional)
        for member in walk(node.test)
        if isinstance(member, ast.Member) and all(member is not each for each in called)
    }
    yield from (member for member in called if member.field not in tested)


def _refusals(function: ast.Function) -> Iterator[ast.Member]:
    for node in walk(function.body):
        if isinstance(node, ast.If):
            for test in walk(node.test):
                if isinstance(test, ast.Unary) and test.op == "!":
                    if isinstance(test.operand, ast.Member):
                        yield test.operand


class _Block(NamedTuple):
    # A place that installs a table, and what the same block installs.
    function: ast.Function
    start: int
    end: int
    others: tuple[str, ...]


def _installs(program: Program, table: str) -> Iterator[tuple[str, _Block]]:
    looked: set[tuple[str, int]] = set()
    for path, offset in program.callers(table):
        unit = program.unit(path)
        chunk = unit.chunk_at(offset)
        if chunk is not None and (path, chunk.start) not in looked:
            looked.add((path, chunk.start))
            for item in unit.items(chunk):
                if isinstance(item, ast.Function):
                    for block in _blocks(item, item.body, ()):
                        if block[0].name == table:
                            yield path, _Block(item, block[0].start, block[0].end, block[1])


def _blocks(
    function: ast.Function, node: object, around: tuple[str, ...]
) -> Iterator[tuple[ast.Name, tuple[str, ...]]]:
    # Each address of a global that is stored, with those stored in the same block or around
    # it. A case of a switch is a block of its own.
    if not isinstance(node, tuple):
        return
    if isinstance(node, ast.Block):
        for part in _cases(node.body):
            own = [name for each in part for name in _stored(each)]
            names = (*around, *(name.name for name in own))
            for name in own:
                yield name, tuple(other for other in names if other != name.name)
            for each in part:
                yield from _nested(function, each, names)
        return
    yield from _nested(function, node, around)


def _nested(
    function: ast.Function, node: object, around: tuple[str, ...]
) -> Iterator[tuple[ast.Name, tuple[str, ...]]]:
    if isinstance(node, ast.ExprStmt):
        return
    if isinstance(node, tuple):
        for part in node:
            if isinstance(part, ast.Block):
                yield from _blocks(function, part, around)
            elif isinstance(part, ast.ExprStmt):
                block = ast.Block(part.start, part.end, (part,))
                yield from _blocks(function, block, around)
            elif isinstance(part, tuple):
                yield from _nested(function, part, around)


def _cases(body: tuple[ast.Stmt, ...]) -> Iterator[tuple[ast.Stmt, ...]]:
    part: list[ast.Stmt] = []
    for each in body:
        if isinstance(each, ast.Case) and part:
            yield tuple(part)
            part = []
        part.append(each)
    yield tuple(part)


def _stored(statement: ast.Stmt) -> Iterator[ast.Name]:
    if not isinstance(statement, ast.ExprStmt):
        return
    node = statement.value
    while isinstance(node, ast.Assign):
        value = node.value
        if isinstance(value, ast.Unary) and value.op == "&":
            value = value.operand
        if isinstance(value, ast.Name) and value.decl == ast.GLOBAL:
            yield value
        node = node.value


def _has_word(text: bytes, name: str) -> bool:
    return re.search(rb"\b" + re.escape(name.encode()) + rb"\b", text) is not None
