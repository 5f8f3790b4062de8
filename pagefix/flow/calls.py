"""What a call does: models, macros, functions of the checked paths, pointers, and the rest.

Third part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pagefix.c import ast
from pagefix.flow.beyond import Beyond, split
from pagefix.flow.contexts import Callee, Edge, Kind, Summary
from pagefix.flow.places import PAGE_RECORDS
from pagefix.flow.values import (
    BOTTOM,
    NULL,
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
    SizeLimit,
    Value,
    ordered,
    pages,
    pointers,
)

__all__ = ["Calls"]

#: Macros within macros: deeper ones are taken as unknown.
_MAX_EXPANSION = 12

#: What a callee that is handed only offsets is told; constants up to the size of an enum.
_NUMBERS = frozenset(("range", "size", "pointer", "labelled"))
_FEW = 32


class Calls(Beyond):
    """Evaluation of calls."""

    def call(self, expr: ast.Call) -> Value:
        """Return what a call gives back; its effects go into state and heap."""
        func = expr.func
        while isinstance(func, ast.Unary) and func.op in ("*", "&"):
            func = func.operand
        if isinstance(func, ast.Name) and func.decl == ast.GLOBAL:
            return self._named_call(expr, func.name)
        args = [self.value(arg) for arg in expr.args]
        return self._pointer_call(expr, func, args)

    def _named_call(self, expr: ast.Call, name: str) -> Value:
        builtin = _BUILTINS.get(name)
        if builtin is not None:
            return builtin(self, expr)
        if name in self.run.sinks.calls:
            self.run.record.call_site(self, expr, name)
        if name in self.run.models.fresh:
            return self._fresh(expr)
        guard = self.run.models.guards.get(name)
        if guard is not None and len(expr.args) > guard.argument:
            return self._guard(expr, guard.argument, guard.drops_true, guard.drops_false)
        if _names_member(expr) and name not in self.run.models.macros:
            return self._container(expr, name)
        callee = self.run.callee(name, self.path, len(expr.args))
        if callee.kind is Kind.MACRO:
            return self._expand(expr, callee)
        args = [self.value(arg) for arg in expr.args]
        if callee.kind is Kind.FUNCTIONS:
            return self._enter_all(expr, callee, args, f"calls {name}()")
        if callee.kind is Kind.VARIABLE:
            return self._pointer_call(expr, expr.func, args)
        return self._beyond(expr, name, args)

    def _fresh(self, expr: ast.Call) -> Value:
        for arg in expr.args:
            self.value(arg)
        return self._new(expr)

    # --- tests ----------------------------------------------------------------

    def _guard(self, expr: ast.Call, index: int, true: bool, false: bool) -> Value:
        value = self.value(expr.args[index])
        for position, arg in enumerate(expr.args):
            if position != index:
                self.value(arg)
        if TOP not in value and not pages(value):
            return UNKNOWN
        idents: set[Ident] = set()
        for page in pages(value):
            if page.idents.isdisjoint(self.state.gone):
                idents.update(page.idents)
        if not idents or "guards" in self.run.without:
            return UNKNOWN
        names, none = frozenset(idents), frozenset[Ident]()
        return frozenset(
            (Predicate("predicate", names if true else none, names if false else none),)
        )

    # --- macros ---------------------------------------------------------------

    def _expand(self, expr: ast.Call, callee: Callee) -> Value:
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

    def _container(self, expr: ast.Call, name: str) -> Value:
        value = self.value(expr.args[0])
        type_ = expr.args[1]
        assert isinstance(type_, ast.TypeArg)
        record = self.record_name(type_.type)
        if name not in self.run.models.containers:
            value = UNKNOWN
        return self.entry(value, record, expr.args[2])

    def entry(self, value: Value, record: str, member: ast.Expr) -> Value:
        """Return the records that pointers to one of their members lie in."""
        if not record or record in PAGE_RECORDS:
            return UNKNOWN
        name = _member_name(member)
        found = [self._holder(one, record, name) for one in pointers(value)]
        known = frozenset(one for one in found if one is not None)
        return known or frozenset((Pointer("pointer", self.heap.any(record), False, True),))

    def _holder(self, pointer: Pointer, record: str, member: str) -> Pointer | None:
        number = pointer.target
        for wanted in reversed(member.split(".")):
            info = self.heap.info(number)
            if info.kind != "sub" or info.key != (wanted,):
                return None
            number = info.parent
        if self.heap.info(number).record not in ("", record):
            return None
        return Pointer("pointer", number, False, pointer.assumed)

    # --- pointers -------------------------------------------------------------

    def _pointer_call(self, expr: ast.Call, func: ast.Expr, args: Sequence[Value]) -> Value:
        args = [self._guess(arg, source) for arg, source in zip(args, expr.args, strict=False)]
        if not any(self.carries(arg) for arg in args):
            return self._allocated_by(expr, func)
        found, how = self._candidates(func)
        if not found:
            self.run.unresolved(self.path, expr)
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
        if not self._worth_entering(callee, args):
            return self._not_entered(expr, callee)
        result: Value = BOTTOM
        off_true: frozenset[Ident] | None = None
        off_false: frozenset[Ident] | None = None
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
                summary = self.run.enter(function, path, values, edge)
                value = self._returned(summary, args)
                if self.run.returns_fresh(path, function) and "wrappers" not in self.run.without:
                    value = self._own(value, expr)
                result |= value
                gone |= _caller_idents(summary.gone, args)
                true = _caller_idents(summary.off_true, args)
                false = _caller_idents(summary.off_false, args)
                off_true = true if off_true is None else off_true & true
                off_false = false if off_false is None else off_false & false
        if (off_true or off_false) and "predicates" not in self.run.without:
            self.state.drop((off_true or frozenset()) & (off_false or frozenset()))
            negative = all(isinstance(a, Const) and a.value <= 0 for a in result)
            test = Predicate(
                "predicate", off_true or frozenset(), off_false or frozenset(), negative
            )
            result = frozenset(a for a in result if a.tag not in ("top", "const", "predicate"))
            result |= {test}
        self.state.gone = self.state.gone | gone
        return result or UNKNOWN

    def _guess(self, value: Value, source: ast.Expr) -> Value:
        # An unknown record of the file system's own may be any that holds a page.
        if value != UNKNOWN or "reading-on" in self.run.without:
            return value
        record = self.record_behind(self.type_of(source))
        if record not in self.run.own_records:
            return value
        number = self.heap.any(record)
        if not self.heap.carries_page(number, self.context.number):
            return value
        return frozenset((Pointer("pointer", number, False, True),))

    def _not_entered(self, expr: ast.Call, callee: Callee) -> Value:
        if any(self.run.returns_fresh(path, function) for path, function in callee.functions):
            return self._new(expr)
        return UNKNOWN

    def _new(self, expr: ast.Call) -> Value:
        number = self.heap.make("alloc", (self.context.signature, self.path, expr.start))
        return frozenset((Pointer("pointer", number, False, False), NULL_ATOM))

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
        if any(atom.tag == "labelled" for arg in args for atom in arg):
            # A model may put a page of the file system's own where others put the VM's.
            return any(path.startswith("<") for path, _function in callee.functions)
        if not any(self.carries(arg) for arg in args):
            return False
        # Only offsets are handed on: they matter where they are stored or asked for.
        return self.run.reaches_range(callee)

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
                key = self.alloc_key((self.context.signature, self.path, expr.start), info.record)
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


def _names_member(expr: ast.Call) -> bool:
    return len(expr.args) == 3 and isinstance(expr.args[1], ast.TypeArg)


def _member_name(expr: ast.Expr) -> str:
    if isinstance(expr, ast.Name):
        return expr.name
    if isinstance(expr, ast.Member):
        return f"{_member_name(expr.base)}.{expr.field}"
    return ""


# --- builtins: the few things that a model cannot say in C -----------------------


def _range(calls: Calls, expr: ast.Call) -> Value:
    if "ranges" in calls.run.without:
        return UNKNOWN
    found = pages(calls.value(expr.args[0]))
    return frozenset(Range("range", page.idents) for page in found) or UNKNOWN


def _size_limit(calls: Calls, expr: ast.Call) -> Value:
    return frozenset((SizeLimit(),))


def _unlock(calls: Calls, expr: ast.Call) -> Value:
    for page in pages(calls.value(expr.args[0])):
        if "unlock" in calls.run.without:
            break
        calls.state.gone = calls.state.gone | page.idents
    return UNKNOWN


def _label(calls: Calls, expr: ast.Call) -> Value:
    return frozenset((Labelled("labelled", "pagecache"), NULL_ATOM))


def _entry(calls: Calls, expr: ast.Call) -> Value:
    # pagefix_entry(pos, ptr, member): pos becomes the record that ptr is a member of.
    pos, pointer, member = expr.args
    record = calls.record_behind(calls.type_of(pos))
    value = calls.entry(calls.value(pointer), record, member)
    calls.assign(pos, value, expr.start, expr.end)
    return value


def _assert(calls: Calls, expr: ast.Call) -> Value:
    yes, _no = calls.branch(expr.args[0])
    if yes is not None:
        calls.state = yes
    return UNKNOWN


NULL_ATOM = next(iter(NULL))

_BUILTINS = {
    "pagefix_range": _range,
    "pagefix_file_size": _size_limit,
    "pagefix_unlocked": _unlock,
    "pagefix_pagecache": _label,
    "pagefix_assert": _assert,
    "pagefix_entry": _entry,
}
