"""What expressions stand for, and which raw fields they use.

Floor 5.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from pagefix.script.machine import FIELDS, Base, decorated
from pagefix.script.tree import children
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
    Masked,
    Masks,
    Number,
    Object,
    Page,
    Raw,
    Sequence,
    State,
    Text,
    Tuple,
    Value,
    held,
    join,
    join_cond,
)

__all__ = ["CACHE", "Expressions"]

_NOTHING: Facts = frozenset()
_FREE = Cond(_NOTHING, _NOTHING)


#: What is found in the page cache of a mapping, of whatever type it is taken for.
CACHE = "the page cache"


def _strange(atom: Any) -> bool:
    # Whether the script does not tell what a thing is.
    return isinstance(atom, Library) and (atom.of == () or isinstance(atom.of, Object))


_METHODS: dict[type, str] = {}


class Expressions(Base):
    """The part of the interpreter that evaluates."""

    def value(self, node: Any, state: State) -> Value:
        """Return what an expression may stand for; assignments in it are made."""
        name = _METHODS.get(type(node))
        if name is None:
            name = _METHODS[type(node)] = f"_{type(node).__name__}"
        method = getattr(self, name, None)
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
        for child in children(node):
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
        found: list[Value] = []
        for atom in values:
            match atom:
                case Page():
                    found.append(self._of_page(atom, node, base, name, state))
                case Instance(cls) | Class(cls):
                    found.append(self._of_instance(cls, name, atom, node, state))
                case Library() if atom.of is None and name in self.models.caches:
                    found.append(frozenset({Object(CACHE)}))
                case Library() if atom.of is None:
                    spaces = atom.name in self.models.swap_spaces
                    found.append(frozenset({atom if spaces else Library(name)}))
                case Object(record):
                    found.append(self._of_object(record, node, name, state))
                case Raw() | Flags() if name in self.models.transparent:
                    found.append(frozenset({Library(name, atom)}))
                case Flags() if name == "f":
                    found.append(frozenset({atom}))
                case Raw() if name not in self.models.aside:
                    self.use(frozenset({atom}), state, behind=True)
                case _ if name in self.models.caches:
                    found.append(frozenset({Object(CACHE)}))
                case _:
                    found.append(frozenset({Library(name, atom)}))
        if not values:
            member = self.models.members.get(("", name))
            if member is not None:
                found.append(frozenset({self.new_page(node, member.gives, member.sentence, state)}))
            elif name in self.models.caches:
                found.append(frozenset({Object(CACHE)}))
            else:
                found.append(frozenset({Library(name, ())}))
        if name in FIELDS and name != "flags" and all(map(_strange, values)):
            self.doubt(name, node, base)
        return join(found)

    def _of_instance(self, cls: Any, name: str, atom: Any, node: Any, state: State) -> Value:
        found = []
        for each in self.attribute(cls, name, atom):
            called = isinstance(each, Function) and any(
                decorated(each.node, kind) for kind in ("property", "cached_property")
            )
            found.append(self.call(each, node, [], state) if called else frozenset({each}))
        return join(found)

    def _of_page(self, page: Page, node: Any, base: Any, name: str, state: State) -> Value:
        field = FIELDS.get(name)
        if field is not None:
            self.meet(page, name, node, base, state)
            if field == "flags":
                return frozenset({Flags(page)})
            return frozenset({Raw(page, name, node, self.depth)})
        if name in ("page", "folio") or name == "_page":
            return frozenset({page._replace(folio=name == "folio")})
        return frozenset({Library(name, page)})

    def _of_object(self, record: str, node: Any, name: str, state: State) -> Value:
        member = self.models.members.get((record, name)) or self.models.members.get(("", name))
        if member is not None:
            return frozenset({self.new_page(node, member.gives, member.sentence, state)})
        if name in self.models.caches:
            return frozenset({Object(CACHE)})
        return frozenset({Library(name, Object(record))})

    def _Subscript(self, node: cst.Subscript, state: State) -> Value:  # noqa: N802
        base = self.value(node.value, state)
        key = UNKNOWN
        for element in node.slice:
            if isinstance(element.slice, cst.Index):
                key = self.used(element.slice.value, state)
            else:
                self._others(element.slice, state)
                return self._sliced(base, state)
        texts = [atom.text for atom in key if isinstance(atom, Text)]
        if texts:
            bits = [Bit(each) for each in texts if each in self.models.bits]
            if bits:
                return frozenset(bits)
            given = [self.models.variables[each] for each in texts if each in self.models.variables]
            if given and all(isinstance(atom, Library) for atom in base):
                return frozenset(
                    self.new_page(node, each.gives, each.sentence, state) for each in given
                )
            held_here = [atom for atom in base if isinstance(atom, Sequence)]
            if held_here:
                return join(atom.item for atom in held_here)
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
                case Library() if atom.name in self.models.swap_spaces:
                    found.append(frozenset({atom}))
                case Raw():
                    self.use(frozenset({atom}), state, behind=True)
                case _:
                    pass
        return join(found)

    @staticmethod
    def _sliced(base: Value, state: State) -> Value:
        return frozenset(
            Sequence(join(atom.items)) if isinstance(atom, Tuple) else atom
            for atom in base
            if isinstance(atom, Tuple | Sequence | Page)
        )

    # --- operators

    def _BinaryOperation(self, node: cst.BinaryOperation, state: State) -> Value:  # noqa: N802
        left, right = self.value(node.left, state), self.value(node.right, state)
        operator = node.operator
        if isinstance(operator, cst.BitAnd):
            return self._masked(left, right, node, state)
        if isinstance(operator, cst.LeftShift) and Number(1) in left:
            masks = frozenset(
                Masks(frozenset({atom.name})) for atom in right if isinstance(atom, Bit)
            )
            if masks:
                return masks
        if isinstance(operator, cst.RightShift):
            bits = [atom for atom in right if isinstance(atom, Bit)]
            flags = [atom for atom in left if isinstance(atom, Flags)]
            if bits and flags:
                return frozenset(
                    self._bit_test(each.page, bit.name, node) for each in flags for bit in bits
                )
        if isinstance(operator, cst.BitOr):
            names = [
                frozenset(name for a in side if isinstance(a, Masks) for name in a.names)
                for side in (left, right)
            ]
            if all(names):
                return frozenset({Masks(names[0] | names[1])})
        if isinstance(operator, cst.Add | cst.Subtract):
            pages = [atom for atom in left | right if isinstance(atom, Page)]
            if pages:
                self.use(frozenset(a for a in left | right if isinstance(a, Raw)), state)
                return frozenset(self.another(each, node) for each in pages)
            found = left | right
            kept = [each for each in found if isinstance(each, Sequence | Tuple)]
            if kept and isinstance(operator, cst.Add):
                return frozenset({Sequence(self.items(found, state))})
            if Number(0) in found:
                return found - {Number(0)}
        self.use(left | right, state)
        return UNKNOWN

    def _masked(self, left: Value, right: Value, node: Any, state: State) -> Value:
        both = left | right
        masks = [atom for atom in both if isinstance(atom, Masks)]
        found: list[Any] = []
        for atom in both:
            if isinstance(atom, Flags) and masks:
                for mask in masks:
                    if len(mask.names) == 1:
                        (name,) = mask.names
                        found.append(self._bit_test(atom.page, name, node))
                    else:
                        found.append(Masked(atom.page, mask.names))
            elif isinstance(atom, Raw) and FIELDS[atom.field] == "mapping":
                low = self._low(both)
                if low is None:
                    self.use(frozenset({atom}), state)
                else:
                    facts = ("seen anon", "seen file") if low else ("seen", "seen")
                    found.append(self.test_of(atom.page, facts, node))
            elif isinstance(atom, Raw):
                self.use(frozenset({atom}), state)
            elif isinstance(atom, Cond) and Number(1) in both:
                found.append(atom)
        if len(found) > 1 and all(isinstance(each, Cond) for each in found):
            return frozenset({self.tested(found)})
        return frozenset(found)

    def _low(self, values: Value) -> bool | None:
        # Whether the bit of anonymous pages is among some low bits; nothing for other numbers.
        for atom in values:
            if isinstance(atom, Number) and 1 <= atom.number <= 7:
                return bool(atom.number & 1)
            if isinstance(atom, Library) and atom.name in self.models.low_bits:
                return "MOVABLE" not in atom.name
        return None

    def _bit_test(self, page: Page, bit: str, node: Any) -> Cond:
        return self.test_of(page, self.models.bits[bit], node)

    def _all_bits(self, masked: Masked, node: Any) -> Cond:
        # flags & mask == mask
        facts = [self.models.bits[name] for name in sorted(masked.names)]
        true = self.test_of(masked.page, (" ".join(each for each, _ in facts), ""), node).true
        # Not both of them: it is not in the swap cache.
        both = {each for each, _ in facts} <= {"bit", "backed"}
        return Cond(true, self.test_of(masked.page, ("", "no" if both else ""), node).false)

    def _any_bit(self, masked: Masked, node: Any) -> Cond:
        facts = [self.models.bits[name][1] for name in sorted(masked.names)]
        return self.test_of(masked.page, ("", " ".join(facts)), node)

    @staticmethod
    def tested(conds: list[Cond]) -> Cond:
        """Return what the test of a variable tells of the pages that it may be."""
        # Whichever it is, it is the one that was tested.
        true = [each.true for each in conds if each.true is not None]
        false = [each.false for each in conds if each.false is not None]
        return Cond(
            _NOTHING.union(*true) if true else None, _NOTHING.union(*false) if false else None
        )

    def test_of(self, page: Page, facts: tuple[str, str], node: Any) -> Cond:
        """Return what a test of a page tells."""
        sides = []
        for each in facts:
            told = frozenset((page.key, fact) for fact in each.split())
            for one in told:
                self.tests.setdefault(one, []).append(node)
            sides.append(told)
        return Cond(sides[0], sides[1])

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
        rest, cond = self._boolean(node, state)
        return rest | {cond}

    def _truth(self, node: Any, state: State) -> tuple[Value, Cond]:
        if isinstance(node, cst.BooleanOperation):
            return self._boolean(node, state)
        found = self.value(node, state)
        return found, self.cond_of(found)

    def _boolean(self, node: cst.BooleanOperation, state: State) -> tuple[Value, Cond]:
        # What it may give beside a truth value, and what its truth tells.
        both = isinstance(node.operator, cst.And)
        left_value, left = self._truth(node.left, state)
        inner = state.with_facts(left.true if both else left.false)
        if inner is None:
            return left_value, left
        right_value, right = self._truth(node.right, inner)
        state.vars.update(inner.vars)
        if both:
            true = None if left.true is None or right.true is None else left.true | right.true
            false = join_cond([Cond(left.false, None), self._under(left.true, right.false)]).true
            # `x and y` gives an x that is nothing.
            left_value = UNKNOWN
        else:
            false = None if left.false is None or right.false is None else left.false | right.false
            true = join_cond([Cond(left.true, None), self._under(left.false, right.true)]).true
        rest = frozenset(
            atom
            for atom in left_value | right_value
            if not isinstance(atom, Cond | Flags | Masked | Number)
        )
        return rest, Cond(true, false)

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
        if isinstance(operator, cst.In | cst.NotIn):
            cond = self._named_in(left, right, node)
            return frozenset(
                {cond if isinstance(operator, cst.In) else Cond(cond.false, cond.true)}
            )
        same = isinstance(operator, cst.Equal | cst.Is)
        if not same and not isinstance(operator, cst.NotEqual | cst.IsNot):
            if isinstance(operator, cst.GreaterThan) and Number(0) in right:
                return frozenset({self.cond_of(left)})
            return UNKNOWN
        cond = self._equal(left, right, node)
        return frozenset({cond if same else Cond(cond.false, cond.true)})

    def _named_in(self, left: Value, right: Value, node: Any) -> Cond:
        # "PG_slab" in decode_page_flags(page)
        found = [
            self._bit_test(flags.page, text.text, node)
            for text in left
            if isinstance(text, Text) and text.text in self.models.bits
            for flags in right
            if isinstance(flags, Flags)
        ]
        return join_cond(found) if found else _FREE

    def _equal(self, left: Value, right: Value, node: Any) -> Cond:
        zero = Number(0) in right or Cond(None, _NOTHING) in right
        if zero or Cond(_NOTHING, None) in right:
            cond = self.cond_of(left)
            return Cond(cond.false, cond.true) if zero else cond
        masks = [atom for atom in right if isinstance(atom, Masks | Number)]
        if masks:
            masked = [atom for atom in left if isinstance(atom, Masked)]
            if masked and any(Masks(each.names) in right for each in masked):
                return join_cond(self._all_bits(each, node) for each in masked)
            if any(isinstance(atom, Cond) for atom in left):
                return self.cond_of(left)
        # The mapping of a page that is the one looked for is a file's: it is in its cache.
        # Two mappings of pages that are the same may be those of two anonymous pages.
        sides = [
            [a for a in side if isinstance(a, Raw) and FIELDS[a.field] == "mapping"]
            for side in (left, right)
        ]
        if all(sides) or masks:
            return _FREE
        facts: Facts = _NOTHING
        for atom in (*sides[0], *sides[1]):
            facts |= self.test_of(atom.page, ("no", ""), node).true or _NOTHING
        return Cond(facts, _NOTHING)

    def cond(self, node: Any, state: State) -> Cond:
        """Return what a test tells of pages."""
        return self._truth(node, state)[1]

    def cond_of(self, values: Value) -> Cond:
        """Return what the truth of a value tells of pages."""
        conds = []
        for atom in values:
            match atom:
                case Cond():
                    conds.append(atom)
                case Masked():
                    conds.append(self._any_bit(atom, None))
                case Number(number):
                    conds.append(Cond(_NOTHING, None) if number else Cond(None, _NOTHING))
                case _:
                    conds.append(_FREE)
        return join_cond(conds) if conds else _FREE

    def _IfExp(self, node: cst.IfExp, state: State) -> Value:  # noqa: N802
        cond = self.cond(node.test, state)
        found = []
        for facts, part in ((cond.true, node.body), (cond.false, node.orelse)):
            inner = state.with_facts(facts)
            if inner is not None:
                found.append(held(self.value(part, inner), inner.facts))
        return join(found)

    def _NamedExpr(self, node: cst.NamedExpr, state: State) -> Value:  # noqa: N802
        found = self.value(node.value, state)
        self.assign(node.target, found, state)
        return found

    # --- what holds values

    def _Tuple(self, node: Any, state: State) -> Value:  # noqa: N802
        if any(isinstance(each, cst.StarredElement) for each in node.elements):
            return self._List(node, state)
        items = (held(self.value(each.value, state), state.facts) for each in node.elements)
        return frozenset({Tuple(tuple(items))})

    def _List(self, node: Any, state: State) -> Value:  # noqa: N802
        found = []
        for each in node.elements:
            value = self.value(each.value, state)
            star = isinstance(each, cst.StarredElement)
            found.append(held(self.items(value, state) if star else value, state.facts))
        return frozenset({Sequence(join(found))})

    _Set = _List

    def _Dict(self, node: cst.Dict, state: State) -> Value:  # noqa: N802
        found = []
        for each in node.elements:
            if isinstance(each, cst.DictElement):
                self.used(each.key, state)
            found.append(held(self.value(each.value, state), state.facts))
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
            return frozenset({Sequence(held(self.value(node.value, inner), inner.facts))})
        return frozenset({Sequence(held(self.value(node.elt, inner), inner.facts))})

    _ListComp = _SetComp = _GeneratorExp = _DictComp = _comprehension

    def _Yield(self, node: cst.Yield, state: State) -> Value:  # noqa: N802
        if isinstance(node.value, cst.From):
            found = self.items(self.value(node.value.item, state), state)
        else:
            found = self.value(node.value, state) if node.value is not None else UNKNOWN
        self.give(found, state)
        return UNKNOWN

    def _Await(self, node: cst.Await, state: State) -> Value:  # noqa: N802
        return self.value(node.expression, state)
