"""A script as LibCST reads it: kinds of scripts, byte offsets, bindings.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, lru_cache
from typing import Any

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, CodeSpan, MetadataWrapper

from pagefix.source import SourceFile

__all__ = ["Script", "bound_names", "own_nodes", "parse"]


class Script:
    """A script that was read.

    :param kind: ``drgn`` or ``gdb``.
    """

    def __init__(self, source: SourceFile, kind: str) -> None:
        self.source = source
        self.kind = kind
        self.module = cst.parse_module(source.data)
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        self._spans: Mapping[cst.CSTNode, CodeSpan] = wrapper.resolve(ByteSpanPositionProvider)
        # LibCST counts from behind a byte order mark.
        self._shift = 3 if source.data.startswith(b"\xef\xbb\xbf") else 0

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return the byte offsets of a node, without its white space."""
        found = self._spans[node]
        start = found.start + self._shift
        return start, start + found.length

    def text(self, node: cst.CSTNode) -> str:
        """Return the text of a node."""
        return self.source.text(*self.span(node))


def parse(source: SourceFile, kind: str) -> Script | str:
    """Return a script, or why it is none."""
    try:
        return Script(source, kind)
    except (cst.ParserSyntaxError, UnicodeDecodeError) as error:
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


@lru_cache(maxsize=4096)
def own_nodes(node: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    """Return the nodes below one, except those of inner functions and classes."""
    # LibCST's own `children` makes a copy of each node to find them.
    found: list[cst.CSTNode] = []
    left = [node]
    while left:
        each = left.pop()
        if each is not node:
            found.append(each)
            if isinstance(each, cst.FunctionDef | cst.ClassDef | cst.Lambda):
                continue
        for name in _parts(type(each)):
            part = getattr(each, name)
            if isinstance(part, cst.CSTNode):
                left.append(part)
            elif isinstance(part, list | tuple):
                left += [one for one in part if isinstance(one, cst.CSTNode)]
    return tuple(found)


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
        match node:
            case cst.AssignTarget() | cst.AnnAssign() | cst.AugAssign() | cst.NamedExpr():
                targets(node.target)
            case cst.For() | cst.CompFor():
                targets(node.target)
            case cst.AsName():
                targets(node.name)
            case cst.ImportAlias() if node.asname is None:
                names.add(node.evaluated_name.split(".")[0])
            case cst.FunctionDef() | cst.ClassDef():
                names.add(node.name.value)
            case cst.Global() | cst.Nonlocal():
                free.update(each.name.value for each in node.names)
            case _:
                pass
    return frozenset(names - free), frozenset(free)


def parameters(function: Any) -> list[cst.Param]:
    """Return all parameters of a function, in order."""
    given = function.params
    found = [*given.posonly_params, *given.params, *given.kwonly_params]
    stars = (given.star_arg, given.star_kwarg)
    found += [each for each in stars if isinstance(each, cst.Param)]
    return found
