"""Which object an expression is about.

``BTRFS_I(file_inode(file))->root`` is about ``file``: members, casts, ``&``, ``*`` and
wrappers of one argument are peeled, and a local variable that is given one value is
about what that value is about.
"""

from __future__ import annotations

from collections.abc import Iterator

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
        for node in walk(function.body):
            if isinstance(node, ast.Declare) and node.init is not None:
                self.values.setdefault(node.at, []).append(node.init)
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.target, ast.Name)
                and node.target.decl != ast.GLOBAL
            ):
                self.values.setdefault(node.target.decl, []).append(node.value)
        self._about: dict[int, int] = {}
        self._given: dict[int, frozenset[int]] = {}
        self.labelled: frozenset[int] = frozenset(_holders(function.body))
        self.liveness = Liveness(function)
        self.outgoing = frozenset((*self.params, *(behind(each) for each in self.params)))
        self.contents = Contents()

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
            for base in (base_of(value),)
        }
        return bases.pop() if len(bases) == 1 else decl

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

    def depends(self, expr: ast.Expr, names: frozenset[str], *, rest: bool = False) -> bool:
        """Tell whether an expression, or what its locals are given, mentions a name.

        :param rest: whether it must be a difference from what has that name.
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
                    todo += [(value, depth + 1) for value in self.values.get(each.decl, ())]
        return False


def _constant(expr: ast.Expr) -> bool:
    if isinstance(expr, ast.Number | ast.String):
        return True
    if isinstance(expr, ast.Unary):
        return _constant(expr.operand)
    if isinstance(expr, ast.Cast):
        return _constant(expr.value)
    return isinstance(expr, ast.Name) and expr.decl == ast.GLOBAL


def _holders(body: object) -> Iterator[int]:
    # Statements (by their place) that hold a label.
    def visit(node: object) -> Iterator[int]:
        if not isinstance(node, tuple):
            return
        inside = [at for child in node if isinstance(child, tuple) for at in visit(child)]
        if inside or isinstance(node, ast.Label):
            start = getattr(node, "start", None)
            if start is not None:
                inside.append(start)
        yield from inside

    yield from visit(body)
