"""Reports for people: code frames, chains, diffs, tables.

Written with rich: colours where the terminal has them and ``NO_COLOR`` is not set; in a
pipe plain text that is neither wrapped nor cut.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import IO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pagefix.finding import IN_BASELINE, Finding, Fix, Ledger, Severity, Step, Unread
from pagefix.fix import FileChange, apply_edits, changed_lines
from pagefix.report.model import Report
from pagefix.report.words import touched
from pagefix.source import Place, SourceFile

__all__ = ["Screen"]

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold blue"}
_CONTROL = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {
    0x7F: 0x2421
}
_TAB = 8

Read = Callable[[str], SourceFile]


class Screen:
    """A place to print reports on.

    :param file: where to write.
    :param read: gives the text of a file by its shown path.
    :param width: columns, if not the terminal's own.
    """

    def __init__(self, file: IO[str], read: Read, width: int | None = None) -> None:
        self.console = _console(file, width)
        self.read = read
        #: In a pipe nothing is wrapped or cut: what reads it wants whole lines.
        self.whole = not self.console.is_terminal and width is None

    # --- check

    def check(self, report: Report) -> None:
        """Print the findings, grouped by function, and a summary."""
        for sentence in report.assumptions:
            self.paragraph(Text.assemble(("assumed: ", "yellow"), clean(sentence)), 2)
        counted = report.counted
        elsewhere = [each for each in counted if each.touch and not each.touch.on_line]
        self.groups(each for each in counted if each not in elsewhere)
        if elsewhere:
            self.line(Text())
            self.line(Text("Elsewhere, by what has changed:", "bold yellow"))
            self.groups(elsewhere)
        self.summary(report)

    def groups(self, findings: Iterable[Finding]) -> None:
        """Print findings, grouped by function."""
        for (path, function), group in groupby(
            findings, lambda each: (each.span.path, each.function)
        ):
            self.group(path, function, tuple(group))

    def group(self, path: str, function: str | None, findings: Sequence[Finding]) -> None:
        """Print the findings of one function, a chain that they share once."""
        title = Text(clean(path), "bold")
        if function is not None:
            title.append(f"  {clean(function)}()", "bold cyan")
        self.line(Text())
        self.line(title)
        # The last step is the finding itself.
        chains = {each.trace[:-1] for each in findings}
        shared = chains.pop() if len(chains) == 1 else ()
        if shared:
            self.chain(shared)
        for finding in findings:
            self.finding(finding)
            if finding.trace and not shared:
                self.chain(finding.trace)

    def finding(self, finding: Finding) -> None:
        """Print one finding: message, code frame, what to write instead."""
        head = Text("  ")
        head.append(f"{finding.severity}", _STYLE[finding.severity])
        head.append(f"[{finding.rule}]", "bold")
        head.append(f" {clean(finding.message)}")
        self.line(Text())
        self.paragraph(head, 2)
        self.frame(finding.place)
        if finding.entry is not None:
            self.note(f"from {finding.entry}")
        if finding.unless is not None:
            self.note(f"only if {finding.unless}")
        if finding.touch is not None and not finding.touch.on_line:
            self.note(touched(finding.touch))
        for fix in finding.fixes:
            self.fix(finding, fix)

    def frame(self, place: Place) -> None:
        """Print the line of a place with a caret below it."""
        source = self.read(place.path)
        text, begin, end = _expanded(source, place)
        number = str(place.line)
        gutter = " " * (len(number) + 2)
        cut = self.window(len(gutter) + 2, begin, end)
        shown = Text(text[cut:])
        shown.stylize("bold", begin - cut, end - cut)
        self.line(Text.assemble("  ", gutter, ("--> ", "blue"), self.where(place)))
        self.code(Text.assemble("  ", (f"{number} | ", "blue"), shown))
        caret = " " * (begin - cut) + "^" * max(end - begin, 1)
        self.code(Text.assemble("  ", (f"{' ' * len(number)} | ", "blue"), (caret, "bold red")))

    def where(self, place: Place) -> str:
        """Return a place as an editor takes it."""
        return f"{clean(place.path)}:{place.line}:{place.column}"

    def fix(self, finding: Finding, fix: Fix) -> None:
        """Print what could be written instead, as a diff if it is known."""
        self.note(fix.message if fix.edits else clean(fix.message))
        if not fix.edits:
            return
        source = self.read(finding.span.path)
        edits = tuple(edit for edit in fix.edits if edit.path == finding.span.path)
        change = FileChange(source, edits, apply_edits(source.data, edits))
        for old, new in changed_lines(change):
            self.diff_lines("-", "red", old)
            self.diff_lines("+", "green", new)

    def diff_lines(self, mark: str, style: str, lines: Iterable[bytes]) -> None:
        """Print lines of a diff inside a finding."""
        for line in lines:
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n").expandtabs(_TAB)
            self.code(Text(f"    {mark} {clean(text)}", style))

    def note(self, message: str) -> None:
        """Print a remark on a finding."""
        self.paragraph(Text.assemble(("  = ", "blue"), clean(message)), 4)

    def chain(self, steps: Sequence[Step]) -> None:
        """Print a chain as a tree: each call one level in."""
        first, *rest = steps
        top = Tree(self.step(first), guide_style="blue")
        branches = [(first.depth, top)]
        for step in rest:
            while len(branches) > 1 and branches[-1][0] >= step.depth:
                branches.pop()
            branches.append((step.depth, branches[-1][1].add(self.step(step))))
        self.show(Padding(top, (0, 0, 0, 2)))

    def step(self, step: Step) -> Text:
        """Return one step of a chain as a line."""
        return Text.assemble(clean(step.message), (f"  {self.where(step.place)}", "dim"))

    def summary(self, report: Report) -> None:
        """Print how much was found, and what was not decided or not read."""
        self.line(Text())
        found = [each for each in report.findings if each.suppressed is None]
        files = _many(report.files, "file")
        silent = _silent(report.findings)
        if not found:
            self.paragraph(Text(f"{files} read, nothing found{silent}.", "green"), 2)
        else:
            fixable = sum(any(fix.edits for fix in each.fixes) for each in found)
            words = (
                f"{_counted(found)} in {files}{silent}; {fixable} with a fix (`pagefix rewrite`)."
            )
            self.paragraph(Text(words), 2)
        if report.left_out:
            words = f"{_many(report.left_out, 'finding')} more, elsewhere."
            self.paragraph(Text(words, "dim"), 2)
        if report.undecided:
            self.line(Text(f"{_many(len(report.undecided), 'place')} undecided:"))
            for site in report.undecided:
                place = f"  {self.where(site.place)}: {' '.join(site.expression.split())}"
                self.paragraph(Text(clean(f"{place}: {site.reason}")), 4)
        self.unread(report.unread)

    def unread(self, unread: Sequence[Unread]) -> None:
        """Print what the reader could not make sense of."""
        if not unread:
            return
        self.line(Text(f"{_many(len(unread), 'stretch', 'stretches')} of text not understood:"))
        for each in unread:
            lines = f"{each.line}" if each.line == each.end_line else f"{each.line}-{each.end_line}"
            self.paragraph(Text(f"  {clean(each.path)}:{lines}: {clean(each.reason)}"), 4)

    def stats(self, report: Report) -> None:
        """Print the ledger and the coverage."""
        self.ledger(report.ledger)
        self.line(
            Text(f"functions: {report.coverage.functions}, contexts: {report.coverage.contexts}")
        )
        self.line(Text(f"wrappers in the tree: {', '.join(report.tree.wrappers) or 'none'}"))

    # --- sites

    def ledger(self, ledger: Ledger) -> None:
        """Print the account of the fields' names."""
        self.line(
            Text(
                f"ledger: {ledger.occurrences} occurrences = {ledger.page} page"
                f" + {ledger.other} other + {ledger.unresolved} unresolved"
            )
        )

    # --- the pieces

    def table(self, *headings: str, right: Iterable[int] = ()) -> Table:
        """Return an empty table in the house style."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for at, heading in enumerate(headings):
            if at in tuple(right):
                table.add_column(heading, justify="right", no_wrap=True)
            else:
                table.add_column(heading, overflow="fold")
        return table

    def show(self, what: RenderableType) -> None:
        """Print a table or a tree, in a pipe as wide as it likes."""
        if not self.whole:
            self.console.print(what)
            return
        wide = _console(self.console.file, 10_000)
        with wide.capture() as captured:
            wide.print(what)
        for line in captured.get().splitlines():
            self.line(Text(line.rstrip()))

    def line(self, text: Text) -> None:
        """Print a line; one that is too long is wrapped by the terminal alone."""
        self.console.print(text, soft_wrap=True)

    def code(self, text: Text) -> None:
        """Print a line of code: never wrapped, cut at the terminal's edge."""
        if self.whole:
            self.line(text)
        else:
            self.console.print(text, no_wrap=True, overflow="ellipsis", crop=True)

    def paragraph(self, text: Text, indent: int) -> None:
        """Print text wrapped to the terminal, its further lines indented."""
        if self.whole:
            self.line(text)
            return
        room = max(self.console.width - indent, 20)
        first, *rest = text.wrap(self.console, room + indent) or [Text()]
        self.line(first)
        left = Text(" ").join(rest) if rest else Text()
        for line in left.wrap(self.console, room) if rest else ():
            self.line(Text(" " * indent) + line)

    def window(self, before: int, begin: int, end: int) -> int:
        """Return how many columns of a code line to leave out so that a place is seen."""
        room = self.console.width - before - 4
        if self.whole or end <= room:
            return 0
        return max(min(begin - room // 2, begin), 0)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would exit with 1, which means "findings".
        raise BrokenPipeError


def _console(file: IO[str], width: int | None) -> Console:
    return _Console(file=file, highlight=False, markup=False, emoji=False, width=width)


def clean(text: str) -> str:
    """Return text without what a terminal would obey."""
    return text.translate(_CONTROL)


def _expanded(source: SourceFile, place: Place) -> tuple[str, int, int]:
    # The line with tabs expanded, and the columns (from 0) that the place covers in it.
    start = source.lines()[place.line - 1]
    end = source.data.find(b"\n", start)
    line = source.data[start : end if end >= 0 else len(source.data)].rstrip(b"\r")
    text = line.decode("utf-8", "surrogateescape")
    begin = len(line[: place.column - 1].decode("utf-8", "surrogateescape").expandtabs(_TAB))
    last = place.end_column - 1 if place.end_line == place.line else len(line)
    until = len(line[:last].decode("utf-8", "surrogateescape").expandtabs(_TAB))
    return clean(text.expandtabs(_TAB)), begin, until


def _silent(findings: Iterable[Finding]) -> str:
    # How many findings do not count, and why.
    known = [each.suppressed for each in findings if each.suppressed is not None]
    postponed = known.count(IN_BASELINE)
    parts = []
    if len(known) > postponed:
        parts.append(f"{len(known) - postponed:,} allowed")
    if postponed:
        parts.append(f"{postponed:,} in the baseline")
    return f" ({', '.join(parts)})" if parts else ""


def _counted(findings: Iterable[Finding]) -> str:
    found = [each.severity for each in findings]
    parts = [_many(found.count(each), each) for each in Severity if each in found]
    return ", ".join(parts)


def _many(count: int, one: str, several: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"
