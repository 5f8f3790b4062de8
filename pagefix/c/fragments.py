"""Reading what masking hid: types as arguments, operands of typeof, offsetof and asm.

Floor 1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pagefix.c.ast import (
    GLOBAL,
    Array,
    Asm,
    Base,
    Block,
    Call,
    Declare,
    Expr,
    ExprStmt,
    InitList,
    Name,
    OffsetOf,
    Opaque,
    Param,
    Pointer,
    SizeOf,
    StatementExpr,
    Stmt,
    Type,
    TypeArg,
    TypeOf,
    UnknownType,
)
from pagefix.c.context import Context
from pagefix.c.declarations import parameters
from pagefix.c.draft import Hole, close_of
from pagefix.c.mask import mask
from pagefix.c.parser import faults, parse
from pagefix.c.tables import PER_CPU, TYPE_WORDS

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = [
    "fill",
    "has_statements",
    "read_expression",
    "read_initializer",
    "read_parameter",
    "read_statements",
    "read_type",
    "split",
    "trim",
    "type_in",
]

_PLAIN_TYPE = re.compile(
    r"\s*(?:const\s+|volatile\s+)*((?:struct|union|enum)\s+)?([A-Za-z_]\w*)"
    r"\s*((?:\*\s*(?:const\s*)?)*)\Z"
)
_SPELT = frozenset("unsigned signed long short const volatile struct union enum".split())
_PATH = re.compile(r"[A-Za-z_]\w*|\[")
_CODE = re.compile(r"[(){};]")
_STATEMENT = re.compile(r"(?:if|for|while|do|switch|return|goto|break|continue)\b|\{")
_ASSIGNED = re.compile(r"(?<![=!<>])=(?!=)")
_FIRST_WORD = re.compile(r"\s*([A-Za-z_]\w*)")


def fill(cx: Context, hole: Hole) -> Expr | Type | Asm:
    """Read a hole."""
    kind = hole.kind
    if kind == "type":
        return _type_argument(cx, hole.inner, hole.inner_end)
    if kind == "typeof":
        return _typeof(cx, hole)
    if kind == "offsetof":
        return _offsetof(cx, hole)
    if kind == "asm":
        return _asm(cx, hole)
    if kind == "call":
        return _call(cx, hole)
    if kind == "declare":
        return _declared_type(cx, hole)
    if kind == "sizeof":
        value = read_argument(cx, hole.inner, hole.inner_end)
        if isinstance(value, TypeArg):
            return SizeOf(hole.start, hole.end, None, value.type)
        return SizeOf(hole.start, hole.end, value, None)
    if kind == "generic":
        return _generic(cx, hole)
    return read_expression(cx, hole.inner, hole.inner_end)


def split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the ranges between the commas of an argument list, blanks trimmed."""
    parts = []
    depth, last = 0, start
    for match in re.compile(r"[()\[\]{},]").finditer(text, start, end):
        char = match.group()
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif not depth:
            parts.append(trim(text, last, match.start()))
            last = match.end()
    parts.append(trim(text, last, end))
    return parts


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a range without the blanks at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def read_type(cx: Context, start: int, end: int) -> Type:
    """Read a type without a name; what is none is :class:`TypeOf` an expression."""
    found = type_in(cx, start, end)
    return TypeOf(read_expression(cx, start, end)) if found is None else found


def read_parameter(cx: Context, start: int, end: int) -> Param | None:
    """Read the declaration of a parameter; ``None`` if the text is none."""
    if cx.text.startswith("...", start):
        return Param("...", start, UnknownType())
    masked = mask(cx.text[start:end], start, cx.macros, body=False, calls_from=end - start)
    before = b"void f("
    root = parse(before + masked.text + b"\n);")
    if root.has_error or len(root.children) != 1:
        return None
    with cx.reading(masked, len(before)):
        found = [
            child for child in root.children[0].children if child.type == "function_declarator"
        ]
        params = parameters(cx, found[0].children[-1]) if found else ()
    return params[0] if len(params) == 1 else None


def _type_argument(cx: Context, start: int, end: int) -> Type | Expr:
    # A type where a call has an argument, or a declaration: ``DEBUG(int x;)``.
    found = type_in(cx, start, end)
    if found is not None:
        return found
    param = read_parameter(cx, start, end)
    if param is None or not param.name:
        if _ASSIGNED.search(cx.text, start, end):
            body = Block(start, end, tuple(read_statements(cx, start, end)))
            return StatementExpr(start, end, body)
        return read_expression(cx, start, end)
    cx.declare(param.name, param.at)
    declared = Declare(start, end, param.name, param.at, param.type, None, False)
    return StatementExpr(start, end, Block(start, end, (declared,)))


def type_in(cx: Context, start: int, end: int) -> Type | None:
    """Read a type without a name; ``None`` if the text is none."""
    text = cx.text[start:end]
    plain = _PLAIN_TYPE.match(text)
    if plain is not None and plain.group(2) not in _SPELT:
        record, name, stars = plain.groups()
        result: Type = Base(f"{record.strip()} {name}" if record else name)
        for _ in range(stars.count("*")):
            result = Pointer(result)
        return result
    masked = mask(text, start, cx.macros, body=False)
    before = b"int x=sizeof("
    root = parse(before + masked.text + b");")
    if not root.has_error:
        with cx.reading(masked, len(before)):
            node = root.descendant_for_byte_range(len(before), len(before))
            while node is not None and node.type not in ("type_descriptor", "sizeof_expression"):
                node = node.parent
            if node is not None and node.type == "type_descriptor":
                return cx.type_of(cx, node)
    return None


def _block(root: Node) -> Node:
    # The block of the function that the text was put into, as far as there is one.
    if root.children and root.children[0].children:
        return root.children[0].children[-1]
    return root


def read_expression(cx: Context, start: int, end: int) -> Expr:
    """Read an expression; what cannot be read is an :class:`Opaque` with its parts."""
    for hard in (False, True):
        masked = mask(cx.text[start:end], start, cx.macros, body=False, hard=hard)
        before = b"void f(){("
        root = parse(before + masked.text + b");}")
        if not root.has_error:
            break
    with cx.reading(masked, len(before)):
        block = _block(root)
        inner = [child for child in block.children if child.is_named]
        if not root.has_error and len(inner) == 1 and inner[0].type == "expression_statement":
            return cx.expr(inner[0].children[0])
        _note(cx, root)
        return Opaque(start, end, tuple(cx.parts(inner or root.children)))


def read_statements(cx: Context, start: int, end: int, closers: bytes = b"") -> list[Stmt]:
    """Read statements.

    :param closers: braces to add where the text leaves blocks open.
    """
    for hard in (False, True):
        masked = mask(cx.text[start:end], start, cx.macros, body=True, hard=hard)
        before = b"void f(){"
        root = parse(before + masked.text + b"\n;" + closers + b"}")
        if not root.has_error:
            break
    into: list[Stmt] = []
    with cx.reading(masked, len(before)):
        _note(cx, root)
        block = _block(root)
        if len(root.children) == 1 and block.type == "compound_statement":
            for child in block.children:
                cx.stmt(child, into)
        else:
            into.append(ExprStmt(start, end, Opaque(start, end, tuple(cx.parts(root.children)))))
    return into


def read_initializer(cx: Context, start: int, end: int) -> InitList | None:
    """Read what may stand between the braces of an initializer; ``None`` if it is not that."""
    before = b"int x={"
    for hard in (False, True):
        masked = mask(cx.text[start:end], start, cx.macros, body=False, hard=hard)
        root = parse(before + masked.text + b"\n};")
        if not root.has_error:
            break
    if root.has_error or len(root.children) != 1:
        return None
    with cx.reading(masked, len(before)):
        value = cx.expr(root.children[0].children[1].children[-1])
    return value._replace(start=start, end=end) if isinstance(value, InitList) else None


def _note(cx: Context, root: Node) -> None:
    shift = cx.shift
    for start, end, reason in faults(root):
        cx.faults.append((start + shift, end + shift, reason))


def _typeof(cx: Context, hole: Hole) -> Type:
    text = cx.text[hole.inner : hole.inner_end]
    first = _FIRST_WORD.match(text)
    if first is not None:
        word = first.group(1)
        if word in TYPE_WORDS or (text.rstrip().endswith("*") and word not in cx.names):
            return read_type(cx, hole.inner, hole.inner_end)
        if word == text.strip() and word.endswith("_t") and word not in cx.names:
            return Base(word)
    return TypeOf(read_expression(cx, hole.inner, hole.inner_end))


def _offsetof(cx: Context, hole: Hole) -> Expr:
    first, *rest = split(cx.text, hole.inner, hole.inner_end)
    type_: Type = UnknownType() if first[0] == first[1] else read_type(cx, *first)
    path = []
    indexes = []
    at = rest[0][0] if rest else hole.inner_end
    while True:
        match = _PATH.search(cx.text, at, hole.inner_end)
        if match is None:
            break
        at = match.end()
        if match.group() == "[":
            close = cx.text.find("]", at, hole.inner_end)
            close = hole.inner_end if close < 0 else close
            indexes.append(read_expression(cx, at, close))
            at = close
        else:
            path.append((match.group(), match.start()))
    return OffsetOf(hole.start, hole.end, type_, tuple(path), tuple(indexes))


def _call(cx: Context, hole: Hole) -> Expr:
    # A macro that is given statements: each becomes a statement expression.
    text = cx.text
    match = _FIRST_WORD.match(text, hole.start)
    assert match is not None
    name = match.group(1)
    func = Name(match.start(1), match.end(1), name, cx.names.get(name, GLOBAL))
    args: list[Expr] = []
    ranges = split(text, hole.inner, hole.inner_end)
    while ranges:
        start, end = ranges.pop(0)
        if start == end:
            continue
        if has_statements(text, start, end):
            # Commas in statements do not separate arguments.
            end = ranges[-1][1] if ranges else end
            ranges.clear()
            body = Block(start, end, tuple(read_statements(cx, start, end)))
            args.append(StatementExpr(start, end, body))
        else:
            args.append(read_argument(cx, start, end))
    return Call(hole.start, hole.end, func, tuple(args))


def _declared_type(cx: Context, hole: Hole) -> Type:
    # ``DEFINE_FOO(type, name) = ...``, ``DECLARE_BITMAP(name, bits) = ...``: the type, or
    # else the call that makes it.
    ranges = split(cx.text, hole.inner, hole.inner_end)
    args = tuple(read_argument(cx, start, end) for start, end in ranges if start < end)
    if len(args) > 1 and isinstance(args[0], TypeArg):
        return args[0].type
    match = _FIRST_WORD.match(cx.text, hole.start)
    assert match is not None
    func = Name(match.start(1), match.end(1), match.group(1), GLOBAL)
    call = Call(hole.start, hole.inner_end + 1, func, args)
    if func.name == "DECLARE_BITMAP":
        return Array(Base("unsigned long"), call)
    if len(args) > 1 and isinstance(args[0], Name) and isinstance(args[1], Name):
        if PER_CPU.match(func.name):
            return Base(args[0].name)
    return TypeOf(call)


def _generic(cx: Context, hole: Hole) -> Expr:
    # ``_Generic(value, type: expression, ..., default: expression)``
    text = cx.text
    parts: list[Expr] = []
    for number, (start, end) in enumerate(split(text, hole.inner, hole.inner_end)):
        colon = _association(text, start, end) if number else -1
        if colon >= 0:
            low, high = trim(text, start, colon)
            type_ = type_in(cx, low, high) if text[low:high] != "default" else None
            if type_ is not None:
                parts.append(TypeArg(low, high, type_))
            start, end = trim(text, colon + 1, end)
        if start < end:
            parts.append(read_expression(cx, start, end))
    return Opaque(hole.start, hole.end, tuple(parts))


def _association(text: str, start: int, end: int) -> int:
    depth = 0
    for at in range(start, end):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
        elif text[at] == ":" and not depth:
            return at
    return -1


def read_argument(cx: Context, start: int, end: int) -> Expr:
    """Read an argument of a macro: an expression, or a type."""
    if cx.text[start] == ".":  # ``DEBUG(.name = x)`` in an initializer
        listed = read_initializer(cx, start, end)
        if listed is not None:
            return listed
    first = _FIRST_WORD.match(cx.text, start, end)
    if cx.text[end - 1] != "*" and (first is None or first.group(1) not in TYPE_WORDS):
        return read_expression(cx, start, end)
    value = _type_argument(cx, start, end)
    return TypeArg(start, end, value) if isinstance(value, Type) else value


def has_statements(text: str, start: int, end: int) -> bool:
    """Return whether a stretch of arguments is statements.

    A semicolon stands outside its parentheses and braces, or it begins like one.
    """
    depth = 0
    for match in _CODE.finditer(text, start, end):
        char = match.group()
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == ";" and depth <= 0:
            return True
    return _STATEMENT.match(text, start, end) is not None


def _asm(cx: Context, hole: Hole) -> Asm:
    # Operands are ``"constraint" (expression)``; the template is not C.
    operands = []
    at = hole.inner
    while True:
        match = re.compile(r'"\s*\(').search(cx.text, at, hole.inner_end)
        if match is None:
            break
        close = close_of(cx.text, match.end() - 1)
        if not 0 <= close <= hole.inner_end:
            break
        operands.append(read_expression(cx, match.end(), close))
        at = close
    return Asm(hole.start, hole.end, tuple(operands))
