"""Rules against their fixtures: what is found, what is written instead.

Every folder below fixtures/ that has the name of a rule holds programs for it.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.c import ast
from pagefix.finding import Applicability, Confidence, Finding, Severity
from pagefix.fixtures import Expected, Line, complaints, expectations, programs, run_case
from pagefix.rulebook import Rule, Scope, load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
ALL = load_rules(optional=True)
RULES = {rule.name: rule for rule in ALL}
CASES = [(rule, path) for rule in ALL for path in programs(rule.name, FIXTURES)]
PROGRAMS = sorted({each for _, path in CASES for each in path.parent.rglob("*.c")})


def label(value: Path | Rule) -> str:
    return value.name if isinstance(value, Rule) else str(value.relative_to(FIXTURES))


@pytest.mark.parametrize(("rule", "path"), CASES, ids=label)
def test_findings_and_fixes_are_what_the_programs_say(rule: Rule, path: Path) -> None:
    assert run_case(rule, ALL, path).wrong == ()


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_programs_that_fail_without_it(name: str) -> None:
    mine = [(rule, path) for rule, path in CASES if rule.name == name]
    others = [rule for rule in ALL if rule.name != name]
    assert any(run_case(rule, others, path).wrong for rule, path in mine)


@pytest.mark.parametrize("name", RULES)
def test_every_function_that_a_rule_names_is_shown(name: str) -> None:
    # On the line that a comment speaks of, one at least; the helpers are in the models.
    anchors = {m.anchor for m in RULES[name].matches if isinstance(m.tree, ast.Call)}
    shown: set[str] = set()
    for _, path in (case for case in CASES if case[0].name == name):
        for file in [path] if path.is_file() else sorted(path.rglob("*.[ch]")):
            text = file.read_text()
            lines = text.splitlines()
            for line in expectations(file.name, text):
                if line.word == "expect" and line.expected.rule == name:
                    shown.update(re.findall(r"\w+", lines[line.expected.line - 1]))
    assert anchors - shown - {"pagefix_helper", "pagefix_method"} == set()


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_shown_reporting_and_silent(name: str) -> None:
    texts = [
        each.read_text()
        for rule, path in CASES
        if rule.name == name
        for each in ([path] if path.is_file() else path.rglob("*.[ch]"))
    ]
    assert any(re.search(r"\w+_bad\b|#define", text) for text in texts)
    assert any(re.search(r"\w+_ok\b", text) for text in texts)


@pytest.mark.parametrize(
    "fixed", [path for path in PROGRAMS if path.name.endswith(".fixed.c")], ids=label
)
def test_a_second_rewrite_finds_nothing_to_do(fixed: Path) -> None:
    program = engine.load([str(fixed)])
    scope = next(RULES[each.name].scope for each in fixed.parents if each.name in RULES)
    report = engine.check(program, load_rules(), scope)
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


def test_rules_with_a_fix_have_a_fixed_program() -> None:
    for name, rule in RULES.items():
        mine = [path for each, path in CASES if each is rule]
        for spec in rule.fixes:
            if spec.replace is not None:
                suffix = ".fixed.c" if spec.applicability is Applicability.SAFE else ".unsafe.c"
                assert any(path.with_suffix(suffix).exists() for path in mine), name


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
        found = complaints(lines(f"x /* {comment}: raw-page-index */"), findings)
        return [str(each) for each in found]

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
