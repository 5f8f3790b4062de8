"""Matches that a swapcache page reaches: what the analysis says of what the rules find.

The seam between :mod:`pagefix.flow`, which knows places and chains, and findings, which
have words and fixes.

Floor 7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pagefix.c import ast, walk
from pagefix.finding import Access, Confidence, Coverage, Finding, Kind, Site, Status
from pagefix.findings import Way, as_finding
from pagefix.fix import Offers
from pagefix.flow import Analysis, Reached, SwapOptions, analyse
from pagefix.hits import find_hits
from pagefix.program import Program
from pagefix.rulebook import (
    Bindings,
    Bound,
    Hit,
    Label,
    Match,
    Rule,
    load_models,
    match,
    rules_folder,
)

__all__ = ["HELPER_RULE", "Provenance", "provenance"]

#: The rule whose matches are calls of functions that only the analysis can name.
HELPER_RULE = "pagecache-helper-on-swapcache"

_NEVER = Way("none", Confidence.RESOLVED, None, (), 0)
_UNKNOWN = "where the page comes from is not known"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a check of the swapcache scope adds to the inventory."""

    findings: tuple[Finding, ...]
    undecided: tuple[Site, ...]
    coverage: Coverage
    assumptions: tuple[str, ...]


def provenance(
    program: Program,
    rules: Sequence[Rule],
    hits: Iterable[Hit],
    sites: Sequence[Site],
    offers: Offers,
    options: SwapOptions | None,
    *,
    strict: bool = False,
) -> Provenance:
    """Follow the pages that the VM hands to the program, and keep the matches they reach.

    :param hits: every match on a field; calls are matched by the analysis, or where none
        comes to them.
    :param sites: the inventory, for places that it leaves undecided.
    :param strict: whether those are findings too.
    """
    analysis = analyse(program, load_models(rules_folder()), rules, options or SwapOptions())
    named = {rule.name: rule for rule in rules}
    by_place: dict[tuple[str, int], list[Hit]] = {}
    for hit in hits:
        if hit.match.field and hit.match.requires is not None:
            by_place.setdefault((hit.path, hit.start), []).append(hit)
    found = []
    for each in analysis.reached:
        way = Way(each.entry, each.confidence, each.unless, each.trace, each.alternatives)
        if isinstance(each.node, ast.Call | ast.Binary):
            matched: Iterable[Hit] = [
                hit
                for hit in _calls(each, each.node, named)
                if hit.match.requires is not Label.NO_SWAPCACHE
            ]
        elif isinstance(each.node, ast.Name):
            matched = _in_slot(each, each.node, named)
        else:
            matched = by_place.get((each.path, each.start), ())
        found += [as_finding(program, offers, hit, way) for hit in matched]
    if not analysis.plan.handed:
        idle = find_hits(
            program, rules, sites, lambda rule, each: each.requires is Label.NO_SWAPCACHE
        )
        found += [as_finding(program, offers, hit, _NEVER) for hit in _needless(analysis, idle)]
    unknown = frozenset(analysis.unknown)
    if strict:
        doubt = Way("undecided", Confidence.ASSUMED, None, (), 0)
        for place in analysis.unknown:
            found += [as_finding(program, offers, hit, doubt) for hit in by_place.get(place, ())]
    return Provenance(
        findings=tuple(sorted(found, key=lambda each: (each.span, each.rule))),
        undecided=tuple(
            replace(site, reason=_UNKNOWN)
            for site in sites
            if (site.span.path, site.span.start) in unknown and site.status is not Status.OTHER
        ),
        coverage=analysis.coverage,
        assumptions=(*analysis.plan.assumptions, *_concluded(analysis, rules, found)),
    )


def _concluded(
    analysis: Analysis, rules: Sequence[Rule], found: Sequence[Finding]
) -> Iterator[str]:
    # Other methods may leave nothing to do. Silence would look like a mistake.
    asked = any(each.kind is Kind.FLOW for each in rules)
    for table in analysis.plan.tables:
        if asked and not found and table.idle and table.slots:
            yield (
                f"on this ground there is nothing to convert: {table.handed()}; no use of mapping,"
                " index or private and no call that a rule names is reached by one"
            )


def _needless(analysis: Analysis, hits: Iterable[Hit]) -> Iterator[Hit]:
    # What is only there for swapcache pages, where none comes.
    reached = {(each.path, each.start) for each in analysis.reached}
    for hit in hits:
        if (hit.path, hit.start) not in reached:
            yield hit


def _calls(
    reached: Reached, node: ast.Call | ast.Binary, rules: Mapping[str, Rule]
) -> Iterator[Hit]:
    for name in reached.rules:
        rule = rules[name]
        if not isinstance(reached.item, ast.Function) or rule.names(reached.item.name):
            continue
        for each in rule.matches:
            bindings = match(each.tree, node)
            if bindings is not None and not _beside(reached.item, node, each.except_beside):
                yield _hit(reached, node, rule, each, bindings)
                break
    if reached.helper >= 0 and HELPER_RULE in rules and isinstance(node, ast.Call):
        # Its pattern is a stand-in: the argument that is the page is known by position.
        rule = rules[HELPER_RULE]
        page = Bound(node.args[reached.helper])
        stand_in = _stand_in(rule, "pagefix_helper")
        yield _hit(reached, node, rule, stand_in, {rule.metavars[0].name: page})


def _in_slot(reached: Reached, node: ast.Name, rules: Mapping[str, Rule]) -> Iterator[Hit]:
    # What a table's slot holds is one.
    if HELPER_RULE in rules:
        rule = rules[HELPER_RULE]
        yield _hit(reached, node, rule, _stand_in(rule, "pagefix_method"), {})


def _stand_in(rule: Rule, name: str) -> Match:
    # The pattern whose function stands for any that the analysis finds.
    return next(each for each in rule.matches if each.anchor == name)


def _beside(function: ast.Function, node: ast.Expr, members: Collection[str]) -> bool:
    # Whether a call is handed one of some members beside an expression.
    if not members:
        return False
    for call in walk(function.body):
        if isinstance(call, ast.Call):
            mine = [arg for arg in call.args if arg.start <= node.start and node.end <= arg.end]
            if mine and any(
                isinstance(each, ast.Member) and each.field in members
                for arg in call.args
                if arg is not mine[0]
                for each in walk(arg)
            ):
                return True
    return False


def _hit(
    reached: Reached,
    node: ast.Call | ast.Binary | ast.Name,
    rule: Rule,
    matched: Match,
    bindings: Bindings,
) -> Hit:
    marked = node.func if isinstance(node, ast.Call) else node
    return Hit(
        rule=rule,
        match=matched,
        path=reached.path,
        start=marked.start,
        end=marked.end,
        expr=node,
        bindings=bindings,
        parents=(),
        item=reached.item,
        access=Access.READ,
        reason="",
        certain=True,
    )
