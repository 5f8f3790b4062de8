"""Everything below a node of the syntax tree.

Floor 1.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["walk"]


def walk(node: object) -> Iterator[object]:
    """Yield a node of :mod:`pagefix.c.ast` and all below it, in the order of the text.

    Not by recursion: an ``else if`` chain goes as deep as it is long.
    """
    todo = [node] if isinstance(node, tuple) else []
    while todo:
        current = todo.pop()
        if hasattr(current, "_fields"):
            yield current
        # Most of what a node holds is numbers and names: they are left out at once.
        for child in current[::-1]:
            if isinstance(child, tuple):
                todo.append(child)  # noqa: PERF401 (a list of them takes longer)
