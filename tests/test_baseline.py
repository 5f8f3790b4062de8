"""Baselines: what they hold through, what is new all the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from trees import checked, tree

from pagefix.baseline import apply_baseline, read_baseline, write_baseline
from pagefix.errors import PagefixError
from pagefix.finding import Finding

CODE = """\
#include <linux/mm.h>

static int foo_first(struct page *page)
{
	return page->index + 1;
}

static int foo_second(struct page *page, struct page *other)
{
	return page->index == other->index || page->index > 3;
}
"""


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    found = findings(tmp_path / "old", {"fs/a.c": CODE})
    assert write_baseline(str(tmp_path / "known"), found) == 4
    return tmp_path / "known"


def findings(folder: Path, files: dict[str, str]) -> tuple[Finding, ...]:
    folder.mkdir()
    _, report = checked(tree(folder, files) / "fs", rules=("raw-page-index",))
    return report.findings


def new(baseline: Path, files: dict[str, str]) -> tuple[list[str], int]:
    """Return the expressions that the baseline does not hold, and how many of it are gone."""
    found = findings(baseline.parent / "new", files)
    marked, gone = apply_baseline(found, read_baseline(str(baseline)))
    return [each.expression for each in marked if each.suppressed is None], gone


def test_all_of_it_is_known(baseline: Path) -> None:
    assert new(baseline, {"fs/a.c": CODE}) == ([], 0)


def test_it_holds_when_the_file_is_formatted_anew(baseline: Path) -> None:
    text = CODE.replace("page->index ==", "page ->\n\t\tindex\n==").replace("\t", "  ")
    assert new(baseline, {"fs/a.c": text}) == ([], 0)


def test_it_holds_when_functions_move_and_the_file_is_renamed(baseline: Path) -> None:
    head, first, second = CODE.split("\n\n")
    text = f"/* a new file */\n\n{head}\n\nint foo_new;\n\n{second}\n{first}\n"
    assert new(baseline, {"fs/deep/renamed.c": text}) == ([], 0)


def test_it_holds_when_functions_part_into_two_files(baseline: Path) -> None:
    head, first, second = CODE.split("\n\n")
    files = {"fs/a.c": f"{head}\n{first}\n", "fs/b.c": f"{head}\n{second}"}
    assert new(baseline, files) == ([], 0)


def test_one_more_of_the_same_form_is_new(baseline: Path) -> None:
    text = CODE.replace("page->index + 1", "page->index + page->index")
    assert new(baseline, {"fs/a.c": text}) == (["page->index"], 0)


def test_the_same_in_another_function_is_new(baseline: Path) -> None:
    more = "\nint foo_third(struct page *page)\n{\n\treturn page->index + 1;\n}\n"
    assert new(baseline, {"fs/a.c": CODE + more}) == (["page->index"], 0)


def test_what_is_gone_is_counted(baseline: Path) -> None:
    text = CODE.replace("page->index + 1", "1").replace("other->index", "3")
    assert new(baseline, {"fs/a.c": text}) == ([], 2)


def test_two_branches_are_merged_by_keeping_the_lines_of_both(baseline: Path) -> None:
    # Ours gained a third function, theirs a fourth; each wrote its own baseline.
    third = "\nint foo_third(struct page *page)\n{\n\treturn page->index;\n}\n"
    fourth = third.replace("third", "fourth")
    for name, more in (("ours", third), ("theirs", fourth)):
        found = findings(baseline.parent / f"tree-{name}", {"fs/a.c": CODE + more})
        write_baseline(str(baseline.parent / name), found)
    ours, theirs = (
        (baseline.parent / name).read_text().splitlines() for name in ("ours", "theirs")
    )
    base = Counter(baseline.read_text().splitlines())
    merged = base + (Counter(ours) - base) + (Counter(theirs) - base)
    assert len(list(merged.elements())) == 1 + 4 + 2
    baseline.write_text("\n".join(sorted(merged.elements())) + "\n")
    assert new(baseline, {"fs/a.c": CODE + third + fourth}) == ([], 0)


def test_its_lines_are_sorted_and_say_rule_and_function(baseline: Path) -> None:
    head, *lines = baseline.read_text().splitlines()
    assert head.startswith("# pagefix baseline 1")
    words = [line.split()[1:] for line in lines]
    assert words == [["raw-page-index", "foo_first"]] + [["raw-page-index", "foo_second"]] * 3
    # Two of the three in foo_second are the same expression.
    assert len({line.split()[0] for line in lines}) == 3


def test_writing_keeps_the_file_s_mode(baseline: Path) -> None:
    baseline.chmod(0o640)
    write_baseline(str(baseline), ())
    assert baseline.stat().st_mode & 0o777 == 0o640
    assert read_baseline(str(baseline)) == Counter()
    assert [each.name for each in baseline.parent.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (b"", "this is no baseline"),
        (b"raw-page-index\n", "this is no baseline"),
        (b"# pagefix baseline 1\n<<<<<<< ours\n", ":2: this line is no finding"),
        (b"# pagefix baseline 1\n" + b"a" * 31 + b"\n", ":2: this line is no finding"),
        (b"# pagefix baseline 1\n\xff\n", "the baseline cannot be read"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: bytes, title: str) -> None:
    path = tmp_path / "known"
    path.write_bytes(text)
    with pytest.raises(PagefixError) as caught:
        read_baseline(str(path))
    assert title in caught.value.title


def test_a_baseline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PagefixError, match="cannot be read") as caught:
        read_baseline(str(tmp_path / "none"))
    assert "--write-baseline" in caught.value.remedy


def test_one_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(PagefixError, match="none/known: the baseline cannot be written"):
        write_baseline(str(tmp_path / "none/known"), ())


def test_a_link_to_one_stays_a_link(baseline: Path) -> None:
    link = baseline.with_name("link")
    link.symlink_to(baseline)
    write_baseline(str(link), ())
    assert link.is_symlink()
    assert read_baseline(str(baseline)) == Counter()


def test_a_mark_of_the_encoding_is_passed_by(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(b"\xef\xbb\xbf# pagefix baseline 1\r\n" + b"a" * 32 + b" rule f\r\n")
    assert read_baseline(str(path)) == Counter({"a" * 32: 1})
