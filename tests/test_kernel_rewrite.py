"""Rewriting whole directories of a kernel: what a maintainer would look at first.

Needs a kernel tree: ``make test-kernel``. The tree is only read; a rewrite is made on a
copy of the directory beside links to the rest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from pagefix import engine, fix
from pagefix.finding import Edit, Finding
from pagefix.flow import SwapOptions
from pagefix.program import Program
from pagefix.report import Report
from pagefix.rulebook import Scope, load_rules

pytestmark = pytest.mark.kernel

KERNEL = Path(os.environ.get("PAGEFIX_KERNEL", ""))
DIRECTORIES = ["fs/btrfs", "fs/nfs", "fs/f2fs"]
#: With every page, and with what a swapcache page reaches from a table: guards, too.
CASES = [*((each, "") for each in DIRECTORIES), ("fs/btrfs", "btrfs_aops")]


@pytest.fixture(params=DIRECTORIES)
def directory(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if not (KERNEL / name).is_dir():
        pytest.skip(f"the tree has no {name}")
    return name


@cache
def rewritten(directory: str) -> tuple[Program, Report, engine.Rewrite]:
    program = engine.load([str(KERNEL / directory)])
    report = engine.check(program, load_rules(), Scope.ALL)
    return program, report, engine.rewrite(program, report)


def all_changes(directory: str, table: str, tree: Path = KERNEL) -> tuple[fix.FileChange, ...]:
    """Return what can be written of a directory, or skip the test.

    :param table: whose methods get swapcache pages; empty if every page counts.
    """
    if not (tree / directory).is_dir():
        pytest.skip(f"the tree has no {directory}")
    program = engine.load([str(tree / directory)])
    scope = Scope.SWAPCACHE if table else Scope.ALL
    report = engine.check(program, load_rules(), scope, SwapOptions(table) if table else None)
    changes = engine.rewrite(program, report, unsafe=True).changes
    if not changes:
        pytest.skip("nothing to write there")
    return changes


def copied(tmp_path: Path, directory: str) -> Path:
    """Return a tree that is the kernel's, but for a copy of one directory."""
    outer, inner = directory.split("/")
    tmp_path.mkdir(exist_ok=True)
    for path in KERNEL.iterdir():
        if path.name != outer:
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / outer).mkdir()
    for path in (KERNEL / outer).iterdir():
        if path.name != inner:
            (tmp_path / outer / path.name).symlink_to(path)
    shutil.copytree(KERNEL / directory, tmp_path / directory)
    return tmp_path


def edits_of(finding: Finding) -> tuple[Edit, ...]:
    return next(each.edits for each in finding.fixes if each.edits)


def test_every_finding_is_rewritten_or_has_a_reason(directory: str) -> None:
    _, report, result = rewritten(directory)
    assert len(result.made) + len(result.held) == len(report.findings) > 0
    assert result.made
    for held in result.held:
        assert "pagefix bug" not in held.reason, held
        assert "run rewrite once more" not in held.reason, held


def test_only_lines_with_a_site_change(directory: str) -> None:
    _, _, result = rewritten(directory)
    for change in result.changes:
        source = change.source
        sites = {
            source.line_of(offset)
            for finding in result.made
            if finding.span.path == change.path
            for edit in edits_of(finding)
            for offset in (edit.start, edit.end)
        }
        touched = {
            line
            for edit in change.edits
            for line in range(source.line_of(edit.start), source.line_of(edit.end) + 1)
        }
        assert touched <= sites


def test_tokens_differ_only_by_the_edits(directory: str) -> None:
    # Wrapping moves white space (and the backslashes of macros), nothing else.
    _, _, result = rewritten(directory)
    for change in result.changes:
        bare = fix.arrange(
            fix_
            for finding in result.made
            if finding.span.path == change.path
            for fix_ in finding.fixes
            if fix_.edits
        )
        plain = fix.apply_edits(change.source.data, bare.edits[change.path])
        assert squeezed(plain) == squeezed(change.after)


def squeezed(data: bytes) -> bytes:
    return re.sub(rb"[\s\\]+", b"", data)


def test_no_line_becomes_too_long(directory: str) -> None:
    _, _, result = rewritten(directory)
    for change in result.changes:
        for old, new in fix.changed_lines(change):
            if max(map(columns, old), default=0) <= 80:
                assert max(map(columns, new), default=0) <= 80, new


def columns(line: bytes) -> int:
    return len(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape").expandtabs(8))


def test_apply_diff_and_second_run_agree(directory: str, tmp_path: Path) -> None:
    _, _, result = rewritten(directory)
    tree = copied(tmp_path, directory)
    diff = b"".join(fix.unified_diff(change) for change in result.changes)
    if shutil.which("patch"):
        patched = tmp_path / "patched"
        shutil.copytree(KERNEL / directory, patched / directory)
        subprocess.run(["patch", "-s", "-p1"], input=diff, cwd=patched, check=True)
        for change in result.changes:
            assert (patched / change.path).read_bytes() == change.after

    program = engine.load([str(tree / directory)])
    report = engine.check(program, load_rules(), Scope.ALL)
    changes = engine.rewrite(program, report).changes
    assert [each.after for each in changes] == [each.after for each in result.changes]
    assert fix.apply(changes, [str(tree)]) == len(changes)

    program = engine.load([str(tree / directory)])
    report = engine.check(program, load_rules(), Scope.ALL)
    assert engine.rewrite(program, report, unsafe=True).changes == ()
    assert not list((tree / directory).glob(".*pagefix*"))
