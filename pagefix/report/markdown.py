"""Markdown: a check for a mail or a review comment, and a rule's words.

Lines are as long as the source's own; nothing in it needs a renderer to be read.

Floor 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from pagefix.finding import Finding, Fix
from pagefix.fix import FileChange, apply_edits, changed_lines
from pagefix.report.model import About, Report
from pagefix.report.words import counted, many, printable, touched
from pagefix.rulebook import HEADINGS, Rule

__all__ = ["help_markdown", "lines"]

# What Markdown would take for its own in running text.
_SPECIAL = re.compile(r"([\\`*\[<])")


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield the findings that count, by function, with chain and fix."""
    found = report.counted
    allowed = len(report.findings) - len(found)
    tail = f" ({allowed} allowed)" if allowed else ""
    yield f"**pagefix: {counted(found)} in {many(report.files, 'file')}{tail}.**"
    for sentence in report.assumptions:
        yield ""
        yield f"Assumed: {_text(sentence)}"
    for (path, function), group in groupby(found, lambda each: (each.place.path, each.function)):
        name = f", `{function}()`" if function is not None else ""
        yield ""
        yield f"### `{printable(path)}`{printable(name)}"
        yield from _group(tuple(group), about)
    if report.undecided:
        yield ""
        yield f"### {many(len(report.undecided), 'place')} undecided"
        yield ""
        for site in report.undecided:
            where = f"`{printable(site.place.path)}:{site.place.line}`"
            expression = printable(" ".join(site.expression.split()))
            yield f"- {where}: `{expression}`: {_text(site.reason)}"
    if report.unread:
        yield ""
        yield "### Not understood"
        yield ""
        for each in report.unread:
            yield f"- `{printable(each.path)}:{each.line}-{each.end_line}`: {_text(each.reason)}"


def _group(findings: tuple[Finding, ...], about: About) -> Iterator[str]:
    # A chain that all of them share is shown once.
    chains = {each.trace[:-1] for each in findings}
    if len(chains) == 1 and findings[0].trace[:-1]:
        yield from _fenced("", _steps(findings[0]))
    for each in findings:
        yield ""
        rule = f"**{each.severity}** `{each.rule}`, line {each.place.line}"
        yield f"- {rule}: {_text(each.message)}"
        if each.unless is not None:
            yield f"  only if {_text(each.unless)}"
        if each.touch is not None and not each.touch.on_line:
            yield f"  ({_text(touched(each.touch))})"
        if len(chains) > 1 and each.trace[:-1]:
            yield from _fenced("", _steps(each), "  ")
        for fix in each.fixes:
            if fix.edits:
                yield from _fenced("diff", _diff(each, fix, about), "  ")
            else:
                yield f"  {_text(fix.message)}"


def _steps(finding: Finding) -> Iterator[str]:
    for step in finding.trace[:-1]:
        place = f"{printable(step.place.path)}:{step.place.line}"
        yield f"{'  ' * step.depth}{place}: {printable(step.message)}"


def _diff(finding: Finding, fix: Fix, about: About) -> Iterator[str]:
    source = about.read(finding.span.path)
    edits = tuple(edit for edit in fix.edits if edit.path == finding.span.path)
    for old, new in changed_lines(FileChange(source, edits, apply_edits(source.data, edits))):
        for mark, changed in (("-", old), ("+", new)):
            for line in changed:
                yield mark + line.decode("utf-8", "replace").rstrip("\r\n")


def _fenced(language: str, inside: Iterable[str], indent: str = "") -> Iterator[str]:
    yield ""
    yield f"{indent}```{language}"
    for line in inside:
        yield f"{indent}{line}"
    yield f"{indent}```"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))


def help_markdown(rule: Rule) -> str:
    """Return a rule's words under their headings."""
    parts = [f"# {rule.name}", f"**{_text(rule.summary)}**"]
    for key, heading in HEADINGS.items():
        value = getattr(rule.doc, key)
        parts.append(f"## {heading}")
        if isinstance(value, tuple):
            parts.append("\n".join(f"- {each}" for each in value))
        elif key in ("example", "instead"):
            parts.append("```c\n" + value.strip("\n") + "\n```")
        else:
            parts.append(_text(value.strip()))
    return "\n\n".join(parts) + "\n"
