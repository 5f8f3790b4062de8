"""The contract on a kernel's own text: kept as it is, and missed when a guard is taken out.

Needs the tree of 6.1: ``make test-kernel``. What is true of it was read by hand.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.contract import check_contracts
from pagefix.finding import Severity
from pagefix.rulebook import load_rules

KERNEL = Path(os.environ.get("PAGEFIX_KERNEL", ""))

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        not (KERNEL / "fs/btrfs/dev-replace.c").exists()
        or not (KERNEL / "fs/smb/client/file.c").exists(),
        reason="what was read by hand is 6.1",
    ),
]

#: Guards of fs/btrfs: the file, the text that heads it, and the rule that misses it.
GUARDS = [
    ("inode.c", "if (!(BTRFS_I(inode)->flags & BTRFS_INODE_NODATACOW)) {\n\t\tbtrfs_warn", "cow-swapfile"),
    ("inode.c", "if (em->block_start == EXTENT_MAP_HOLE) {\n\t\t\tbtrfs_warn", "swapfile-with-holes"),
    ("inode.c", "if (test_bit(EXTENT_FLAG_COMPRESSED, &em->flags)) {\n\t\t\tbtrfs_warn", "compressed-swapfile"),
    ("inode.c", "if (!btrfs_drew_try_write_lock(&root->snapshot_lock))", "movers-during-swap-activate"),
    ("inode.c", "if (atomic_read(&dest->nr_swapfiles))", "subvolume-delete-over-swapfile"),
    ("inode.c", "if (bsi->nr_pages >= sis->max)", "swap-extents-beyond-max"),
    ("inode.c", "if (device != em->map_lookup->stripes[0].dev)", "multi-device-swapfile"),
    ("inode.c", "if (ret)\n\t\tbtrfs_swap_deactivate(file)", "leak-in-swap-activate"),
    ("ioctl.c", "if (IS_SWAPFILE(inode))\n\t\t\treturn -ETXTBSY", "compression-of-swapfile"),
    ("ioctl.c", "if (IS_SWAPFILE(inode)) {\n\t\t\tret", "defrag-of-swapfile"),
    ("ioctl.c", "if (atomic_read(&root->nr_swapfiles))", "snapshot-over-swapfile"),
    ("relocation.c", "if (btrfs_pinned_by_swapfile(fs_info, bg))", "relocation-under-swapfile"),
    ("volumes.c", "if (btrfs_pinned_by_swapfile(fs_info, device))", "device-removal-under-swapfile"),
    ("dev-replace.c", "if (btrfs_pinned_by_swapfile(fs_info, src_device))", "device-replace-under-swapfile"),
    ("block-group.c", "if (cache->swap_extents)", "readonly-block-group-under-swapfile"),
]  # fmt: skip


def found(folder: Path) -> set[tuple[str, Severity]]:
    findings = check_contracts(engine.load([str(folder)]), load_rules()).findings
    return {(each.rule, each.severity) for each in findings}


@pytest.mark.parametrize("name", ["btrfs", "ext4", "f2fs", "smb", "zonefs"])
def test_filesystems_that_keep_it_are_silent(name: str) -> None:
    assert found(KERNEL / "fs" / name) == set()


def test_nfs_tests_before_it_takes_the_lock() -> None:
    # nfs42_remap_file_range(): swapon can come between the test and inode_lock().
    assert found(KERNEL / "fs/nfs") == {("reflink-of-swapfile", Severity.WARNING)}


def test_xfs_tests_before_it_takes_the_lock() -> None:
    # xfs_ioc_swapext(): xfs_swap_extents() takes the locks, and tests nothing again.
    assert found(KERNEL / "fs/xfs") == {("extent-swap-of-swapfile", Severity.WARNING)}


@pytest.mark.parametrize(("name", "guard", "rule"), GUARDS, ids=[each[2] for each in GUARDS])
def test_a_guard_that_is_gone_is_missed(name: str, guard: str, rule: str, tmp_path: Path) -> None:
    # The tree by links, but for the one directory.
    (tmp_path / "fs").mkdir()
    for top, folder in ((KERNEL, tmp_path), (KERNEL / "fs", tmp_path / "fs")):
        for each in top.iterdir():
            if each.name not in ("fs", "btrfs"):
                (folder / each.name).symlink_to(each.resolve())
    shutil.copytree(KERNEL / "fs/btrfs", tmp_path / "fs/btrfs")
    path = tmp_path / "fs/btrfs" / name
    text = path.read_text()
    assert text.count(guard) == 1
    # Never true, and nothing is asked.
    start = text.index(guard) + len("if ")
    end, depth = start + 1, 1
    while depth:
        depth += (text[end] == "(") - (text[end] == ")")
        end += 1
    path.write_text(f"{text[:start]}(0){text[end:]}")
    assert {each[0] for each in found(tmp_path / "fs/btrfs")} == {rule}
