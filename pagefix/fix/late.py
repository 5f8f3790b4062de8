"""Whether a page may have been unlocked before a place in its function: a test is too late then.

From the unlock on the page may leave the swap cache, so a test of it says nothing. The unlock
may be another function's, that is handed the page.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pagefix.c import ast, walk
from pagefix.fix.route import LOOPS, route, same_name
from pagefix.program import Program

__all__ = ["Unlocks", "may_be_null"]

# How many calls deep an unlock is looked for.
_DEPTH = 3


class Unlocks:
    """The functions after which a test says nothing, for one fix.

    :param names: those that a rule names.
    """

    def __init__(self, program: Program, path: str, names: tuple[str, ...]) -> None:
        self._program = program
        self._path = path
        self._names = names
        self._known: dict[tuple[str, int], bool] = {}

    def before(
        self,
        function: ast.Function,
        call: ast.Expr,
        loops: Callable[[object], bool],
        is_page: Callable[[ast.Expr], bool],
    ) -> bool:
        """Return whether a page may be unlocked before a call that is made with it.

        :param loops: whether a loop around the call may come round to the same page.
        :param is_page: whether an expression is the page.
        """
        found = list(self._calls(function.body, is_page, self._path, _DEPTH))
        if any(each.start < call.start and not _leaves(function, each, call) for each in found):
            return True
        around = [each for each in route(function, call) if isinstance(each, LOOPS) and loops(each)]
        return any(loop.start <= each.start < loop.end for loop in around for each in found)

    def _calls(
        self, node: object, is_page: Callable[[ast.Expr], bool], path: str, depth: int
    ) -> Iterator[ast.Call]:
        for part in walk(node):
            if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Name):
                continue
            at = next((n for n, each in enumerate(part.args) if is_page(each)), None)
            if at is not None and self._unlocks(part.func.name, at, path, depth):
                yield part

    def _unlocks(self, name: str, at: int, path: str, depth: int) -> bool:
        # Whether a function may unlock what it is given at a position.
        if name in self._names:
            return at == 0
        if not depth:
            return False
        key = (name, at)
        if key not in self._known:
            # A function that calls itself does nothing more by it.
            self._known[key] = False
            self._known[key] = any(
                True
                for where, function in self._program.functions(name, path)
                if at < len(function.params)
                for _ in self._calls(
                    function.body, _named_by(function.params[at]), where, depth - 1
                )
            )
        return self._known[key]


def _named_by(param: ast.Param) -> Callable[[ast.Expr], bool]:
    return lambda expr: isinstance(expr, ast.Name) and expr.decl == param.at


def _leaves(function: ast.Function, unlock: ast.Call, call: ast.Expr) -> bool:
    # Whether control that comes by the unlock never comes to the call: its block returns, or
    # goes to a label below, and nothing goes back up.
    way = route(function, unlock)
    marks = {each.name: each.start for each in walk(function.body) if isinstance(each, ast.Label)}
    jumps = [each for each in walk(function.body) if isinstance(each, ast.Goto)]
    back = any(
        each.label is None or marks.get(each.label, -1) <= call.start < each.start for each in jumps
    )
    for block in way:
        if not isinstance(block, ast.Block) or block.start <= call.start < block.end:
            continue
        last = block.body[-1] if block.body else None
        if last is None or _parts_ways(block, unlock.start, last):
            continue
        if isinstance(last, ast.Return):
            return True
        if isinstance(last, ast.Goto) and last.label is not None and not back:
            return marks.get(last.label, -1) > call.start
    return False


def _parts_ways(block: ast.Block, start: int, last: ast.Stmt) -> bool:
    # Whether control may leave a block between a place in it and its last statement.
    if any(isinstance(each, ast.Case) for each in block.body):
        return True
    jumps = ast.Break | ast.Continue | ast.Goto
    return any(isinstance(n, jumps) and start < n.start and n is not last for n in walk(block))


def may_be_null(function: ast.Function, page: ast.Name) -> bool:
    """Return whether a function asks if there is a page at all: it may be called without one."""
    for part in walk(function.body):
        asked: tuple[object, ...] = ()
        if isinstance(part, ast.If | ast.While | ast.Conditional):
            asked = (part.test,)
        elif isinstance(part, ast.Binary) and part.op in ("&&", "||", "==", "!="):
            asked = (part.left, part.right)
            if part.op in ("==", "!=") and not any(_is_nothing(each) for each in asked):
                continue
        elif isinstance(part, ast.Unary) and part.op == "!":
            asked = (part.operand,)
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            if part.func.name in ("IS_ERR", "IS_ERR_OR_NULL", "likely", "unlikely"):
                asked = part.args
        if any(same_name(each, page) for each in asked):
            return True
    return False


def _is_nothing(expr: object) -> bool:
    return (isinstance(expr, ast.Name) and expr.name == "NULL") or (
        isinstance(expr, ast.Number) and not expr.value
    )
