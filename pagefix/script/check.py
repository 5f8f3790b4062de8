"""From what is met in a script to findings.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import libcst as cst

from pagefix.finding import (
    Access,
    Applicability,
    Confidence,
    Edit,
    Finding,
    Fix,
    Site,
    Status,
    Step,
    Unread,
    fingerprint,
)
from pagefix.rulebook import Rule, ScriptFix, ScriptMatch, ScriptModels, ScriptSpec
from pagefix.script.fixes import Needs, needed_edits, needs_of
from pagefix.script.helper import HELPER_NAME
from pagefix.script.machine import FIELDS, Doubt, Met
from pagefix.script.statements import interpret
from pagefix.script.tree import Script, parse
from pagefix.source import SourceFile

__all__ = ["Checked", "check_source", "rewrite_source"]

# What fixes need of the script at hand.
_Known = dict[ScriptFix, tuple[Needs, tuple[Edit, ...]] | None]
_TOKEN = re.compile(r"#[^\n]*|\s+|(\w+|\S)")


class Checked(NamedTuple):
    """What a script comes to.

    :param undecided: members of a page's name, of what the script does not tell.
    :param failed: where it could not be read.
    """

    findings: list[Finding]
    undecided: list[Site]
    failed: Unread | None = None


def check_source(
    source: SourceFile,
    kind: str,
    rules: Sequence[Rule],
    models: ScriptModels,
    *,
    strict: bool = False,
) -> Checked:
    """Return the findings of one script, what is open, and whether it could not be read.

    :param kind: ``drgn`` or ``gdb``.
    :param strict: whether what is open is a finding too.
    """
    script = parse(source, kind)
    if isinstance(script, str):
        last = source.line_of(max(len(source.data) - 1, 0))
        return Checked([], [], Unread(source.path, 1, last, f"not Python: {script}"))
    found = []
    specs = [rule.spec for rule in rules if isinstance(rule.spec, ScriptSpec)]
    # The definition of what a rule is about is not reported: what it is called for is.
    calls = {each.anchor for spec in specs for each in spec.matches if not each.field}
    needs: _Known = {}
    told = interpret(script, models)
    doubts = [each for each in told.doubts if each.function not in calls]
    doubtful = [_doubtful(each) for each in doubts] if strict else []
    for met in (*told.met, *doubtful):
        if met.field and met.function in calls:
            continue
        for rule in rules:
            if isinstance(rule.spec, ScriptSpec):
                for match in rule.spec.matches:
                    if _fits(script, met, match):
                        found.append(_finding(script, met, rule, rule.spec, match, needs))
                        break
    return Checked(found, [_site(script, each) for each in doubts])


def _doubtful(doubt: Doubt) -> Met:
    return Met(doubt.name, True, doubt.node, doubt.base, True, True, False, doubt.function, 0, None)


def _site(script: Script, doubt: Doubt) -> Site:
    source = script.source
    start, end = _anchor(script, doubt.node)
    base = " ".join(script.text(doubt.base).split())
    return Site(
        place=source.place(start, end),
        span=source.span(start, end),
        field=doubt.name,
        record=None,
        status=Status.UNRESOLVED,
        access=Access.READ,
        function=doubt.function,
        macro=None,
        expression=script.text(doubt.node),
        reason=f"the script does not tell what {base} is",
        whole=source.span(*script.span(doubt.node)),
    )


def _fits(script: Script, met: Met, match: ScriptMatch) -> bool:
    if (met.name, met.field) != (match.anchor, match.field):
        return False
    if match.only and match.only != script.kind:
        return False
    if match.requires is not None and not met.swapcache:
        return False
    if match.mangled:
        return met.mangled
    # What always fails is not wrong in a second way. A member was renamed in struct page alone.
    folio = met.page is not None and met.page.folio and FIELDS[match.anchor] == "index"
    return not (met.mangled or (match.renamed and (met.covered or folio)))


def _finding(
    script: Script,
    met: Met,
    rule: Rule,
    spec: ScriptSpec,
    match: ScriptMatch,
    needs: _Known,
) -> Finding:
    source = script.source
    start, end = _anchor(script, met.node)
    place = source.place(start, end)
    whole = script.text(met.node)
    verb = "reads" if met.field else "calls"
    doubtful = met.page is None and not met.mangled
    ways = met.steps if match.requires is not None else ()
    steps = tuple(script.step(way) for way in ways)
    shown = " ".join(whole.split())
    tokens = (token for token in _TOKEN.findall(whole) if token)
    return Finding(
        rule=rule.name,
        kind=rule.kind,
        place=place,
        span=source.span(start, end),
        function=met.function,
        field=met.name if met.field else None,
        expression=whole,
        message=match.message.fill({"PAGE": _flat(script, met)}),
        severity=rule.severity,
        confidence=Confidence.ASSUMED if doubtful else Confidence.RESOLVED,
        fingerprint=fingerprint(rule.name, met.function, tokens),
        entry="undecided" if doubtful else None,
        trace=(*steps, Step(met.depth, place, f"{verb} {shown}")) if steps else (),
        # What is no page for certain is not rewritten as one.
        fixes=() if doubtful else tuple(_fixes(script, met, spec, needs)),
    )


def _flat(script: Script, met: Met) -> str:
    return " ".join(script.text(met.base).split())


def _anchor(script: Script, node: Any) -> tuple[int, int]:
    if isinstance(node, cst.Attribute):
        return script.span(node.attr)
    if isinstance(node, cst.Subscript):
        return script.span(node.slice[0])
    func = node.func
    return script.span(func.attr if isinstance(func, cst.Attribute) else func)


def _fixes(
    script: Script,
    met: Met,
    spec: ScriptSpec,
    needs: _Known,
) -> Iterator[Fix]:
    for each in spec.fixes:
        if each.only and each.only != script.kind:
            continue
        message = each.message.fill({"PAGE": _flat(script, met)})
        if each.replace is None:
            yield Fix(Applicability.SUGGEST, message)
            return
        if each not in needs:
            wanted = needs_of(script, each.helper, inserted=each.inserted)
            needs[each] = None if wanted is None else (wanted, needed_edits(script, [wanted]))
        known = needs[each]
        if known is None:
            yield Fix(Applicability.SUGGEST, f"{message}; not written: its name is taken here")
            return
        start, end = script.span(met.node)
        page = script.text(met.base)
        if met.page is not None and met.page.folio and not each.inserted:
            # drgn's helpers take pages.
            page = f"{page}.page.address_of_()"
        values: Mapping[str, str] = {"PAGE": page, "HELPER": HELPER_NAME}
        edit = Edit(script.source.path, start, end, each.replace.fill(dict(values)))
        yield Fix(each.applicability, message, (*known[1], edit))
        return


def rewrite_source(
    source: SourceFile, chosen: Mapping[Finding, Fix], rules: Mapping[str, ScriptSpec]
) -> tuple[bytes, tuple[Edit, ...], set[Finding]]:
    """Return a script with fixes made, the edits of it, and the findings left for another time.

    :param chosen: findings of this script, with the fix that is to be made.
    """
    script = Script(source, "drgn")
    dropped: set[Finding] = set()
    edits: dict[Edit, Finding] = {}
    wanted: list[Needs] = []
    # Where two rules speak of one place, the one that asks for more wins.
    order = sorted(chosen, key=lambda each: chosen[each].applicability is Applicability.SAFE)
    for finding in order:
        fix = chosen[finding]
        edit = fix.edits[-1]
        if any(edit.start < each.end and each.start < edit.end for each in edits):
            dropped.add(finding)
            continue
        edits[edit] = finding
        for spec in rules[finding.rule].fixes:
            if spec.replace is not None and spec.applicability is fix.applicability:
                needs = needs_of(script, spec.helper, inserted=spec.inserted)
                wanted += [needs] if needs is not None else []
                break
    needed = list(needed_edits(script, wanted))
    if any(one.start < two.end and two.start < one.end for one in edits for two in needed):
        # An import and a use in one line: what is inserted would stand behind its use.
        return source.data, (), set(chosen)
    made = sorted([*edits, *needed], key=lambda each: each.start)
    data = source.data
    for each in reversed(made):
        data = data[: each.start] + each.text.encode("utf-8", "surrogateescape") + data[each.end :]
    return data, tuple(made), dropped
