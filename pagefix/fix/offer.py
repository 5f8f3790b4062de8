"""What a rule offers for one hit in this tree: an edit, or the reason why there is none.

The one place that decides whether a fix is made at all. A wrapper is a function: it has
no address and cannot be assigned to, it can be hidden by a local of its name, and its
own definition must go on reading the field.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from os.path import dirname

from pagefix.c import ChunkKind, ast
from pagefix.finding import Edit, Fix
from pagefix.fix.declared import Declared
from pagefix.fix.edits import gaps_hold_comment, replacement
from pagefix.fix.guards import guard
from pagefix.fix.include import included
from pagefix.fix.predicate import has_predicate
from pagefix.fix.uses import used_for
from pagefix.fix.verdict import judged
from pagefix.program import Program
from pagefix.rulebook import FixSpec, Hit, Rule, Template
from pagefix.source import Span

__all__ = ["Offers"]

# How many calls below a wrapper its own definition is taken to go.
_OWN_DEPTH = 3


class Offers:
    """Fixes for the hits of one program.

    :param program: decides which symbols there are and what they mean.
    :param rules: those in use: what one guards, another one's guard may stand beside.
    """

    def __init__(self, program: Program, rules: Iterable[Rule] = ()) -> None:
        self._program = program
        self._guarded = frozenset(
            each.anchor
            for rule in rules
            if any(spec.guard is not None and spec.skipped for spec in rule.fixes)
            for each in rule.matches
            if not each.field
        )
        self._exists: dict[tuple[str, tuple[str, ...], bool], bool] = {}
        self._own: dict[str, frozenset[str]] = {}
        self._homes: dict[tuple[str, str], tuple[str, int]] = {}
        self._included: dict[str, frozenset[str]] = {}
        self._declared = Declared(program)
        self._names: tuple[ast.Item | None, frozenset[str]] = (None, frozenset())

    def has(self, spec: FixSpec, *, own: bool = True) -> bool:
        """Return whether the tree has what a fix needs.

        :param own: whether the rule is pagefix's own: then a header of the VM declares it.
        """
        if spec.needs is None:
            return True
        key = (spec.needs, spec.without, own)
        if key not in self._exists:
            known = has_predicate if spec.guard is not None else Program.has_symbol
            there = known(self._program, spec.needs)
            there = there or (not own and self._program.declares(spec.needs))
            self._exists[key] = there and not (spec.without and self._mentions(spec, own))
        return self._exists[key]

    def _mentions(self, spec: FixSpec, own: bool) -> bool:
        # Whether the definition of what a fix needs mentions what it must not. The VM's
        # headers have it; to look through the checked files would be to read all of them.
        assert spec.needs is not None
        codes = self._program.vm_code(spec.needs)
        if not codes and not own:
            codes = self._definitions(spec.needs)
        words = [re.compile(rb"\b%s\b" % re.escape(name.encode())) for name in spec.without]
        return any(word.search(code) for word in words for code in codes)

    def fixes(self, hit: Hit) -> tuple[Fix, ...]:
        """Return the first fix of the hit's rule that access and tree allow, if any."""
        fitting = [spec for spec in hit.rule.fixes if self._fits(hit, spec)]
        if not fitting:
            return ()
        if fitting[0].guard is not None:
            return (self._guard(hit, fitting[0], fitting[1:]),)
        return (self._fix(hit, fitting[0]),)

    def _fits(self, hit: Hit, spec: FixSpec) -> bool:
        if spec.calls and _callee(hit.expr) not in spec.calls:
            return False
        if spec.used_for:
            if not isinstance(hit.item, ast.Function):
                return False
            if not used_for(hit.item, hit.expr, spec.used_for):
                return False
        bound = spec.variables() <= hit.bindings.keys()
        return bound and hit.access in spec.access and self.has(spec, own=hit.rule.own)

    def _guard(self, hit: Hit, spec: FixSpec, others: Iterable[FixSpec]) -> Fix:
        texts = self.texts(hit)
        made = guard(self._program, hit, spec, self._guarded)
        advice = next((each for each in others if each.guard is None), None)
        edits = self._with_header(hit, spec, made.edits)
        doubt = self._doubt(hit, spec)
        return judged(
            spec.applicability,
            spec.message.fill(texts),
            edits,
            obstacle=self._obstacle(hit, spec) or ("" if edits else made.reason or doubt),
            advice="" if advice is None else advice.message.fill(texts),
            doubts=(made.reason, doubt),
        )

    def _with_header(self, hit: Hit, spec: FixSpec, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
        missing = self._missing(hit, spec)
        if not missing or not edits:
            return edits
        # What stands before its directives tells whether one of them is a header's guard.
        self._program.asked.whole.add(hit.path)
        line = included(self._program.unit(hit.path).source, missing)
        # Without a place for it there is nothing that compiles.
        return () if line is None else (line, *edits)

    def _fix(self, hit: Hit, spec: FixSpec) -> Fix:
        message = spec.message.fill(self.texts(hit))
        if spec.replace is None:
            return judged(spec.applicability, message, ())
        source = self._program.unit(hit.path).source
        whole = Span(hit.path, hit.expr.start, hit.expr.end)
        edits = replacement(source, whole, spec.replace, hit.bindings)
        obstacle = self._obstacle(hit, spec)
        if not obstacle and gaps_hold_comment(source, edits):
            obstacle = "a comment or a preprocessor line stands inside the expression"
        doubt = "" if obstacle else self._doubt(hit, spec)
        edits = self._with_header(hit, spec, edits)
        return judged(
            spec.applicability,
            message,
            edits,
            obstacle=obstacle or ("" if edits else doubt),
            doubts=(doubt,),
        )

    def texts(self, hit: Hit) -> dict[str, str]:
        """Return the text of each of the hit's metavariables, on one line."""
        source = self._program.unit(hit.path).source
        found = {}
        for name, bound in hit.bindings.items():
            text = source.text(bound.expr.start, bound.expr.end)
            text = bound.prefix + re.sub(r"\s*\\?\s*\n\s*", " ", text)
            plain = isinstance(bound.expr, _POSTFIX) and not bound.prefix
            found[name] = text if plain or not hit.match.field else f"({text})"
        return found

    # --- reasons against any edit

    def _obstacle(self, hit: Hit, spec: FixSpec) -> str:
        symbol = spec.needs
        if hit.reason:
            return hit.reason
        if symbol is not None:
            name = getattr(hit.item, "name", "")
            if name == symbol:
                return f"this is the definition of {symbol}() itself"
            if name in self._below(symbol):
                return f"{symbol}() itself comes through {name}()"
            if symbol in self._locals(hit.item) or self._is_local_type(hit, symbol):
                return f"a local named {symbol} hides the function"
            if self._defined_otherwise(hit.path, symbol):
                return f"this file has a {symbol} of its own"
            if self._too_early(hit, symbol):
                return f"{symbol}() is declared further on"
            reason = self._unfit(hit, symbol)
            if reason:
                return reason
        if any(isinstance(parent, ast.Asm) for parent in hit.parents):
            return "it is an operand of inline assembly"
        first = hit.parents[0] if hit.parents else None
        if isinstance(first, ast.Unary) and first.op == "&":
            return "a wrapper's value has no address"
        if hit.macro is not None and self._used_as_place(hit.macro):
            return f"{hit.macro}() is assigned to, or its address is taken, where it is used"
        for parent in hit.parents:
            if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
                if self._pastes(hit.path, parent, parent.func.name, hit.expr):
                    return f"{parent.func.name}() makes a string or a name of its argument"
        return ""

    def _locals(self, item: ast.Item) -> frozenset[str]:
        # The item is kept beside its names: an id may come again.
        if self._names[0] is not item:
            kinds = (ast.Declare, ast.Param)
            names = {part.name for part in _parts(item) if isinstance(part, kinds)}
            self._names = (item, frozenset(names))
        return self._names[1]

    def _is_local_type(self, hit: Hit, symbol: str) -> bool:
        code = self._program.unit(hit.path).code[hit.item.start : hit.item.end]
        form = rb"\btypedef\b[^;{}]*[\s*]" + symbol.encode() + rb"\s*[;\[]"
        return b"typedef" in code and re.search(form, code) is not None

    def _used_as_place(self, macro: str) -> bool:
        # By the text around each use, parentheses in between: only more careful than needed.
        for path, at in self._program.callers(macro):
            code = self._program.unit(path).code
            end = at + len(macro)
            if code[end : end + 1] == b"(":
                depth = 0
                for found in re.finditer(rb"[()]", code[end:]):
                    depth += 1 if found.group() == b"(" else -1
                    if depth == 0:
                        end += found.end()
                        break
            before = code[max(at - 40, 0) : at].rstrip(b" \t(")
            address = before.endswith(b"&") and not before.endswith(b"&&")
            if address or before.endswith((b"++", b"--")) or _ASSIGNED.match(code, end):
                return True
        return False

    def _pastes(self, path: str, call: ast.Call, name: str, part: ast.Expr) -> bool:
        position = sum(each.end <= part.start for each in call.args)
        return any(
            _makes_text(self._program.unit(where).code[macro.at : macro.end], position)
            for where, macro in self._program.near_macros(name, path)
        )

    def _unfit(self, hit: Hit, symbol: str) -> str:
        # Why what a wrapper is to get is not what it takes.
        for bound in hit.bindings.values():
            where = (hit.path, hit.item, bound.expr)
            by_address = bound.prefix == "&"
            reason = self._declared.no_place(*where) if by_address else ""
            if reason:
                return reason
            words = self._declared.qualifiers(*where, 0 if by_address else 1)
            for word in sorted(words):
                if not self._takes(symbol, word):
                    return f"the pointer is {word} and {symbol}() takes one that is not"
        return ""

    def _takes(self, symbol: str, word: str) -> bool:
        path = self._program.files[0]
        form = re.compile(rb"\b" + word.encode() + rb"\b[^,]*\*")
        found = (
            *(
                (where, each.at, each.body.start)
                for where, each in self._program.functions(symbol, path, hidden=True)
            ),
            *(
                (where, each.at, each.end)
                for where, each in self._program.prototype(symbol, path, hidden=True)
            ),
        )
        return any(form.search(self._program.unit(where).code, at, end) for where, at, end in found)

    def _too_early(self, hit: Hit, symbol: str) -> bool:
        # The wrapper's header cannot use it above its definition, nor can what it includes.
        home, at = self._home(symbol, hit.path)
        if home == hit.path:
            return hit.start < at
        return home.endswith(".h") and hit.path in self._includes(home)

    def _defined_otherwise(self, path: str, symbol: str) -> bool:
        self._program.asked.names.add(symbol)
        unit = self._program.unit(path)
        return not path.startswith("include/") and any(
            chunk.kind is not ChunkKind.CALL for chunk in unit.find(symbol)
        )

    def _below(self, symbol: str) -> frozenset[str]:
        # Names of checked functions that the symbol's definition calls, some calls deep:
        # with the wrapper inside one of them it would call itself for ever.
        if symbol not in self._own:
            names: set[str] = set()
            fresh = {name for code in self._definitions(symbol) for name in _called(code)}
            for _ in range(_OWN_DEPTH):
                names |= fresh
                fresh = {each for name in sorted(fresh) for each in self._checked(name)} - names
            self._own[symbol] = frozenset(names)
        return self._own[symbol]

    def _checked(self, name: str) -> Iterator[str]:
        # Names called in the definitions of a function that checked files hold.
        self._program.asked.names.add(name)
        head = re.compile(rb"^\w[^;{}()=]*\b" + name.encode() + rb"\s*\(", re.MULTILINE)
        for path in self._program.files:
            data = self._program.data(path)
            if name.encode() not in data or not head.search(data):
                continue
            unit = self._program.unit(path)
            for chunk in unit.find(name):
                if chunk.kind is ChunkKind.FUNCTION:
                    yield from _called(unit.code[chunk.start : chunk.end])

    # --- reasons to look twice

    def _doubt(self, hit: Hit, spec: FixSpec) -> str:
        missing = self._missing(hit, spec)
        if missing:
            return f"needs #include <{missing}>"
        if (
            spec.needs is not None
            and spec.replace
            and _has_effects(hit, spec.replace)
            and self._is_macro(spec.needs, hit.path)
        ):
            return f"{spec.needs} is a macro, and its argument has side effects"
        return ""

    def _missing(self, hit: Hit, spec: FixSpec) -> str:
        # The header that must be included for what a fix needs; empty if it is there.
        if spec.needs is None:
            return ""
        home, _ = self._home(spec.needs, hit.path)
        if not home or home == hit.path or self._sees(hit.path, home):
            return ""
        return home.removeprefix("include/")

    def _is_macro(self, symbol: str, path: str) -> bool:
        return not self._program.functions(symbol, path, hidden=True) and any(
            macro.params is not None for _, macro in self._program.macro(symbol, path, hidden=True)
        )

    def _home(self, symbol: str, path: str) -> tuple[str, int]:
        # The file that introduces a symbol to a path, or would if it were included, and where
        # in it; ("", 0) if none.
        key = (symbol, path)
        if key not in self._homes:
            found = next(iter(self._program.introductions(symbol, path, hidden=True)), None)
            self._homes[key] = ("", 0) if found is None else (found[0], found[1][0].start)
        return self._homes[key]

    def _sees(self, path: str, home: str) -> bool:
        # A header may leave it to those that include it, if all of them do.
        if home in self._includes(path):
            return True
        if not path.endswith(".h"):
            return False
        beside = [each for each in self._program.files if dirname(each) == dirname(path)]
        users = [each for each in beside if path in self._includes(each)]
        return bool(users) and all(home in self._includes(each) for each in users)

    def _includes(self, path: str) -> frozenset[str]:
        if path not in self._included:
            self._included[path] = self._program.includes(path)
        return self._included[path]

    # --- the symbol's definition

    def _definitions(self, symbol: str) -> list[bytes]:
        # The text of each definition of a symbol, without comments.
        path = self._program.files[0]
        found: tuple[tuple[str, ast.Function | ast.Macro], ...] = self._program.functions(
            symbol, path, hidden=True
        ) or self._program.macro(symbol, path, hidden=True)
        return [self._program.unit(where).code[item.start : item.end] for where, item in found]


# What may stand before `->` without parentheses.
_POSTFIX = (ast.Name, ast.Member, ast.Call, ast.Subscript)
_ASSIGNED = re.compile(rb"[\s)]*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))")
_HEAD = re.compile(rb"\w+\(([^)]*)\)")


def _makes_text(macro: bytes, position: int) -> bool:
    # Whether a macro makes a string or a part of a name of one of its arguments.
    head = _HEAD.match(macro)
    if head is None:
        return False
    names = [name.strip() for name in head[1].split(b",")]
    if names[-1].endswith(b"...") and position >= len(names) - 1:
        position = len(names) - 1
    if position >= len(names):
        return b"#" in macro
    name = re.escape(names[position].removesuffix(b"...").strip() or b"__VA_ARGS__")
    # `, ##args` of GNU C leaves the comma out where there are none: nothing is pasted.
    body = re.sub(rb",\s*(?:\\\s*)?##\s*" + name + rb"\b", b",", macro[head.end() :])
    return re.search(rb"#\s*" + name + rb"\b|\b" + name + rb"\s*##", body) is not None


def _callee(expr: ast.Expr) -> str:
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name):
        return expr.func.name
    return ""


def _called(code: bytes) -> frozenset[str]:
    # Names that are called, or look like it.
    names = {name.decode() for name in re.findall(rb"([A-Za-z_]\w*)\s*\(", code)}
    return frozenset(names - {"if", "while", "for", "switch", "return", "sizeof", "defined"})


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield node
        for part in node:
            yield from _parts(part)


def _has_effects(hit: Hit, template: Template) -> bool:
    return any(
        isinstance(part, ast.Call | ast.Assign)
        or (isinstance(part, ast.Unary) and part.op in ("++_", "--_", "_++", "_--"))
        for name in template.variables()
        for part in _parts(hit.bindings[name].expr)
    )
