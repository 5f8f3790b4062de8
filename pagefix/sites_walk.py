"""Field accesses below a node: what is done to a field, and whose field it is.

In: an item with the typer for it, and which offsets matter. Out: :class:`Hit`. What a
compiler's tree would say decides: a member of a member is written with its outer, an
arrow reads what is left of it, an array is its own address, ``*&x`` is ``x``. What
macros do is a floor higher, in :mod:`pagefix.sites_visit`.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from pagefix.c.ast import (
    GLOBAL,
    Array,
    Assign,
    Binary,
    Cast,
    CompoundLiteral,
    Declare,
    Expr,
    Global,
    Init,
    InitList,
    Item,
    Macro,
    Member,
    Name,
    OffsetOf,
    Opaque,
    Record,
    SizeOf,
    Subscript,
    Type,
    TypeArg,
    TypeOf,
    Unary,
    UnknownType,
)
from pagefix.finding import Access
from pagefix.program import UNKNOWN, Typer, element, find_member, owned

__all__ = ["NOTHING", "PAGES", "Expected", "Hit", "Walker"]

READ, WRITE, BOTH = Access.READ, Access.WRITE, Access.READWRITE
ADDRESS, UNEVALUATED = Access.ADDRESS, Access.UNEVALUATED

#: The records whose fields are a page's.
PAGES = ("struct page", "struct folio")

_STEPS = frozenset(("++_", "--_", "_++", "_--"))


class Hit(NamedTuple):
    """A field named in code.

    :param at: offset of the field's name.
    :param record: the type whose member it is, :class:`UnknownType` if not known.
    :param start: begin of the whole access.
    :param note: a remark, empty if there is none.
    """

    at: int
    field: str
    access: Access
    record: Type
    start: int
    end: int
    note: str = ""


class Expected(NamedTuple):
    """The type that an initializer is expected to have where it stands.

    :param value: type of the value.
    :param around: type of what the list around it initializes, for a part of that list.
    """

    value: Type = UNKNOWN
    around: Type = UNKNOWN


#: Where no initializer is expected.
NOTHING = Expected()


class Walker:
    """Walks what holds an offset that matters, and nothing else.

    :param typer: types of the item's expressions.
    :param offsets: sorted offsets of the names that matter; ``None``: every one.
    :param expected: what a macro's own value is where it is an initializer (a
        macro that stands for one).
    """

    #: What is done for a kind of node; every other kind is walked through.
    methods: ClassVar[Mapping[type, Callable[..., None]]] = {}

    def __init__(
        self, typer: Typer, offsets: Sequence[int] | None, expected: Expected = NOTHING
    ) -> None:
        self.typer = typer
        self.offsets = offsets
        self.expected = expected
        self.hits: list[Hit] = []
        #: Uses of declared names: (offset of the declaration, what is done, by address).
        self.used: list[tuple[int, Access, bool]] = []
        #: What is expected of the value that begins at :attr:`watch`.
        self.watch = -1
        self.watched = NOTHING
        self._by_address = ""
        self._element = False

    def visit_item(self, item: Item, mode: Access = READ) -> list[Hit]:
        """Return the accesses in an item.

        :param mode: what is done to the value that a macro stands for.
        """
        if not isinstance(item, Macro) or not isinstance(item.body, Expr):
            self._node(item, READ)
        elif isinstance(item.body, InitList):
            self._fragment(item.body)
        else:
            self._part(item.body, self.expected, mode)
        return self.hits

    def _fragment(self, body: InitList) -> None:
        # A macro's text `{ ... }` is a value, its text `.a = 1, .b = 2` part of a list.
        around = self.expected.around
        if isinstance(around, UnknownType):
            around = self.expected.value
        for item in body.items:
            if item.designators:
                self._item_of(item, self._strip(around), "", 0)
            elif isinstance(around, Array):
                self._part(item.value, Expected(self._strip(around.of), around))
            else:
                self._part(item.value, self.expected)

    # --- walking ---------------------------------------------------------------

    def _touches(self, start: int, end: int) -> bool:
        if self.offsets is None:
            return True
        at = bisect_left(self.offsets, start)
        return at < len(self.offsets) and self.offsets[at] < end

    def _node(self, node: object, mode: Access) -> None:
        if not isinstance(node, tuple) or not node:
            return
        first = node[0]
        spanned = first.__class__ is int and len(node) > 1 and node[1].__class__ is int
        if spanned and not self._touches(first, node[1]):
            return
        method = self.methods.get(type(node))
        if method is not None:
            method(self, node, mode)
        else:
            inner = UNEVALUATED if mode is UNEVALUATED else READ
            for part in node:
                self._node(part, inner)

    def _read(self, mode: Access) -> Access:
        return UNEVALUATED if mode is UNEVALUATED else READ

    def _report(self, at: int, field: str, mode: Access, record: Type, whole: Expr | Init) -> None:
        if self._touches(at, at + 1):
            start, end = (at, at + len(field)) if isinstance(whole, Init) else whole[:2]
            by = self._by_address
            note = f"{by}() takes its address" if by and by != "&" and mode is not ADDRESS else ""
            self.hits.append(Hit(at, field, mode, record, start, end, note))

    # --- expressions -----------------------------------------------------------

    def _name(self, node: Name, mode: Access) -> None:
        if node.decl != GLOBAL:
            self.used.append((node.decl, mode, bool(self._by_address)))

    def _member(self, node: Member, mode: Access) -> None:
        element_of, self._element = self._element, False
        if self._touches(node.at, node.at + 1):
            record = self.typer.record_of(node.base, node.arrow)
            decays = mode is READ and not element_of and self._decays(record, node.field)
            self._report(node.at, node.field, ADDRESS if decays else mode, record, node)
        if node.arrow:
            self._through_pointer(node.base, mode)
        else:
            self._node(node.base, mode)

    def _through_pointer(self, base: Expr, mode: Access) -> None:
        # `(&x)->y`, `(&x)[0]` and `*&x` name a part of x; an array is no pointer.
        inner = _peeled(base)
        if isinstance(inner, Unary) and inner.op == "&":
            self._addressed(inner.operand, mode, "&")
        elif isinstance(inner, Member):
            array = mode is not READ and self._is_array(inner)
            self._element = True
            self._node(base, mode if array else self._read(mode))
            self._element = False
        else:
            self._node(base, self._read(mode))

    def _decays(self, record: Type, field: str) -> bool:
        # An array as a value is its address. No field of a page is one.
        if getattr(record, "name", "") in PAGES:
            return False
        return isinstance(self._member_type(record, field), Array)

    def _addressed(self, node: Expr, mode: Access, by: str) -> None:
        before, self._by_address = self._by_address, by or self._by_address
        self._node(node, mode)
        self._by_address = before

    def _is_array(self, base: Expr) -> bool:
        return isinstance(self._strip(self.typer.type_of(base)), Array)

    def _subscript(self, node: Subscript, mode: Access) -> None:
        self._through_pointer(node.base, mode)
        self._node(node.index, self._read(mode))

    def _unary(self, node: Unary, mode: Access) -> None:
        if mode is UNEVALUATED:
            self._node(node.operand, mode)
        elif node.op == "&":
            self._node(node.operand, ADDRESS)
        elif node.op in _STEPS:
            self._node(node.operand, BOTH)
        elif node.op == "*":
            self._through_pointer(node.operand, mode)
        else:
            self._node(node.operand, READ)

    def _assign(self, node: Assign, mode: Access) -> None:
        if mode is UNEVALUATED:
            self._node(node.target, mode)
        else:
            self._node(node.target, WRITE if node.op == "=" else BOTH)
        if node.value.start == self.watch:
            self.watched = Expected(self.typer.type_of(node.target))
        self._node(node.value, self._read(mode))

    def _cast(self, node: Cast, mode: Access) -> None:
        self._node(node.type, READ)
        if mode is UNEVALUATED:
            self._node(node.value, mode)
        else:
            self._given(node.value, lambda: self.typer.concrete(node.type))

    def _compound(self, node: CompoundLiteral, mode: Access) -> None:
        self._node(node.type, READ)
        self._initializer(node.value, lambda: self.typer.concrete(node.type))

    def _sizeof(self, node: SizeOf, mode: Access) -> None:
        self._node(node.operand, UNEVALUATED)
        self._node(node.type, UNEVALUATED)

    def _typeof(self, node: TypeOf, mode: Access) -> None:
        self._node(node.value, UNEVALUATED)

    def _opaque(self, node: Opaque, mode: Access) -> None:
        # `_Generic`: only the type of what it chooses by matters.
        generic = any(isinstance(part, TypeArg) for part in node.parts[1:])
        for number, part in enumerate(node.parts):
            self._node(part, UNEVALUATED if generic and number == 0 else mode)

    def _offsetof(self, node: OffsetOf, mode: Access) -> None:
        record = self.typer.concrete(node.type)
        for number, (field, at) in enumerate(node.path):
            if number:
                record = self._step(record, node.path[number - 1][0])
            self._report(at, field, UNEVALUATED, record, node)
        for index in node.indexes:
            self._node(index, self._read(mode))

    def _step(self, record: Type, field: str) -> Type:
        # The type that a further name of offsetof's path belongs to.
        type_ = self._member_type(record, field)
        return self._strip(type_.of) if isinstance(type_, Array) else type_

    # --- initializers ----------------------------------------------------------

    def _declare(self, node: Declare | Global, mode: Access) -> None:
        self._node(node.type, READ)
        if node.init is not None:
            self._given(node.init, lambda: self.typer.concrete(node.type))

    def _given(self, value: Expr, type_: Callable[[], Type]) -> None:
        # A value for something of a type.
        if isinstance(value, InitList):
            self._initializer(value, type_)
            return
        if value.start == self.watch:
            self.watched = Expected(type_())
        self._node(value, READ)

    def _initializer(self, node: InitList, type_: Callable[[], Type]) -> None:
        if not self._touches(node.start, node.end):
            return
        whole: Type | None = None
        last, since = "", 0  # the designator before, and the items behind it
        for item in node.items:
            if item.designators:
                last, since = item.designators[0].field or "", 0
            start = item.designators[0].at if item.designators else item.value.start
            if self._touches(start, item.value.end):
                whole = whole or self._strip(type_())
                self._item_of(item, whole, last, since)
            since += 1

    def _item_of(self, item: Init, whole: Type, last: str, since: int) -> None:
        target = whole
        for each in item.designators:
            if each.field is None:
                target = self._strip(element(target))
                self._node(each.index, READ)
            else:
                self._report(each.at, each.field, WRITE, target, item)
                target = self._member_type(target, each.field)
        if not item.designators:
            position = self._position(whole, last) if last else 0
            target = self._positional(whole, position + since)
        self._part(item.value, Expected(target, whole))

    def _part(self, value: Expr, expected: Expected, mode: Access = READ) -> None:
        if isinstance(value, Binary) and value.op == ",":
            # A macro that stands for several elements of an array.
            self._part(value.left, expected, self._read(mode))
            self._part(value.right, expected, mode)
            return
        if value.start == self.watch:
            self.watched = expected
        if isinstance(value, InitList):
            self._initializer(value, lambda: expected.value)
        else:
            self._node(value, mode)

    def _strip(self, type_: Type) -> Type:
        return self.typer.program.strip(type_, self.typer.origin)

    def _member_type(self, record: Type, field: str) -> Type:
        return self._strip(self.typer.member(record, field))

    def _records(self, type_: Type) -> Sequence[Record]:
        if isinstance(type_, Record) and type_.fields:
            return (type_,)
        name = getattr(type_, "name", "")
        return self.typer.program.record(name, self.typer.origin) if name else ()

    def _position(self, type_: Type, field: str) -> int:
        for record in self._records(type_):
            for number, each in enumerate(record.fields):
                inner = each.type if not each.name else None
                if each.name == field or (
                    isinstance(inner, Record) and find_member(inner, field, _no_records)
                ):
                    return number
        return 0

    def _positional(self, type_: Type, position: int) -> Type:
        if isinstance(type_, Array):
            return self._strip(type_.of)
        for record in self._records(type_):
            if position < len(record.fields):
                return self._strip(owned(record.fields[position].type, record.name))
        return UNKNOWN


def _no_records(_: str) -> tuple[Record, ...]:
    return ()


def _peeled(node: Expr) -> Expr:
    while isinstance(node, Cast):
        node = node.value
    return node


Walker.methods = {
    Name: Walker._name,
    Member: Walker._member,
    Subscript: Walker._subscript,
    Unary: Walker._unary,
    Assign: Walker._assign,
    Cast: Walker._cast,
    CompoundLiteral: Walker._compound,
    SizeOf: Walker._sizeof,
    TypeOf: Walker._typeof,
    Opaque: Walker._opaque,
    OffsetOf: Walker._offsetof,
    Declare: Walker._declare,
    Global: Walker._declare,
}
