"""Where macros are used: what the names in a macro's body mean.

In: an item. Out: one typer for each way its names can be understood: one for a function,
one for every use of a macro, with the use's arguments for the parameters.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from os.path import dirname
from typing import NamedTuple

from pagefix import reads
from pagefix.c.ast import Call, Invocation, Item, Macro, Name
from pagefix.errors import PagefixError
from pagefix.program import Program, Typer, invoked
from pagefix.sites_mentions import Mentions, below
from pagefix.sites_visit import Visitor
from pagefix.sites_walk import NOTHING, Expected

__all__ = ["Context", "Uses"]

# A macro used by a macro used by a macro ...
_DEPTH = 6
# More uses than this say nothing new.
_USES = 400


class Context(NamedTuple):
    """One way to understand an item.

    :param expected: what the value that a macro stands for is expected to be.
    """

    typer: Typer
    expected: Expected = NOTHING


class Uses:
    """The contexts of items; those of a macro are looked for once.

    :param mentions: where words stand. While it misses some, what is returned may lack
        something, and must be asked for again: see :meth:`forget`.
    """

    def __init__(self, program: Program, mentions: Mentions) -> None:
        self._program = program
        self._mentions = mentions
        self._known: dict[tuple[str, int], list[Context]] = {}

    def contexts(self, path: str, item: Item, depth: int = 0) -> list[Context]:
        """Return the contexts of an item; none for a macro that nothing uses."""
        if not isinstance(item, Macro):
            return [Context(Typer(self._program, path, item))]
        if not depth and path.endswith(".h"):
            self._program.asked.roaming.add(path)
        key = (path, item.at)
        if key not in self._known:
            self._known[key] = []  # what a macro that leads to itself finds
            try:
                self._known[key] = self._look(path, item, depth)
            except RecursionError:
                del self._known[key]
                raise
        return self._known[key]

    def release(self, path: str) -> None:
        """Forget the macros of a source: nothing but itself uses them."""
        if not path.endswith(".h"):
            for key in [key for key in self._known if key[0] == path]:
                del self._known[key]

    def forget(self) -> None:
        """Forget all macros: what is known of some is not whole."""
        self._known.clear()

    def _look(self, path: str, macro: Macro, depth: int) -> list[Context]:
        # Before it is told which files have it: of many that may be none.
        self._program.asked.words.add(macro.name)
        word = macro.name.encode()
        for files in self._candidates(path):
            found: list[Context] = []
            holding = self._mentions.among(files, word)
            if holding is None:
                return []
            for each in holding:
                for context in self._in_file(each, path, macro, depth):
                    found.append(context)
                    if len(found) == _USES:
                        return found
            if found:
                return found
        return []

    def _candidates(self, path: str) -> Iterator[Sequence[str]]:
        # Files in which a macro may be used, the likely ones first.
        program = self._program
        if not path.endswith(".h"):
            yield [path]
        elif path.startswith("include/") or "/include/" in path:
            yield program.files
            yield self._mentions.headers()
        else:
            yield below(program.files, dirname(path))
            yield program.files
            yield self._beside(path)

    def _beside(self, path: str) -> list[str]:
        program = self._program
        here = dirname(program.disk(path))
        try:
            names = reads.names(here or ".")
        except OSError:
            return []
        found = [
            program.tree.show(os.path.join(here, n)) for n in names if n.endswith((".c", ".h"))
        ]
        checked = {*program.files}
        return [each for each in found if each not in checked]

    def _in_file(self, path: str, home: str, macro: Macro, depth: int) -> Iterator[Context]:
        program = self._program
        name = macro.name.encode()
        try:
            if name not in program.data(path):
                return
            unit = program.unit(path)
        except PagefixError:
            return
        word = re.compile(rb"(?<!\w)" + re.escape(name) + rb"(?!\w)")
        for match in word.finditer(unit.code):
            at = match.start()
            chunk = unit.chunk_at(at)
            for item in unit.items(chunk) if chunk is not None else ():
                if not (isinstance(item, Macro) and item.at == at):
                    for node in _named_at(item, at, macro):
                        yield from self._use(path, item, node, home, macro, depth)

    def _use(
        self, path: str, item: Item, node: Call | Name, home: str, macro: Macro, depth: int
    ) -> Iterator[Context]:
        if isinstance(item, Macro) and depth >= _DEPTH:
            return
        for context in self.contexts(path, item, depth + 1):
            inner = context.typer.expand(home, macro, node)
            if inner is not None:
                visitor = Visitor(context.typer, [node.start], context.expected)
                visitor.watch = node.start
                visitor.visit_item(item)
                yield Context(inner, visitor.watched)


def _named_at(node: object, at: int, macro: Macro) -> Iterator[Call | Name]:
    # The use of the macro whose name stands at an offset.
    if not isinstance(node, tuple) or not node:
        return
    if isinstance(node, Invocation) and node.at == at:
        yield invoked(node)
        return
    if isinstance(node, Call) and macro.params is not None and _calls(node, at):
        yield node
        return
    if isinstance(node, Name):
        if node.start == at and macro.params is None:
            yield node
        return
    first = node[0]
    spanned = first.__class__ is int and len(node) > 1 and node[1].__class__ is int
    if spanned and not first <= at < node[1]:
        return
    for part in node:
        if isinstance(part, tuple):
            yield from _named_at(part, at, macro)


def _calls(node: Call, at: int) -> bool:
    return isinstance(node.func, Name) and node.func.start == at
