"""Guards: a call is made only where a test of its page is false.

The smallest edit that is right: a conjunct in the condition that controls the call, else
an ``if`` around its statement, else an early return. A test that would come after the page
is unlocked (from then on it may have left the swap cache) is taken before, into a flag.

What goes wrong if only a part of it is guarded is guarded together: a page's private data
and the reference that is taken for it. What cannot be done so is left to a person, with
the reason.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from pagefix.c import ast, walk
from pagefix.finding import Edit
from pagefix.fix.heads import extended
from pagefix.fix.late import Unlocks, may_be_null
from pagefix.fix.route import (
    LOOPS,
    STATEMENTS,
    assigned,
    declaration,
    given_another,
    has_effects,
    page_of,
    route,
    same_name,
)
from pagefix.fix.style import indent_to, width
from pagefix.fix.truth import is_condition, is_truth, value_without
from pagefix.program import Program
from pagefix.rulebook import FixSpec, Hit
from pagefix.source import SourceFile

__all__ = ["Guarded", "guard"]

_FLAGS = ("swapcache", "is_swapcache", "page_is_swapcache")
_HINTS = frozenset(("likely", "unlikely"))
_ELSE = re.compile(rb"\b(else)[ \t]*\r?\n[ \t]*")
_INDENT = re.compile(rb"[ \t]*\Z")
_TAIL = re.compile(rb"[ \t]*(?:/\*[^\n]*\*/[ \t]*|//[^\n]*[^\n\\])?\r?(?:\n|\Z)")
_DIRECTIVE = re.compile(rb"^[ \t]*#", re.MULTILINE)


class Guarded(NamedTuple):
    """What comes of a guard.

    :param edits: empty if it cannot be written.
    :param reason: why it cannot, or why it needs a look; empty if neither.
    """

    edits: tuple[Edit, ...]
    reason: str


class _CannotError(Exception):
    pass


def guard(program: Program, hit: Hit, spec: FixSpec, guarded: Collection[str] = ()) -> Guarded:
    """Return the edits that keep a call from being made where the test of a fix is true.

    :param guarded: functions whose calls may get a guard in the same rewrite.
    """
    try:
        return _Guard(program, hit, spec, guarded).made()
    except _CannotError as reason:
        return Guarded((), str(reason))


class _Guard:
    def __init__(self, program: Program, hit: Hit, spec: FixSpec, guarded: Collection[str]) -> None:
        self.guarded = guarded
        self.source: SourceFile = program.unit(hit.path).source
        self.unlocks = Unlocks(program, hit.path, spec.unlocks)
        self.hit = hit
        self.spec = spec
        if not isinstance(hit.expr, ast.Call) or not isinstance(hit.item, ast.Function):
            raise _CannotError("it is in a macro")
        self.call = hit.expr
        self.function = hit.item
        self.route = route(self.function, self.call)
        if len(self.route) < 2:
            raise _CannotError("it is in a macro")
        self.flag: Edit | None = None

    def made(self) -> Guarded:
        test = self.test()
        at = max(n for n, node in enumerate(self.route) if isinstance(node, STATEMENTS))
        statement = self.route[at]
        if isinstance(statement, ast.ExprStmt) and _is_whole(statement.value, self.call):
            edits, doubt = self.around(at, statement, test)
        else:
            edits, doubt = self.inside(test), ""
        if self.flag is not None:
            edits.insert(0, self.flag)
        return Guarded(tuple(edits), doubt)

    def edit(self, start: int, end: int, text: str) -> Edit:
        return Edit(self.hit.path, start, end, text)

    # --- the test

    def test(self) -> str:
        """Return what is true for a swapcache page, as it can be asked at the call."""
        assert self.spec.guard is not None
        page = self.page()
        if has_effects(page):
            raise _CannotError("the page is the value of an expression with side effects")
        test = self.spec.guard.fill(
            dict.fromkeys(
                self.spec.guard.variables(),
                " ".join(self.source.text(page.start, page.end).split()),
            )
        )
        if self.is_late(page):
            return self.sampled(page, test)
        return test

    def page(self) -> ast.Expr:
        assert self.spec.guard is not None
        name = next(self.spec.guard.variables())
        if name in self.hit.bindings:
            bound = self.hit.bindings[name]
            if bound.prefix:
                raise _CannotError("the page is a variable, not a pointer to one")
            return bound.expr
        value = self.hit.bindings[self.spec.of[name]].expr
        found = page_of(self.function, value, self.hit.rule.metavar(name).type)
        pages = {each.decl: each for each in found}
        if not pages:
            raise _CannotError(f"{self.function.name}() does not know the page of the range")
        if len(pages) > 1:
            names = " and ".join(each.name for each in pages.values())
            raise _CannotError(f"the range may be that of {names}")
        page = found[0]
        if given_another(self.function, page, [each.start for each in found], self.call):
            raise _CannotError(f"{page.name} is another page by then")
        return page

    def is_late(self, page: ast.Expr) -> bool:
        # Whether the page may have been unlocked by then. For a range it is enough that
        # the page's own I/O may have been started in an earlier turn of a loop.
        decl = page.decl if isinstance(page, ast.Name) else -1

        def comes_round(loop: object) -> bool:
            assert isinstance(loop, LOOPS)
            return not loop.start <= decl < loop.end

        if self.spec.of and any(isinstance(n, LOOPS) and comes_round(n) for n in self.route):
            return True
        return self.unlocks.before(
            self.function, self.call, page, comes_round, lambda each: self.is_same(each, page)
        )

    def is_same(self, one: ast.Expr, other: ast.Expr) -> bool:
        return same_name(one, other) or self.source.text(one.start, one.end) == self.source.text(
            other.start, other.end
        )

    def sampled(self, page: ast.Expr, test: str) -> str:
        """Return the name of a flag that holds the test's value from before."""
        found = declaration(self.function, page) if isinstance(page, ast.Name) else None
        if not isinstance(page, ast.Name) or found is None or assigned(self.function, page):
            raise _CannotError("the test must be taken before the page is unlocked")
        if may_be_null(self.function, page):
            raise _CannotError("the test must be taken where it is known that there is a page")
        if isinstance(found, ast.Param):
            block = self.function.body
        else:
            blocks = [each for each in self.route if isinstance(each, ast.Block)]
            near = [each for each in blocks if found in each.body]
            if found.init is None or not near:
                raise _CannotError("the test must be taken before the page is unlocked")
            block = near[0]
        names = {getattr(each, "name", "") for each in walk(self.function)}
        for each in block.body:
            if not isinstance(each, ast.Declare):
                break
            if each.init is not None and test == self.source.text(each.init.start, each.init.end):
                return each.name
        name = next((each for each in _FLAGS if each not in names), None)
        if name is None:
            raise _CannotError("the test must be taken before the page is unlocked")
        self.flag = self.declared(block, found, f"bool {name} = {test};")
        return name

    def declared(self, block: ast.Block, page: ast.Param | ast.Declare, text: str) -> Edit:
        data = self.source.data
        last: ast.Stmt | None = None
        for each in block.body:
            if not isinstance(each, ast.Declare):
                break
            last = each
        if last is None or (isinstance(page, ast.Declare) and last.start < page.start):
            if isinstance(page, ast.Declare):
                raise _CannotError("the page is declared among statements")
            # No declaration yet: one, and an empty line.
            at = data.find(b"\n", block.start) + 1
            plain = [each for each in block.body if not isinstance(each, ast.Label)]
            if data[block.start + 1 : at].strip() or not plain:
                raise _CannotError("there is no place for a flag")
            indent = self.indent(plain[0])
            return self.edit(at, at, f"{indent}{text}{self.newline(at)}{self.newline(at)}")
        at = data.find(b"\n", last.end) + 1
        if not _TAIL.match(data, last.end):
            raise _CannotError("there is no place for a flag")
        return self.edit(at, at, f"{self.indent(last)}{text}{self.newline(at)}")

    # --- a call that is a statement

    def around(self, at: int, statement: ast.ExprStmt, test: str) -> tuple[list[Edit], str]:
        holder = self.route[at - 1]
        unit: list[ast.Stmt] = [statement]
        body: tuple[ast.Stmt, ...] = (statement,)
        control = holder
        if isinstance(holder, ast.Block):
            body = holder.body
            control = self.route[at - 2] if at >= 2 else None
            if self.spec.together:
                unit = self.run(body, statement)
        if (
            isinstance(control, ast.If)
            and len(unit) == len(body)
            and control.other is None
            and not self.has_directive(control)
        ):
            asked = self.source.text(control.test.start, control.test.end)
            if f"!{test}" in asked:
                raise _CannotError("it is tested for, and comes there all the same")
            if test in asked:
                raise _CannotError("it is made for such a page alone")
            return self.extended(control, f"!{test}"), ""
        if self.takes_else(at):
            raise _CannotError("an `if` there would take the `else` that follows")
        if isinstance(holder, ast.If) and holder.other == statement:
            between = _ELSE.search(self.source.data, holder.then.end, statement.start)
            if between is not None:
                at_else = between.end(1)
                return [self.edit(at_else, at_else, f" if (!{test})")], ""
        alone = not self.spec.together
        rest = [each for each in body if not isinstance(each, ast.Declare)]
        whole = control is None and len(unit) == len(rest) and not self.has_directive(self.function)
        if whole and len(unit) > 1 and self.function.ret == ast.Base("void"):
            return self.early(unit[0], test), ""
        doubt = "" if alone or whole else "see whether what follows needs the private data"
        return self.wrapped(unit, f"!{test}"), doubt

    def extended(self, control: ast.If, text: str) -> list[Edit]:
        # A guard of its own may make a || of the condition, in the same rewrite.
        other = any(
            isinstance(each, ast.Call)
            and isinstance(each.func, ast.Name)
            and each.func.name in self.guarded
            for each in walk(control.test)
        )
        edits = extended(self.source, control, text, other=other)
        if not edits:
            raise _CannotError("the condition is guarded in the same rewrite")
        return edits

    def takes_else(self, at: int) -> bool:
        # Whether an `else` further on would belong to an `if` that begins here: without a
        # block in between, the innermost one gets it.
        inner = self.route[at]
        for outer in reversed(self.route[:at]):
            if isinstance(outer, ast.Block | ast.Function):
                return False
            if isinstance(outer, ast.If) and outer.other is not None and outer.then == inner:
                return True
            if isinstance(outer, ast.While) and outer.first:
                return False
            inner = outer
        return False

    def has_directive(self, node: ast.If | ast.Function) -> bool:
        # With another side of an `#if` the same head would control something else.
        return _DIRECTIVE.search(self.source.data, node.start, node.end) is not None

    def run(self, body: tuple[ast.Stmt, ...], statement: ast.Stmt) -> list[ast.Stmt]:
        # The neighbours that are of no use without it: calls for the same page that the rule
        # names. What else is done to the page there must be done for every page.
        page = self.page()
        here = body.index(statement)
        first = last = here
        while first > 0 and self.is_for(body[first - 1], page):
            first -= 1
        while last + 1 < len(body) and self.is_for(body[last + 1], page):
            last += 1
        return list(body[first : last + 1])

    def is_for(self, statement: ast.Stmt, page: ast.Expr) -> bool:
        return (
            isinstance(statement, ast.ExprStmt)
            and isinstance(statement.value, ast.Call)
            and not any(isinstance(part, ast.Assign) for part in walk(statement))
            and any(self.is_same(each, page) for each in statement.value.args)
            and isinstance(statement.value.func, ast.Name)
            and statement.value.func.name in self.spec.together
        )

    def early(self, first: ast.Stmt, test: str) -> list[Edit]:
        indent = self.indent(first)
        line = self.newline(first.start)
        text = f"if ({test}){line}{indent}\treturn;{line}{line}{indent}"
        return [self.edit(first.start, first.start, text)]

    def wrapped(self, unit: list[ast.Stmt], test: str) -> list[Edit]:
        first, last = unit[0], unit[-1]
        indent = self.indent(first)
        line = self.newline(first.start)
        if not _TAIL.match(self.source.data, last.end):
            raise _CannotError("it shares its line with something else")
        brace = " {" if len(unit) > 1 else ""
        edits = [self.edit(first.start, first.start, f"if ({test}){brace}{line}{indent}\t")]
        starts = self.source.lines()
        for number in range(self.source.line_of(first.start), self.source.line_of(last.end)):
            at = starts[number]
            text = self.source.data[at : self.source.data.find(b"\n", at)]
            if text.lstrip()[:1] == b"#" or self.source.data[at - 2 : at] == b"\\\n":
                raise _CannotError("a preprocessor line stands in it")
            if text.strip():
                edits.append(self.edit(at, at, "\t"))
        if brace:
            tail = _TAIL.match(self.source.data, last.end)
            assert tail is not None
            end = last.end + len(tail[0].rstrip(b"\r\n"))
            edits.append(self.edit(end, end, f"{line}{indent}}}"))
        return edits

    def indent(self, statement: ast.Stmt) -> str:
        begin = self.source.data.rfind(b"\n", 0, statement.start) + 1
        text = self.source.data[begin : statement.start]
        if not _INDENT.match(text):
            raise _CannotError("it shares its line with something else")
        return text.decode()

    def newline(self, at: int) -> str:
        end = self.source.data.find(b"\n", max(at - 1, 0))
        return "\r\n" if self.source.data[end - 1 : end] == b"\r" else "\n"

    # --- a call whose value is used

    def inside(self, test: str) -> list[Edit]:
        above = list(reversed(self.route[:-1]))
        whole: ast.Expr = self.call
        condition = False
        while above:
            parent = above[0]
            if is_truth(parent) or (
                isinstance(parent, ast.Call)
                and isinstance(parent.func, ast.Name)
                and parent.func.name in _HINTS
            ):
                condition = condition or is_truth(parent)
                whole = parent  # type: ignore[assignment]
                above.pop(0)
                continue
            condition = condition or is_condition(parent, whole)
            break
        parent = above[0] if above else None
        value = value_without(whole, self.call, self.spec.skipped)
        if not self.spec.skipped:
            raise _CannotError("its value is used")
        if not condition or value is None:
            return self.chosen(test)
        op = "||" if value else "&&"
        gap = self.gap(whole)
        text = f"{test} ||{gap}" if value else f"!{test} &&{gap}"
        other = {"||": "&&", "&&": "||"}[op]
        closed = isinstance(parent, ast.Binary) and parent.op == other
        # The end is named too: what is written at one place is ordered by how far it goes.
        return [
            self.edit(whole.start, whole.start, f"({text}" if closed else text),
            self.edit(whole.end, whole.end, ")" if closed else ""),
        ]

    def gap(self, whole: ast.Expr) -> str:
        # What goes over several lines stays as it is, one line lower: its own lines are
        # set out by where it begins.
        data = self.source.data
        begin = data.rfind(b"\n", 0, whole.start) + 1
        before = self.source.text(begin, whole.start)
        if b"\n" not in data[whole.start : whole.end] or "\\\n" in before:
            return " "
        return self.newline(begin) + indent_to(width(before))

    def chosen(self, test: str) -> list[Edit]:
        parent = self.route[-2]
        plain = isinstance(
            parent, ast.Assign | ast.Declare | ast.Return | ast.Switch | ast.Init
        ) or (isinstance(parent, ast.Call) and parent.func != self.call)
        text = f"{test} ? {self.spec.skipped} :{self.gap(self.call)}"
        return [
            self.edit(self.call.start, self.call.start, text if plain else f"({text}"),
            self.edit(self.call.end, self.call.end, "" if plain else ")"),
        ]


def _is_whole(value: ast.Expr, call: ast.Call) -> bool:
    while isinstance(value, ast.Cast):
        value = value.value
    return (value.start, value.end) == (call.start, call.end)
