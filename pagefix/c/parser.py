"""The parser: tree-sitter and its C grammar, made once, when first needed.

Floor 1. Only this module imports tree-sitter when it runs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["faults", "parse"]


@cache
def _parser() -> Parser:
    # Imported here: 34 ms that a run without parsing does not pay for.
    import tree_sitter
    import tree_sitter_c

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def parse(text: bytes) -> Node:
    """Return the root of the syntax tree of a text."""
    return _parser().parse(text).root_node


def faults(root: Node) -> list[tuple[int, int, str]]:
    """Return what the grammar could not read: (start, end, reason), in the text's order.

    Goes only where a fault is, and does not recurse.
    """
    found: list[tuple[int, int, str]] = []
    if not root.has_error:
        return found
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error:
            found.append((node.start_byte, node.end_byte, "text that is not C"))
        elif node.is_missing:
            found.append((node.start_byte, node.end_byte, f"missing {node.type}"))
        else:
            stack.extend(child for child in node.children if child.has_error or child.is_missing)
    found.sort()
    return found
