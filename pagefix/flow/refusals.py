"""What a table's ``swap_activate`` is seen to refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pagefix.c import ast, walk
from pagefix.flow.clauses import side_of
from pagefix.flow.world import World
from pagefix.rulebook import Clause

__all__ = ["refusals"]

#: How many calls below ``swap_activate`` a refusal is looked for.
_DEPTH = 2


def refusals(
    world: World, path: str, activate: Iterable[str], clauses: Sequence[Clause]
) -> frozenset[str]:
    """Return the clauses that every form of a ``swap_activate`` is seen to keep.

    Seen is a test that names the clause's vocabulary, with a negative error on that side.

    :param path: where the table is that has it.
    """
    search = _Search(world, clauses)
    return _common(search.kept(name, path, _DEPTH) for name in activate)


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    every = list(sets)
    return frozenset.intersection(*every) if every else frozenset()


class _Search:
    # What functions refuse, each asked once.

    def __init__(self, world: World, clauses: Sequence[Clause]) -> None:
        self._world = world
        self._clauses = clauses
        self._known: dict[tuple[str, str, int], frozenset[str]] = {}

    def kept(self, name: str, path: str, depth: int) -> frozenset[str]:
        key = (name, path, depth)
        if key not in self._known:
            callee = self._world.function_callee(name, path)
            self._known[key] = _common(
                self._form(where, function, depth) for where, function in callee.functions
            )
        return self._known[key]

    def _form(self, path: str, function: ast.Function, depth: int) -> frozenset[str]:
        found: set[str] = set()
        for node in walk(function.body):
            if isinstance(node, ast.If):
                found.update(each.name for each in self._clauses if _refuses(node, each))
            elif depth and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found |= self.kept(node.func.name, path, depth - 1)
        return frozenset(found)


def _refuses(node: ast.If, clause: Clause) -> bool:
    for test, positive in _operands(node.test, True):
        side = side_of(test, clause)
        if side is None:
            continue
        branch = node.then if side == positive else node.other
        if branch is not None and any(_fails(each) for each in walk(branch)):
            return True
    return False


def _operands(test: ast.Expr, positive: bool) -> Iterator[tuple[ast.Expr, bool]]:
    if isinstance(test, ast.Unary) and test.op == "!":
        yield from _operands(test.operand, not positive)
    elif isinstance(test, ast.Binary) and test.op in ("&&", "||"):
        yield from _operands(test.left, positive)
        yield from _operands(test.right, positive)
    else:
        yield test, positive


def _fails(node: object) -> bool:
    value: object = None
    if isinstance(node, ast.Return):
        value = node.value
    elif isinstance(node, ast.Assign):
        value = node.value
    return isinstance(value, ast.Unary) and value.op == "-"
