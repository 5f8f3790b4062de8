"""A rule against its fixtures: what its comments expect, and what is found.

Every folder below the fixtures that has the name of a rule holds programs for it: each
``*.c`` is one, each folder another. A comment at the end of a line speaks of that line,
one on a line of its own of the line below it::

    return page->index;             /* expect: raw-page-index */
    /* expect: raw-page-index, raw-page-index */
    return a->index + b->index;

``expect`` says that there is a finding, ``expect-none`` that there is none (also where
one might look for it). ``todo-expect`` is a known miss, ``todo-none`` a known false
alarm: both fail when they come right, and are then to be changed. Behind the rule,
``note`` says that it is no more than one, ``assumed`` that it is not certain.

``reads.fixed.c`` beside ``reads.c`` is what a rewrite makes of it, ``reads.unsafe.c`` what
one with ``--unsafe`` does.

Floor 7.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pagefix import engine
from pagefix.conditions import why_not
from pagefix.errors import PagefixError
from pagefix.finding import Confidence, Finding, Severity
from pagefix.program import Program
from pagefix.report import Report
from pagefix.rulebook import Rule

__all__ = ["Case", "Expected", "Line", "complaints", "expectations", "programs", "run_case"]

_COMMENT = re.compile(
    r"(?:/\*|#)\s*(?P<word>expect|expect-none|todo-expect|todo-none):(?P<items>.*?)(?:\*/|$)"
)
_ITEM = re.compile(r"\s*(?P<rule>[a-z][a-z0-9-]*)(?P<note> note)?(?P<assumed> assumed)?\s*")


class Expected(NamedTuple):
    """One finding, as far as a comment says it."""

    path: str
    line: int
    rule: str
    note: bool
    assumed: bool

    def __str__(self) -> str:
        words = " note" * self.note + " assumed" * self.assumed
        return f"{self.path}:{self.line}: {self.rule}{words}"


class Line(NamedTuple):
    """One expectation: its word, and what it is about."""

    word: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class Case:
    """One program of a rule's fixtures.

    :param path: the ``*.c`` or the folder.
    :param wrong: what differs from what is expected, as lines to print; empty if nothing.
    """

    rule: str
    path: Path
    wrong: tuple[str, ...]


def programs(rule: str, folder: Path) -> tuple[Path, ...]:
    """Return the programs that a folder of fixtures has for a rule."""
    found = []
    for place in sorted(folder.rglob(rule)):
        if place.is_dir():
            found += [path for path in sorted(place.iterdir()) if _is_program(path)]
    return tuple(found)


def _is_program(path: Path) -> bool:
    results = tuple(f"{kind}{suffix}" for kind in (".fixed", ".unsafe") for suffix in (".c", ".py"))
    return path.is_dir() or (path.suffix in (".c", ".py") and not path.name.endswith(results))


def run_case(rule: Rule, rules: Sequence[Rule], path: Path) -> Case:
    """Run a rule over one of its programs.

    :param rules: all there are: a fixture may expect findings of others beside the rule's.
    """
    program = engine.load([str(path)])
    expected = [
        line
        for shown in (*program.files, *program.scripts)
        for line in expectations(shown, program.data(shown).decode("utf-8", "surrogateescape"))
    ]
    names = {rule.name, *(line.expected.rule for line in expected)}
    used = [each for each in rules if each.name == rule.name or not each.optional]
    report = engine.check(program, used, rule.scope, names=[each.name for each in rules])
    mine = tuple(f for f in report.findings if f.rule in names and f.suppressed is None)
    wrong = [f"{each.path}:{each.line}: text not understood" for each in report.unread]
    for complaint in complaints(expected, mine):
        wrong += _framed(program, complaint, mine)
    wrong += _rewritten(program, report, rule, path)
    reason = why_not(program, rule) if wrong else ""
    if reason:
        wrong.insert(0, f"{path}: the rule means nothing there: {reason}")
    return Case(rule.name, path, tuple(wrong))


# --- comments


def expectations(path: str, text: str) -> Iterator[Line]:
    """Yield what the comments of a text expect.

    :raises PagefixError: for a comment that is no expectation and looks like one.
    """
    for number, line in enumerate(text.splitlines(), 1):
        comment = _COMMENT.search(line)
        if comment is None:
            if re.search(r"/\*.*\bexpect:", line):
                raise _not_understood(path, number, line.strip())
            continue
        own = not line.replace(comment[0], "").strip()
        for item in comment["items"].split(","):
            found = _ITEM.fullmatch(item)
            if found is None:
                raise _not_understood(path, number, item.strip())
            yield Line(
                comment["word"],
                Expected(
                    path, number + own, found["rule"], bool(found["note"]), bool(found["assumed"])
                ),
            )


def _not_understood(path: str, line: int, text: str) -> PagefixError:
    return PagefixError(
        f"{path}:{line}: not an expectation: {text}",
        why="It is not of the form /* expect: RULE [note] [assumed], ... */.",
        remedy="The words: expect, expect-none, todo-expect, todo-none.",
    )


class Complaint(NamedTuple):
    """What differs at one place: ``-`` expected and not found, ``+`` found, ``!`` now right."""

    sign: str
    expected: Expected
    message: str

    def __str__(self) -> str:
        return f"{self.expected}: {self.message}"


def complaints(lines: Iterable[Line], findings: Iterable[Finding]) -> list[Complaint]:
    """Return what differs between expectations and findings."""
    found = Counter(_of(finding) for finding in findings)
    said: list[Complaint] = []
    for word, expected in lines:
        # The two that say "none" speak of the rule, whatever else is said of it.
        same = [each for each in found if found[each] and each[:3] == expected[:3]]
        if word == "expect":
            if not found[expected]:
                said.append(Complaint("-", expected, "expected, not found"))
            else:
                found[expected] -= 1
        elif word == "todo-none":
            if not found[expected]:
                said.append(Complaint("!", expected, "now right: use expect-none"))
            else:
                found[expected] -= 1
        elif same:
            new = word == "todo-expect"
            message = "now right: use expect" if new else "not expected"
            said.append(Complaint("!" if new else "+", expected, message))
            found[same[0]] -= 1
    return said + [Complaint("+", each, "not expected") for each in found.elements()]


def _of(finding: Finding) -> Expected:
    return Expected(
        finding.place.path,
        finding.place.line,
        finding.rule,
        finding.severity is Severity.NOTE,
        finding.confidence is Confidence.ASSUMED,
    )


# --- showing


def _framed(program: Program, complaint: Complaint, findings: Iterable[Finding]) -> Iterator[str]:
    # The line with a caret below: where it was found, or all the code that it was expected in.
    path, number = complaint.expected[:2]
    text = program.data(path).decode("utf-8", "surrogateescape").splitlines()[number - 1]
    code = _COMMENT.sub("", text).rstrip()
    start, end = len(code) - len(code.lstrip()), len(code)
    for each in findings:
        if _of(each) == complaint.expected and complaint.sign == "+":
            start = each.place.column - 1
            end = each.place.end_column - 1 if each.place.end_line == number else len(text)
    before = len(text[:start].expandtabs())
    width = max(len(text[:end].expandtabs()) - before, 1)
    gutter = " " * len(str(number))
    words = " ".join(str(complaint.expected).split(": ")[1:])
    yield f"{path}:{number}: {words}: {complaint.message}"
    yield f"{complaint.sign} {number} | {text.expandtabs()}"
    yield f"  {gutter} | {' ' * before}{'^' * width}"


def _rewritten(program: Program, report: Report, rule: Rule, path: Path) -> Iterator[str]:
    # What a rewrite makes of it, against the program that says what it should.
    if path.is_dir():
        return
    kept = tuple(each for each in report.findings if each.rule == rule.name)
    before = path.read_text(encoding="utf-8")
    for kind in (".fixed", ".unsafe"):
        fixed = path.with_suffix(f"{kind}{path.suffix}")
        unsafe = kind == ".unsafe"
        if unsafe and not fixed.exists():
            continue
        result = engine.rewrite(program, replace(report, findings=kept), unsafe=unsafe)
        changes = result.changes
        after = changes[0].after.decode("utf-8", "surrogateescape") if changes else before
        wanted = fixed.read_text(encoding="utf-8") if fixed.exists() else before
        yield from difflib.unified_diff(
            wanted.splitlines(), after.splitlines(), fixed.name, "rewritten", lineterm=""
        )
