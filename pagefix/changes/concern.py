"""What of a report a change concerns: findings on its lines, by its lines, because of it.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from pagefix.changes.lines import Changes
from pagefix.finding import IN_BASELINE, Finding, Touch, Unread
from pagefix.report import Report, Texts
from pagefix.source import Place

__all__ = ["concerned", "within"]

#: Finds what there is without the change; asked only if it matters.
Before = Callable[[], Iterable[Finding]]


def within(texts: Texts, report: Report, files: Iterable[str]) -> Report:
    """Return what of a report lies in some files, or below some directories."""
    return _Files(texts, {}, files).of(report, lambda: report.findings)


def concerned(
    texts: Texts, report: Report, changes: Changes, before: Before, files: Iterable[str] = ()
) -> Report:
    """Return what of a report changes concern; each finding says how.

    That is: findings on lines that are new; findings elsewhere whose chain runs through a
    new line; and those that are not there without the change: a guard was taken out, a
    table got a slot.

    :param before: gives the findings without the change.
    :param files: in which every finding counts, changed or not.
    """
    return _Files(texts, changes.lines, files).of(report, before)


class _Files:
    def __init__(
        self, texts: Texts, lines: dict[str, frozenset[int]], whole: Iterable[str]
    ) -> None:
        self.texts = texts
        self.by_disk = lines
        self.tops = [os.path.realpath(each) for each in whole]
        self.known: dict[str, tuple[frozenset[int], bool]] = {}

    def of(self, report: Report, before: Before) -> Report:
        marked = [self.marked(each) for each in report.findings]
        if any(each.touch is None and not self.whole(each) for each in marked):
            marked = _with_new(marked, before())
        findings = tuple(each for each in marked if each.touch is not None or self.whole(each))
        return replace(
            report,
            findings=findings,
            undecided=tuple(each for each in report.undecided if self.has_place(each.place)),
            unread=tuple(each for each in report.unread if self.has(each)),
            hidden=tuple(each for each in report.hidden if self.has(each)),
            left_out=report.left_out + len(report.findings) - len(findings),
        )

    def marked(self, finding: Finding) -> Finding:
        place = self.fresh(finding.place)
        if place is not None:
            return replace(finding, touch=Touch("line", place))
        if self.whole(finding):
            return finding
        through = (self.fresh(step.place) for step in finding.trace)
        place = next((each for each in through if each is not None), None)
        return finding if place is None else replace(finding, touch=Touch("chain", place))

    def whole(self, finding: Finding) -> bool:
        return self.lines(finding.place.path)[1]

    def has_place(self, place: Place) -> bool:
        return self.lines(place.path)[1] or self.fresh(place) is not None

    def has(self, unread: Unread) -> bool:
        lines, whole = self.lines(unread.path)
        return whole or any(unread.line <= each <= unread.end_line for each in lines)

    def lines(self, path: str) -> tuple[frozenset[int], bool]:
        # The new lines of a file as shown, and whether all of it counts.
        found = self.known.get(path)
        if found is None:
            folder, name = os.path.split(self.texts.disk(path))
            real = os.path.join(os.path.realpath(folder), name)
            whole = any(real == top or real.startswith(top + "/") for top in self.tops)
            found = self.known[path] = (self.by_disk.get(real, frozenset()), whole)
        return found

    def fresh(self, place: Place) -> Place | None:
        lines, _ = self.lines(place.path)
        for line in range(place.line, place.end_line + 1) if lines else ():
            if line in lines:
                return place._replace(line=line, end_line=line)
        return None


def _with_new(findings: Iterable[Finding], before: Iterable[Finding]) -> list[Finding]:
    # Of findings that look the same, as many are new as there are more than before; those
    # that a new line concerns are counted first.
    left = Counter(map(_key, before))
    found = list(findings)
    surplus = Counter(map(_key, found))
    surplus.subtract(left)
    surplus.subtract(_key(each) for each in found if each.touch is not None)
    marked = []
    for each in reversed(found):
        key = _key(each)
        if each.touch is None and surplus[key] > 0:
            surplus[key] -= 1
            each = replace(each, touch=Touch("new"))
        marked.append(each)
    return marked[::-1]


def _key(finding: Finding) -> tuple[str, str, bool]:
    counts = finding.suppressed in (None, IN_BASELINE)
    return finding.fingerprint, finding.severity, counts
