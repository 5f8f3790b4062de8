"""What a finding says in plain lines, for formats that have no place of their own for it.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pagefix.finding import Finding, Touch
from pagefix.report.model import About

__all__ = ["advice", "chain", "counted", "many", "printable", "touched"]


def chain(finding: Finding, about: About) -> Iterator[str]:
    """Yield the steps that lead to a finding, a line each, deeper calls further in."""
    for step in finding.trace[:-1]:
        where = f"{about.here(step.place.path)}:{step.place.line}"
        yield f"{'  ' * step.depth}{where}: {step.message}"


def advice(finding: Finding, about: About) -> Iterator[str]:
    """Yield what is known beside the message, a line each."""
    if finding.entry is not None:
        yield f"from {finding.entry}"
    if finding.unless is not None:
        yield f"only if {finding.unless}"
    if finding.touch is not None and not finding.touch.on_line:
        yield touched(finding.touch, about.here)
    for fix in finding.fixes:
        yield fix.message


def touched(touch: Touch, show: Callable[[str], str] = str) -> str:
    """Return by which line a change concerns a finding that is elsewhere.

    :param show: how a path is shown.
    """
    if touch.place is None:
        return "it is not there without the change"
    return f"its chain runs through a change: {show(touch.place.path)}:{touch.place.line}"


def counted(findings: list[Finding]) -> str:
    """Return how many findings there are, by severity: ``2 errors, 1 note``."""
    found = [str(each.severity) for each in findings]
    kinds = [each for each in ("error", "warning", "note") if each in found]
    return ", ".join(many(found.count(each), each) for each in kinds) or "no findings"


def many(count: int, word: str) -> str:
    """Return a number with its word."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def printable(text: str) -> str:
    """Return text that every reader of Unicode takes: bytes that were no UTF-8 are marked."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
