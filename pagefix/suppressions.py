"""Suppressions: comments that allow a finding where it stands, with a reason.

``/* pagefix: allow(RULE): reason */`` behind code speaks of the statements of its line;
on a line of its own it speaks of the statement below it, or of the whole function, table
or macro that begins there. It may be a paragraph of a longer comment. Of an ``if`` or a loop it is the head that is meant, not the
body. What a comment speaks of is found in the syntax, not in line numbers, so it holds
when lines are wrapped anew.

In: the program, findings. Out: the same findings, the allowed ones marked, and new ones
for comments that are wrong or that allow nothing.

Floor 7.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import NamedTuple

from pagefix.c import ChunkKind, Unit, ast
from pagefix.finding import Applicability as May
from pagefix.finding import Confidence, Finding, Fix, Kind, fingerprint, in_order
from pagefix.program import Program
from pagefix.rulebook import Rule, ScriptSpec
from pagefix.script import kind_of

__all__ = ["UNUSED", "WRONG", "allow", "spoken"]

#: The rules that speak of suppressions themselves.
UNUSED = "unused-suppression"
WRONG = "wrong-suppression"

_TOKEN = re.compile(
    rb"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?P<comment>/\*.*?\*/|//[^\n]*)", re.DOTALL
)
_WORDS = re.compile(r"\s*pagefix\s*:\s*(?P<what>.*)", re.DOTALL)
_PARAGRAPH = re.compile(r"pagefix\s*:\s*allow\b")
_ALLOW = re.compile(r"allow\s*\((?P<rules>[^()]*)\)\s*(?::\s*(?P<reason>.*))?", re.DOTALL)
_FORM = "/* pagefix: allow(RULE): reason */"


class _Span(NamedTuple):
    start: int
    end: int


@dataclass(slots=True)
class _Comment:
    # One suppression: where it stands, what it says, what it speaks of, what it was good for.
    path: str
    start: int
    end: int
    rules: tuple[str, ...]
    reason: str
    wrong: str
    spans: tuple[_Span, ...] = ()
    function: str | None = None
    used: set[str] = field(default_factory=set)

    def covers(self, finding: Finding) -> bool:
        return finding.rule in self.rules and any(
            span.start <= finding.span.start < span.end for span in self.spans
        )


def allow(
    program: Program,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    names: Iterable[str],
    judged: Callable[[Rule], bool],
) -> tuple[Finding, ...]:
    """Mark the findings that a comment allows, and add those about comments.

    :param rules: those in use; findings about comments come only from rules among them.
    :param names: names of all rules there are.
    :param judged: whether a rule had its chance to find something: only then can a
        suppression of it be unused.
    """
    comments = [each for path in program.files for each in _comments(program, path)]
    comments += [each for path in program.scripts for each in _in_script(program, path)]
    if not comments:
        return tuple(findings)
    by_path: dict[str, list[_Comment]] = {}
    for comment in comments:
        if not comment.wrong:
            by_path.setdefault(comment.path, []).append(comment)
    found = [_marked(finding, by_path.get(finding.span.path, ())) for finding in findings]
    active = {rule.name: rule for rule in rules}
    known = tuple(names)
    for comment in comments:
        for name, message in _complaints(comment, active, known, judged):
            if name in active:
                found.append(_finding(program, comment, active[name], message))
    return tuple(sorted(found, key=in_order))


def _marked(finding: Finding, comments: Iterable[_Comment]) -> Finding:
    for comment in comments:
        if comment.covers(finding):
            comment.used.add(finding.rule)
            if finding.suppressed is None:
                finding = replace(finding, suppressed=comment.reason)
    return finding


def _complaints(
    comment: _Comment,
    active: dict[str, Rule],
    known: Sequence[str],
    judged: Callable[[Rule], bool],
) -> Iterator[tuple[str, str]]:
    if comment.wrong:
        yield WRONG, comment.wrong
        return
    for name in comment.rules:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            yield WRONG, f"there is no rule {name}" + (f": {close[0]}?" if close else "")
        elif (
            name in active
            and name not in comment.used
            and (isinstance(active[name].spec, ScriptSpec) or judged(active[name]))
        ):
            yield UNUSED, f"there is no finding of {name} here to allow"


def _finding(program: Program, comment: _Comment, rule: Rule, message: str) -> Finding:
    source = program.source(comment.path)
    advice = "remove it" if rule.name == UNUSED else f"write it as {_FORM}"
    return Finding(
        rule=rule.name,
        kind=Kind.COMMENT,
        place=source.place(comment.start, comment.end),
        span=source.span(comment.start, comment.end),
        function=comment.function,
        field=None,
        expression=source.text(comment.start, comment.end),
        message=message,
        severity=rule.severity,
        confidence=Confidence.RESOLVED,
        fingerprint=fingerprint(rule.name, comment.function, (*comment.rules, message)),
        fixes=(Fix(May.SUGGEST, advice),),
    )


def spoken(unit: Unit) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text that decide what its comments say and speak of.

    A comment that names us; if it speaks to us, all up to the item behind it.
    """
    for token in _TOKEN.finditer(unit.source.data):
        if token["comment"] is not None and b"pagefix" in token["comment"]:
            end = token.end()
            if _said(token["comment"].decode("utf-8", "surrogateescape")) is not None:
                behind = (each.start for each in unit.chunks if each.start >= end)
                end = next(behind, len(unit.source.data))
            yield token.start(), end


# --- reading comments


def _comments(program: Program, path: str) -> Iterator[_Comment]:
    data = program.data(path)
    if b"pagefix" not in data:
        return
    unit: Unit | None = None
    for token in _TOKEN.finditer(data):
        if token["comment"] is None or b"pagefix" not in token["comment"]:
            continue
        found = _said(token["comment"].decode("utf-8", "surrogateescape"))
        if found is not None:
            unit = unit or program.unit(path)
            rules, reason, wrong = found
            comment = _Comment(path, token.start(), token.end(), rules, reason, wrong)
            _place(unit, comment)
            yield comment


def _in_script(program: Program, path: str) -> Iterator[_Comment]:
    # Behind code it speaks of that line of code; alone, of the one below, or of all of a
    # function or class that begins there. Lines of code are as Python joins them.
    source = program.source(path)
    if b"pagefix" not in source.data or not kind_of(source.data):
        return
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(source.data).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    starts = source.lines()
    lines = source.data.splitlines(keepends=True)

    def offset(place: tuple[int, int]) -> int:
        before = lines[place[0] - 1].decode("utf-8", "replace")[: place[1]] if place[1] else ""
        return starts[place[0] - 1] + len(before.encode("utf-8", "replace"))

    for at, token in enumerate(tokens):
        if token.type != tokenize.COMMENT or "pagefix" not in token.string:
            continue
        found = _said(f"//{token.string[1:]}")
        if found is None:
            continue
        comment = _Comment(path, offset(token.start), offset(token.end), *found)
        behind = _logical(tokens, at, backwards=True)
        alone = token.line[: token.start[1]].strip() == ""
        first, last = _logical(tokens, at, backwards=False) if alone else behind
        if first is not None and last is not None:
            comment.spans = (_Span(offset(first.start), offset(last.end)),)
        yield comment


def _logical(
    tokens: Sequence[tokenize.TokenInfo], at: int, *, backwards: bool
) -> tuple[tokenize.TokenInfo | None, tokenize.TokenInfo | None]:
    # The first and the last token of the line of code that a comment speaks of.
    blank = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
    begin = at
    if backwards or _depth(tokens, at):
        while begin and tokens[begin - 1].type not in (tokenize.NEWLINE, tokenize.ENCODING):
            begin -= 1
    while begin < len(tokens) and tokens[begin].type in blank:
        begin += 1
    if begin >= len(tokens) or tokens[begin].type == tokenize.ENDMARKER:
        return None, None
    end, whole, depth = begin, tokens[begin].string in ("def", "class", "@", "async"), 0
    while end + 1 < len(tokens):
        kind = tokens[end + 1].type
        depth += (kind == tokenize.INDENT) - (kind == tokenize.DEDENT)
        if kind == tokenize.ENDMARKER or (kind == tokenize.NEWLINE and not whole):
            break
        if whole and kind == tokenize.DEDENT and depth <= 0:
            break
        end += 1
    return tokens[begin], tokens[end]


def _depth(tokens: Sequence[tokenize.TokenInfo], at: int) -> bool:
    # Whether a comment stands inside of a line of code that goes over several.
    following = next((t for t in tokens[at + 1 :] if t.type != tokenize.COMMENT), None)
    before = next(
        (t for t in reversed(tokens[:at]) if t.type not in (tokenize.COMMENT, tokenize.NL)), None
    )
    ends = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    return following is not None and before is not None and before.type not in ends


def _said(text: str) -> tuple[tuple[str, ...], str, str] | None:
    # Rules, reason, and what is wrong with it; None for a comment that only mentions us.
    inner = text[2:-2] if text.startswith("/*") else text[2:]
    lines = [re.sub(r"^[\s*\\]*|\\$", " ", line).strip() for line in inner.splitlines()]
    # It may be a paragraph of a longer comment, as of one for kernel-doc.
    first = next((n for n, line in enumerate(lines) if _PARAGRAPH.match(line)), 0)
    if any(lines[:first]):
        lines = lines[first : next((n for n in range(first, len(lines)) if not lines[n]), None)]
    words = _WORDS.fullmatch(" ".join(" ".join(lines).split()))
    if words is None:
        return None
    said = _ALLOW.fullmatch(words["what"])
    if said is None:
        return (), "", "this is no suppression: pagefix does not understand it"
    rules = tuple(name.strip() for name in said["rules"].split(",") if name.strip())
    reason = (said["reason"] or "").strip()
    if not rules:
        return (), reason, "the suppression names no rule"
    if not reason:
        return rules, "", "the suppression gives no reason"
    return rules, reason, ""


# --- what a comment speaks of


def _place(unit: Unit, comment: _Comment) -> None:
    code = unit.code
    begin = code.rfind(b"\n", 0, comment.start) + 1
    before = _blank(code[begin : comment.start])
    if before:
        last = begin + len(code[begin : comment.start].rstrip(b" \t\\")) - 1
        items = _items(unit, last)
        comment.spans = tuple(_on_line(items, begin, last + 1))
    else:
        first = _next(unit, comment.end)
        items = _items(unit, first)
        comment.spans = tuple(_at(unit, items, comment, first))
    functions = [item for item in items if isinstance(item, ast.Function)]
    comment.function = functions[0].name if functions else None


def _blank(code: bytes) -> bytes:
    return code.replace(b"\\", b" ").strip()


def _items(unit: Unit, offset: int) -> tuple[ast.Item, ...]:
    chunk = unit.chunk_at(offset)
    return unit.items(chunk) if chunk is not None else ()


def _next(unit: Unit, offset: int) -> int:
    # Where code goes on; lines of the preprocessor other than a #define are no code.
    code = unit.code
    while offset < len(code):
        if code[offset : offset + 1] in b" \t\r\n\\\f":
            offset += 1
        elif code[offset] == 0x23 and not _is_define(unit, offset):
            end = code.find(b"\n", offset)
            offset = end + 1 if end >= 0 else len(code)
        else:
            break
    return offset


def _is_define(unit: Unit, offset: int) -> bool:
    chunk = unit.chunk_at(offset)
    return chunk is not None and chunk.kind is ChunkKind.DEFINE


def _on_line(items: Iterable[ast.Item], begin: int, end: int) -> Iterator[_Span]:
    # Whatever stands, even in part, on the comment's line.
    for item in items:
        if isinstance(item, ast.Function) and begin <= item.body.start and item.start < end:
            yield _Span(item.start, item.end)
            continue
        yield from (piece for piece in _pieces(item) if piece.start < end and begin < piece.end)


def _at(unit: Unit, items: Sequence[ast.Item], comment: _Comment, first: int) -> Iterator[_Span]:
    for item in items:
        head = item.body.start if isinstance(item, ast.Function) else item.start
        if comment.start < max(head, item.start):
            # Outside of it, or in its head: it speaks of the whole function, table, macro.
            yield _Span(min(first, item.start), item.end)
            continue
        pieces = list(_pieces(item))
        at = _behind_labels(unit, item, first)
        starting = [piece for piece in pieces if piece.start == at]
        around = [piece for piece in pieces if piece.start <= first < piece.end]
        if starting:
            yield from starting
        elif around:
            yield min(around, key=lambda piece: piece.end - piece.start)


def _behind_labels(unit: Unit, item: ast.Item, first: int) -> int:
    labels = {node.start: node.end for node in _marks(item)}
    while first in labels:
        end = labels[first]
        first = _next(unit, end + 1 if unit.code[end : end + 1] == b":" else end)
    return first


def _marks(node: object) -> Iterator[ast.Case | ast.Label]:
    if isinstance(node, ast.Case | ast.Label):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _marks(part)


def _pieces(node: object) -> Iterator[_Span]:
    # Simple statements, heads of compound ones, items of an initializer.
    match node:
        case ast.Function():
            yield from _pieces(node.body)
        case ast.Macro():
            yield from _inside(node, node.body)
        case ast.Invocation():
            yield from _inside(node, node.body)
        case ast.Global() if isinstance(node.init, ast.InitList):
            yield _Span(node.start, node.init.start + 1)
            yield from _pieces(node.init)
        case ast.InitList():
            for each in node.items:
                start = each.designators[0].at - 1 if each.designators else each.value.start
                yield _Span(start, each.value.end)
                yield from _pieces(each.value)
        case ast.Block():
            for statement in node.body:
                yield from _pieces(statement)
        case ast.Alternatives():
            for branch in node.branches:
                yield from _pieces(branch)
        case ast.If():
            yield from _compound(node, node.then)
            if node.other is not None:
                yield from _pieces(node.other)
        case ast.While() if node.first:
            yield from _pieces(node.body)
            yield _Span(node.body.end, node.end)
        case ast.While() | ast.For() | ast.ForEach() | ast.Switch():
            yield from _compound(node, node.body)
        case ast.Case() | ast.Label():
            pass
        case _ if hasattr(node, "start") and hasattr(node, "end"):
            yield _Span(node.start, node.end)


def _inside(item: ast.Macro | ast.Invocation, body: object) -> Iterator[_Span]:
    statements = isinstance(body, ast.Block) and body.body
    many = isinstance(body, tuple) and not hasattr(body, "_fields")
    if statements:
        yield from _pieces(body)
    elif many:
        for each in body:  # type: ignore[attr-defined]
            yield from _pieces(each)
    else:
        yield _Span(item.start, item.end)


def _compound(
    node: ast.If | ast.While | ast.For | ast.ForEach | ast.Switch, body: ast.Stmt
) -> Iterator[_Span]:
    # A body without braces belongs to its head: wrapping the line must not part them.
    if isinstance(body, ast.Block):
        yield _Span(node.start, body.start + 1)
    else:
        yield _Span(node.start, body.end)
    yield from _pieces(body)
