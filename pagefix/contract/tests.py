"""Whether an expression is one of the tests that a demand asks for, and what it proves."""

from __future__ import annotations

from pagefix.c import ast
from pagefix.contract.states import ANY, NEG, POS, TRUE, ZERO
from pagefix.contract.subjects import Shape
from pagefix.contract.words import is_named, mentions
from pagefix.rulebook import Demand

__all__ = ["MASKS", "Tests"]

#: Signs for which a comparison with zero holds.
MASKS = {"==": ZERO, "!=": TRUE, "<": NEG, ">": POS, "<=": NEG | ZERO, ">=": POS | ZERO}
_ORDER = ("<", ">", "<=", ">=")
_TRUTHS = {"false": 0, "true": 1}
#: How a count is raised.
_COUNTERS = frozenset("atomic_inc atomic_inc_return atomic64_inc refcount_inc".split())


def _counters(demand: Demand) -> frozenset[str]:
    return _COUNTERS if demand.counts else frozenset()


class Tests:
    """The tests of one demand.

    A test is asked for the signs of its value that prove the file harmless: ``ZERO`` for
    ``IS_SWAPFILE(inode)``, ``TRUE`` for ``flags & BTRFS_INODE_NODATACOW``.
    """

    def __init__(self, demand: Demand) -> None:
        self._good = {
            **dict.fromkeys(demand.zero, ZERO),
            **dict.fromkeys(demand.nonzero, TRUE),
            **dict.fromkeys(demand.positive, POS),
        }
        self.names = frozenset(self._good)
        self.calls = frozenset((*(each.split()[0] for each in demand.calls), *_counters(demand)))
        self._handed = {each.split()[0]: frozenset(each.split()[1:]) for each in demand.calls}
        self._counts = frozenset(demand.counts)
        self._equal = frozenset(demand.equal)
        self.taken = frozenset(demand.taken)
        self.words = self.names | frozenset(self._handed) | self._counts | self.taken

    def enough(self, name: str, expr: ast.Call) -> bool:
        """Tell whether the mere call of a function is what is demanded."""
        wanted = self._counts if name in _COUNTERS else self._handed.get(name)
        if not wanted:
            return wanted is not None and name not in _COUNTERS
        truths = {_TRUTHS.get(each) for each in wanted}
        return mentions(expr.args, wanted) is not None or any(
            isinstance(arg, ast.Number) and arg.value in truths for arg in expr.args
        )

    def named(self, expr: ast.Call) -> bool:
        """Tell whether a call is itself a test, not its arguments."""
        return isinstance(expr.func, ast.Name) and expr.func.name in self._good

    def of_call(self, expr: ast.Call) -> int | None:
        """Return the good signs of a call's result, ``None`` if it is no test."""
        if isinstance(expr.func, ast.Name) and self.named(expr):
            return self._good[expr.func.name]
        for arg in expr.args:
            name = mentions(arg, self.names)
            if name is not None:
                return self._good[name]
        return None

    def of_member(self, expr: ast.Member) -> int | None:
        """Return the good signs of a member's value, ``None`` if it is no test."""
        return self._good.get(expr.field)

    def of_mask(self, expr: ast.Binary) -> int | None:
        """Return the good signs of ``flags & NAME``, ``None`` if it is no test."""
        name = mentions(expr, self.names)
        return None if name is None else self._good[name]

    def of_comparison(self, expr: ast.Binary, shape: Shape) -> int | None:
        """Return the good truth of a comparison, ``None`` if it is no test.

        ``x == NAME`` is true of what the name says; so is ``value < limit`` where the name
        is the value's.
        """
        if self._equal and expr.op in ("==", "!="):
            if is_named(expr.left, self._equal) or is_named(expr.right, self._equal):
                return TRUE if expr.op == "==" else ZERO
        left = mentions(expr.left, self.names)
        name = left or mentions(expr.right, self.names)
        if name is None and expr.op in _ORDER:
            for each in sorted(self.names):
                one = frozenset((each,))
                if shape.depends(expr.left, one):
                    left = name = each
                elif name is None and shape.depends(expr.right, one):
                    name = each
        if name is None:
            return None
        good = ZERO if self._good[name] == ZERO else TRUE
        says = expr.op == "==" or (expr.op in ("<", "<=")) == (left is not None)
        if expr.op == "!=":
            says = False
        return good if says else ANY & ~good

    def of_case(self, value: ast.Expr | None) -> bool | None:
        """Return whether a ``case`` proves the file harmless; ``None`` if it says nothing."""
        name = mentions(value, self.names) if value is not None else None
        return None if name is None else self._good[name] != ZERO
