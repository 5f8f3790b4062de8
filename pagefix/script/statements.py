"""Statements and whole scripts: the interpreter.

Functions of the script are entered where they are called, with what they are given;
those that nothing calls are run once more at the end, with what their documentation and
their own use of a parameter say of it.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import libcst as cst

from pagefix.rulebook import ScriptModels
from pagefix.script.functions import Functions
from pagefix.script.helper import HELPER_NAME
from pagefix.script.machine import Doubt, Met
from pagefix.script.tree import Script, own_nodes, parameters
from pagefix.script.values import (
    UNKNOWN,
    Class,
    Cond,
    Function,
    Instance,
    Library,
    Never,
    Page,
    Raw,
    Sequence,
    State,
    Value,
    held,
    join_cond,
    merge,
)

__all__ = ["Told", "interpret"]

_ROUNDS = 3
_SIMPLE: frozenset[type] = frozenset(
    {cst.Expr, cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Return, cst.Pass, cst.Continue}
)


class Told(NamedTuple):
    """What a script comes to.

    :param met: the places that rules may be about.
    :param doubts: members of which it is not told what they are members of.
    :param tests: where each fact about a page was learnt.
    """

    met: tuple[Met, ...]
    doubts: tuple[Doubt, ...]
    tests: dict[tuple[Any, str], list[Any]]


def interpret(script: Script, models: ScriptModels) -> Told:
    """Return what is met in a script."""
    machine = _Machine(script, models)
    machine.run()
    known = {id(met.node) for met in machine.met.values()}
    doubts = [each for at, each in machine.doubts.items() if at not in known]
    return Told(tuple(machine.met.values()), tuple(doubts), machine.tests)


class _Machine(Functions):
    def __init__(self, script: Script, models: ScriptModels) -> None:
        super().__init__(script, models)
        self.functions: list[Any] = []

    def run(self) -> None:
        for _ in range(_ROUNDS):
            # What methods store is known to those that ran before them in the next round.
            self.changed = False
            state = State({}, frozenset())
            self.results.clear()
            self.called.clear()
            end = self.block(self.script.module.body, state) or state
            self.globals = end.vars
            for function in list(self.functions):
                if id(function) not in self.called:
                    self.alone(function, end.copy())
            if not self.changed:
                break
        if b"__folio_index" in self.script.source.data:
            self._mangled(self.script.module, None, None)

    def _mangled(self, node: Any, cls: Any, function: str | None) -> None:
        # Python mangles by where the text stands, whatever runs.
        for each in own_nodes(node):
            if isinstance(each, cst.ClassDef):
                self._mangled(each, each, function)
            elif isinstance(each, cst.FunctionDef | cst.Lambda):
                name = each.name.value if isinstance(each, cst.FunctionDef) else function
                self._mangled(each, cls, name)
            elif cls is not None and isinstance(each, cst.Attribute):
                if each.attr.value == "__folio_index" and cls.name.value.strip("_"):
                    self.meet_mangled(each, function)

    # --- statements

    def block(self, statements: Iterable[Any], state: State | None) -> State | None:
        for each in statements:
            if state is None:
                return None
            state = self.statement(each, state)
        return state

    def statement(self, node: Any, state: State) -> State | None:
        # The two that are most of them; to match one takes as many questions as cases before.
        kind = type(node)
        if kind is cst.SimpleStatementLine:
            return self.block(node.body, state)
        if kind in _SIMPLE:
            return self._simple(node, state)
        match node:
            case cst.SimpleStatementLine() | cst.SimpleStatementSuite():
                return self.block(node.body, state)
            case cst.If():
                return self._if(node, state)
            case cst.For() | cst.While():
                return self._loop(node, state)
            case cst.Try() | cst.TryStar():
                return self._try(node, state)
            case cst.With():
                for each in node.items:
                    value = self._entered(self.value(each.item, state), state)
                    if each.asname is not None:
                        self.assign(each.asname.name, value, state)
                return self.block(node.body.body, state)
            case cst.FunctionDef():
                self._function(node, state)
            case cst.ClassDef():
                self._class(node, state)
            case cst.Match():
                return self._match(node, state)
            case _:
                return self._simple(node, state)
        return state

    def _simple(self, node: Any, state: State) -> State | None:
        match node:
            case cst.Expr():
                value = self.value(node.value, state)
                if value and all(isinstance(atom, Never) for atom in value):
                    return None
            case cst.Assign():
                value = self.value(node.value, state)
                for each in node.targets:
                    self.assign(each.target, value, state)
            case cst.AnnAssign():
                if node.value is not None:
                    self.assign(node.target, self.value(node.value, state), state)
            case cst.AugAssign():
                self.used(node.value, state)
                if isinstance(node.target, cst.Name):
                    old = self.value(node.target, state)
                    items = self.items(self.value(node.value, state), state)
                    if any(isinstance(atom, Sequence) for atom in old):
                        self.put(node.target, [items], False, state)
                    elif not any(isinstance(atom, Page) for atom in old):
                        self.assign(node.target, UNKNOWN, state)
                else:
                    self.used(node.target, state)
            case cst.Return():
                value = frozenset({Cond(None, frozenset())})
                if node.value is not None:
                    value = held(self.value(node.value, state), state.facts)
                # What is known of a page here is not known where the function is called.
                value = frozenset(
                    atom for atom in value if not isinstance(atom, Raw) or self.may_be(atom, state)
                )
                self.frames[-1].returned.append((value, state.facts))
                return None
            case cst.Raise():
                self._others(node, state)
                return None
            case cst.Continue():
                if self.loops:
                    self.loops[-1].append(state)
                return None
            case cst.Break():
                if self.breaks:
                    self.breaks[-1].append(state)
                return None
            case cst.Assert():
                if node.msg is not None:
                    self.used(node.msg, state)
                return state.with_facts(self.cond(node.test, state).true)
            case cst.Import() | cst.ImportFrom():
                self._import(node, state)
            case cst.Del():
                pass
            case _:
                self._others(node, state)
        return state

    def _import(self, node: Any, state: State) -> None:
        if isinstance(node.names, cst.ImportStar):
            return
        for each in node.names:
            name = each.evaluated_name
            bound = each.evaluated_alias or name.split(".")[0]
            value: Value = frozenset(
                {Library(name.split(".")[-1] if each.evaluated_alias else name.split(".")[0])}
            )
            self.assign(cst.Name(bound), value, state)

    def _entered(self, value: Value, state: State) -> Value:
        # What `with` hands out: the item of a generator, or what __enter__ gives.
        found: set[Any] = set()
        for atom in value:
            if isinstance(atom, Sequence):
                found |= atom.item
            elif isinstance(atom, Instance):
                for each in self.attribute(atom.node, "__enter__", atom):
                    if isinstance(each, Function):
                        found |= self.call(each, each.node, [], state)
            else:
                found.add(atom)
        return frozenset(found)

    def _match(self, node: cst.Match, state: State) -> State | None:
        subject = self.used(node.subject, state)
        left: State | None = state
        ends = []
        for each in node.cases:
            if left is None:
                break
            inner: State | None = left.copy()
            assert inner is not None
            cond = self._fits(each.pattern, subject, inner)
            inner = inner.with_facts(cond.true)
            if each.guard is not None and inner is not None:
                test = self.cond(each.guard, inner)
                inner = inner.with_facts(test.true)
                # It does not come here because of the pattern, or because of the test.
                missed = [Cond(cond.false, None), Cond(test.false, None)]
                cond = Cond(cond.true, join_cond(missed).true)
            ends.append(self.block(each.body.body, inner))
            left = left.with_facts(cond.false)
        return merge(left, *ends)

    def _fits(self, pattern: Any, subject: Value, state: State) -> Cond:
        # What is known where a case fits and where it does not; it binds its names.
        match pattern:
            case cst.MatchAs(pattern=None, name=name):
                if name is not None:
                    self.assign(name, subject, state)
                return Cond(frozenset(), None)
            case cst.MatchAs():
                cond = self._fits(pattern.pattern, subject, state)
                if pattern.name is not None:
                    self.assign(pattern.name, subject, state)
                return cond
            case cst.MatchSingleton() | cst.MatchValue():
                other = self.value(pattern.value, state)
                return self._equal(subject, other, pattern)
            case cst.MatchSequence():
                names = []
                for each in pattern.patterns:
                    inner = getattr(each, "value", None)
                    name = None
                    if isinstance(inner, cst.MatchAs) and inner.pattern is None:
                        name = inner.name
                    names.append(name or cst.Name("_"))
                self._unpack([cst.Element(name) for name in names], subject, state)
        return Cond(frozenset(), frozenset())

    def _if(self, node: cst.If, state: State) -> State | None:
        cond = self.cond(node.test, state)
        then = state.with_facts(cond.true)
        other = state.with_facts(cond.false)
        end = self.block(node.body.body, then)
        if isinstance(node.orelse, cst.If) and other is not None:
            other = self._if(node.orelse, other)
        elif isinstance(node.orelse, cst.Else):
            other = self.block(node.orelse.body.body, other)
        return merge(end, other)

    def _loop(self, node: Any, state: State) -> State | None:
        here: State | None = state
        leaving: State | None = None
        for _ in range(_ROUNDS):
            assert here is not None
            before = here.copy()
            inner: State | None = here.copy()
            assert inner is not None
            if isinstance(node, cst.For):
                self.iterate(node.target, self.value(node.iter, inner), inner)
                done: State | None = before
            else:
                cond = self.cond(node.test, inner)
                done = inner.with_facts(cond.false)
                inner = inner.with_facts(cond.true)
            self.loops.append([])
            self.breaks.append([])
            end = self.block(node.body.body, inner)
            again = merge(end, *self.loops.pop())
            left = self.breaks.pop()
            leaving = merge(merge(done, again) if isinstance(node, cst.For) else done, *left)
            following = merge(before, again)
            if following is None or following.same(before):
                break
            here = following
        if node.orelse is not None:
            leaving = merge(
                leaving, self.block(node.orelse.body.body, leaving.copy() if leaving else None)
            )
        return leaving

    def _try(self, node: Any, state: State) -> State | None:
        names = [self._caught(each.type) for each in node.handlers]
        meets = any(name & {"AttributeError", "LookupError", "Exception", ""} for name in names)
        named = any("AttributeError" in name for name in names)
        before = state.copy()
        self.covered += named
        end = self.block(node.body.body, state)
        self.covered -= named
        # An exception may leave the body anywhere: nothing that was tested in it is known.
        broken = merge(before, State(dict(state.vars), before.facts)) if meets or names else before
        ends = []
        for each, name in zip(node.handlers, names, strict=True):
            assert broken is not None
            inner = broken.copy()
            self.covered += "AttributeError" in name
            ends.append(self.block(each.body.body, inner))
            self.covered -= "AttributeError" in name
        if node.orelse is not None:
            end = self.block(node.orelse.body.body, end)
        result = merge(end, *ends)
        if node.finalbody is not None:
            final = self.block(node.finalbody.body.body, (result or broken or state).copy())
            return final if result is not None else None
        return result

    @staticmethod
    def _caught(node: Any) -> set[str]:
        if node is None:
            return {""}
        elements = node.elements if isinstance(node, cst.Tuple) else ()
        nodes = [each.value for each in elements] or [node]
        return {
            each.attr.value if isinstance(each, cst.Attribute) else getattr(each, "value", "")
            for each in nodes
        }

    def _function(self, node: cst.FunctionDef, state: State) -> None:
        if node.name.value == HELPER_NAME:
            # Ours: it tells the cases apart, and is no more to be found fault with.
            self.assign(node.name, frozenset({Library(HELPER_NAME)}), state)
            return
        fresh = id(node) not in self.scopes
        self.define(node)
        for each in parameters(node):
            if each.default is not None:
                self.value(each.default, state)
        if fresh:
            self.functions.append(node)
        value: Value = frozenset({Function(node)})
        self.assign(node.name, value, state)

    def _class(self, node: cst.ClassDef, state: State) -> None:
        self.assign(node.name, frozenset({Class(node)}), state)
        self.classes.append(node)
        self.block(node.body.body, state.copy())
        self.classes.pop()
