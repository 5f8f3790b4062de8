"""Where an expression lies: lvalues, the objects behind them, loads and stores.

Second part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from typing import NamedTuple

from pagefix.c import ast
from pagefix.flow.ground import Ground
from pagefix.flow.heap import ELEMENTS, Obj, Store
from pagefix.flow.state import element_of
from pagefix.flow.values import (
    BOTTOM,
    NULL,
    TOP,
    UNKNOWN,
    Atom,
    Func,
    Ident,
    Page,
    Pointer,
    Value,
    ordered,
    pointers,
    tags,
    without_identities,
)

__all__ = ["PAGE_RECORDS", "Local", "Places", "Slot"]

#: The records whose instances the VM hands over.
PAGE_RECORDS = frozenset(("struct page", "struct folio"))


class Local(NamedTuple):
    """A place that is a plain variable of the function: stores are strong."""

    decl: int


class Slot(NamedTuple):
    """A place in the heap: stores are weak.

    :param assumed: whether the object had to be guessed from its record.
    """

    target: int
    field: str
    assumed: bool


class Places(Ground):
    """Loads and stores of one context's run."""

    # --- objects -------------------------------------------------------------

    def targets(self, expr: ast.Expr, value: Value | None = None) -> list[Pointer]:
        """Return what a pointer expression points to; by its type where nothing is known.

        :param value: the expression's value, where it has been asked for.
        """
        if value is None:
            value = self.value(expr)
        found = pointers(value)
        if found or "page" in tags(value):
            return found
        if TOP not in value:
            return []
        record = self.record_behind(self.type_of(expr))
        if not record or record in PAGE_RECORDS:
            return []
        return [Pointer("pointer", self.heap.any(record), False, True)]

    def objects(self, expr: ast.Expr) -> list[Pointer]:
        """Return the objects that an lvalue of record or array type denotes."""
        if isinstance(expr, ast.Name):
            if expr.decl == ast.GLOBAL:
                found = pointers(self.run.global_object(expr.name, self.path))
                return found or self._made_by_macro(expr)
            number = self.variable(expr.decl, self.shape.types.get(expr.decl))
            return [Pointer("pointer", number, False, False)]
        if isinstance(expr, ast.Member):
            record = self.record_name(self.type_of(expr)) or self.record_behind(self.type_of(expr))
            return [
                Pointer(
                    "pointer",
                    self.heap.member(owner.target, expr.field, record),
                    False,
                    owner.assumed,
                )
                for owner in self.owners(expr)
            ]
        if isinstance(expr, ast.Subscript):
            return self.targets(expr.base)
        if isinstance(expr, ast.Unary) and expr.op == "*":
            return self.targets(expr.operand)
        return pointers(self.value(expr))

    def _made_by_macro(self, expr: ast.Name) -> list[Pointer]:
        # ``LIST_HEAD(name);`` in a function declares a variable of it.
        known = self.run.made_by_macro(self.context, self.typer, expr)
        record = "" if known is None else self.record_name(known)
        if not record:
            return []
        number = self.heap.make("var", (self.context.signature, expr.name), record)
        return [Pointer("pointer", number, False, False)]

    def owners(self, expr: ast.Member, base: Value | None = None) -> list[Pointer]:
        """Return the records that a member expression may be a member of.

        :param base: the value of what stands before ``->``, where it has been asked for.
        """
        return self.targets(expr.base, base) if expr.arrow else self.objects(expr.base)

    # --- places --------------------------------------------------------------

    def places(self, expr: ast.Expr) -> list[Local | Slot]:
        """Return where a scalar lvalue lies."""
        if isinstance(expr, ast.Name):
            if expr.decl == ast.GLOBAL:
                found = pointers(self.run.global_object(expr.name, self.path))
                return [Slot(one.target, ELEMENTS, one.assumed) for one in found]
            if expr.decl in self.shape.boxed:
                number = self.variable(expr.decl, self.shape.types.get(expr.decl))
                return [Slot(number, ELEMENTS, False)]
            return [Local(expr.decl)]
        if isinstance(expr, ast.Member):
            return [Slot(o.target, expr.field, o.assumed) for o in self.owners(expr)]
        if isinstance(expr, ast.Subscript):
            self.value(expr.index)
            return [self.behind(one) for one in self.targets(expr.base)]
        if isinstance(expr, ast.Unary) and expr.op == "*":
            return [self.behind(one) for one in self.targets(expr.operand)]
        if isinstance(expr, ast.Cast):
            return self.places(expr.value)
        wrapped = self.run.transparent(expr)
        if wrapped is not None:
            return self.places(wrapped)
        self.value(expr)
        return []

    def behind(self, one: Pointer) -> Slot:
        """Return the place that a pointer to something that is no record leads to."""
        info = self.heap.info(one.target)
        if info.kind == "slot":
            return Slot(info.parent, str(info.key[0]), one.assumed)
        return Slot(one.target, ELEMENTS, one.assumed)

    def assign(self, target: ast.Expr, value: Value, at: int, end: int) -> None:
        """Store a value into an lvalue."""
        if self._is_aggregate(target):
            self._copy(self.objects(target), value, at, end)
            return
        for place in self.places(target):
            if isinstance(place, Local):
                if "identities" in self.run.without:
                    value = without_identities(value)
                self.uses(place.decl)
                self.state.assign(place.decl, value, at)
            else:
                self.put(place, value, at, end)
        if isinstance(target, ast.Member):
            self.state.forget_field(target.field)
        elif isinstance(target, ast.Name) and target.decl == ast.GLOBAL:
            self.state.forget_field(target.name)
        elif isinstance(target, ast.Subscript | ast.Unary):
            self.state.forget_elements()

    def put(self, place: Slot, value: Value, at: int, end: int) -> None:
        """Store into the heap: into the object, and under its record for the unknown ones."""
        kept = frozenset(atom for atom in value if atom.tag in _KEPT)
        if not kept:
            return
        info = self.heap.info(place.target)
        value = self._regions(place, kept, info.record)
        by = Store(self.context.number, self.path, at, end)
        self.heap.store((place.target, place.field), value, by)
        if info.record and info.kind != "any" and place.field != ELEMENTS:
            self.heap.store((self.heap.any(info.record), place.field), value, by)

    def _regions(self, place: Slot, value: Value, record: str) -> Value:
        # Two pointer members into one allocation are two arrays: each gets a region of its own.
        if not any(isinstance(atom, Pointer) and atom.inner for atom in value):
            return value
        if "regions" in self.run.without:
            return value
        split: set[Atom] = set()
        for atom in value:
            if isinstance(atom, Pointer) and atom.inner and place.field != ELEMENTS:
                if self.heap.info(atom.target).kind == "alloc":
                    # Behind a record's end lies something else.
                    inside = self.heap.info(atom.target).record
                    inside = "" if inside == record else inside
                    region = self.heap.pointee(place.target, place.field, inside)
                    atom = Pointer("pointer", region, False, atom.assumed)
            split.add(atom)
        return frozenset(split)

    def _is_aggregate(self, target: ast.Expr) -> bool:
        if isinstance(target, ast.Name) and target.decl not in self.shape.boxed:
            return False
        return bool(self.record_name(self.type_of(target)))

    def _copy(self, into: list[Pointer], value: Value, at: int, end: int) -> None:
        by = Store(self.context.number, self.path, at, end)
        for source in pointers(value):
            for one in into:
                if one.target != source.target:
                    self._copy_object(source.target, one.target, by, 0)

    def _copy_object(self, source: int, into: int, by: Store, depth: int) -> None:
        self.heap.load((source, "*"), self.context.number)
        for field, content in list(self.heap.fields(source)):
            self.heap.store((into, field), content, by)
        if depth < _COPIED_DEPTH:
            for part in list(self.heap.parts(source)):
                info = self.heap.info(part)
                make = self.heap.member if info.kind == "sub" else self.heap.pointee
                mine = make(into, str(info.key[0]), info.record)
                if mine != into:
                    self._copy_object(part, mine, by, depth + 1)

    # --- loads ---------------------------------------------------------------

    def load(self, place: Local | Slot, type_: ast.Type, ident: Ident | None) -> Value:
        """Return what a place may hold.

        :param type_: static type of the lvalue.
        :param ident: the name that a page found there is known by in this function.
        """
        if isinstance(place, Local):
            return self.local(place.decl)
        return self.state.visible(self.contents(place, type_, ident))

    def contents(self, place: Slot, type_: ast.Type, ident: Ident | None) -> Value:
        """Return what a place in the heap may hold, whatever tests have shown here."""
        info = self.heap.info(place.target)
        if isinstance(type_, ast.Array):
            number = self.heap.member(place.target, place.field, self.record_behind(type_))
            return frozenset((Pointer("pointer", number, False, place.assumed),))
        value = _best(self.heap.load((place.target, place.field), self.context.number))
        assumed = place.assumed or info.kind == "any"
        if not value and info.kind not in _FILLED:
            return self._unknown(place, info, type_)
        if info.kind != "global" or not value:
            value = value | UNKNOWN
        if assumed and self.context.offsets_only:
            value = frozenset(atom for atom in value if atom.tag not in _OBJECTS)
        if assumed or "page" in tags(value):
            return frozenset([_named(atom, ident, assumed) for atom in value])
        return value

    def _unknown(self, place: Slot, info: Obj, type_: ast.Type) -> Value:
        # Nothing was stored there. Of an object that is not known as a whole, what reached
        # code stores in others of its record stands in.
        found: set[Atom] = {TOP}
        if info.record and info.kind != "alloc" and "reading-on" not in self.run.without:
            stand_in = (self.heap.any(info.record), place.field)
            value = self.heap.load(stand_in, self.context.number)
            if self.context.offsets_only:
                value = frozenset(atom for atom in value if atom.tag not in _OBJECTS)
            found.update(_named(atom, None, True) for atom in value)
        behind = self.record_behind(type_) if isinstance(type_, ast.Pointer) else ""
        table = isinstance(type_, ast.Pointer) and isinstance(type_.to, ast.Pointer)
        made_here = self.heap.made_here(place.target)
        if made_here and (table or (behind and behind not in PAGE_RECORDS)):
            number = self.heap.pointee(place.target, place.field, behind)
            found.add(Pointer("pointer", number, False, place.assumed))
        return UNKNOWN if len(found) == 1 else frozenset(found)

    def ident(self, expr: ast.Expr) -> Ident | None:
        """Return the path by which this function knows what an lvalue holds."""
        fields: list[str] = []
        while True:
            if isinstance(expr, ast.Member):
                fields.append(expr.field)
                expr = expr.base
            elif isinstance(expr, ast.Subscript):
                element = self._element_name(expr.index)
                if element is None:
                    return None
                fields.append(element)
                expr = expr.base
            elif isinstance(expr, ast.Unary) and expr.op in ("*", "&"):
                expr = expr.operand
            elif isinstance(expr, ast.Name) and expr.decl != ast.GLOBAL and fields:
                return ("path", expr.decl, tuple(fields))
            elif isinstance(expr, ast.Name) and fields:
                return ("path", ast.GLOBAL, (*fields, expr.name))
            else:
                return None

    def _element_name(self, index: ast.Expr) -> str | None:
        # An element is known by a constant, or by a plain variable until that changes.
        if isinstance(index, ast.Name) and index.decl != ast.GLOBAL:
            return None if index.decl in self.shape.boxed else element_of(index.decl)
        number = self.run.number(index, self.path)
        return None if number is None else f"[{number}]"

    # --- conversions ---------------------------------------------------------

    def convert(self, value: Value, source: ast.Expr | None, type_: ast.Type) -> Value:
        """Return a value as a variable of a type takes it.

        An allocation learns its record here; what a ``void *`` holds is told apart by the
        type it is given: a bio's private data is one thing for one completion and another
        for the next.
        """
        if value is UNKNOWN:
            return value
        record = self.record_behind(type_) if isinstance(type_, ast.Pointer) else ""
        if not record:
            return value
        telling = "types" not in self.run.without
        strict: bool | None = None
        other = False
        kept: set[Atom] = set()
        for atom in ordered(value):
            if isinstance(atom, Pointer):
                info = self.heap.info(atom.target)
                if not info.record and info.kind in ("alloc", "result"):
                    number = self.heap.make(info.kind, self.alloc_key(info.key, record), record)
                    kept.add(Pointer("pointer", number, atom.inner, atom.assumed))
                    continue
                if info.record and info.record != record:
                    if strict is None:
                        strict = telling and source is not None and self._is_void(source)
                    if strict:
                        other |= not atom.assumed
                        continue
            elif isinstance(atom, Page) and record not in PAGE_RECORDS:
                if strict is None:
                    strict = telling and source is not None and self._is_void(source)
                if strict:
                    continue
            kept.add(atom)
        if other and kept <= _VAGUE:
            # It is known what lies there, and it is none of these: no guess is due.
            return BOTTOM
        return frozenset(kept)

    def alloc_key(self, key: tuple[object, ...], record: str) -> tuple[object, ...]:
        """Return the name of an allocation of a record: see :class:`Context`."""
        self.signature()
        return (-1, *key[1:]) if record == self.context.carrier else key

    def _is_void(self, expr: ast.Expr) -> bool:
        type_ = self.type_of(expr)
        return isinstance(type_, ast.Pointer) and type_.to == ast.Base("void")

    def value(self, expr: ast.Expr) -> Value:
        """Return what an expression may be (see :mod:`pagefix.flow.expressions`)."""
        raise NotImplementedError


#: What the heap keeps: constants there would only make values grow.
_KEPT = frozenset(("page", "labelled", "range", "func", "pointer", "size", "unit"))

#: How deep a copied record is copied.
_COPIED_DEPTH = 3

_VAGUE = frozenset((TOP, *NULL))
_OBJECTS = frozenset(("page", "func", "pointer"))

#: Kinds of objects whose members are what was stored there, and nothing else.
_FILLED = frozenset(("var", "global", "any"))


def _best(value: Value) -> Value:
    # A guess stands where nothing is known: it adds nothing to what is.
    if len(value) < 2:
        return value
    known = {atom.tag for atom in value if atom.tag in _OBJECTS and not atom.assumed}  # type: ignore[union-attr]
    if not known:
        return value
    return frozenset(
        atom
        for atom in value
        if atom.tag not in known or not atom.assumed  # type: ignore[union-attr]
    )


def _named(atom: Atom, ident: Ident | None, assumed: bool) -> Atom:
    if isinstance(atom, Page):
        idents = frozenset((ident,)) if ident is not None else frozenset()
        return Page("page", idents, atom.assumed or assumed)
    if assumed and isinstance(atom, Pointer):
        return Pointer("pointer", atom.target, atom.inner, True)
    if assumed and isinstance(atom, Func):
        return Func("func", atom.name, atom.path, True)
    return atom
