"""What a value is read for: the file of a page, or the tree that the page is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import INDEX, MAPPING, MM, checked, tree

from pagefix.finding import Applicability

RECORDS = "struct root { int tags; };\nstruct lock { int held; };\n"
MEMBERS = "struct root page_tree; struct lock tree_lock; void *host;"
CALLS = """\
void spin_lock(struct lock *lock);
void spin_unlock(struct lock *lock);
void tag_set(struct root *root, pgoff_t index, int tag);
int host_of(struct address_space *mapping);
"""


def offered(tmp_path: Path, body: str) -> list[Applicability]:
    """Return the applicability of each fix in a function, in the text's order."""
    head = MM.replace("struct address_space { void *host;", f"struct address_space {{ {MEMBERS}")
    tree(
        tmp_path,
        {"fs/a.c": f"#include <linux/mm.h>\nvoid foo(struct page *page, int n)\n{{\n{body}}}\n"},
        RECORDS + head + CALLS + MAPPING + INDEX,
    )
    _, report = checked(tmp_path / "fs")
    assert report.findings
    return [fix.applicability for finding in report.findings for fix in finding.fixes]


SAFE, SUGGEST = Applicability.SAFE, Applicability.SUGGEST


STORED = """\
	struct address_space *mapping = page->mapping;

	spin_lock(&mapping->tree_lock);
"""
FOLLOWED = """\
	struct address_space *mapping = page->mapping;

	n = mapping->host != 0;
"""
COPIED = """\
	struct address_space *one, *other = (void *)(n ? page->mapping : 0);

	one = other;
	tag_set(&one->page_tree, 0, 1);
"""
ANOTHER = """\
	struct address_space *one = page->mapping, *other = 0;

	host_of(one);
	tag_set(&other->page_tree, 0, 1);
"""
KEY = """\
	struct address_space *other = 0;

	tag_set(&other->page_tree, page->index, page->index == 1);
"""
LOCKED = """\
	struct address_space *other = 0;

	spin_lock(&other->tree_lock);
	if (page->mapping)
		n++;
	spin_unlock(&other->tree_lock);
	if (page->mapping)
		n++;
"""


@pytest.mark.parametrize(
    ("body", "levels"),
    [
        ("\tspin_lock(&page->mapping->tree_lock);\n", [SUGGEST]),
        ("\tn = page->mapping->host != 0;\n", [SAFE]),
        (STORED, [SUGGEST]),
        (FOLLOWED, [SAFE]),
        (COPIED, [SUGGEST]),
        (ANOTHER, [SAFE]),
        (KEY, [SUGGEST, SUGGEST]),
        ("\ttag_set(0, page->index, 1);\n", [SAFE]),
        (LOCKED, [SUGGEST, SAFE]),
    ],
)
def test_whether_the_tree_is_meant(tmp_path: Path, body: str, levels: list[Applicability]) -> None:
    assert offered(tmp_path, body) == levels
