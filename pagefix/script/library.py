"""Calls: of functions of the script, of drgn's and gdb's, of Python's own.

Floor 5.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from pagefix.script.asked import leading, of_record
from pagefix.script.expressions import CACHE, Expressions
from pagefix.script.machine import EVERY, FIELDS, pages_in
from pagefix.script.values import (
    UNKNOWN,
    Bit,
    Class,
    Cond,
    Flags,
    Function,
    Instance,
    Library,
    Masked,
    Masks,
    Never,
    Number,
    Object,
    Page,
    Partial,
    Raw,
    Sequence,
    State,
    Text,
    Tuple,
    Type,
    Value,
    held,
    join,
    join_cond,
)

__all__ = ["Calls"]

_FREE = Cond(frozenset(), frozenset())
_MAKES = ("Object", "cast", "container_of", "reinterpret_cast", "list_for_each_entry")
_LISTS = (
    "list_for_each_entry_reverse",
    "hlist_for_each_entry",
    "slab_cache_for_each_allocated_object",
)
#: Those of one object, and those that are handed the name of a member beside the type.
_ENTRIES = ("list_first_entry", "list_first_entry_or_null", "list_last_entry")
_BY_MEMBER = ("container_of", "list_for_each_entry", *_ENTRIES)
#: Python's own, that give what they are given, one after the other.
_ITERATE = ("list", "iter", "sorted", "reversed", "set", "tuple", "frozenset", "islice", "deque")
_FILTERS = {"filter": True, "takewhile": True, "filterfalse": False, "dropwhile": False}
_MAPS = ("map", "imap", "imap_unordered", "starmap")
_HANDS_ON = ("submit", "apply", "apply_async", "call_soon")
_EXITS = ("exit", "_exit", "quit", "abort")
_GETTERS = ("itemgetter()", "attrgetter()")
#: Methods of a page that give the page.
_SAME = (
    "read_",
    "dereference",
    "address_of_",
    "referenced_value",
    "value",
    "dynamic_cast",
    "to_abstract_",
)


_PUTS_MANY = ("extend", "update", "extendleft")
_PUTS = ("append", "add", "appendleft", "insert", "setdefault", *_PUTS_MANY)


def _holds_pages(value: Value) -> bool:
    return next(pages_in(value), None) is not None


class Calls(Expressions):
    """The part of the interpreter that calls."""

    def _Call(self, node: cst.Call, state: State) -> Value:  # noqa: N802
        callees = self.value(node.func, state)
        # A method of that name is no member.
        self.doubts.pop(id(node.func), None)
        values = [(each, self.value(each.value, state)) for each in node.args]
        found: list[Value] = []
        for callee in callees:
            match callee:
                case Function() | Class() | Partial():
                    found.append(self.call(callee, node, values, state))
                case Instance(cls):
                    called = self.attribute(cls, "__call__", callee)
                    found += [self.call(each, node, values, state) for each in called]
                case Library():
                    found.append(self._library(callee, node, values, state))
                case _:
                    self._use_all(values, state)
        if not callees:
            self._use_all(values, state)
        return join(found)

    def _use_all(self, values: list[tuple[Any, Value]], state: State) -> None:
        for _, each in values:
            self.use(each, state)
        self.escape([each for _, each in values], state)

    def _library(
        self, callee: Library, node: Any, values: list[tuple[Any, Value]], state: State
    ) -> Value:
        name, of = callee
        args = [each for _, each in values]
        if of is None and name in self.models.swap_spaces:
            # Its address is asked for, or the like.
            return frozenset({callee})
        if name in _GETTERS and isinstance(of, Number | Text):
            return self._got(of, node, args, state)
        texts = [atom.text for each in args for atom in each if isinstance(atom, Text)]
        if of is not None:
            method = self._method(name, of, node, args, texts, state)
            if method is not None:
                return method
        models = self.models
        if name in models.tests:
            pages = [atom for each in args[:1] for atom in each if isinstance(atom, Page)]
            tests = [self.test_of(page, models.tests[name], node) for page in pages]
            return frozenset({self.tested(tests) if tests else _FREE})
        if name == "test_bit" and len(args) == 2:
            return self._masked(
                frozenset(Masks(frozenset({a.name})) for a in args[0] if isinstance(a, Bit)),
                args[1],
                node,
                state,
            )
        if name in models.helpers:
            return self._helper(name, node, args, state)
        if name in _MAKES:
            return self._converted(name, node, args, texts, state)
        if name in _LISTS:
            return self._typed("list_for_each_entry", node, args, texts, state)
        if name in _ENTRIES:
            return self._typed(name, node, args, texts, state)
        if name in models.lookups:
            return self._looked_up(name, args)
        if name in ("variable", "object", "lookup_global_symbol") and texts:
            given = models.variables.get(texts[0])
            if given is not None:
                return frozenset({self.new_page(node, given.gives, given.sentence, state)})
        if name in ("pointer_type", "array_type"):
            return frozenset(atom for each in args for atom in each if isinstance(atom, Type))
        if name in ("reinterpret", "implicit_convert") and len(args) == 2:
            return self._converted("cast", node, args, texts, state)
        if name == "parse_and_eval":
            return self._evaluated(node, args, texts, state)
        if name in ("constant", "lookup_type", "type", "CachedType"):
            return self._named(texts)
        found = self._python(name, node, values, args, texts, state)
        if found is not None:
            return found
        self._use_all(values, state)
        return UNKNOWN

    # --- Python's own

    def _python(
        self,
        name: str,
        node: Any,
        values: list[tuple[Any, Value]],
        args: list[Value],
        texts: list[str],
        state: State,
    ) -> Value | None:
        if name == "bool" and args:
            return frozenset({self.cond_of(args[0])})
        if name in ("any", "all"):
            return frozenset({self._several(name == "all", node, state)})
        if name in self.models.transparent and args:
            if name in ("hex", "str"):
                self.use(args[0], state)
            kept = (Raw, Flags, Masked, Cond, Bit, Number)
            return frozenset(each for each in args[0] if isinstance(each, kept))
        if name in (*_ITERATE, "next", "enumerate", "zip", "chain", "from_iterable", "min", "max"):
            for arg, value in values:
                if arg.keyword is not None and arg.keyword.value == "key":
                    sequence = join(args[:1])
                    self.use(self._each(value, [self.items(sequence, state)], node, state), state)
            return self._iterables(name, [v for a, v in values if a.keyword is None], state)
        if name in _FILTERS and len(args) == 2:
            return self._filtered(args[0], args[1], _FILTERS[name], node, state)
        if name in _MAPS and len(args) > 1:
            items = [self.items(each, state) for each in args[1:]]
            return frozenset({Sequence(self._each(args[0], items, node, state))})
        if name in _HANDS_ON and args:
            return self._each(args[0], args[1:], node, state)
        if name == "partial" and args:
            return frozenset(
                Partial(each, tuple(args[1:]))
                for each in args[0]
                if isinstance(each, Function | Class)
            )
        if name == "getattr" and len(args) >= 2 and texts:
            return self._member(node, node.args[0].value, args[0], texts[0], state)
        if name in ("itemgetter", "attrgetter") and len(args) == 1:
            keys = [each for each in args[0] if isinstance(each, Number | Text)]
            return frozenset(Library(f"{name}()", each) for each in keys)
        if name == "hasattr":
            return self._has([a for a in args[0] if isinstance(a, Page)] if args else [], texts)
        if name == "super":
            return self._super()
        if name in _EXITS:
            return frozenset({Never()})
        return None

    def _got(self, key: Number | Text, node: Any, args: list[Value], state: State) -> Value:
        # operator.itemgetter(1)(pair)
        values = join(args[:1])
        if isinstance(key, Text):
            return self._member(node, node.args[0].value, values, key.text, state)
        found = []
        for atom in values:
            if isinstance(atom, Tuple) and -len(atom.items) <= key.number < len(atom.items):
                found.append(atom.items[key.number])
            elif isinstance(atom, Sequence):
                found.append(atom.item)
        return join(found)

    def _several(self, every: bool, node: Any, state: State) -> Cond:
        # any([a, b]) is `a or b`, as far as what is known goes.
        shown = node.args[0].value if node.args else None
        if not isinstance(shown, cst.List | cst.Tuple):
            return _FREE
        conds = [self.cond(each.value, state.copy()) for each in shown.elements]
        true = [each.true for each in conds]
        false = [each.false for each in conds]
        together = true if every else false
        all_of = None if None in together else frozenset().union(*(each or () for each in together))
        one_of = join_cond(Cond(each, None) for each in (false if every else true)).true
        return Cond(all_of, one_of) if every else Cond(one_of, all_of)

    def _each(self, function: Value, items: list[Value], node: Any, state: State) -> Value:
        # What a function gives for what it is handed by something else.
        found = []
        for each in function:
            if isinstance(each, Function | Partial):
                found.append(self.call(each, node, [(None, item) for item in items], state))
            else:
                for item in items:
                    self.use(item, state)
        return join(found)

    def _filtered(self, test: Value, values: Value, kept: bool, node: Any, state: State) -> Value:
        items = self.items(values, state)
        inner = state.copy()
        if any(isinstance(each, Function | Partial) for each in test):
            cond = self.cond_of(self._each(test, [items], node, inner))
        else:
            conds = []
            for each in test:
                if isinstance(each, Library) and each.name in self.models.tests:
                    told = self.models.tests[each.name]
                    pages = (atom for atom in items if isinstance(atom, Page))
                    conds += [self.test_of(page, told, node) for page in pages]
            cond = self.tested(conds) if conds else _FREE
        after = inner.with_facts(cond.true if kept else cond.false)
        return frozenset({Sequence(held(items, after.facts) if after is not None else UNKNOWN)})

    def _has(self, pages: list[Page], texts: list[str]) -> Value:
        # It asks which of the names there is.
        if texts and texts[-1] in FIELDS:
            facts = frozenset((page.key, "has") for page in pages)
            return frozenset({Cond(facts, facts)})
        return frozenset({_FREE})

    def _super(self) -> Value:
        function = self.frames[-1].node
        cls = self.class_of.get(id(function))
        found: set[Any] = set()
        for base in cls.bases if cls is not None else ():
            for atom in self.value(base.value, State({**self.globals}, frozenset())):
                if isinstance(atom, Class):
                    found.add(Instance(atom.node))
        return frozenset(found)

    def _iterables(self, name: str, args: list[Value], state: State) -> Value:
        items = [self.items(each, state) for each in args]
        if not items:
            return frozenset({Sequence(UNKNOWN)})
        if name == "next":
            return items[0]
        if name in ("min", "max"):
            return items[0] if len(args) == 1 else join(args)
        if name == "enumerate":
            return frozenset({Sequence(frozenset({Tuple((UNKNOWN, items[0]))}))})
        if name == "zip":
            return frozenset({Sequence(frozenset({Tuple(tuple(items))}))})
        if name == "chain":
            return frozenset({Sequence(join(items))})
        if name == "from_iterable":
            return frozenset({Sequence(self.items(items[0], state))})
        return frozenset({Sequence(items[0])})

    # --- methods

    def _method(
        self, name: str, of: Any, node: Any, args: list[Value], texts: list[str], state: State
    ) -> Value | None:
        match of:
            case Page():
                if name in _SAME:
                    return frozenset({of})
                if name == "cast":
                    return self._cast(node, args, state)
                if name in ("member_", "subscript_") and texts:
                    return self._member(node, node.func.value, frozenset({of}), texts[0], state)
            case Object():
                if of.record == CACHE and name in ("address_of_", "read_"):
                    return frozenset({of})
                if name == "member_" and texts:
                    return self._of_object(of.record, node, texts[0], state)
                if name == "cast":
                    return self._cast(node, args, state)
            case Type():
                if name in ("pointer", "array", "vector", "unqualified", "strip_typedefs"):
                    return frozenset({of})
                if name == "get_type":
                    return frozenset({of})
                if name == "has_member" and texts and texts[0] in FIELDS:
                    facts = frozenset({(EVERY, "has")})
                    return frozenset({Cond(facts, facts)})
            case Raw() | Flags() | Bit() | Masks() | Number() | Cond():
                if name in self.models.transparent or name == "address_of_":
                    return frozenset({of})
            case Sequence() | Tuple():
                return self._of_container(name, of, node, args, state)
            case Text():
                if name in ("format", "join"):
                    for each in args:
                        self.use(each, state)
                    return UNKNOWN
            case _:
                pass
        if name == "cast":
            return self._cast(node, args, state)
        if name == "member_" and texts and not isinstance(of, Page | Object):
            values = UNKNOWN if of == () else frozenset({of})
            return self._member(node, node.func.value, values, texts[0], state)
        if of == () and name in _PUTS and any(map(_holds_pages, args)):
            # A defaultdict, a list that was made elsewhere.
            self.put(node.func.value, args[-1:], name in _PUTS_MANY, state)
            return UNKNOWN
        return None

    def _of_container(
        self, name: str, of: Any, node: Any, args: list[Value], state: State
    ) -> Value | None:
        here = frozenset({of})
        if name == "items":
            return frozenset({Sequence(frozenset({Tuple((UNKNOWN, self.items(here, state)))}))})
        if name in ("values", "copy"):
            return here
        if name in ("get", "pop", "popleft", "popitem"):
            return self.items(here, state)
        if name in _PUTS:
            self.put(node.func.value, args[-1:], name in _PUTS_MANY, state)
            return self.items(here, state) if name == "setdefault" else UNKNOWN
        if name == "sort":
            return UNKNOWN
        return None

    # --- drgn's and gdb's

    def _named(self, texts: list[str]) -> Value:
        found: set[Any] = {Bit(each) for each in texts if each in self.models.bits}
        found |= {Library(each) for each in texts if each in self.models.low_bits}
        found |= {Type(each) for each in texts if each.startswith("struct ")}
        return frozenset(found)

    def _evaluated(self, node: Any, args: list[Value], texts: list[str], state: State) -> Value:
        # gdb.parse_and_eval("(struct page *)0x...")
        shown = texts[0] if texts else leading(node.args[0].value) if node.args else ""
        asked = of_record(shown)
        if asked is not None:
            self.use(join(args), state)
            found = self._typed("cast", node, args, [asked.record], state)
            for member, indexed in asked.members:
                found = self._member(node, node.args[0].value, found, member, state)
                if indexed:
                    # Of a record's array: what lies in it is told by its members alone.
                    found = frozenset(atom for atom in found if isinstance(atom, Page))
            return found
        if not texts:
            self.use(join(args), state)
            return UNKNOWN
        named = self._named(texts[:1])
        if any(not isinstance(each, Type) for each in named):
            return named
        text = texts[0].strip()
        if text.startswith("("):
            return self._typed("cast", node, args, [text.strip("( ").split(")")[0]], state)
        if text in self.models.variables:
            model = self.models.variables[text]
            return frozenset({self.new_page(node, model.gives, model.sentence, state)})
        return frozenset({Library(text, ())})

    def _cast(self, node: Any, args: list[Value], state: State) -> Value:
        records = [atom.record for each in args for atom in each if isinstance(atom, Type)]
        return self._typed("cast", node, [], records, state)

    def _converted(
        self, name: str, node: Any, args: list[Value], texts: list[str], state: State
    ) -> Value:
        # To another integer it is the same value; to a pointer, it is used as one.
        raw = frozenset(atom for each in args for atom in each if isinstance(atom, Raw))
        if name == "cast" and texts and "*" not in texts[0] and "struct" not in texts[0]:
            flags = frozenset(atom for each in args for atom in each if isinstance(atom, Flags))
            return raw | flags
        self.use(raw, state)
        return self._typed(name, node, args, texts, state)

    def _typed(
        self, name: str, node: Any, args: list[Value], texts: list[str], state: State
    ) -> Value:
        # The type is the first string (of container_of and casts too, wherever it stands), but
        # a member's name is none.
        types = [atom.record for each in args for atom in each if isinstance(atom, Type)]
        if name in _BY_MEMBER and (types or len(texts) < 2):
            texts = []
        for text in [*texts[:1], *types[:1]]:
            record = " ".join(text.replace("*", " ").replace("const ", "").split())
            if record in ("struct page", "struct folio"):
                folio = record == "struct folio"
                atoms = [atom for each in args for atom in each]
                found: Value = frozenset(
                    atom._replace(folio=folio) for atom in atoms if isinstance(atom, Page)
                )
                if not found:
                    cached = Object(CACHE) in atoms
                    label = "pagecache" if cached else "any"
                    sentence = f"{name}() makes a {record[7:]} of it: it may be any"
                    found = frozenset({self.new_page(node, label, sentence, state, folio=folio)})
            else:
                found = frozenset({Object(record)})
            return frozenset({Sequence(found)}) if name == "list_for_each_entry" else found
        return UNKNOWN

    def _looked_up(self, name: str, args: list[Value]) -> Value:
        # In the page cache of a mapping, if it is one that is looked into.
        cached = any(atom == Object(CACHE) for each in args for atom in each)
        found: Value = frozenset({Object(CACHE)}) if cached else UNKNOWN
        if self.models.lookups[name] == "pairs":
            return frozenset({Sequence(frozenset({Tuple((UNKNOWN, found))}))})
        return found

    def _helper(self, name: str, node: Any, args: list[Value], state: State) -> Value:
        model = self.models.helpers[name]
        pages = [atom for each in args for atom in each if isinstance(atom, Page)]
        if name == "page_index":
            for each_page in pages:
                self.meet_call(each_page, node, state)
        if name in ("page_flags", "get_page_flags", "decode_page_flags"):
            return frozenset(Flags(each) for each in pages)
        for each in args:
            self.use(each, state)
        if model.gives == "none":
            return UNKNOWN
        folio = name == "page_folio"
        if model.gives == "argument":
            return frozenset(each._replace(folio=folio) for each in pages)
        gives, sentence = model.gives, model.sentence
        given = {atom.name for each in args for atom in each if isinstance(atom, Library)}
        if name == "follow_page" and "init_mm" in given:
            gives, sentence = "kernel", "a page of init_mm"
        if gives == "pagecache" and given & self.models.swap_spaces:
            gives, sentence = "any", "a page of the swap cache itself"
        # Two loops over all pages speak of two pages.
        same = state if model.shape == "page" else None
        page: Value = frozenset({self.new_page(node, gives, sentence, same)})
        match model.shape:
            case "pages":
                return frozenset({Sequence(page)})
            case "pairs":
                return frozenset({Sequence(frozenset({Tuple((UNKNOWN, page))}))})
            case "ranges":
                return frozenset({Sequence(frozenset({Tuple((UNKNOWN, UNKNOWN, page))}))})
            case _:
                return page
