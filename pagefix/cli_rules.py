"""The command that lists the rules.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from pagefix.cli_output import screen_of
from pagefix.cli_settings import all_rules, settings_of
from pagefix.errors import ExitCode
from pagefix.rulebook import Rule

__all__ = ["rules_json", "run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix.report import tables

    if options.schema:
        from pagefix.rulebook import json_schema

        print(json_schema())
        return ExitCode.CLEAN
    rules = all_rules(settings_of(options))
    if options.format == "json":
        print(rules_json(rules))
    else:
        tables.rules_table(screen_of(None), rules)
    return ExitCode.CLEAN


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
        "fixable": any(spec.replace or spec.guard for spec in rule.fixes),
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
