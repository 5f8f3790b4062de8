"""Why a place of a script is, or is not, a finding.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pagefix.finding import Finding, Step
from pagefix.rulebook import Rule, ScriptModels
from pagefix.script.check import check_source
from pagefix.script.machine import Doubt, Met
from pagefix.script.statements import Told, interpret
from pagefix.script.tree import Script, parse
from pagefix.source import SourceFile

__all__ = ["explain_line"]

_FACTS = {
    "no": "a test shows that the page is not in the swap cache",
    "is": "a test shows that the page is in the swap cache, and the value is asked for as its entry",
    "seen": "what its mapping is has been looked at",
    "file": "a test shows that its mapping is that of a file",
    "pagecache": "the page comes from the page cache",
    "kernel": "the page is one of the kernel's own",
}


def explain_line(
    source: SourceFile, kind: str, rules: Sequence[Rule], models: ScriptModels, line: int
) -> list[str]:
    """Return what is known of each member and each call of a rule on a line, in sentences.

    :param kind: ``drgn`` or ``gdb``; none if it is no script for them.
    """
    if not kind:
        return [f"{source.path} is no script for drgn or gdb: it imports neither"]
    if not 0 < line <= len(source.lines()):
        return [f"{source.path} has no line {line}"]
    script = parse(source, kind)
    if isinstance(script, str):
        return [f"{source.path} could not be read: {script}"]
    told = interpret(script, models)
    findings = check_source(source, kind, rules, models).findings
    lines: list[str] = []
    for met in told.met:
        if script.line(_end(met)) == line:
            lines += _of_met(script, told, met)
    for doubt in told.doubts:
        if script.line(doubt.node) == line:
            lines += _of_doubt(script, doubt)
    lines += [_named(each) for each in findings if each.place.line == line and not each.trace]
    return lines or [
        f"{source.path}:{line}: nothing that a rule is about is met here",
        "  no page that the script tells of is used here, or the line is never reached",
    ]


def _end(met: Met) -> Any:
    return getattr(met.node, "attr", met.node)


def _named(finding: Finding) -> str:
    return f"{finding.rule}: {finding.message}"


def _of_met(script: Script, told: Told, met: Met) -> Iterator[str]:
    text = " ".join(script.text(met.node).split())
    if met.page is None:
        return
    if met.swapcache:
        yield f"{text}: the page may be in the swap cache here"
        yield from _way(script, met)
        return
    if met.excused:
        yield f"{text}: not reported"
        yield from _way(script, met)
        for key, fact in sorted(met.excused, key=lambda each: each[1]):
            if fact in _FACTS:
                yield f"  {_FACTS[fact]}"
                yield from _tests(script, told.tests.get((key, fact), ()), script.line(met.node))
        return
    yield f"{text}: not reported: the value is only tested, or used for nothing"
    yield from _way(script, met)


def _way(script: Script, met: Met) -> Iterator[str]:
    for way in met.steps:
        yield f"  {_step(script.step(way))}"


def _step(step: Step) -> str:
    return f"{'  ' * step.depth}{step.place.path}:{step.place.line}: {step.message}"


def _tests(script: Script, nodes: Sequence[Any], line: int) -> Iterator[str]:
    # A loop may bring what is tested below; what stands above is more likely meant.
    places = {
        (script.line(node), " ".join(script.text(node).split()))
        for node in nodes
        if node is not None
    }
    above = {each for each in places if each[0] <= line}
    for at, text in sorted(above or places):
        yield f"    line {at}: {text}"


def _of_doubt(script: Script, doubt: Doubt) -> Iterator[str]:
    text, base = (" ".join(script.text(node).split()) for node in (doubt.node, doubt.base))
    yield f"{text}: undecided: the script does not tell what {base} is"
    yield "  a documented parameter (:param page: ``struct page *``), or a cast, would"
