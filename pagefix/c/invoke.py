"""Lowering of macros used at file scope: ``MODULE_LICENSE(..)``, ``TRACE_EVENT(..)``.

What stands in the parentheses need not be C: it is split at commas, recursively, until
each part is an expression, statements, or the declaration of a parameter.

Floor 1.
"""

from __future__ import annotations

import re

from pagefix.c.ast import (
    GLOBAL,
    Array,
    Base,
    Block,
    Call,
    Expr,
    ExprStmt,
    Field,
    Global,
    Invocation,
    Item,
    Name,
    Number,
    Opaque,
    Param,
    Pointer,
    Record,
    Stmt,
    String,
    Type,
    TypeArg,
)
from pagefix.c.context import Context
from pagefix.c.draft import close_of
from pagefix.c.fragments import (
    has_statements,
    read_expression,
    read_initializer,
    read_parameter,
    read_statements,
    split,
    type_in,
)
from pagefix.c.numbers import number
from pagefix.c.tables import PER_CPU

__all__ = ["lower_invocation", "row", "trace_member"]

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?=\()")
_SIMPLE = re.compile(r'(?:([A-Za-z_]\w*)|(\d\w*)|("\s*"))\Z')
_ENTRY = re.compile(r"TP_STRUCT__entry|TP_struct__entry|__TRACE_STRUCT")
_OPERATOR = re.compile(r"[-+*/%|&^<>=!~]+\Z")
_BARE = re.compile(r"\s*([A-Za-z_]\w*)\s*(?=[A-Za-z_]|\Z)")
_STORAGE = re.compile(r"\s*(?:(?:static|extern|inline|const|__\w+)\s+)*")

#: Members of a trace event's record that are declared without a type.
_STRING_MEMBERS = re.compile(r"__(?:rel_)?(?:string\w*|vstring|bitmask|cpumask|sockaddr)\Z")


class _Parts:
    # What was found among the arguments.
    def __init__(self, event: str) -> None:
        self.event = event
        self.args: list[Expr] = []
        self.scope: list[Param] = []
        self.body: list[Stmt] = []


def lower_invocation(cx: Context, start: int, end: int) -> list[Item]:
    """Lower a macro's invocation at file scope."""
    text = cx.text
    head = _CALL.match(text, _storage_end(text, start, end), end)
    if head is None:
        value = read_expression(cx, start, end)
        empty = Block(end, end, ())
        return [Invocation(start, end, "", start, (value,), (), empty)]
    opened = text.index("(", head.end())
    close = close_of(text, opened)
    if not 0 <= close < end:
        close = end
        cx.faults.append((opened, opened + 1, "a parenthesis that is not closed"))
    ranges = split(text, opened + 1, close)
    name = head.group(1)
    parts = _Parts(text[slice(*ranges[0])])
    mark = cx.enter()
    _arguments(cx, ranges, parts, top=True)
    cx.leave(mark)
    body = Block(opened, close, tuple(parts.body))
    items: list[Item] = [
        Invocation(start, end, name, head.start(1), tuple(parts.args), tuple(parts.scope), body)
    ]
    variable = _variable(parts, name, start, end)
    if variable is not None:
        items.append(variable._replace(static=text[start:opened].lstrip().startswith("static")))
    return items


def _storage_end(text: str, start: int, end: int) -> int:
    match = _STORAGE.match(text, start, end)
    return match.end() if match else start


def _variable(parts: _Parts, macro: str, start: int, end: int) -> Global | None:
    # ``DEFINE_PER_CPU(type, name)`` and the like declare a variable.
    if len(parts.args) < 2 or not PER_CPU.match(macro):
        return None
    type_, name = parts.args[:2]
    if not isinstance(type_, TypeArg) or not isinstance(name, Name):
        return None
    return Global(start, end, name.name, name.start, type_.type, None, False)


def _arguments(cx: Context, ranges: list[tuple[int, int]], parts: _Parts, *, top: bool) -> None:
    text = cx.text
    while ranges:
        start, end = ranges.pop(0)
        if start == end:
            continue
        if ";" in text[start:end] and has_statements(text, start, end):
            # Statements: commas in them do not separate arguments.
            last = ranges[-1][1] if ranges else end
            ranges.clear()
            parts.body += read_statements(cx, start, last)
            return
        value = _argument(cx, start, end, parts)
        if value is None:
            continue
        if top:
            parts.args.append(value)
        else:
            parts.body.append(ExprStmt(value.start, value.end, value))


def _argument(cx: Context, start: int, end: int, parts: _Parts) -> Expr | None:
    text = cx.text[start:end]
    simple = _SIMPLE.match(text)
    if simple is not None:
        return _simple(cx, start, end, simple)
    if _OPERATOR.match(text):
        return Opaque(start, end, ())
    mark = len(cx.faults)
    call = _CALL.match(text)
    if call is not None and _ENTRY.match(call.group(1)):
        return _entry(cx, start, end, parts)
    value: Expr | None = None
    # Not ``TP_PROTO(struct page *page)``: it would pass for an unnamed parameter.
    proto = call is not None and call.group(1).startswith("TP_PROTO")
    if not proto:
        value = read_expression(cx, start, end)
        if len(cx.faults) == mark:
            return value
        del cx.faults[mark:]
    param = None if proto else read_parameter(cx, start, end)
    if param is not None:
        if param.name:
            parts.scope.append(param)
            cx.declare(param.name, param.at)
            return None
        return TypeArg(start, end, param.type)
    nested = _nested(cx, start, end, call, parts)
    if nested is not None:
        return nested
    if text.startswith("{") and text.endswith("}"):
        parts.body += read_statements(cx, start, end)
        if len(cx.faults) > mark:
            del cx.faults[mark:]
            listed = read_initializer(cx, start + 1, end - 1)
            if listed is not None:
                return listed
            return read_expression(cx, start, end)
        return None
    pieces = row(cx.text, start, end)
    if len(pieces) > 1:
        _arguments(cx, pieces, parts, top=False)
        return None
    return read_expression(cx, start, end)


def _simple(cx: Context, start: int, end: int, match: re.Match[str]) -> Expr:
    word, digits, _ = match.groups()
    if word:
        found = type_in(cx, start, end) if word in _PRIMITIVE else None
        if found is not None:
            return TypeArg(start, end, found)
        return Name(start, end, word, cx.names.get(word, GLOBAL))
    if digits:
        return Number(start, end, number(digits))
    return String(start, end)


_PRIMITIVE = frozenset(
    "int long char short unsigned bool void float double size_t ssize_t u8 u16 u32 u64".split()
)


def _nested(
    cx: Context, start: int, end: int, call: re.Match[str] | None, parts: _Parts
) -> Expr | None:
    # ``TP_PROTO(struct inode *inode, int x)``: what is inside is taken apart as well.
    if call is None:
        return None
    opened = cx.text.index("(", start + call.end())
    close = close_of(cx.text, opened)
    if close != end - 1:
        return None
    at = start + call.start(1)
    name = Name(at, at + len(call.group(1)), call.group(1), GLOBAL)
    _arguments(cx, split(cx.text, opened + 1, close), parts, top=False)
    return Call(start, end, name, ())


def row(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the calls that stand in a row without commas: ``__field(a, b) __string(c, d)``."""
    found = []
    at = start
    while at < end:
        match = _CALL.match(text, at, end)
        if match is None:
            word = _BARE.match(text, at, end)
            if word is None:
                break
            found.append((word.start(1), word.end(1)))
            at = word.end()
            continue
        close = close_of(text, match.end())
        if not 0 <= close < end:
            break
        found.append((match.start(1), close + 1))
        at = close + 1
        while at < end and (text[at].isspace() or text[at] in ",;"):
            at += 1
    if at < end and text[at:end].strip():
        found.append((at, end))
    return found


def _entry(cx: Context, start: int, end: int, parts: _Parts) -> Expr:
    # The record that a trace event fills: ``__entry`` points to it.
    text = cx.text
    call = _CALL.match(text, start, end)
    assert call is not None
    opened = text.index("(", start)
    at = call.start(1)
    name = Name(at, call.end(1), call.group(1), GLOBAL)
    fields: list[Field] = []
    values: list[Expr] = []
    for piece in row(text, *_inside(text, opened, end)):
        field, value = trace_member(cx, piece)
        values.append(value)
        if field is not None:
            fields.append(field)
    record = Record(f"struct trace_event_raw_{parts.event}", tuple(fields), start, end)
    entry = Param("__entry", at, Pointer(record))
    parts.scope.append(entry)
    cx.declare("__entry", at)
    return Call(start, end, name, tuple(values))


def _inside(text: str, opened: int, end: int) -> tuple[int, int]:
    start = opened + 1
    while start < end and text[start].isspace():
        start += 1
    return start, end - 1


def trace_member(cx: Context, piece: tuple[int, int]) -> tuple[Field | None, Expr]:
    """Read a member of a trace event: the field it declares, and the call it is."""
    start, end = piece
    text = cx.text
    call = _CALL.match(text, start, end)
    if call is None or text[end - 1] != ")":
        return None, read_expression(cx, start, end)
    name = Name(call.start(1), call.end(1), call.group(1), GLOBAL)
    opened = text.index("(", start)
    ranges = [each for each in split(text, opened + 1, end - 1) if each[0] < each[1]]
    args: list[Expr] = []
    typed = len(ranges) > 1 and not _STRING_MEMBERS.match(name.name)
    for number_, (low, high) in enumerate(ranges):
        found = type_in(cx, low, high) if typed and not number_ else None
        if found is not None:
            args.append(TypeArg(low, high, found))
        else:
            args.append(read_expression(cx, low, high))
    value = Call(start, end, name, tuple(args))
    type_: Type = Array(Base("char"))
    member = args[0] if args else None
    if typed and isinstance(args[0], TypeArg):
        type_, member = args[0].type, args[1]
        if "array" in name.name:
            type_ = Array(type_)
    if isinstance(member, Name):
        return Field(member.name, type_, member.start), value
    return None, value
