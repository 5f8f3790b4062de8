"""Which of several ways to a site is shown."""

from __future__ import annotations

from pathlib import Path

from pagefix import engine
from pagefix.config import Scope
from pagefix.rulebook import load_rules

INCLUDE = Path(__file__).parent.parent / "fixtures" / "include"

# One bio for both ways: each end_io is on it, whoever submits it. Only reading puts
# zorfs_end_read on it, though the way from direct_IO to it is the shorter one.
SHARED_BIO = """\
#include <linux/bio.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

static struct bio zorfs_bio;

static void zorfs_end_read(struct bio *bio, int err)
{
	pr_debug("zorfs: %lu\\n", bio->bi_io_vec->bv_page->index);
}

static void zorfs_end_write(struct bio *bio, int err)
{
	pr_debug("zorfs: %p\\n", bio->bi_io_vec->bv_page->mapping);
}

static void zorfs_submit(struct page *page)
{
	bio_add_page(&zorfs_bio, page, PAGE_CACHE_SIZE, 0);
	submit_bio(0, &zorfs_bio);
}

static void zorfs_prepare(struct page *page)
{
	zorfs_bio.bi_end_io = zorfs_end_read;
	zorfs_submit(page);
}

static int zorfs_readpage(struct file *file, struct page *page)
{
	zorfs_prepare(page);
	return 0;
}

static ssize_t zorfs_direct_IO(int rw, struct kiocb *iocb, struct iov_iter *iter, loff_t offset)
{
	zorfs_bio.bi_end_io = zorfs_end_write;
	bio_add_page(&zorfs_bio, iter->bvec->bv_page, PAGE_CACHE_SIZE, 0);
	submit_bio(0, &zorfs_bio);
	return 0;
}

static const struct address_space_operations zorfs_aops = {
	.readpage = zorfs_readpage,
	.direct_IO = zorfs_direct_IO,
};
"""


def test_a_callback_is_shown_from_the_entry_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "include").symlink_to(INCLUDE)
    (tmp_path / "zorfs").mkdir()
    (tmp_path / "zorfs" / "zorfs.c").write_text(SHARED_BIO)
    report = engine.check(engine.load([str(tmp_path / "zorfs")]), load_rules(), Scope.SWAPCACHE)
    entries = {finding.rule: finding.entry for finding in report.findings}
    assert entries["raw-page-index"] == "zorfs_aops.readpage"
    assert entries["raw-page-mapping"] == "zorfs_aops.direct_IO"


# The request knows the page it was made for and the pages that it is to fill: the end of the
# reading takes it from the second.
TWO_PLACES = """\
#include <linux/bio.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

struct zorfs_request {
	struct page *wanted;
	struct page **pages;
};

static int zorfs_done(struct zorfs_request *request)
{
	return request->pages[0]->index == 0;
}

static int zorfs_readpage(struct file *file, struct page *page)
{
	struct page *pages[1];
	struct zorfs_request request;

	request.wanted = page;
	request.pages = pages;
	pages[0] = page;
	return zorfs_done(&request);
}

static ssize_t zorfs_direct_IO(int rw, struct kiocb *iocb, struct iov_iter *iter, loff_t offset)
{
	return 0;
}

static const struct address_space_operations zorfs_aops = {
	.readpage = zorfs_readpage,
	.direct_IO = zorfs_direct_IO,
};
"""


def test_the_place_that_is_shown_is_the_one_the_page_is_taken_from(tmp_path: Path) -> None:
    (tmp_path / "include").symlink_to(INCLUDE)
    (tmp_path / "zorfs").mkdir()
    (tmp_path / "zorfs" / "zorfs.c").write_text(TWO_PLACES)
    report = engine.check(engine.load([str(tmp_path / "zorfs")]), load_rules(), Scope.SWAPCACHE)
    (finding,) = report.findings
    lines = TWO_PLACES.splitlines()
    put = [step.place.line for step in finding.trace if "is put into" in step.message]
    assert [lines[line - 1].strip() for line in put] == ["pages[0] = page;"]
