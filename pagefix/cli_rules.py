"""The commands about rules: list them, test them.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pagefix.errors import PagefixError
from pagefix.rulebook import Rule, rules_folder

__all__ = ["rules_json", "run_fixtures"]


def rules_json(rules: Sequence[Rule]) -> str:
    """Return the rules with their words as one JSON document."""
    return json.dumps({"format": 1, "rules": [_rule(rule) for rule in rules]})


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "kind": rule.kind,
        "severity": rule.severity,
        "status": rule.stage,
        "since": rule.since,
        "scope": rule.scope,
        "optional": rule.optional,
        "summary": rule.summary,
        "patterns": [each.pattern for each in rule.matches],
        "fixable": any(spec.replace is not None for spec in rule.fixes),
        "path": rule.path,
        "doc": {
            "what": rule.doc.what,
            "why": rule.doc.why,
            "example": rule.doc.example,
            "instead": rule.doc.instead,
            "safety": rule.doc.safety,
            "references": list(rule.doc.references),
        },
    }


def run_fixtures(
    rules: Sequence[Rule], wanted: str | None, folders: Sequence[str], fixtures: str | None
) -> tuple[list[str], bool]:
    """Run rules against their fixtures.

    :param wanted: the one rule to test; all of them if left out.
    :param folders: where a project's own rules are: only they are tested if all are.
    :param fixtures: folder of the fixtures; beside the rules if left out.
    :return: what to print, and whether all is as expected.
    """
    chosen = [rule for rule in rules if rule.name == wanted] if wanted else _all(rules, folders)
    said: list[str] = []
    failed = count = 0
    for rule in chosen:
        for lines in _run(rule, rules, fixtures):
            count += 1
            failed += bool(lines)
            if lines:
                said += [*lines, ""]
    verdict = f"{failed} failed" if failed else "all as expected"
    said.append(f"{_many(len(chosen), 'rule')}, {_many(count, 'program')}: {verdict}.")
    return said, not failed


def _all(rules: Sequence[Rule], folders: Sequence[str]) -> list[Rule]:
    return [rule for rule in rules if not folders or not rule.own]


def _run(rule: Rule, rules: Sequence[Rule], fixtures: str | None) -> Iterator[tuple[str, ...]]:
    from pagefix.fixtures import programs, run_case

    beside = rules_folder() if rule.own else Path(rule.path).resolve().parent
    folder = Path(fixtures) if fixtures is not None else beside.parent / "fixtures"
    found = programs(rule.name, folder)
    if not found:
        raise PagefixError(
            f"{rule.name} has no fixtures",
            why=f"{folder} has no folder {rule.name} with a program in it.",
            remedy=f"Write {folder / rule.name}/some.c, or name the folder with --fixtures.",
        )
    for path in found:
        yield run_case(rule, rules, path).wrong


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
