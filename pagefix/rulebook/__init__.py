"""Rules as data: schema, loading and checking, matching.

In: ``rules/*.toml``, and the expressions of :mod:`pagefix.c`. Out: checked
:class:`Rule` values, and what a pattern's metavariables stand for. May not know the
program, findings' reports, or any filesystem's names.

Floor 3.
"""

from pagefix.finding import Scope
from pagefix.rulebook.contract_spec import ContractSpec, Demand, Effect, Pair, Role
from pagefix.rulebook.editors import json_schema
from pagefix.rulebook.hit import Hit
from pagefix.rulebook.load import load_needing, load_rule, load_rules, rules_folder
from pagefix.rulebook.matching import Bindings, Bound, match
from pagefix.rulebook.models import Clause, Entry, Guard, Models, load_models
from pagefix.rulebook.ops_rule import Called, Installed, OpsSpec, Refused
from pagefix.rulebook.schema import (
    HEADINGS,
    Conditions,
    Doc,
    FixSpec,
    Label,
    Match,
    Metavar,
    Rule,
    Stage,
    Template,
    Variable,
)
from pagefix.rulebook.script_rule import (
    ScriptFix,
    ScriptMatch,
    ScriptModels,
    ScriptSpec,
    Source,
    load_script_models,
    script_rules,
)

__all__ = [
    "HEADINGS",
    "Bindings",
    "Bound",
    "Called",
    "Clause",
    "Conditions",
    "ContractSpec",
    "Demand",
    "Doc",
    "Effect",
    "Entry",
    "FixSpec",
    "Guard",
    "Hit",
    "Installed",
    "Label",
    "Match",
    "Metavar",
    "Models",
    "OpsSpec",
    "Pair",
    "Refused",
    "Role",
    "Rule",
    "Scope",
    "ScriptFix",
    "ScriptMatch",
    "ScriptModels",
    "ScriptSpec",
    "Source",
    "Stage",
    "Template",
    "Variable",
    "json_schema",
    "load_models",
    "load_needing",
    "load_rule",
    "load_rules",
    "load_script_models",
    "match",
    "rules_folder",
    "script_rules",
]
