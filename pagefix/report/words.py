"""What a finding says in plain lines, for formats that have no place of their own for it.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagefix.finding import Finding
from pagefix.report.model import About

__all__ = ["advice", "chain", "counted", "many", "printable"]


def chain(finding: Finding, about: About) -> Iterator[str]:
    """Yield the steps that lead to a finding, a line each, deeper calls further in."""
    for step in finding.trace[:-1]:
        where = f"{about.here(step.place.path)}:{step.place.line}"
        yield f"{'  ' * step.depth}{where}: {step.message}"


def advice(finding: Finding) -> Iterator[str]:
    """Yield what is known beside the message, a line each."""
    if finding.entry is not None:
        yield f"from {finding.entry}"
    if finding.unless is not None:
        yield f"only if {finding.unless}"
    for fix in finding.fixes:
        yield fix.message


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
