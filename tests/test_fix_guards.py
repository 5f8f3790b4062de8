"""Guards: the form that fits what stands there, and after it nothing left to find."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.engine import Rewrite
from pagefix.finding import Applicability, Finding
from pagefix.program import Program
from pagefix.report import Report
from pagefix.rulebook import Scope, load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
CASES = sorted(path for path in (FIXTURES / "flow").iterdir() if path.is_dir())
FLAGS = ["-std=gnu11", "-Wall", "-Wno-unused", "-Werror", f"-I{FIXTURES / 'include'}"]


def rewritten(path: Path, *, unsafe: bool = False) -> tuple[Program, Report, Rewrite]:
    program = engine.load([str(path)])
    report = engine.check(program, load_rules(), Scope.SWAPCACHE)
    return program, report, engine.rewrite(program, report, unsafe=unsafe)


def reasons(result: Rewrite) -> list[tuple[int, str]]:
    return [
        (held.finding.place.line, held.reason.removeprefix("not rewritten: ").split(";")[0])
        for held in result.held
    ]


def test_the_form_that_fits() -> None:
    _, _, result = rewritten(FIXTURES / "guards" / "foofs.c")
    (change,) = result.changes
    assert change.after.decode() == (FIXTURES / "guards" / "foofs.fixed.c").read_text()
    text = change.source.data.decode().split("\n")
    told = {text[line - 1].strip(): reason for line, reason in reasons(result)}
    look = "needs a look (--unsafe makes it): private data is given only to a page that is not in"
    assert told == {
        "SetPagePrivate(page);": f"{look} the swap cache",
        "set_page_private(page, what); /* of ours */": f"{look} the swap cache",
        "cleancache_put_page(page);": "an `if` there would take the `else` that follows",
        "foofs_note(page, depth); cleancache_put_page(page);": (
            "it shares its line with something else"
        ),
        "set_extent_uptodate(tree, start, start + 4095, NULL, GFP_ATOMIC);": (
            "foofs_done_range() does not know the page of the range"
        ),
    }
    assert "it is made for such a page alone" in [reason for _, reason in reasons(result)]


def test_what_may_need_the_data_is_wrapped_when_asked() -> None:
    _, _, result = rewritten(FIXTURES / "guards" / "foofs.c", unsafe=True)
    (change,) = result.changes
    assert """\
	what++;
	if (!PageSwapCache(page)) {
		SetPagePrivate(page);
		set_page_private(page, what); /* of ours */
	}
	if (what > 2)
""" in change.after.decode()


def test_shapes_that_leave_little_room() -> None:
    path = FIXTURES / "guards" / "shapes.c"
    _, _, result = rewritten(path)
    (change,) = result.changes
    assert change.after.decode() == path.with_suffix(".fixed.c").read_text()
    text = change.source.data.decode().split("\n")
    told = Counter(
        (text[line - 1].strip(), reason)
        for line, reason in reasons(result)
        if not reason.startswith("needs a look")
    )
    put, note = "cleancache_put_page(page);", "foofs_note(page, what), "
    late = "set_extent_uptodate(tree, start, start, NULL, GFP_ATOMIC);"
    assert told == {
        (put, "an `if` there would take the `else` that follows"): 2,
        (note + put, "its value is used"): 1,
        (f"case 1: {put} break;", "it shares its line with something else"): 1,
        (late, "the test must be taken where it is known that there is a page"): 1,
        (late, "page is another page by then"): 1,
        (put, "the test must be taken before the page is unlocked"): 1,
        (
            "folio_attach_private(page_folio(page++), data);",
            "the page is the value of an expression with side effects",
        ): 1,
    }
    _, _, result = rewritten(path, unsafe=True)
    (change,) = result.changes
    assert change.after.decode() == path.with_suffix(".unsafe.c").read_text()


def test_nothing_is_left_to_find_or_to_do() -> None:
    program, report, result = rewritten(FIXTURES / "guards" / "foofs.fixed.c", unsafe=True)
    made = {finding.function for finding in result.made}
    assert made == {"foofs_map_some"}
    source = program.unit(program.files[0]).source
    lines = {source.text(*finding.span[1:]) for finding in report.findings}
    assert lines == {
        "SetPagePrivate",
        "set_page_private",
        "cleancache_put_page",
        "set_extent_uptodate",
    }


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
@pytest.mark.parametrize(
    "name", ["foofs.c", "foofs.fixed.c", "shapes.c", "shapes.fixed.c", "shapes.unsafe.c"]
)
def test_the_programs_are_valid_c(name: str) -> None:
    compiles(FIXTURES / "guards" / name)


def compiles(path: Path) -> None:
    run = subprocess.run(
        ["gcc", "-fsyntax-only", *FLAGS, str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_loop_closes(case: Path, tmp_path: Path) -> None:
    # What is made is found no more; what is held stays, and nothing comes up.
    (tmp_path / "include").symlink_to(FIXTURES / "include")
    copy = tmp_path / "fs" / case.name
    shutil.copytree(case, copy)
    _, _, result = rewritten(copy, unsafe=True)
    for change in result.changes:
        (tmp_path / change.path).write_bytes(change.after)
    program, report, again = rewritten(copy, unsafe=True)
    assert again.changes == ()
    assert program.files
    assert kinds(report.findings) <= kinds(held.finding for held in result.held)
    if shutil.which("gcc") is not None:
        for path in copy.glob("*.c"):
            compiles(path)


def kinds(findings: object) -> Counter[tuple[str, str | None, str]]:
    return Counter(
        (finding.rule, finding.function, finding.expression)
        for finding in findings  # type: ignore[attr-defined]
        if isinstance(finding, Finding)
    )


def test_a_tree_without_the_test_has_only_advice(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "include", tmp_path / "include")
    header = tmp_path / "include" / "linux" / "page-flags.h"
    lines = header.read_text().splitlines(keepends=True)
    header.write_text("".join(line for line in lines if "swapcache" not in line.lower()))
    (tmp_path / "fs").mkdir()
    shutil.copy(FIXTURES / "flow" / "cleancache" / "foofs.c", tmp_path / "fs" / "foofs.c")
    _, report, result = rewritten(tmp_path / "fs")
    assert report.findings
    assert result.changes == ()
    assert {fix.applicability for each in report.findings for fix in each.fixes} == {
        Applicability.SUGGEST
    }


_MADE = "static inline int %s##u(struct page *page) { return 0; }\n"
_TEST = "#define TESTPAGEFLAG(u, l) \\\n" + _MADE % "Page"
_BOTH = "#define PAGEFLAG(u, l) TESTPAGEFLAG(u, l)\nPAGEFLAG(SwapCache, swapcache)\n"
_SET = "#define SETPAGEFLAG(u, l) \\\n" + _MADE % "SetPage" + "SETPAGEFLAG(SwapCache, swapcache)\n"


@pytest.mark.parametrize(
    ("made", "there"),
    [
        (_TEST + _BOTH, True),
        (_TEST + "TESTPAGEFLAG(Swapped, swapcache)\n", False),
        (_SET, False),
    ],
    ids=["pasted", "another name", "another prefix"],
)
def test_a_test_whose_name_is_pasted(tmp_path: Path, made: str, there: bool) -> None:
    shutil.copytree(FIXTURES / "include", tmp_path / "include")
    header = tmp_path / "include" / "linux" / "page-flags.h"
    text = header.read_text()
    line = next(each for each in text.splitlines() if "PageSwapCache(" in each)
    header.write_text(text.replace(line, made))
    (tmp_path / "fs").mkdir()
    shutil.copy(FIXTURES / "flow" / "cleancache" / "foofs.c", tmp_path / "fs" / "foofs.c")
    _, _, result = rewritten(tmp_path / "fs")
    assert bool(result.changes) == there
