"""What is told of the calls of which nothing was known."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefix import engine
from pagefix.flow import SwapOptions, analyse
from pagefix.rulebook import load_models, load_rules, rules_folder

INCLUDE = Path(__file__).parent.parent / "fixtures" / "include"

DIRECT = """\
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

dio_submit_t *zorfs_submit(struct inode *inode);

static ssize_t zorfs_direct_IO(int rw, struct kiocb *iocb, struct iov_iter *iter, loff_t offset)
{
	struct inode *inode = file_inode(iocb->ki_filp);

	return __blockdev_direct_IO(rw, iocb, inode, NULL, iter, offset, zorfs_get_block, NULL, SUBMIT, 0);
}

static const struct address_space_operations zorfs_aops = {
	.direct_IO = zorfs_direct_IO,
};
"""


@pytest.mark.parametrize(
    ("submit", "unresolved"), [("NULL", []), ("zorfs_submit(inode)", ["zorfs.c:11"])]
)
def test_a_library_that_is_given_no_callback_calls_none(
    tmp_path: Path, submit: str, unresolved: list[str]
) -> None:
    (tmp_path / "include").symlink_to(INCLUDE)
    (tmp_path / "zorfs").mkdir()
    (tmp_path / "zorfs" / "zorfs.c").write_text(DIRECT.replace("SUBMIT", submit))
    program = engine.load([str(tmp_path / "zorfs")])
    options = SwapOptions(ops="zorfs_aops")
    analysis = analyse(program, load_models(rules_folder()), load_rules(), options)
    assert [each.rpartition("/")[2] for each in analysis.coverage.unresolved_calls] == unresolved
