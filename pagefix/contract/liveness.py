"""Where a local variable is used for the last time: what is known of it then goes.

Two ways to a place that differ in what nobody will ask again are one way.
"""

from __future__ import annotations

from bisect import bisect_left

from pagefix.c import ast, walk

__all__ = ["Liveness"]

_LOOPS = (ast.While, ast.For, ast.ForEach)


class Liveness:
    """The last uses of a function's locals.

    What is declared outside a loop and used in it is used until the loop ends; a backward
    ``goto`` makes a loop too. Parameters are used until the end: a caller asks for them.
    """

    def __init__(self, function: ast.Function) -> None:
        kept = {param.at for param in function.params}
        last: dict[int, int] = {}
        rounds: list[tuple[int, int]] = []
        labels: dict[str, int] = {}
        for node in walk(function.body):
            if isinstance(node, ast.Name) and node.decl not in kept and node.decl >= 0:
                last[node.decl] = max(last.get(node.decl, 0), node.end)
            elif isinstance(node, ast.Declare):
                last.setdefault(node.at, node.end)
            elif isinstance(node, _LOOPS):
                rounds.append((node.start, node.end))
            elif isinstance(node, ast.Label):
                labels.setdefault(node.name, node.start)
            elif isinstance(node, ast.Goto) and node.label in labels:
                rounds.append((labels[node.label], node.end))
        for _ in rounds:
            before = dict(last)
            for start, end in rounds:
                for decl, at in before.items():
                    if decl < start < at <= end:
                        last[decl] = max(last[decl], end)
            if last == before:
                break
        pairs = sorted((end, decl) for decl, end in last.items())
        self._ends = [end for end, _ in pairs]
        self._decls = [decl for _, decl in pairs]
        self._dying: dict[tuple[int, int], frozenset[int]] = {}

    def dying(self, start: int, end: int) -> frozenset[int]:
        """Return the locals whose last use lies between two places."""
        key = (start, end)
        if key not in self._dying:
            first, last = bisect_left(self._ends, start), bisect_left(self._ends, end + 1)
            found = self._decls[first:last]
            # What is known of what it points to goes with it.
            self._dying[key] = frozenset((*found, *(-2 - decl for decl in found)))
        return self._dying[key]
