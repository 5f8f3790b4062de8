"""The ground of the interpreter: variables, pages, what is met on the way.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import libcst as cst

from pagefix.rulebook import ScriptModels
from pagefix.script.tree import Script, all_nodes, bound_names
from pagefix.script.values import (
    UNKNOWN,
    Class,
    Facts,
    Function,
    Instance,
    Page,
    Raw,
    Sequence,
    State,
    Tuple,
    Value,
    Way,
    held,
    join,
    rank,
)

__all__ = ["FIELDS", "Base", "Doubt", "Met", "pages_in"]

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
_FINE = {
    "mapping": {"no", "seen"},
    "index": {"no", "seen"},
    "private": {"no", "is"},
}
#: ... and where what the mapping points to is read: of an anonymous page that is no mapping.
_FINE_BEHIND = {"no", "file"}

_MAY_BE = ("any", "user")
#: For all pages there are.
EVERY: tuple[Any, ...] = ()


class Met(NamedTuple):
    """A place that a rule may be about.

    :param field: whether it is a field, not a call.
    :param swapcache: whether the page may be in the swap cache there.
    :param covered: whether an AttributeError is met with another name.
    :param excused: what was known of the page where the value was used, and need not be
        reported for it.
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
    page: Page | None
    excused: frozenset[tuple[Any, str]] = frozenset()

    @property
    def steps(self) -> tuple[Way, ...]:
        """How the page came here."""
        return self.page.steps if self.page is not None else ()


class Doubt(NamedTuple):
    """A member of a page's name, of something that the script does not tell what it is."""

    name: str
    node: Any
    base: Any
    function: str | None


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
        self.heap_keys: set[Any] = set()
        self.doubts: dict[int, Doubt] = {}
        # Where each fact was learnt.
        self.tests: dict[tuple[Any, str], list[Any]] = {}
        self.depends: dict[Any, frozenset[Any]] = {}
        self.serials: dict[int, int] = {}
        self.numbers: dict[int, int] = {}
        self.covered = 0
        self.changed = False

    # --- variables

    def define(self, function: Any) -> None:
        """Note where a function stands, for the names that it does not bind."""
        if id(function) not in self.scopes:
            self.numbers[id(function)] = len(self.numbers)
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

    def assign(self, target: Any, value: Value, state: State) -> None:
        """Store a value, and what is known of its pages with it."""
        match target:
            case cst.Name():
                value = held(value, state.facts)
                if self.classes and self.in_body:
                    self.store(self.classes[-1], target.value, value)
                else:
                    key = self._key(target.value)
                    self._forget(key, state)
                    state.vars[key] = value
            case cst.Tuple() | cst.List():
                self._unpack(target.elements, value, state)
            case cst.Attribute():
                value = held(value, state.facts)
                for atom in self.value(target.value, state):
                    if isinstance(atom, Instance | Class):
                        self.store(atom.node, target.attr.value, value)
                root = _root(target)
                if root is not None:
                    self._forget(self._key(root), state)
            case cst.Subscript():
                self.put(target.value, [value], False, state)
                self.value(target, state)
            case _:
                pass

    def _forget(self, variable: Any, state: State) -> None:
        # What was known of `x.page` says nothing when x is another one.
        if state.facts and self.depends:
            state.facts = frozenset(
                each for each in state.facts if variable not in self.depends.get(each[0], ())
            )

    def _unpack(self, elements: Any, value: Value, state: State) -> None:
        count = len(elements)
        star = next((n for n, e in enumerate(elements) if isinstance(e, cst.StarredElement)), count)
        for at, element in enumerate(elements):
            parts: list[Value] = []
            for atom in value:
                if isinstance(atom, Tuple):
                    behind = len(atom.items) - (count - at)
                    if at == star:
                        parts += atom.items[at : behind + 1]
                    elif at < star and at < len(atom.items):
                        parts.append(atom.items[at])
                    elif at > star and behind >= 0:
                        parts.append(atom.items[behind])
                elif isinstance(atom, Sequence):
                    parts.append(atom.item)
            found = join(parts)
            if at == star:
                found = frozenset({Sequence(found)})
            self.assign(element.value, found, state)

    def store(self, cls: Any, name: str, value: Value) -> None:
        """Store into what all objects of a class share here."""
        key = id(cls), name
        old = self.heap.get(key, UNKNOWN)
        new = join((old, value))
        self.heap_keys.update(page.key for page in pages_in(value))
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
            Function(atom.node, self._bound(atom, cls, me)) if isinstance(atom, Function) else atom
            for atom in found
        )

    def _bound(self, function: Function, cls: Any, me: Any) -> Any:
        # What a method gets as its first argument.
        if decorated(function.node, "staticmethod"):
            return None
        return Class(cls) if decorated(function.node, "classmethod") else me

    globals: dict[Any, Value] = {}  # noqa: RUF012

    def put(self, holder: Any, values: list[Value], many: bool, state: State) -> None:
        """Store values into a container that an expression names."""
        new = held(join(values), state.facts)
        if many:
            new = self.items(new, state)
        if isinstance(holder, cst.Subscript):
            # d[key].append(page)
            self.put(holder.value, [frozenset({Sequence(new)})], False, state)
            return
        if isinstance(holder, cst.Call) and isinstance(holder.func, cst.Attribute):
            # d.setdefault(key, []).append(page)
            self.put(holder.func.value, [frozenset({Sequence(new)})], False, state)
            return
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
                case Instance(cls):
                    for each in self.attribute(cls, "__iter__", atom):
                        if isinstance(each, Function):
                            found.append(self.items(self.call(each, each.node, [], state), state))
                case _:
                    pass
        return join(found)

    # --- pages

    def serial(self, node: Any) -> int:
        """Return a number for a node, the same in each run."""
        if not self.serials:
            self.serials = {id(each): at for at, each in enumerate(all_nodes(self.script.module))}
        return self.serials.get(id(node), -1)

    def new_page(
        self,
        node: Any,
        label: str,
        sentence: str,
        state: State | None = None,
        *,
        folio: bool = False,
    ) -> Page:
        """Return the page that comes from a place: of a path that is simple, always the same."""
        key: tuple[Any, ...] | None = self.path(node) if state is not None else None
        if key is None:
            key = (self.serial(node),)
            if state is not None and state.facts:
                state.facts = frozenset(each for each in state.facts if each[0] != key)
        return Page(key, label, (Way(self.depth, self.serial(node), node, sentence),), folio)

    def path(self, node: Any) -> tuple[Any, ...] | None:
        """Return a key for a chain of members and calls that begins at variables."""
        parts: list[Any] = []
        used: set[Any] = set()
        if not self._path(node, parts, used) or not used:
            return None
        key = ("path", *parts)
        self.depends[key] = frozenset(used)
        return key

    def _path(self, node: Any, parts: list[Any], used: set[Any]) -> bool:
        match node:
            case cst.Name():
                variable = self._key(node.value)
                used.add(variable)
                # Scopes are told by where they were met, not by where they lie in memory.
                parts.append((self.numbers.get(variable[0], -1), node.value))
            case cst.Attribute():
                parts.append(node.attr.value)
                return self._path(node.value, parts, used)
            case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
                parts.append("[]")
                return self._path(key, parts, used) and self._path(node.value, parts, used)
            case cst.Integer() | cst.SimpleString():
                parts.append(node.value)
            case cst.Call():
                parts.append(f"(){len(node.args)}")
                if any(each.star for each in node.args):
                    return False
                inner = (*(each.value for each in node.args), node.func)
                return all(self._path(each, parts, used) for each in inner)
            case _:
                return False
        return True

    def another(self, page: Page, node: Any) -> Page:
        """Return a page beside another one."""
        return page._replace(key=("beside", page.key[:3], self.serial(node)), known=frozenset())

    @property
    def depth(self) -> int:
        """How many calls deep this is."""
        return len(self.frames) - 1

    # --- what is met

    def meet(self, page: Page, name: str, node: Any, base: Any, state: State) -> None:
        """Note that a field is named, whatever its value is good for."""
        has = "has" in self.known(page, state) or (EVERY, "has") in state.facts
        self._note(Met(name, True, node, base, False, *self._where(has), page))

    def meet_mangled(self, node: Any, function: str | None) -> None:
        """Note a name that Python mangles."""
        self._note(
            Met("__folio_index", True, node, node.value, False, False, True, function, 0, None)
        )

    def meet_call(self, page: Page, node: Any, state: State) -> None:
        """Note that drgn's page_index() is called."""
        why = self._excuse(page, "index", state, behind=False)
        self._note(
            Met(
                "page_index",
                False,
                node,
                node.args[0].value,
                why is None,
                *self._where(False),
                page,
                frozenset() if why is None else why,
            )
        )

    def doubt(self, name: str, node: Any, base: Any) -> None:
        """Note a member of a page's name of something unknown."""
        self.doubts.setdefault(id(node), Doubt(name, node, base, self._where(False)[2]))

    def use(self, values: Value, state: State, *, behind: bool = False) -> None:
        """Note that raw values are used for something.

        :param behind: whether what they point to is read.
        """
        for atom in _raw_in(values):
            key = id(atom.node), atom.field, True
            known = self.met.get(key)
            if known is None:
                continue
            why = self._excuse(atom.page, FIELDS[atom.field], state, behind=behind)
            if why is None:
                if not known.swapcache or _first(atom.page, known.page):
                    self.met[key] = known._replace(swapcache=True, page=atom.page, depth=atom.depth)
            else:
                self.met[key] = known._replace(excused=known.excused | why)

    def may_be(self, raw: Raw, state: State) -> bool:
        """Return whether a raw value may be that of a page in the swap cache."""
        return self._excuse(raw.page, FIELDS[raw.field], state, behind=False) is None

    def known(self, page: Page, state: State) -> frozenset[str]:
        """Return what is known of a page."""
        found = page.known | {fact for key, fact in state.facts if key == page.key}
        return found | {"is"} if {"bit", "backed"} <= found else found

    def _excuse(
        self, page: Page, kind: str, state: State, *, behind: bool
    ) -> frozenset[tuple[Any, str]] | None:
        # Why a value is what it is taken for; nothing if it may not be.
        if page.label not in _MAY_BE:
            return frozenset({(page.key, page.label)})
        fine = _FINE_BEHIND if behind and kind == "mapping" else _FINE[kind]
        known = self.known(page, state)
        found = frozenset((page.key, fact) for fact in known & fine)
        return found or None

    def _where(self, has: bool) -> tuple[bool, bool, str | None, int]:
        frame = self.frames[-1].node
        name = frame.name.value if isinstance(frame, cst.FunctionDef) else None
        return has or self.covered > 0, False, name, self.depth

    def _note(self, met: Met) -> None:
        key = id(met.node), met.name, met.field
        old = self.met.get(key)
        if old is None:
            self.met[key] = met
        else:
            better = met.swapcache and (not old.swapcache or _first(met.page, old.page))
            self.met[key] = (met if better else old)._replace(
                swapcache=old.swapcache or met.swapcache,
                mangled=old.mangled or met.mangled,
                covered=old.covered and met.covered,
                excused=old.excused | met.excused,
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

    def give(self, value: Value, state: State) -> None:
        """Note what a generator yields."""
        self.frames[-1].generator = True
        self.frames[-1].yielded.append(held(value, state.facts))


def _first(page: Page | None, other: Page | None) -> bool:
    # Which of two pages is shown; nothing of it may hang on the order of a set.
    return page is not None and other is not None and rank(page) < rank(other)


def decorated(function: Any, name: str) -> bool:
    """Return whether a function has a decorator of a name, whatever module it is from."""
    return any(_last(each.decorator) == name for each in getattr(function, "decorators", ()))


def _last(node: Any) -> str:
    if isinstance(node, cst.Call):
        return _last(node.func)
    if isinstance(node, cst.Attribute):
        return str(node.attr.value)
    return str(getattr(node, "value", ""))


def _root(node: Any) -> str | None:
    while isinstance(node, cst.Attribute | cst.Subscript):
        node = node.value
    return node.value if isinstance(node, cst.Name) else None


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
