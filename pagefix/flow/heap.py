"""The abstract heap: what is stored where, per (object, field), over all reached code.

Stores are weak: what was ever stored stays. That is what makes a callback that is saved,
replaced and restored run with the object it was put on. Contents only grow, so the
solver's fixpoint ends; whoever read a place that grows is run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pagefix.flow.values import BOTTOM, Pointer, Value, tracked, without_identities

__all__ = ["ELEMENTS", "Heap", "Location", "Obj", "Store"]

#: The field name for what a pointer or an array points to when it is no record.
ELEMENTS = "[]"

#: How deep chains of members and pointees are told apart before (record, field) stands in.
_MAX_DEPTH = 4


class Obj(NamedTuple):
    """An abstract object: what contents are kept for.

    :param kind: ``alloc`` (an allocation in one context), ``var`` (a variable whose
        address is taken), ``param`` (what an entry's argument points to), ``global``,
        ``result`` (what a call gave back), ``sub`` (a member of ``parent``), ``deref``
        (what a pointer member of ``parent`` points to), ``any`` (stands for every object
        of its record where the object is not known).
    :param record: the record it is an instance of, empty where that is not known.
    :param parent: number of the object it is part of, -1 for none.
    """

    kind: str
    key: tuple[object, ...]
    record: str
    parent: int
    depth: int


Location = tuple[int, str]

#: What is held below an object, the most telling counts.
_PAGE = 3
_HELD = {"page": _PAGE, "func": 2, "range": 1}
_TELLING = frozenset((_PAGE, 1))


#: Stands for all globals among what contexts wait for.
_TAINTED: Location = (-1, "")


class Store(NamedTuple):
    """Where something tracked was first put into a place: for the trace."""

    context: int
    path: str
    start: int
    end: int


class Heap:
    """Contents per (object, field), and who read them."""

    def __init__(self) -> None:
        self._objects: list[Obj] = []
        self._numbers: dict[Obj, int] = {}
        self._contents: dict[Location, Value] = {}
        self._fields: dict[int, list[str]] = {}
        self._readers: dict[Location, dict[int, None]] = {}
        self._stores: dict[Location, Store] = {}
        self._holds: dict[int, int] = {}
        self._below_cache: dict[int, list[int]] | None = None
        self._empty: dict[tuple[int, int], dict[int, None]] = {}
        #: Contexts that read something that has grown since, in order.
        self.dirty: dict[int, None] = {}
        #: Names of the globals that something was stored in.
        self._globals: dict[int, str] = {}
        #: Whether one object stands for all of its record.
        self.by_record = False

    def make(self, kind: str, key: tuple[object, ...], record: str = "", parent: int = -1) -> int:
        """Return the number of an object, made at first use."""
        if self.by_record and record and kind != "any":
            kind, key, parent = "any", (record,), -1
        depth = self._objects[parent].depth + 1 if parent >= 0 else 0
        obj = Obj(kind, key, record, parent, depth)
        number = self._numbers.get(obj)
        if number is None:
            number = self._numbers[obj] = len(self._objects)
            self._objects.append(obj)
        return number

    def info(self, number: int) -> Obj:
        """Return what is known of an object."""
        return self._objects[number]

    def site(self, number: int) -> tuple[object, ...]:
        """Return the place in the text that an object stems from, whatever its context."""
        obj = self._objects[number]
        fields: list[object] = []
        while obj.parent >= 0:
            fields.append(obj.key[0])
            obj = self._objects[obj.parent]
        if obj.kind in ("alloc", "var"):
            return (obj.kind, *obj.key[1:], *fields)
        return (obj.kind,)

    def root(self, number: int) -> Obj:
        """Return the object that an object is part of, or was first reached through."""
        obj = self._objects[number]
        while obj.parent >= 0:
            obj = self._objects[obj.parent]
        return obj

    def made_here(self, number: int) -> bool:
        """Return whether an object is, or is a part of, one that reached code has made.

        What such an object points to is told from others of its record; what is further
        away (a superblock by way of a request) is not.
        """
        obj = self._objects[number]
        while obj.kind == "sub":
            obj = self._objects[obj.parent]
        return obj.kind in ("alloc", "var", "global")

    def any(self, record: str) -> int:
        """Return the object that stands for every unknown object of a record."""
        return self.make("any", (record,), record)

    def member(self, parent: int, field: str, record: str) -> int:
        """Return the member ``field`` of an object as an object of its own."""
        return self._below("sub", parent, field, record)

    def pointee(self, parent: int, field: str, record: str) -> int:
        """Return what the pointer member ``field`` points to when nothing was stored."""
        if record and record == self._objects[parent].record:
            # The next one of a list: it stands for all of them.
            return parent
        return self._below("deref", parent, field, record)

    def _below(self, kind: str, parent: int, field: str, record: str) -> int:
        if self._objects[parent].depth >= _MAX_DEPTH and record:
            return self.any(record)
        return self.make(kind, (field,), record, parent)

    def load(self, location: Location, reader: int) -> Value:
        """Return what may be in a place, and note who asked."""
        self._readers.setdefault(location, {})[reader] = None
        return self._contents.get(location, BOTTOM)

    def peek(self, location: Location) -> Value:
        """Return what may be in a place without waiting for more."""
        return self._contents.get(location, BOTTOM)

    def store(self, location: Location, value: Value, by: Store) -> None:
        """Add to what may be in a place."""
        value = without_identities(value)
        old = self._contents.get(location, BOTTOM)
        new = old | value
        if new == old:
            return
        self._contents[location] = new
        number, field = location
        fields = self._fields.setdefault(number, [])
        if not fields:
            self._below_cache = None
        if field not in fields:
            fields.append(field)
        if location not in self._stores and tracked(value):
            self._stores[location] = by
        self._holds.clear()
        self._fill_global(number)
        self.dirty.update(self._readers.get(location, {}))
        self.dirty.update(self._readers.get((number, "*"), {}))

    def _fill_global(self, number: int) -> None:
        while self._objects[number].parent >= 0:
            number = self._objects[number].parent
        obj = self._objects[number]
        if obj.kind == "global" and number not in self._globals:
            self._globals[number] = str(obj.key[1])
            self.dirty.update(self._readers.get(_TAINTED, {}))

    def tainted_for(self, reader: int) -> frozenset[str]:
        """Return the names of globals that a page or range is held below, and note who asked."""
        self._readers.setdefault(_TAINTED, {})[reader] = None
        return frozenset(
            name for number, name in self._globals.items() if self._held(number, reader) in _TELLING
        )

    def stored_at(self, location: Location) -> Store | None:
        """Return where something tracked first came into a place."""
        return self._stores.get(location)

    def fields(self, number: int) -> Iterator[tuple[str, Value]]:
        """Return the fields of an object that something was stored in."""
        for field in self._fields.get(number, ()):
            yield field, self._contents[(number, field)]

    def holds(self, number: int, reader: int) -> bool:
        """Return whether a page, range or callback is held anywhere below an object."""
        return self._held(number, reader) > 0

    def holds_page(self, number: int, reader: int) -> bool:
        """Return whether a page or callback, not only a range, is held below an object."""
        return self._held(number, reader) > 1

    def carries_page(self, number: int, reader: int) -> bool:
        """Return whether a page itself is held below an object."""
        return self._held(number, reader) > 2

    def _held(self, number: int, reader: int) -> int:
        known = self._holds.get(number)
        if known is None:
            known = self._holds[number] = self._search(number)
        if known < _PAGE:
            self._empty.setdefault((number, known), {})[reader] = None
        return known

    def recheck(self) -> None:
        """Mark those dirty that asked :meth:`holds` of an object that holds more now."""
        for (number, before), readers in list(self._empty.items()):
            known = self._holds.get(number)
            if known is None:
                known = self._holds[number] = self._search(number)
            if known > before:
                self.dirty.update(readers)
                del self._empty[(number, before)]

    def _search(self, number: int) -> int:
        # A member leads to its record by container_of, so the search begins at the whole.
        number = self._whole(number)
        seen = {number}
        todo = [number]
        children = self._children()
        best = 0
        while todo:
            current = todo.pop()
            for _field, value in self.fields(current):
                for atom in value:
                    best = max(best, _HELD.get(atom.tag, 0))
                    if best == _PAGE:
                        return best
                    if isinstance(atom, Pointer) and self._whole(atom.target) not in seen:
                        seen.add(self._whole(atom.target))
                        todo.append(self._whole(atom.target))
            for child in children.get(current, ()):
                if child not in seen:
                    seen.add(child)
                    todo.append(child)
        return best

    def _whole(self, number: int) -> int:
        while self._objects[number].kind == "sub":
            number = self._objects[number].parent
        return number

    def parts(self, number: int) -> list[int]:
        """Return the filled objects right below an object."""
        return self._children().get(number, [])

    def _children(self) -> dict[int, list[int]]:
        if self._below_cache is not None:
            return self._below_cache
        below: dict[int, list[int]] = {}
        for number in self._fields:
            # A filled object is below each of its ancestors.
            parent = self._objects[number].parent
            child = number
            while parent >= 0:
                siblings = below.setdefault(parent, [])
                if child in siblings:
                    break
                siblings.append(child)
                child, parent = parent, self._objects[parent].parent
        self._below_cache = below
        return below
