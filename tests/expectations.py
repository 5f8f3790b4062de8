"""Expectations in the comments of a fixture: how they are written, and what they come to.

A comment at the end of a line speaks of that line, one on a line of its own of the line
below it::

    return page->index;             /* expect: raw-page-index */
    /* expect: raw-page-index, raw-page-index */
    return a->index + b->index;

``expect`` says that there is a finding, ``expect-none`` that there is none (also where
one might look for it). ``todo-expect`` is a known miss, ``todo-none`` a known false
alarm: both fail when they come right, and are then to be changed. Behind the rule,
``note`` says that it is no more than one, ``assumed`` that it is not certain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pagefix.finding import Confidence, Finding, Severity

_COMMENT = re.compile(r"/\*\s*(?P<word>expect|expect-none|todo-expect|todo-none):(?P<items>.*?)\*/")
_ITEM = re.compile(r"\s*(?P<rule>[a-z][a-z-]*)(?P<note> note)?(?P<assumed> assumed)?\s*")


class Expected(NamedTuple):
    path: str
    line: int
    rule: str
    note: bool
    assumed: bool

    def __str__(self) -> str:
        words = " note" * self.note + " assumed" * self.assumed
        return f"{self.path}:{self.line}: {self.rule}{words}"


class Line(NamedTuple):
    word: str
    expected: Expected


def expectations(path: str, text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        comment = _COMMENT.search(line)
        if comment is None:
            assert "expect:" not in line, f"{path}:{number}: not an expectation: {line.strip()}"
            continue
        own = not line.replace(comment[0], "").strip()
        for item in comment["items"].split(","):
            found = _ITEM.fullmatch(item)
            assert found is not None, f"{path}:{number}: not a rule: {item}"
            yield Line(
                comment["word"],
                Expected(
                    path, number + own, found["rule"], bool(found["note"]), bool(found["assumed"])
                ),
            )


def complaints(lines: Iterable[Line], findings: Iterable[Finding]) -> list[str]:
    """Return what differs between expectations and findings, a line each."""
    found = Counter(_of(finding) for finding in findings)
    said: list[str] = []
    for word, expected in lines:
        # The two that say "none" speak of the rule, whatever else is said of it.
        same = [each for each in found if found[each] and each[:3] == expected[:3]]
        if word == "expect" or word == "todo-none":
            if not found[expected]:
                wish = "expected, not found" if word == "expect" else "now right: use expect-none"
                said.append(f"{expected}: {wish}")
            else:
                found[expected] -= 1
        elif same:
            wish = "not expected" if word == "expect-none" else "now right: use expect"
            said.append(f"{expected}: {wish}")
            found[same[0]] -= 1
    return said + [f"{each}: not expected" for each in found.elements()]


def _of(finding: Finding) -> Expected:
    return Expected(
        finding.place.path,
        finding.place.line,
        finding.rule,
        finding.severity is Severity.NOTE,
        finding.confidence is Confidence.ASSUMED,
    )
