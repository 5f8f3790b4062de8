"""A report of a text that has since changed elsewhere: the same, with its places moved.

Floor 6.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Protocol

from pagefix.finding import Coverage, Edit, Finding, Fix, Site, Step, Unread
from pagefix.report.model import Report
from pagefix.source import Place, Span

__all__ = ["Moves", "moved"]


class Moves(Protocol):
    """Where the places of one file are now.

    :param path: the file, as shown.
    """

    path: str

    def line(self, line: int) -> int:
        """Return where a line is now; ``LookupError`` if it is gone."""

    def offset(self, offset: int) -> int:
        """Return where a byte is now; ``LookupError`` if it is gone."""

    def lines(self, first: int, last: int) -> tuple[int, int]:
        """Return where lines are now; ``LookupError`` if any is gone or new among them."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where bytes are now; ``LookupError`` if any is gone or new among them."""

    def edit(self, offset: int) -> int:
        """Return what ``offset`` does, of a place of an edit, which rests on what is around it."""


def moved(report: Report, moves: Moves) -> Report:
    """Return a report with all places in one file moved.

    :raises LookupError: if it speaks of a place that is gone.
    """
    return _Mover(moves).report(report)


class _Mover:
    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self._path = moves.path
        name = re.escape(moves.path.rpartition("/")[2])
        self._line = re.compile(rf"(?<!\w){name}:\d")

    def report(self, report: Report) -> Report:
        return replace(
            report,
            findings=tuple(map(self._finding, report.findings)),
            undecided=tuple(map(self._site, report.undecided)),
            coverage=self._coverage(report.coverage),
            assumptions=tuple(map(self._text, report.assumptions)),
            unread=tuple(map(self._unread, report.unread)),
            hidden=tuple(map(self._unread, report.hidden)),
        )

    def _finding(self, finding: Finding) -> Finding:
        if finding.fixes and finding.span.path == self._path:
            # That there is nothing to write may rest on what is around it, too.
            self._moves.edit(finding.span.start)
        return replace(
            finding,
            place=self._place(finding.place),
            span=self._span(finding.span),
            message=self._text(finding.message),
            trace=tuple(map(self._step, finding.trace)),
            fixes=tuple(map(self._fix, finding.fixes)),
        )

    def _step(self, step: Step) -> Step:
        return replace(step, place=self._place(step.place), message=self._text(step.message))

    def _fix(self, fix: Fix) -> Fix:
        edits = tuple(map(self._edit, fix.edits))
        return replace(fix, message=self._text(fix.message), edits=edits)

    def _edit(self, edit: Edit) -> Edit:
        if edit.path != self._path:
            return edit
        self._moves.edit(edit.start)
        start, end = self._range(edit.start, edit.end)
        return replace(edit, start=start, end=end)

    def _site(self, site: Site) -> Site:
        return replace(
            site,
            place=self._place(site.place),
            span=self._span(site.span),
            reason=self._text(site.reason),
            whole=self._span(site.whole),
        )

    def _unread(self, unread: Unread) -> Unread:
        if unread.path != self._path:
            return unread
        line, end_line = self._moves.lines(unread.line, unread.end_line)
        return replace(unread, line=line, end_line=end_line)

    def _coverage(self, coverage: Coverage) -> Coverage:
        # They are sorted as texts, in which 1000 comes before 999.
        calls = tuple(sorted(map(self._call, coverage.unresolved_calls)))
        return replace(coverage, unresolved_calls=calls)

    def _call(self, call: str) -> str:
        path, _, line = call.rpartition(":")
        return f"{path}:{self._moves.line(int(line))}" if path == self._path else call

    # --- places

    def _span(self, span: Span) -> Span:
        if span.path != self._path:
            return span
        return Span(span.path, *self._range(span.start, span.end))

    def _range(self, start: int, end: int) -> tuple[int, int]:
        if start < end:
            return self._moves.span(start, end)
        offset = self._moves.offset
        # A place between two bytes belongs to both.
        after = offset(end - 1) + 1 if end else 0
        if after != offset(start):
            raise LookupError(f"byte {start} of {self._path} has something new beside it")
        return after, after

    def _place(self, place: Place) -> Place:
        if place.path != self._path:
            return place
        line, end_line = self._moves.lines(place.line, place.end_line)
        return place._replace(line=line, end_line=end_line)

    def _text(self, text: str) -> str:
        # Sentences name no lines; if one does, as in a string of the code, who knows whose.
        if self._line.search(text):
            raise LookupError(f"{text} may speak of a line of {self._path}")
        return text
