"""Random programs, rewritten: once is enough, nothing else changes, the result is C."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefix import engine, fix
from pagefix.c import new_errors
from pagefix.engine import Rewrite
from pagefix.finding import Edit, Finding
from pagefix.fix import FileChange
from pagefix.program import Program
from pagefix.rulebook import Scope, load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

HEAD = """\
#include <linux/bio.h>
#include <linux/cleancache.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

struct extent_state;
struct extent_io_tree {
	struct extent_state *first;
};

int set_extent_uptodate(struct extent_io_tree *tree, u64 start, u64 end,
			struct extent_state **cached, gfp_t gfp);
void get_page(struct page *page);
u64 foofs_note(u64 one, u64 other);

#define FOOFS_BOTH(a, b) ((a) + (b))
#define FOOFS_SAY(fmt, args...) printk(fmt, ##args)
"""
TAIL = """
static int foofs_readpage(struct file *file, struct page *page)
{
	struct extent_io_tree *tree = page_file_mapping(page)->host->i_private;

	foofs_try(tree, page, &page, PageError(page));
	unlock_page(page);
	return 0;
}

static ssize_t foofs_direct_IO(int rw, struct kiocb *iocb,
				struct iov_iter *iter, loff_t offset)
{
	return iov_iter_count(iter);
}

static int foofs_swap_activate(struct swap_info_struct *sis, struct file *file,
				sector_t *span)
{
	*span = sis->pages;
	return 0;
}

static void foofs_swap_deactivate(struct file *file)
{
}

static const struct address_space_operations foofs_aops = {
	.readpage = foofs_readpage,
	.set_page_dirty = __set_page_dirty_nobuffers,
	.direct_IO = foofs_direct_IO,
	.swap_activate = foofs_swap_activate,
	.swap_deactivate = foofs_swap_deactivate,
};

void foofs_init_inode(struct inode *inode)
{
	inode->i_mapping->a_ops = &foofs_aops;
}
"""

PAGES = st.sampled_from(
    ["page", "pages[n]", "(page)", "((struct page *)data)", "page /* page->index */", "*pages"]
)
ATOMS = st.one_of(
    st.sampled_from(["start", "n", "(u64)n", "17", "sizeof(page->index)", "PAGE_CACHE_SIZE"]),
    st.builds("page_offset({})".format, PAGES),
    st.builds("{}->index".format, PAGES.filter(lambda text: not text.startswith("*"))),
    st.just("(*pages)->index"),
    st.just("(*page).index"),
    st.just("page->mapping->host->i_ino"),
    st.just("page->private"),
    st.just("(u64)cleancache_get_page(page)"),
)


def _deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "<<", "&", "|", "==", "<"])
    gaps = st.sampled_from([" ", "\n\t\t    ", "\n\t\t", "  "])
    return st.one_of(
        st.builds("({} {}{}{})".format, inner, operators, gaps, inner),
        st.builds("foofs_note({},{}{})".format, inner, gaps, inner),
        st.builds("FOOFS_BOTH({}, {})".format, inner, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    )


EXPRESSIONS = st.recursive(ATOMS, _deeper, max_leaves=5)
TESTS = st.one_of(
    EXPRESSIONS.map("foofs_note(0, {})".format),
    st.sampled_from(
        [
            "cleancache_get_page(page) == 0",
            "!PageError(page) && cleancache_get_page(page) != 0",
            "n || !cleancache_get_page(page)",
            "!PagePrivate(page)",
            "n > 2 || PageError(page)",
        ]
    ),
)
SIMPLE = st.one_of(
    st.builds("start = {};".format, EXPRESSIONS),
    st.builds("foofs_note({}, n); /* page->mapping */".format, EXPRESSIONS),
    st.builds('FOOFS_SAY("page->index %lu\\n", (unsigned long)({}));'.format, EXPRESSIONS),
    st.sampled_from(
        [
            "SetPagePrivate(page);",
            "set_page_private(page, n);",
            "get_page(page);",
            "cleancache_put_page(page);",
            "n++;",
            "unlock_page(page);",
            "set_extent_uptodate(tree, page_offset(page), start, NULL, GFP_NOFS);",
            "set_extent_uptodate(tree, start, start + PAGE_CACHE_SIZE - 1,\n\t\t\t    NULL, 0);",
            "page->index = n;",
            "foofs_note(&page->index == NULL, 1);",
        ]
    ),
)


def indented(text: str, tabs: int = 1) -> str:
    lines = text.split("\n")
    return "\n".join(
        line if line.startswith("#") or not line else "\t" * tabs + line for line in lines
    )


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    body = several.map(indented)
    return st.one_of(
        st.builds("if ({}) {{\n{}\n}}".format, TESTS, body),
        st.builds("if ({}) {{\n{}\n}} else {{\n{}\n}}".format, TESTS, body, body),
        st.builds("if ({})\n{}".format, TESTS, SIMPLE.map(indented)),
        st.builds("while (n-- > 3)\n{}".format, SIMPLE.map(indented)),
        st.builds("for (n = 0; n < 3; n++) {{\n{}\n}}".format, body),
        st.builds("#ifdef CONFIG_FOOFS\n{}\n#else\n{}\n#endif".format, several, several),
    )


STATEMENTS = st.recursive(SIMPLE, _blocks, max_leaves=6)
PROGRAMS = st.builds(
    lambda parts, crlf: (
        HEAD
        + "\nstatic void foofs_try(struct extent_io_tree *tree, struct page *page,\n"
        + "\t\t      struct page **pages, int n)\n{\n\tu64 start = page_offset(page);\n"
        + "\tvoid *data = page;\n\n\t(void)data;\n"
        + "\n".join(map(indented, parts))
        + "\n}\n"
        + TAIL
    ).replace("\n", "\r\n" if crlf else "\n"),
    st.lists(STATEMENTS, min_size=1, max_size=6),
    st.booleans(),
)


def rewritten(folder: Path, text: str, scope: Scope, unsafe: bool) -> tuple[Program, Rewrite]:
    (folder / "fs").mkdir(exist_ok=True)
    (folder / "fs" / "a.c").write_bytes(text.encode())
    program = engine.load([str(folder / "fs")])
    report = engine.check(program, load_rules(), scope)
    return program, engine.rewrite(program, report, unsafe=unsafe)


def edits_of(finding: Finding) -> tuple[Edit, ...]:
    return next(each.edits for each in finding.fixes if each.edits)


#: For a page that is not in the swap cache the wrappers and tests come to this.
OTHERS = b"""
#define page_file_mapping(page) ((page)->mapping)
#define page_file_index(page) ((page)->index)
#define page_file_offset(page) page_offset(page)
#define PageSwapCache(page) 0
"""


def compiled(data: bytes) -> bytes:
    """Return the code of a program for pages that are not in the swap cache."""
    at = data.rindex(b"#include")
    at = data.index(b"\n", at) + 1
    flags = ["-std=gnu11", "-O2", "-S", "-w", "-fno-ident", f"-I{FIXTURES}/include"]
    run = subprocess.run(
        ["gcc", *flags, "-x", "c", "-o", "-", "-"],
        input=data[:at] + OTHERS + data[at:],
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def words(data: bytes) -> list[bytes]:
    # Comments and strings: nothing in them is ever code.
    return re.findall(rb'/\*.*?\*/|"[^"\n]*"', data, re.DOTALL)


def squeezed(data: bytes) -> bytes:
    return re.sub(rb"[\s\\]+", b"", data)


def columns(line: bytes) -> int:
    return len(line.rstrip(b"\r\n").decode().expandtabs(8))


def check_change(change: FileChange, made: tuple[Finding, ...]) -> None:
    old, new = change.source.data, change.after
    plain = fix.arrange(each for finding in made for each in finding.fixes if each.edits)
    # Wrapping moves white space, nothing else.
    assert squeezed(fix.apply_edits(old, plain.edits[change.path])) == squeezed(new)
    assert words(old) == words(new)
    # What stands before, between and behind the edits is there still, in order.
    at = 0
    end = 0
    for edit in change.edits:
        kept = old[end : edit.start]
        at = new.index(kept, at) + len(kept) if kept else at
        end = edit.end
    assert new.endswith(old[end:])
    assert new.count(b"\r\n") == (new.count(b"\n") if b"\r\n" in old else 0)
    for before, after in fix.changed_lines(change):
        if max(map(columns, before), default=0) <= 80:
            # A text without a place to break may stay too long.
            assert all(columns(line) <= 80 or b" " not in line.strip() for line in after), after
    for line in new.split(b"\n"):
        assert not line.rstrip(b"\r").endswith((b" ", b"\t")) or line in old.split(b"\n")


@pytest.mark.parametrize("scope", [Scope.ALL, Scope.SWAPCACHE])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(text=PROGRAMS, unsafe=st.booleans())
def test_random_programs(scope: Scope, text: str, unsafe: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "include").symlink_to(FIXTURES / "include")
        program, result = rewritten(folder, text, scope, unsafe)
        for held in result.held:
            assert "pagefix bug" not in held.reason
        if not result.changes:
            return
        (change,) = result.changes
        check_change(change, result.made)
        assert not new_errors(change.source.data, change.after, program.macros(change.path))
        if shutil.which("gcc") is not None:
            assert compiled(change.source.data) == compiled(change.after)
        _, again = rewritten(folder, change.after.decode(), scope, unsafe)
        assert again.changes == (), fix.unified_diff(again.changes[0]).decode()
