"""A script as LibCST reads it: kinds of scripts, byte offsets, bindings.

Floor 5.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, cached_property, lru_cache
from typing import Any

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, CodeSpan, MetadataWrapper

from pagefix.finding import Step
from pagefix.script.values import Way
from pagefix.source import SourceFile

__all__ = [
    "Script",
    "all_nodes",
    "bound_names",
    "children",
    "own_nodes",
    "parameters",
    "parse",
]


class Script:
    """A script that was read.

    :param kind: ``drgn`` or ``gdb``.
    """

    def __init__(self, source: SourceFile, kind: str) -> None:
        self.source = source
        self.kind = kind
        self.module = cst.parse_module(source.data)
        # LibCST counts from behind a byte order mark.
        self._shift = 3 if source.data.startswith(b"\xef\xbb\xbf") else 0
        self._offsets = _offsets(source.data, self.module.encoding)

    @cached_property
    def _spans(self) -> Mapping[cst.CSTNode, CodeSpan]:
        # Most scripts hold nothing to report, and places cost more than reading them.
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        return wrapper.resolve(ByteSpanPositionProvider)

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return the byte offsets of a node, without its white space."""
        found = self._spans[node]
        start, end = found.start + self._shift, found.start + self._shift + found.length
        return (self._offsets[start], self._offsets[end]) if self._offsets else (start, end)

    def text(self, node: cst.CSTNode) -> str:
        """Return the text of a node."""
        return self.source.text(*self.span(node))

    def line(self, node: cst.CSTNode) -> int:
        """Return the line that a node begins in."""
        return self.source.line_of(self.span(node)[0])

    def step(self, way: Way) -> Step:
        """Return a step of a page's way, as findings have it."""
        return Step(way.depth, self.source.place(*self.span(way.node)), way.sentence)


def _offsets(data: bytes, encoding: str) -> array[int] | None:
    # LibCST counts the bytes that the text has in UTF-8, whatever its cookie says.
    if data.isascii() or encoding.lower().replace("_", "-") in ("utf-8", "utf-8-sig"):
        return None
    found, at = array("q"), 0
    for each in data.decode(encoding):
        found.extend([at] * len(each.encode()))
        at += len(each.encode(encoding))
    if at != len(data):
        raise UnicodeError(f"places in a text in {encoding} cannot be told")
    found.append(at)
    return found


def parse(source: SourceFile, kind: str) -> Script | str:
    """Return a script, or why it is none."""
    try:
        return Script(source, kind)
    except (cst.ParserSyntaxError, UnicodeError, SyntaxError) as error:
        lines = str(error).splitlines() or ["it does not read as Python"]
        return re.sub(r"\s+", " ", lines[0])


#: Parts of a node that hold no code: white space and punctuation.
_LAYOUT = (
    "whitespace",
    "lpar",
    "rpar",
    "leading",
    "lines",
    "semicolon",
    "comma",
    "header",
    "footer",
)


@cache
def _parts(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if not each.name.startswith(_LAYOUT))


_NODES: dict[type, bool] = {}


def _is_node(part: object) -> bool:
    # To ask it of LibCST's own classes takes five times as long.
    kind = type(part)
    if kind not in _NODES:
        _NODES[kind] = issubclass(kind, cst.CSTNode)
    return _NODES[kind]


@lru_cache(maxsize=4096)
def own_nodes(node: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    """Return the nodes below one, except those of inner functions and classes."""
    return tuple(_below(node, _SCOPES))


def all_nodes(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Return the nodes below one."""
    return _below(node, frozenset())


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Return the parts of a node that hold code, in the order of the text."""
    # LibCST's own `children` makes a copy of each node to find them.
    found: list[cst.CSTNode] = []
    for name in _parts(type(node)):
        part = getattr(node, name)
        if _is_node(part):
            found.append(part)
        elif isinstance(part, list | tuple):
            found += [one for one in part if _is_node(one)]
    return found


_SCOPES: frozenset[type] = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})


def _below(node: cst.CSTNode, stop: frozenset[type]) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    left = children(node)
    while left:
        each = left.pop()
        found.append(each)
        if type(each) not in stop:
            left += children(each)
    return found


_TARGETS: frozenset[type] = frozenset(
    {cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.NamedExpr, cst.For, cst.CompFor}
)
_BINDS: frozenset[type] = frozenset(
    {
        cst.AsName,
        cst.MatchAs,
        cst.MatchStar,
        cst.ImportAlias,
        cst.FunctionDef,
        cst.ClassDef,
        cst.Global,
        cst.Nonlocal,
    }
)


def bound_names(function: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that a function binds, and those that it declares global."""
    names: set[str] = set()
    free: set[str] = set()
    names.update(each.name.value for each in parameters(function))

    def targets(node: Any) -> None:
        if isinstance(node, cst.Name):
            names.add(node.value)
        elif isinstance(node, cst.Tuple | cst.List):
            for each in node.elements:
                targets(each.value)

    for node in own_nodes(function.body):
        kind: Any = type(node)
        if kind in _TARGETS:
            targets(node.target)  # type: ignore[attr-defined]
        elif kind in _BINDS:
            _binds(node, names, free)
    return frozenset(names - free), frozenset(free)


def _binds(node: Any, names: set[str], free: set[str]) -> None:
    match node:
        case cst.ImportAlias():
            if node.asname is None:
                names.add(node.evaluated_name.split(".")[0])
        case cst.Global() | cst.Nonlocal():
            free.update(each.name.value for each in node.names)
        case _:
            if isinstance(node.name, cst.Name):
                names.add(node.name.value)
            elif isinstance(node.name, cst.Tuple | cst.List):
                names.update(
                    each.value.value
                    for each in node.name.elements
                    if isinstance(each.value, cst.Name)
                )


def parameters(function: Any) -> list[cst.Param]:
    """Return all parameters of a function, in order."""
    given = function.params
    found = [*given.posonly_params, *given.params, *given.kwonly_params]
    stars = (given.star_arg, given.star_kwarg)
    found += [each for each in stars if isinstance(each, cst.Param)]
    return found
