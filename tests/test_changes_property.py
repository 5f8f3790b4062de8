"""Diffs of any two texts, applied in memory: what comes out, and which lines are new."""

from __future__ import annotations

import difflib
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pagefix.changes import patched
from pagefix.changes.diff import parse, reverse

# Few lines, so that many are the same and places are not unique.
LINES = st.lists(st.sampled_from(["a", "b", "", "if (x)", "\tc", "--- a", "+++ b"]), max_size=12)
ENDS = st.sampled_from(["", "\n"])


def text_of(lines: list[str], end: str) -> str:
    return "\n".join(lines) + (end if lines else "")


def diff_of(old: str, new: str, context: int) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), "a/f.c", "b/f.c", n=context
    )
    end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + end for line in lines)


def new_lines(old: str, new: str) -> set[int]:
    matcher = difflib.SequenceMatcher(
        None, old.splitlines(keepends=True), new.splitlines(keepends=True)
    )
    return {
        line + 1
        for kind, _, _, first, last in matcher.get_opcodes()
        if kind != "equal"
        for line in range(first, last)
    }


@settings(deadline=None, max_examples=150)
@given(LINES, ENDS, LINES, ENDS, st.integers(0, 3))
def test_a_diff_gives_the_new_text(
    old: list[str], old_end: str, new: list[str], new_end: str, context: int
) -> None:
    before, after = text_of(old, old_end), text_of(new, new_end)
    diff = diff_of(before, after, context)
    if not diff:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder).resolve() / "f.c"
        file.write_text(before)
        changes = patched(diff.encode(), [folder])
        assert changes.texts == {str(file): after.encode()}
        assert changes.lines[str(file)] == new_lines(before, after)
        # And back.
        (patch,) = parse(diff.encode())
        assert reverse(reverse(patch)) == patch


@settings(deadline=None, max_examples=100)
@given(LINES, LINES, LINES, st.integers(1, 3))
def test_a_series_is_its_patches_in_turn(
    one: list[str], two: list[str], three: list[str], context: int
) -> None:
    texts = [text_of(each, "\n") for each in (one, two, three)]
    diffs = [diff_of(*pair, context) for pair in pairwise(texts)]
    if not all(diffs):
        return
    box = "".join(
        f"From git@z Thu Jan  1 00:00:00 1970\nSubject: [PATCH {number}/2] x\n\n{diff}\n"
        for number, diff in reversed([*enumerate(diffs, 1)])
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder).resolve() / "f.c"
        file.write_text(texts[0])
        changes = patched(box.encode(), [folder])
        # Where the last text is the first again, the tree has the series already.
        assert changes.texts == {str(file): texts[2].encode()}
