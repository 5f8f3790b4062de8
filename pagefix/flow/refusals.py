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
    return _common(_kept(world, name, path, clauses, 0) for name in activate)


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    every = list(sets)
    return frozenset.intersection(*every) if every else frozenset()


def _kept(
    world: World, name: str, path: str, clauses: Sequence[Clause], depth: int
) -> frozenset[str]:
    forms = []
    for where, function in world.function_callee(name, path).functions:
        found: set[str] = set()
        called: dict[str, None] = {}
        for node in walk(function.body):
            if isinstance(node, ast.If):
                found.update(clause.name for clause in clauses if _refuses(node, clause))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called[node.func.name] = None
        for each in called if depth < _DEPTH else ():
            if each != name:
                found |= _kept(world, each, where, clauses, depth + 1)
        forms.append(frozenset(found))
    return _common(forms)


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
