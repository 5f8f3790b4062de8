"""Calls that lead out of what is read: the written policy for functions without a body.

Also what is handed from a caller to a callee: which values are worth it, and in which form.
Fifth part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pagefix.c import ast
from pagefix.flow.contexts import Edge, Kind, Summary
from pagefix.flow.expressions import Expressions
from pagefix.flow.heap import ALWAYS_THERE
from pagefix.flow.outcomes import predicate
from pagefix.flow.places import PAGE_RECORDS
from pagefix.flow.steps import Call
from pagefix.flow.values import (
    TOP,
    UNKNOWN,
    Atom,
    Const,
    Func,
    Ident,
    Labelled,
    Page,
    Pointer,
    Predicate,
    Range,
    Value,
    ordered,
    pages,
    pointers,
    tags,
    tracked,
)

__all__ = ["Beyond", "split"]

#: What is worth telling contexts apart.
_HANDED = frozenset(("page", "func"))
#: Constants that steer branches in a callee; larger ones are not worth a context.
_SMALL = range(1 << 20)


class Beyond(Expressions):
    """What a call hands over, and what becomes of it where no body is known."""

    def carries(self, value: Value) -> bool:
        """Return whether a value is, or leads to, something tracked."""
        if value is UNKNOWN:
            return False
        if tracked(value):
            return True
        return any(
            self.run.is_table(one.target) or self.heap.holds(one.target, self.context.number)
            for one in pointers(value)
        )

    def _steers(self, value: Value) -> bool:
        # A page or a callback, at hand or below: worth telling contexts apart.
        if value is UNKNOWN:
            return False
        if not _HANDED.isdisjoint(tags(value)):
            return True
        return any(
            self.run.is_table(one.target) or self.heap.holds_page(one.target, self.context.number)
            for one in pointers(value)
        )

    def _abstract(self, value: Value, index: int, names: dict[Ident, Ident]) -> Value:
        if value is UNKNOWN:
            return value
        kept: set[Atom] = set()
        numbers = [atom for atom in value if isinstance(atom, Const)]
        for atom in value:
            if isinstance(atom, Page):
                kept.add(Page("page", frozenset((("arg", index),)), False))
            elif isinstance(atom, Pointer):
                if self._negligible(atom.target):
                    kept.add(TOP)
                else:
                    kept.add(Pointer("pointer", atom.target, atom.inner, False))
            elif isinstance(atom, Func):
                kept.add(Func("func", atom.name, atom.path, False))
            elif isinstance(atom, Range):
                kept.add(Range("range", frozenset(names[i] for i in atom.idents if i in names)))
            elif isinstance(atom, Predicate):
                cases = {
                    number: frozenset(names[i] for i in idents if i in names)
                    for number, idents in atom.cases
                }
                kept.add(predicate(cases) if any(cases.values()) else TOP)
            elif isinstance(atom, Const):
                few = len(numbers) <= 2
                small = few and (atom.value in _SMALL or atom.value in self.run.record.flags)
                if "constants" in self.run.without:
                    small = False
                kept.add(atom if small else TOP)
            else:
                kept.add(atom)
        if any(isinstance(atom, Pointer) and not self._decides(atom.target) for atom in kept):
            # Whether it may also be null, or point elsewhere, is not worth a context.
            kept = {atom for atom in kept if atom.tag not in ("top", "const")}
        elif TOP in kept:
            kept = {atom for atom in kept if atom.tag != "const"}
        return frozenset(kept)

    def _decides(self, number: int) -> bool:
        # Whether a test for null of a pointer to it has one outcome: who may pass null, too,
        # must say so.
        return self.heap.info(number).kind in ALWAYS_THERE

    def _negligible(self, number: int) -> bool:
        # An object that nobody here made and that holds nothing: its type will do. What the VM
        # passes is never null.
        if self.heap.info(number).kind == "param":
            return False
        if self.heap.site(number)[0] in ("alloc", "var", "global") or self.run.is_table(number):
            return False
        return not self.heap.holds(number, self.context.number)

    def enter(
        self, function: ast.Function, path: str, args: tuple[Value, ...], edge: Edge
    ) -> Summary:
        """Return what is known of a function in a context, running it if it is new."""
        step, self.heap.step = self.heap.step, None
        try:
            summary = self.run.enter(function, path, args, edge)
        finally:
            self.heap.step = step
        if step is not None:
            step.calls += (Call(function, path, args, edge, summary, len(step.asked)),)
        return summary

    # --- beyond -------------------------------------------------------------

    def _beyond(self, expr: ast.Call, name: str, args: Sequence[Value]) -> Value:
        """Apply the written policy for a function without a body (design: what is not known)."""
        label = self.run.models.sources.get(name)
        if label is not None:
            return frozenset((Labelled("labelled", label), Const("const", 0)))
        if any(pages(arg) for arg in args):
            self.run.record.helper_call(self, expr, name, args)
        if not any(self.carries(arg) for arg in args):
            return UNKNOWN
        # A tracepoint looks at what it is given, and calls nothing.
        known = name in self.run.models.harmless or name.startswith("trace_")
        if not known:
            self.run.unmodelled(name)
        if name in self.run.models.silent:
            return UNKNOWN
        if not known and "callbacks" not in self.run.without:
            self._callbacks(expr, name, args)
        return UNKNOWN

    def _callbacks(self, expr: ast.Call, name: str, args: Sequence[Value]) -> None:
        data = [value for value in args if self.carries(value) and not _only_functions(value)]
        for callback in self._handed_over(args, data):
            callee = self.run.function_callee(callback.name, callback.path)
            if callee.kind is not Kind.FUNCTIONS:
                continue
            text = f"{name}() is given the callback {callback.name}() with its data"
            for path, function in callee.functions:
                matching = [self._matching(param, data, path) for param in function.params]
                if all(value == UNKNOWN for value in matching):
                    matching = [self._matching_word(param, data, path) for param in function.params]
                values = tuple(
                    self._abstract(value, index, {}) for index, value in enumerate(matching)
                )
                for each in split(values):
                    if not any(self.carries(value) for value in each):
                        continue
                    edge = Edge(
                        self.context.number,
                        self.path,
                        expr.func.start,
                        expr.func.end,
                        text,
                        True,
                        self.state.clause,
                        True,
                    )
                    self.enter(function, path, each, edge)

    def _handed_over(self, args: Sequence[Value], data: list[Value]) -> Iterator[Func]:
        seen: set[str] = set()
        todo = list(args)
        inside = [one.target for value in args for one in pointers(value)]
        for number in inside:
            self.heap.load((number, "*"), self.context.number)
            for _field, content in list(self.heap.fields(number)):
                todo.append(content)
                if self.carries(content) and not _only_functions(content):
                    data.append(content)
                for table in pointers(content):
                    if self.run.is_table(table.target):
                        todo.extend(c for _f, c in list(self.heap.fields(table.target)))
            # The callback may lie in a record that is part of the one handed over.
            inside.extend(n for n in self.heap.parts(number) if self.heap.info(n).kind == "sub")
        for value in todo:
            for atom in ordered(value):
                if isinstance(atom, Func) and atom.name not in seen:
                    seen.add(atom.name)
                    yield atom

    def _matching(self, param: ast.Param, data: list[Value], path: str) -> Value:
        type_ = self.run.program.strip(param.type, path)
        record = self.record_behind(type_)
        void = isinstance(type_, ast.Pointer) and type_.to == ast.Base("void")
        found: set[Atom] = {TOP}
        for value in data:
            for atom in value:
                if isinstance(atom, Page) and (void or record in PAGE_RECORDS):
                    found.add(atom)
                elif isinstance(atom, Pointer) and not self.run.is_table(atom.target):
                    if void or (record and self.heap.info(atom.target).record == record):
                        found.add(atom)
        return frozenset(found)

    def _matching_word(self, param: ast.Param, data: list[Value], path: str) -> Value:
        # ``unsigned long data``: what a callback without a pointer is given is cast to it.
        type_ = self.run.program.strip(param.type, path)
        if not isinstance(type_, ast.Base) or "long" not in type_.name:
            return UNKNOWN
        return UNKNOWN | frozenset(
            atom
            for value in data
            for atom in value
            if isinstance(atom, Page)
            or (isinstance(atom, Pointer) and not self.run.is_table(atom.target))
        )


def split(args: tuple[Value, ...]) -> Iterator[tuple[Value, ...]]:
    """Yield the arguments once for each object that the first of those may be that are several.

    It is the carrier, as a rule. Sets of objects as contexts would be as many as there are
    subsets.
    """
    for index, value in enumerate(args):
        found = pointers(value)
        if len(found) > 1:
            others = frozenset(atom for atom in value if atom.tag != "pointer")
            for one in found:
                yield (*args[:index], others | {one}, *args[index + 1 :])
            return
    yield args


def _only_functions(value: Value) -> bool:
    return all(atom.tag in ("func", "top", "const") for atom in value)
