"""The abstract heap: what is stored where, per (object, field), over all reached code.

Stores are weak: what was ever stored stays. That is what makes a callback that is saved,
replaced and restored run with the object it was put on. Contents only grow, so the
solver's fixpoint ends; whoever read a place that grows is run again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from pagefix.flow.steps import Step
from pagefix.flow.values import BOTTOM, Atom, Pointer, Value, ordered, tracked, without_identities

__all__ = ["ALWAYS_THERE", "ELEMENTS", "Heap", "Location", "Obj", "Store"]

#: The field name for what a pointer or an array points to when it is no record.
ELEMENTS = "[]"

#: How deep chains of members and pointees are told apart before (record, field) stands in.
_MAX_DEPTH = 4


class Obj(NamedTuple):
    """An abstract object: what contents are kept for.

    :param kind: ``alloc`` (an allocation in one context), ``var`` (a variable whose
        address is taken), ``param`` (what an entry's argument points to), ``global``,
        ``result`` (what a call gave back), ``sub`` (a member of ``parent``), ``slot`` (the
        same of a member that is no record: what is stored there is stored in ``parent``),
        ``deref`` (what a pointer member of ``parent`` points to), ``any`` (stands for every
        object of its record where the object is not known).
    :param record: the record it is an instance of, empty where that is not known.
    :param parent: number of the object it is part of, -1 for none.
    """

    kind: str
    key: tuple[object, ...]
    record: str
    parent: int
    depth: int


Location = tuple[int, str]

#: Kinds of objects that a pointer to them is never null. The VM always passes the swap file, the
#: kiocb and the iterator (mm/page_io.c): the way for a call without a file is not its way.
ALWAYS_THERE = frozenset(("var", "global", "sub", "slot", "param"))

#: Objects that are parts of others.
_PARTS = frozenset(("sub", "slot"))

#: What is held below an object, the most telling counts.
_PAGE = 3
_HELD = {"page": _PAGE, "func": 2, "range": 1}
_TELLING = frozenset((_PAGE, 1))


#: Stands for all globals among what contexts wait for.
_TAINTED: Location = (-1, "")
#: Which objects are filled.
_FILLED: Location = (-1, "filled")


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
        #: The most telling thing held below an object, those that lead to it, and who asked.
        self._level: dict[int, int] = {}
        self._above: dict[int, dict[int, None]] = {}
        self._waiting: dict[int, dict[int, None]] = {}
        self._late: dict[int, None] = {}
        self._below_cache: dict[int, list[int]] | None = None
        #: Contexts that read something that has grown since, in order.
        self.dirty: dict[int, None] = {}
        #: Names of the globals that something was stored in.
        self._globals: dict[int, str] = {}
        #: The step that is being made: what it asks for is what it rests on.
        self.step: Step | None = None
        self._resting: dict[object, list[Step]] = {}
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
            if kind == "any":
                self._drop(record)
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
        while obj.kind in _PARTS:
            obj = self._objects[obj.parent]
        return obj.kind in ("alloc", "var", "global")

    def any(self, record: str) -> int:
        """Return the object that stands for every unknown object of a record."""
        return self.make("any", (record,), record)

    def is_stored(self, record: str) -> bool:
        """Return whether reached code has stored anything in an object of a record."""
        self._rests_on(record)
        return Obj("any", (record,), record, -1, 0) in self._numbers

    def member(self, parent: int, field: str, record: str) -> int:
        """Return the member ``field`` of an object as an object of its own."""
        return self._below("sub", parent, field, record)

    def slot(self, parent: int, field: str) -> int:
        """Return what a pointer to the member ``field`` points to, a member that is no record."""
        return self.make("slot", (field,), "", parent)

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
        if self.step is not None:
            self._asks(self.step, location)
        return self._contents.get(location, BOTTOM)

    def _asks(self, step: Step, what: object) -> None:
        if what not in step.asked:
            step.asked[what] = None
            self._resting.setdefault(what, []).append(step)

    def _rests_on(self, what: object) -> None:
        if self.step is not None:
            self._resting.setdefault(what, []).append(self.step)

    def forget_steps(self) -> None:
        """Forget which steps rest on what: none is taken again."""
        self._resting.clear()

    def _drop(self, what: object) -> None:
        for step in self._resting.pop(what, ()):
            step.drop()

    def asked_again(self, reads: Iterable[object], reader: int) -> None:
        """Note that a context, too, has asked for what a step reads."""
        for what in reads:
            waiting = self._waiting if isinstance(what, int) else self._readers
            waiting.setdefault(what, {})[reader] = None  # type: ignore[arg-type]

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
            self._drop(_FILLED)
            self._link(number)
        if field not in fields:
            fields.append(field)
        if location not in self._stores and tracked(value):
            self._stores[location] = by
        whole = self._whole(number)
        for atom in ordered(value - old):
            self._weigh(whole, atom)
        self._fill_global(number)
        self._drop(location)
        self._drop((number, "*"))
        self.dirty.update(self._readers.get(location, {}))
        self.dirty.update(self._readers.get((number, "*"), {}))

    def _fill_global(self, number: int) -> None:
        while self._objects[number].parent >= 0:
            number = self._objects[number].parent
        obj = self._objects[number]
        if obj.kind == "global" and number not in self._globals:
            self._globals[number] = str(obj.key[1])
            self._drop(_TAINTED)
            self.dirty.update(self._readers.get(_TAINTED, {}))

    def tainted_for(self, reader: int) -> frozenset[str]:
        """Return the names of globals that a page or range is held below, and note who asked."""
        self.load(_TAINTED, reader)
        return frozenset(
            name for number, name in self._globals.items() if self._held(number, reader) in _TELLING
        )

    def stored_at(self, location: Location) -> Store | None:
        """Return where something tracked first came into a place."""
        return self._stores.get(location)

    def readers(self, location: Location) -> Container[int]:
        """Return the contexts that have asked what is in a place."""
        return self._readers.get(location, {})

    def fields(self, number: int) -> Iterator[tuple[str, Value]]:
        """Return the fields of an object that something was stored in."""
        self._rests_on((number, "*"))
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
        whole = self._whole(number)
        level = self._level.get(whole, 0)
        if level < _PAGE:
            self._waiting.setdefault(whole, {})[reader] = None
            if self.step is not None:
                self._asks(self.step, whole)
        return level

    def recheck(self) -> None:
        """Mark those dirty that asked :meth:`holds` of an object that holds more now."""
        self.dirty.update(self._late)
        self._late.clear()

    def _link(self, number: int) -> None:
        # Something was stored in an object for the first time: what it is reached through
        # leads to it. A member leads to its record by container_of, so wholes are linked.
        below = self._whole(number)
        while self._objects[below].parent >= 0:
            above = self._whole(self._objects[below].parent)
            if above in self._above.setdefault(below, {}):
                return
            self._lead(above, below)
            below = above

    def _lead(self, above: int, below: int) -> None:
        if above != below:
            self._above.setdefault(below, {})[above] = None
            self._raise(above, self._level.get(below, 0))

    def _raise(self, whole: int, level: int) -> None:
        todo = [whole]
        while todo:
            current = todo.pop()
            if self._level.get(current, 0) < level:
                self._level[current] = level
                self._drop(current)
                self._late.update(self._waiting.pop(current, {}))
                todo.extend(self._above.get(current, ()))

    def _weigh(self, whole: int, atom: Atom) -> None:
        if isinstance(atom, Pointer):
            self._lead(whole, self._whole(atom.target))
        else:
            self._raise(whole, _HELD.get(atom.tag, 0))

    def _whole(self, number: int) -> int:
        while self._objects[number].kind in _PARTS:
            number = self._objects[number].parent
        return number

    def parts(self, number: int) -> list[int]:
        """Return the filled objects right below an object."""
        self._rests_on(_FILLED)
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
