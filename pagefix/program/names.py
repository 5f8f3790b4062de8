"""What names and types mean where they are written: in an item, and in macros' bodies.

Names are looked up where C would: in the item, in what uses the macro that it is, in
what macros declare, in the file and its headers. Types lose their ``typeof`` and the
parameters of macros in them.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pagefix.c.ast import (
    GLOBAL,
    Array,
    Base,
    Call,
    Expr,
    Function,
    FunctionType,
    Global,
    Item,
    Macro,
    Name,
    Pointer,
    Prototype,
    Type,
    TypeArg,
    Typedef,
    TypeOf,
    Unary,
    UnknownType,
)
from pagefix.program import locals as local
from pagefix.program.bindings import Bound, Parameters
from pagefix.program.program import Program
from pagefix.program.shapes import UNKNOWN, is_plain
from pagefix.program.trace import ENTRY, entry_type

__all__ = ["Names"]

# Macros inside macros beyond this are not followed.
_DEPTH = 40
_PREDEFINED: dict[str, Type] = {
    "__FILE__": Pointer(Base("char")),
    "__LINE__": Base("int"),
    "__func__": Pointer(Base("char")),
    "__FUNCTION__": Pointer(Base("char")),
}


class Names(Parameters):
    """What the names in one function, macro, variable or invocation mean.

    :param path: shown path of the file that the item is in.
    :param bindings: arguments of a macro's parameters, by the parameter's offset.
    :param caller: where a macro is used: names that it takes from there.
    :param assumed: types of declarations, by their offset, that are known otherwise.
    :param origin: file in whose scope names are looked up: the caller's, else ``path``.
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
        super().__init__(item, bindings or {})
        self.program = program
        self.path = path
        self.caller = caller
        self.origin: str = origin or (caller[0].origin if caller else path)
        self._active: frozenset[tuple[str, int]] = caller[0]._active if caller else frozenset()
        self._declared: dict[int, Type] = dict(assumed or {})
        self._freely: dict[str, Type] = {}
        if isinstance(item, Macro):
            self._active |= {(path, item.at)}

    def type_of(self, expr: Expr) -> Type:
        """Return the type of an expression."""
        raise NotImplementedError

    def concrete(self, type_: Type) -> Type:
        """Return a type as written here without ``typeof`` and without macro parameters."""
        if isinstance(type_, TypeOf):
            return self.type_of(type_.value)
        if isinstance(type_, Base):
            return self._substitute(type_) if isinstance(self.item, Macro) else type_
        if isinstance(type_, Pointer):
            return Pointer(self.concrete(type_.to))
        if isinstance(type_, Array):
            return Array(self.concrete(type_.of))
        if isinstance(type_, FunctionType):
            return type_._replace(ret=self.concrete(type_.ret))
        return type_

    def expand(self, path: str, macro: Macro, call: Call | Name) -> Self | None:
        """Return the typer of a macro's body for one use; ``None`` if it is in itself."""
        if (path, macro.at) in self._active or len(self._active) > _DEPTH:
            return None
        bindings: dict[int, Bound] = {}
        if isinstance(call, Call):
            for param, arg in zip(macro.params or (), call.args, strict=False):
                bindings[param.at] = Bound(arg, self)
        return type(self)(self.program, path, macro, bindings=bindings, caller=(self, call.start))

    # --- names ---------------------------------------------------------------

    def _name(self, expr: Name) -> Type:
        if expr.decl == GLOBAL:
            if expr.name not in self._freely:
                self._freely[expr.name] = UNKNOWN
                self._freely[expr.name] = self._free(expr)
            return self._freely[expr.name]
        if expr.decl not in self._declared:
            self._declared[expr.decl] = UNKNOWN
            self._declared[expr.decl] = self._declaration(expr.decl)
        return self._declared[expr.decl]

    def _declaration(self, at: int) -> Type:
        bound = self.bindings.get(at)
        if bound is not None:
            return bound.typer.type_of(bound.value)
        found = local.declaration((self.item,), at)
        if found is None:
            return UNKNOWN
        type_ = self.concrete(found.type)
        return entry_type(self.program, type_) if found.name == ENTRY else type_

    def _free(self, expr: Name) -> Type:
        # A name that nothing in this item declares.
        if self.caller is not None:
            typer, at = self.caller
            found = typer.named(expr.name, at)
            if found is not None:
                return found
        by_macro = self.declared_by_macro(expr)
        if by_macro is not None:
            return by_macro
        return self._global(expr)

    def named(self, name: str, at: int) -> Type | None:
        """Return the type of the local of a name that is in scope at an offset, or ``None``."""
        found = local.visible((self.item,), name, at)
        if found is not None and found.at not in self.bindings:
            return self.concrete(found.type)
        if found is not None:
            return self.bindings[found.at].typer.type_of(self.bindings[found.at].value)
        return self.caller[0].named(name, self.caller[1]) if self.caller else None

    def _global(self, expr: Name) -> Type:
        if expr.name in _PREDEFINED:
            return _PREDEFINED[expr.name]
        if is_plain(expr.name):
            return UNKNOWN  # the type in a cast that was not read as one
        for path, items in self.program.introductions(expr.name, self.origin):
            settled = False
            for item in items:
                type_ = self._meaning(path, item, expr)
                if type_ is not None and not isinstance(type_, UnknownType):
                    return type_
                settled |= type_ is not None
            if settled:
                # It is a type's name, or a macro for what is not understood: it cannot
                # be a variable of another header as well.
                return UNKNOWN
        if self.program.enumerator(expr.name, self.origin):
            return Base("int")
        return self._made_by_macro(expr.name)

    def _made_by_macro(self, name: str) -> Type:
        # `static BIN_ATTR(image, ...)` makes the variable bin_attr_image.
        for path, use in self.program.invocations(self.origin):
            if any(isinstance(arg, Name) and arg.name in name for arg in use.args):
                for place, macro in self.program.near_macros(local.used_name(use), path):
                    inner = self.expand(place, macro, use)
                    found = inner.declared(name) if inner is not None else None
                    if found is not None:
                        return found
        return UNKNOWN

    def _meaning(self, path: str, item: Item, expr: Name) -> Type | None:
        # ``None``: this item does not tell what the name is.
        if isinstance(item, Global):
            return type(self)(self.program, path, item).concrete(item.type)
        if isinstance(item, Function | Prototype):
            return FunctionType(item.ret, tuple(param.type for param in item.params))
        if isinstance(item, Macro) and item.params is None:
            inner = self.expand(path, item, expr)
            if inner is not None and isinstance(item.body, Expr):
                return inner.type_of(item.body)
        return UNKNOWN if isinstance(item, Typedef) else None

    def declared_by_macro(self, expr: Name) -> Type | None:
        """Return the type of a name that a macro used in this item declares, or ``None``.

        ``DEFINE_WAIT(wait)``: a macro declares what it is given the name of; or the name is
        declared in the body of a macro that this is an argument of, or that stands before it
        as a statement.
        """
        if isinstance(self.item, Macro | Global):
            return None
        around = local.calls_around((self.item,), expr.start)
        naming = local.calls_naming(self.item, expr.name)
        for use in (*around, *naming, *local.statements(self.item)):
            name = local.used_name(use)
            for path, macro in self.program.near_macros(name, self.origin) if name else ():
                inner = self.expand(path, macro, use)
                found = inner.declared(expr.name) if inner is not None else None
                if found is not None:
                    return found
        return None

    def declared(self, name: str) -> Type | None:
        """Return the type of what a macro's body declares under a name, arguments pasted in."""
        if not isinstance(self.item, Macro) or self.item.body is None:
            return None
        for found in local.declarations(self.item.body):
            if self.pasted(found.name) == name:
                return self.concrete(found.type)
        return None

    # --- types as macro arguments ----------------------------------------------

    def _substitute(self, type_: Base) -> Type:
        # `type` in `(type *)p` may be a parameter of the macro, as may `t` in `struct t`.
        word, _, label = type_.name.rpartition(" ")
        bound = self.bound(label)
        if bound is None:
            unbound = any(each.name == label for each in self.params())
            return UNKNOWN if unbound else type_
        if word and isinstance(bound.value, Name):
            return Base(f"{word} {bound.value.name}")
        return bound.typer.as_type(bound.value)

    def as_type(self, expr: Expr) -> Type:
        """Return the type that a macro's argument names."""
        if isinstance(expr, TypeArg):
            return self.concrete(expr.type)
        if isinstance(expr, Name):
            bound = self.bindings.get(expr.decl)
            if bound is not None:
                return bound.typer.as_type(bound.value)
            return Base(expr.name) if expr.decl == GLOBAL else self.type_of(expr)
        if isinstance(expr, Unary) and expr.op == "*":
            return Pointer(self.as_type(expr.operand))
        return UNKNOWN
