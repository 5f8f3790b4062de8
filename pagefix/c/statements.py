"""Lowering of statements.

Floor 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefix.c.ast import (
    GLOBAL,
    Alternatives,
    Asm,
    Binary,
    Block,
    Break,
    Call,
    Case,
    Continue,
    Declare,
    Expr,
    ExprStmt,
    For,
    ForEach,
    FunctionType,
    Goto,
    If,
    Label,
    Name,
    Number,
    Opaque,
    Return,
    Stmt,
    Switch,
    TypeArg,
    UnknownType,
    While,
)
from pagefix.c.context import DEEPEST, Context, statement
from pagefix.c.declarations import (
    Declared,
    base_type,
    declarator,
    is_declarator,
    settle_type,
)

if TYPE_CHECKING:
    from tree_sitter import Node

__all__: list[str] = []


@statement("expression_statement")
def _expression(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    if node.type != "expression_statement":
        # An expression where a statement stands: only in broken text.
        parts = cx.parts([node])
        if parts:
            into.append(ExprStmt(start, end, Opaque(start, end, tuple(parts))))
        return
    inner = node.children
    if not inner or not inner[0].is_named:
        return
    hole = cx.holes.get(inner[0].start_byte + shift)
    if hole is not None and hole.kind in ("asm", "goto"):
        value = cx.fill(cx, hole)
        if isinstance(value, Asm):
            into.append(value._replace(end=end))
        elif isinstance(value, Expr):
            into.append(ExprStmt(value.start, value.end, value))
            into.append(Goto(start, end, None))
        return
    value = cx.expr(inner[0]) if len(inner) <= 2 else Opaque(start, end, tuple(cx.parts(inner)))
    into.append(ExprStmt(start, end, value))


@statement("compound_statement")
def _block(cx: Context, node: Node, into: list[Stmt]) -> None:
    mark = cx.enter()
    body: list[Stmt] = []
    stmt = cx.stmt
    for child in node.children:
        stmt(child, body)
    cx.leave(mark)
    shift = cx.shift
    into.append(Block(node.start_byte + shift, node.end_byte + shift, tuple(body)))


@statement("declaration")
def _declaration(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    records = len(cx.records)
    base = base_type(cx, node)
    static = False
    found = False
    for child in node.children:
        kind = child.type
        if kind == "storage_class_specifier":
            static = static or cx.word(child) == "static"
        elif kind == "ERROR":
            parts = cx.parts(child.children)
            if parts:
                at = child.start_byte + shift
                into.append(ExprStmt(at, child.end_byte + shift, Opaque(at, at, tuple(parts))))
        elif is_declarator(child):
            found = True
            declared = declarator(cx, child, base)
            _declare(cx, (start, end), declared, static, into)
    if not found and len(cx.records) > records:
        into.append(ExprStmt(start, end, TypeArg(start, end, base)))


def _declare(
    cx: Context, span: tuple[int, int], declared: Declared, static: bool, into: list[Stmt]
) -> None:
    name, at, type_, _, init = declared
    if isinstance(type_, FunctionType):
        return  # a local prototype names a function of the file scope
    cx.declare(name, at)
    value = cx.expr(init) if init is not None else None
    into.append(Declare(*span, name, at, settle_type(type_, value), value, static))


@statement("type_definition", "struct_specifier", "union_specifier", "enum_specifier")
def _local_type(cx: Context, node: Node, into: list[Stmt]) -> None:
    # A record or a typedef inside a function: kept as a type without a variable.
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    before = len(cx.enumerators)
    type_ = cx.base_type(cx, node)
    for name, at, value in [(e.name, e.at, e.value) for e in cx.enumerators[before:]]:
        cx.declare(name, at)
        into.append(Declare(at, end, name, at, UnknownType(), value, True))
    del cx.enumerators[before:]
    into.append(ExprStmt(start, end, TypeArg(start, end, type_)))


@statement("if_statement")
def _if(cx: Context, node: Node, into: list[Stmt]) -> None:
    # ``else if`` chains can be long: collected in a loop, nested from the end.
    shift = cx.shift
    if node.start_byte + shift in cx.loops:
        _while(cx, node, into)  # a loop whose name is too short for ``while``
        return
    links: list[tuple[int, int, Expr, Stmt]] = []
    other: Stmt | None = None
    while True:
        test = then = follow = None
        for child in node.children:
            kind = child.type
            if kind == "parenthesized_expression" and test is None:
                test = cx.expr(child)
            elif kind == "else_clause":
                follow = child
            elif child.is_named and kind != "ERROR" and then is None:
                then = cx.block(child)
        start, end = node.start_byte + shift, node.end_byte + shift
        links.append((start, end, test or Opaque(start, start, ()), then or Block(end, end, ())))
        if follow is None:
            break
        rest = [child for child in follow.children if child.is_named]
        if len(rest) == 1 and rest[0].type == "if_statement":
            node = rest[0]
            continue
        other = cx.block(rest[0]) if rest else None
        break
    if len(links) > DEEPEST:
        raise RecursionError  # as any other text that is nested too deeply
    for start, end, test, then in reversed(links):
        other = If(start, end, test, then, other)
    assert other is not None
    into.append(other)


@statement("while_statement")
def _while(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    condition = body = None
    for child in node.children:
        if child.type == "parenthesized_expression" and condition is None:
            condition = child
        elif child.is_named and child.type != "ERROR":
            body = child
    test = cx.expr(condition) if condition is not None else Opaque(start, start, ())
    name_end = cx.loops.get(start)
    if name_end is None or condition is None:
        lowered = cx.block(body) if body is not None else Block(end, end, ())
        into.append(While(start, end, test, lowered, False))
        return
    head = _head(cx, start, name_end, test, condition.end_byte + shift)
    lowered = cx.block(body) if body is not None else Block(end, end, ())
    into.append(ForEach(start, end, head, lowered))


def _head(cx: Context, start: int, name_end: int, test: Expr, end: int) -> Call:
    # The macro's call that masking turned into ``while (...)``.
    name = cx.text[start:name_end]
    func = Name(start, name_end, name, cx.names.get(name, GLOBAL))
    return Call(start, end, func, _loop_arguments(test, cx.text[name_end:end]))


def _loop_arguments(test: Expr, text: str) -> tuple[Expr, ...]:
    # The comma expression that the arguments were read as, taken apart again.
    args: list[Expr] = []
    while isinstance(test, Binary) and test.op == ",":
        args.append(test.left)
        test = test.right
    if args or not isinstance(test, Number) or text.strip("() \t\r\n"):
        args.append(test)
    return tuple(args)


@statement("do_statement")
def _do(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    body: Stmt | None = None
    test: Expr = Opaque(end, end, ())
    word = start
    for child in node.children:
        if child.type == "while":
            word = child.start_byte + shift
        elif child.type == "parenthesized_expression":
            test = cx.expr(child)
            name_end = cx.loops.get(word)
            if name_end is not None:  # a macro ends the loop
                test = _head(cx, word, name_end, test, child.end_byte + shift)
        elif child.is_named and child.type != "ERROR" and body is None:
            body = cx.block(child)
    into.append(While(start, end, test, body or Block(end, end, ()), True))


@statement("for_statement")
def _for(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    mark = cx.enter()
    init: list[Stmt] = []
    test: Expr | None = None
    step: Expr | None = None
    part = 0  # which of the three a child belongs to: semicolons count it on
    body: Stmt | None = None
    for child in node.children:
        kind = child.type
        if kind == ";":
            part += 1
        elif kind == ")":
            part = 3
        elif not child.is_named:
            continue
        elif kind == "declaration":
            cx.stmt(child, init)
            part = 1
        elif kind == "ERROR":
            lost = cx.parts(child.children)
            if lost:
                at, to = child.start_byte + shift, child.end_byte + shift
                init.append(ExprStmt(at, to, Opaque(at, to, tuple(lost))))
        elif part == 0:
            value = cx.expr(child)
            init.append(ExprStmt(value.start, value.end, value))
        elif part == 1:
            test = cx.expr(child)
        elif part == 2:
            step = cx.expr(child)
        else:
            body = cx.block(child)
    cx.leave(mark)
    into.append(For(start, end, tuple(init), test, step, body or Block(end, end, ())))


@statement("switch_statement")
def _switch(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    value: Expr = Opaque(start, start, ())
    body: Stmt = Block(end, end, ())
    for child in node.children:
        if child.type == "parenthesized_expression":
            value = cx.expr(child)
        elif child.is_named and child.type != "ERROR":
            body = cx.block(child)
    into.append(Switch(start, end, value, body))


@statement("case_statement")
def _case(cx: Context, node: Node, into: list[Stmt]) -> None:
    inner = node.children
    shift = cx.shift
    start = node.start_byte + shift
    value = last = None
    at = 0
    for at, child in enumerate(inner):  # noqa: B007
        kind = child.type
        if kind == ":":
            break
        if child.is_named:
            value = cx.expr(child)
    end = inner[at].end_byte + shift
    if isinstance(value, Binary) and value.op == "||" and start in cx.ranges:
        span: Binary = value
        value, last = span.left, span.right
    into.append(Case(start, end, value, last))
    for child in inner[at + 1 :]:
        cx.stmt(child, into)


@statement("labeled_statement")
def _label(cx: Context, node: Node, into: list[Stmt]) -> None:
    inner = node.children
    shift = cx.shift
    start = node.start_byte + shift
    into.append(Label(start, inner[0].end_byte + shift, cx.word(inner[0])))
    for child in inner[2:]:
        cx.stmt(child, into)


@statement("goto_statement")
def _goto(cx: Context, node: Node, into: list[Stmt]) -> None:
    start, end = node.start_byte + cx.shift, node.end_byte + cx.shift
    label = None
    for child in node.children:
        if child.type == "statement_identifier":
            label = cx.word(child)
    into.append(Goto(start, end, label))


@statement("break_statement")
def _break(cx: Context, node: Node, into: list[Stmt]) -> None:
    into.append(Break(node.start_byte + cx.shift, node.end_byte + cx.shift))


@statement("continue_statement")
def _continue(cx: Context, node: Node, into: list[Stmt]) -> None:
    into.append(Continue(node.start_byte + cx.shift, node.end_byte + cx.shift))


@statement("return_statement")
def _return(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    inner = [child for child in node.children if child.is_named]
    if not inner:
        value = None
    elif len(inner) == 1:
        value = cx.expr(inner[0])
    else:
        value = Opaque(start, end, tuple(cx.parts(inner)))
    into.append(Return(start, end, value))


@statement("else_clause", "attributed_statement")
def _inner(cx: Context, node: Node, into: list[Stmt]) -> None:
    for child in node.children:
        if child.is_named:
            cx.stmt(child, into)


@statement("preproc_if", "preproc_ifdef")
def _conditional(cx: Context, node: Node, into: list[Stmt]) -> None:
    shift = cx.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    branches: list[Block] = []
    complete = False
    branch: Node | None = node
    while branch is not None:
        follow = None
        body: list[Stmt] = []
        kind = branch.type
        # Condition and name are directives, not code: the first named child.
        skip = 0 if kind == "preproc_else" else 1
        first = branch.start_byte + shift
        last = first
        for child in branch.children:
            if child.type in ("preproc_else", "preproc_elif", "preproc_elifdef"):
                follow = child
            elif child.is_named:
                if skip:
                    skip -= 1
                    continue
                cx.stmt(child, body)
                last = child.end_byte + shift
        complete = complete or kind == "preproc_else"
        branches.append(Block(first, last, tuple(body)))
        branch = follow
    into.append(Alternatives(start, end, tuple(branches), complete))


@statement("function_definition")
def _nested_function(cx: Context, node: Node, into: list[Stmt]) -> None:
    # A function inside a function: only where the text was misread.
    for child in node.children:
        if child.is_named:
            cx.stmt(child, into)
