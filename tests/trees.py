"""Small kernel trees, written for one test each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pagefix import engine
from pagefix.program import Program
from pagefix.report import Report
from pagefix.rulebook import Scope, load_rules

MM = """\
typedef unsigned long pgoff_t;
typedef long long loff_t;
struct address_space { void *host; unsigned long nrpages; };
struct page { struct address_space *mapping; pgoff_t index; unsigned long private; };
struct folio { struct address_space *mapping; pgoff_t index; void *private; };
int PageSwapCache(struct page *page);
"""

MAPPING = """\
struct address_space *__page_file_mapping(struct page *page);
static inline struct address_space *page_file_mapping(struct page *page)
{
	if (PageSwapCache(page))
		return __page_file_mapping(page);
	return page->mapping;
}
"""

INDEX = """\
static inline pgoff_t page_file_index(struct page *page)
{
	return page->index;
}
"""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, which becomes a kernel tree if they have its headers."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def tree(
    folder: Path, files: Mapping[str, str | bytes], headers: str = MM + MAPPING + INDEX
) -> Path:
    """Write a kernel tree whose ``linux/mm.h`` has a page and some wrappers."""
    return write(folder, {"include/linux/mm.h": headers, **files})


def checked(*paths: Path, rules: tuple[str, ...] = ()) -> tuple[Program, Report]:
    """Return the program below some paths, and its check where every page counts."""
    chosen = [rule for rule in load_rules() if not rules or rule.name in rules]
    program = engine.load([str(path) for path in paths])
    return program, engine.check(program, chosen, Scope.ALL)
