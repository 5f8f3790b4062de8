"""Each mechanism of the analysis is needed: without it findings come or go, and the list says which.

``fixtures/flow/ablations.toml`` is the list, with the reasons. What it does not name must not
change; a mechanism without which nothing changes would be one too many.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from pagefix import engine
from pagefix.errors import PagefixError
from pagefix.finding import Confidence, Kind
from pagefix.flow import MECHANISMS, Analysis, SwapOptions, analyse
from pagefix.rulebook import load_models, load_rules, rules_folder

FLOW = Path(__file__).resolve().parent.parent / "fixtures" / "flow"
CASES = sorted(path.name for path in FLOW.iterdir() if path.is_dir())
LIST = tomllib.loads((FLOW / "ablations.toml").read_text())


class Found(NamedTuple):
    function: str
    what: str
    confidence: Confidence
    unless: str | None


def found(analysis: Analysis) -> Counter[Found]:
    return Counter(
        Found(
            each.item.name,
            getattr(each.node, "field", "")
            or getattr(getattr(each.node, "func", None), "name", ""),
            each.confidence,
            each.unless,
        )
        for each in analysis.reached
    )


@pytest.mark.parametrize("case", CASES)
def test_what_comes_and_goes(case: str) -> None:
    rules = [rule for rule in load_rules() if rule.kind is Kind.FLOW]
    models = load_models(rules_folder())
    program = engine.load([str(FLOW / case)])
    usual = found(analyse(program, models, rules, SwapOptions()))
    for mechanism in MECHANISMS:
        options = SwapOptions(without=frozenset((mechanism,)))
        now = found(analyse(program, models, rules, options))
        came = {each.function for each in now - usual}
        went = {each.function for each in usual - now}
        listed = LIST[mechanism]["cases"].get(case, {})
        assert came - went == set(listed.get("comes", ())), f"without {mechanism}"
        assert went - came == set(listed.get("goes", ())), f"without {mechanism}"
        assert came & went == set(listed.get("changes", ())), f"without {mechanism}"


def test_every_mechanism_is_needed() -> None:
    assert sorted(LIST) == sorted(MECHANISMS)
    for mechanism, entry in LIST.items():
        assert entry["why"], mechanism
        assert entry["cases"], f"nothing changes without {mechanism}: it should go"
        assert set(entry["cases"]) <= set(CASES), mechanism


def test_an_unknown_mechanism_is_refused() -> None:
    program = engine.load([str(FLOW / CASES[0])])
    options = SwapOptions(without=frozenset(("gaurds",)))
    with pytest.raises(PagefixError, match="gaurds: no mechanism of the analysis"):
        analyse(program, load_models(rules_folder()), load_rules(), options)
