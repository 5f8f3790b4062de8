"""Patches against a kernel, checked in memory: what they add is found, what they keep is not."""

from __future__ import annotations

import difflib
import json
import os
import random
import re
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from edits import edited
from metamorphic import beside

from pagefix import engine
from pagefix.cli import main

pytestmark = pytest.mark.kernel
KERNEL = Path(os.environ.get("PAGEFIX_KERNEL", "."))
# A loop over the pages of a swap-in, in every kernel that has this function.
PLACE = re.compile(
    r"(static void nfs_direct_release_pages\(.*?\n\{\n.*?)(\t\tput_page\(pages\[i\]\);)", re.S
)


def touched(
    new: str, old: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[tuple[str, str]]:
    name = "fs/nfs/direct.c"
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    diff = "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))
    monkeypatch.chdir(KERNEL)
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(diff.encode())))
    main(["check", "--format", "json", "--select", "raw-page-index", "--patch", "-"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return [(each["function"], each["touch"]["by"]) for each in findings]


def test_a_read_on_the_way_of_a_swap_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = KERNEL / "fs" / "nfs" / "direct.c"
    if not file.exists() or not PLACE.search(file.read_text()):
        pytest.skip("no such function in this kernel")
    old = file.read_text()
    new = PLACE.sub(lambda found: f"{found[1]}\t\tuse(pages[i]->index),\n{found[2]}", old)
    assert touched(new, old, monkeypatch, capsys) == [("nfs_direct_release_pages", "line")]
    # A blank line concerns nothing.
    assert touched("\n" + old, old, monkeypatch, capsys) == []
    assert file.read_text() == old


def test_a_report_outlives_only_what_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = "fs/nfs"
    if not (KERNEL / folder).is_dir():
        pytest.skip("no such directory in this kernel")
    beside(KERNEL.resolve(), folder, tmp_path)
    monkeypatch.chdir(tmp_path)
    made: list[object] = []
    check = engine.check

    def counted(*parts: object, **options: object) -> object:
        made.append(parts)
        return check(*parts, **options)  # type: ignore[arg-type]

    def shown(*more: str) -> str:
        main(["check", "--format", "json", *more, folder])
        return capsys.readouterr().out

    monkeypatch.setattr(engine, "check", counted)
    shown()
    chance = random.Random(folder)
    files = sorted(Path(folder).rglob("*.c"))
    stood = 0
    for _ in range(7):
        file = chance.choice(files)
        file.write_text(edited(file.read_text(), chance))
        before = len(made)
        now = shown()
        if len(made) == before:
            stood += 1
            assert now == shown("--no-cache"), file
    assert stood > 1
