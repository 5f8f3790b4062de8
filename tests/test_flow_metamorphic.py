"""The analysis knows no filesystem: other names, another order, other files, the same findings.

The programs are those of ``fixtures/flow``; ``test_kernel_metamorphic.py`` does the same to
directories of a kernel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import metamorphic
import pytest
from metamorphic import check, told

from pagefix.report import Report

FLOW = Path(__file__).parent.parent / "fixtures" / "flow"
INCLUDE = FLOW.parent / "include"
CASES = sorted(path.name for path in FLOW.iterdir() if path.is_dir())

#: One program for each way by which pages travel, for what takes a process each.
FEW = ("end-io-saved", "hook-table-families", "range-in-fields", "work-item-container")


def _copy(case: str, to: Path) -> Path:
    shutil.copytree(INCLUDE, to / "include")
    shutil.copytree(FLOW / case, to / "flow" / case)
    return to / "flow" / case


def _compiles(folder: Path) -> None:
    """Fail where a change has made something that is no C any more."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return
    for path in sorted(folder.glob("*.c")):
        done = subprocess.run(
            [
                compiler,
                "-fsyntax-only",
                "-std=gnu11",
                "-w",
                "-I",
                str(folder.parents[1] / "include"),
                str(path),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_other_names_change_nothing(case: str, tmp_path: Path) -> None:
    copy = _copy(case, tmp_path)
    renamed = metamorphic.rename(metamorphic.sources(copy), INCLUDE, seed=len(case))
    metamorphic.write(copy, renamed.files)
    _compiles(copy)
    assert len(renamed.names) > 5
    before = _before(case)
    after = check(copy)
    assert told(after) == told(before, renamed.names)
    assert [(each.place.line, each.reason) for each in after.undecided] == [
        (each.place.line, each.reason) for each in before.undecided
    ]


def test_renaming_leaves_the_rules_their_words() -> None:
    words = metamorphic.vocabulary()
    assert {"set_extent_uptodate", "EXTENT_FLAG_COMPRESSED", "bi_end_io", "readpage"} <= words
    renamed = metamorphic.rename(
        {"a.c": "int foofs_x; /* foofs_x */ int EXTENT_FLAG_COMPRESSED;\n"}, INCLUDE, seed=0
    )
    assert re.fullmatch(
        r"int q\d+; /\* foofs_x \*/ int EXTENT_FLAG_COMPRESSED;\n", renamed.files["a.c"]
    )


def test_renaming_leaves_what_is_pasted_together() -> None:
    text = (
        "#define GET(name) int foofs_##name(void)\n"
        "#define BOTH(x) GET(x); GET(other)\n"
        "BOTH(size);\nint foofs_size(void), foofs_other(void), foofs_third(void);\n"
    )
    renamed = metamorphic.rename({"a.c": text}, INCLUDE, seed=0)
    assert {"GET", "BOTH", "foofs_third"} <= set(renamed.names)
    assert not {"foofs_", "foofs_size", "foofs_other", "size", "other"} & set(renamed.names)


@pytest.mark.parametrize("case", CASES)
def test_another_order_of_functions_changes_nothing(case: str, tmp_path: Path) -> None:
    copy = _copy(case, tmp_path)
    files = metamorphic.sources(copy)
    other = {
        name: metamorphic.reverse(text) if name.endswith(".c") else text
        for name, text in files.items()
    }
    metamorphic.write(copy, other)
    _compiles(copy)
    assert _placeless(check(copy)) == _placeless(_before(case))


@pytest.mark.parametrize("case", CASES)
def test_functions_in_other_files_change_nothing(case: str, tmp_path: Path) -> None:
    copy = _copy(case, tmp_path)
    moved = metamorphic.move(metamorphic.sources(copy))
    metamorphic.write(copy, moved)
    _compiles(copy)
    assert any(name.endswith("_moved.c") for name in moved)
    assert _placeless(check(copy)) == _placeless(_before(case))


def _placeless(report: Report) -> Counter[metamorphic.Told]:
    return Counter(each.placeless() for each in told(report))


@cache
def _before(case: str) -> Report:
    return check(FLOW / case)


def _printed(paths: list[Path], seed: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "pagefix", "check", "--format", "json", *map(str, paths)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", FEW)
def test_the_hash_seed_changes_no_byte(case: str) -> None:
    assert len({_printed([FLOW / case], seed) for seed in ("0", "1", "random")}) == 1


def test_the_order_of_arguments_changes_no_byte() -> None:
    paths = sorted((FLOW / "hook-table-families").iterdir())
    assert len(paths) > 3
    orders = [paths, paths[::-1], paths[2:] + paths[:2], [*paths, paths[0]]]
    assert len({_printed(order, "0") for order in orders}) == 1
