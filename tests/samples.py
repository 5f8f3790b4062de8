"""A finding with all that one can have, and the text that it is in."""

from __future__ import annotations

from pagefix.finding import (
    Applicability,
    Confidence,
    Coverage,
    Edit,
    Finding,
    Fix,
    Kind,
    Ledger,
    Severity,
    Step,
)
from pagefix.report import About, Report, TreeFacts
from pagefix.rulebook import load_rules
from pagefix.source import Place, SourceFile, Span

TEXT = b"int f(struct page *page)\n{\n\tint \xe9 = page->mapping->x;\n\treturn 1;\n}\n"
FIRST = Finding(
    rule="raw-page-mapping",
    kind=Kind.FLOW,
    place=Place("fs/a.c", 3, 16, 3, 23),
    span=Span("fs/a.c", 42, 49),
    function="f",
    field="mapping",
    expression="page->mapping",
    message="page->mapping is not the file's mapping",
    severity=Severity.ERROR,
    confidence=Confidence.ASSUMED,
    fingerprint="0123456789abcdef0123456789abcdef",
    entry="foo_aops.readpage",
    unless="compressed",
    trace=(
        Step(0, Place("fs/a.c", 1, 5, 1, 6), "the VM calls f()"),
        Step(1, Place("fs/a.c", 3, 16, 3, 23), "reads page->mapping"),
    ),
    alternatives=2,
    fixes=(
        Fix(
            Applicability.SAFE,
            "use the wrapper",
            (Edit("fs/a.c", 36, 36, "w("), Edit("fs/a.c", 40, 49, ")")),
        ),
    ),
)


def report(*findings: Finding) -> Report:
    """Return a check that has found them."""
    return Report(
        tree=TreeFacts("/k", ("page_file_mapping",), ()),
        findings=findings,
        undecided=(),
        coverage=Coverage(1, 2, ("a",), ("b",), ("c",)),
        assumptions=("something",),
        ledger=Ledger(3, 1, 2, 0, {"struct page": 1, "struct x": 2}),
        unread=(),
        files=1,
    )


def about(text: bytes = TEXT) -> About:
    """Return what formats may know: version 1.2, one rule, one text for every path."""
    rules = [rule for rule in load_rules() if rule.name == "raw-page-mapping"]
    return About("1.2", rules, lambda path: SourceFile(path, "", text), lambda path: path)
