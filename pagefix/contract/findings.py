"""From a path without a test to a finding: message, trace, suggestion."""

from __future__ import annotations

from pagefix.contract.effects import Hit, Link
from pagefix.contract.leaks import Leak
from pagefix.contract.run import Start
from pagefix.finding import (
    Applicability,
    Confidence,
    Finding,
    Fix,
    Kind,
    Severity,
    Step,
    fingerprint,
)
from pagefix.program import Program
from pagefix.rulebook import Demand, Pair, Role, Rule

__all__ = ["as_finding", "as_leak", "asks"]


def as_finding(
    program: Program, rule: Rule, role: Role, start: Start, demand: Demand, hit: Hit
) -> Finding:
    """Return the finding for an effect that is reached without a test."""
    path, begin, end, function, links = _within(program, start, hit)
    if hit.stale:
        lock = demand.under[0] if demand.under else "the inode's lock"
        lack = f"the test on this path is made without {lock}: swapon can come between"
        end_words = "the test was made without the lock, or before it was dropped"
    else:
        lack = f"nothing on this path {asks(demand, 's')}"
        end_words = f"no test of {demand.missing} stands before this"
    source = program.unit(path).source
    expression = source.text(begin, end)
    trace = (
        *_steps(program, role, start, links),
        _step(program, path, begin, end, len(links) + 1, end_words),
    )
    return Finding(
        rule=rule.name,
        kind=Kind.CONTRACT,
        place=source.place(begin, end),
        span=source.span(begin, end),
        function=function,
        field=None,
        expression=expression,
        message=f"{hit.effect.message}: {lack} ({role.clause})",
        severity=Severity.WARNING if hit.stale else rule.severity,
        confidence=Confidence.RESOLVED,
        fingerprint=fingerprint(
            rule.name, function, [role.clause, start.function.name, *expression.split()]
        ),
        entry=_entry(role, start),
        trace=trace,
        fixes=(_advice(demand, hit),),
    )


def asks(demand: Demand, ending: str = "") -> str:
    """Return what a demand asks as words: ``ask whether ...``, ``asks for ...``."""
    link = "" if demand.missing.startswith("whether ") else "for "
    return f"ask{ending} {link}{demand.missing}"


def _advice(demand: Demand, hit: Hit) -> Fix:
    lines = " ".join(line.strip() for line in demand.guard.splitlines())
    if hit.stale:
        words = f"test again once the lock is held, as {demand.reference} does: {lines}"
    else:
        words = f"test before it, as {demand.reference} does: {lines}"
    return Fix(Applicability.SUGGEST, words)


def as_leak(
    program: Program, rule: Rule, role: Role, start: Start, pair: Pair, leak: Leak
) -> Finding:
    """Return the finding for what a failure path keeps."""
    source = program.unit(leak.path).source
    expression = source.text(leak.start, leak.end)
    step = _step(program, leak.path, leak.start, leak.end, 1, "it is taken here")
    last = _step(
        program, leak.out[0], leak.out[1], leak.out[2], 1, "an error is returned with it held"
    )
    return Finding(
        rule=rule.name,
        kind=Kind.CONTRACT,
        place=source.place(leak.start, leak.end),
        span=source.span(leak.start, leak.end),
        function=leak.function,
        field=None,
        expression=expression,
        message=(
            f"a swap_activate that fails keeps what {pair.take}() takes: "
            f"no {' or '.join(pair.give)}() on the way out ({role.clause})"
        ),
        severity=rule.severity,
        confidence=Confidence.RESOLVED,
        fingerprint=fingerprint(rule.name, leak.function, [pair.take, *expression.split()]),
        entry=_entry(role, start),
        trace=(*_steps(program, role, start, ()), step, last),
        fixes=(
            Fix(
                Applicability.SUGGEST,
                f"call {pair.give[0]}() before the error is returned; swap_deactivate is not "
                "called for a file that was not activated",
            ),
        ),
    )


def _entry(role: Role, start: Start) -> str:
    if role.commands:
        used = [each for each in role.commands if each in start.commands]
        return f"ioctl {' '.join(used)} in {start.function.name}()"
    return f"{role.slot} of {role.record.removeprefix('struct ')}: {start.function.name}()"


def _steps(program: Program, role: Role, start: Start, links: tuple[Link, ...]) -> tuple[Step, ...]:
    function = start.function
    if role.commands:
        words = f"{role.story}: {function.name}() gets the ioctl"
    else:
        words = f"{role.story}: the kernel calls {role.slot}, which is {function.name}()"
    at = function.at
    steps = [_step(program, start.path, at, at + len(function.name.encode()), 0, words)]
    for depth, link in enumerate(links, 1):
        words = f"calls {link.callee}()"
        steps.append(_step(program, link.path, link.start, link.end, depth, words))
    return tuple(steps)


def _step(program: Program, path: str, start: int, end: int, depth: int, words: str) -> Step:
    return Step(depth, program.unit(path).source.place(start, end), words)


def _within(
    program: Program, start: Start, hit: Hit
) -> tuple[str, int, int, str, tuple[Link, ...]]:
    # Findings lie in the files under check: if need be at the call that leads out of them.
    if hit.path in program.files:
        return hit.path, hit.start, hit.end, hit.function, hit.links
    for index in range(len(hit.links) - 1, -1, -1):
        link = hit.links[index]
        if link.path in program.files:
            caller = hit.links[index - 1].callee if index else start.function.name
            return link.path, link.start, link.end, caller, hit.links[:index]
    function = start.function
    return start.path, function.at, function.at + len(function.name), function.name, ()
