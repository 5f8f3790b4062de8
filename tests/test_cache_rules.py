"""Rules that are kept are those that would be made now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_rulebook import RULE
from trees import write

from pagefix import reads
from pagefix.cache import Store
from pagefix.errors import PagefixError
from pagefix.rulebook import Rule, compiled, load, load_rules


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    kept = Store(str(tmp_path / "cache"), pytest.fail)
    yield kept
    kept.close()


@pytest.fixture
def lint(tmp_path: Path) -> Path:
    other = RULE.replace('"an index"', '"another"')
    write(tmp_path, {"lint/one.toml": RULE, "lint/two.toml": other})
    return tmp_path / "lint"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the rules that are made of their texts, as they are."""
    names: list[str] = []
    make = load._checked.__wrapped__

    def counted(path: Path, text: str) -> Rule:
        names.append(path.stem)
        return make(path, text)

    monkeypatch.setattr(load, "_checked", counted)
    return names


def test_they_are_made_once_and_are_the_same(store: Store, made: list[str]) -> None:
    first = load_rules(optional=True, store=store)
    assert sorted(made) == [rule.name for rule in first]
    made.clear()
    assert load_rules(optional=True, store=store) == first
    assert made == []
    assert load_rules(optional=True) == first


def test_another_text_is_made_again_and_the_rest_is_not(
    store: Store, lint: Path, made: list[str]
) -> None:
    load_rules(lint, store=store)
    (lint / "two.toml").write_text(RULE.replace('"an index"', '"a third"'))
    made.clear()
    assert [each.summary for each in load_rules(lint, store=store)] == ["an index", "a third"]
    assert made == ["two"]
    # Twice the same text is not the same rule: it has another name.
    (lint / "two.toml").write_text(RULE)
    made.clear()
    assert [each.name for each in load_rules(lint, store=store)] == ["one", "two"]
    assert made == ["two"]
    made.clear()
    load_rules(lint, store=store)
    assert made == []


def test_rules_of_a_project_stay_its_own(store: Store, lint: Path, made: list[str]) -> None:
    for _ in range(2):
        rules = load_rules(more=[lint], store=store)
        assert {rule.name for rule in rules if not rule.own} == {"one", "two"}
    assert made.count("one") == 1


def test_another_pagefix_makes_them_again(
    store: Store, lint: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(lint, store=store)
    monkeypatch.setattr(compiled, "_made_with", lambda: b"other modules")
    made.clear()
    load_rules(lint, store=store)
    assert made == ["one", "two"]


def test_what_made_them_is_in_the_log(store: Store, lint: Path) -> None:
    # An answer that comes of kept rules must not outlive the modules that made them.
    load_rules(lint, store=store)
    with reads.recorded() as log:
        load_rules(lint, store=store)
    names = {os.path.basename(path) for path in log.files}
    assert {"one.toml", "two.toml", "flow_rule.py", "pattern.py", "parser.py"} <= names


def test_a_wrong_rule_is_wrong_every_time(store: Store, lint: Path) -> None:
    load_rules(lint, store=store)
    (lint / "two.toml").write_text(RULE.replace("$PAGE->index", "$PAGE->indx"))
    for _ in range(2):
        with pytest.raises(PagefixError, match=r"two\.toml:10:"):
            load_rules(lint, store=store)


@pytest.mark.parametrize("data", [b"", b"no rules", b"cbuiltins\nexit\n.", b"\x80\x05]."])
def test_what_is_no_rule_is_made(
    store: Store, lint: Path, made: list[str], monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    load_rules(lint, store=store)
    monkeypatch.setattr(store, "get", lambda key: data)
    made.clear()
    load_rules(lint, store=store)
    assert made == ["one", "two"]


def test_nothing_is_kept_where_nothing_is_to_be(lint: Path, made: list[str]) -> None:
    closed = Store(None, pytest.fail)
    for _ in range(2):
        load_rules(lint, store=closed)
    assert made == ["one", "two"] * 2
