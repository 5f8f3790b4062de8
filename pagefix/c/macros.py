"""Lowering of ``#define``: a macro's body is code.

Floor 1.
"""

from __future__ import annotations

import re

from pagefix.c.ast import (
    GLOBAL,
    Block,
    Expr,
    ExprStmt,
    Invocation,
    Item,
    Macro,
    Name,
    Number,
    Opaque,
    Param,
    String,
    TypeArg,
    UnknownType,
)
from pagefix.c.chunk import Chunk, ChunkKind
from pagefix.c.conditionals import Variant
from pagefix.c.context import Context
from pagefix.c.fragments import (
    read_expression,
    read_initializer,
    read_statements,
    split,
    type_in,
)
from pagefix.c.invoke import row, trace_member
from pagefix.c.mask import mask
from pagefix.c.numbers import number
from pagefix.c.reading import read_chunk
from pagefix.c.scan import split_items

__all__ = ["lower_define"]

_HEAD = re.compile(r"#[ \t]*define\s*([A-Za-z_]\w*)(\([^()]*\))?")
_PARAM = re.compile(r"[A-Za-z_]\w*|\.\.\.")
_SIMPLE = re.compile(r'\s*(?:([A-Za-z_]\w*)|(\(?)(\d\w*)\)?|("\s*"))\s*\Z')
_PASTE = re.compile(r"([\w$]*)(\s*##\s*)(?=([\w$]?))")
_LOOSE_ENDS = re.compile(r"[|&+*/,=^-]*\s*(.*?)\s*[|&+*/,=^-]*\Z", re.DOTALL)
_STRINGIFY = re.compile(r"#\s*[A-Za-z_]\w*")
_FIELD = re.compile(r"(?:->|\.)\s*([A-Za-z_]\w*)\b(?!\s*##)")
_FIELD_MACRO = re.compile(
    r"\b(?:(?:__builtin_)?offsetof|offsetofend|sizeof_field|FIELD_SIZEOF|typeof_member)\s*"
    r"\(\s*[^,]*?,\s*([A-Za-z_]\w*)\s*[\[.)]"
    r"|\b(?:container_of\w*|(?:h?list|rb|llist|plist)\w*_entry\w*)\s*"
    r"\([^;]*?,[^;]*?,\s*([A-Za-z_]\w*)\s*[.)]"
)
_STATEMENT = re.compile(r"\s*(?:do|if|for|while|switch|return|goto|break|continue|case)\b|\s*\{")
_ITEMS = re.compile(
    r"\s*(?:static|extern|typedef|const|struct|union|enum|inline|__always_inline|asmlinkage"
    r"|noinline|unsigned|signed|void|int|long|char|short|bool|u8|u16|u32|u64|size_t|ssize_t"
    r"|DEFINE_\w+\s*\(|DECLARE_\w+\s*\(|TRACE_EVENT\w*\s*\()\b"
)
_SEPARATOR = re.compile(r"[;{}]")


def lower_define(cx: Context, chunk: Chunk) -> Macro:
    """Lower a ``#define``."""
    head = _HEAD.match(cx.text, chunk.start, chunk.end)
    if head is None:
        return Macro(chunk.start, chunk.end, "", chunk.start, None, None, False, ())
    params = _params(cx, head)
    start, end = head.end(), chunk.end
    text = cx.text[start:end]
    if "#" in text:
        joined = _pasted(text)
        cx.text = cx.text[:start] + joined + cx.text[end:]
        fields = _fields(text, params)
        text = joined
    else:
        fields = _fields(text, params)
    body, read = _body(cx, start, end, text, head.group(1))
    return Macro(chunk.start, chunk.end, head.group(1), head.start(1), params, body, read, fields)


def _params(cx: Context, head: re.Match[str]) -> tuple[Param, ...] | None:
    if head.group(2) is None:
        return None
    params = []
    for match in _PARAM.finditer(cx.text, head.start(2), head.end(2)):
        params.append(Param(match.group(), match.start(), UnknownType()))
        cx.declare(match.group(), match.start())
    return tuple(params)


def _fields(text: str, params: tuple[Param, ...] | None) -> tuple[int, ...]:
    # Parameters that name a field in the body.
    if not params:
        return ()
    names = {match.group(1) for match in _FIELD.finditer(text)}
    for match in _FIELD_MACRO.finditer(text):
        names.add(match.group(1) or match.group(2))
    return tuple(at for at, param in enumerate(params) if param.name in names)


def _pasted(text: str) -> str:
    # ``a ## b`` becomes one identifier of the same length, ``#x`` a string.
    def join(match: re.Match[str]) -> str:
        left, middle, right = match.groups()
        if left[:1].isdigit() and right:
            left = "_" + left[1:]  # no number, once something is pasted to it
        return left + ("_" if left and right else " ") * len(middle)

    text = _PASTE.sub(join, text)
    return _STRINGIFY.sub(lambda match: '"' + " " * (len(match.group()) - 2) + '"', text)


def _body(
    cx: Context, start: int, end: int, text: str, head_name: str
) -> tuple[Expr | Block | tuple[Item, ...] | None, bool]:
    """Read a body as the first of: expression, statements, items, initializer, pieces."""
    stripped = text.strip()
    if not stripped:
        return None, True
    simple = _SIMPLE.match(text)
    if simple is not None:
        return _simple(cx, start, simple), True
    masked = mask(text, start, cx.macros, body=False).text.strip()
    if not masked or _only_words(masked.decode("latin-1")):
        return None, True  # annotations and storage classes
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    ways = [_expression, _statements, _items, _initializer, _type, _members]
    if _ITEMS.match(text):
        ways = [_type, _items, _statements, _expression, _initializer]
    elif _STATEMENT.match(text) or _ends(cx.text, start, end):
        ways = [_statements, _initializer, _items, _expression]
    if head_name == "TRACE_INCLUDE_PATH":
        return None, True  # a path
    mark = len(cx.faults)
    ways += [_trimmed, _unclosed]
    for way in ways:
        found = way(cx, start, end)
        if found is not None and len(cx.faults) == mark:
            return found, True
        del cx.faults[mark:]
    return _pieces(cx, start, end), len(cx.faults) == mark


_STORAGE_WORDS = frozenset(
    "static extern inline register const volatile typedef auto __inline__ __inline".split()
)


def _only_words(text: str) -> bool:
    return all(word in _STORAGE_WORDS for word in text.split())


def _simple(cx: Context, base: int, match: re.Match[str]) -> Expr:
    word, _, digits, _ = match.groups()
    if word:
        start, end = base + match.start(1), base + match.end(1)
        found = type_in(cx, start, end) if word in ("int", "void", "char", "long") else None
        if found is not None:
            return TypeArg(start, end, found)
        return Name(start, end, word, cx.names.get(word, GLOBAL))
    if digits:
        return Number(base + match.start(3), base + match.end(3), number(digits))
    return String(base + match.start(4), base + match.end(4))


def _ends(text: str, start: int, end: int) -> bool:
    # Whether a semicolon stands outside all parentheses.
    depth = 0
    for match in re.compile(r"[(){};]").finditer(text, start, end):
        char = match.group()
        if char in "({":
            depth += 1
        elif char in ")}":
            depth -= 1
        elif not depth:
            return True
    return False


def _expression(cx: Context, start: int, end: int) -> Expr | None:
    return read_expression(cx, start, end)


def _statements(cx: Context, start: int, end: int) -> Block | None:
    return Block(start, end, tuple(read_statements(cx, start, end)))


def _initializer(cx: Context, start: int, end: int) -> Expr | None:
    return read_initializer(cx, start, end)


def _type(cx: Context, start: int, end: int) -> Expr | None:
    found = type_in(cx, start, end)
    return None if found is None else TypeArg(start, end, found)


def _trimmed(cx: Context, start: int, end: int) -> Expr | None:
    # ``= value``, ``FLAG |``, ``ITEM,``: an expression with a loose end.
    match = _LOOSE_ENDS.match(cx.text, start, end)
    if match is None or match.span(1) == (start, end) or not match.group(1):
        return None
    return read_expression(cx, *match.span(1))


def _members(cx: Context, start: int, end: int) -> Expr | None:
    # Members of a trace event in a row.
    pieces = row(cx.text, start, end)
    if len(pieces) < 2:
        return None
    return Opaque(start, end, tuple(trace_member(cx, piece)[1] for piece in pieces))


def _unclosed(cx: Context, start: int, end: int) -> Block | None:
    # ``{ int i; for (...)``: another macro closes what this one opens.
    text = cx.text[start:end]
    missing = text.count("{") - text.count("}")
    if missing <= 0:
        return None
    return Block(start, end, tuple(read_statements(cx, start, end, b"}" * missing)))


def _items(cx: Context, start: int, end: int) -> tuple[Item, ...] | None:
    items: list[Item] = []
    for chunk in split_items(cx.text[start:end].encode("latin-1"), start):
        text = cx.text[chunk.start : chunk.end]
        if chunk.end == end and chunk.kind is not ChunkKind.FUNCTION and text[-1] != ";":
            text += ";"
        items += read_chunk(cx, chunk, Variant(text, ()), 0)
    if not items or any(isinstance(item, Invocation) and not item.name for item in items):
        return None
    return tuple(items)


def _pieces(cx: Context, start: int, end: int) -> Expr:
    # Not C as it stands: what lies between separators may be.
    parts: list[Expr] = []
    cuts = [start]
    for match in _SEPARATOR.finditer(cx.text, start, end):
        cuts += [match.start(), match.end()]
    cuts.append(end)
    for low, high in zip(cuts[::2], cuts[1::2], strict=True):
        parts += _piece(cx, low, high)
    return Opaque(start, end, tuple(parts))


def _piece(cx: Context, start: int, end: int) -> list[Expr]:
    if not cx.text[start:end].strip():
        return []
    mark = len(cx.faults)
    value = read_expression(cx, start, end)
    if len(cx.faults) == mark:
        return [value]
    ranges = split(cx.text, start, end)
    if len(ranges) > 1:
        del cx.faults[mark:]
        return [part for low, high in ranges for part in _piece(cx, low, high)]
    first = cx.faults[mark:]
    del cx.faults[mark:]
    found = read_statements(cx, start, end)
    if len(cx.faults) == mark and all(isinstance(stmt, ExprStmt) for stmt in found):
        return [stmt.value for stmt in found if isinstance(stmt, ExprStmt)]
    cx.faults[mark:] = first
    return [value]
