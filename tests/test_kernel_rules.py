"""Rules on a kernel's own text: what they must find there, and what not.

Needs a kernel tree: ``make test-kernel``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.ops import find_ops
from pagefix.rulebook import load_rules

pytestmark = pytest.mark.kernel

KERNEL = Path(os.environ.get("PAGEFIX_KERNEL", ""))


def with_swap_activate() -> list[Path]:
    """Return the filesystems of the tree that have the method."""
    return sorted(
        {path.parent for path in KERNEL.glob("fs/**/*.c") if b"swap_activate" in path.read_bytes()}
    )


def test_a_table_without_what_the_vm_calls_is_found_and_no_other() -> None:
    found = []
    for folder in with_swap_activate():
        findings, unknown = find_ops(engine.load([str(folder)]), load_rules())
        assert unknown == []
        found += [(f.place.path, f.message) for f in findings if f.rule == "unpaired-swap-activate"]
    # In 6.1 it is cifs: its swap_activate() tests at run time for the method that it lacks.
    wanted = []
    if (KERNEL / "fs/smb/client/file.c").exists():
        message = (
            "cifs_addr_ops asks the VM to swap through the filesystem but has no swap_rw, which"
            " swap_write_unplug() would call without a test; swap_activate itself tests for it,"
            " and so refuses every file"
        )
        wanted = [("fs/smb/client/file.c", message)]
    assert found == wanted
