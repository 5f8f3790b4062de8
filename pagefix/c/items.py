"""Lowering of what stands at file scope.

Floor 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefix.c.ast import (
    Block,
    Call,
    Function,
    FunctionType,
    Global,
    Invocation,
    Item,
    Name,
    Opaque,
    Param,
    Prototype,
    RecordDef,
    Stmt,
    Type,
    Typedef,
    TypeOf,
    UnknownType,
)
from pagefix.c.context import Context
from pagefix.c.declarations import base_type, declarator, is_declarator, settle_type
from pagefix.c.fragments import read_expression

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["lower_items"]


def lower_items(cx: Context, root: Node, variant: int) -> list[Item]:
    """Lower the items of a parsed chunk."""
    items: list[Item] = []
    for node in root.children:
        _lower(cx, node, items, variant)
    return items


def _lower(cx: Context, node: Node, items: list[Item], variant: int) -> None:
    kind = node.type
    first = len(cx.records), len(cx.enumerators)
    own: list[Item] = []
    if kind == "function_definition":
        own.append(_function(cx, node, variant))
    elif kind == "declaration":
        own += _declaration(cx, node)
    elif kind == "type_definition":
        own += _typedef(cx, node)
    elif kind in ("struct_specifier", "union_specifier", "enum_specifier"):
        base_type(cx, node)
    elif kind.startswith("preproc_") or kind in ("linkage_specification", "declaration_list"):
        for child in node.children:
            if child.is_named:
                _lower(cx, child, items, variant)
        return
    elif node.is_named:
        own += _loose(cx, node)
    # Records first: what follows in the same item may be of that type.
    items += [RecordDef(r.start, r.end, r) for r in cx.records[first[0] :] if " " in r.name]
    items += cx.enumerators[first[1] :]
    del cx.records[first[0] :], cx.enumerators[first[1] :]
    items += own


def _static(cx: Context, node: Node) -> bool:
    return any(
        child.type == "storage_class_specifier" and cx.word(child) == "static"
        for child in node.children
    )


def _function(cx: Context, node: Node, variant: int) -> Function:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    base = base_type(cx, node)
    mark = cx.enter()
    name, at, ret = "", start, base
    params: tuple[Param, ...] = ()
    types: dict[str, Type] = {}
    notes: tuple[TypeOf, ...] = ()
    into: list[Stmt] = []
    for child in node.children:
        kind = child.type
        if is_declarator(child):
            declared = declarator(cx, child, base)
            name, at = declared.name, declared.at
            params = declared.params or ()
            ret = declared.type.ret if isinstance(declared.type, FunctionType) else declared.type
        elif kind == "declaration":  # the parameters of an old-style definition
            for item in _declaration(cx, child):
                if isinstance(item, Global):
                    types[item.name] = item.type
        elif kind == "compound_statement":
            params = tuple(
                param._replace(type=types.get(param.name, param.type)) for param in params
            )
            for param in params:
                if param.name:
                    cx.declare(param.name, param.at)
            notes = _notes(cx, child.start_byte + shift)
            cx.stmt(child, into)
    cx.leave(mark)
    body = into[0] if into else Block(end, end, ())
    assert isinstance(body, Block)
    static = _static(cx, node)
    return Function(start, end, name, at, ret, params, body, static, variant, notes)


def _notes(cx: Context, body: int) -> tuple[TypeOf, ...]:
    # What the annotations before a body name: ``__releases(x->lock)``.
    before = len(cx.faults)
    found = [TypeOf(read_expression(cx, start, end)) for start, end in cx.notes if end <= body]
    del cx.faults[before:]  # they are no code: nothing is lost where they are no C
    return tuple(found)


def _declaration(cx: Context, node: Node) -> list[Item]:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    base = base_type(cx, node)
    static = _static(cx, node)
    items: list[Item] = []
    for child in node.children:
        if not is_declarator(child):
            continue
        name, at, type_, params, init = declarator(cx, child, base)
        if isinstance(type_, FunctionType):
            items.append(Prototype(start, end, name, at, type_.ret, params or ()))
            continue
        value = cx.expr(init) if init is not None else None
        items.append(Global(start, end, name, at, settle_type(type_, value), value, static))
    return items


def _typedef(cx: Context, node: Node) -> list[Item]:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    base: Type | None = None
    items: list[Item] = []
    for child in node.children:
        if base is None:
            if child.is_named and child.type not in ("type_qualifier", "ERROR"):
                base = base_type(cx, child)
        elif child.is_named and child.type not in ("type_qualifier", "ERROR"):
            declared = declarator(cx, child, base or UnknownType())
            items.append(Typedef(start, end, declared.name, declared.at, declared.type))
    return items


def _loose(cx: Context, node: Node) -> list[Item]:
    # An expression or broken text at file scope: a macro's invocation, with luck.
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    parts = cx.parts([node])
    items: list[Item] = []
    for part in parts:
        call = part.parts[0] if isinstance(part, Opaque) and len(part.parts) == 1 else part
        empty = Block(call.end, call.end, ())
        if isinstance(call, Call) and isinstance(call.func, Name):
            name = call.func
            items.append(Invocation(start, end, name.name, name.start, call.args, (), empty))
        else:
            items.append(Invocation(start, end, "", start, (call,), (), empty))
    return items
