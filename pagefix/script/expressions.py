"""What expressions stand for, and which raw fields they use.

Floor 5.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from pagefix.script.machine import FIELDS, Base
from pagefix.script.values import (
    UNKNOWN,
    Bit,
    Class,
    Cond,
    Facts,
    Flags,
    Function,
    Instance,
    Library,
    Mask,
    Number,
    Object,
    Page,
    Raw,
    Sequence,
    State,
    Text,
    Tuple,
    Type,
    Value,
    join,
    join_cond,
)

__all__ = ["Expressions"]

_NOTHING: Facts = frozenset()
_FREE = Cond(_NOTHING, _NOTHING)


class Expressions(Base):
    """The part of the interpreter that evaluates."""

    def value(self, node: Any, state: State) -> Value:
        """Return what an expression may stand for; assignments in it are made."""
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            return self._others(node, state)
        found: Value = method(node, state)
        return found

    def used(self, node: Any, state: State) -> Value:
        """Return the same of an expression whose value is put to use."""
        found = self.value(node, state)
        self.use(found, state)
        return found

    def _others(self, node: Any, state: State) -> Value:
        # Whatever stands below it is used for something.
        for child in node.children:
            if isinstance(child, cst.BaseExpression | cst.BaseElement | cst.BaseDictElement):
                self.used(child, state)
            elif not isinstance(child, cst.BaseStatement | cst.BaseSuite):
                self._others(child, state)
        return UNKNOWN

    # --- names and constants

    def _Name(self, node: cst.Name, state: State) -> Value:  # noqa: N802
        found = self.lookup(node.value, state)
        if found is not None:
            return found
        if node.value in ("True", "False"):
            return frozenset({self._constant(node.value == "True")})
        if node.value == "None":
            return frozenset({self._constant(False)})
        return frozenset({Library(node.value)})

    @staticmethod
    def _constant(true: bool) -> Cond:
        return Cond(_NOTHING, None) if true else Cond(None, _NOTHING)

    def _Integer(self, node: cst.Integer, state: State) -> Value:  # noqa: N802
        return frozenset({Number(node.evaluated_value)})

    def _SimpleString(self, node: cst.SimpleString, state: State) -> Value:  # noqa: N802
        text = node.evaluated_value
        return frozenset({Text(text)}) if isinstance(text, str) else UNKNOWN

    def _ConcatenatedString(self, node: Any, state: State) -> Value:  # noqa: N802
        text = node.evaluated_value
        if isinstance(text, str):
            return frozenset({Text(text)})
        return self._others(node, state)

    # --- members

    def _Attribute(self, node: cst.Attribute, state: State) -> Value:  # noqa: N802
        name = node.attr.value
        return self._member(node, node.value, self.value(node.value, state), name, state)

    def _member(self, node: Any, base: Any, values: Value, name: str, state: State) -> Value:
        if name == "__folio_index" and isinstance(node, cst.Attribute) and self.in_class:
            self.meet_mangled(node, base)
        found: list[Value] = []
        for atom in values:
            match atom:
                case Page():
                    found.append(self._of_page(atom, node, base, name, state))
                case Instance(cls) | Class(cls):
                    found.append(self.attribute(cls, name, atom))
                case Library() if atom.of is None:
                    found.append(frozenset({self.library(name)}))
                case Object(record):
                    found.append(self._of_object(record, node, name))
                case Raw() | Flags() if name in self.models.transparent:
                    found.append(frozenset({Library(name, atom)}))
                case Raw():
                    self.use(frozenset({atom}), state)
                case _:
                    found.append(frozenset({Library(name, atom)}))
        if not values:
            member = self.models.members.get(("", name))
            if member is not None:
                found.append(frozenset({self.new_page(node, member.gives, member.sentence)}))
            else:
                found.append(frozenset({Library(name, ())}))
        return join(found)

    def _of_page(self, page: Page, node: Any, base: Any, name: str, state: State) -> Value:
        field = FIELDS.get(name)
        if field is not None:
            self.meet(page, name, node, base, state)
            if field == "flags":
                return frozenset({Flags(page)})
            return frozenset({Raw(page, name, node)})
        if name in ("page", "folio") or name == "_page":
            return frozenset({page})
        return frozenset({Library(name, page)})

    def _of_object(self, record: str, node: Any, name: str) -> Value:
        member = self.models.members.get((record, name)) or self.models.members.get(("", name))
        if member is not None:
            return frozenset({self.new_page(node, member.gives, member.sentence)})
        return frozenset({Library(name, Object(record))})

    def _Subscript(self, node: cst.Subscript, state: State) -> Value:  # noqa: N802
        base = self.value(node.value, state)
        key = UNKNOWN
        for element in node.slice:
            if isinstance(element.slice, cst.Index):
                key = self.used(element.slice.value, state)
            else:
                self._others(element.slice, state)
        texts = [atom.text for atom in key if isinstance(atom, Text)]
        if texts:
            bits = [Bit(each) for each in texts if each in self.models.bits]
            if bits:
                return frozenset(bits)
            # A type's name asks for the type: prog["x"] is a variable, type_["x"] a member.
            return join(self._member(node, node.value, base, each, state) for each in texts)
        found: list[Value] = []
        first = Number(0) in key
        for atom in base:
            match atom:
                case Page() if first:
                    found.append(frozenset({atom}))
                case Page():
                    found.append(frozenset({self.another(atom, node)}))
                case Tuple(items):
                    at = next((each.number for each in key if isinstance(each, Number)), None)
                    known = at is not None and -len(items) <= at < len(items)
                    found.append(items[at] if known and at is not None else join(items))
                case Sequence(item):
                    found.append(item)
                case Object():
                    found.append(frozenset({atom}))
                case Raw():
                    self.use(frozenset({atom}), state)
                case _:
                    pass
        return join(found)

    # --- operators

    def _BinaryOperation(self, node: cst.BinaryOperation, state: State) -> Value:  # noqa: N802
        left, right = self.value(node.left, state), self.value(node.right, state)
        operator = node.operator
        if isinstance(operator, cst.BitAnd):
            return self._masked(left, right, state)
        if isinstance(operator, cst.LeftShift) and Number(1) in left:
            masks = frozenset(Mask(atom.name) for atom in right if isinstance(atom, Bit))
            if masks:
                return masks
        if isinstance(operator, cst.RightShift):
            bits = [atom for atom in right if isinstance(atom, Bit)]
            flags = [atom for atom in left if isinstance(atom, Flags)]
            if bits and flags:
                return frozenset(
                    self._bit_test(each.page, bit.name) for each in flags for bit in bits
                )
        if isinstance(operator, cst.BitOr):
            # More flags than one in a mask: where none is set, all are clear.
            masks = frozenset(atom for atom in (*left, *right) if isinstance(atom, Mask))
            if len(masks) > 1:
                return UNKNOWN
        if isinstance(operator, cst.Add | cst.Subtract):
            pages = [atom for atom in left | right if isinstance(atom, Page)]
            if pages:
                self.use(frozenset(a for a in left | right if isinstance(a, Raw)), state)
                return frozenset(self.another(each, node) for each in pages)
            found = left | right
            if Number(0) in found:
                return found - {Number(0)}
        self.use(left | right, state)
        return UNKNOWN

    def _masked(self, left: Value, right: Value, state: State) -> Value:
        both = left | right
        masks = [atom for atom in both if isinstance(atom, Mask)]
        found: list[Cond] = []
        for atom in both:
            if isinstance(atom, Flags) and masks:
                found += [self._bit_test(atom.page, mask.name) for mask in masks]
            elif isinstance(atom, Raw) and FIELDS[atom.field] == "mapping" and self._low(both):
                seen = frozenset({(atom.page.key, "seen")})
                found.append(Cond(seen, seen))
            elif isinstance(atom, Raw):
                self.use(frozenset({atom}), state)
            elif isinstance(atom, Cond) and Number(1) in both:
                found.append(atom)
        return frozenset({join_cond(found)}) if found else UNKNOWN

    def _low(self, values: Value) -> bool:
        return any(
            (isinstance(atom, Number) and 1 <= atom.number <= 7)
            or (isinstance(atom, Library) and atom.name in self.models.low_bits)
            for atom in values
        )

    def _bit_test(self, page: Page, bit: str) -> Cond:
        return self.test_of(page, self.models.bits[bit])

    @staticmethod
    def test_of(page: Page, facts: tuple[str, str]) -> Cond:
        """Return what a test of a page tells."""
        true, false = (frozenset({(page.key, each)}) if each else _NOTHING for each in facts)
        return Cond(true, false)

    def _UnaryOperation(self, node: cst.UnaryOperation, state: State) -> Value:  # noqa: N802
        if isinstance(node.operator, cst.Not):
            cond = self.cond(node.expression, state)
            return frozenset({Cond(cond.false, cond.true)})
        found = self.value(node.expression, state)
        numbers = [atom for atom in found if isinstance(atom, Number)]
        if isinstance(node.operator, cst.Minus) and numbers:
            return frozenset(Number(-atom.number) for atom in numbers)
        if isinstance(node.operator, cst.BitInvert) and found:
            return UNKNOWN if any(isinstance(atom, Raw) for atom in found) else found
        self.use(found, state)
        return UNKNOWN

    def _BooleanOperation(self, node: cst.BooleanOperation, state: State) -> Value:  # noqa: N802
        both = isinstance(node.operator, cst.And)
        left_value = self.value(node.left, state)
        left = self.cond_of(left_value)
        inner = state.with_facts(left.true if both else left.false)
        if inner is None:
            return left_value
        right_value = self.value(node.right, inner)
        right = self.cond_of(right_value)
        state.vars.update(inner.vars)
        if both:
            true = None if left.true is None or right.true is None else left.true | right.true
            false = join_cond([Cond(left.false, None), self._under(left.true, right.false)]).true
            cond = Cond(true, false)
        else:
            false = None if left.false is None or right.false is None else left.false | right.false
            true = join_cond([Cond(left.true, None), self._under(left.false, right.true)]).true
            cond = Cond(true, false)
        rest = frozenset(
            atom for atom in left_value | right_value if not isinstance(atom, Cond | Flags)
        )
        return rest | {cond}

    @staticmethod
    def _under(outer: Facts | None, inner: Facts | None) -> Cond:
        # Both hold, or it cannot be so.
        return Cond(None if outer is None or inner is None else outer | inner, None)

    def _Comparison(self, node: cst.Comparison, state: State) -> Value:  # noqa: N802
        left = self.value(node.left, state)
        rights = [self.value(each.comparator, state) for each in node.comparisons]
        for atom in left.union(*rights):
            if isinstance(atom, Raw) and FIELDS[atom.field] == "index":
                self.use(frozenset({atom}), state)
        if len(rights) != 1:
            return UNKNOWN
        operator = node.comparisons[0].operator
        right = rights[0]
        same = isinstance(operator, cst.Equal | cst.Is)
        if not same and not isinstance(operator, cst.NotEqual | cst.IsNot):
            if isinstance(operator, cst.GreaterThan) and Number(0) in right:
                return frozenset({self.cond_of(left)})
            return UNKNOWN
        cond = self._equal(left, right)
        return frozenset({cond if same else Cond(cond.false, cond.true)})

    def _equal(self, left: Value, right: Value) -> Cond:
        zero = Number(0) in right or Cond(None, _NOTHING) in right
        if zero or Cond(_NOTHING, None) in right:
            cond = self.cond_of(left)
            return Cond(cond.false, cond.true) if zero else cond
        masks = [atom for atom in right if isinstance(atom, Mask | Number)]
        if masks and any(isinstance(atom, Cond) for atom in left):
            return self.cond_of(left)
        # The mapping of a page that is the one looked for is a file's: it is in its cache.
        facts = frozenset(
            (atom.page.key, "no")
            for atom in left | right
            if isinstance(atom, Raw) and FIELDS[atom.field] == "mapping"
        )
        return Cond(facts, _NOTHING)

    def cond(self, node: Any, state: State) -> Cond:
        """Return what a test tells of pages."""
        return self.cond_of(self.value(node, state))

    @staticmethod
    def cond_of(values: Value) -> Cond:
        """Return what the truth of a value tells of pages."""
        conds = [atom if isinstance(atom, Cond) else _FREE for atom in values]
        return join_cond(conds) if conds else _FREE

    def _IfExp(self, node: cst.IfExp, state: State) -> Value:  # noqa: N802
        cond = self.cond(node.test, state)
        found = []
        for facts, part in ((cond.true, node.body), (cond.false, node.orelse)):
            inner = state.with_facts(facts)
            if inner is not None:
                found.append(self.value(part, inner))
        return join(found)

    def _NamedExpr(self, node: cst.NamedExpr, state: State) -> Value:  # noqa: N802
        found = self.value(node.value, state)
        self.assign(node.target, found, state)
        return found

    # --- what holds values

    def _Tuple(self, node: Any, state: State) -> Value:  # noqa: N802
        return frozenset({Tuple(tuple(self.value(each.value, state) for each in node.elements))})

    def _List(self, node: Any, state: State) -> Value:  # noqa: N802
        return frozenset({Sequence(join(self.value(each.value, state) for each in node.elements))})

    _Set = _List

    def _Dict(self, node: cst.Dict, state: State) -> Value:  # noqa: N802
        found = []
        for each in node.elements:
            if isinstance(each, cst.DictElement):
                self.used(each.key, state)
            found.append(self.value(each.value, state))
        return frozenset({Sequence(join(found))})

    def _Lambda(self, node: cst.Lambda, state: State) -> Value:  # noqa: N802
        self.define(node)
        return frozenset({Function(node)})

    def _comprehension(self, node: Any, state: State) -> Value:
        inner: State | None = state.copy()
        clause = node.for_in
        while clause is not None and inner is not None:
            self.iterate(clause.target, self.value(clause.iter, inner), inner)
            for each in clause.ifs:
                if inner is not None:
                    inner = inner.with_facts(self.cond(each.test, inner).true)
            clause = clause.inner_for_in
        if inner is None:
            return UNKNOWN
        if isinstance(node, cst.DictComp):
            self.used(node.key, inner)
            return frozenset({Sequence(self.value(node.value, inner))})
        return frozenset({Sequence(self.value(node.elt, inner))})

    _ListComp = _SetComp = _GeneratorExp = _DictComp = _comprehension

    def _Yield(self, node: cst.Yield, state: State) -> Value:  # noqa: N802
        if isinstance(node.value, cst.From):
            found = self.items(self.value(node.value.item, state), state)
        else:
            found = self.value(node.value, state) if node.value is not None else UNKNOWN
        self.give(found)
        return UNKNOWN

    def _Await(self, node: cst.Await, state: State) -> Value:  # noqa: N802
        return self.value(node.expression, state)

    # --- calls

    def _Call(self, node: cst.Call, state: State) -> Value:  # noqa: N802
        callees = self.value(node.func, state)
        values = [(each, self.value(each.value, state)) for each in node.args]
        found: list[Value] = []
        for callee in callees:
            match callee:
                case Function() | Class():
                    found.append(self.call(callee, node, values, state))
                case Library():
                    found.append(self._library(callee, node, [each for _, each in values], state))
                case _:
                    self._use_all(values, state)
        if not callees:
            self._use_all(values, state)
        return join(found)

    def _use_all(self, values: list[tuple[Any, Value]], state: State) -> None:
        for _, each in values:
            self.use(each, state)

    def _library(self, callee: Library, node: Any, args: list[Value], state: State) -> Value:
        name, of = callee
        texts = [atom.text for each in args for atom in each if isinstance(atom, Text)]
        if of is not None:
            method = self._method(name, of, node, args, texts, state)
            if method is not None:
                return method
        models = self.models
        if name in models.tests:
            pages = [atom for each in args[:1] for atom in each if isinstance(atom, Page)]
            return frozenset({join_cond(self.test_of(page, models.tests[name]) for page in pages)})
        if name in models.helpers:
            return self._helper(name, node, args, state)
        if name in ("Object", "cast", "container_of", "reinterpret_cast", "list_for_each_entry"):
            return self._converted(name, node, args, texts, state)
        if name in (
            "list_for_each_entry_reverse",
            "hlist_for_each_entry",
            "slab_cache_for_each_allocated_object",
        ):
            return self._typed("list_for_each_entry", node, args, texts)
        if name == "bool" and args:
            return frozenset({self.cond_of(args[0])})
        if name in ("constant", "lookup_type", "type"):
            return self._named(texts)
        if name in ("any", "all"):
            return frozenset({_FREE})
        if name in models.transparent and args:
            if name in ("hex", "str"):
                self.use(args[0], state)
            return frozenset(
                each for each in args[0] if isinstance(each, Raw | Flags | Cond | Bit | Number)
            )
        if name in (
            "list",
            "iter",
            "sorted",
            "reversed",
            "set",
            "tuple",
            "next",
            "islice",
            "enumerate",
            "zip",
        ):
            return self._iterables(name, args, state)
        if name == "getattr" and len(args) >= 2 and texts:
            return join(
                self._member(node, node.args[0].value, args[0], each, state) for each in texts[:1]
            )
        if name == "hasattr":
            return frozenset({_FREE})
        if name == "parse_and_eval":
            return self._typed(
                "cast", node, args, [texts[0].strip("( )").split(")")[0]] if texts else []
            )
        for each in args:
            self.use(each, state)
        self.escape(args, state)
        return UNKNOWN

    def _iterables(self, name: str, args: list[Value], state: State) -> Value:
        items = [self.items(each, state) for each in args]
        if not items:
            return frozenset({Sequence(UNKNOWN)})
        if name == "next":
            return items[0]
        if name == "enumerate":
            return frozenset({Sequence(frozenset({Tuple((UNKNOWN, items[0]))}))})
        if name == "zip":
            return frozenset({Sequence(frozenset({Tuple(tuple(items))}))})
        return frozenset({Sequence(items[0])})

    def _named(self, texts: list[str]) -> Value:
        found: set[Any] = {Bit(each) for each in texts if each in self.models.bits}
        found |= {Library(each) for each in texts if each in self.models.low_bits}
        found |= {Type(each) for each in texts if each.startswith("struct ")}
        return frozenset(found)

    def _method(
        self, name: str, of: Any, node: Any, args: list[Value], texts: list[str], state: State
    ) -> Value | None:
        match of:
            case Page():
                if name in (
                    "read_",
                    "dereference",
                    "address_of_",
                    "referenced_value",
                    "dynamic_cast",
                ):
                    return frozenset({of})
                if name == "cast":
                    return self._cast(node, args)
                if name in ("member_", "subscript_") and texts:
                    return self._member(node, node.func.value, frozenset({of}), texts[0], state)
            case Object():
                if name == "member_" and texts:
                    return self._of_object(of.record, node, texts[0])
                if name == "cast":
                    return self._cast(node, args)
            case Type():
                if name in ("pointer", "array", "vector", "unqualified", "strip_typedefs"):
                    return frozenset({of})
            case Raw() | Flags() | Bit() | Mask() | Number() | Cond():
                if name in self.models.transparent:
                    return frozenset({of})
            case Sequence() | Tuple():
                if name in ("items", "enumerate"):
                    return frozenset(
                        {
                            Sequence(
                                frozenset({Tuple((UNKNOWN, self.items(frozenset({of}), state)))})
                            )
                        }
                    )
                if name in ("values", "copy"):
                    return frozenset({of})
                if name in ("get", "pop", "popleft"):
                    return self.items(frozenset({of}), state)
                if name in ("append", "add", "appendleft", "insert", "extend", "setdefault"):
                    self.put(node.func.value, args, name == "extend", state)
                    return UNKNOWN
            case Text():
                if name in ("format", "join"):
                    for each in args:
                        self.use(each, state)
                    return UNKNOWN
            case _:
                pass
        if name == "cast":
            return self._cast(node, args)
        return None

    def _cast(self, node: Any, args: list[Value]) -> Value:
        records = [atom.record for each in args for atom in each if isinstance(atom, Type)]
        return self._typed("cast", node, [], records)

    def _converted(
        self, name: str, node: Any, args: list[Value], texts: list[str], state: State
    ) -> Value:
        # To another integer it is the same value; to a pointer, it is used as one.
        raw = frozenset(atom for each in args for atom in each if isinstance(atom, Raw))
        if name == "cast" and texts and "*" not in texts[0] and "struct" not in texts[0]:
            return raw
        self.use(raw, state)
        return self._typed(name, node, args, texts)

    def _typed(self, name: str, node: Any, args: list[Value], texts: list[str]) -> Value:
        # The type is the first string (of container_of and casts too, wherever it stands).
        types = [atom.record for each in args for atom in each if isinstance(atom, Type)]
        for text in [*texts[:1], *types[:1]]:
            record = " ".join(text.replace("*", " ").replace("const ", "").split())
            if record in ("struct page", "struct folio"):
                same = frozenset(atom for each in args for atom in each if isinstance(atom, Page))
                found: Value = same or frozenset(
                    {self.new_page(node, "any", f"{name}() makes a page of it: it may be any")}
                )
            else:
                found = frozenset({Object(record)})
            return frozenset({Sequence(found)}) if name.startswith("list_") else found
        return UNKNOWN

    def _helper(self, name: str, node: Any, args: list[Value], state: State) -> Value:
        model = self.models.helpers[name]
        pages = [atom for each in args for atom in each if isinstance(atom, Page)]
        if name == "page_index":
            for each_page in pages:
                self.meet_call(each_page, node, state)
        if name in ("page_flags", "get_page_flags"):
            return frozenset(Flags(each) for each in pages)
        for each in args:
            self.use(each, state)
        if model.gives == "none":
            return UNKNOWN
        if model.gives == "argument":
            return frozenset(pages)
        if name == "follow_page" and any(
            isinstance(atom, Library) and atom.name == "init_mm" for atom in args[0] if args
        ):
            return frozenset({self.new_page(node, "kernel", "a page of init_mm")})
        page: Value = frozenset({self.new_page(node, model.gives, model.sentence)})
        match model.shape:
            case "pages":
                return frozenset({Sequence(page)})
            case "pairs":
                return frozenset({Sequence(frozenset({Tuple((UNKNOWN, page))}))})
            case "ranges":
                return frozenset({Sequence(frozenset({Tuple((UNKNOWN, UNKNOWN, page))}))})
            case _:
                return page
