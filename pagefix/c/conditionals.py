"""Both sides of every ``#if``: which ones the grammar can read, and ways through the rest.

An ``#if`` around whole statements (members, enumerators) stays in the text: the grammar
reads all branches in one tree. Any other one splits something, and the text is read
several times, each time with one branch of it, until every branch was read.

Floor 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pagefix.c.chunk import Chunk, ChunkKind, Directive

__all__ = ["Variant", "variants"]

#: More ways through one chunk than this are not tried.
_MOST_VARIANTS = 12

_OPENS = frozenset({b"if", b"ifdef", b"ifndef"})
_TURNS = frozenset({b"else", b"elif", b"elifdef", b"elifndef"})
_ELSE = re.compile(r"\s*else\b")
_CONDITION = re.compile(r"#\s*(\w*)\s*(.*)", re.DOTALL)


class Variant(NamedTuple):
    """One way to read a chunk.

    :param text: of the chunk, directives and the branches not taken blanked.
    :param marks: directives to keep: file offset and text.
    """

    text: str
    marks: tuple[tuple[int, bytes], ...]


class _Group:
    # One #if with its branches; ``lines`` are its directives in order.
    def __init__(self, key: str, positive: bool, start: int, home: tuple[_Group, int] | None):
        self.key = key
        self.positive = positive
        self.home = home  # the group and branch it lies in
        self.starts = [start]
        self.ends: list[int] = []
        self.lines: list[Directive] = []
        self.complete = False
        self.whole = False
        self.taken: set[int] = set()

    @property
    def choices(self) -> int:
        # Without an #else, nothing at all is a choice too.
        return len(self.ends) + (not self.complete)


def variants(
    code: str, chunk: Chunk, directives: Sequence[Directive], *, split_all: bool = False
) -> list[Variant]:
    """Return the ways to read a chunk: one, unless an ``#if`` splits something.

    :param code: the file, comments and strings blanked.
    :param directives: those within the chunk.
    :param split_all: whether to keep no conditional in the text.
    """
    text = code[chunk.start : chunk.end]
    if not directives:
        return [Variant(text, ())]
    flat = _blanked(text, chunk.start, [(line.start, line.end) for line in directives])
    groups = _groups(code, chunk, directives)
    for group in groups:
        group.whole = not split_all and _is_whole(flat, chunk, group)
    split = [group for group in groups if not group.whole]
    if not split:
        return [_variant(flat, chunk, groups, {})]
    found: list[Variant] = []
    for _ in range(_MOST_VARIANTS):
        choice = _choose(split)
        variant = _variant(flat, chunk, groups, choice)
        if variant not in found:
            found.append(variant)
        if all(len(group.taken) >= group.choices for group in split if _reachable(group)):
            break
    return found


def _blanked(text: str, base: int, ranges: list[tuple[int, int]]) -> str:
    if not ranges:
        return text
    parts, last = [], 0
    for start, end in ranges:
        parts.append(text[last : start - base])
        parts.append(" " * (end - start))
        last = end - base
    parts.append(text[last:])
    return "".join(parts)


def _groups(code: str, chunk: Chunk, directives: Sequence[Directive]) -> list[_Group]:
    found: list[_Group] = []
    stack: list[_Group] = []
    for line in directives:
        word = line.word
        if word in _OPENS:
            home = (stack[-1], len(stack[-1].ends)) if stack else None
            key, positive = _key(code[line.start : line.end])
            group = _Group(key, positive, line.end, home)
            group.lines.append(line)
            found.append(group)
            stack.append(group)
            continue
        if word not in _TURNS and word != b"endif":
            continue
        if not stack:
            # It was opened before the chunk began: the first branch starts with it.
            stack.append(_Group(f"@{chunk.start}", True, chunk.start, None))
            found.insert(0, stack[-1])
        group = stack[-1]
        group.ends.append(line.start)
        group.lines.append(line)
        if word == b"endif":
            stack.pop()
            continue
        if word == b"else":
            group.complete = True
        group.starts.append(line.end)
    for group in stack:
        group.ends.append(chunk.end)
    return found


def _key(line: str) -> tuple[str, bool]:
    match = _CONDITION.match(line)
    assert match is not None
    word, condition = match.groups()
    condition = " ".join(condition.split())
    if word == "ifndef":
        return condition, False
    if word == "if":
        for pattern, positive in ((r"defined", True), (r"!\s*defined", False)):
            simple = re.fullmatch(pattern + r"\s*\(?\s*(\w+)\s*\)?", condition)
            if simple:
                return simple.group(1), positive
    return condition, True


def _is_whole(flat: str, chunk: Chunk, group: _Group) -> bool:
    if group.lines[0].word not in _OPENS or group.lines[-1].word != b"endif":
        return False
    if chunk.kind is ChunkKind.ENUM:
        opens, closes = ",{", ","
    elif chunk.kind in (ChunkKind.FUNCTION, ChunkKind.RECORD, ChunkKind.TYPEDEF):
        opens, closes = ";{}:", ";}:"
    else:
        return False
    base = chunk.start
    at = group.lines[0].start - base - 1
    while at >= 0 and flat[at].isspace():
        at -= 1
    if at < 0 or flat[at] not in opens:
        return False
    if _ELSE.match(flat, group.lines[-1].end - base):
        return False
    for start, end in zip(group.starts, group.ends, strict=True):
        text = flat[start - base : end - base].strip()
        if not text:
            continue
        if text[-1] not in closes or _ELSE.match(text) or not _balanced(text):
            return False
    return True


def _balanced(text: str) -> bool:
    depth = 0
    for char in re.findall(r"[{}]", text):
        depth += 1 if char == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and text.count("(") == text.count(")")


def _reachable(group: _Group) -> bool:
    # A group in the "nothing" branch of another does not exist; all others do.
    return group.home is None or group.home[1] < len(group.home[0].ends)


def _choose(split: list[_Group]) -> dict[int, int]:
    # One consistent choice: conditions that are equal agree.
    known: dict[str, bool] = {}
    choice: dict[int, int] = {}
    for group in split:
        home = group.home
        if home is not None and not home[0].whole and choice.get(id(home[0])) != home[1]:
            continue  # not in the text of this pass
        count = group.choices
        wanted = _untaken(group, split)
        if count == 2:
            if group.key in known:
                wanted = 0 if known[group.key] == group.positive else 1
            else:
                known[group.key] = (wanted == 0) == group.positive
        choice[id(group)] = wanted
        group.taken.add(wanted)
    return choice


def _untaken(group: _Group, split: list[_Group]) -> int:
    for branch in range(group.choices):
        if branch not in group.taken:
            return branch
    for inner in split:
        if inner.home is not None and inner.home[0] is group and len(inner.taken) < inner.choices:
            return inner.home[1]
    return 0


def _variant(flat: str, chunk: Chunk, groups: list[_Group], choice: dict[int, int]) -> Variant:
    base = chunk.start
    out = list(flat) if choice or groups else None
    if out is None:
        return Variant(flat, ())
    marks = []
    dropped: list[tuple[int, int]] = []
    for group in groups:
        if group.whole:
            continue
        taken = choice.get(id(group))
        for branch, (start, end) in enumerate(zip(group.starts, group.ends, strict=True)):
            if branch != taken:
                dropped.append((start, end))
    for start, end in dropped:
        out[start - base : end - base] = " " * (end - start)
    for group in groups:
        if not group.whole:
            continue
        if any(start <= group.lines[0].start < end for start, end in dropped):
            continue
        for line in group.lines:
            # The condition is no code: any will do, and a simple one always parses.
            word = line.word
            text = b"#else" if word == b"else" else b"#endif" if word == b"endif" else b"#if 1"
            if word in (b"elif", b"elifdef", b"elifndef"):
                text = b"#elif 1"
            marks.append((line.start, text))
            # For the shape of statements, a directive ends what stands before it.
            if chunk.kind is ChunkKind.FUNCTION:
                out[line.start - base] = ";"
    return Variant("".join(out), tuple(marks))
