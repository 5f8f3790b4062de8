"""Records and types: what a typedef's name stands for, and a record's members.

Floor 2, below :mod:`pagefix.program.program`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pagefix.c.ast import (
    Base,
    Cast,
    Field,
    Global,
    Init,
    InitList,
    Macro,
    Name,
    Record,
    Type,
    Typedef,
    Unary,
)
from pagefix.program.lookup import Lookup
from pagefix.program.shapes import find_member, is_plain, owned, records_in, tag

__all__ = ["Records"]

# A typedef that leads further than this leads in a circle.
_TYPEDEFS = 20


class Records(Lookup):
    """Files with the types that they see.

    The parameters are those of :class:`~pagefix.program.files.Files`.
    """

    def record(self, name: str, path: str) -> tuple[Record, ...]:
        """Return the definitions of ``struct foo``, or of the record that a typedef names."""
        if tag(name):
            return self._memoised(path, ("record", name), lambda: self._record(name, path))
        type_ = self.strip(Base(name), path)
        if isinstance(type_, Record):
            return (type_,)
        return self.record(type_.name, path) if isinstance(type_, Base) and tag(type_.name) else ()

    def strip(self, type_: Type, path: str) -> Type:
        """Return the type that a typedef's name stands for; any other type as it is.

        A tag that is a macro for another one (``#define old new``) becomes that one.
        """
        if not isinstance(type_, Base):
            return type_
        known = self._stripped.setdefault(path, {})
        found = known.get(type_.name)
        if found is None:
            found = known[type_.name] = self._strip(type_, path)
        return found

    def _strip(self, type_: Type, path: str) -> Type:
        for _ in range(_TYPEDEFS):
            if not isinstance(type_, Base):
                return type_
            if tag(type_.name):
                return self._retagged(type_, path)
            if is_plain(type_.name):
                return type_
            found = self._nearest(type_.name, path, Typedef)
            if not found:
                return type_
            type_ = owned(found[0][1].type, type_.name)
        return type_

    def _retagged(self, type_: Base, path: str) -> Base:
        word, _, label = type_.name.rpartition(" ")
        for _, macro in self.near_macros(label, path):
            if macro.params is None and isinstance(macro.body, Name):
                return Base(f"{word} {macro.body.name}")
        return type_

    def member(self, type_: Type, field: str, path: str) -> Type | None:
        """Return the type of a member of a record type; ``None`` if it is not found."""
        type_ = self.strip(type_, path)
        if isinstance(type_, Record) and type_.fields:
            return find_member(type_, field, lambda name: self.record(name, path))
        if isinstance(type_, Base | Record):
            for record in self.record(type_.name, path):
                found = find_member(record, field, lambda name: self.record(name, path))
                if found is not None:
                    return found
        return None

    def fields(self, type_: Type, path: str) -> tuple[Field, ...]:
        """Return the members of a record type as they are written, of all its definitions."""
        type_ = self.strip(type_, path)
        if isinstance(type_, Record) and type_.fields:
            return type_.fields
        if not isinstance(type_, Base | Record) or is_plain(type_.name):
            return ()
        return tuple(field for record in self.record(type_.name, path) for field in record.fields)

    def slots(self, item: Global, path: str) -> dict[str, Init]:
        """Return what an initializer sets, by member: of two for one member the last."""
        return dict(self.fillings(item, path))

    def fillings(self, item: Global, path: str) -> Iterator[tuple[str, Init]]:
        """Yield what an initializer sets; without designator in the record's order.

        A member that both sides of an ``#if`` set comes twice.
        """
        if not isinstance(item.init, InitList):
            return
        names = [field.name for field in self.fields(item.type, path)]
        position = 0
        for init in self.initializers(item.init, path):
            slot = init.designators[0].field if init.designators else None
            if slot is None and not init.designators and position < len(names):
                slot = names[position]
            if slot is not None:
                position = names.index(slot) + 1 if slot in names else position + 1
                yield slot, init

    def methods(self, item: Global, path: str) -> dict[str, list[Name]]:
        """Return the functions that an initializer puts into a table, by slot.

        All that ``#if`` may put there, casts and ``&`` aside. A macro's name stands for the
        names that it is defined as; NULL is no function.
        """
        key = ("methods", str(item.start))
        return self._memoised(path, key, lambda: self._methods(item, path))

    def _methods(self, item: Global, path: str) -> dict[str, list[Name]]:
        found: dict[str, list[Name]] = {}
        for slot, init in self.fillings(item, path):
            value = init.value
            while isinstance(value, Unary | Cast):
                value = value.operand if isinstance(value, Unary) else value.value
            for name in self._meant(value, path) if isinstance(value, Name) else ():
                if name.name != "NULL":
                    found.setdefault(slot, []).append(name)
        return found

    def _meant(self, name: Name, path: str) -> list[Name]:
        stands_for = [
            name._replace(name=macro.body.name)
            for _, macro in self.near_macros(name.name, path)
            if macro.params is None and isinstance(macro.body, Name)
        ]
        return stands_for or [name]

    def initializers(self, init: InitList, path: str) -> Iterator[Init]:
        """Yield the members of an initializer, those among them that a macro's name stands for.

        What a macro writes lies where the macro is used.
        """
        for each in init.items:
            macros: tuple[tuple[str, Macro], ...] = ()
            if isinstance(each.value, Name) and not each.designators:
                macros = self.near_macros(each.value.name, path)
            body = macros[0][1].body if macros else None
            if isinstance(body, InitList):
                for inner in body.items:
                    if isinstance(inner.value, Name):
                        value = inner.value._replace(start=each.value.start, end=each.value.end)
                        inner = inner._replace(value=value)
                    yield inner
            else:
                yield each

    def _record(self, name: str, path: str) -> tuple[Record, ...]:
        word, label = name.encode("utf-8", "surrogateescape").split(b" ", 1)
        between = rb"[^;{}()=,*\[]*?"
        form = re.compile(
            word + rb"\s" + between + rb"\b" + re.escape(label) + rb"\b" + between + rb"\{"
        )
        for text in self._texts(path):
            if text.may_define(name):
                found = [
                    record
                    for item in self._items_at(self._show(text), form)
                    for record in records_in(item, name)
                    if record.fields
                ]
                if found:
                    return tuple(dict.fromkeys(found))
        return ()
