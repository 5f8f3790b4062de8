"""Helpers beyond the frontier: whether shared kernel code reads the raw fields of a page."""

from __future__ import annotations

import re

from pagefix.c import ast, walk
from pagefix.flow.world import World

__all__ = ["reads_raw", "reads_raw_page"]

_FIELDS = frozenset(("mapping", "index", "private"))


def reads_raw(world: World, name: str, index: int, path: str) -> bool:
    """Return whether a function of shared code reads raw fields of a page that it is given.

    By its model, or one call deep by its body; a body that tests for the swap cache is
    taken to know what it does.

    :param index: position of the page among the arguments.
    """
    models = world.models
    if name in models.helpers:
        return True
    if name in models.harmless or name in models.functions or name in models.sources:
        return False
    if name.startswith("trace_"):
        return _traced(world, name.removeprefix("trace_"), path)
    for _where, function in world.program.functions(name, path):
        if index < len(function.params) and _raw(world, function, index):
            return True
    return False


def reads_raw_page(world: World, name: str, record: str, path: str) -> bool:
    """Return the same of whichever argument it takes the page in.

    :param record: ``struct page`` or ``struct folio``.
    """
    if name in world.models.helpers:
        return True
    return any(
        reads_raw(world, name, index, path)
        for _where, function in world.program.functions(name, path)
        for index, param in enumerate(function.params)
        if param.type == ast.Pointer(ast.Base(record))
    )


def _raw(world: World, function: ast.Function, index: int) -> bool:
    param = function.params[index].at
    found = False
    for node in walk(function.body):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if world.models.guards.get(node.func.name) is not None:
                return False
        if isinstance(node, ast.Member) and node.arrow and node.field in _FIELDS:
            base = node.base
            if isinstance(base, ast.Name) and base.decl == param:
                found = True
    return found


#: ``TRACE_EVENT(name, ...)`` and ``DEFINE_EVENT(class, name, ...)`` with ``DECLARE_EVENT_CLASS(class, ...)``.
_EVENT = re.compile(
    rb"\b(?:TRACE_EVENT\w*|DEFINE_EVENT\w*|DECLARE_EVENT_CLASS)\s*\(\s*(\w+)\s*,\s*(\w+)"
)
_PAGE = re.compile(rb"struct\s+(?:page|folio)\s*\*\s*(\w+)")


def _traced(world: World, event: str, path: str) -> bool:
    # A tracepoint is called under a name that its definition does not hold as a whole: the
    # text of the event, or of its class, says whether a page's raw fields are recorded.
    wanted = {event.encode()}
    for where in world.program.visible(path, far=False):
        if "trace" not in where or event.encode() not in world.program.data(where):
            continue
        world.program.asked.whole.add(where)
        unit = world.program.unit(where)
        bodies: dict[bytes, bytes] = {}
        for chunk in unit.chunks:
            text = unit.code[chunk.start : chunk.end]
            head = _EVENT.match(text)
            if head is not None:
                bodies.setdefault(head.group(1), text)
                if head.group(2) == event.encode():
                    wanted.add(head.group(1))
        return any(_records_raw(bodies[name]) for name in wanted if name in bodies)
    return False


def _records_raw(text: bytes) -> bool:
    return any(
        re.search(rb"\b" + page + rb"\s*->\s*(?:mapping|index|private)\b", text)
        for page in _PAGE.findall(text)
    )
