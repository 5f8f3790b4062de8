"""Where a call stands in its function, and what is known of the page there.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable

from pagefix.c import ast, walk

__all__ = [
    "LOOPS",
    "STATEMENTS",
    "assigned",
    "declaration",
    "given_another",
    "has_effects",
    "holders",
    "page_of",
    "route",
    "same_name",
]

LOOPS = (ast.While, ast.For, ast.ForEach)
# From one page to another form of it: they change nothing and cost next to nothing.
_PURE = frozenset(("page_folio", "compound_head", "virt_to_page", "virt_to_head_page"))

STATEMENTS = (
    ast.ExprStmt,
    ast.Declare,
    ast.Block,
    ast.If,
    *LOOPS,
    ast.Switch,
    ast.Return,
    ast.Alternatives,
)


def route(function: ast.Function, call: ast.Expr) -> tuple[object, ...]:
    """Return the nodes from a function's body to an expression in it, that one last.

    :return: empty if it is not there.
    """
    found = _route(function.body, call)
    return tuple(reversed(found))


def _route(node: object, wanted: object) -> list[object]:
    # Innermost first.
    if not isinstance(node, tuple):
        return []
    named = hasattr(node, "_fields")
    if type(node) is type(wanted) and _place(node) == _place(wanted):
        return [node]
    for part in node:
        found = _route(part, wanted)
        if found:
            return [*found, node] if named else found
    return []


def _place(node: object) -> tuple[int, int]:
    return getattr(node, "start", -1), getattr(node, "end", -1)


def same_name(one: object, other: object) -> bool:
    """Return whether both are one and the same variable."""
    return (
        isinstance(one, ast.Name)
        and isinstance(other, ast.Name)
        and (one.name, one.decl) == (other.name, other.decl)
    )


def has_effects(expr: ast.Expr) -> bool:
    """Return whether to evaluate an expression twice is not the same as once."""
    return any(
        isinstance(part, ast.Assign | ast.StatementExpr | ast.Opaque)
        or (isinstance(part, ast.Call) and not _only_looks(part))
        or (isinstance(part, ast.Unary) and part.op in ("++_", "--_", "_++", "_--"))
        for part in walk(expr)
    )


def _only_looks(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.name in _PURE


def declaration(function: ast.Function, name: ast.Name) -> ast.Param | ast.Declare | None:
    """Return the declaration of a parameter or a local variable."""
    for param in function.params:
        if param.at == name.decl:
            return param
    for part in walk(function.body):
        if isinstance(part, ast.Declare) and part.at == name.decl:
            return part
    return None


def assigned(function: ast.Function, name: ast.Name) -> list[ast.Expr]:
    """Return the values that a variable is given after its declaration.

    One whose address is taken counts as given that.
    """
    found: list[ast.Expr] = []
    for part in walk(function.body):
        if isinstance(part, ast.Assign) and same_name(part.target, name):
            found.append(part.value)
        elif isinstance(part, ast.Unary) and same_name(part.operand, name):
            if part.op in ("&", "++_", "--_", "_++", "_--"):
                found.append(part)
        elif isinstance(part, ast.ForEach) and any(same_name(a, name) for a in part.head.args):
            found.append(part.head)
    return found


def given_another(function: ast.Function, name: ast.Name, uses: list[int], call: ast.Expr) -> bool:
    """Return whether a variable may hold something else at a call than at its uses before.

    :param uses: where it is used, at least one.
    """
    loops = [each for each in route(function, call) if isinstance(each, LOOPS)]
    for given in assigned(function, name):
        if min(uses) < given.start < call.start:
            return True
        for loop in loops:
            inside = loop.start <= given.start < loop.end
            if inside and not any(loop.start <= use < loop.end for use in uses):
                return True
    return False


def holders(function: ast.Function, page: ast.Expr) -> set[int]:
    """Return the variables that a page lies in: it was taken from them, or put there.

    :return: where they are declared.
    """
    if not isinstance(page, ast.Name):
        return _roots([page])
    values = assigned(function, page)
    found = declaration(function, page)
    if isinstance(found, ast.Declare) and found.init is not None:
        values.append(found.init)
    for part in walk(function.body):
        if isinstance(part, ast.Assign) and same_name(part.value, page):
            values.append(part.target)
    inside = _roots(each for each in values if not isinstance(each, ast.Name))
    inside |= {
        part.at
        for part in walk(function.body)
        if isinstance(part, ast.Declare) and isinstance(part.init, ast.InitList)
        if any(same_name(each, page) for each in walk(part.init))
    }
    return inside - {page.decl}


def _roots(values: Iterable[ast.Expr]) -> set[int]:
    # `bio` of bio->bi_io_vec[at].bv_page, not `at`.
    found = set()
    for each in values:
        while not isinstance(each, ast.Name):
            if isinstance(each, ast.Member | ast.Subscript):
                each = each.base
            elif isinstance(each, ast.Unary):
                each = each.operand
            elif isinstance(each, ast.Cast):
                each = each.value
            else:
                break
        else:
            found.add(each.decl)
    return found - {-1}


def page_of(function: ast.Function, value: ast.Expr, type_: ast.Type) -> list[ast.Name]:
    """Return the uses of page variables of a function that a number is computed from.

    Every value that a variable in between is ever given counts. In the text's order.

    :param type_: of such a variable: ``struct page *``.
    """
    fresh = [part for part in walk(value) if isinstance(part, ast.Name) and part.decl >= 0]
    seen: dict[int, ast.Name] = {}
    pages: list[ast.Name] = []
    while fresh:
        name = fresh.pop()
        found = declaration(function, name)
        if found is None:
            continue
        if found.type == type_:
            pages.append(name)
            continue
        if name.decl in seen:
            continue
        seen[name.decl] = name
        values = assigned(function, name)
        if isinstance(found, ast.Declare) and found.init is not None:
            values.append(found.init)
        for each in values:
            fresh += [p for p in walk(each) if isinstance(p, ast.Name) and p.decl >= 0]
    return sorted(pages, key=lambda each: each.start)
