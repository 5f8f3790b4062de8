"""Functions whose head is no C: made by a macro, or with words the grammar cannot place.

Head and body are read apart, so that a strange head does not cost the body.

Floor 1.
"""

from __future__ import annotations

import re

from pagefix.c.ast import Base, Block, Function, Param, Stmt, Type, UnknownType
from pagefix.c.chunk import Chunk
from pagefix.c.conditionals import Variant
from pagefix.c.context import Context
from pagefix.c.draft import close_of
from pagefix.c.fragments import read_parameter, split, type_in
from pagefix.c.mask import mask
from pagefix.c.parser import faults, parse
from pagefix.c.tables import ANNOTATIONS, CALL_ANNOTATIONS, DEFINING_HEADERS

__all__ = ["has_macro_head", "read_apart"]

_CALLED = re.compile(r"([A-Za-z_]\w*)\s*(?=\()")
_WORD = re.compile(r"[A-Za-z_]\w*|\*")
_STORAGE = ANNOTATIONS | {"static", "extern", "inline", "const", "asmlinkage"}


def has_macro_head(text: str) -> bool:
    """Return whether a function's head is a macro's call: ``SYSCALL_DEFINE1(...) {``."""
    head = text[: text.find("{")]
    match = _CALLED.search(head)
    if match is None or match.group(1) in CALL_ANNOTATIONS:
        return False
    if any(word not in _STORAGE for word in _WORD.findall(head[: match.start()])):
        return False
    close = close_of(head, match.end())
    return close >= 0 and all(word in _STORAGE for word in _WORD.findall(head[close:]))


def read_apart(cx: Context, chunk: Chunk, way: Variant, number: int) -> Function:
    """Read a function's parameters one by one, and its body alone."""
    text = cx.text
    brace = chunk.start + way.text.find("{")
    name, at, params, ret = _head(cx, chunk, brace)
    mark = cx.enter()
    for param in params:
        if param.name:
            cx.declare(param.name, param.at)
    body = _body(cx, chunk, way, brace)
    cx.leave(mark)
    static = "static" in text[chunk.start : at].split()
    return Function(chunk.start, chunk.end, name, at, ret, params, body, static, number)


def _head(cx: Context, chunk: Chunk, brace: int) -> tuple[str, int, tuple[Param, ...], Type]:
    text = cx.text
    match = None
    for match in _CALLED.finditer(text, chunk.start, brace):
        if match.group(1) not in CALL_ANNOTATIONS:
            break
    if match is None:
        return "", chunk.start, (), UnknownType()
    opened = text.index("(", match.end())
    close = close_of(text, opened)
    if not 0 <= close < brace:
        cx.faults.append((chunk.start, brace, "the head of a function"))
        return match.group(1), match.start(1), (), UnknownType()
    ranges = [each for each in split(text, opened + 1, close) if each[0] < each[1]]
    if not has_macro_head(text[chunk.start : brace + 1]):
        params = tuple(_parameters(cx, ranges))
        return match.group(1), match.start(1), params, _returned(cx, chunk.start, match.start(1))
    name, at = match.group(1), match.start(1)
    if ranges and text[slice(*ranges[0])].isidentifier():
        (at, end), *ranges = ranges
        name = text[at:end]
    if name and match.group(1).startswith(DEFINING_HEADERS):
        return name, at, tuple(_pairs(cx, ranges)), Base("long")
    return name, at, tuple(_parameters(cx, ranges)), UnknownType()


def _returned(cx: Context, start: int, end: int) -> Type:
    words = [word for word in _WORD.findall(cx.text[start:end]) if word not in _STORAGE]
    if len(words) == 1 and words[0] != "*":
        return Base(words[0])
    return UnknownType()


def _pairs(cx: Context, ranges: list[tuple[int, int]]) -> list[Param]:
    # ``type, name, type, name, ...``
    found = []
    for first, second in zip(ranges[::2], ranges[1::2], strict=False):
        type_ = type_in(cx, *first) or UnknownType()
        found.append(Param(cx.text[slice(*second)], second[0], type_))
    if len(ranges) % 2:
        found += _parameters(cx, ranges[-1:])
    return found


def _parameters(cx: Context, ranges: list[tuple[int, int]]) -> list[Param]:
    found = []
    for start, end in ranges:
        param = read_parameter(cx, start, end)
        if param is None:
            found.append(Param("", start, UnknownType()))
        elif param.name or not cx.text[start:end].isidentifier():
            found.append(param)
        else:
            found.append(Param(cx.text[start:end], start, UnknownType()))
    return found


def _body(cx: Context, chunk: Chunk, way: Variant, brace: int) -> Block:
    text = way.text[brace - chunk.start :]
    before = b"void f()"
    for hard in (False, True):
        marks = tuple(mark for mark in way.marks if mark[0] >= brace)
        masked = mask(text, brace, cx.macros, body=True, marks=marks, hard=hard)
        root = parse(before + masked.text)
        if not root.has_error:
            break
    into: list[Stmt] = []
    with cx.reading(masked, len(before)):
        shift = cx.shift
        for start, end, reason in faults(root):
            cx.faults.append((max(brace, start + shift), end + shift, reason))
        for node in root.children:
            for child in node.children if node.type == "function_definition" else [node]:
                if child.type == "compound_statement" or node.type != "function_definition":
                    cx.stmt(child, into)
    if len(into) == 1 and isinstance(into[0], Block):
        return into[0]
    return Block(brace, chunk.end, tuple(into))
