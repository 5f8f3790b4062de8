"""What becomes of a value in its function: whether it is used for certain members.

``page->mapping`` is read for two things: the file that a page belongs to, and the tree
that the page is in. For a swapcache page these are two mappings, and a wrapper gives the
first. Which one is meant shows in the members that are used.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pagefix.c import ast, walk

__all__ = ["used_for"]


def used_for(function: ast.Function, value: ast.Expr, members: Collection[str]) -> str:
    """Return the member that a value is used for, empty if none.

    It is used for a member that is taken from it or from a variable that it is stored in;
    that stands among the other arguments of a call it is passed to; or that is locked
    while the value is only looked at, not followed.
    """
    uses = _uses(function, frozenset(members))
    if uses is None:
        return ""
    way = uses.way(value)
    if way and isinstance(way[0], ast.Member):
        return way[0].field if way[0].field in members else ""
    for node in way:
        if isinstance(node, ast.Call):
            others = tuple(a for a in node.args if not a.start <= value.start < a.end)
            found = _member(others, members)
            if found:
                return found
    return uses.of_variables(value) or uses.while_locked(value)


class _Uses:
    # What is asked of every value in a function, gathered in one walk through it.

    def __init__(self, function: ast.Function, members: frozenset[str]) -> None:
        self.parents: dict[int, object] = {}
        self.places: dict[tuple[type, int, int], object] = {}
        # Variables by what is stored in them: places of members, and other variables.
        self.from_place: dict[int, list[int]] = {}
        self.from_variable: dict[int, list[int]] = {}
        self.taken: list[tuple[int, str]] = []  # members of variables, in the text's order
        self.locks: list[tuple[int, str, bool]] = []
        # Kept while its nodes are known by their identity.
        self.function = function
        self.walk(function.body, None)
        for part in walk(function.body):
            self.gather(part, members)

    def walk(self, node: object, above: object) -> None:
        # Not by recursion: an `else if` chain goes as deep as it is long.
        rest = [(node, above)]
        while rest:
            node, above = rest.pop()
            if not isinstance(node, tuple):
                continue
            if hasattr(node, "_fields"):
                self.parents[id(node)] = above
                start, end = getattr(node, "start", -1), getattr(node, "end", -1)
                self.places.setdefault((type(node), start, end), node)
                above = node
            rest += [(part, above) for part in reversed(node)]

    def gather(self, part: object, members: frozenset[str]) -> None:
        if isinstance(part, ast.Declare) and part.init is not None:
            self.stored(part.init, part.at)
        elif isinstance(part, ast.Assign) and isinstance(part.target, ast.Name):
            if part.op == "=":
                self.stored(part.value, part.target.decl)
        elif isinstance(part, ast.Member) and part.field in members:
            if isinstance(part.base, ast.Name):
                self.taken.append((part.base.decl, part.field))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            if "lock" in part.func.name:
                member = _member(part.args, members)
                if member:
                    self.locks.append((part.start, member, "unlock" not in part.func.name))

    def stored(self, expr: ast.Expr, decl: int) -> None:
        if decl < 0:
            return
        for each in _given(expr):
            if isinstance(each, ast.Name):
                self.from_variable.setdefault(each.decl, []).append(decl)
            else:
                self.from_place.setdefault(each.start, []).append(decl)

    def way(self, value: ast.Expr) -> list[object]:
        # What a value stands in, innermost first.
        node = self.places.get((type(value), value.start, value.end))
        found = []
        while node is not None:
            node = self.parents.get(id(node))
            if node is not None:
                found.append(node)
        return found

    def of_variables(self, value: ast.Expr) -> str:
        # Copies of copies count.
        fresh = list(self.from_place.get(value.start, ()))
        variables: set[int] = set()
        while fresh:
            decl = fresh.pop()
            if decl not in variables:
                variables.add(decl)
                fresh += self.from_variable.get(decl, ())
        return next((field for decl, field in self.taken if decl in variables), "")

    def while_locked(self, value: ast.Expr) -> str:
        held: dict[str, bool] = {}
        for start, member, locks in self.locks:
            if start > value.start:
                break
            held[member] = locks
        return next((member for member, locked in held.items() if locked), "")


#: Of the function that was asked of last: findings come function by function, and most
#: name none of the members.
_known: list[tuple[ast.Function, frozenset[str], _Uses | None]] = []


def _uses(function: ast.Function, members: frozenset[str]) -> _Uses | None:
    if not _known or _known[0][0] is not function or _known[0][1] != members:
        named = any(
            isinstance(each, ast.Member) and each.field in members for each in walk(function.body)
        )
        _known[:] = [(function, members, _Uses(function, members) if named else None)]
    return _known[0][2]


def _member(node: tuple[object, ...], members: Collection[str]) -> str:
    for part in walk(node):
        if isinstance(part, ast.Member) and part.field in members:
            return part.field
    return ""


def _given(expr: ast.Expr) -> Iterator[ast.Name | ast.Member]:
    # What the value of an expression may be the value of.
    if isinstance(expr, ast.Cast):
        yield from _given(expr.value)
    elif isinstance(expr, ast.Conditional):
        for each in (expr.then or expr.test, expr.other):
            yield from _given(each)
    elif isinstance(expr, ast.Name | ast.Member):
        yield expr
