"""What lowering carries along: the text, the scopes, and who lowers which node.

The handlers live in :mod:`pagefix.c.expressions`, :mod:`pagefix.c.declarations` and
:mod:`pagefix.c.statements`, which need each other; each registers what it knows here,
so that none of them imports another.

Floor 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from pagefix.c.ast import (
    GLOBAL,
    Block,
    Enumerator,
    Expr,
    Member,
    Name,
    Opaque,
    Record,
    Stmt,
    Type,
)
from pagefix.c.draft import Hole, Masked
from pagefix.c.make import make
from pagefix.c.tables import MacroTable

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["DEEPEST", "Context", "expression", "statement"]

ExprHandler = Callable[["Context", "Node"], Expr]
StmtHandler = Callable[["Context", "Node", "list[Stmt]"], None]
_E = TypeVar("_E", bound=ExprHandler)
_S = TypeVar("_S", bound=StmtHandler)

#: A chain (``a + b + ...``, ``else if ...``) that is longer is not nested any deeper: who
#: reads the tree may recurse.
DEEPEST = 200

_EXPRESSIONS: dict[str, ExprHandler] = {}
_STATEMENTS: dict[str, StmtHandler] = {}


def expression(*kinds: str) -> Callable[[_E], _E]:
    """Register the handler of expression nodes."""

    def register(handler: _E) -> _E:
        for kind in kinds:
            _EXPRESSIONS[kind] = handler
        return handler

    return register


def statement(*kinds: str) -> Callable[[_S], _S]:
    """Register the handler of statement nodes."""

    def register(handler: _S) -> _S:
        for kind in kinds:
            _STATEMENTS[kind] = handler
        return handler

    return register


class _Reading:
    # What of the context belongs to one parsed text.
    __slots__ = ("before", "cx", "masked", "saved")

    def __init__(self, cx: Context, masked: Masked, before: int) -> None:
        self.cx = cx
        self.masked = masked
        self.before = before

    def __enter__(self) -> None:
        cx, masked = self.cx, self.masked
        self.saved = cx.shift, cx.holes, cx.loops, cx.ranges, cx.joints, cx.notes
        cx.shift = masked.start - self.before
        cx.holes, cx.loops = masked.holes, masked.loops
        cx.ranges, cx.joints, cx.notes = masked.ranges, masked.joints, masked.notes

    def __exit__(self, *_: object) -> None:
        cx = self.cx
        cx.shift, cx.holes, cx.loops, cx.ranges, cx.joints, cx.notes = self.saved


class Context:
    """The state of lowering one chunk.

    :param data: ``bytes``, the file as it is on disk.
    :param text: ``str``, the file as it is read: one character for each byte, comments
        blanked, strings emptied, halves of an ``#if`` that are not taken blanked.
    :param fill: reads a :class:`~pagefix.c.mask.Hole`.

    ``shift`` is what to add to an offset of the parsed text to get one of the file.
    """

    __slots__ = (
        "base_type",
        "data",
        "enumerators",
        "faults",
        "fill",
        "holes",
        "joints",
        "loops",
        "macros",
        "names",
        "notes",
        "ranges",
        "records",
        "shift",
        "text",
        "type_of",
        "undo",
    )

    def __init__(
        self,
        data: bytes,
        text: str,
        macros: MacroTable,
        *,
        fill: Callable[[Context, Hole], object],
        base_type: Callable[[Context, Node], Type],
        type_of: Callable[[Context, Node], Type],
    ) -> None:
        self.data = data
        self.text = text
        self.macros = macros
        self.fill = fill
        self.base_type = base_type
        self.type_of = type_of
        self.shift = 0
        self.holes: dict[int, Hole] = {}
        self.loops: dict[int, int] = {}
        self.ranges: set[int] = set()
        self.joints: set[int] = set()
        self.notes: list[tuple[int, int]] = []
        self.names: dict[str, int] = {}
        self.undo: list[tuple[str, int | None]] = []
        self.records: list[Record] = []
        self.enumerators: list[Enumerator] = []
        self.faults: list[tuple[int, int, str]] = []

    def reading(self, masked: Masked, before: int) -> _Reading:
        """Lower, for the length of a ``with``, nodes of another parsed text.

        :param before: length of what was put in front of the masked text to parse it.
        """
        return _Reading(self, masked, before)

    # --- text ---

    def word(self, node: Node) -> str:
        """Return the text of an identifier."""
        shift = self.shift
        word = self.text[node.start_byte + shift : node.end_byte + shift]
        if word.isascii():
            return word
        return word.encode("latin-1").decode("utf-8", "surrogateescape")

    # --- scopes ---

    def declare(self, name: str, at: int) -> None:
        """Bring a name into the scope that is open."""
        self.undo.append((name, self.names.get(name)))
        self.names[name] = at

    def enter(self) -> int:
        """Open a scope; the result closes it."""
        return len(self.undo)

    def leave(self, mark: int) -> None:
        """Close a scope."""
        undo, names = self.undo, self.names
        while len(undo) > mark:
            name, before = undo.pop()
            if before is None:
                del names[name]
            else:
                names[name] = before

    # --- dispatch ---

    def expr(self, node: Node) -> Expr:
        """Lower an expression."""
        kind = node.type
        if kind == "identifier":  # half of all expressions: no further call for them
            start = node.start_byte + self.shift
            if start not in self.holes:
                end = node.end_byte + self.shift
                word = self.text[start:end]
                if word.isascii():
                    return make(Name, (start, end, word, self.names.get(word, GLOBAL)))
        handler = _EXPRESSIONS.get(kind)
        if handler is None:
            return self.opaque(node)
        return handler(self, node)

    def stmt(self, node: Node, into: list[Stmt]) -> None:
        """Lower a statement, or several, and append them."""
        handler = _STATEMENTS.get(node.type)
        if handler is not None:
            handler(self, node, into)
        elif node.is_named:
            _STATEMENTS["expression_statement"](self, node, into)

    def block(self, node: Node) -> Stmt:
        """Lower a statement that must be one: several become a block."""
        into: list[Stmt] = []
        self.stmt(node, into)
        if len(into) == 1:
            return into[0]
        shift = self.shift
        return Block(node.start_byte + shift, node.end_byte + shift, tuple(into))

    def opaque(self, node: Node) -> Opaque:
        """Keep the readable parts of a node that has no meaning here."""
        shift = self.shift
        parts = tuple(self.parts(node.children))
        return Opaque(node.start_byte + shift, node.end_byte + shift, parts)

    def parts(self, nodes: Iterable[Node]) -> list[Expr]:
        """Return the expressions found in a row of nodes, in the text's order."""
        found: list[Expr] = []
        access = ""
        for node in nodes:
            kind = node.type
            if kind in ("->", "."):
                access = kind
                continue
            if access and kind in ("identifier", "field_identifier", "type_identifier"):
                found.append(self._loose_member(node, access, found))
            elif kind in _EXPRESSIONS:
                found.append(self.expr(node))
            elif kind in _WORDS:
                start, end = node.start_byte + self.shift, node.end_byte + self.shift
                word = self.word(node)
                found.append(Name(start, end, word, self.names.get(word, GLOBAL)))
            elif node.child_count:
                inner = self.parts(node.children)
                if kind == "field_designator" or not inner:
                    found += inner
                else:
                    start, end = node.start_byte + self.shift, node.end_byte + self.shift
                    found.append(Opaque(start, end, tuple(inner)))
            access = ""
        return found

    def _loose_member(self, node: Node, access: str, found: list[Expr]) -> Member:
        # ``x->index`` in broken text: what stands before the arrow is its base.
        start, end = node.start_byte + self.shift, node.end_byte + self.shift
        base: Expr = found.pop() if found else Opaque(start, start, ())
        return Member(base.start, end, base, self.word(node), access == "->", start)


_WORDS = frozenset(
    {"type_identifier", "field_identifier", "statement_identifier", "primitive_type"}
)
