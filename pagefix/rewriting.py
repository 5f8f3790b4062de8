"""The ways to take a rewrite: as a diff, hunk by hunk, or written to the files.

In: a program and its report. Out: text on a stream, a patch file, written files.

Floor 7.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO, TextIO

from pagefix import engine, fix
from pagefix.finding import Edit, Finding
from pagefix.fix import coloured

if TYPE_CHECKING:
    from pagefix.engine import Rewrite
    from pagefix.fix import FileChange
    from pagefix.program import Program
    from pagefix.report import Report
    from pagefix.report.console import Screen

__all__ = ["ask", "coloured", "diff_of", "wants_colour"]

_HELP = """\
y - make this change
n - leave it
a - make this one and all that follow
d - leave this one and all that follow
c - show the chains that lead there
q - stop: nothing is written
? - this text
"""


def diff_of(result: Rewrite) -> bytes:
    """Return all changes as one diff; each hunk says what it stands on."""
    return b"".join(_diff(change, result.made) for change in result.changes)


def _diff(change: FileChange, made: Iterable[Finding]) -> bytes:
    line_of = change.source.line_of
    lines = [
        (line_of(at), number, each)
        for number, each in enumerate(made)
        if each.span.path == change.path
        for edit in _edits(each)
        for at in (edit.start, edit.end)
    ]
    lines.sort(key=lambda entry: entry[:2])

    def heading(first: int, last: int) -> str:
        begin = bisect_left(lines, first, key=lambda entry: entry[0])
        end = bisect_right(lines, last, key=lambda entry: entry[0])
        near = {number: each for _, number, each in lines[begin:end]}
        return _reason(near[number] for number in sorted(near))

    return fix.unified_diff(change, heading)


def _edits(finding: Finding) -> Sequence[Edit]:
    return next((each.edits for each in finding.fixes if each.edits), ())


def _reason(findings: Iterable[Finding]) -> str:
    # "raw-page-index, raw-page-mapping: foofs_aops.readpage reaches foofs_end_read()"
    said: dict[str, dict[str, None]] = {}
    for each in findings:
        where = f"in {each.function}()" if each.function is not None else ""
        if each.entry is not None and each.function is not None:
            where = f"{each.entry} reaches {each.function}()"
        said.setdefault(where, {})[each.rule] = None
    parts = [": ".join(filter(None, (", ".join(rules), where))) for where, rules in said.items()]
    return "; ".join(parts)


def wants_colour(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that shows colours."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


# --- hunk by hunk


def ask(
    program: Program,
    report: Report,
    result: Rewrite,
    screen: Screen,
    *,
    unsafe: bool,
    answers: TextIO | None = None,
    out: BinaryIO | None = None,
) -> Rewrite | None:
    """Ask of every change whether it is to be made, as ``git add -p`` does.

    :param result: all that could be made.
    :param screen: shows chains.
    :return: what is to be made; ``None`` if nothing is to be done after all.
    """
    answers = answers or sys.stdin
    out = out or sys.stdout.buffer
    groups = _groups(result)
    taken: set[Finding] = set()
    colour = wants_colour(sys.stdout)
    for number, group in enumerate(groups, 1):
        part = engine.rewrite(program, report, unsafe=unsafe, only=set(group))
        diff = diff_of(part)
        _show(out, coloured(diff) if colour else diff)
        answer = _answer(f"({number}/{len(groups)}) make this change?", group, answers, out, screen)
        if answer in ("y", "a"):
            taken.update(group)
        if answer == "a":
            taken.update(each for later in groups[number:] for each in later)
        if answer in ("a", "d"):
            break
        if answer == "q":
            return None
    if not taken:
        return None
    return engine.rewrite(program, report, unsafe=unsafe, only=taken)


def _answer(
    question: str, group: Sequence[Finding], answers: TextIO, out: BinaryIO, screen: Screen
) -> str:
    while True:
        _show(out, f"{question} [y,n,a,d,c,q,?] ".encode())
        line = answers.readline()
        if not line:
            # Whoever was asked has left: that is no yes.
            _show(out, b"\n")
            return "q"
        answer = line.strip().lower()[:1]
        if answer and answer in "ynadq":
            return answer
        if answer == "c":
            for finding in group:
                screen.group(finding.span.path, finding.function, [finding])
        else:
            _show(out, _HELP.encode())


def _show(out: BinaryIO, text: bytes) -> None:
    sys.stdout.flush()
    out.write(text)
    out.flush()


def _groups(result: Rewrite) -> list[list[Finding]]:
    # Findings that are changed together: in one hunk, or by an edit that both need.
    groups: list[tuple[list[Finding], set[tuple[str, int]]]] = []
    sources = {change.path: change.source for change in result.changes}
    for finding in result.made:
        lines = {
            (edit.path, line)
            for edit in _edits(finding)
            for at in (edit.start, edit.end)
            for line in _around(sources[edit.path].line_of(at))
        }
        mine = [finding]
        apart = []
        for group in groups:
            if group[1] & lines:
                mine = [*group[0], *mine]
                lines |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (mine, lines)]
    return sorted(
        (sorted(each, key=lambda finding: finding.span) for each, _ in groups),
        key=lambda each: each[0].span,
    )


def _around(line: int) -> range:
    # Three lines of context on both sides: hunks whose context meets are one.
    return range(line - 3, line + 4)
