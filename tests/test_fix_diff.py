"""Diffs: as a person writes them, and as patch and git take them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagefix.finding import Edit
from pagefix.fix import FileChange, apply_edits, changed_lines, unified_diff
from pagefix.source import SourceFile


def change(data: bytes, *edits: tuple[int, int, str], path: str = "fs/a.c") -> FileChange:
    made = tuple(Edit(path, *each) for each in edits)
    return FileChange(SourceFile(path, "", data), made, apply_edits(data, made))


def test_one_line() -> None:
    data = b"1\n2\n3\n4\nold\n6\n7\n8\n9\n"
    assert unified_diff(change(data, (8, 11, "new"))) == (
        b"--- a/fs/a.c\n+++ b/fs/a.c\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-old\n+new\n 6\n 7\n 8\n"
    )


def test_a_line_more_moves_what_follows() -> None:
    lines = [b"%d\n" % number for number in range(1, 31)]
    data = b"".join(lines)
    first = data.index(b"5\n")
    second = data.index(b"25\n")
    diff = unified_diff(change(data, (first, first + 1, "x\ny"), (second, second + 2, "z")))
    assert [line for line in diff.splitlines() if line.startswith(b"@@")] == [
        b"@@ -2,7 +2,8 @@",
        b"@@ -22,7 +23,7 @@",
    ]


def test_near_changes_share_a_hunk() -> None:
    data = b"".join(b"%d\n" % number for number in range(10, 30))
    # Lines 4 and 11 (six lines between them), then line 19 (seven).
    edits = [(3 * 3, 3 * 3 + 2, "a"), (10 * 3, 10 * 3 + 2, "b"), (18 * 3, 18 * 3 + 2, "c")]
    diff = unified_diff(change(data, *edits))
    assert [line for line in diff.splitlines() if line.startswith(b"@@")] == [
        b"@@ -1,14 +1,14 @@",
        b"@@ -16,5 +16,5 @@",
    ]


def test_two_edits_of_a_line_are_one_change() -> None:
    diff = unified_diff(change(b"a b c\n", (0, 1, "A"), (4, 5, "C")))
    assert diff.endswith(b"@@ -1,1 +1,1 @@\n-a b c\n+A b C\n")


def test_neighbours_come_as_one_block() -> None:
    diff = unified_diff(change(b"a\nb\n", (0, 1, "A"), (2, 3, "B")))
    assert diff.endswith(b"@@ -1,2 +1,2 @@\n-a\n-b\n+A\n+B\n")


def test_no_newline_at_the_end() -> None:
    diff = unified_diff(change(b"a\nb", (2, 3, "B")))
    assert diff.endswith(
        b" a\n-b\n\\ No newline at end of file\n+B\n\\ No newline at end of file\n"
    )


def test_an_edit_that_changes_nothing_is_no_diff() -> None:
    assert unified_diff(change(b"a\n", (0, 1, "a"))) == b""
    assert unified_diff(change(b"a\n")) == b""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.c", b"--- a/a.c\n"),
        ("with space.c", b"--- a/with space.c\t\n"),
        ('quo"te\\.c', b'--- "a/quo\\"te\\\\.c"\n'),
        ("tab\t.c", b'--- "a/tab\\t.c"\n'),
        ("caf\udce9.c", b'--- "a/caf\\351.c"\n'),
    ],
)
def test_names_are_quoted_as_git_quotes_them(path: str, name: bytes) -> None:
    diff = unified_diff(change(b"a\n", (0, 1, "b"), path=path))
    assert diff.startswith(name)


def test_changed_lines() -> None:
    made = change(b"a\nb\nc\nd\n", (0, 1, "A"), (4, 5, "C\nC"))
    assert changed_lines(made) == [([b"a\n"], [b"A\n"]), ([b"c\n"], [b"C\n", b"C\n"])]


# --- what takes them


def applied(folder: Path, made: FileChange, command: list[str]) -> bytes:
    path = folder / made.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.source.data)
    run = subprocess.run(
        command, input=unified_diff(made), cwd=folder, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return path.read_bytes()


COMMANDS = [
    pytest.param(
        command,
        id=command[0],
        marks=pytest.mark.skipif(shutil.which(command[0]) is None, reason="not installed"),
    )
    for command in (["patch", "-p1", "--binary", "--quiet"], ["git", "apply", "-p1"])
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "data",
    [
        b"one\ntwo\nthree\n",
        b"one\ntwo\nthree",
        b"one\r\ntwo\r\nthree\r\n",
        b"\xff\xfe\ntwo\n\xe9\n",
        b"one\n\x0ctwo\x0b\x85\nthree\rfour\n",
        b"two",
    ],
)
def test_diff_applies(tmp_path: Path, data: bytes, command: list[str]) -> None:
    at = data.index(b"two")
    made = change(data, (at, at + 3, "TWO\ntwo"))
    assert applied(tmp_path, made, command) == made.after


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", ["with space.c", "caf\udce9.c", "a/b/c.h", "-dash.c"])
def test_names_apply(tmp_path: Path, path: str, command: list[str]) -> None:
    made = change(b"one\n", (0, 3, "two"), path=path)
    assert applied(tmp_path, made, command) == made.after


lines = st.lists(st.sampled_from(["a", "bb", "", "c d"]), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(lines=lines, last=st.booleans(), data=st.data())
def test_hunks_agree_with_their_headers(lines: list[str], last: bool, data: st.DataObject) -> None:
    text = ("\n".join(lines) + ("\n" if last else "")).encode()
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    words = st.sampled_from(["", "X", "X\nY", "\n"])
    made = change(text, *((start, end, data.draw(words)) for start, end in spans))
    assert patched(text, unified_diff(made)) == made.after


def patched(old: bytes, diff: bytes) -> bytes:
    """Apply a diff, checking every count and every line that it claims."""
    lines = old.split(b"\n")
    source = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    out: list[bytes] = []
    at = 0
    body = diff.split(b"\n")[2:-1]
    while body:
        head = body.pop(0).split(b" ")
        old_start, old_count = (int(each) for each in head[1][1:].split(b","))
        new_start, new_count = (int(each) for each in head[2][1:].split(b","))
        begin = old_start - 1 if old_count else old_start
        out += source[at:begin]
        at = begin
        assert len(out) == (new_start - 1 if new_count else new_start)
        taken = given = 0
        while body and not body[0].startswith(b"@@"):
            line = body.pop(0)
            text = line[1:] + b"\n"
            if body and body[0].startswith(b"\\"):
                body.pop(0)
                text = line[1:]
            if line[:1] in (b" ", b"-"):
                assert source[at] == text
                at += 1
                taken += 1
            if line[:1] in (b" ", b"+"):
                out.append(text)
                given += 1
        assert (taken, given) == (old_count, new_count)
    return b"".join(out + source[at:])
