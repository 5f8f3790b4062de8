"""Suppressions: what they hold through, and when one is not judged.

What a comment speaks of, and which are wrong or unused, is in fixtures/unused-suppression
and fixtures/wrong-suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from trees import tree, write

from pagefix import engine
from pagefix.finding import Finding
from pagefix.rulebook import Scope, load_rules

ALLOWED = """\
#include <linux/mm.h>

static int foo_first(struct page *page)
{
	return page->index + 1; /* pagefix: allow(raw-page-index): a journal page */
}

/* pagefix: allow(raw-page-mapping): never a data page */
static int foo_second(struct page *page)
{
	return page->mapping != 0;
}
"""


def found(folder: Path, select: Sequence[str] = ()) -> list[Finding]:
    rules = [rule for rule in load_rules() if not select or rule.name in select]
    report = engine.check(engine.load([str(folder)]), rules, Scope.ALL)
    return list(report.findings)


def reasons(folder: Path) -> list[tuple[str, str | None]]:
    return [(each.rule, each.suppressed) for each in found(folder)]


WANTED = [("raw-page-index", "a journal page"), ("raw-page-mapping", "never a data page")]


def test_reasons_come_with_the_findings(tmp_path: Path) -> None:
    assert reasons(tree(tmp_path, {"fs/a.c": ALLOWED}) / "fs") == WANTED


REFORMATTED = """\
#include <linux/mm.h>

static int
foo_first(struct page *page)
{
  return page->index
    + 1; /* pagefix: allow(raw-page-index): a journal page */
}

/*
 * pagefix: allow(raw-page-mapping):
 *   never a data page
 */
static int
foo_second(struct page *page) {
  return
    page->mapping
      != 0;
}
"""


def test_it_holds_when_the_file_is_formatted_anew(tmp_path: Path) -> None:
    assert reasons(tree(tmp_path, {"fs/a.c": REFORMATTED}) / "fs") == WANTED


def test_it_holds_when_functions_move_and_the_file_is_renamed(tmp_path: Path) -> None:
    head, first, second = ALLOWED.split("\n\n")
    moved = "\n\n".join([head, "int foo_new(int x)\n{\n\treturn x;\n}", second, first]) + "\n"
    fs = tree(tmp_path, {"fs/deep/renamed.c": moved}) / "fs"
    assert reasons(fs) == WANTED[::-1]


def test_it_holds_when_a_branch_is_merged(tmp_path: Path) -> None:
    # What git makes of two branches that each changed their own function.
    merged = ALLOWED.replace("page->index + 1", "page->index + 2").replace(
        "\treturn page->mapping", "\tif (!page)\n\t\treturn 0;\n\treturn page->mapping"
    )
    assert reasons(tree(tmp_path, {"fs/a.c": merged}) / "fs") == WANTED


def test_it_does_not_allow_the_same_in_another_file(tmp_path: Path) -> None:
    bare = (
        ALLOWED.split("\n\n")[0]
        + "\n\nint foo_third(struct page *page)\n{\n\treturn page->index;\n}\n"
    )
    fs = tree(tmp_path, {"fs/a.c": ALLOWED, "fs/b.c": bare}) / "fs"
    assert reasons(fs) == [*WANTED, ("raw-page-index", None)]


def test_a_header_s_findings_are_allowed_in_the_header(tmp_path: Path) -> None:
    header = """\
/* pagefix: allow(raw-page-index): all its users lock the page */
static inline int foo_index(struct page *page)
{
	return page->index;
}
"""
    files = {"fs/a.h": header, "fs/a.c": '#include <linux/mm.h>\n#include "a.h"\n'}
    fs = tree(tmp_path, files) / "fs"
    assert reasons(fs) == [("raw-page-index", "all its users lock the page")]


def test_both_sides_of_an_if(tmp_path: Path) -> None:
    text = """\
#include <linux/mm.h>
int foo(struct page *page)
{
	int x = 0;
#ifdef CONFIG_FOO
	/* pagefix: allow(raw-page-index): one side */
	x = page->index;
#else
	x = page->index + 1;
#endif
	return x;
}
"""
    fs = tree(tmp_path, {"fs/a.c": text}) / "fs"
    assert reasons(fs) == [("raw-page-index", "one side"), ("raw-page-index", None)]


def test_a_rule_that_did_not_run_is_not_judged(tmp_path: Path) -> None:
    unused = ALLOWED.replace("page->index", "1").replace("page->mapping", "page")
    fs = tree(tmp_path, {"fs/a.c": unused}) / "fs"
    assert [each.rule for each in found(fs)] == ["unused-suppression"] * 2
    assert [each.rule for each in found(fs, ["raw-page-index", "unused-suppression"])] == [
        "unused-suppression"
    ]
    assert found(fs, ["raw-page-index"]) == []
    # No table is swap-capable: no page was followed, and nothing is known.
    report = engine.check(engine.load([str(fs)]), load_rules(), Scope.SWAPCACHE)
    assert report.findings == ()


def test_a_project_s_rule_can_be_allowed_though_it_is_not_in_use(tmp_path: Path) -> None:
    text = ALLOWED.replace("raw-page-index", "our-own-rule")
    fs = tree(tmp_path, {"fs/a.c": text}) / "fs"
    program = engine.load([str(fs)])

    def wrong(names: list[str]) -> list[str]:
        report = engine.check(program, load_rules(), Scope.ALL, names=names)
        return [each.message for each in report.findings if each.rule == "wrong-suppression"]

    assert wrong(["our-own-rule"]) == []
    assert wrong([]) == ["there is no rule our-own-rule"]


def test_an_allowed_finding_is_not_rewritten(tmp_path: Path) -> None:
    fs = tree(tmp_path, {"fs/a.c": ALLOWED}) / "fs"
    program = engine.load([str(fs)])
    result = engine.rewrite(program, engine.check(program, load_rules(), Scope.ALL))
    assert result.changes == ()
    assert [each.reason for each in result.held] == [
        "allowed: a journal page",
        "allowed: never a data page",
    ]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\\\n"])
def test_a_comment_at_the_end_of_a_file(tmp_path: Path, ending: str) -> None:
    write(tmp_path, {"fs/a.c": "int x;\n/* pagefix: allow(raw-page-index): of nothing */" + ending})
    assert [each.rule for each in found(tmp_path)] == ["unused-suppression"]


KERNEL_DOC = """\
#include <linux/mm.h>

/**
 * foo_first() - the index, for once
 * @page: of the journal
 *
 * pagefix: allow(raw-page-index): a journal page,
 * as its caller knows
 *
 * Return: the number behind it.
 */
static int foo_first(struct page *page)
{
	int more = page->index;

	return page->index + more;
}
"""


def test_it_may_be_a_paragraph_of_a_longer_comment(tmp_path: Path) -> None:
    fs = tree(tmp_path, {"fs/a.c": KERNEL_DOC}) / "fs"
    assert reasons(fs) == [("raw-page-index", "a journal page, as its caller knows")] * 2


@pytest.mark.parametrize("line", [" * pagefix: the tool says so", " * see pagefix: allow(x)"])
def test_a_comment_that_speaks_of_us_is_none(tmp_path: Path, line: str) -> None:
    text = KERNEL_DOC.replace(" * pagefix: allow(raw-page-index): a journal page,", line)
    fs = tree(tmp_path, {"fs/a.c": text}) / "fs"
    assert reasons(fs) == [("raw-page-index", None)] * 2


@pytest.mark.parametrize(
    "head",
    [
        "static int\n/* COMMENT */\nfoo_first(struct page *page)\n{",
        "static int foo_first(struct page *page) /* COMMENT */\n{",
        "static int foo_first(struct page *page)\n/* COMMENT */\n{",
        "static int foo_first(struct page *page)\n{ /* COMMENT */",
    ],
)
def test_anywhere_in_a_head_it_is_of_the_whole_function(tmp_path: Path, head: str) -> None:
    head = head.replace("COMMENT", "pagefix: allow(raw-page-index): a journal page")
    text = f"#include <linux/mm.h>\n\n{head}\n\tint x = 1;\n\n\treturn page->index + x;\n}}\n"
    fs = tree(tmp_path, {"fs/a.c": text}) / "fs"
    assert reasons(fs) == [("raw-page-index", "a journal page")]
