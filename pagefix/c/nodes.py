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
    todo = [node]
    while todo:
        current = todo.pop()
        if isinstance(current, tuple):
            if hasattr(current, "_fields"):
                yield current
            todo.extend(reversed(current))
