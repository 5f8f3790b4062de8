"""drgn and gdb scripts: the same question in Python.

In: the text of scripts, rules and models. Out: findings, as for C, and rewritten text.
The only place that knows LibCST, which is imported when there is a script to read.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pagefix.finding import Edit, Finding, Fix, Site, Unread
from pagefix.rulebook import Rule, load_script_models, rules_folder, script_rules
from pagefix.script.recognise import kind_of, worth_reading
from pagefix.source import SourceFile

__all__ = ["Scripts", "check_scripts", "check_text", "explain_script", "kind_of", "rewrite_script"]


@dataclass(frozen=True, slots=True)
class Scripts:
    """What was found in scripts.

    :param undecided: members of a page's name, of what a script does not tell.
    :param read: how many scripts there are.
    :param skipped: how many Python files are scripts for something else.
    """

    findings: tuple[Finding, ...] = ()
    undecided: tuple[Site, ...] = ()
    unread: tuple[Unread, ...] = ()
    read: int = 0
    skipped: int = 0


def check_scripts(
    sources: Iterable[SourceFile], rules: Sequence[Rule], *, strict: bool = False
) -> Scripts:
    """Return what the rules about scripts find in Python files.

    :param strict: whether what is undecided is a finding too.
    """
    mine = [rule for rule in rules if rule.name in script_rules(list(rules))]
    findings: list[Finding] = []
    undecided: list[Site] = []
    unread: list[Unread] = []
    read = skipped = 0
    for source in sources:
        kind = kind_of(source.data)
        if not kind:
            skipped += 1
            continue
        read += 1
        if not mine or not worth_reading(source.data):
            continue
        # Imported here: LibCST takes longer to load than most scripts to read.
        from pagefix.script.check import check_source

        models = load_script_models(rules_folder())
        found = check_source(source, kind, mine, models, strict=strict)
        findings += found.findings
        undecided += found.undecided
        unread += [found.failed] if found.failed is not None else []
    return Scripts(tuple(findings), tuple(undecided), tuple(unread), read, skipped)


def check_text(data: bytes, rules: Sequence[Rule], *, strict: bool = False) -> Scripts:
    """Return what the rules find in a text that is a script, whatever it imports."""
    from pagefix.script.check import check_source

    mine = [rule for rule in rules if rule.name in script_rules(list(rules))]
    source = SourceFile("<script>", "", data)
    models = load_script_models(rules_folder())
    found = check_source(source, kind_of(data) or "drgn", mine, models, strict=strict)
    unread = () if found.failed is None else (found.failed,)
    return Scripts(tuple(found.findings), tuple(found.undecided), unread, 1)


def explain_script(source: SourceFile, rules: Sequence[Rule], line: int) -> list[str]:
    """Return why a place of a script is, or is not, a finding, in sentences."""
    from pagefix.script.explain import explain_line

    mine = [rule for rule in rules if rule.name in script_rules(list(rules))]
    models = load_script_models(rules_folder())
    return explain_line(source, kind_of(source.data), mine, models, line)


def rewrite_script(
    source: SourceFile, chosen: Mapping[Finding, Fix], rules: Sequence[Rule]
) -> tuple[bytes, tuple[Edit, ...], set[Finding]]:
    """Return a script with fixes made, its edits, and the findings left for another time."""
    from pagefix.script.check import rewrite_source

    return rewrite_source(source, chosen, script_rules(list(rules)))
