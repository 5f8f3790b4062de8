"""The ground of the interpreter: variables, pages, what is met on the way.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import libcst as cst

from pagefix.finding import Step
from pagefix.rulebook import ScriptModels
from pagefix.script.tree import Script, bound_names
from pagefix.script.values import (
    UNKNOWN,
    Class,
    Facts,
    Function,
    Instance,
    Library,
    Page,
    Raw,
    Sequence,
    State,
    Tuple,
    Value,
    join,
)

__all__ = ["FIELDS", "Base", "Met"]

#: Members of struct page and struct folio that rules are about, by what they are.
FIELDS = {
    "mapping": "mapping",
    "index": "index",
    "__folio_index": "index",
    "private": "private",
    "flags": "flags",
}

#: Facts that make each field what a script may take it for. While a page is known to be in
#: the swap cache its private *is* the entry, and is asked for as such.
_FINE = {"mapping": {"no", "seen"}, "index": {"no", "seen"}, "private": {"no", "is"}}

_MAY_BE = ("any", "user")


class Met(NamedTuple):
    """A place that a rule may be about.

    :param field: whether it is a field, not a call.
    :param swapcache: whether the page may be in the swap cache there.
    :param covered: whether an AttributeError is met with another name.
    """

    name: str
    field: bool
    node: Any
    base: Any
    swapcache: bool
    covered: bool
    mangled: bool
    function: str | None
    depth: int
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Frame:
    """A function that runs: what it returns and yields."""

    node: Any
    returned: list[tuple[Value, Facts]] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)
    generator: bool = False


class Base:
    """What the parts of the interpreter share."""

    def __init__(self, script: Script, models: ScriptModels) -> None:
        self.script = script
        self.models = models
        self.met: dict[tuple[int, str, bool], Met] = {}
        self.frames: list[Frame] = [Frame(None)]
        self.scopes: dict[int, tuple[Any, ...]] = {}
        self.bound: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        self.classes: list[Any] = []
        self.class_of: dict[int, Any] = {}
        self.heap: dict[tuple[int, str], Value] = {}
        self.escaped: dict[int, Function] = {}
        self.covered = 0
        self.changed = False

    # --- variables

    def define(self, function: Any) -> None:
        """Note where a function stands, for the names that it does not bind."""
        if id(function) not in self.scopes:
            here = self.frames[-1].node
            outer = self.scopes.get(id(here), ()) if here is not None else ()
            self.scopes[id(function)] = (function, *outer)
            if isinstance(function, cst.Lambda):
                names = frozenset(each.name.value for each in function.params.params)
                self.bound[id(function)] = names, frozenset()
            else:
                self.bound[id(function)] = bound_names(function)
            if self.classes:
                self.class_of[id(function)] = self.classes[-1]

    def _key(self, name: str) -> tuple[int, str]:
        here = self.frames[-1].node
        for scope in self.scopes.get(id(here), ()) if here is not None else ():
            names, free = self.bound[id(scope)]
            if name in names:
                return id(scope), name
            if name in free and scope is here:
                continue
        return 0, name

    def lookup(self, name: str, state: State) -> Value | None:
        """Return what a name stands for; ``None`` if nothing of the script binds it."""
        if self.classes and (id(self.classes[-1]), name) in self.heap and self.in_body:
            return self.heap[id(self.classes[-1]), name]
        key = self._key(name)
        found = state.vars.get(key)
        return UNKNOWN if found is None and key[0] else found

    @property
    def in_body(self) -> bool:
        """Whether statements of a class run, not those of its methods."""
        here = self.frames[-1].node
        return bool(self.classes) and self.class_of.get(id(here)) is not self.classes[-1]

    @property
    def in_class(self) -> bool:
        """Whether Python mangles names here."""
        return bool(self.classes) or id(self.frames[-1].node) in self.class_of

    def assign(self, target: Any, value: Value, state: State) -> None:
        """Store a value."""
        match target:
            case cst.Name():
                if self.classes and self.in_body:
                    self.store(self.classes[-1], target.value, value)
                else:
                    state.vars[self._key(target.value)] = value
            case cst.Tuple() | cst.List():
                self._unpack(target.elements, value, state)
            case cst.Attribute():
                for atom in self.value(target.value, state):
                    if isinstance(atom, Instance | Class):
                        self.store(atom.node, target.attr.value, value)
            case cst.Subscript():
                self.put(target.value, [value], False, state)
                self.value(target, state)
            case cst.StarredElement():
                self.assign(target.value, frozenset({Sequence(value)}), state)
            case _:
                pass

    def _unpack(self, elements: Any, value: Value, state: State) -> None:
        for at, element in enumerate(elements):
            parts: list[Value] = []
            for atom in value:
                if isinstance(atom, Tuple) and at < len(atom.items):
                    parts.append(atom.items[at])
                elif isinstance(atom, Sequence):
                    parts.append(atom.item)
            self.assign(element.value, join(parts), state)

    def store(self, cls: Any, name: str, value: Value) -> None:
        """Store into what all objects of a class share here."""
        key = id(cls), name
        old = self.heap.get(key, UNKNOWN)
        new = join((old, value))
        if new != old or key not in self.heap:
            self.heap[key] = new
            self.changed = True

    def attribute(self, cls: Any, name: str, of: Any) -> Value:
        """Return an attribute of an object of a class, or of a class it is derived from."""
        found = self.heap.get((id(cls), name))
        if found is None:
            for base in cls.bases:
                for atom in self.value(base.value, State({**self.globals}, frozenset())):
                    if isinstance(atom, Class) and atom.node is not cls:
                        return self.attribute(atom.node, name, of)
            return UNKNOWN
        me = of if isinstance(of, Instance) else None
        return frozenset(
            Function(atom.node, me) if isinstance(atom, Function) and me is not None else atom
            for atom in found
        )

    globals: dict[Any, Value] = {}  # noqa: RUF012

    def put(self, holder: Any, values: list[Value], many: bool, state: State) -> None:
        """Store values into a container that an expression names."""
        new = join(values)
        if many:
            new = self.items(new, state)
        old = self.value(holder, state)
        items = [atom.item for atom in old if isinstance(atom, Sequence)]
        if isinstance(holder, cst.Name | cst.Attribute) and (items or not old):
            self.assign(holder, frozenset({Sequence(join([*items, new]))}), state)

    def iterate(self, target: Any, values: Value, state: State) -> None:
        """Take one item; what was known of the one before says nothing of it."""
        items = self.items(values, state)
        keys = {page.key for page in pages_in(items)}
        state.facts = frozenset(each for each in state.facts if each[0] not in keys)
        self.assign(target, items, state)

    def items(self, values: Value, state: State) -> Value:
        """Return what iterating over a value gives."""
        found: list[Value] = []
        for atom in values:
            match atom:
                case Sequence(item):
                    found.append(item)
                case Tuple(items):
                    found += items
                case Page():
                    found.append(frozenset({atom}))
                case _:
                    pass
        return join(found)

    def library(self, name: str) -> Library:
        """Return something of a module, by its last name."""
        return Library(name)

    # --- pages

    def new_page(self, node: Any, label: str, sentence: str) -> Page:
        """Return the page that comes from a place."""
        start, end = self.script.span(node)
        step = Step(self.depth, self.script.source.place(start, end), sentence)
        return Page((start, end), label, (step,))

    def another(self, page: Page, node: Any) -> Page:
        """Return a page beside another one."""
        return page._replace(key=(*page.key[:2], *self.script.span(node)))

    @property
    def depth(self) -> int:
        """How many calls deep this is."""
        return len(self.frames) - 1

    # --- what is met

    def meet(self, page: Page, name: str, node: Any, base: Any, state: State) -> None:
        """Note that a field is named, whatever its value is good for."""
        self._note(Met(name, True, node, base, False, *self._where(), page.steps))

    def meet_mangled(self, node: Any, base: Any) -> None:
        """Note a name that Python mangles."""
        covered, _, function, depth = self._where()
        self._note(
            Met("__folio_index", True, node, base, False, covered, True, function, depth, ())
        )

    def meet_call(self, page: Page, node: Any, state: State) -> None:
        """Note that drgn's page_index() is called."""
        self._note(
            Met(
                "page_index",
                False,
                node,
                node.args[0].value,
                self._may_be(page, "index", state),
                *self._where(),
                page.steps,
            )
        )

    def use(self, values: Value, state: State) -> None:
        """Note that raw values are used for something."""
        for atom in _raw_in(values):
            if self._may_be(atom.page, FIELDS[atom.field], state):
                known = self.met.get((id(atom.node), atom.field, True))
                if known is not None and not known.swapcache:
                    self.met[id(atom.node), atom.field, True] = known._replace(
                        swapcache=True, steps=atom.page.steps
                    )

    def may_be(self, raw: Raw, state: State) -> bool:
        """Return whether a raw value may be that of a page in the swap cache."""
        return self._may_be(raw.page, FIELDS[raw.field], state)

    def _may_be(self, page: Page, kind: str, state: State) -> bool:
        if page.label not in _MAY_BE:
            return False
        return not any(key == page.key and fact in _FINE[kind] for key, fact in state.facts)

    def _where(self) -> tuple[bool, bool, str | None, int]:
        frame = self.frames[-1].node
        name = frame.name.value if isinstance(frame, cst.FunctionDef) else None
        return self.covered > 0, False, name, self.depth

    def _note(self, met: Met) -> None:
        key = id(met.node), met.name, met.field
        old = self.met.get(key)
        if old is None:
            self.met[key] = met
        else:
            self.met[key] = (met if met.swapcache else old)._replace(
                swapcache=old.swapcache or met.swapcache, mangled=old.mangled or met.mangled
            )

    # --- the parts above

    def value(self, node: Any, state: State) -> Value:
        """Return what an expression may stand for."""
        raise NotImplementedError

    def call(self, callee: Any, node: Any, values: Any, state: State) -> Value:
        """Run a function of the script."""
        raise NotImplementedError

    def escape(self, args: Iterable[Value], state: State) -> None:
        """Note functions that are handed to something unknown."""

    def give(self, value: Value) -> None:
        """Note what a generator yields."""
        self.frames[-1].generator = True
        self.frames[-1].yielded.append(value)


def _raw_in(values: Value) -> Iterator[Raw]:
    for atom in values:
        if isinstance(atom, Raw):
            yield atom
        elif isinstance(atom, Tuple):
            for each in atom.items:
                yield from _raw_in(each)
        elif isinstance(atom, Sequence):
            yield from _raw_in(atom.item)


def pages_in(values: Value) -> Iterator[Page]:
    """Yield the pages in a value, also those in what it holds."""
    for atom in values:
        if isinstance(atom, Page):
            yield atom
        elif isinstance(atom, Tuple):
            for each in atom.items:
                yield from pages_in(each)
        elif isinstance(atom, Sequence):
            yield from pages_in(atom.item)
