"""What is replaced by what: from a rule's template to edits, and which edits go together.

Only the text *around* what a metavariable stands for is replaced, so the argument of a
wrapper keeps every byte, and an access inside another access can be edited too.

Floor 5.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pagefix.c import ast
from pagefix.finding import Edit, Fix
from pagefix.fix.include import is_line
from pagefix.rulebook import Bindings, Bound, Template, Variable
from pagefix.source import SourceFile, Span

__all__ = ["Arranged", "arrange", "gaps_hold_comment", "replacement"]

_COMMENT = re.compile(rb"/\*|//|^[ \t]*#", re.MULTILINE)


def replacement(
    source: SourceFile, whole: Span, template: Template, bindings: Bindings
) -> tuple[Edit, ...]:
    """Return the edits that turn an expression into a template's text.

    :param whole: span of the expression that the pattern matched.
    """
    parts, spans = _pieces(template, bindings)
    if not _in_order(whole, spans):
        # Metavariables used twice or in another order: the text is written anew.
        text = template.fill({name: _spelled(source, bound) for name, bound in bindings.items()})
        return (Edit(whole.path, whole.start, whole.end, text),)
    edits = []
    at = whole.start
    for text, (start, end) in zip(parts, [*spans, (whole.end, whole.end)], strict=True):
        if source.text(at, start) != text:
            edits.append(Edit(whole.path, at, start, text))
        at = end
    return tuple(edits)


def gaps_hold_comment(source: SourceFile, edits: Iterable[Edit]) -> bool:
    """Return whether a comment or a preprocessor line would be lost by the edits."""
    return any(_COMMENT.search(source.data[edit.start : edit.end]) for edit in edits)


def _pieces(template: Template, bindings: Bindings) -> tuple[list[str], list[tuple[int, int]]]:
    # Texts between the metavariables (one more than there are), and where those stand.
    parts = [""]
    spans = []
    for part in template.parts:
        if isinstance(part, Variable):
            bound = bindings[part.name]
            opening, closing = _around(bound)
            parts[-1] += opening
            parts.append(closing)
            spans.append((bound.expr.start, bound.expr.end))
        else:
            parts[-1] += part
    return parts, spans


def _in_order(whole: Span, spans: Sequence[tuple[int, int]]) -> bool:
    at = whole.start
    for start, end in spans:
        if start < at:
            return False
        at = end
    return at <= whole.end


def _around(bound: Bound) -> tuple[str, str]:
    # A comma expression loses its parentheses with the access; it needs new ones.
    if isinstance(bound.expr, ast.Binary) and bound.expr.op == ",":
        return f"{bound.prefix}(", ")"
    return bound.prefix, ""


def _spelled(source: SourceFile, bound: Bound) -> str:
    opening, closing = _around(bound)
    return opening + source.text(bound.expr.start, bound.expr.end) + closing


@dataclass(frozen=True, slots=True)
class Arranged:
    """Fixes that can be made together, and those that cannot.

    :param edits: of the kept fixes, for each path in the text's order.
    :param kept: ``tuple[Fix, ...]``
    :param dropped: fixes that overlap one that was kept.
    """

    edits: dict[str, tuple[Edit, ...]]
    kept: tuple[Fix, ...]
    dropped: tuple[Fix, ...]


def arrange(fixes: Iterable[Fix]) -> Arranged:
    """Decide which fixes are made together: the one place where overlaps are settled.

    A fix is made whole or not at all. Equal fixes count as one, and so do equal whole lines
    of several fixes (a declaration that all of them need). Of two that overlap the
    one that begins first stands, of two that begin together the longer one. Edits that
    only touch do not overlap; of insertions at one place, those that close an inner
    expression come first, those that open an outer one last but outermost first.
    """
    kept: list[Fix] = []
    dropped: list[Fix] = []
    ranked: dict[str, list[tuple[tuple[int, ...], Edit]]] = {}
    taken: dict[str, list[tuple[int, int]]] = {}
    seen: set[tuple[Edit, ...]] = set()
    lines: set[Edit] = set()
    for fix in sorted((fix for fix in fixes if fix.edits), key=_begin):
        if fix.edits in seen:
            continue
        seen.add(fix.edits)
        if any(_is_taken(edit, taken.get(edit.path, [])) for edit in fix.edits):
            dropped.append(fix)
            continue
        kept.append(fix)
        for edit in fix.edits:
            if edit in lines:
                continue
            if is_line(edit):
                lines.add(edit)
            ranked.setdefault(edit.path, []).append((_rank(fix, edit), edit))
            insort(taken.setdefault(edit.path, []), (edit.start, edit.end))
    edits = {
        path: tuple(edit for _, edit in sorted(ranked[path], key=lambda pair: pair[0]))
        for path in sorted(ranked)
    }
    return Arranged(edits, tuple(kept), tuple(dropped))


def _begin(fix: Fix) -> tuple[str, int, int]:
    first, last = _ends(fix)
    return first.path, first.start, -last.end


def _is_taken(edit: Edit, taken: Sequence[tuple[int, int]]) -> bool:
    # None of those overlap each other, so only the neighbours can.
    at = bisect_left(taken, (edit.start, edit.start))
    for start, end in reversed(taken[max(at - 1, 0) : at]):
        if _overlap(edit, start, end):
            return True
    for n in range(at, len(taken)):
        if taken[n][0] >= max(edit.end, edit.start + 1):
            break
        if _overlap(edit, *taken[n]):
            return True
    return False


def _overlap(one: Edit, start: int, end: int) -> bool:
    if one.start == one.end or start == end:
        return max(one.start, start) < min(one.end, end) or (
            one.start < start < one.end or start < one.start < end
        )
    return one.start < end and start < one.end


def _rank(fix: Fix, edit: Edit) -> tuple[int, ...]:
    first, last = _ends(fix)
    opens = edit is first
    return edit.start, edit.end, int(opens), -last.end if opens else -first.start


def _ends(fix: Fix) -> tuple[Edit, Edit]:
    # The first and the last edit, lines aside that are added elsewhere for its sake.
    own = [edit for edit in fix.edits if not is_line(edit)] or fix.edits
    return own[0], own[-1]
