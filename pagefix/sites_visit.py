"""Field accesses of one item, those that macros make among them.

In: an item with the typer for it. Out: :class:`~pagefix.sites_walk.Hit`. An argument of a
macro is used as the macro's body uses the parameter; an argument that a macro puts
behind ``->`` is the name of a field, and the body says of what.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from pagefix.c.ast import (
    Call,
    Expr,
    InitList,
    Invocation,
    Macro,
    Member,
    Name,
    Param,
    Subscript,
    Type,
    UnknownType,
)
from pagefix.finding import Access
from pagefix.program import UNKNOWN, Program, Typer, invoked
from pagefix.sites_walk import Hit, Walker

__all__ = ["Visitor", "merge", "parameter", "pasted"]

READ, UNEVALUATED = Access.READ, Access.UNEVALUATED

_ONLY_ASKED = frozenset(("__builtin_constant_p", "__builtin_object_size"))


class Visitor(Walker):
    """Walks an item, and the bodies of macros where it leads through them.

    The parameters are those of :class:`~pagefix.sites_walk.Walker`.
    """

    def _call(self, node: Call, mode: Access) -> None:
        self._node(node.func, self._read(mode))
        name = node.func.name if isinstance(node.func, Name) else ""
        asked = mode is UNEVALUATED or name in _ONLY_ASKED
        macros: Sequence[tuple[str, Macro]] = ()
        if name and any(self._touches(arg.start, arg.end) for arg in node.args):
            macros = self.typer.program.near_macros(name, self.typer.origin)
        for number, arg in enumerate(node.args):
            if not self._touches(arg.start, arg.end):
                continue
            root = _root(arg)
            if isinstance(root, Name) and self._field_argument(node, number, arg, macros, mode):
                continue
            if isinstance(arg, InitList):
                self._initializer(arg, partial(self._wanted, node, number, macros))
                continue
            uses = [] if asked else self._uses(macros, number, mode)
            access = UNEVALUATED if asked else merge([access for access, _ in uses])
            by_address = any(by for access, by in uses if access is not UNEVALUATED)
            self._addressed(arg, access, name if by_address else "")

    def _invocation(self, node: Invocation, mode: Access) -> None:
        self._call(invoked(node), READ)
        self._node(node.body, READ)

    def _uses(
        self, macros: Sequence[tuple[str, Macro]], number: int, mode: Access
    ) -> Sequence[tuple[Access, bool]]:
        # What macros do to an argument, and whether they take its address to do so.
        found: list[tuple[Access, bool]] = []
        for path, macro in macros:
            nothing: list[tuple[int, Access, bool]] = []
            body = partial(self._body, path, macro, mode)
            uses = self.typer.program.memo(f"uses {mode}", path, macro, nothing, body)
            param = parameter(macro, number)
            found += [(access, by) for at, access, by in uses if at == param]
        return found

    def _body(self, path: str, macro: Macro, mode: Access) -> list[tuple[int, Access, bool]]:
        inner = Visitor(Typer(self.typer.program, path, macro, origin=self.typer.origin), None)
        inner.visit_item(macro, mode)
        return inner.used

    def _wanted(self, call: Call, number: int, macros: Sequence[tuple[str, Macro]]) -> Type:
        # The type that a macro gives to an argument that is an initializer.
        for path, macro in macros:
            inner = self.typer.expand(path, macro, call)
            param = parameter(macro, number)
            if inner is None:
                continue
            for start in self._places(macro, param):
                visitor = Visitor(inner, [start])
                visitor.watch = start
                visitor.visit_item(macro)
                if not isinstance(visitor.watched.value, UnknownType):
                    return visitor.watched.value
        return UNKNOWN

    def _places(self, node: object, param: int | None) -> Iterator[int]:
        if isinstance(node, Name) and node.decl == param:
            yield node.start
        elif isinstance(node, tuple):
            for part in node:
                if isinstance(part, tuple):
                    yield from self._places(part, param)

    def _field_argument(
        self,
        call: Call,
        number: int,
        arg: Expr,
        macros: Sequence[tuple[str, Macro]],
        mode: Access,
    ) -> bool:
        # A field's name as an argument: whose field is in the body of the macro that
        # puts it behind `->`.
        hits: list[Hit] = []
        for path, macro in macros:
            if number in pasted(self.typer.program, path, macro, self.typer.origin):
                hits += self._pasted(path, macro, call, number, mode)
        if not hits:
            return False
        known = [hit for hit in hits if not isinstance(hit.record, UnknownType)] or hits
        record = known[0].record
        access = merge([hit.access for hit in hits])
        before = ""
        for name, at in _path(arg):
            if before:
                record = self._step(record, before)
            self._report(at, name, access, record, call)
            before = name
        return True

    def _pasted(self, path: str, macro: Macro, call: Call, number: int, mode: Access) -> list[Hit]:
        at = parameter(macro, number)
        name = next((each.name for each in macro.params or () if each.at == at), "")
        inner = self.typer.expand(path, macro, call)
        if inner is None:
            return []
        visitor = Visitor(inner, None)
        visitor.visit_item(macro, mode)
        return [hit for hit in visitor.hits if hit.field == name]


def merge(found: Sequence[Access]) -> Access:
    """Return what is done to a field that one text does several things to."""
    done = set(found) - {UNEVALUATED}
    if not done:
        return UNEVALUATED if found else READ
    if len(done) == 1:
        return done.pop()
    return Access.ADDRESS if Access.ADDRESS in done else Access.READWRITE


def parameter(macro: Macro, number: int) -> int | None:
    """Return the offset of the parameter that gets the argument of a number."""
    params = macro.params or ()
    if number < len(params):
        return params[number].at
    return params[-1].at if params and params[-1].name.endswith("...") else None


def pasted(program: Program, path: str, macro: Macro, origin: str) -> frozenset[int]:
    """Return the parameters of a macro that are names of fields, however deep.

    :param origin: the file that uses it: what it leads to is looked up there.
    """
    nothing: frozenset[int] = frozenset()
    return program.memo("pasted", path, macro, nothing, lambda: _pasted_now(program, macro, origin))


def _pasted_now(program: Program, macro: Macro, origin: str) -> frozenset[int]:
    params = macro.params or ()
    found = set(macro.pasted)
    for call in _calls(macro.body):
        if not isinstance(call.func, Name):
            continue
        for number, arg in enumerate(call.args):
            root = _root(arg)
            mine = [i for i, each in enumerate(params) if _is(root, each)]
            if mine and mine[0] not in found:
                for place, other in program.near_macros(call.func.name, origin):
                    if number in pasted(program, place, other, origin):
                        found.add(mine[0])
    return frozenset(found)


def _is(root: Expr, param: Param) -> bool:
    return isinstance(root, Name) and root.decl == param.at


def _calls(node: object) -> Iterator[Call]:
    if isinstance(node, tuple):
        if isinstance(node, Call):
            yield node
        for part in node:
            if isinstance(part, tuple):
                yield from _calls(part)


def _root(node: Expr) -> Expr:
    # The first name of a path of fields, `a.b[1].c`.
    while isinstance(node, Subscript) or (isinstance(node, Member) and not node.arrow):
        node = node.base
    return node


def _path(node: Expr) -> Iterator[tuple[str, int]]:
    # `a.b[1].c` as names with their offsets.
    if isinstance(node, Name):
        yield node.name, node.start
    elif isinstance(node, Member):
        yield from _path(node.base)
        yield node.field, node.at
    elif isinstance(node, Subscript):
        yield from _path(node.base)


Visitor.methods = {
    **Walker.methods,
    Call: Visitor._call,
    Invocation: Visitor._invocation,
}
