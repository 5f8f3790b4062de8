"""``checkpatch.pl`` of the kernel has nothing against what a rewrite writes.

Needs a kernel tree with the script, or ``PAGEFIX_CHECKPATCH`` naming one: ``make test-kernel``.
Both ways are looked at: the patch against one that undoes it, so what is said of the lines that
are replaced does not count; and every file before and after, so that a line that no hunk holds
counts too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from test_kernel_rewrite import CASES, KERNEL, all_changes

from pagefix import fix
from pagefix.fix import FileChange

SCRIPT = Path(os.environ.get("PAGEFIX_CHECKPATCH") or KERNEL / "scripts" / "checkpatch.pl")
pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        shutil.which("perl") is None or not SCRIPT.is_file(), reason="no checkpatch.pl"
    ),
]
# What is said of a patch without a mail around it.
_MAIL = frozenset(("COMMIT_MESSAGE", "MISSING_SIGN_OFF", "NOT_UNIFIED_DIFF"))
_SAID = re.compile(r"(?:ERROR|WARNING):([A-Z_]+):")


def said(path: Path, *options: str) -> Counter[str]:
    """Return how often each type of complaint is made of a file or a patch."""
    done = subprocess.run(
        ["perl", str(SCRIPT), "--no-tree", "--terse", "--show-types", *options, str(path)],
        capture_output=True,
        text=True,
        errors="replace",
    )
    # To give up is no praise; with nothing to say it says nothing.
    assert done.returncode == 0 or "lines checked" in done.stdout, done.stderr
    return Counter(kind for kind in _SAID.findall(done.stdout) if kind not in _MAIL)


def more(after: Counter[str], before: Counter[str]) -> dict[str, int]:
    return {kind: after[kind] - before[kind] for kind in after if after[kind] > before[kind]}


@pytest.mark.parametrize(("directory", "table"), CASES)
def test_nothing_is_said_of_the_patch(directory: str, table: str, tmp_path: Path) -> None:
    changes = all_changes(directory, table)
    there, back = tmp_path / "there.patch", tmp_path / "back.patch"
    there.write_bytes(b"".join(fix.unified_diff(change) for change in changes))
    back.write_bytes(b"".join(_undone(change) for change in changes))
    assert more(said(there, "--patch"), said(back, "--patch")) == {}


def _undone(change: FileChange) -> bytes:
    # The diff from the new text to the old one.
    swap = bytes.maketrans(b"+-", b"-+")
    lines = []
    for line in fix.unified_diff(change).splitlines(keepends=True):
        if line.startswith(b"@@"):
            old, new = re.findall(rb"[-+]([\d,]+)", line)[:2]
            line = b"@@ -%s +%s @@\n" % (new, old)
        elif line[:1] in (b"+", b"-") and line[:4] not in (b"+++ ", b"--- "):
            line = line[:1].translate(swap) + line[1:]
        lines.append(line)
    return b"".join(lines)


@pytest.mark.parametrize(("directory", "table"), CASES)
def test_nothing_more_is_said_of_a_file(directory: str, table: str, tmp_path: Path) -> None:
    worse = {}
    for change in all_changes(directory, table):
        path = tmp_path / Path(change.path).name
        path.write_bytes(change.source.data)
        before = said(path, "--file")
        path.write_bytes(change.after)
        worse[change.path] = more(said(path, "--file"), before)
    assert not any(worse.values()), worse
