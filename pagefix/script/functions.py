"""Functions of the script: entered where they are called, with what they are given.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import libcst as cst

from pagefix.rulebook import ScriptModels
from pagefix.script.library import Calls
from pagefix.script.machine import Frame, decorated, pages_in
from pagefix.script.tree import Script, own_nodes, parameters
from pagefix.script.values import (
    UNKNOWN,
    Class,
    Cond,
    Function,
    Instance,
    Library,
    Never,
    Number,
    Page,
    Partial,
    Raw,
    Sequence,
    State,
    Tuple,
    Value,
    Way,
    held,
    join,
    join_cond,
    renewed,
)

__all__ = ["Functions"]

_DEPTH = 8
_DOCUMENTED = re.compile(r":param\s+(?P<name>\w+):\s*(?:`*|\(?)struct (?P<record>page|folio)\s*\*")


class Functions(Calls):
    """The part of the interpreter that enters functions."""

    def __init__(self, script: Script, models: ScriptModels) -> None:
        super().__init__(script, models)
        self.called: set[int] = set()
        self.results: dict[Any, Value] = {}
        self.told: dict[int, dict[str, tuple[str, bool]]] = {}
        self.loops: list[list[State]] = []
        self.breaks: list[list[State]] = []

    def call(self, callee: Any, node: Any, values: Any, state: State) -> Value:
        """Run a function of the script."""
        if isinstance(callee, Partial):
            first = [(None, each) for each in callee.args]
            return self.call(callee.function, node, [*first, *values], state)
        if isinstance(callee, Class):
            return self._made(callee, node, values, state)
        if not isinstance(callee, Function):
            return UNKNOWN
        function = callee.node
        by_name = self._given(function, callee.self, values, state)
        name = function.name.value if isinstance(function, cst.FunctionDef) else "a lambda"
        way: Way | None = None
        told = self.told_of(function)
        args = []
        for each in parameters(function):
            value = by_name.get(each.name.value)
            if value is None and each.default is not None:
                value = self.value(each.default, state)
            if not value and each.name.value in told:
                value = self._documented(each, told[each.name.value])
            if value and any(isinstance(atom, Page) for atom in value):
                way = way or Way(self.depth, self.serial(node), node, f"is handed to {name}()")
                value = _through(value, way)
            args.append(value or UNKNOWN)
        self.called.add(id(function))
        again = sum(each.node is function for each in self.frames)
        if len(self.frames) > _DEPTH or again > 1:
            return UNKNOWN
        if again:
            # It calls itself: what it was told to begin with is not what it is told at the end.
            args = [frozenset(a for a in each if not isinstance(a, Number)) for each in args]
        keys = {page.key for each in args for page in pages_in(each)}
        keys |= {atom.page.key for each in args for atom in each if isinstance(atom, Raw)}
        key = (id(function), tuple(args), state.facts)
        if key not in self.results:
            self.results[key] = self._enter(function, args, state)
        return self._apart(self.results[key], keys, node)

    def _apart(self, value: Value, given: set[Any], node: Any) -> Value:
        # Two calls give two pages, unless the function hands on what it has.
        def key(old: Any) -> Any:
            if old in given or old in self.heap_keys or old[:1] == ("of",):
                return old
            at = self.path(node)
            new = ("of", old[-1], self.serial(node) if at is None else at)
            self.depends[new] = self.depends.get(at, frozenset())
            return new

        return renewed(value, key) if value else value

    def _given(self, function: Any, me: Any, values: Any, state: State) -> dict[str, Value]:
        params = function.params
        plain = [*params.posonly_params, *params.params]
        names = {each.name.value for each in parameters(function)}
        found: dict[str, Value] = {}
        rest: list[Value] = []
        at = 0
        if me is not None and plain:
            found[plain[0].name.value] = frozenset({me})
            at = 1
        for arg, value in values:
            keyword = arg.keyword.value if arg is not None and arg.keyword is not None else None
            star = arg.star if arg is not None else ""
            value = held(value, state.facts) if star else value
            if keyword is not None and keyword in names:
                found[keyword] = value
            elif star == "*":
                for item in self._spread(value, len(plain) - at, state):
                    found[plain[at].name.value] = item
                    at += 1
            elif star == "" and keyword is None and at < len(plain):
                found[plain[at].name.value] = value
                at += 1
            else:
                rest.append(value)
        for one in (params.star_arg, params.star_kwarg):
            if isinstance(one, cst.Param) and rest:
                found[one.name.value] = frozenset({Sequence(held(join(rest), state.facts))})
        return found

    def _spread(self, value: Value, count: int, state: State) -> list[Value]:
        for atom in value:
            if isinstance(atom, Tuple):
                return list(atom.items[:count])
        return [self.items(value, state)] * count

    def _made(self, callee: Class, node: Any, values: Any, state: State) -> Value:
        me = Instance(callee.node)
        init = self.attribute(callee.node, "__init__", me)
        for atom in init:
            if isinstance(atom, Function):
                self.call(atom, node, values, state)
        if not init:
            # A dataclass, or a NamedTuple.
            fields = [
                each.target.value
                for line in callee.node.body.body
                if isinstance(line, cst.SimpleStatementLine)
                for each in line.body
                if isinstance(each, cst.AnnAssign) and isinstance(each.target, cst.Name)
            ]
            for number, (arg, value) in enumerate(values):
                keyword = arg.keyword if arg is not None else None
                name = fields[number] if keyword is None and number < len(fields) else None
                if keyword is not None:
                    name = keyword.value
                if name is not None:
                    self.store(callee.node, name, held(value, state.facts))
        return frozenset({me})

    def told_of(self, function: Any) -> dict[str, tuple[str, bool]]:
        """Return what a function says of its parameters: which are pages, and why."""
        if id(function) not in self.told:
            self.told[id(function)] = self._told(function)
        return self.told[id(function)]

    def _told(self, function: Any) -> dict[str, tuple[str, bool]]:
        names = {each.name.value for each in parameters(function)}
        found = {}
        if isinstance(function, cst.FunctionDef):
            for each in _DOCUMENTED.finditer(function.get_docstring() or ""):
                if each["name"] in names:
                    told = f"documented as a {each['record']}: it may be any"
                    found[each["name"]] = told, each["record"] == "folio"
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
                    told = f"{callee.value}() takes it for a page: it may be any"
                    found.setdefault(arg.value, (told, False))
        return found

    def _documented(self, param: cst.Param, told: tuple[str, bool]) -> Value:
        return frozenset({self.new_page(param.name, "any", told[0], folio=told[1])})

    def alone(self, function: Any, state: State) -> None:
        """Run a function that nothing here calls."""
        state.facts = frozenset()
        told = self.told_of(function)
        cls = self.class_of.get(id(function))
        values: list[Value] = []
        for at, each in enumerate(parameters(function)):
            name = each.name.value
            if at == 0 and cls is not None and not decorated(function, "staticmethod"):
                kind = Class if decorated(function, "classmethod") else Instance
                values.append(frozenset({kind(cls)}))
            elif name in told:
                values.append(self._documented(each, told[name]))
            else:
                values.append(UNKNOWN)
        outer = self.scopes.get(id(function), ())[1:]
        for scope in outer:
            for name in self.bound[id(scope)][0]:
                state.vars.setdefault((id(scope), name), UNKNOWN)
        result = self._enter(function, values, state)
        self.use(result, state)

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
                return held(self.value(function.body, inner), inner.facts)
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
        return self._result(returned) if returned else frozenset({Never()})

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
        return UNKNOWN.union(*rest) | ({join_cond(conds)} if told else frozenset())

    def escape(self, args: Iterable[Value], state: State) -> None:
        """Note functions that are handed to something unknown."""
        for value in args:
            for atom in value:
                function = atom.function if isinstance(atom, Partial) else atom
                if isinstance(function, Function):
                    self.called.discard(id(function.node))

    def block(self, statements: Iterable[Any], state: State | None) -> State | None:
        """Run statements; ``None`` where what follows them is never reached."""
        raise NotImplementedError


def _through(value: Value, way: Way) -> Value:
    return frozenset(
        atom._replace(steps=(*atom.steps[:6], way)) if isinstance(atom, Page) else atom
        for atom in value
    )
