"""From a match to a finding: the one way, whatever analysis found it.

Floor 7.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from pagefix.c import ast
from pagefix.finding import (
    Access,
    Confidence,
    Finding,
    Severity,
    Step,
    fingerprint,
)
from pagefix.fix import Offers, on_a_chain
from pagefix.program import Program
from pagefix.rulebook import Hit

__all__ = ["Way", "as_finding"]

_TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\s+|(\w+|->|<<|>>|[-+&|=!<>]=|&&|\|\||\S)", re.DOTALL)
_VERBS = {
    Access.READ: "reads",
    Access.WRITE: "writes",
    Access.READWRITE: "changes",
    Access.ADDRESS: "takes the address of",
    Access.UNEVALUATED: "names",
}


class Way(NamedTuple):
    """How a swapcache page comes to a match.

    :param trace: from the VM's call on; the match itself is not among the steps.
    """

    entry: str
    confidence: Confidence
    unless: str | None
    trace: tuple[Step, ...]
    alternatives: int


def as_finding(program: Program, offers: Offers, hit: Hit, way: Way | None = None) -> Finding:
    """Return the finding for a match.

    :param way: how a swapcache page comes there; ``None`` where every page counts.
    """
    source = program.unit(hit.path).source
    expression = source.text(hit.expr.start, hit.expr.end)
    place = source.place(hit.start, hit.end)
    tokens = (token for token in _TOKEN.findall(expression) if token)
    found = Finding(
        rule=hit.rule.name,
        kind=hit.rule.kind,
        place=place,
        span=source.span(hit.start, hit.end),
        function=hit.function,
        field=hit.match.anchor if hit.match.field else None,
        expression=expression,
        message=hit.match.message.fill(offers.texts(hit)),
        severity=hit.match.severity,
        confidence=Confidence.RESOLVED if hit.certain else Confidence.ASSUMED,
        fingerprint=fingerprint(hit.rule.name, hit.function or hit.macro or hit.variable, tokens),
        fixes=offers.fixes(hit),
    )
    if way is None:
        return found
    assumed = Confidence.ASSUMED in (way.confidence, found.confidence)
    depth = way.trace[-1].depth + 1 if way.trace else 0
    return replace(
        found,
        severity=found.severity if way.unless is None else Severity.NOTE,
        confidence=Confidence.ASSUMED if assumed else Confidence.RESOLVED,
        entry=way.entry,
        unless=way.unless,
        trace=(*way.trace, Step(depth, place, _sentence(hit, expression))),
        alternatives=way.alternatives,
        fixes=tuple(on_a_chain(fix, way.confidence, way.unless) for fix in found.fixes),
    )


def _sentence(hit: Hit, expression: str) -> str:
    if isinstance(hit.expr, ast.Binary):
        return f"compares {' '.join(expression.split())}"
    if isinstance(hit.expr, ast.Call):
        return f"calls {hit.match.anchor}()" if hit.match.anchor in expression else expression
    if isinstance(hit.expr, ast.Name):
        return f"{expression}() is called"
    return f"{_VERBS[hit.access]} {' '.join(expression.split())}"
