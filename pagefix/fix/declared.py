"""What the text of declarations says beyond types: qualifiers, and what has no address.

The facts of the reader keep neither ``const`` and ``volatile`` nor ``register``. A wrapper
takes a pointer to a plain page, so the few expressions that are to become its argument
are followed to the words they were declared with: through members, casts, calls, and
from the parameters of a macro to every use of it.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pagefix.c import Unit, ast
from pagefix.program import Program, Typer

__all__ = ["Declared"]

_QUALIFIERS = frozenset((b"const", b"volatile"))
_SPECIFIERS = frozenset(b"static extern inline register struct union enum const volatile".split())
_WORD = re.compile(rb"[A-Za-z_]\w*")
_DIMENSION = re.compile(rb"\s*\[[^\]]*\]")
_LISTED = re.compile(rb"\([^()]*\)")
# Macros in macros, typedefs of typedefs.
_DEPTH = 8
# More uses of one macro than this say nothing new.
_USES = 400
# No declaration is longer.
_BACK = 4000


class _Where(NamedTuple):
    # Where an expression stands: the item, and for a macro its arguments and its use.
    path: str
    item: ast.Item
    args: Mapping[int, ast.Expr]
    user: _Where | None = None
    depth: int = 0


class Declared:
    """Words of declarations, as seen from expressions.

    :param program: finds the declarations.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._around: tuple[ast.Item | None, tuple[_Local, ...]] = (None, ())
        self._fields: dict[tuple[str, str, str], tuple[_Spelt, ...]] = {}

    def qualifiers(self, path: str, item: ast.Item, expr: ast.Expr, levels: int) -> frozenset[str]:
        """Return those of ``const`` and ``volatile`` that an expression's type has.

        :param levels: how many pointers are taken off the type first: 1 asks for what a
            pointer leads to, 0 for the object itself.
        """
        words = {
            word for here in self._uses(path, item, 0) for word in self._of(here, expr, levels)
        }
        return frozenset(word.decode() for word in words)

    def no_place(self, path: str, item: ast.Item, expr: ast.Expr) -> str:
        """Return why the address of an expression cannot be taken; empty if it can."""
        reasons = (self._no_place(here, expr) for here in self._uses(path, item, 0))
        return next((reason for reason in reasons if reason), "")

    # --- macros -------------------------------------------------------------------

    def _uses(self, path: str, item: ast.Item, depth: int) -> Iterator[_Where]:
        # One for every use of a macro, or one with nothing known of its parameters.
        found = False
        if isinstance(item, ast.Macro) and depth < _DEPTH:
            for number, (place, user, node) in enumerate(self._callers(item)):
                if number == _USES:
                    break
                for where in self._uses(place, user, depth + 1):
                    found = True
                    yield _within(where, path, item, node)
        if not found:
            yield _Where(path, item, {}, None, depth)

    def _callers(self, macro: ast.Macro) -> Iterator[tuple[str, ast.Item, ast.Call | ast.Name]]:
        for path, at in self._program.callers(macro.name):
            unit = self._program.unit(path)
            chunk = unit.chunk_at(at)
            for item in unit.items(chunk) if chunk is not None else ():
                if not (isinstance(item, ast.Macro) and item.at in (at, macro.at)):
                    for node in _named_at(item, at, macro):
                        yield path, item, node

    def _expanded(self, here: _Where, name: str, node: ast.Call | ast.Name) -> Iterator[_Where]:
        if here.depth < _DEPTH:
            for path, macro in self._program.near_macros(name, here.path):
                if (macro.params is None) == isinstance(node, ast.Name):
                    yield _within(here, path, macro, node)

    # --- qualifiers -----------------------------------------------------------------

    def _of(self, here: _Where, expr: ast.Expr, levels: int) -> Iterator[bytes]:
        if isinstance(expr, ast.Name):
            yield from self._of_name(here, expr, levels)
        elif isinstance(expr, ast.Member):
            yield from self._of_member(here, expr, levels)
        elif isinstance(expr, ast.Call):
            yield from self._of_call(here, expr, levels)
        elif isinstance(expr, ast.Cast | ast.CompoundLiteral):
            text = self._program.unit(here.path).code[expr.start : expr.value.start]
            text = text[text.find(b"(") + 1 : text.rfind(b")")]
            yield from self._in_text(here, _Spelt(text, expr.type, 0), levels)
        elif isinstance(expr, ast.Subscript) or (isinstance(expr, ast.Unary) and expr.op == "*"):
            inner = expr.base if isinstance(expr, ast.Subscript) else expr.operand
            yield from self._of(here, inner, levels + 1)
        elif isinstance(expr, ast.Unary):
            if expr.op != "&" or levels:
                yield from self._of(here, expr.operand, levels - (expr.op == "&"))
        else:
            for part in _values(expr):
                yield from self._of(here, part, levels)

    def _of_name(self, here: _Where, expr: ast.Name, levels: int) -> Iterator[bytes]:
        if expr.decl in here.args and here.user is not None:
            yield from self._of(here.user, here.args[expr.decl], levels)
            return
        local = list(self._locals(here, expr))
        for where, declared in local:
            spelt = self._spelt(where.path, declared.at, declared.name, declared.type)
            yield from self._in_text(where, spelt, levels)
        if local:
            return
        for path, items in self._program.introductions(expr.name, here.path, far=False):
            for item in items:
                if isinstance(item, ast.Global):
                    where = _Where(path, item, {}, None, here.depth + 1)
                    spelt = self._spelt(path, item.at, item.name, item.type)
                    yield from self._in_text(where, spelt, levels)
            break
        for inner in self._expanded(here, expr.name, expr):
            yield from self._of_body(inner, levels)

    def _of_member(self, here: _Where, expr: ast.Member, levels: int) -> Iterator[bytes]:
        typer = Typer(self._program, here.path, here.item)
        record = getattr(typer.record_of(expr.base, expr.arrow), "name", "")
        spelt = next(iter(self._field(here.path, record, expr.field)), None)
        if spelt is None:
            return
        yield from self._in_text(here, spelt, levels)
        if levels <= spelt.dimensions:  # a part of the record, not what it points to
            yield from self._of(here, expr.base, int(expr.arrow))

    def _of_call(self, here: _Where, expr: ast.Call, levels: int) -> Iterator[bytes]:
        if not isinstance(expr.func, ast.Name):
            return
        for inner in self._expanded(here, expr.func.name, expr):
            yield from self._of_body(inner, levels)
        name = expr.func.name
        for path, items in self._program.introductions(name, here.path, far=False):
            for item in items:
                if isinstance(item, ast.Function | ast.Prototype):
                    text = self._program.unit(path).code[item.start : item.at]
                    where = _Where(path, item, {}, None, here.depth + 1)
                    yield from self._in_text(where, _Spelt(text, item.ret, 0), levels)
            break

    def _of_body(self, inner: _Where, levels: int) -> Iterator[bytes]:
        body = inner.item.body if isinstance(inner.item, ast.Macro) else None
        if isinstance(body, ast.Expr):
            yield from self._of(inner, body, levels)

    def _locals(self, here: _Where, name: ast.Name) -> Iterator[tuple[_Where, _Local]]:
        # The local that a name means; for a free name of a macro those where it is used.
        if name.decl != ast.GLOBAL:
            for part in self._declarations(here.item):
                if part.at == name.decl:
                    yield here, part
                    return
        user = here.user
        while name.decl == ast.GLOBAL and user is not None:
            for part in self._declarations(user.item):
                if part.name == name.name:
                    yield user, part
            user = user.user

    def _declarations(self, item: ast.Item) -> tuple[_Local, ...]:
        # The item is kept beside them: an id may come again.
        if self._around[0] is not item:
            self._around = (
                item,
                tuple(part for part in _parts(item) if isinstance(part, ast.Declare | ast.Param)),
            )
        return self._around[1]

    # --- words ----------------------------------------------------------------------

    def _in_text(self, here: _Where, spelt: _Spelt, levels: int) -> Iterator[bytes]:
        # `a * b * c` is split at the stars: each level off the type is a star off the end.
        text = _LISTED.sub(b" ", spelt.text)
        parts = [*text.split(b"*"), *[b""] * spelt.dimensions]
        stars = len(parts) - 1
        if levels <= stars:
            yield from _QUALIFIERS.intersection(_WORD.findall(parts[stars - levels]))
        if levels >= stars:
            yield from self._of_typename(here, parts[0], spelt.type, levels - stars)

    def _of_typename(
        self, here: _Where, text: bytes, type_: ast.Type, levels: int
    ) -> Iterator[bytes]:
        while isinstance(type_, ast.Pointer | ast.Array):
            type_ = type_.to if isinstance(type_, ast.Pointer) else type_.of
        if isinstance(type_, ast.TypeOf):
            if here.depth < _DEPTH:
                yield from self._of(here._replace(depth=here.depth + 1), type_.value, levels)
            return
        words = set(_WORD.findall(text))
        if isinstance(here.item, ast.Macro) and here.user is not None:
            code = self._program.unit(here.user.path).code
            for param in here.item.params or ():
                if param.name.encode() in words and param.at in here.args:
                    arg = here.args[param.at]
                    spelt = _Spelt(code[arg.start : arg.end], type_, 0)
                    yield from self._in_text(here.user, spelt, levels)
        if words & {b"struct", b"union"} or here.depth >= _DEPTH:
            return
        for word in sorted(words - _SPECIFIERS):
            for path, items in self._program.introductions(word.decode(), here.path, far=False):
                for item in items:
                    if isinstance(item, ast.Typedef):
                        where = _Where(path, item, {}, None, here.depth + 1)
                        spelt = self._spelt(path, item.at, item.name, item.type)
                        yield from self._in_text(where, spelt, levels)
                break

    def _spelt(self, path: str, at: int, name: str, type_: ast.Type) -> _Spelt:
        unit = self._program.unit(path)
        code = unit.code
        dimensions, end = 0, at + len(name)
        while found := _DIMENSION.match(code, end):
            dimensions, end = dimensions + 1, found.end()
        return _Spelt(_before(unit, at), type_, dimensions)

    def _field(self, path: str, record: str, field: str) -> tuple[_Spelt, ...]:
        key = (path, record, field)
        if key not in self._fields:
            self._fields[key] = tuple(self._find_field(path, record, field))
        return self._fields[key]

    def _find_field(self, path: str, record: str, field: str) -> Iterator[_Spelt]:
        name = record.rpartition(" ")[2].encode()
        for shown in self._program.visible(path, far=False):
            if not name or not self._program.mentions(shown, name, ahead=True):
                continue
            unit = self._program.unit(shown)
            for chunk in unit.find(record):
                for item in unit.items(chunk):
                    for part in _parts(item):
                        if isinstance(part, ast.Field) and part.name == field:
                            yield self._spelt(shown, part.at, field, part.type)
                            return

    # --- places ---------------------------------------------------------------------

    def _no_place(self, here: _Where, expr: ast.Expr) -> str:
        if isinstance(expr, ast.Member) and not expr.arrow:
            return self._no_place(here, expr.base)
        if isinstance(expr, ast.Name):
            return self._no_place_of(here, expr)
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name):
            for inner in self._expanded(here, expr.func.name, expr):
                body = inner.item.body if isinstance(inner.item, ast.Macro) else None
                return self._no_place(inner, body) if isinstance(body, ast.Expr) else ""
        if isinstance(expr, _PLACES) or (isinstance(expr, ast.Unary) and expr.op == "*"):
            return ""
        return "the structure is a value without an address"

    def _no_place_of(self, here: _Where, expr: ast.Name) -> str:
        if expr.decl in here.args and here.user is not None:
            return self._no_place(here.user, here.args[expr.decl])
        for where, declared in self._locals(here, expr):
            text = _before(self._program.unit(where.path), declared.at)
            if b"register" in _WORD.findall(text):
                return f"{expr.name} is in a register and has no address"
        for inner in self._expanded(here, expr.name, expr):
            body = inner.item.body if isinstance(inner.item, ast.Macro) else None
            if isinstance(body, ast.Expr):
                return self._no_place(inner, body)
        return ""


_Local = ast.Declare | ast.Param


class _Spelt(NamedTuple):
    # A declaration: the text before the name, the type, and the array's dimensions.
    text: bytes
    type: ast.Type
    dimensions: int


_PLACES = (ast.Member, ast.Subscript, ast.CompoundLiteral)


def _within(user: _Where, path: str, macro: ast.Macro, node: ast.Call | ast.Name) -> _Where:
    args: dict[int, ast.Expr] = {}
    if isinstance(node, ast.Call):
        pairs = zip(macro.params or (), node.args, strict=False)
        args = {param.at: arg for param, arg in pairs}
    return _Where(path, macro, args, user, user.depth + 1)


def _named_at(item: ast.Item, at: int, macro: ast.Macro) -> Iterator[ast.Call | ast.Name]:
    for part in _parts(item):
        if macro.params is None:
            if isinstance(part, ast.Name) and part.start == at:
                yield part
        elif isinstance(part, ast.Call):
            if isinstance(part.func, ast.Name) and part.func.start == at:
                yield part


def _values(expr: ast.Expr) -> Iterator[ast.Expr]:
    # What the value of an expression may be.
    if isinstance(expr, ast.Binary):
        yield expr.right
        if expr.op != ",":
            yield expr.left
    elif isinstance(expr, ast.Conditional):
        yield expr.test if expr.then is None else expr.then
        yield expr.other
    elif isinstance(expr, ast.Assign):
        yield expr.target
    elif isinstance(expr, ast.StatementExpr) and expr.body.body:
        last = expr.body.body[-1]
        if isinstance(last, ast.ExprStmt):
            yield last.value


def _before(unit: Unit, at: int) -> bytes:
    # The text of a declaration before its name: `const struct page *` of `*a, *b` too.
    depth, comma = 0, -1
    code, chunk = unit.code, unit.chunk_at(at)
    start = max(at - _BACK, 0 if chunk is None else chunk.start)
    for offset in range(at - 1, start - 1, -1):
        char = code[offset]
        if char in b")]":
            depth += 1
        elif char in b"([" and depth:
            depth -= 1
        elif char in b";{}" and not depth:
            start = offset + 1
            break
        elif char == 0x28:
            loop = _WORD.findall(code[max(offset - 8, 0) : offset])[-1:] == [b"for"]
            start = offset + 1 if comma < 0 or loop else comma + 1
            break
        elif char == 0x2C and not depth and comma < 0:
            comma = offset
    text = code[start:at]
    first, comma_, _ = text.partition(b",")
    # `*a = b * c, **d`: the words are the first declarator's, the stars the last one's.
    if not comma_:
        return text
    stars = text.rpartition(b",")[2].count(b"*")
    return first.partition(b"=")[0].partition(b"*")[0] + b"*" * stars


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield node
        for part in node:
            if isinstance(part, tuple):
                yield from _parts(part)
