"""Lowering of expressions.

Floor 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefix.c.ast import (
    GLOBAL,
    Asm,
    Assign,
    Base,
    Binary,
    Block,
    Call,
    Cast,
    CompoundLiteral,
    Conditional,
    Designator,
    Expr,
    Init,
    InitList,
    Member,
    Name,
    Number,
    OffsetOf,
    Opaque,
    SizeOf,
    StatementExpr,
    Stmt,
    String,
    Subscript,
    TypeArg,
    Unary,
)
from pagefix.c.context import DEEPEST, Context, expression
from pagefix.c.make import make
from pagefix.c.numbers import number

if TYPE_CHECKING:
    from tree_sitter import Node

__all__: list[str] = []


@expression("identifier")
def _identifier(cx: Context, node: Node) -> Expr:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    if start in cx.holes:
        return _filled(cx, start, end)
    word = cx.text[start:end]
    if not word.isascii():
        word = cx.word(node)
    return make(Name, (start, end, word, cx.names.get(word, GLOBAL)))


def _filled(cx: Context, start: int, end: int) -> Expr:
    # What masking hid behind an identifier.
    value = cx.fill(cx, cx.holes[start])
    if isinstance(value, Expr):
        return value
    if isinstance(value, Asm):
        return Opaque(value.start, value.end, value.operands)
    assert value is not None
    return TypeArg(start, cx.holes[start].end, value)  # type: ignore[arg-type]


@expression("number_literal", "char_literal", "true", "false", "null")
def _number(cx: Context, node: Node) -> Expr:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    word = cx.text[start:end]
    if word.endswith("'"):
        word = cx.data[start:end].decode("latin-1")
    if word == "NULL":
        return make(Name, (start, end, word, GLOBAL))
    return make(Number, (start, end, number(word)))


@expression("string_literal", "system_lib_string")
def _string(cx: Context, node: Node) -> Expr:
    return String(node.start_byte + cx.shift, node.end_byte + cx.shift)


@expression("concatenated_string")
def _strings(cx: Context, node: Node) -> Expr:
    # Names among the literals (PRIx64, KERN_ERR) are macros: kept as parts.
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    names = [child for child in node.children if child.type not in ("string_literal", "comment")]
    if not names:
        return String(start, end)
    return Opaque(start, end, tuple(cx.expr(child) for child in names))


@expression("parenthesized_expression")
def _parenthesized(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) == 3:
        if inner[1].type == "compound_statement":
            into: list[Stmt] = []
            cx.stmt(inner[1], into)
            body = into[0]
            assert isinstance(body, Block)
            return StatementExpr(node.start_byte + cx.shift, node.end_byte + cx.shift, body)
        return cx.expr(inner[1])
    return cx.opaque(node)


@expression("field_expression")
def _member(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 3:
        return cx.opaque(node)
    base, arrow, field = inner
    shift = cx.shift
    at, end = field.start_byte + shift, field.end_byte + shift
    word = cx.text[at:end]
    if not word.isascii():
        word = cx.word(field)
    return make(Member, (node.start_byte + shift, end, cx.expr(base), word, arrow.type == "->", at))


@expression("call_expression")
def _call(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 2 or inner[1].type != "argument_list":
        return cx.opaque(node)
    func = cx.expr(inner[0])
    args = arguments(cx, inner[1])
    return make(Call, (node.start_byte + cx.shift, node.end_byte + cx.shift, func, args))


def arguments(cx: Context, node: Node) -> tuple[Expr, ...]:
    """Lower the arguments of a call."""
    if node.has_error:
        return tuple(cx.parts(node.children))
    expr = cx.expr
    # The children are ``(``, the arguments with commas between them, ``)``.
    return tuple([expr(child) for child in node.children[1:-1:2]])


@expression("binary_expression")
def _binary(cx: Context, node: Node) -> Expr:
    # Long chains (``a | b | c | ...``) lean to the left: walk down, then build up.
    shift = cx.shift
    spine = []
    while node.type == "binary_expression":
        inner = node.children
        if len(inner) != 3:
            break
        op = inner[1].type
        if cx.joints and inner[1].start_byte + shift in cx.joints:
            op = ""
        spine.append((node.end_byte + shift, op, inner[2]))
        node = inner[0]
    if not spine:
        return cx.opaque(node)
    left = cx.expr(node)
    start = node.start_byte + shift
    if len(spine) > DEEPEST:
        rest = tuple(cx.expr(right) for _, _, right in reversed(spine))
        return Opaque(start, spine[0][0], (left, *rest))
    for end, op, right in reversed(spine):
        if op:
            left = make(Binary, (start, end, op, left, cx.expr(right)))
        else:  # words in a row, joined by masking
            left = Opaque(start, end, (left, cx.expr(right)))
    return left


@expression("comma_expression")
def _comma(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 3:
        return cx.opaque(node)
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    return make(Binary, (start, end, ",", cx.expr(inner[0]), cx.expr(inner[2])))


@expression("assignment_expression")
def _assign(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 3:
        return cx.opaque(node)
    target, op, value = inner
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    return make(Assign, (start, end, op.type, cx.expr(target), cx.expr(value)))


@expression("pointer_expression", "unary_expression")
def _unary(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 2:
        return cx.opaque(node)
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    return make(Unary, (start, end, inner[0].type, cx.expr(inner[1])))


@expression("update_expression")
def _update(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 2:
        return cx.opaque(node)
    first, last = inner
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    if first.type in ("++", "--"):
        return make(Unary, (start, end, first.type + "_", cx.expr(last)))
    return make(Unary, (start, end, "_" + last.type, cx.expr(first)))


@expression("subscript_expression")
def _subscript(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 4:
        return cx.opaque(node)
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    return Subscript(start, end, cx.expr(inner[0]), cx.expr(inner[2]))


@expression("conditional_expression")
def _conditional(cx: Context, node: Node) -> Expr:
    inner = node.children
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    if len(inner) == 5:
        test, _, then, _, other = inner
        return Conditional(start, end, cx.expr(test), cx.expr(then), cx.expr(other))
    if len(inner) == 4:  # GNU: test ?: other
        return Conditional(start, end, cx.expr(inner[0]), None, cx.expr(inner[3]))
    return cx.opaque(node)


@expression("cast_expression")
def _cast(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 4:
        return cx.opaque(node)
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    descriptor, value = inner[1], inner[3]
    name = _lone_name(cx, descriptor)
    if name is not None:
        # ``(x) * y`` and ``(f) (y)`` with a variable in the parentheses are no casts.
        right = cx.expr(value)
        if isinstance(right, Unary) and right.op in ("*", "&", "-", "+"):
            return make(Binary, (start, end, right.op, name, right.operand))
        return make(Call, (start, end, name, (right,)))
    left = _no_type(cx, descriptor)
    if left is not None:
        # ``(f(x)) && (y) == z``: that the grammar takes ``== z`` for the whole's is no harm,
        # so long as nobody takes what comes of it for a condition.
        return Opaque(start, end, (left, cx.expr(value)))
    return Cast(start, end, cx.type_of(cx, descriptor), cx.expr(value))


def _lone_name(cx: Context, descriptor: Node) -> Name | None:
    # The variable that stands where the grammar expects a type, if it is one.
    inner = descriptor.children
    if len(inner) != 1 or inner[0].type != "type_identifier":
        return None
    start, end = inner[0].start_byte + cx.shift, inner[0].end_byte + cx.shift
    word = cx.text[start:end]
    at = cx.names.get(word)
    return None if at is None else Name(start, end, word, at)


def _no_type(cx: Context, descriptor: Node) -> Expr | None:
    # ``f(x)`` or ``a[i]`` where the grammar expects a type: nobody casts to a function or an array.
    inner = descriptor.children
    if len(inner) != 2 or inner[0].type != "type_identifier":
        return None
    base, declarator = inner
    start, end = base.start_byte + cx.shift, declarator.end_byte + cx.shift
    if declarator.type == "abstract_array_declarator" and len(declarator.children) == 3:
        return Subscript(start, end, _variable(cx, base), cx.expr(declarator.children[1]))
    if declarator.type != "abstract_function_declarator" or len(declarator.children) != 1:
        return None
    given = [
        each.children[0]
        for each in declarator.children[0].children
        if each.type == "parameter_declaration" and len(each.children) == 1
    ]
    if not given or any(each.type != "type_identifier" for each in given):
        return None
    return make(
        Call, (start, end, _variable(cx, base), tuple(_variable(cx, each) for each in given))
    )


def _variable(cx: Context, node: Node) -> Name:
    start, end = node.start_byte + cx.shift, node.end_byte + cx.shift
    word = cx.text[start:end]
    return Name(start, end, word, cx.names.get(word, GLOBAL))


@expression("sizeof_expression", "alignof_expression")
def _sizeof(cx: Context, node: Node) -> Expr:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    inner = node.children
    if len(inner) == 2:
        return SizeOf(start, end, cx.expr(inner[1]), None)
    if len(inner) == 4 and inner[2].type == "type_descriptor":
        name = _lone_name(cx, inner[2])
        if name is not None:
            return SizeOf(start, end, name, None)
        return SizeOf(start, end, None, cx.type_of(cx, inner[2]))
    return cx.opaque(node)


@expression("offsetof_expression")
def _offsetof(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 6 or node.has_error:
        return cx.opaque(node)
    shift = cx.shift
    field = inner[4]
    path = ((cx.word(field), field.start_byte + shift),)
    start, end = node.start_byte + shift, node.end_byte + shift
    return OffsetOf(start, end, cx.type_of(cx, inner[2]), path)


@expression("compound_literal_expression")
def _compound(cx: Context, node: Node) -> Expr:
    inner = node.children
    if len(inner) != 4:
        return cx.opaque(node)
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    value = cx.expr(inner[3])
    if not isinstance(value, InitList):
        return cx.opaque(node)
    return CompoundLiteral(start, end, cx.type_of(cx, inner[1]), value)


@expression("initializer_list")
def _initializer(cx: Context, node: Node) -> Expr:
    items = []
    for child in node.children:
        kind = child.type
        if kind == "initializer_pair":
            items.append(_pair(cx, child))
        elif child.is_named:
            items.append(Init((), cx.expr(child)))
    shift = cx.shift
    return InitList(node.start_byte + shift, node.end_byte + shift, tuple(items))


def _pair(cx: Context, node: Node) -> Init:
    designators = []
    value: Expr | None = None
    shift = cx.shift
    for child in node.children:
        kind = child.type
        if kind == "field_designator":
            field = child.children[-1]
            designators.append(Designator(field.start_byte + shift, cx.word(field), None))
        elif kind == "subscript_designator":
            index = cx.expr(child.children[1])
            designators.append(Designator(child.start_byte + shift, None, index))
        elif kind == "subscript_range_designator":
            ends = [cx.expr(end) for end in child.named_children]
            start, end = child.start_byte + shift, child.end_byte + shift
            designators.append(Designator(start, None, Opaque(start, end, tuple(ends))))
        elif kind == "field_identifier" and value is None:  # GNU's old ``field: value``
            designators.append(Designator(child.start_byte + shift, cx.word(child), None))
        elif child.is_named:
            value = cx.expr(child)
    if value is None:
        value = Opaque(node.end_byte + shift, node.end_byte + shift, ())
    return Init(tuple(designators), value)


@expression("extension_expression")
def _extension(cx: Context, node: Node) -> Expr:
    inner = node.named_children
    return cx.expr(inner[0]) if len(inner) == 1 else cx.opaque(node)


@expression("compound_statement")
def _bare_block(cx: Context, node: Node) -> Expr:
    # Only in broken text: a block where an expression was expected.
    into: list[Stmt] = []
    cx.stmt(node, into)
    body = into[0]
    assert isinstance(body, Block)
    return StatementExpr(body.start, body.end, body)


@expression("generic_expression")
def _generic(cx: Context, node: Node) -> Expr:
    shift = cx.shift
    parts: list[Expr] = []
    for child in node.named_children:
        if child.type == "type_descriptor":
            start, end = child.start_byte + shift, child.end_byte + shift
            if cx.text[start:end] != "default":
                parts.append(TypeArg(start, end, cx.type_of(cx, child)))
        else:
            parts.append(cx.expr(child))
    return Opaque(node.start_byte + shift, node.end_byte + shift, tuple(parts))


@expression("type_descriptor")
def _type_argument(cx: Context, node: Node) -> Expr:
    start, end = node.start_byte + cx.shift, node.end_byte + cx.shift
    return TypeArg(start, end, cx.type_of(cx, node))


@expression("gnu_asm_expression")
def _asm(cx: Context, node: Node) -> Expr:
    return cx.opaque(node)


@expression("primitive_type", "sized_type_specifier")
def _type_word(cx: Context, node: Node) -> Expr:
    start, end = node.start_byte + cx.shift, node.end_byte + cx.shift
    return TypeArg(start, end, Base(" ".join(cx.text[start:end].split())))
