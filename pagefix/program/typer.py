"""Types of expressions: enough to tell a page from everything else.

In: a :class:`~pagefix.program.program.Program` and the item an expression stands in.
Out: types without ``typeof``. Not a compiler: conversions of numbers are not done, and
what is not understood is :class:`~pagefix.c.ast.UnknownType`.

Macros are typed by their body with the arguments in place of the parameters, so
``container_of``, ``list_entry``, ``min`` or ``rcu_dereference`` need no table.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Self

from pagefix.c.ast import (
    GLOBAL,
    Array,
    Assign,
    Base,
    Binary,
    Call,
    Cast,
    CompoundLiteral,
    Conditional,
    Expr,
    Function,
    FunctionType,
    Global,
    Item,
    Macro,
    Member,
    Name,
    Number,
    OffsetOf,
    Opaque,
    Pointer,
    Prototype,
    SizeOf,
    StatementExpr,
    String,
    Subscript,
    Type,
    TypeArg,
    Unary,
    UnknownType,
)
from pagefix.program import locals as local
from pagefix.program.bindings import Bound
from pagefix.program.names import Names
from pagefix.program.program import Program
from pagefix.program.shapes import UNKNOWN, element, has_typeof, is_vague

__all__ = ["Bound", "Typer"]

_INT = Base("int")
_LONG = Base("unsigned long")
_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">=", "&&", "||"))
# Compiler built-ins whose value is that of an argument.
_BUILTIN_ARGUMENT = {"__builtin_expect": 0, "__builtin_expect_with_probability": 0}


class Typer(Names):
    """Types of the expressions of one function, macro, variable or invocation.

    The parameters are those of :class:`~pagefix.program.names.Names`.
    """

    def __init__(
        self,
        program: Program,
        path: str,
        item: Item,
        *,
        bindings: Mapping[int, Bound] | None = None,
        caller: tuple[Self, int] | None = None,
        origin: str | None = None,
        assumed: Mapping[int, Type] | None = None,
    ) -> None:
        super().__init__(
            program,
            path,
            item,
            bindings=bindings,
            caller=caller,
            origin=origin,
            assumed=assumed,
        )
        self._memo: dict[int, tuple[Expr, Type]] = {}

    def type_of(self, expr: Expr) -> Type:
        """Return the type of an expression; arrays and functions are not decayed."""
        known = self._memo.get(id(expr))
        if known is not None:
            return known[1]
        self._memo[id(expr)] = (expr, UNKNOWN)
        method = _METHODS.get(type(expr))
        type_ = method(self, expr) if method is not None else UNKNOWN
        self._memo[id(expr)] = (expr, type_)
        return type_

    def pointee(self, expr: Expr) -> Type:
        """Return the type that a pointer's value points to, typedefs followed."""
        return element(self.program.strip(self.type_of(expr), self.origin))

    def record_of(self, base: Expr, arrow: bool) -> Type:
        """Return the record that ``base->`` or ``base.`` names a member of."""
        if not arrow:
            return self.program.strip(self.type_of(base), self.origin)
        return self.program.strip(self.pointee(base), self.origin)

    # --- expressions ---------------------------------------------------------

    def _member(self, expr: Member) -> Type:
        record = self.record_of(expr.base, expr.arrow)
        return self.member(record, self.field_of(expr.field))

    def member(self, record: Type, field: str) -> Type:
        """Return the type of a record's member, those that macros make among them."""
        found = self.program.member(record, field, self.origin)
        if found is not None:
            return self.concrete(found) if has_typeof(found) else found
        for each in self.program.fields(record, self.origin):
            use = local.field_macro(each)
            name = local.used_name(use) if use is not None else ""
            for path, macro in self.program.near_macros(name, self.origin) if name else ():
                inner = self.expand(path, macro, use) if use is not None else None
                type_ = inner.declared(field) if inner is not None else None
                if type_ is not None:
                    return type_
        return UNKNOWN

    def _subscript(self, expr: Subscript) -> Type:
        found = self.pointee(expr.base)
        return self.pointee(expr.index) if isinstance(found, UnknownType) else found

    def _call(self, expr: Call) -> Type:
        func = expr.func
        if isinstance(func, Name) and func.decl == GLOBAL:
            if func.name in _BUILTIN_ARGUMENT:
                return self.type_of(expr.args[_BUILTIN_ARGUMENT[func.name]])
            if func.name == "__builtin_choose_expr" and len(expr.args) == 3:
                return self._either(expr.args[1], expr.args[2])
            return self._call_named(func, expr)
        return self._returned(self.type_of(func))

    def _call_named(self, func: Name, expr: Call) -> Type:
        if func.name in ("_Generic", "_generic"):
            # The reader gives its values without the types that choose among them.
            return self._opaque(Opaque(expr.start, expr.end, expr.args))
        for path, items in self.program.introductions(func.name, self.origin):
            for item in items:
                type_ = self._called(path, item, expr)
                if not isinstance(type_, UnknownType):
                    return type_
        if self.caller is not None or self.bindings:
            return self._returned(self._free(func))
        return UNKNOWN

    def _called(self, path: str, item: Item, expr: Call) -> Type:
        if isinstance(item, Function | Prototype):
            return Typer(self.program, path, item).concrete(item.ret)
        if isinstance(item, Global):
            return self._returned(item.type)
        if isinstance(item, Macro):
            inner = self.expand(path, item, expr)
            if inner is None or item.body is None:
                return UNKNOWN
            if item.params is None and isinstance(item.body, Name):
                return inner.type_of(expr._replace(func=item.body))
            return inner.type_of(item.body) if isinstance(item.body, Expr) else UNKNOWN
        return UNKNOWN

    def _returned(self, type_: Type) -> Type:
        type_ = self.program.strip(type_, self.origin)
        while isinstance(type_, Pointer):
            type_ = self.program.strip(type_.to, self.origin)
        return type_.ret if isinstance(type_, FunctionType) else UNKNOWN

    def _unary(self, expr: Unary) -> Type:
        if expr.op == "*":
            return self.pointee(expr.operand)
        if expr.op == "&":
            inner = self.type_of(expr.operand)
            return inner if isinstance(inner, UnknownType) else Pointer(inner)
        return _INT if expr.op == "!" else self.type_of(expr.operand)

    def _binary(self, expr: Binary) -> Type:
        if expr.op == ",":
            return self.type_of(expr.right)
        if expr.op in _COMPARISONS:
            return _INT
        left = self.type_of(expr.left)
        if expr.op in ("+", "-"):
            address = self._address(left)
            if address is not None and expr.op == "+":
                return address
            right = self._address(self.type_of(expr.right))
            if address is not None:
                return address if right is None else _LONG
            if right is not None:
                return right
        return self.type_of(expr.right) if isinstance(left, UnknownType) else left

    def _address(self, type_: Type) -> Type | None:
        type_ = self.program.strip(type_, self.origin)
        if isinstance(type_, Array):
            return Pointer(type_.of)
        return type_ if isinstance(type_, Pointer) else None

    def _conditional(self, expr: Conditional) -> Type:
        return self._either(expr.test if expr.then is None else expr.then, expr.other)

    def _either(self, first: Expr, second: Expr) -> Type:
        # NULL, 0 and void * give way to the other one.
        type_ = self.type_of(first)
        return self.type_of(second) if is_vague(type_) else type_

    def _statement_expr(self, expr: StatementExpr) -> Type:
        last = local.value(expr.body)
        return UNKNOWN if last is None else self.type_of(last)

    def _opaque(self, expr: Opaque) -> Type:
        # `_Generic(x, type: value, ...)` comes as its parts: the value behind the type
        # that x has, else the first value that is something.
        parts = expr.parts
        values = [part for part in parts[1:] if not isinstance(part, TypeArg)]
        if parts:
            wanted = self.type_of(parts[0])
            for before, after in pairwise(parts[1:]):
                if isinstance(before, TypeArg) and self.concrete(before.type) == wanted:
                    return self.type_of(after)
        types = [self.type_of(value) for value in values] or [UNKNOWN]
        return next((type_ for type_ in types if not is_vague(type_)), types[0])


# Handlers take the kind of node that they stand beside; to the type checker a table of
# them is a table of anything.
_METHODS: dict[type, Callable[[Typer, Any], Type]] = {
    Name: Typer._name,
    Number: lambda _, __: _INT,
    String: lambda _, __: Pointer(Base("char")),
    Member: Typer._member,
    Subscript: Typer._subscript,
    Call: Typer._call,
    Unary: Typer._unary,
    Binary: Typer._binary,
    Assign: lambda typer, expr: typer.type_of(expr.target),
    Conditional: Typer._conditional,
    Cast: lambda typer, expr: typer.concrete(expr.type),
    CompoundLiteral: lambda typer, expr: typer.concrete(expr.type),
    SizeOf: lambda _, __: _LONG,
    OffsetOf: lambda _, __: _LONG,
    StatementExpr: Typer._statement_expr,
    TypeArg: lambda typer, expr: typer.concrete(expr.type),
    Opaque: Typer._opaque,
}
