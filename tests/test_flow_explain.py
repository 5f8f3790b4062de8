"""Why a place is no finding: what is said of calls, of tests and of a table's slots."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefix.api import explain, load

INCLUDE = Path(__file__).parent.parent / "fixtures" / "include"

ZORFS = """\
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

static int zorfs_readpage(struct file *file, struct page *page)
{
	if (PagePrivate(page))
		SetPagePrivate(page);
	SetPageUptodate(page);
	unlock_page(page);
	return 0;
}

static const struct address_space_operations zorfs_aops = {
	.readpage = zorfs_readpage,
	.set_page_dirty = __set_page_dirty_nobuffers,
	.readpages = zorfs_readpages,
};
"""


DIRTIES = "the VM dirties a swapcache page: swap_set_page_dirty() calls"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "SetPagePrivate(page);",
            [
                "SetPagePrivate(page): reached in 1 contexts, and not reported",
                "  a test on the way here shows that the page is not in the swap cache",
            ],
        ),
        (
            "SetPageUptodate(page);",
            [
                "SetPageUptodate(page): is given a swapcache page, and not reported",
                "  no rule speaks of it, and it is not known to use what is another thing in the swap cache",
            ],
        ),
        (
            "return 0;",
            [
                "zorfs_readpage() is analysed, but none of its contexts uses a page on this line, save in a test:",
                "  a test shows that the page is not in the swap cache, another kind of value stands there,",
                "  or a constant steers past it",
                "  pagefix explain zorfs_readpage lists the contexts",
            ],
        ),
        (
            ".readpage =",
            [
                "the VM swaps a page in: swap_readpage() calls zorfs_aops.readpage, which is zorfs_readpage()"
            ],
        ),
        (
            ".set_page_dirty =",
            [
                f"{DIRTIES} zorfs_aops.set_page_dirty, which is __set_page_dirty_nobuffers()",
                "  __set_page_dirty_nobuffers() is shared code: nothing of the checked files runs there",
            ],
        ),
        (".readpages =", ["lies in no function: nothing is analysed there"]),
    ],
)
def test_what_is_no_finding_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: list[str]
) -> None:
    (tmp_path / "include").symlink_to(INCLUDE)
    (tmp_path / "zorfs").mkdir()
    file = tmp_path / "zorfs" / "zorfs.c"
    file.write_text(ZORFS)
    (line,) = (at for at, each in enumerate(ZORFS.splitlines(), 1) if text in each)
    monkeypatch.chdir(tmp_path)
    said = explain(load("zorfs"), Path("zorfs/zorfs.c"), line, swap_ops="zorfs_aops")
    assert [each.removeprefix(f"zorfs/zorfs.c:{line} ") for each in said] == told
