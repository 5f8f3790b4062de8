"""What a call does: models, macros, functions of the checked paths, pointers, and the rest.

Seventh part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pagefix.c import ast
from pagefix.flow.beyond import split
from pagefix.flow.contexts import Callee, Edge, Kind, Summary
from pagefix.flow.outcomes import merged, predicate, shown
from pagefix.flow.places import PAGE_RECORDS
from pagefix.flow.primitives import BUILTINS, Primitives, names_member
from pagefix.flow.state import State, either, join
from pagefix.flow.syntax import is_number
from pagefix.flow.values import (
    BOTTOM,
    NULL,
    UNKNOWN,
    Atom,
    Const,
    Func,
    Ident,
    Number,
    Page,
    Pointer,
    Predicate,
    Range,
    Value,
    ordered,
    pages,
    pointers,
    tags,
)

__all__ = ["Calls"]

#: Macros within macros: deeper ones are taken as unknown.
_MAX_EXPANSION = 12

#: What a callee that is handed only offsets is told; constants up to the size of an enum.
_NUMBERS = frozenset(("range", "size", "unit", "pointer", "labelled"))
_FEW = 32


class Calls(Primitives):
    """Evaluation of calls."""

    def call(self, expr: ast.Call) -> Value:
        """Return what a call gives back; its effects go into state and heap."""
        func = expr.func
        while isinstance(func, ast.Unary) and func.op in ("*", "&"):
            func = func.operand
        if isinstance(func, ast.Name) and func.decl == ast.GLOBAL:
            return self._named_call(expr, func)
        args = [self.value(arg) for arg in expr.args]
        return self._pointer_call(expr, func, args)

    def _named_call(self, expr: ast.Call, func: ast.Name) -> Value:
        name = func.name
        builtin = BUILTINS.get(name)
        if builtin is not None:
            return builtin(self, expr)
        if name in self.run.sinks.calls:
            self.run.record.call_site(self, expr, name)
        if name in self.run.models.fresh:
            return self._fresh(expr)
        guard = self.run.models.guards.get(name)
        if guard is not None and len(expr.args) > guard.argument:
            return self._guard(expr, guard.argument, guard.drops_true, guard.drops_false)
        if name == "test_bit" and len(expr.args) == 2:
            tested = self._bit_test(expr.args[0], expr.args[1])
            if tested is not None:
                return tested
        if names_member(expr) and name not in self.run.models.macros:
            return self._container(expr, name)
        callee = self.run.callee(name, self.path, len(expr.args))
        if callee.kind is Kind.MACRO:
            return self._expand(expr, callee)
        args = [self.value(arg) for arg in expr.args]
        if callee.kind is Kind.FUNCTIONS:
            return self._enter_all(expr, callee, args, f"calls {name}()")
        if callee.kind is Kind.VARIABLE:
            return self._pointer_call(expr, func, args)
        args = [self._unknown_carrier(a, s) for a, s in zip(args, expr.args, strict=True)]
        return self._beyond(expr, name, args)

    # --- macros ---------------------------------------------------------------

    def _expand(self, expr: ast.Call, callee: Callee) -> Value:
        if not callee.others:
            return self._expand_one(expr, callee)
        # Which of its definitions counts, the configuration decides.
        before = self.state
        known: tuple[Value, State] | None = None
        for one in (callee, *callee.others):
            self.state = before.copy()
            value = self._expand_one(expr, one)
            if known is not None:
                former, state = known
                both = join(state, self.state) or state
                value = either((former, state.off), (value, self.state.off), both.off)
                self.state = both
            known = value, self.state
        return BOTTOM if known is None else known[0]

    def _expand_one(self, expr: ast.Call, callee: Callee) -> Value:
        macro = callee.macro
        assert macro is not None
        if self.expansion >= _MAX_EXPANSION:
            return self._beyond(expr, macro.name, [self.value(arg) for arg in expr.args])
        body = self.run.expanded(self.path, expr, callee)
        if body is None:
            return self._beyond(expr, macro.name, [self.value(arg) for arg in expr.args])
        for arg in self.run.unused(callee, expr):
            self.value(arg)
        self.expansion += 1
        try:
            return self.run_block(body) if isinstance(body, ast.Block) else self.value(body)
        finally:
            self.expansion -= 1

    # --- pointers -------------------------------------------------------------

    def _pointer_call(self, expr: ast.Call, func: ast.Expr, args: Sequence[Value]) -> Value:
        args = [self._guess(arg, source) for arg, source in zip(args, expr.args, strict=False)]
        if not any(self.carries(arg) for arg in args):
            return self._allocated_by(expr, func)
        found, how = self._candidates(func)
        if not found:
            # Null has no callee: a library that is given none calls none.
            if self.value(func) != NULL:
                self.unresolved(expr)
            return UNKNOWN
        result: Value = BOTTOM
        for one in found:
            callee = self.run.function_callee(one.name, one.path)
            text = f"calls {one.name}() {how}"
            if callee.kind is Kind.FUNCTIONS:
                result |= self._enter_all(
                    expr, callee, args, text, assumed=one.assumed, indirect=True
                )
            else:
                result |= self._beyond(expr, one.name, args)
        return result

    def _allocated_by(self, expr: ast.Call, func: ast.Expr) -> Value:
        # Nothing is handed over, so nobody is entered: but it may give back a new object.
        for one in _functions(self.value(func)):
            callee = self.run.function_callee(one.name, one.path)
            if any(self.run.returns_fresh(path, function) for path, function in callee.functions):
                return self._new(expr)
        return UNKNOWN

    def unresolved(self, expr: ast.Call) -> None:
        """Note a call through a pointer of which nothing is known."""
        if self.step is not None:
            self.step.unresolved += (expr,)
        # Of a model, the calls that came here are told.
        if not self.path.startswith("<"):
            self.run.unresolved(self.path, expr.start)
        for edge in self.context.edges if self.path.startswith("<") else ():
            if not edge.path.startswith("<"):
                self.run.unresolved(edge.path, edge.start)

    def _candidates(self, func: ast.Expr) -> tuple[list[Func], str]:
        if isinstance(func, ast.Member):
            owners = self.owners(func)
            record = (
                self.record_behind(self.type_of(func.base))
                if func.arrow
                else (self.record_name(self.type_of(func.base)))
            )
            known = [o for o in owners if self.run.is_table(o.target) and not o.assumed]
            family = self.run.family.get(record, ())
            if not known and family and "families" not in self.run.without:
                value: Value = BOTTOM
                for table in family:
                    value |= self.heap.load((table, func.field), self.context.number)
                names = ", ".join(self.run.table_name(table) for table in family)
                return _functions(value), f"through {record}.{func.field} of {names}"
            where = f"through {record}.{func.field}" if record else "through a pointer"
            return _functions(self.value(func)), where
        return _functions(self.value(func)), "through a pointer"

    # --- functions ------------------------------------------------------------

    def _enter_all(
        self,
        expr: ast.Call,
        callee: Callee,
        args: Sequence[Value],
        text: str,
        *,
        assumed: bool = False,
        indirect: bool = False,
    ) -> Value:
        args = [self._guess(arg, source) for arg, source in zip(args, expr.args, strict=False)]
        if not (self._worth_entering(callee, args) or self._gives_function(callee)):
            return self._not_entered(expr, callee)
        result: Value = BOTTOM
        cases: dict[Number, frozenset[Ident]] = {}
        gone: frozenset[Ident] = frozenset()
        guess = assumed or self._guessed(args)
        edge = Edge(
            self.context.number,
            self.path,
            expr.func.start,
            expr.func.end,
            text,
            guess,
            self.state.clause,
            indirect,
        )
        for path, function in callee.functions:
            for values in split(self._arguments(function, expr, args)):
                summary = self.enter(function, path, values, edge)
                value = self._returned(summary, args)
                if self.run.returns_fresh(path, function) and "wrappers" not in self.run.without:
                    value = self._own(value, expr)
                result |= value
                gone |= _caller_idents(summary.gone, args)
                told = {n: _caller_idents(idents, args) for n, idents in summary.outcome.cases}
                cases = merged(cases, told)
        if any(cases.values()) and "predicates" not in self.run.without:
            self.state.drop(shown(cases.values()) or frozenset())
            result = frozenset(atom for atom in result if atom.tag not in ("top", "const"))
            result |= {predicate(cases)}
        self.state.gone = self.state.gone | gone
        return result or UNKNOWN

    def _guess(self, value: Value, source: ast.Expr) -> Value:
        # An unknown record of the file system's own may be any that holds a page.
        if value != UNKNOWN or "reading-on" in self.run.without or is_number(source):
            return value
        if isinstance(source, ast.Name) and self.run.is_foreign(source, self.path):
            return value
        record = self.record_behind(self.type_of(source))
        if record not in self.run.own_records:
            return value
        number = self.heap.any(record)
        if not self.heap.carries_page(number, self.context.number):
            return value
        return frozenset((Pointer("pointer", number, False, True),))

    def _unknown_carrier(self, value: Value, source: ast.Expr) -> Value:
        # What a library gave and is given back: what reached code stored in others of its
        # record may be in it, a page as well as a callback.
        if value != UNKNOWN or "reading-on" in self.run.without or is_number(source):
            return value
        record = self.record_behind(self.type_of(source))
        if not record or record in PAGE_RECORDS or not self.heap.is_stored(record):
            return value
        number = self.heap.any(record)
        if not self.heap.carries_page(number, self.context.number):
            return value
        return frozenset((Pointer("pointer", number, False, True),))

    def _not_entered(self, expr: ast.Call, callee: Callee) -> Value:
        if any(self.run.returns_fresh(path, function) for path, function in callee.functions):
            return self._new(expr)
        return UNKNOWN

    def _arguments(
        self, function: ast.Function, expr: ast.Call, args: Sequence[Value]
    ) -> tuple[Value, ...]:
        names: dict[Ident, Ident] = {}
        for index, arg in enumerate(args):
            for page in pages(arg):
                for ident in page.idents:
                    names.setdefault(ident, ("arg", index))
        values: list[Value] = []
        for index, param in enumerate(function.params):
            value = args[index] if index < len(args) else UNKNOWN
            source = expr.args[index] if index < len(expr.args) else None
            value = self.convert(value, source, self.run.program.strip(param.type, self.path))
            values.append(self._abstract(value, index, names))
        if not any(self._steers(value) for value in values):
            # Only offsets are handed on: constants are not worth a context each.
            return tuple(
                frozenset(a for a in value if a.tag in _NUMBERS or _is_small(a)) or UNKNOWN
                for value in values
            )
        return tuple(values)

    def _returned(self, summary: Summary, args: Sequence[Value]) -> Value:
        found: set[Atom] = set()
        for atom in summary.value:
            if isinstance(atom, Page):
                idents = _caller_idents(atom.idents, args)
                found.add(Page("page", idents, atom.assumed))
            elif isinstance(atom, Range):
                found.add(Range("range", _caller_idents(atom.idents, args)))
            elif not isinstance(atom, Predicate):
                found.add(atom)
        return self.state.visible(frozenset(found))

    def _worth_entering(self, callee: Callee, args: Sequence[Value]) -> bool:
        if any(self._steers(arg) for arg in args) or self.run.reads_carrier(
            callee, self.context.number
        ):
            return True
        if any("labelled" in tags(arg) for arg in args):
            # A model may put a page of the file system's own where others put the VM's.
            return any(path.startswith("<") for path, _function in callee.functions)
        if not any(self.carries(arg) for arg in args):
            return False
        # Only offsets are handed on: they matter where they are stored or asked for.
        return self.run.reaches_range(callee)

    def _gives_function(self, callee: Callee) -> bool:
        # What gives back a function, or a table of them, decides who is called next.
        return any(self.run.gives_function(path, function) for path, function in callee.functions)

    def _guessed(self, args: Sequence[Value]) -> bool:
        # Whether what is handed on is only guessed to be there: the page itself if it is
        # among the arguments, else what carries it.
        found = [page.assumed for arg in args for page in pages(arg)]
        if not found and not any(a.tag in ("range", "func") for arg in args for a in arg):
            found = [
                one.assumed
                for arg in args
                for one in pointers(arg)
                if self.heap.holds(one.target, self.context.number)
            ]
        return bool(found) and all(found)

    def _own(self, value: Value, expr: ast.Call) -> Value:
        # An allocation wrapped in a function is another one for each call of the wrapper.
        found: set[Atom] = set()
        for atom in ordered(value):
            if isinstance(atom, Pointer) and self.heap.info(atom.target).kind == "alloc":
                info = self.heap.info(atom.target)
                key = self.alloc_key((self.signature(), self.path, expr.start), info.record)
                mine = Pointer(
                    "pointer", self.heap.make("alloc", key, info.record), False, atom.assumed
                )
                if mine.target != atom.target:
                    copied: Value = frozenset((atom,))
                    self._copy([mine], copied, expr.start, expr.end)
                atom = mine
            found.add(atom)
        return frozenset(found)


def _is_small(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value < _FEW


def _functions(value: Value) -> list[Func]:
    return [atom for atom in ordered(value) if isinstance(atom, Func)]


def _caller_idents(idents: frozenset[Ident], args: Sequence[Value]) -> frozenset[Ident]:
    found: set[Ident] = set()
    for ident in idents:
        if ident[0] == "arg" and isinstance(ident[1], int) and ident[1] < len(args):
            atoms = pages(args[ident[1]])
            if len(atoms) == 1:
                found.update(atoms[0].idents)
    return frozenset(found)
