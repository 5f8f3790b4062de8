"""What an expression names: the variable it is about, words at file scope, members."""

from __future__ import annotations

from pagefix.c import ast, walk

__all__ = ["base_of", "is_named", "mentions", "word_of"]

#: Macros whose first argument is what they are about, whatever else they are given.
_CONTAINERS = frozenset(
    "container_of list_entry list_first_entry list_last_entry rb_entry hlist_entry".split()
)


def base_of(expr: ast.Expr) -> ast.Name | None:
    """Return the variable that an expression is about, ``None`` if there is not one."""
    while True:
        if isinstance(expr, ast.Name):
            return expr
        if isinstance(expr, ast.Member | ast.Subscript):
            expr = expr.base
        elif isinstance(expr, ast.Unary):
            expr = expr.operand
        elif isinstance(expr, ast.Cast):
            expr = expr.value
        elif isinstance(expr, ast.Binary) and expr.op in ("+", "-"):
            expr = expr.left
        elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and expr.args:
            if len(expr.args) > 1 and expr.func.name not in _CONTAINERS:
                return None
            expr = expr.args[0]
        else:
            return None


def mentions(node: object, names: frozenset[str]) -> str | None:
    """Return the first of some names that an expression mentions, as a word or a member."""
    for each in walk(node):
        name = word_of(each)
        if name in names:
            return name
    return None


def is_named(node: object, names: frozenset[str]) -> bool:
    """Tell whether a node is itself a word or a member of some names."""
    return word_of(node) in names


def word_of(node: object) -> str | None:
    """Return the word at file scope or the member that a node is."""
    if isinstance(node, ast.Name):
        return node.name if node.decl == ast.GLOBAL else None
    return node.field if isinstance(node, ast.Member) else None
