"""Whether a page may have been unlocked before a place in its function: a test is too late then.

From the unlock on the page may leave the swap cache, so a test of it says nothing. The unlock
may be another function's, however deep, that is handed the page or what the page lies in; and
nothing is known of what is called through a pointer.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from pagefix.c import ast, walk
from pagefix.fix.route import LOOPS, holders, route, same_name
from pagefix.program import Program

__all__ = ["Unlocks", "may_be_null"]


class _Handed(NamedTuple):
    # A function, as called in a file, with the page at a position; at none: with something
    # that the page lies in.
    name: str
    at: int | None
    path: str


class Unlocks:
    """The functions after which a test says nothing, for one fix.

    :param names: those that a rule names.
    """

    def __init__(self, program: Program, path: str, names: tuple[str, ...]) -> None:
        self._program = program
        self._path = path
        self._names = names
        self._known: dict[_Handed, bool] = {}

    def before(
        self,
        function: ast.Function,
        call: ast.Expr,
        page: ast.Expr,
        loops: Callable[[object], bool],
        is_page: Callable[[ast.Expr], bool],
    ) -> bool:
        """Return whether a page may be unlocked before a call that is made with it.

        :param loops: whether a loop around the call may come round to the same page.
        :param is_page: whether an expression is the page.
        """
        if not self._names:
            return False
        found = list(self._calls(function, page, is_page))
        if any(each.start < call.start and not _leaves(function, each, call) for each in found):
            return True
        around = [each for each in route(function, call) if isinstance(each, LOOPS) and loops(each)]
        return any(loop.start <= each.start < loop.end for loop in around for each in found)

    def _calls(
        self, function: ast.Function, page: ast.Expr, is_page: Callable[[ast.Expr], bool]
    ) -> Iterator[ast.Call]:
        for call, handed in _handed(function.body, is_page, self._path):
            if handed is None or self._unlocks(handed):
                yield call
        inside = holders(function, page)
        for part in walk(function.body):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
                if any(_lies_in(each, inside) or _is_address(each, is_page) for each in part.args):
                    if self._unlocks(_Handed(part.func.name, None, self._path)):
                        yield part

    def _unlocks(self, handed: _Handed) -> bool:
        if handed not in self._known:
            self._known[handed] = self._leads_to_one(handed)
        return self._known[handed]

    def _leads_to_one(self, first: _Handed) -> bool:
        seen = {first}
        fresh = [first]
        while fresh:
            each = fresh.pop()
            if each.name in self._names and each.at in (0, None):
                return True
            for onward in self._onward(each):
                if onward is None:
                    return True
                if onward not in seen:
                    seen.add(onward)
                    fresh.append(onward)
        return False

    def _onward(self, handed: _Handed) -> Iterator[_Handed | None]:
        for where, function in self._program.functions(handed.name, handed.path):
            if handed.at is not None:
                if handed.at < len(function.params):
                    is_page = _named_by(function.params[handed.at])
                    yield from (each for _, each in _handed(function.body, is_page, where))
            elif where in self._program.files:
                # Of what the page lies in it is not known how it comes out: any will do.
                for part in walk(function.body):
                    if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
                        yield _Handed(part.func.name, None, where)


def _handed(
    node: object, is_page: Callable[[ast.Expr], bool], path: str
) -> Iterator[tuple[ast.Call, _Handed | None]]:
    # The calls that are given the page; none of what is called through a pointer is known.
    for part in walk(node):
        if isinstance(part, ast.Call):
            at = next((n for n, each in enumerate(part.args) if is_page(each)), None)
            if at is not None:
                if isinstance(part.func, ast.Name) and part.func.decl < 0:
                    yield part, _Handed(part.func.name, at, path)
                else:
                    yield part, None


def _lies_in(argument: ast.Expr, inside: Collection[int]) -> bool:
    if isinstance(argument, ast.Unary) and argument.op == "&":
        argument = argument.operand
    return isinstance(argument, ast.Name) and argument.decl in inside


def _is_address(argument: ast.Expr, is_page: Callable[[ast.Expr], bool]) -> bool:
    return isinstance(argument, ast.Unary) and argument.op == "&" and is_page(argument.operand)


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
