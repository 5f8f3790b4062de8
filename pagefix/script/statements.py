"""Statements, functions and whole scripts: the interpreter.

Functions of the script are entered where they are called, with what they are given;
those that nothing calls are run once more at the end, with what their documentation and
their own use of a parameter say of it.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import libcst as cst

from pagefix.finding import Step
from pagefix.rulebook import ScriptModels
from pagefix.script.expressions import Expressions
from pagefix.script.helper import HELPER_NAME
from pagefix.script.machine import Frame, Met, pages_in
from pagefix.script.tree import Script, own_nodes, parameters
from pagefix.script.values import (
    UNKNOWN,
    Class,
    Cond,
    Function,
    Instance,
    Library,
    Page,
    Raw,
    Sequence,
    State,
    Value,
    join,
    join_cond,
    merge,
)

__all__ = ["interpret"]

_DEPTH = 8
_ROUNDS = 3
_DOCUMENTED = re.compile(r":param\s+(?P<name>\w+):\s*`*struct (?:page|folio)\s*\*")


def interpret(script: Script, models: ScriptModels) -> tuple[Met, ...]:
    """Return the places of a script that rules may be about."""
    machine = _Machine(script, models)
    machine.run()
    return tuple(machine.met.values())


class _Machine(Expressions):
    def __init__(self, script: Script, models: ScriptModels) -> None:
        super().__init__(script, models)
        self.functions: list[Any] = []
        self.called: set[int] = set()
        self.results: dict[Any, tuple[Value, frozenset[Any]]] = {}
        self.loops: list[list[State]] = []
        self.breaks: list[list[State]] = []

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
                    self._alone(function, end.copy())
            if not self.changed:
                break

    def _alone(self, function: Any, state: State) -> None:
        # A function that nothing here calls.
        state.facts = frozenset()
        pages = self._told(function)
        cls = self.class_of.get(id(function))
        values: list[Value] = []
        for at, each in enumerate(parameters(function)):
            name = each.name.value
            if at == 0 and cls is not None:
                values.append(frozenset({Instance(cls)}))
            elif name in pages:
                values.append(frozenset({self.new_page(each.name, "any", pages[name])}))
            else:
                values.append(UNKNOWN)
        outer = self.scopes.get(id(function), ())[1:]
        for scope in outer:
            for name in self.bound[id(scope)][0]:
                state.vars.setdefault((id(scope), name), UNKNOWN)
        result = self._enter(function, values, state)
        self.use(result, state)

    def _told(self, function: Any) -> dict[str, str]:
        names = {each.name.value for each in parameters(function)}
        found = {}
        if isinstance(function, cst.FunctionDef):
            for each in _DOCUMENTED.finditer(function.get_docstring() or ""):
                if each["name"] in names:
                    found[each["name"]] = "documented as a page: it may be any"
        for node in own_nodes(function.body):
            if not isinstance(node, cst.Call) or not node.args:
                continue
            callee = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
            if not isinstance(callee, cst.Name):
                continue
            takes = callee.value in self.models.tests or (
                callee.value in self.models.helpers
                and self.models.helpers[callee.value].gives in ("none", "argument")
            )
            arg = node.args[0].value
            if takes and isinstance(arg, cst.Name) and arg.value in names:
                value = self.lookup(callee.value, State(self.globals, frozenset()))
                if value is None or any(isinstance(atom, Library) for atom in value):
                    found.setdefault(
                        arg.value, f"{callee.value}() takes it for a page: it may be any"
                    )
        return found

    # --- calls

    def call(self, callee: Any, node: Any, values: Any, state: State) -> Value:
        if isinstance(callee, Class):
            made: Value = frozenset({Instance(callee.node)})
            for atom in self.attribute(callee.node, "__init__", Instance(callee.node)):
                if isinstance(atom, Function):
                    self.call(atom, node, values, state)
            return made
        function = callee.node
        given = parameters(function)
        by_name: dict[str, Value] = {}
        first = 0
        static = self._decorated(function, "staticmethod")
        if callee.self is not None and given and not static:
            by_name[given[0].name.value] = frozenset({callee.self})
            first = 1
        positional = first
        for arg, value in values:
            if arg.keyword is not None:
                by_name[arg.keyword.value] = value
            elif arg.star == "" and positional < len(given):
                by_name[given[positional].name.value] = value
                positional += 1
            else:
                self.use(value, state)
        place = self.script.source.place(*self.script.span(node))
        name = function.name.value if isinstance(function, cst.FunctionDef) else "a lambda"
        step = Step(self.depth, place, f"is handed to {name}()")
        args = [self._through(by_name.get(each.name.value, UNKNOWN), step) for each in given]
        self.called.add(id(function))
        if len(self.frames) > _DEPTH or any(each.node is function for each in self.frames):
            return UNKNOWN
        keys = {page.key for each in args for page in pages_in(each)}
        known = frozenset(each for each in state.facts if each[0] in keys)
        key = (id(function), tuple(args), known)
        if key not in self.results:
            self.results[key] = self._enter(function, args, state), frozenset()
        return self.results[key][0]

    @staticmethod
    def _decorated(function: Any, name: str) -> bool:
        return any(
            isinstance(each.decorator, cst.Name) and each.decorator.value == name
            for each in getattr(function, "decorators", ())
        )

    @staticmethod
    def _through(value: Value, step: Step) -> Value:
        return frozenset(
            atom._replace(steps=(*atom.steps[:6], step)) if isinstance(atom, Page) else atom
            for atom in value
        )

    def _enter(self, function: Any, args: Iterable[Value], state: State) -> Value:
        inner = state.copy()
        for param, value in zip(parameters(function), args, strict=False):
            inner.vars[id(function), param.name.value] = value
        frame = Frame(function)
        self.frames.append(frame)
        classes, self.classes = self.classes, []
        covered, self.covered = self.covered, 0
        loops, self.loops = self.loops, []
        breaks, self.breaks = self.breaks, []
        try:
            if isinstance(function, cst.Lambda):
                return self.value(function.body, inner)
            end = self.block(function.body.body, inner)
        finally:
            self.frames.pop()
            self.classes, self.covered = classes, covered
            self.loops, self.breaks = loops, breaks
        # What it stored in variables of the script.
        for key, value in (end.vars if end is not None else inner.vars).items():
            if key[0] == 0 and state.vars.get(key) != value:
                state.vars[key] = value
        if frame.generator:
            return frozenset({Sequence(join(frame.yielded))})
        returned = list(frame.returned)
        if end is not None:
            returned.append((frozenset({Cond(None, frozenset())}), end.facts))
        return self._result(returned)

    def _result(self, returned: list[tuple[Value, Any]]) -> Value:
        rest: list[Value] = []
        conds: list[Cond] = []
        told = False
        for value, facts in returned:
            rest.append(frozenset(atom for atom in value if not isinstance(atom, Cond)))
            told = told or any(isinstance(atom, Cond) for atom in value)
            cond = self.cond_of(value)
            conds.append(
                Cond(
                    None if cond.true is None else cond.true | facts,
                    None if cond.false is None else cond.false | facts,
                )
            )
        return join(rest) | ({join_cond(conds)} if told else frozenset())

    def escape(self, args: Iterable[Value], state: State) -> None:
        for value in args:
            for atom in value:
                if isinstance(atom, Function):
                    self.called.discard(id(atom.node))

    # --- statements

    def block(self, statements: Iterable[Any], state: State | None) -> State | None:
        for each in statements:
            if state is None:
                return None
            state = self.statement(each, state)
        return state

    def statement(self, node: Any, state: State) -> State | None:
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
                    value = self.value(each.item, state)
                    if each.asname is not None:
                        self.assign(each.asname.name, value, state)
                return self.block(node.body.body, state)
            case cst.FunctionDef():
                self._function(node, state)
            case cst.ClassDef():
                self._class(node, state)
            case cst.Match():
                self.used(node.subject, state)
                ends = [self.block(each.body.body, state.copy()) for each in node.cases]
                return merge(state, *ends)
            case _:
                return self._simple(node, state)
        return state

    def _simple(self, node: Any, state: State) -> State | None:
        match node:
            case cst.Expr():
                self.value(node.value, state)
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
                value = self.value(node.value, state) if node.value is not None else UNKNOWN
                if node.value is None:
                    value = frozenset({Cond(None, frozenset())})
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
