"""Check and rewrite as a whole: what stays the same, and what is held back."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import checked, tree

from pagefix import engine
from pagefix.finding import Applicability, Confidence, Finding, Severity
from pagefix.rulebook import Scope, load_rules

FLOW = Path(__file__).resolve().parent.parent / "fixtures" / "flow"

TEXT = """\
#include <linux/mm.h>
int foo(struct page *page)
{
	return page->mapping != 0;
}
int bar(struct page *page)
{
	return page->mapping != 0;
}
"""


def fingerprints(folder: Path, text: str, name: str = "fs/a.c") -> list[str]:
    tree(folder, {name: text})
    _, report = checked(folder / name)
    return [finding.fingerprint for finding in report.findings]


def test_fingerprints_survive_what_does_not_matter(tmp_path: Path) -> None:
    before = fingerprints(tmp_path / "1", TEXT)
    assert len(set(before)) == 2
    assert all(len(each) == 32 for each in before)
    moved = TEXT.replace("int foo", "/* a line more */\n\n\nint foo")
    assert fingerprints(tmp_path / "2", moved) == before
    assert fingerprints(tmp_path / "3", TEXT, "fs/other/b.c") == before
    spaced = TEXT.replace("page->mapping", "page /* x */\n\t\t->mapping")
    assert fingerprints(tmp_path / "4", spaced) == before


def test_fingerprints_tell_apart_what_does(tmp_path: Path) -> None:
    before = fingerprints(tmp_path / "1", TEXT)
    renamed = fingerprints(tmp_path / "2", TEXT.replace("foo", "baz"))
    assert (renamed[0] != before[0], renamed[1] == before[1]) == (True, True)
    other = fingerprints(tmp_path / "3", TEXT.replace("mapping", "index"))
    assert set(other).isdisjoint(before)


SPOILT = "its function would not read as well as before (a pagefix bug): for you to write"


def test_a_file_that_would_read_worse_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, {"fs/a.c": TEXT, "fs/b.c": TEXT})
    program, report = checked(tmp_path / "fs")
    monkeypatch.setattr(
        engine,
        "new_errors",
        lambda before, _, macros: [(0, len(before))] if macros is program.macros("fs/a.c") else [],
    )
    monkeypatch.setattr(program, "macros", {"fs/a.c": object(), "fs/b.c": object()}.get)
    result = engine.rewrite(program, report)
    assert [change.path for change in result.changes] == ["fs/b.c"]
    assert [finding.span.path for finding in result.made] == ["fs/b.c", "fs/b.c"]
    assert [(each.finding.span.path, each.reason) for each in result.held] == [
        ("fs/a.c", SPOILT)
    ] * 2


def test_a_function_that_would_read_worse_is_left_alone(tmp_path: Path) -> None:
    # The reader takes `field: name` in an initializer, and not `field: call()`.
    old = """
static int old(struct page *page)
{
	struct foo_pos pos = { index: page->index };

	return pos.index == page->index;
}
"""
    tree(tmp_path, {"fs/a.c": f"{TEXT}{old}"})
    program, report = checked(tmp_path / "fs", rules=("raw-page-index", "raw-page-mapping"))
    result = engine.rewrite(program, report)
    assert {(each.function, each.rule) for each in result.made} == {
        (each.function, each.rule) for each in report.findings if each.function != "old"
    }
    held = [each for each in result.held if each.reason == SPOILT]
    assert [each.finding.expression for each in held] == ["page->index"] * 2
    (change,) = result.changes
    assert change.after.decode().endswith(old)


def test_the_limit_comes_from_the_tree(tmp_path: Path) -> None:
    # 78 columns, then 88.
    text = TEXT.replace(
        "return page->mapping != 0",
        "return a_function_with_a_long_name(page->mapping, the_other_argument)",
    )
    tree(tmp_path, {"fs/a.c": text})
    program, report = checked(tmp_path / "fs")
    (change,) = engine.rewrite(program, report).changes
    assert len(change.after.splitlines()) == len(text.splitlines()) + 2
    (tmp_path / ".clang-format").write_text("ColumnLimit: 100\n")
    program, report = checked(tmp_path / "fs")
    (change,) = engine.rewrite(program, report).changes
    assert len(change.after.splitlines()) == len(text.splitlines())


# --- with provenance


def reached(case: str) -> list[Finding]:
    program = engine.load([str(FLOW / case)])
    return list(engine.check(program, load_rules(), Scope.SWAPCACHE).findings)


def test_a_chain_ends_at_the_finding() -> None:
    for finding in reached("guard-near-miss"):
        assert finding.entry == "quxfs_aops.readpage"
        assert [step.depth for step in finding.trace] == sorted(s.depth for s in finding.trace)
        assert finding.trace[-1].place == finding.place
        assert finding.trace[-1].message.startswith(("reads ", "calls "))


def test_what_is_assumed_or_excluded_is_not_rewritten_without_a_look() -> None:
    found = [*reached("callee-without-body"), *reached("clause-hole"), *reached("guard-near-miss")]
    assumed = [each for each in found if each.confidence is Confidence.ASSUMED]
    excluded = [each for each in found if each.unless is not None]
    assert assumed
    assert excluded
    assert all(each.severity is Severity.NOTE for each in excluded)
    for finding in found:
        careful = finding in assumed or finding in excluded
        for fix in finding.fixes:
            if fix.edits:
                wanted = Applicability.UNSAFE if careful else Applicability.SAFE
                assert fix.applicability is wanted, finding


def test_rules_can_be_left_out() -> None:
    program = engine.load([str(FLOW / "guard-near-miss")])
    rules = [rule for rule in load_rules() if rule.name == "raw-page-offset"]
    findings = engine.check(program, rules, Scope.SWAPCACHE).findings
    assert {finding.rule for finding in findings} == {"raw-page-offset"}


def test_a_rule_of_the_swapcache_scope_says_nothing_where_every_page_counts() -> None:
    program = engine.load([str(FLOW / "cleancache")])
    everywhere = {each.rule for each in engine.check(program, load_rules(), Scope.ALL).findings}
    there = {each.rule for each in engine.check(program, load_rules(), Scope.SWAPCACHE).findings}
    assert "cleancache-on-swapcache" in there
    assert "cleancache-on-swapcache" not in everywhere
