"""What an expression may be: the interpreter's values and branches.

Fourth part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from collections.abc import Callable

from pagefix.c import ast
from pagefix.finding import Access
from pagefix.flow.arithmetic import fold
from pagefix.flow.branches import Branches
from pagefix.flow.heap import ELEMENTS
from pagefix.flow.outcomes import calculated, computed, predicate
from pagefix.flow.places import Slot
from pagefix.flow.state import State, either, join
from pagefix.flow.values import (
    BOTTOM,
    PAGES,
    TOP,
    UNKNOWN,
    Atom,
    Page,
    Pointer,
    Range,
    SizeLimit,
    Value,
    const,
    ordered,
    pages,
    tags,
)

__all__ = ["Expressions"]

_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))


class Expressions(Branches):
    """Evaluation of expressions other than calls."""

    def value(self, expr: ast.Expr) -> Value:
        """Return what an expression may be; its side effects go into the state."""
        handler = _VALUES.get(type(expr))
        return UNKNOWN if handler is None else handler(self, expr)

    # --- leaves ---------------------------------------------------------------

    def _name(self, expr: ast.Name) -> Value:
        if expr.decl == ast.GLOBAL:
            value = self.run.global_value(expr.name, self.path)
            if "func" in tags(value):
                self.run.record.taken(self, expr.name)
            return self._variable(value, expr)
        if expr.decl not in self.shape.boxed:
            return self.local(expr.decl)
        type_ = self.shape.types.get(expr.decl, ast.UnknownType())
        number = self.variable(expr.decl, type_)
        if isinstance(type_, ast.Array) or self.record_name(type_):
            return frozenset((Pointer("pointer", number, False, False),))
        return self.load(Slot(number, ELEMENTS, False), type_, ("def", expr.decl, -1))

    def _variable(self, value: Value, expr: ast.Name) -> Value:
        found: Value = BOTTOM
        for atom in ordered(value):
            if isinstance(atom, Pointer) and atom.target in self.run.scalars:
                place = Slot(atom.target, ELEMENTS, False)
                found |= (
                    self.load(place, self.type_of(expr), ("path", ast.GLOBAL, (expr.name,)))
                    | UNKNOWN
                )
            else:
                found |= {atom}
        return found

    def _number(self, expr: ast.Number) -> Value:
        return UNKNOWN if expr.value is None else const(expr.value)

    # --- members --------------------------------------------------------------

    def _member(self, expr: ast.Member, access: Access = Access.READ) -> Value:
        base: Value | None = None
        if expr.arrow:
            base = self.value(expr.base)
            found = pages(base)
            if found or "labelled" in tags(base):
                self.run.record.page_field(self, expr, access, base)
                return self._page_member(expr, found)
            if expr.field in self.run.page_fields and TOP in base:
                self.run.record.page_field(self, expr, access, base)
        else:
            whole = _dereferenced(expr.base)
            inner = BOTTOM if whole is None else self.value(whole)
            if pages(inner):
                self.run.record.page_field(self, expr, access, inner)
                return self._page_member(expr, pages(inner))
        return self._load_member(expr, base)

    def _page_member(self, expr: ast.Member, found: list[Page]) -> Value:
        if found and expr.field == "index" and "ranges" not in self.run.without:
            return frozenset((PAGES, *(Range("range", page.idents) for page in found)))
        if expr.field == "page":
            # A folio's first page is the folio for our question.
            return frozenset(found) or UNKNOWN
        return UNKNOWN

    def _load_member(self, expr: ast.Member, base: Value | None) -> Value:
        if expr.field in self.run.models.sizes:
            return frozenset((SizeLimit(),))
        owners = self.owners(expr, base)
        if not owners:
            return UNKNOWN
        return self.state.visible(self._from_owners(expr, owners))

    def _from_owners(self, expr: ast.Member, owners: list[Pointer]) -> Value:
        if all(owner.assumed for owner in owners) and not self._anything_in(owners, expr.field):
            return self._unstored_member(expr, owners)
        type_ = self.type_of(expr)
        record = self.record_name(type_)
        if record:
            return frozenset(
                Pointer("pointer", self.heap.member(o.target, expr.field, record), False, o.assumed)
                for o in owners
            )
        ident = self.ident(expr)
        found: Value = BOTTOM
        for owner in owners:
            found |= self.contents(Slot(owner.target, expr.field, owner.assumed), type_, ident)
        return UNKNOWN if found == UNKNOWN else found

    def _anything_in(self, owners: list[Pointer], field: str) -> bool:
        return any(
            self.heap.load((owner.target, field), self.context.number)
            or (self._stand_in(owner.target, field))
            for owner in owners
        )

    def _stand_in(self, number: int, field: str) -> bool:
        record = self.heap.info(number).record
        if not record:
            return False
        return bool(self.heap.load((self.heap.any(record), field), self.context.number))

    def _unstored_member(self, expr: ast.Member, owners: list[Pointer]) -> Value:
        # Nothing is known of an unknown object's member: only where it leads may matter.
        type_ = self.type_of(expr)
        record = self.record_name(type_)
        if not record and isinstance(type_, ast.Array):
            record = self.record_behind(type_)
        if not record:
            return UNKNOWN
        return frozenset(
            Pointer("pointer", self.heap.member(owner.target, expr.field, record), False, True)
            for owner in owners
        )

    def _subscript(self, expr: ast.Subscript) -> Value:
        self.value(expr.index)
        return self._element(expr.base, expr)

    def _element(self, base: ast.Expr, whole: ast.Expr) -> Value:
        value = self.value(base)
        if pages(value):
            return frozenset(pages(value))
        targets = self.targets(base, value)
        if not targets:
            return UNKNOWN
        type_ = self.type_of(whole)
        if self.record_name(type_):
            return frozenset(targets)
        found: Value = BOTTOM
        ident = self.ident(whole) if isinstance(whole, ast.Subscript) else None
        for one in targets:
            found |= self.load(self.behind(one), type_, ident)
        return found

    # --- operators ------------------------------------------------------------

    def _unary(self, expr: ast.Unary) -> Value:
        if expr.op == "&":
            return self._address(expr.operand)
        if expr.op == "*":
            return self._element(expr.operand, expr)
        if "_" in expr.op:
            return self._step(expr)
        if expr.op == "!":
            return self._truth(expr)
        value = self.value(expr.operand)
        if expr.op == "-":
            return calculated("-", const(0), value)
        if expr.op == "~":
            return fold("^", const(-1), value)
        return value

    def _address(self, operand: ast.Expr) -> Value:
        if isinstance(operand, ast.Member):
            pointer = operand.base if operand.arrow else _dereferenced(operand.base)
            base = None if pointer is None else self.value(pointer)
            if base is not None and pages(base):
                self.run.record.page_field(self, operand, Access.ADDRESS, base)
                whole = operand.field == "page" or self._is_link(operand)
                return frozenset(pages(base)) if whole else UNKNOWN
            return self._address_of_member(operand, base if operand.arrow else None)
        if isinstance(operand, ast.Subscript):
            value = self.value(operand.base)
            self.value(operand.index)
            return (
                frozenset(pages(value)) or frozenset(self.targets(operand.base, value)) or UNKNOWN
            )
        if isinstance(operand, ast.Unary) and operand.op == "*":
            return self.value(operand.operand)
        if isinstance(operand, ast.Name):
            if operand.decl == ast.GLOBAL:
                value = self.run.global_address(operand.name, self.path)
                if "func" in tags(value):
                    self.run.record.taken(self, operand.name)
                if value is not UNKNOWN:
                    return value
            return frozenset(self.objects(operand)) or UNKNOWN
        return self.value(operand)

    def _is_link(self, member: ast.Member) -> bool:
        # By its list, or its node in a tree, a page is found again.
        return self.record_name(self.type_of(member)) in self.run.models.links

    def _address_of_member(self, operand: ast.Member, base: Value | None) -> Value:
        type_ = self.type_of(operand)
        record = self.record_name(type_) or self.record_behind(
            type_ if isinstance(type_, ast.Array) else ast.UnknownType()
        )
        plain = not record and not isinstance(type_, ast.Array | ast.UnknownType)
        found: set[Atom] = set()
        for owner in self.owners(operand, base):
            if plain:
                number = self.heap.slot(owner.target, operand.field)
            else:
                number = self.heap.member(owner.target, operand.field, record)
            found.add(Pointer("pointer", number, False, owner.assumed))
        return frozenset(found) or UNKNOWN

    def _step(self, expr: ast.Unary) -> Value:
        self.note_write(expr.operand, Access.READWRITE)
        old = self.value(expr.operand)
        new = fold("+", old, const(1))
        if any(atom.tag == "const" for atom in old):
            # A counter: it must not make the state grow for ever.
            new = UNKNOWN
        self.assign(expr.operand, new, expr.start, expr.end)
        return old if expr.op.startswith("_") else new

    def _binary(self, expr: ast.Binary) -> Value:
        if expr.op in ("&&", "||"):
            return self._truth(expr)
        if expr.op == ",":
            self.value(expr.left)
            return self.value(expr.right)
        if expr.op == "&":
            shown = self.masked_flags(expr)
            if shown is not None:
                return shown
        left, right = self.value(expr.left), self.value(expr.right)
        if expr.op in _COMPARISONS:
            return self._compare(expr, left, right)
        return calculated(expr.op, left, right)

    def _compare(self, expr: ast.Binary, left: Value, right: Value) -> Value:
        self.run.record.comparison(self, expr, left, right)
        outcome = computed(expr.op, left, right)
        if outcome is not None:
            return outcome
        folded = fold(expr.op, left, right)
        return folded if folded and all(atom.tag == "const" for atom in folded) else UNKNOWN

    def _truth(self, expr: ast.Expr) -> Value:
        yes, no = self.branch(expr)
        before = self.state
        if yes is None or no is None:
            self.state = yes or no or before
            return const(1) if no is None else const(0)
        self.state = join(yes, no) or before
        if yes.off == no.off:
            return UNKNOWN
        return frozenset((predicate({1: yes.off, 0: no.off}),))

    def _assign(self, expr: ast.Assign) -> Value:
        value = self.value(expr.value)
        if expr.op == "=":
            self.note_write(expr.target, Access.WRITE)
            value = self.convert(value, expr.value, self.type_of(expr.target))
        else:
            self.note_write(expr.target, Access.READWRITE)
            value = calculated(expr.op[:-1], self.value(expr.target), value)
        self.assign(expr.target, value, expr.start, expr.end)
        return value

    def note_write(self, target: ast.Expr, access: Access) -> None:
        """Report a write to a member of a page."""
        if isinstance(target, ast.Member) and target.field in self.run.page_fields:
            pointer = target.base if target.arrow else _dereferenced(target.base)
            base = BOTTOM if pointer is None else self.value(pointer)
            if pages(base) or (target.arrow and TOP in base):
                self.run.record.page_field(self, target, access, base)

    def _conditional(self, expr: ast.Conditional) -> Value:
        yes, no = self.branch(expr.test)
        ends: list[tuple[Value, State]] = []
        for state, side in ((yes, expr.then), (no, expr.other)):
            if state is None:
                continue
            self.state = state
            value = self.value(expr.test if side is None else side)
            ends.append((value, self.state))
        if len(ends) < 2:
            return ends[0][0] if ends else BOTTOM
        (one, left), (two, right) = ends
        self.state = join(left, right) or left
        return either((one, left.off), (two, right.off), self.state.off)

    def _cast(self, expr: ast.Cast) -> Value:
        value = self.value(expr.value)
        return self.convert(value, expr.value, self.run.program.strip(expr.type, self.path))

    def _statements(self, expr: ast.StatementExpr) -> Value:
        return self.run_block(expr.body)

    def masked_flags(self, expr: ast.Binary) -> Value | None:
        """Return what a test of a page's flags by a mask is, ``None`` if it is none."""
        raise NotImplementedError

    def run_block(self, body: ast.Block) -> Value:
        """Run the block of a statement expression and return its last value."""
        raise NotImplementedError

    def _parts(self, expr: ast.Opaque) -> Value:
        for part in expr.parts:
            self.value(part)
        return UNKNOWN

    def _literal(self, expr: ast.CompoundLiteral) -> Value:
        record = self.record_name(expr.type)
        number = self.heap.make("var", (self.signature(), expr.start), record)
        target = Pointer("pointer", number, False, False)
        self.fill(target, expr.value, expr.type)
        return frozenset((target,))

    def fill(self, target: Pointer, init: ast.InitList, type_: ast.Type) -> None:
        """Store an initializer list into an object."""
        for number, field, member, expr in self.run.initial(target.target, init, type_, self.path):
            value = self.value(expr)
            record = self.record_name(member)
            if record:
                inner = number if field == ELEMENTS else self.heap.member(number, field, record)
                into = [Pointer("pointer", inner, False, target.assumed)]
                self._copy(into, value, init.start, init.end)
            else:
                place = Slot(number, field, target.assumed)
                self.put(place, value, expr.start, expr.end)

    def _size(self, expr: ast.SizeOf) -> Value:
        return UNKNOWN


def _dereferenced(expr: ast.Expr) -> ast.Expr | None:
    # The pointer in ``(*page).index`` and ``page[0].index``.
    if isinstance(expr, ast.Unary) and expr.op == "*":
        return expr.operand
    return expr.base if isinstance(expr, ast.Subscript) else None


def _call(self: Expressions, expr: ast.Call) -> Value:
    return self.call(expr)  # type: ignore[attr-defined, no-any-return]


_VALUES: dict[type, Callable[[Expressions, ast.Expr], Value]] = {
    ast.Name: Expressions._name,  # type: ignore[dict-item]
    ast.Number: Expressions._number,  # type: ignore[dict-item]
    ast.Member: Expressions._member,  # type: ignore[dict-item]
    ast.Subscript: Expressions._subscript,  # type: ignore[dict-item]
    ast.Unary: Expressions._unary,  # type: ignore[dict-item]
    ast.Binary: Expressions._binary,  # type: ignore[dict-item]
    ast.Assign: Expressions._assign,  # type: ignore[dict-item]
    ast.Conditional: Expressions._conditional,  # type: ignore[dict-item]
    ast.Cast: Expressions._cast,  # type: ignore[dict-item]
    ast.StatementExpr: Expressions._statements,  # type: ignore[dict-item]
    ast.CompoundLiteral: Expressions._literal,  # type: ignore[dict-item]
    ast.Opaque: Expressions._parts,  # type: ignore[dict-item]
    ast.SizeOf: Expressions._size,  # type: ignore[dict-item]
    ast.Call: _call,  # type: ignore[dict-item]
}
