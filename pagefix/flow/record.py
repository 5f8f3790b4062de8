"""What the interpreter saw: sites with their labels, calls that rules ask for.

The interpreter only reports; whether a site is a finding is decided when all is known
(:mod:`pagefix.flow.findings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pagefix.c import ast, walk
from pagefix.finding import Access
from pagefix.flow.arithmetic import arithmetic
from pagefix.flow.clauses import side_of
from pagefix.flow.contexts import Context
from pagefix.flow.sights import Seen, Sight
from pagefix.flow.state import State
from pagefix.flow.steps import Step
from pagefix.flow.values import (
    CLUSTERS,
    TOP,
    Const,
    Labelled,
    Range,
    SizeLimit,
    Value,
    pages,
    ranges,
)
from pagefix.rulebook import Clause, Match, Rule, match

__all__ = ["Observer", "Record", "Sinks"]

#: Which of two accesses at one place is the true one: ``x += 1`` also reads ``x``.
_RANK = {
    Access.UNEVALUATED: 0,
    Access.READ: 1,
    Access.ADDRESS: 2,
    Access.WRITE: 3,
    Access.READWRITE: 4,
}


class Observer(Protocol):
    """What the interpreter of one function says of where it stands."""

    path: str
    context: Context
    state: State
    expansion: int
    step: Step | None

    def value(self, expr: ast.Expr) -> Value:
        """Return what an expression may be."""


class Sinks:
    """The rules, ordered by what they look at.

    :param fields: names of fields that some rule asks for.
    :param calls: rules with their patterns by the name of the called function.
    :param comparisons: those that compare with a constant, by its name.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.by_field: dict[str, list[tuple[Rule, Match]]] = {}
        self.calls: dict[str, list[tuple[Rule, Match]]] = {}
        self.comparisons: dict[str, list[tuple[Rule, Match]]] = {}
        for rule in rules:
            for each in rule.matches:
                table = self.by_field if each.field else self.calls
                if isinstance(each.tree, ast.Binary):
                    table = self.comparisons
                table.setdefault(each.anchor, []).append((rule, each))
        self.fields = frozenset(self.by_field)
        self.range_calls = frozenset(
            name
            for name, pairs in self.calls.items()
            if any(each.requires == "range" for _rule, each in pairs)
        )


class Record:
    """The log of one analysis."""

    def __init__(self, sinks: Sinks, clauses: Sequence[Clause]) -> None:
        self.sinks = sinks
        self.clauses = clauses
        self.fields: dict[tuple[str, int], Seen] = {}
        self.calls: dict[tuple[str, int], Seen] = {}
        #: Flags that the VM passes: the word, and the direction alone.
        self.flags: dict[int, int] = {}
        self._informed: dict[tuple[str, int], bool] = {}
        #: Where the address of a function is taken: in which contexts, under which clause.
        self.addresses: dict[str, dict[int, str | None]] = {}
        self._seen_by: dict[int, dict[int, Seen]] = {}
        self._tests: dict[tuple[str, int, int], bool] = {}
        self._origin: dict[tuple[int, int], str] = {}

    # --- where ----------------------------------------------------------------

    def locate(self, path: str, body: object) -> None:
        """Note that the nodes of a macro's body lie in another file."""
        if path:
            for node in walk(body):
                if isinstance(node, ast.Member | ast.Call | ast.Binary):
                    self._origin[(node.start, node.end)] = path

    def _path(self, frame: Observer, node: ast.Member | ast.Call | ast.Binary) -> str:
        function = frame.context.function
        if function.start <= node.start < function.end and not frame.expansion:
            return frame.path
        return self._origin.get((node.start, node.end), frame.path)

    # --- sites ----------------------------------------------------------------

    def forget(self, context: int) -> None:
        """Forget what a context saw: it is run again, and may know more."""
        for seen in self._seen_by.pop(context, {}).values():
            seen.sights.pop(context, None)

    def page_field(self, frame: Observer, expr: ast.Member, access: Access, base: Value) -> None:
        """Note that a field of a page (or of what may be one) is used."""
        if expr.field not in self.sinks.fields:
            return
        path = self._path(frame, expr)
        key = (path, expr.at)
        seen = self.fields.get(key)
        if seen is None:
            seen = self.fields[key] = Seen(path, expr, frame.context.function, access)
        elif _RANK[access] > _RANK[seen.access]:
            seen.access = access
        self._sight(frame, seen, base)

    def _sight(self, frame: Observer, seen: Seen, value: Value | None) -> None:
        clause = frame.state.clause
        if frame.step is not None:
            frame.step.sights += ((seen, value, clause),)
        self.sight(frame.context.number, clause, seen, value)

    def sight(self, number: int, clause: str | None, seen: Seen, value: Value | None) -> None:
        """Note how a context saw a place.

        :param value: ``None`` where it is the VM's flags that count.
        """
        if value is None:
            seen.sights[number] = Sight(frozenset(("flags",)), False, clause)
            return
        labels = {atom.label for atom in value if isinstance(atom, Labelled)}
        found = pages(value)
        if found:
            labels.add("swapcache")
        elif ranges(value):
            labels.add("range")
        elif TOP in value:
            labels.add("unknown")
        assumed = bool(found) and all(page.assumed for page in found)
        self._seen_by.setdefault(number, {})[id(seen)] = seen
        old = seen.sights.get(number)
        if old is not None:
            labels |= old.labels
            if "swapcache" in old.labels or "range" in old.labels:
                assumed = old.assumed and (assumed or not found)
                clause = (
                    old.clause
                    if not found and not ranges(value)
                    else (clause if old.clause is not None else None)
                )
        seen.sights[number] = Sight(frozenset(labels), assumed, clause)

    def taken(self, frame: Observer, name: str) -> None:
        """Note that a function's address is taken: it becomes somebody's callback."""
        clause = frame.state.clause
        if frame.step is not None:
            frame.step.taken += ((name, clause),)
        self.taken_in(frame.context.number, clause, name)

    def taken_in(self, number: int, clause: str | None, name: str) -> None:
        """Note in which context a function's address is taken."""
        where = self.addresses.setdefault(name, {})
        where[number] = clause if where.get(number, clause) is not None else None

    def in_table(self, name: str) -> None:
        """Note that a function stands in a static table."""
        self.addresses.setdefault(name, {})[-1] = None

    # --- calls ----------------------------------------------------------------

    def call_site(self, frame: Observer, expr: ast.Call, name: str) -> None:
        """Note a call that a rule's pattern names, if its argument is labelled so."""
        for rule, each in self.sinks.calls[name]:
            bindings = match(each.tree, expr)
            if bindings is None:
                continue
            for variable, bound in bindings.items():
                wanted = rule.metavar(variable).declared if each.requires else ""
                is_page = wanted.startswith(("struct page", "struct folio"))
                value = frame.value(bound.expr)
                asked = each.requires in ("swapcache", "no-swapcache")
                if asked and is_page and pages(value):
                    self._matched(frame, expr, rule, each, value)
                elif asked and is_page and any(a.tag == "labelled" for a in value):
                    # No finding; but why there is none can be told.
                    self._sight(frame, self._call(frame, expr), value)
                elif each.requires == "range" and not is_page and ranges(value):
                    self._matched(frame, expr, rule, each, value)

    def _matched(
        self, frame: Observer, expr: ast.Call, rule: Rule, each: Match, value: Value
    ) -> None:
        seen = self._call(frame, expr)
        seen.rules[rule.name] = (rule, each)
        self._sight(frame, seen, frozenset(a for a in value if a.tag in ("page", "range")))

    def comparison(self, frame: Observer, expr: ast.Binary, left: Value, right: Value) -> None:
        """Note a comparison that the flags which the VM passes decide, not the direction."""
        if not self.flags or not isinstance(expr.right, ast.Name):
            return
        decided = any(
            arithmetic(expr.op, one.value, other.value)
            != arithmetic(expr.op, self.flags[one.value], other.value)
            for one in left
            if isinstance(one, Const) and one.value in self.flags
            for other in right
            if isinstance(other, Const)
        )
        if not decided or self._knows_flags(frame):
            return
        for rule, each in self.sinks.comparisons.get(expr.right.name, ()):
            if match(each.tree, expr) is not None:
                path = self._path(frame, expr)
                key = (path, expr.right.start)
                if key not in self.calls:
                    self.calls[key] = Seen(path, expr, frame.context.function, Access.READ)
                seen = self.calls[key]
                seen.rules[rule.name] = (rule, each)
                self._sight(frame, seen, None)

    def _knows_flags(self, frame: Observer) -> bool:
        # A function that also asks for the flag (rw == KERNEL_READ) means what it compares.
        function = frame.context.function
        key = (frame.path, function.start)
        if key not in self._informed:
            bits = [word ^ direction for word, direction in self.flags.items()]
            # Also as a part of a mask: (rw & (WRITE | REQ_KERNEL)) == WRITE.
            named = (
                name
                for each in walk(function.body)
                if isinstance(each, ast.Binary) and each.op in ("==", "!=", "&")
                if self._holds_flags(frame, each.left)
                for name in walk(each.right)
            )
            self._informed[key] = any(
                isinstance(atom, Const) and any(atom.value & each for each in bits)
                for name in named
                if isinstance(name, ast.Name) and name.decl == ast.GLOBAL
                for atom in frame.value(name)
            )
        return self._informed[key]

    def _holds_flags(self, frame: Observer, expr: ast.Expr) -> bool:
        # Not the number of an error, which may have the bit as well.
        return any(
            isinstance(atom, Const) and atom.value in self.flags
            for name in walk(expr)
            if isinstance(name, ast.Name) and name.decl != ast.GLOBAL
            for atom in frame.value(name)
        )

    def _call(self, frame: Observer, expr: ast.Call) -> Seen:
        path = self._path(frame, expr)
        key = (path, expr.start)
        seen = self.calls.get(key)
        if seen is None:
            seen = Seen(path, expr, frame.context.function, Access.READ)
            self.calls[key] = seen
        return seen

    def helper_call(
        self, frame: Observer, expr: ast.Call, name: str, args: Sequence[Value]
    ) -> None:
        """Note that a function beyond the frontier is given the page itself."""
        seen = self._call(frame, expr)
        positions = {index for index, arg in enumerate(args) if pages(arg)}
        seen.helper = tuple(sorted(positions.union(seen.helper)))
        for index in sorted(positions):
            self._sight(frame, seen, args[index])

    def _names_clause(self, path: str, test: ast.Expr) -> bool:
        # Whether a test can be one of a clause at all: asked once for each test.
        key = (path, test.start, test.end)
        if key not in self._tests:
            compares = isinstance(test, ast.Binary) and test.op in ("<", "<=", ">", ">=")
            self._tests[key] = compares or any(
                side_of(test, clause) is not None for clause in self.clauses
            )
        return self._tests[key]

    # --- contract clauses -----------------------------------------------------

    def excluded(self, frame: Observer, test: ast.Expr) -> tuple[bool, str] | None:
        """Return which side of a test ``swap_activate`` may forbid, and by which clause."""
        if not self._names_clause(frame.path, test):
            return None
        for clause in self.clauses:
            if clause.size and isinstance(test, ast.Binary):
                side = _beyond_end(frame, test)
                if side is not None:
                    return side, clause.name
            side = side_of(test, clause)
            if side is not None:
                return side, clause.name
        return None


#: Comparisons that tell a greater number from all others, by what it stands in front of.
_STRICT = {">": (">", "<="), "<": ("<", ">=")}


def _beyond_end(frame: Observer, test: ast.Binary) -> bool | None:
    if test.op not in ("<", "<=", ">", ">="):
        return None
    left, right = frame.value(test.left), frame.value(test.right)
    offset, size = (left, right), (right, left)
    for (mine, theirs), bigger in ((offset, ">"), (size, "<")):
        if any(a.tag == "size" for a in theirs) and not any(a.tag == "size" for a in mine):
            # The last cluster of pages may begin before the end.
            if any(isinstance(atom, Range) for atom in mine) and CLUSTERS not in mine:
                strict = test.op in _STRICT[bigger]
                # The page that begins at or before the last byte is one of the file's.
                if not strict and any(isinstance(a, SizeLimit) and a.bias < 0 for a in theirs):
                    return None
                return test.op.startswith(bigger)
    return None
