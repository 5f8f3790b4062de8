"""Lowering of declarations: types, declarators, parameters, records.

Floor 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pagefix.c.ast import (
    Array,
    Base,
    Call,
    Enumerator,
    Expr,
    Field,
    FunctionType,
    Name,
    Opaque,
    Param,
    Pointer,
    Record,
    Type,
    TypeArg,
    TypeOf,
    UnknownType,
)
from pagefix.c.context import Context

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = [
    "Declared",
    "base_type",
    "declarator",
    "is_declarator",
    "members",
    "parameters",
    "settle_type",
    "type_of",
]

_SPECIFIERS = frozenset(
    {
        "primitive_type",
        "type_identifier",
        "sized_type_specifier",
        "struct_specifier",
        "union_specifier",
        "enum_specifier",
        "macro_type_specifier",
    }
)
_LONG_ARRAYS = frozenset({"DECLARE_BITMAP"})
_LIST_ARRAYS = frozenset({"DECLARE_HASHTABLE"})
_DECLARATORS = frozenset(
    {
        "identifier",
        "field_identifier",
        "pointer_declarator",
        "array_declarator",
        "function_declarator",
        "parenthesized_declarator",
        "init_declarator",
        "attributed_declarator",
    }
)


class Declared(NamedTuple):
    """What a declarator declares.

    :param params: of the function that it declares, ``None`` if it is none.
    :param init: the node of the initializer.
    """

    name: str
    at: int
    type: Type
    params: tuple[Param, ...] | None
    init: Node | None


def is_declarator(node: Node) -> bool:
    """Return whether a child of a declaration is a declarator."""
    return node.type in _DECLARATORS


def base_type(cx: Context, node: Node) -> Type:
    """Lower the type before the declarators of a declaration.

    :param node: the declaration, parameter, field or type descriptor.
    """
    if node.type in _SPECIFIERS:
        return _specifier(cx, node)
    for child in node.children:
        if child.type in _SPECIFIERS:
            return _specifier(cx, child)
    return UnknownType()


def _specifier(cx: Context, node: Node) -> Type:
    kind = node.type
    start = node.start_byte + cx.shift
    if kind == "primitive_type":
        return Base(cx.word(node))
    if kind == "type_identifier":
        if start in cx.holes:
            return _hidden(cx, start)
        return Base(cx.word(node))
    if kind == "sized_type_specifier":
        return Base(" ".join(cx.word(node).split()))
    if kind == "enum_specifier":
        return _enum(cx, node)
    if kind == "macro_type_specifier":
        return _macro_type(cx, node)
    return _record(cx, node)


def _hidden(cx: Context, start: int) -> Type:
    value = cx.fill(cx, cx.holes[start])
    if isinstance(value, Type):
        return value
    if isinstance(value, Expr):
        return TypeOf(value)
    return UnknownType()


def _macro_type(cx: Context, node: Node) -> Type:
    # ``FOO(x) name``: a macro that makes a type; as a call, so that nothing is lost.
    inner = node.children
    start, end = node.start_byte + cx.shift, node.end_byte + cx.shift
    if not inner or inner[0].type != "identifier":
        return UnknownType()
    func = cx.expr(inner[0])
    args = tuple(cx.expr(child) for child in inner[1:] if child.is_named)
    return TypeOf(Call(start, end, func, args))


def _record(cx: Context, node: Node) -> Type:
    inner = node.children
    if not inner:
        return UnknownType()
    word = inner[0].type
    tag = ""
    body = None
    for child in inner[1:]:
        kind = child.type
        if kind == "type_identifier":
            tag = cx.word(child)
        elif kind == "field_declaration_list":
            body = child
    name = f"{word} {tag}" if tag else word
    if body is None:
        return Base(name)
    start, end = node.start_byte + cx.shift, node.end_byte + cx.shift
    record = Record(name, tuple(members(cx, body)), start, end)
    cx.records.append(record)
    return record


def _enum(cx: Context, node: Node) -> Type:
    tag = ""
    for child in node.children:
        kind = child.type
        if kind == "type_identifier":
            tag = cx.word(child)
        elif kind == "enumerator_list":
            _enumerators(cx, child)
    return Base(f"enum {tag}" if tag else "enum")


def _enumerators(cx: Context, node: Node) -> None:
    for child in node.children:
        kind = child.type
        if kind == "enumerator":
            inner = child.children
            value = cx.expr(inner[2]) if len(inner) == 3 else None
            start, end = child.start_byte + cx.shift, child.end_byte + cx.shift
            cx.enumerators.append(Enumerator(start, end, cx.word(inner[0]), start, value))
        elif kind.startswith("preproc_") or kind == "ERROR":
            _enumerators(cx, child)


def members(cx: Context, node: Node) -> list[Field]:
    """Lower the members of a record; the branches of an ``#if`` in it are all kept."""
    found: list[Field] = []
    for child in node.children:
        kind = child.type
        if kind == "field_declaration":
            found += _fields(cx, child)
        elif kind.startswith("preproc_"):
            found += members(cx, child)
        elif kind == "ERROR":
            start, end = child.start_byte + cx.shift, child.end_byte + cx.shift
            value = Opaque(start, end, tuple(cx.parts(child.children)))
            found.append(Field("", TypeOf(value), start))
    return found


def _fields(cx: Context, node: Node) -> list[Field]:
    base: Type | None = None
    found: list[Field] = []
    for child in node.children:
        kind = child.type
        if base is None:
            if kind in _SPECIFIERS:
                base = _specifier(cx, child)
                hole = cx.holes.get(child.start_byte + cx.shift)
                if hole is not None and hole.kind == "call" and isinstance(base, TypeOf):
                    found.append(_macro_member(base))
        elif kind in _DECLARATORS:
            name, at, type_, _, _ = declarator(cx, child, base)
            found.append(Field(name, type_, at))
        elif kind == "bitfield_clause":
            width = cx.expr(child.children[-1])
            if found:
                found[-1] = found[-1]._replace(width=width)
            else:
                found.append(Field("", base, child.start_byte + cx.shift, width))
    if not found and base is not None:
        found.append(Field("", base, node.start_byte + cx.shift))
    return found


def _macro_member(base: TypeOf) -> Field:
    # ``DECLARE_FLEX_ARRAY(type, name);`` and ``DECLARE_BITMAP(name, bits);``: arrays. The
    # call stays in the member, as its array's size, so that nothing in it is lost.
    call = base.value
    args = call.args if isinstance(call, Call) else ()
    if len(args) > 1 and isinstance(args[0], TypeArg) and isinstance(args[1], Name):
        return Field(args[1].name, Array(args[0].type, call), args[1].start)
    if args and isinstance(args[0], Name):
        word = call_name(call)
        type_: Type = base
        if word in _LONG_ARRAYS:
            type_ = Array(Base("unsigned long"), call)
        elif word in _LIST_ARRAYS:
            type_ = Array(Base("struct hlist_head"), call)
        return Field(args[0].name, type_, args[0].start)
    return Field("", base, call.start)


# In ``typedef __u32 uint32_t;`` the parser takes the name for the type that it knows.
_NAMED = frozenset(("identifier", "field_identifier", "type_identifier", "primitive_type"))


def declarator(cx: Context, node: Node, base: Type) -> Declared:
    """Lower a declarator, abstract ones too.

    :param base: the type to the left of it.
    """
    type_ = base
    params: tuple[Param, ...] | None = None
    init: Node | None = None
    while True:
        kind = node.type
        inner = node.children
        if kind in _NAMED:
            return Declared(cx.word(node), node.start_byte + cx.shift, type_, params, init)
        nested: Node | None = None
        if kind == "init_declarator":
            nested, init = inner[0], inner[-1]
        elif kind in ("pointer_declarator", "abstract_pointer_declarator"):
            type_, params = Pointer(type_), None
            nested = _nested(inner[1:])
        elif kind in ("array_declarator", "abstract_array_declarator"):
            nested = _nested(inner[:1])
            size = [child for child in inner[1 if nested else 0 :] if child.is_named]
            size = [child for child in size if child.type != "type_qualifier"]
            type_, params = Array(type_, cx.expr(size[0]) if size else None), None
        elif kind in ("function_declarator", "abstract_function_declarator"):
            nested = _nested(inner[:1])
            params = _parameter_list(cx, inner)
            type_ = FunctionType(type_, tuple(param.type for param in params))
        elif kind in (
            "parenthesized_declarator",
            "abstract_parenthesized_declarator",
            "attributed_declarator",
        ):
            nested = _nested(inner)
        if nested is None:
            return Declared("", node.start_byte + cx.shift, type_, params, init)
        node = nested


def _nested(nodes: list[Node]) -> Node | None:
    for node in nodes:
        kind = node.type
        if kind in _DECLARATORS or kind in _NAMED or kind.startswith("abstract_"):
            return node
    return None


def _parameter_list(cx: Context, nodes: list[Node]) -> tuple[Param, ...]:
    for node in nodes:
        if node.type == "parameter_list":
            return parameters(cx, node)
    return ()


def parameters(cx: Context, node: Node) -> tuple[Param, ...]:
    """Lower a parameter list; ``(void)`` has none, ``...`` is a nameless one of no type."""
    found = []
    for child in node.children:
        kind = child.type
        if kind == "parameter_declaration":
            found.append(_parameter(cx, child))
        elif kind == "identifier":  # the list of an old-style definition
            found.append(Param(cx.word(child), child.start_byte + cx.shift, UnknownType()))
        elif kind == "variadic_parameter":
            found.append(Param("...", child.start_byte + cx.shift, UnknownType()))
    if len(found) == 1 and found[0].type == Base("void") and not found[0].name:
        return ()
    return tuple(found)


def _parameter(cx: Context, node: Node) -> Param:
    base: Type | None = None
    for child in node.children:
        kind = child.type
        if base is None:
            if kind in _SPECIFIERS:
                base = _specifier(cx, child)
        elif kind in _DECLARATORS or kind.startswith("abstract_"):
            name, at, type_, _, _ = declarator(cx, child, base)
            return Param(name, at, type_)
    return Param("", node.start_byte + cx.shift, base or UnknownType())


def type_of(cx: Context, node: Node) -> Type:
    """Lower a type without a name (``type_descriptor``)."""
    base: Type | None = None
    for child in node.children:
        kind = child.type
        if base is None:
            if kind in _SPECIFIERS:
                base = _specifier(cx, child)
        elif kind.startswith("abstract_"):
            return declarator(cx, child, base).type
    return base or UnknownType()


def call_name(expr: Expr) -> str:
    """Return the name that a call calls; empty if it is not a plain one."""
    if isinstance(expr, Call) and isinstance(expr.func, Name):
        return expr.func.name
    return ""


def settle_type(type_: Type, value: object) -> Type:
    """Return the type of a variable: that of its initializer for ``__auto_type``."""
    if type_ == Base("__auto_type") and value is not None:
        return TypeOf(value)  # type: ignore[arg-type]
    return type_
