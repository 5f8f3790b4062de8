"""The analysis knows no filesystem: other names, another order, the same findings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.finding import Finding
from pagefix.rulebook import load_rules

FLOW = Path(__file__).parent.parent / "fixtures" / "flow"
INCLUDE = FLOW.parent / "include"

#: One program for each way by which pages travel.
CASES = (
    "bio-clone",
    "end-io-saved",
    "function-pointer-array",
    "hook-table-families",
    "range-in-fields",
    "request-list",
    "work-item-container",
)
_WORD = re.compile(r"\b[a-z]+fs_\w+\b")


def _findings(folder: Path) -> list[Finding]:
    return list(engine.check(engine.load([str(folder)]), load_rules()).findings)


def _told(folder: Path) -> list[tuple[str, int, str, str | None, str]]:
    return [(f.rule, f.place.line, f.severity, f.unless, f.confidence) for f in _findings(folder)]


def _copy(case: str, to: Path) -> Path:
    shutil.copytree(INCLUDE, to / "include")
    shutil.copytree(FLOW / case, to / "flow" / case)
    return to / "flow" / case


@pytest.mark.parametrize("case", CASES)
def test_renaming_what_the_program_defines_changes_nothing(case: str, tmp_path: Path) -> None:
    copy = _copy(case, tmp_path)
    for path in copy.glob("*.[ch]"):
        text = path.read_text()
        # The same length, so that lines and columns stay.
        path.write_text(_WORD.sub(lambda word: "q" + word.group()[:0:-1].replace("sf", "fs"), text))
    before = _told(FLOW / case)
    assert before, "a case without findings proves nothing"
    assert _told(copy) == before


@pytest.mark.parametrize("case", ["hook-table-families", "work-item-container"])
def test_the_hash_seed_changes_no_byte(case: str) -> None:
    printed = set()
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-m", "pagefix", "check", "--format", "json", str(FLOW / case)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        printed.add(done.stdout)
    assert len(printed) == 1
