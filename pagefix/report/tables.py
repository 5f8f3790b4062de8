"""Tables and pages for people: the inventory, the rules, one rule's words.

Floor 6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from pagefix.finding import Site, Status
from pagefix.report.console import Screen, clean
from pagefix.report.model import SitesReport

if TYPE_CHECKING:
    from pagefix.rulebook import FixSpec, Rule

__all__ = ["explain_rule", "rules_table", "sites_table"]


def sites_table(screen: Screen, report: SitesReport, fields: Sequence[str]) -> None:
    """Print page sites by file and field, with totals, and the ledger."""
    for sentence in report.tree.assumed:
        screen.line(Text.assemble(("assumed: ", "yellow"), clean(sentence)))
    rows = _by_file(report.sites)
    heads = (*fields, "total", "other", "unresolved")
    table = screen.table("file", *heads, right=range(1, len(heads) + 1))
    total: Counter[str] = Counter()
    for path, counts in rows.items():
        total.update(counts)
        if counts["total"] or counts["unresolved"]:
            table.add_row(clean(path), *(_cell(counts[head]) for head in heads))
    quiet = sum(1 for counts in rows.values() if not counts["total"] and not counts["unresolved"])
    if quiet:
        others = sum(
            counts["other"]
            for counts in rows.values()
            if not counts["total"] and not counts["unresolved"]
        )
        name = f"{quiet:,} more without page fields"
        table.add_row(Text(name, "dim"), *("",) * (len(heads) - 2), _cell(others), "")
    table.add_section()
    table.add_row(Text("total", "bold"), *(Text(f"{total[head]:,}", "bold") for head in heads))
    screen.show(table)
    screen.line(Text())
    screen.ledger(report.ledger)
    unresolved = [site for site in report.sites if site.status is Status.UNRESOLVED]
    for site in unresolved:
        expression = " ".join(site.expression.split())
        text = f"  {screen.where(site.place)}: {clean(expression)}: {clean(site.reason)}"
        screen.paragraph(Text(text), 4)
    screen.unread(report.unread)


def _by_file(sites: Iterable[Site]) -> dict[str, Counter[str]]:
    rows: dict[str, Counter[str]] = {}
    for site in sites:
        counts = rows.setdefault(site.place.path, Counter())
        if site.status is Status.PAGE:
            counts[site.field] += 1
            counts["total"] += 1
        else:
            counts[site.status] += 1
    return rows


def _cell(count: int) -> str:
    return f"{count:,}" if count else "."


def rules_table(screen: Screen, rules: Iterable[Rule]) -> None:
    """Print one line for each rule."""
    table = screen.table("rule", "kind", "severity", "status", "summary")
    for rule in rules:
        table.add_row(
            Text(rule.name, "bold"),
            rule.kind,
            rule.severity,
            f"{rule.stage}, optional" if rule.optional else rule.stage,
            clean(rule.summary),
        )
    screen.show(table)


def explain_rule(screen: Screen, rule: Rule) -> None:
    """Print a rule's words under their headings."""
    # Imported here: an inventory that is kept needs no rules.
    from pagefix.fix import HOW
    from pagefix.rulebook import HEADINGS

    screen.line(Text(rule.name, "bold"))
    screen.paragraph(Text(rule.summary), 0)
    facts = f"{rule.kind} rule, {rule.severity}, {rule.stage} since {rule.since}"
    screen.line(Text(facts, "dim"))
    for key, heading in HEADINGS.items():
        screen.line(Text())
        screen.line(Text(heading, "bold cyan"))
        value = getattr(rule.doc, key)
        if isinstance(value, tuple):
            for each in value:
                screen.paragraph(Text(f"  - {each}"), 4)
        elif key in ("example", "instead"):
            for line in value.splitlines():
                screen.code(Text(f"    {line}".rstrip().expandtabs(8)))
        else:
            for paragraph in value.split("\n\n"):
                screen.paragraph(Text("  " + " ".join(paragraph.split())), 2)
    if not rule.matches:
        return
    screen.line(Text())
    screen.line(Text("Patterns", "bold cyan"))
    for match in rule.matches:
        access = ", ".join(sorted(match.access)) if match.field else "call"
        screen.code(Text(f"    {match.pattern}    ({access})"))
    if rule.fixes:
        screen.line(Text())
        screen.line(Text("Fixes", "bold cyan"))
        for fix in rule.fixes:
            screen.code(Text(f"    {_shape(fix)}    ({fix.applicability})"))
        screen.line(Text())
        screen.line(Text("  The first one that fits is offered. It is", "dim"))
        for level, words in HOW.items():
            screen.paragraph(Text(f"  {level}: {words}"), 4)


def _shape(fix: FixSpec) -> str:
    # What a fix writes, in a word.
    names = {
        each: f"${each}" for part in (fix.replace, fix.guard) if part for each in part.variables()
    }
    if fix.replace is not None:
        text = fix.replace.fill(names)
    elif fix.guard is not None:
        text = f"if (!{fix.guard.fill(names)}) ..."
    else:
        return "advice" + (f" where used for {', '.join(fix.used_for)}" if fix.used_for else "")
    return text + (f" for {', '.join(fix.calls)}()" if fix.calls else "")
