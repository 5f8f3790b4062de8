"""The programs in fixtures/flow: what is found is what their comments expect, no more, no less."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from pagefix import engine
from pagefix.config import Scope, choose
from pagefix.finding import Confidence, Finding, Kind, Severity
from pagefix.rulebook import load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
FLOW = FIXTURES / "flow"
CASES = sorted(path.name for path in FLOW.iterdir() if path.is_dir())

# /* expect: RULE, RULE unless CLAUSE, RULE assumed */ at the end of the line it speaks of.
_COMMENT = re.compile(r"/\*\s*expect:(?P<items>.*?)\*/\s*$")
_ITEM = re.compile(
    r"(?P<rule>[a-z][a-z-]*)(?: unless (?P<clause>[a-z-]+))?(?P<assumed> assumed)?", re.ASCII
)


class Expected(NamedTuple):
    """A finding as far as a comment says it."""

    file: str
    line: int
    rule: str
    unless: str | None
    confidence: Confidence

    def __str__(self) -> str:
        unless = f" unless {self.unless}" if self.unless else ""
        return f"{self.file}:{self.line}: {self.rule}{unless}, {self.confidence}"


def sources(case: str) -> list[Path]:
    return sorted(path for path in (FLOW / case).iterdir() if path.suffix in (".c", ".h"))


def expectations(path: Path) -> Iterable[Expected]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if "expect" not in line:
            continue
        comment = _COMMENT.search(line)
        assert comment is not None, f"{path}:{number}: no expectation: {line.strip()}"
        for text in comment["items"].split(","):
            item = _ITEM.fullmatch(text.strip())
            assert item is not None, f"{path}:{number}: not RULE [unless CLAUSE] [assumed]: {text}"
            yield Expected(
                path.name,
                number,
                item["rule"],
                item["clause"],
                Confidence.ASSUMED if item["assumed"] else Confidence.RESOLVED,
            )


def as_expected(finding: Finding) -> Expected:
    return Expected(
        Path(finding.span.path).name,
        finding.place.line,
        finding.rule,
        finding.unless,
        finding.confidence,
    )


def described(case: str, title: str, found: Counter[Expected]) -> list[str]:
    lines = [title] if found else []
    for each in sorted(found.elements(), key=lambda each: (each.file, each.line, each.rule)):
        text = (FLOW / case / each.file).read_text().splitlines()[each.line - 1].strip()
        lines += [f"  {each}", f"      {text}"]
    return lines


@pytest.mark.parametrize("case", CASES)
def test_findings_are_what_the_comments_expect(case: str) -> None:
    # The other kinds of rules have fixtures of their own.
    rules = [rule for rule in choose(load_rules(), (), ()) if rule.kind is Kind.FLOW]
    program = engine.load([str(FLOW / case)])
    report = engine.check(program, rules, Scope.SWAPCACHE)

    wanted = Counter(each for path in sources(case) for each in expectations(path))
    found = Counter(as_expected(finding) for finding in report.findings)
    lines = [
        *described(case, "expected and not found:", wanted - found),
        *described(case, "found and not expected:", found - wanted),
    ]
    assert not lines, "\n".join([f"fixtures/flow/{case}", *lines])
    for finding in report.findings:
        assert (finding.severity is Severity.NOTE) == (finding.unless is not None), finding
    assert not report.unread


@pytest.mark.parametrize("case", CASES)
def test_comments_name_rules_that_exist(case: str) -> None:
    named = {each.rule for path in sources(case) for each in expectations(path)}
    assert named <= {rule.name for rule in load_rules()}
    assert named, "a program without any finding does not show that it was looked at"


@pytest.mark.parametrize("case", CASES)
def test_every_file_says_what_it_is_for(case: str) -> None:
    for path in sources(case):
        head = re.match(r"/\*\n((?: \* .*\n){1,3}) \*/\n", path.read_text())
        assert head is not None, f"{path} does not begin with a comment of one to three lines"


def test_readme_lists_every_case() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|", (FLOW / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == CASES


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("case", CASES)
def test_fixture_is_valid_c(case: str) -> None:
    files = [str(path) for path in sources(case) if path.suffix == ".c"]
    command = ["gcc", "-fsyntax-only", "-std=gnu11", "-Wall", f"-I{FIXTURES / 'include'}", *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
