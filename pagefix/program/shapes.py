"""Types taken apart: typedefs followed, pointers followed, members found.

A record without a name of its own is given the name of what it belongs to as soon as it
is reached (the typedef, or the record around it), so that a message can name it and C's
anonymous members are simply members.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pagefix.c.ast import (
    Array,
    Base,
    Field,
    FunctionType,
    Pointer,
    Record,
    Type,
    TypeOf,
    UnknownType,
)

__all__ = [
    "UNKNOWN",
    "element",
    "find_member",
    "has_typeof",
    "is_plain",
    "is_vague",
    "owned",
    "records_in",
    "tag",
    "typedef_of",
]

#: The type of what is not understood.
UNKNOWN = UnknownType()

_TAGS = ("struct ", "union ", "enum ")
_PLAIN = frozenset(
    "void char short int long float double signed unsigned _Bool bool u8 u16 u32 u64 "
    "s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 size_t ssize_t loff_t "
    "pgoff_t gfp_t __le16 __le32 __le64 __be16 __be32 __be64 sector_t uintptr_t "
    "__int128 va_list".split()
)


def is_plain(name: str) -> bool:
    """Whether a type's name is known to mean no pointer and no record."""
    return name in _PLAIN or name.startswith("enum ") or (" " in name and name[:6] != "struct")


def tag(name: str) -> bool:
    """Whether a type's name is that of a struct, union or enum."""
    return name.startswith(_TAGS)


def typedef_of(name: str) -> re.Pattern[bytes]:
    """Return a form that every text has which makes a name a typedef: few others have it."""
    word = rb"\b" + re.escape(name.encode("utf-8", "surrogateescape")) + rb"\b"
    # The name ends what begins with the word or, behind a record's body, on the brace's line.
    return re.compile(
        rb"\btypedef\b[^{}]*?" + word + rb"|\}[^\n{};]*?" + word + rb"|\n[ \t]*" + word + rb"\s*;"
    )


def element(type_: Type) -> Type:
    """Return what ``*`` or ``[i]`` makes of a type that is no typedef's name."""
    if isinstance(type_, Pointer):
        return type_.to
    if isinstance(type_, Array):
        return type_.of
    if isinstance(type_, FunctionType):
        return type_
    return UNKNOWN


def owned(type_: Type, owner: str) -> Type:
    """Return the type with ``owner`` for the name of a record in it that has none."""
    if isinstance(type_, Record):
        if type_.name in ("struct", "union"):
            return type_._replace(name=owner)
    elif isinstance(type_, Pointer):
        return Pointer(owned(type_.to, owner))
    elif isinstance(type_, Array):
        return Array(owned(type_.of, owner))
    return type_


def find_member(
    record: Record, name: str, lookup: Callable[[str], tuple[Record, ...]]
) -> Type | None:
    """Return the type of a member, through anonymous members; ``None`` if it has none.

    :param lookup: gives the records of a name, for an anonymous member that has a tag.
    """
    for field in record.fields:
        if field.name == name:
            return owned(field.type, record.name)
    for field in record.fields:
        if not field.name:
            for inner in _inner(field, lookup):
                found = find_member(inner, name, lookup)
                if found is not None:
                    return owned(found, record.name)
    return None


def _inner(field: Field, lookup: Callable[[str], tuple[Record, ...]]) -> tuple[Record, ...]:
    if isinstance(field.type, Record):
        return (field.type,)
    if isinstance(field.type, Base) and tag(field.type.name):
        return lookup(field.type.name)
    return ()


def records_in(node: object, name: str) -> Iterator[Record]:
    """Yield the records of a name that are written out anywhere below a node."""
    if isinstance(node, Record) and node.name == name:
        yield node
    elif isinstance(node, tuple):
        for part in node:
            if isinstance(part, tuple):
                yield from records_in(part, name)


def has_typeof(type_: Type) -> bool:
    """Whether the type depends on an expression."""
    if isinstance(type_, Pointer):
        return has_typeof(type_.to)
    if isinstance(type_, Array):
        return has_typeof(type_.of)
    if isinstance(type_, FunctionType):
        return has_typeof(type_.ret)
    return isinstance(type_, TypeOf)


def is_vague(type_: Type) -> bool:
    """Whether another branch's type says more: unknown, ``0`` or ``NULL``."""
    return isinstance(type_, UnknownType) or type_ in _VAGUE


_VAGUE = (Base("int"), Pointer(Base("void")))
