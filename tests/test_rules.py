"""Rules against their fixtures: what is found, what is written instead.

Every folder below fixtures/ that has the name of a rule holds programs for it.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest
from expectations import Expected, Line, complaints, expectations

from pagefix import engine
from pagefix.finding import Confidence, Finding, Severity
from pagefix.rulebook import Rule, Scope, load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
RULES = {rule.name: rule for rule in load_rules()}
FOLDERS = sorted(path for path in FIXTURES.rglob("*") if path.is_dir() and path.name in RULES)
SOURCES = sorted(
    path for folder in FOLDERS for path in folder.glob("*.c") if not path.name.endswith(".fixed.c")
)
PROGRAMS = sorted(path for folder in FOLDERS for path in folder.glob("*.c"))


def label(path: Path) -> str:
    return str(path.relative_to(FIXTURES))


def found(source: Path, rules: list[Rule]) -> list[str]:
    program = engine.load([str(source)])
    report = engine.check(program, rules, Scope.ALL)
    assert not report.unread
    (shown,) = program.files
    return complaints(expectations(shown, source.read_text()), report.findings)


@pytest.mark.parametrize("source", SOURCES, ids=label)
def test_findings_are_what_the_comments_expect(source: Path) -> None:
    assert found(source, list(RULES.values())) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=label)
def test_an_emptied_rule_fails_its_fixtures(folder: Path) -> None:
    emptied = [
        dataclasses.replace(rule, matches=()) if rule.name == folder.name else rule
        for rule in RULES.values()
    ]
    assert any(found(source, emptied) for source in folder.glob("*.c") if source in SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=label)
def test_rewrite_gives_the_fixed_program(source: Path) -> None:
    program = engine.load([str(source)])
    report = engine.check(program, list(RULES.values()), Scope.ALL)
    changes = engine.rewrite(program, report).changes
    fixed = source.with_suffix(".fixed.c")
    if fixed.exists():
        (change,) = changes
        assert change.after.decode() == fixed.read_text()
    else:
        assert changes == ()


@pytest.mark.parametrize(
    "fixed", [path for path in PROGRAMS if path.name.endswith(".fixed.c")], ids=label
)
def test_a_second_rewrite_finds_nothing_to_do(fixed: Path) -> None:
    program = engine.load([str(fixed)])
    report = engine.check(program, list(RULES.values()), Scope.ALL)
    assert engine.rewrite(program, report, unsafe=True).changes == ()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
@pytest.mark.parametrize("program", PROGRAMS, ids=label)
def test_programs_are_valid_c(program: Path) -> None:
    include = next(top / "include" for top in program.parents if (top / "include").is_dir())
    flags = ["-std=gnu11", "-Wall", "-Wno-unused-function", "-Werror", f"-I{include}"]
    run = subprocess.run(
        ["gcc", "-fsyntax-only", *flags, str(program)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_every_rule_has_a_fixture_that_expects_it() -> None:
    expected = {
        line.split(":", 1)[1]
        for path in FIXTURES.rglob("*.c")
        for line in path.read_text(errors="replace").splitlines()
        if "expect:" in line
    }
    words = {word.strip(" ,") for line in expected for word in line.split()}
    assert set(RULES) <= words


def test_rules_with_a_fix_have_a_fixed_program() -> None:
    for name, rule in RULES.items():
        if any(spec.replace for spec in rule.fixes):
            folders = [folder for folder in FOLDERS if folder.name == name]
            assert any(folder.glob("*.fixed.c") for folder in folders), name


# --- the comments themselves


def finding(line: int, severity: Severity = Severity.ERROR) -> Finding:
    program = engine.load([str(FIXTURES / "raw-page-index" / "reads.c")])
    report = engine.check(program, [RULES["raw-page-index"]], Scope.ALL)
    first = report.findings[0]
    return dataclasses.replace(
        first,
        place=first.place._replace(path="a.c", line=line),
        severity=severity,
        confidence=Confidence.RESOLVED,
    )


def lines(text: str) -> list[Line]:
    return list(expectations("a.c", text))


def test_comments_speak_of_their_line_or_of_the_one_below() -> None:
    text = "int a; /* expect: raw-page-index note */\n\t/* expect-none: x, y-z */\nint b;\n"
    assert lines(text) == [
        Line("expect", Expected("a.c", 1, "raw-page-index", True, False)),
        Line("expect-none", Expected("a.c", 3, "x", False, False)),
        Line("expect-none", Expected("a.c", 3, "y-z", False, False)),
    ]


def test_complaints() -> None:
    def said(comment: str, *findings: Finding) -> list[str]:
        return complaints(lines(f"x /* {comment}: raw-page-index */"), findings)

    hit = finding(1)
    assert said("expect", hit) == []
    assert said("expect") == ["a.c:1: raw-page-index: expected, not found"]
    assert said("expect", hit, hit) == ["a.c:1: raw-page-index: not expected"]
    assert said("expect", hit, finding(2)) == ["a.c:2: raw-page-index: not expected"]
    assert said("expect-none") == []
    assert said("expect-none", hit) == ["a.c:1: raw-page-index: not expected"]
    assert said("todo-expect") == []
    assert said("todo-expect", hit) == ["a.c:1: raw-page-index: now right: use expect"]
    assert said("todo-none", hit) == []
    assert said("todo-none") == ["a.c:1: raw-page-index: now right: use expect-none"]
    assert said("expect", finding(1, Severity.NOTE)) == [
        "a.c:1: raw-page-index: expected, not found",
        "a.c:1: raw-page-index note: not expected",
    ]
