"""What the trees do not answer: accesses in text that none holds, and macros without uses.

Two last resorts. :func:`recover` reads the one expression around a name where the text
around it is no C (half a loop in a macro, an annotation's argument).
:func:`only_record` names the one record that has all the members a macro's body asks for.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard, cast

from pagefix.c import ChunkKind, PatternError, parse_pattern, walk
from pagefix.c.ast import (
    GLOBAL,
    Expr,
    InitList,
    Item,
    Macro,
    Member,
    Name,
    Pointer,
    Record,
    RecordDef,
    Subscript,
    Type,
    Typedef,
)
from pagefix.errors import PagefixError
from pagefix.finding import Access
from pagefix.program import UNKNOWN, Program, Typer, find_member, owned, visible

__all__ = ["only_record", "recover", "used_as"]

_BLANK = b" \t\r\n\\"
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CLOSING = {0x29: 0x28, 0x5D: 0x5B}
# An expression longer than this is none.
_LONGEST = 2000
# Files that are searched for the record a macro is about.
_FILES = 30


def recover(code: bytes, at: int, end: int, item: Item) -> tuple[Member, int] | None:
    """Read the member access whose field stands at ``[at, end)``, and say where it starts.

    The names in it are those that are declared in ``item`` where it stands.
    """
    start = _start(code, at)
    if start is None:
        return None
    text = code[start:end].replace(b"\\", b" ").decode("latin-1")
    try:
        found = parse_pattern(text)
    except PatternError:
        return None
    if not isinstance(found, Member):
        return None
    return cast(Member, _rebound(found, item, at)), start


def used_as(code: bytes, start: int, end: int) -> Access:
    """Return what is done to an access, judged by what stands beside it."""
    behind = code[end : end + 40].lstrip(b" \t\r\n\\")
    before = code[max(0, start - 40) : start].rstrip(b" \t\r\n\\")
    if behind[:2] in (b"++", b"--") or before[-2:] in (b"++", b"--"):
        return Access.READWRITE
    if behind[:1] == b"=" and behind[:2] != b"==":
        return Access.WRITE
    if behind[1:2] == b"=" and behind[:1] in b"+-*/%&|^":
        return Access.READWRITE
    if before[-1:] == b"&" and before[-2:-1] in (b"(", b",", b"=", b" "):
        return Access.ADDRESS
    return Access.READ


def _start(code: bytes, at: int) -> int | None:
    # Where the postfix expression begins whose last name is at `at`.
    place = at
    low = max(0, at - _LONGEST)
    while True:
        place = _back(code, place, low)
        if code[place - 2 : place] == b"->":
            place -= 2
        elif code[place - 1 : place] == b".":
            place -= 1
        else:
            return None
        start = _operand(code, _back(code, place, low), low)
        if start is None:
            return None
        place = start
        before = _back(code, start, low)
        if code[before - 2 : before] != b"->" and code[before - 1 : before] != b".":
            return start


def _back(code: bytes, at: int, low: int) -> int:
    while at > low and code[at - 1] in _BLANK:
        at -= 1
    return at


def _operand(code: bytes, end: int, low: int) -> int | None:
    # Where the operand begins that ends at `end`: a name, calls and elements behind it.
    while end > low and code[end - 1] in _CLOSING:
        opened = _opening(code, end - 1, low)
        if opened is None:
            return None
        before = _back(code, opened, low)
        if code[end - 1] == 0x29 and (
            before == low or code[before - 1] not in b")]" + bytes(_WORD)
        ):
            return opened
        end = before
    start = end
    while start > low and code[start - 1] in _WORD:
        start -= 1
    return start if start < end else None


def _opening(code: bytes, at: int, low: int) -> int | None:
    depth = 0
    for offset in range(at, low - 1, -1):
        if code[offset] in b")]":
            depth += 1
        elif code[offset] in b"([":
            depth -= 1
            if depth == 0:
                return offset
    return None


def _rebound(node: Any, item: Item, at: int) -> Any:
    # The expression with its names bound to the declarations in scope at `at`.
    if isinstance(node, Name):
        found = visible((item,), node.name, at)
        return node._replace(decl=found.at if found is not None else GLOBAL)
    if isinstance(node, tuple):
        parts = (_rebound(part, item, at) for part in node)
        return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)
    return node


# --- records by their members --------------------------------------------------------


def only_record(program: Program, path: str, macro: Macro, at: int) -> Type:
    """Return whose field it is, if one record near a macro has every member it asks for.

    :param at: offset of the field. The members asked for are those of the same parameter,
        or of the same initializer.
    """
    for node in walk(macro.body):
        if isinstance(node, Member) and node.at == at:
            root = _root(node)
            wanted = {each.field for each in walk(macro.body) if _is_of(each, root)}
            record = _fitting(program, path, wanted) if isinstance(root, Name) else None
            if record is None or not isinstance(root, Name):
                return UNKNOWN
            typer = Typer(program, path, macro, assumed={root.decl: Pointer(record)})
            return typer.record_of(node.base, node.arrow)
        if isinstance(node, InitList):
            named = [each.designators[0] for each in node.items if each.designators]
            if any(each.at == at for each in named):
                fields = {each.field for each in named if each.field is not None}
                return _fitting(program, path, fields) or UNKNOWN
    return UNKNOWN


def _fitting(program: Program, path: str, wanted: set[str]) -> Record | None:
    # The one record with all of the members in the nearest file that has such records.
    if len(wanted) < 2:
        return None  # one name alone says nothing
    for number, shown in enumerate(program.visible(path, far=False)):
        if number == _FILES:
            return None
        fitting = [r for r in _records(program, shown) if all(_has(r, name) for name in wanted)]
        if fitting:
            return fitting[0] if len({record.name for record in fitting}) == 1 else None
    return None


def _has(record: Record, name: str) -> bool:
    return find_member(record, name, lambda _: ()) is not None


def _records(program: Program, path: str) -> Iterator[Record]:
    try:
        unit = program.unit(path)
    except PagefixError:
        return
    for chunk in unit.chunks:
        if chunk.kind in (ChunkKind.RECORD, ChunkKind.TYPEDEF):
            for item in unit.items(chunk):
                if isinstance(item, RecordDef):
                    yield item.record
                elif isinstance(item, Typedef) and isinstance(item.type, Record):
                    yield cast(Record, owned(item.type, item.name))


def _root(node: Expr) -> Expr:
    # The first name of `a->b.c[1]`.
    while isinstance(node, Member | Subscript):
        node = node.base
    return node


def _is_of(node: object, root: Expr) -> TypeGuard[Member]:
    # Whether a node is a member of the very thing that a root names.
    base = node.base if isinstance(node, Member) and node.arrow else None
    if not isinstance(base, Name) or not isinstance(root, Name):
        return False
    return (base.name, base.decl) == (root.name, root.decl)
