"""Calls that are understood where they stand, and not entered.

Tests of a page, allocations, ``container_of()``, and the few things that a model cannot say
in C. Sixth part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from typing import TypeGuard

from pagefix.c import ast
from pagefix.flow.beyond import Beyond
from pagefix.flow.outcomes import predicate
from pagefix.flow.places import PAGE_RECORDS
from pagefix.flow.values import (
    NULL,
    PAGES,
    TOP,
    UNKNOWN,
    Ident,
    Labelled,
    Pointer,
    Range,
    SizeLimit,
    Value,
    pages,
    pointers,
)

__all__ = ["BUILTINS", "Primitives", "names_member"]


class Primitives(Beyond):
    """Evaluation of the calls that have a meaning of their own."""

    # --- allocations ----------------------------------------------------------

    def _fresh(self, expr: ast.Call) -> Value:
        for arg in expr.args:
            self.value(arg)
        return self._new(expr)

    def _new(self, expr: ast.Call) -> Value:
        number = self.heap.make("alloc", (self.signature(), self.path, expr.start))
        return frozenset((Pointer("pointer", number, False, False), _NULL_ATOM))

    # --- tests ----------------------------------------------------------------

    def _guard(self, expr: ast.Call, index: int, true: bool, false: bool) -> Value:
        value = self.value(expr.args[index])
        for position, arg in enumerate(expr.args):
            if position != index:
                self.value(arg)
        return self._shown(value, true, false)

    def _bit_test(self, bit: ast.Expr, word: ast.Expr) -> Value | None:
        # test_bit(PG_swapcache, &page->flags): the test without its name.
        return self._flag_test(bit, word.operand) if _is_address(word) else None

    def masked_flags(self, expr: ast.Binary) -> Value | None:
        """Return what ``page->flags & (1UL << PG_swapcache)`` shows, ``None`` for others."""
        bit = self._bit_of(expr.right)
        return None if bit is None else self._flag_test(bit, expr.left)

    def _bit_of(self, mask: ast.Expr) -> ast.Expr | None:
        # ``1UL << bit``, or a macro's way to write it.
        while isinstance(mask, ast.Cast):
            mask = mask.value
        if isinstance(mask, ast.Binary) and mask.op == "<<":
            return mask.right
        if isinstance(mask, ast.Call) and isinstance(mask.func, ast.Name):
            callee = self.run.callee(mask.func.name, self.path, len(mask.args))
            body = self.run.expanded(self.path, mask, callee) if callee.macro else None
            if isinstance(body, ast.Expr) and not isinstance(body, ast.Call):
                return self._bit_of(body)
        return None

    def _flag_test(self, bit: ast.Expr, place: ast.Expr) -> Value | None:
        guard = self.run.models.bits.get(bit.name) if isinstance(bit, ast.Name) else None
        if guard is None:
            return None
        if not isinstance(place, ast.Member) or place.field != "flags" or not place.arrow:
            return None
        return self._shown(self.value(place.base), guard.drops_true, guard.drops_false)

    def _shown(self, value: Value, true: bool, false: bool) -> Value:
        if TOP not in value and not pages(value):
            return UNKNOWN
        idents: set[Ident] = set()
        for page in pages(value):
            if page.idents.isdisjoint(self.state.gone):
                idents.update(page.idents)
        if not idents or "guards" in self.run.without:
            return UNKNOWN
        names, none = frozenset(idents), frozenset[Ident]()
        return frozenset((predicate({0: names if false else none, 1: names if true else none}),))

    # --- containers -----------------------------------------------------------

    def _container(self, expr: ast.Call, name: str) -> Value:
        value = self.value(expr.args[0])
        type_ = expr.args[1]
        assert isinstance(type_, ast.TypeArg)
        record = self.record_name(self.typer.concrete(type_.type))
        if name not in self.run.models.containers:
            value = UNKNOWN
        return self.entry(value, record, expr.args[2])

    def entry(self, value: Value, record: str, member: ast.Expr) -> Value:
        """Return the records that pointers to one of their members lie in."""
        if record in PAGE_RECORDS:
            return frozenset(pages(value)) or UNKNOWN
        if not record:
            return UNKNOWN
        name = _member_name(member)
        found = [self._holder(one, record, name) for one in pointers(value)]
        known = frozenset(one for one in found if one is not None)
        return known or frozenset((Pointer("pointer", self.heap.any(record), False, True),))

    def _holder(self, pointer: Pointer, record: str, member: str) -> Pointer | None:
        number = pointer.target
        for wanted in reversed(member.split(".")):
            info = self.heap.info(number)
            if info.kind not in ("sub", "slot") or info.key != (wanted,):
                return None
            number = info.parent
        if self.heap.info(number).record not in ("", record):
            return None
        return Pointer("pointer", number, False, pointer.assumed)


def _is_address(expr: ast.Expr) -> TypeGuard[ast.Unary]:
    return isinstance(expr, ast.Unary) and expr.op == "&"


def names_member(expr: ast.Call) -> bool:
    """Return whether a call has the form of ``container_of(pointer, type, member)``."""
    return len(expr.args) == 3 and isinstance(expr.args[1], ast.TypeArg)


def _member_name(expr: ast.Expr) -> str:
    if isinstance(expr, ast.Name):
        return expr.name
    if isinstance(expr, ast.Member):
        return f"{_member_name(expr.base)}.{expr.field}"
    return ""


_NULL_ATOM = next(iter(NULL))


# --- builtins: the few things that a model cannot say in C -----------------------


def _range(calls: Primitives, expr: ast.Call) -> Value:
    if "ranges" in calls.run.without:
        return UNKNOWN
    found = pages(calls.value(expr.args[0]))
    return frozenset(Range("range", page.idents) for page in found) or UNKNOWN


def _index(calls: Primitives, expr: ast.Call) -> Value:
    found = _range(calls, expr)
    return found if found is UNKNOWN else found | {PAGES}


def _size_limit(calls: Primitives, expr: ast.Call) -> Value:
    return frozenset((SizeLimit(),))


def _unlock(calls: Primitives, expr: ast.Call) -> Value:
    for page in pages(calls.value(expr.args[0])):
        if "unlock" in calls.run.without:
            break
        calls.state.gone = calls.state.gone | page.idents
    return UNKNOWN


def _label(calls: Primitives, expr: ast.Call) -> Value:
    return frozenset((Labelled("labelled", "pagecache"), _NULL_ATOM))


def _entry(calls: Primitives, expr: ast.Call) -> Value:
    # pagefix_entry(pos, ptr, member): pos becomes the record that ptr is a member of.
    pos, pointer, member = expr.args
    record = calls.record_behind(calls.type_of(pos))
    value = calls.entry(calls.value(pointer), record, member)
    calls.assign(pos, value, expr.start, expr.end)
    return value


def _assert(calls: Primitives, expr: ast.Call) -> Value:
    yes, _no = calls.branch(expr.args[0])
    if yes is not None:
        calls.state = yes
    return UNKNOWN


BUILTINS = {
    "pagefix_range": _range,
    "pagefix_index": _index,
    "pagefix_file_size": _size_limit,
    "pagefix_unlocked": _unlock,
    "pagefix_pagecache": _label,
    "pagefix_assert": _assert,
    "pagefix_entry": _entry,
}
