"""Which object an expression is about.

``BTRFS_I(file_inode(file))->root`` is about ``file``: members, casts, ``&``, ``*`` and
wrappers of one argument are peeled, and a local variable that is given one value is
about what that value is about.
"""

from __future__ import annotations

from collections.abc import Container

from pagefix.c import ast, walk
from pagefix.contract.content import Contents
from pagefix.contract.liveness import Liveness
from pagefix.contract.states import behind
from pagefix.contract.words import base_of, mentions

__all__ = ["Shape"]

#: How far what a local depends on is followed.
_DEEP = 3


class Shape:
    """What a function's locals are given, and where labels stand in it."""

    def __init__(self, function: ast.Function) -> None:
        self.function = function
        self.params = {param.at: index for index, param in enumerate(function.params)}
        self.values: dict[int, list[ast.Expr]] = {}
        self._put: dict[tuple[int, str], list[ast.Expr]] = {}
        labels: list[int] = []
        for node in walk(function.body):
            if isinstance(node, ast.Declare) and node.init is not None:
                self.values.setdefault(node.at, []).append(node.init)
                self._keep_all(node.at, node.init)
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.target, ast.Name)
                and node.target.decl != ast.GLOBAL
            ):
                self.values.setdefault(node.target.decl, []).append(node.value)
            elif isinstance(node, ast.Assign) and isinstance(node.target, ast.Member):
                self._keep(node.target, node.value)
            elif isinstance(node, ast.Label):
                labels.append(node.start)
        self._about: dict[int, int] = {}
        self._given: dict[int, frozenset[int]] = {}
        self._labels = tuple(labels)
        self.liveness = Liveness(function)
        self.outgoing = frozenset((*self.params, *(behind(each) for each in self.params)))
        self.contents = Contents()

    def _keep(self, target: ast.Member, value: ast.Expr) -> None:
        base = target.base
        if isinstance(base, ast.Name) and base.decl != ast.GLOBAL:
            self._put.setdefault((base.decl, target.field), []).append(value)

    def _keep_all(self, decl: int, init: ast.Expr) -> None:
        for item in init.items if isinstance(init, ast.InitList) else ():
            if len(item.designators) == 1 and item.designators[0].field is not None:
                self._put.setdefault((decl, item.designators[0].field), []).append(item.value)

    def put(self, holder: ast.Expr, field: str) -> ast.Expr | None:
        """Return what a member of something is given here, ``None`` if that is not known."""
        base = base_of(holder)
        values = self._put.get((base.decl, field), []) if base is not None else []
        return values[0] if len(values) == 1 else None

    def holds_label(self, stmt: ast.Stmt) -> bool:
        """Tell whether a label stands in a statement."""
        return any(stmt.start <= at < stmt.end for at in self._labels)

    def about(self, decl: int) -> int:
        """Return the parameter or local that a local is about: it may be itself."""
        if decl not in self._about:
            self._about[decl] = decl
            self._about[decl] = self._followed(decl)
        return self._about[decl]

    def _followed(self, decl: int) -> int:
        if decl in self.params:
            return decl
        bases = {
            self.about(base.decl) if base is not None and base.decl != ast.GLOBAL else decl
            for value in self.values.get(decl, ())
            if not _constant(value)
            for base in (base_of(self._held(value)),)
        }
        return bases.pop() if len(bases) == 1 else decl

    def _held(self, value: ast.Expr) -> ast.Expr:
        # What is read from a member is what was put there.
        for node in walk(value):
            held = self.put(node.base, node.field) if isinstance(node, ast.Member) else None
            if held is not None:
                return held
        return value

    def given(self, body: ast.Stmt) -> frozenset[int]:
        """Return the locals that are given a value in a statement and stand for themselves."""
        if body.start not in self._given:
            found = set()
            for node in walk(body):
                decl = ast.GLOBAL
                if isinstance(node, ast.Declare):
                    decl = node.at
                elif isinstance(node, ast.Assign) and isinstance(node.target, ast.Name):
                    decl = node.target.decl
                if decl != ast.GLOBAL and self.about(decl) not in self.params:
                    found.add(decl)
            self._given[body.start] = frozenset(found)
        return self._given[body.start]

    def depends(
        self,
        expr: ast.Expr,
        names: frozenset[str],
        *,
        rest: bool = False,
        given: Container[int] | None = None,
    ) -> bool:
        """Tell whether an expression, or what its locals are given, mentions a name.

        :param rest: whether it must be a difference from what has that name.
        :param given: ids of the values that are given on some way; all of them if left out.
        """
        seen: set[int] = set()
        todo: list[tuple[object, int]] = [(expr, 0)]
        while todo:
            node, depth = todo.pop()
            if not rest and mentions(node, names) is not None:
                return True
            for each in walk(node):
                if rest and isinstance(each, ast.Binary) and each.op == "-":
                    if mentions(each.left, names) is not None:
                        return True
                if isinstance(each, ast.Name) and each.decl not in seen and depth < _DEEP:
                    seen.add(each.decl)
                    todo += [
                        (value, depth + 1)
                        for value in self.values.get(each.decl, ())
                        if given is None or id(value) in given
                    ]
        return False


def _constant(expr: ast.Expr) -> bool:
    if isinstance(expr, ast.Number | ast.String):
        return True
    if isinstance(expr, ast.Unary):
        return _constant(expr.operand)
    if isinstance(expr, ast.Cast):
        return _constant(expr.value)
    return isinstance(expr, ast.Name) and expr.decl == ast.GLOBAL
