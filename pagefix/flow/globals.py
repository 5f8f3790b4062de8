"""Names at file scope: constants, variables with their initializers, functions' addresses."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator

from pagefix.c import ast
from pagefix.flow.arithmetic import arithmetic
from pagefix.flow.contexts import Callee, Kind
from pagefix.flow.heap import ELEMENTS, Heap, Store
from pagefix.flow.record import Record
from pagefix.flow.values import NULL, UNKNOWN, Atom, Func, Pointer, Value, const
from pagefix.program import Margin, Program, margin

__all__ = ["Globals", "record_of"]

_FIXED = {"NULL": NULL, "true": const(1), "false": const(0)}
# ``#define LIST_HEAD(name) struct list_head name = ...``
_MADE = re.compile(rb"\)\s*(?:\\\s*)?(?:static\s+)?struct\s+(\w+)\s+\w+")


class Globals:
    """What names that are no locals stand for."""

    def __init__(self, program: Program, record: Record) -> None:
        self.program = program
        self.record = record
        self.heap = Heap()
        #: Words at the left margin of the checked files: a name that is none of them is not
        #: defined there, and need not be looked for. The callable ones stand before a
        #: parameter list there; the records are those that have their members there.
        self.outermost, self.callable, self.own_records = _outermost(program)
        #: Objects that are variables at file scope of no record or array type.
        self.scalars: set[int] = set()
        self._directories = {os.path.dirname(path) for path in program.files}
        self._constants: dict[str, int | None] = {}
        self._values: dict[tuple[str, str], Value] = {}
        self._objects: dict[tuple[str, str], Value] = {}
        self._tables: dict[int, str] = {}
        self._fields: dict[tuple[str, str], tuple[str, ...]] = {}

    def function_callee(self, name: str, path: str) -> Callee:
        """Return what a function constant stands for (see :class:`World`)."""
        raise NotImplementedError

    def inside(self, path: str) -> bool:
        """Return whether a file's bodies are read: it is checked, or a header beside one."""
        return path in self.program.files or os.path.dirname(path) in self._directories

    # --- globals --------------------------------------------------------------

    def global_value(self, name: str, path: str) -> Value:
        """Return what a name that is no local may be, used as a value."""
        fixed = _FIXED.get(name)
        if fixed is not None:
            return fixed
        key = (name, path)
        if key not in self._values:
            self._values[key] = UNKNOWN
            self._values[key] = self._global_value(name, path)
        return self._values[key]

    def _global_value(self, name: str, path: str) -> Value:
        callee = self.function_callee(name, path)
        if callee.kind is Kind.FUNCTIONS:
            return frozenset((Func("func", name, path, False),))
        if path.startswith("<"):
            return UNKNOWN
        if name not in self._constants:
            self._constants[name] = self._constant(name, path, 0)
        number = self._constants[name]
        if number is not None:
            return const(number)
        return self.global_object(name, path) or UNKNOWN

    def _constant(self, name: str, path: str, depth: int) -> int | None:
        if depth > 8 or path.startswith("<"):
            return None
        # A switch that is 1 on one side of an #if and 0 on the other is no constant.
        numbers = {
            self.number(macro.body, where, depth + 1)  # type: ignore[arg-type]
            if macro.body is not None and hasattr(macro.body, "_fields")
            else None
            for where, macro in self.program.near_macros(name, path)
            if macro.params is None
        }
        if numbers:
            return numbers.pop() if len(numbers) == 1 else None
        if name.isupper() or not name.islower():
            for where, item in self.program.enumerator(name, path):
                return self._enumerated(where, item, depth)
        return None

    def _enumerated(self, path: str, item: ast.Enumerator, depth: int) -> int | None:
        # A constant without a value counts on from the one before it.
        if item.value is not None:
            return self.number(item.value, path, depth + 1)
        unit = self.program.unit(path)
        chunk = unit.chunk_at(item.at)
        number: int | None = -1
        for each in unit.items(chunk) if chunk is not None else ():
            if not isinstance(each, ast.Enumerator):
                continue
            if each.value is not None:
                number = self.number(each.value, path, depth + 1)
            else:
                number = None if number is None else number + 1
            if each.at == item.at:
                return number
        return None

    def number(self, expr: ast.Expr | ast.Block, path: str, depth: int = 0) -> int | None:
        """Return the value of a constant expression, ``None`` if it is not known."""
        if isinstance(expr, ast.Number):
            return expr.value
        if isinstance(expr, ast.Name) and expr.decl == ast.GLOBAL:
            return self._constant(expr.name, path, depth)
        if isinstance(expr, ast.Cast):
            return self.number(expr.value, path, depth)
        if isinstance(expr, ast.Unary) and expr.op in ("-", "~", "+"):
            inner = self.number(expr.operand, path, depth)
            if inner is None:
                return None
            return {"-": -inner, "~": ~inner, "+": inner}[expr.op]
        if isinstance(expr, ast.Binary):
            left = self.number(expr.left, path, depth)
            right = self.number(expr.right, path, depth)
            if left is None or right is None:
                return None
            return arithmetic(expr.op, left, right)
        return None

    def global_object(self, name: str, path: str) -> Value:
        """Return a pointer to a variable at file scope, its initializer filled in."""
        key = (name, path)
        if key not in self._objects:
            self._objects[key] = frozenset()
            self._objects[key] = self._global_object(name, path)
        return self._objects[key]

    def _global_object(self, name: str, path: str) -> Value:
        self.program.asked.names.add(name)
        if path.startswith("<") or name not in self.outermost:
            return frozenset()
        found: set[Atom] = set()
        for where, item in self.program.variable(name, path, far=False):
            type_ = self.program.strip(item.type, where)
            record = record_of(type_)
            # What is not static is one variable, wherever it is declared.
            home = where if item.static else ""
            number = self.heap.make("global", (home, name), record)
            if not record and not isinstance(type_, ast.Array | ast.Record):
                self.scalars.add(number)
            if isinstance(item.init, ast.InitList) and self.inside(where):
                if self._fill(number, item.init, type_, where):
                    self._tables[number] = name
            found.add(Pointer("pointer", number, False, False))
        return frozenset(found) or self._made_by_macro(name, path)

    def _made_by_macro(self, name: str, path: str) -> Value:
        # ``static LIST_HEAD(name);``: the macro says which record it is.
        for where, call in self.program.invocations_naming(name, path):
            first = call.args[0] if call.args else None
            if not isinstance(first, ast.Name) or first.name != name:
                continue
            if not isinstance(call.func, ast.Name):
                continue
            for at, macro in self.program.near_macros(call.func.name, path):
                text = self.program.unit(at).code[macro.start : macro.end]
                made = _MADE.search(text)
                if made is not None:
                    record = f"struct {made.group(1).decode()}"
                    number = self.heap.make("global", (where, name), record)
                    return frozenset((Pointer("pointer", number, False, False),))
        return frozenset()

    def is_foreign(self, name: ast.Name, path: str) -> bool:
        """Return whether a name is declared nowhere in the checked files: it is the kernel's."""
        if name.decl != ast.GLOBAL or self.global_object(name.name, path):
            return False
        return not self.program.near_macros(name.name, path)

    def global_address(self, name: str, path: str) -> Value:
        """Return ``&name``: a function's address, or a variable's."""
        callee = self.function_callee(name, path)
        if callee.kind is Kind.FUNCTIONS:
            return frozenset((Func("func", name, path, False),))
        return self.global_object(name, path) or UNKNOWN

    def _fill(self, number: int, init: ast.InitList, type_: ast.Type, path: str) -> bool:
        has_function = False
        for object_, field, _type, expr in self.initial(number, init, type_, path):
            value = self._address_in(expr, path)
            if value:
                self.heap.store((object_, field), value, Store(-1, path, init.start, init.end))
                has_function = True
        return has_function

    def initial(
        self, number: int, init: ast.InitList, type_: ast.Type, path: str
    ) -> Iterator[tuple[int, str, ast.Type, ast.Expr]]:
        """Yield what an initializer list sets: object, member, the member's type, value.

        Lists within it are entered. All elements of an array are one.
        """
        names = () if isinstance(type_, ast.Array) else self.field_names(type_, path)
        position = 0
        for item in self.program.initializers(init, path):
            first = item.designators[0] if item.designators else None
            field = ELEMENTS
            if first is not None and first.field is not None:
                field = first.field
                position = names.index(field) + 1 if field in names else position
            elif first is None and position < len(names):
                field = names[position]
                position += 1
            object_, member = number, self._member(type_, field, path)
            for inner in item.designators[1:]:
                object_ = self._part(object_, field, member)
                field = inner.field or ELEMENTS
                member = self._member(member, field, path)
            if isinstance(item.value, ast.InitList):
                below = self._part(object_, field, member)
                yield from self.initial(below, item.value, member, path)
            else:
                yield object_, field, member, item.value

    def _member(self, type_: ast.Type, field: str, path: str) -> ast.Type:
        if field == ELEMENTS:
            type_ = type_.of if isinstance(type_, ast.Array) else ast.UnknownType()
        else:
            type_ = self.program.member(type_, field, path) or ast.UnknownType()
        return self.program.strip(type_, path)

    def _part(self, number: int, field: str, type_: ast.Type) -> int:
        return number if field == ELEMENTS else self.heap.member(number, field, record_of(type_))

    def _address_in(self, expr: ast.Expr, path: str) -> Value:
        while isinstance(expr, ast.Cast) or (isinstance(expr, ast.Unary) and expr.op == "&"):
            expr = expr.value if isinstance(expr, ast.Cast) else expr.operand
        if not isinstance(expr, ast.Name) or expr.decl != ast.GLOBAL or expr.name == "NULL":
            return frozenset()
        callee = self.function_callee(expr.name, path)
        if callee.kind is Kind.FUNCTIONS:
            self.record.in_table(expr.name)
            return frozenset((Func("func", expr.name, path, False),))
        return self.global_object(expr.name, path)

    def is_table(self, number: int) -> bool:
        """Return whether an object is a global table of functions."""
        return number in self._tables

    def table_name(self, number: int) -> str:
        """Return the name of a global table."""
        return self._tables[number]

    def field_names(self, type_: ast.Type, path: str) -> tuple[str, ...]:
        """Return the members of a record in order, for initializers without designators."""
        name = record_of(self.program.strip(type_, path))
        key = (name, path)
        if key not in self._fields:
            records = self.program.record(name, path) if name else ()
            self._fields[key] = tuple(f.name for f in records[0].fields) if records else ()
        return self._fields[key]


def _outermost(program: Program) -> Margin:
    found = Margin(frozenset(), frozenset(), frozenset())
    for path in program.files:
        found = Margin(*map(frozenset.union, found, margin(program.data(path))))
    return found


def record_of(type_: ast.Type) -> str:
    """Return the name of a record type, or of an array's records, or an empty string."""
    if isinstance(type_, ast.Array):
        return record_of(type_.of)
    if isinstance(type_, ast.Record):
        # One without a tag is known by its place.
        return type_.name if " " in type_.name else f"{type_.name} <{type_.start}>"
    if isinstance(type_, ast.Base) and type_.name.startswith(("struct ", "union ")):
        return type_.name
    return ""
