"""Directories of a kernel with other names, another order, other files: the same findings.

Needs a kernel tree: ``make test-kernel``. Small directories by default; others are named with
``PAGEFIX_DIRECTORIES="fs/btrfs=btrfs_aops fs/ceph"``. Where the tree hands no page to a file
system (today's), what is compared is every page site, with ``--scope all``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import metamorphic
import pytest
from metamorphic import check, told

from pagefix.report import Report
from pagefix.rulebook import Scope

pytestmark = pytest.mark.kernel

KERNEL = Path(os.environ.get("PAGEFIX_KERNEL", ""))
SMALL = "fs/9p fs/fuse=fuse_file_aops fs/f2fs=f2fs_dblock_aops fs/nfs"
CHOSEN = [
    (name, table or None)
    for name, _, table in (
        each.partition("=") for each in os.environ.get("PAGEFIX_DIRECTORIES", SMALL).split()
    )
]
SCOPES = [Scope.SWAPCACHE, Scope.ALL]

Chosen = tuple[str, str | None]


@pytest.fixture(params=CHOSEN, ids=lambda each: str(each[0]))
def chosen(request: pytest.FixtureRequest) -> Chosen:
    name, table = request.param
    if not (KERNEL / name).is_dir():
        pytest.skip(f"the tree has no {name}")
    return name, table


@cache
def _before(chosen: Chosen, scope: Scope) -> Report:
    return check(KERNEL / chosen[0], chosen[1], scope)


def _copy(chosen: Chosen, to: Path) -> Path:
    # Something must be there to compare, or the test is none.
    assert any(_before(chosen, scope).findings for scope in SCOPES)
    return metamorphic.beside(KERNEL, chosen[0], to)


def _compare(chosen: Chosen, copy: Path, scope: Scope) -> None:
    before = Counter(each.placeless() for each in told(_before(chosen, scope)))
    after = Counter(each.placeless() for each in told(check(copy, chosen[1], scope)))
    assert (sorted(after - before), sorted(before - after)) == ([], [])


def test_other_names_change_nothing(chosen: Chosen, tmp_path: Path) -> None:
    copy = _copy(chosen, tmp_path)
    renamed = metamorphic.rename(metamorphic.sources(copy), KERNEL / "include", seed=1)
    metamorphic.write(copy, renamed.files)
    assert len(renamed.names) > 100
    name, table = chosen
    table = None if table is None else renamed.names.get(table, table)
    for scope in SCOPES:
        before = Counter(told(_before(chosen, scope), renamed.names))
        after = Counter(told(check(copy, table, scope)))
        assert (sorted(after - before), sorted(before - after)) == ([], []), name


def test_another_order_of_functions_changes_nothing(chosen: Chosen, tmp_path: Path) -> None:
    copy = _copy(chosen, tmp_path)
    files = metamorphic.sources(copy)
    other = {
        name: metamorphic.reverse(text) if name.endswith(".c") else text
        for name, text in files.items()
    }
    assert other != files
    metamorphic.write(copy, other)
    for scope in SCOPES:
        _compare(chosen, copy, scope)


def test_functions_in_other_files_change_nothing(chosen: Chosen, tmp_path: Path) -> None:
    copy = _copy(chosen, tmp_path)
    files = metamorphic.sources(copy)
    moved = metamorphic.move(files)
    assert len(moved) > len(files)
    metamorphic.write(copy, moved)
    for scope in SCOPES:
        _compare(chosen, copy, scope)


def test_seed_and_order_of_arguments_change_no_byte(chosen: Chosen) -> None:
    name, table = chosen
    files = sorted(str(path) for path in (KERNEL / name).rglob("*.[ch]"))
    swap = [] if table is None else ["--swap-ops", table]
    printed = set()
    for seed, paths in (("0", files), ("1", files[::-1]), ("random", files[1::2] + files[::2])):
        done = subprocess.run(
            [sys.executable, "-m", "pagefix", "check", "--format", "json", *swap, *paths],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        printed.add(done.stdout)
    assert len(printed) == 1
