"""What of a report a change concerns: findings on its lines, and chains through them.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pagefix.changes.lines import Changes, Lines
from pagefix.finding import Finding, Touch, Unread
from pagefix.program import Program
from pagefix.report import Report
from pagefix.source import Place

__all__ = ["concerned", "within"]


def within(program: Program, report: Report, files: Iterable[str]) -> Report:
    """Return what of a report lies in some files, or below some directories."""
    return _Files(program, {}, files).of(report)


def concerned(
    program: Program, report: Report, changes: Changes, files: Iterable[str] = ()
) -> Report:
    """Return what of a report changes concern; each finding says by which line.

    That is: findings on lines that are new; findings elsewhere whose chain runs through a
    new line, or through a function in which a test, a branch or a return was taken out
    before the chain goes on.

    :param files: in which every finding counts, changed or not.
    """
    return _Files(program, changes.lines, files).of(report)


class _Files:
    def __init__(self, program: Program, lines: dict[str, Lines], whole: Iterable[str]) -> None:
        self.program = program
        self.by_disk = lines
        self.tops = [os.path.realpath(each) for each in whole]
        self.known: dict[str, tuple[Lines, bool]] = {}

    def of(self, report: Report) -> Report:
        findings = tuple(each for each in map(self.marked, report.findings) if each is not None)
        return replace(
            report,
            findings=findings,
            undecided=tuple(each for each in report.undecided if self.touch(each.place)),
            unread=tuple(each for each in report.unread if self.has(each)),
            hidden=tuple(each for each in report.hidden if self.has(each)),
            left_out=report.left_out + len(report.findings) - len(findings),
        )

    def marked(self, finding: Finding) -> Finding | None:
        lines, whole = self.lines(finding.place.path)
        place = self.fresh(finding.place, lines)
        if place is not None:
            return replace(finding, touch=Touch(on_line=True, place=place))
        steps = [finding.place, *(step.place for step in finding.trace)]
        through = next((each for step in steps for each in self.through(step)), None)
        if whole:
            return finding
        return None if through is None else replace(finding, touch=Touch(False, through))

    def touch(self, place: Place) -> bool:
        lines, whole = self.lines(place.path)
        return whole or self.fresh(place, lines) is not None

    def has(self, unread: Unread) -> bool:
        lines, whole = self.lines(unread.path)
        return whole or any(unread.line <= each <= unread.end_line for each in lines.fresh)

    def lines(self, path: str) -> tuple[Lines, bool]:
        # The new lines of a file as shown, and whether all of it counts.
        found = self.known.get(path)
        if found is None:
            disk = self.program.disk(path)
            folder, name = os.path.split(disk)
            real = os.path.join(os.path.realpath(folder), name)
            whole = any(real == top or real.startswith(top + "/") for top in self.tops)
            found = self.known[path] = (self.by_disk.get(real, Lines()), whole)
        return found

    def fresh(self, place: Place, lines: Lines) -> Place | None:
        if not lines.fresh:
            return None
        for line in range(place.line, place.end_line + 1):
            if line in lines.fresh:
                return place._replace(line=line, end_line=line)
        return None

    def through(self, place: Place) -> Iterator[Place]:
        lines, _ = self.lines(place.path)
        fresh = self.fresh(place, lines)
        if fresh is not None:
            yield fresh
        if lines.cuts:
            first = self.begin(place)
            for cut in sorted(lines.cuts):
                if first <= cut <= place.line:
                    yield Place(place.path, cut, 1, cut, 1)

    def begin(self, place: Place) -> int:
        # The first line of the function around a place.
        unit = self.program.unit(place.path)
        chunk = unit.chunk_at(unit.source.lines()[place.line - 1])
        return place.line if chunk is None else unit.source.line_of(chunk.start)
