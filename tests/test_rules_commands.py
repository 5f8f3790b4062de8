"""What is said of rules: the schema for editors, the list, their fixtures."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from test_rulebook import RULE
from trees import MAPPING, MM, tree, write

from pagefix.cli import main
from pagefix.errors import ExitCode
from pagefix.rulebook import json_schema, load_rules, rules_folder

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads(json_schema())


def accepts(schema: dict[str, Any], value: object) -> bool:
    """Tell whether a value is what a schema of our own making asks for."""
    if "$ref" in schema:
        return accepts(SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]], value)
    if "oneOf" in schema:
        return sum(accepts(each, value) for each in schema["oneOf"]) == 1
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema["type"]:
        case "object":
            if not isinstance(value, dict) or not set(schema.get("required", ())) <= set(value):
                return False
            known, other = schema.get("properties", {}), schema["additionalProperties"]
            return all(
                accepts(known[key], each) if key in known else bool(other) and accepts(other, each)
                for key, each in value.items()
            )
        case "array":
            return (
                isinstance(value, list)
                and len(value) >= schema["minItems"]
                and all(accepts(schema["items"], each) for each in value)
            )
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str) and bool(re.search(schema.get("pattern", ""), value))
        case other:
            raise AssertionError(other)


# --- the schema


@pytest.mark.parametrize("path", sorted(rules_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_the_schema_accepts_every_rule(path: Path) -> None:
    assert accepts(SCHEMA, tomllib.loads(path.read_text()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("severity = ", "severty = "),
        ('"warning"', '"fatal"'),
        ('"an index"', '" "'),
        ('["read", "write"]', '["reed"]'),
        ('why = "why"\n', ""),
        ("[[match]]", "[match]"),
        ('"0.1"', '"0.1"\nkind = "comment"'),
    ],
)
def test_the_schema_refuses_what_the_checker_does(old: str, new: str) -> None:
    assert accepts(SCHEMA, tomllib.loads(RULE))
    assert not accepts(SCHEMA, tomllib.loads(RULE.replace(old, new, 1)))


def test_every_key_of_the_schema_says_what_it_is_for() -> None:
    def undescribed(schema: dict[str, Any]) -> list[str]:
        return [
            key
            for key, each in schema.get("properties", {}).items()
            if "description" not in each and each["type"] not in ("object", "array")
        ] + [name for each in schema.get("properties", {}).values() for name in undescribed(each)]

    for name, schema in SCHEMA["definitions"].items():
        assert undescribed(schema) == [], name


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--schema"]) == ExitCode.CLEAN
    assert json.loads(capsys.readouterr().out) == SCHEMA


# --- the list


def test_rules_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "json"]) == ExitCode.CLEAN
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == 1
    rules = {each["name"]: each for each in document["rules"]}
    assert list(rules) == [rule.name for rule in load_rules(optional=True)]
    index = rules["raw-page-index"]
    assert (index["kind"], index["severity"], index["fixable"]) == ("flow", "error", True)
    assert index["patterns"][0] == "$PAGE->index"
    assert index["doc"]["safety"].startswith("Safe: ")


# --- a project's own rules and their fixtures

OWN = RULE.replace("page_index", "page_file_mapping").replace("->index", "->mapping")

BAD = """\
#include <linux/mm.h>

static void *foo_bad(struct page *page)
{
	return page->mapping; /* expect: no-mapping */
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, {"lint/no-mapping.toml": OWN, "fixtures/no-mapping/a.c": BAD})
    write(
        tmp_path,
        {"fixtures/no-mapping/a.fixed.c": BAD.replace("page->mapping", "page_file_mapping(page)")},
    )
    tree(tmp_path / "fixtures", {}, MM + MAPPING)
    return tmp_path


def outcome(capsys: pytest.CaptureFixture[str], project: Path, *more: str) -> tuple[int, str]:
    code = main(["test", "--rules", str(project / "lint"), *more])
    return code, capsys.readouterr().out


def test_a_project_s_rule_against_its_fixtures(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(capsys, project) == (0, "1 rule, 1 program: all as expected.\n")


def test_what_differs_is_marked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        BAD.replace("return page->mapping;", "return page;")
        + "\nvoid *foo_new_ok(struct page *page)\n{\n\treturn page->mapping;\n}\n"
    )
    path = project / "fixtures/no-mapping/a.c"
    path.write_text(text)
    (project / "fixtures/no-mapping/a.fixed.c").unlink()
    code, said = outcome(capsys, project, "no-mapping")
    assert code == 1
    lines = [line for line in said.splitlines() if "a.c:" in line or " | " in line]
    assert lines[0].endswith("a.c:5: no-mapping: expected, not found")
    assert lines[1:3] == [
        "- 5 |         return page; /* expect: no-mapping */",
        "    |         ^^^^^^^^^^^^",
    ]
    assert lines[3].endswith("a.c:10: no-mapping: not expected")
    assert lines[4:6] == [
        "+ 10 |         return page->mapping;",
        "     |                      ^^^^^^^",
    ]
    assert said.endswith("1 rule, 1 program: 1 failed.\n")


def test_a_wrong_rewrite_is_a_diff(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "fixtures/no-mapping/a.fixed.c").write_text(BAD)
    code, said = outcome(capsys, project)
    assert code == 1
    assert "-\treturn page->mapping; /* expect: no-mapping */" in said
    assert "+\treturn page_file_mapping(page); /* expect: no-mapping */" in said


def test_an_installed_pagefix_has_its_fixtures_beside_its_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As pyproject.toml lays them in the package.
    (tmp_path / "_rules").symlink_to(ROOT / "rules")
    (tmp_path / "_fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.setattr("pagefix.cli_test.rules_folder", lambda: tmp_path / "_rules")
    assert main(["test", "raw-page-index"]) == ExitCode.CLEAN
    assert "all as expected" in capsys.readouterr().out


def named(schema: object) -> set[str]:
    """Return every key that a rule may have, and every word that one may hold."""
    if isinstance(schema, list):
        return {name for each in schema for name in named(each)}
    if not isinstance(schema, dict):
        return set()
    found = {name for each in schema.values() for name in named(each)}
    return found | set(schema.get("properties", ())) | set(schema.get("enum", ()))


def test_every_key_of_a_rule_is_in_the_documentation() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    words = set(re.findall(r"[\w-]+", text))
    assert named(SCHEMA) - words == set()


def test_a_rule_that_has_only_a_guard_is_fixable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "json"]) == ExitCode.CLEAN
    fixable = {
        each["name"]: each["fixable"] for each in json.loads(capsys.readouterr().out)["rules"]
    }
    assert fixable["cleancache-on-swapcache"]
    assert not fixable["raw-page-private"]


def test_a_rule_without_fixtures(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"lint/other.toml": OWN})
    assert main(["test", "--rules", str(project / "lint"), "other"]) == ExitCode.ERROR
    assert "other has no fixtures" in capsys.readouterr().err


def test_a_comment_that_is_no_expectation(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "fixtures/no-mapping/a.c"
    path.write_text(BAD.replace("expect: no-mapping", "expect: No Mapping!"))
    assert main(["test", "--rules", str(project / "lint")]) == ExitCode.ERROR
    assert "a.c:5: not an expectation" in capsys.readouterr().err


def test_own_rules_pass_by_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "raw-page-index"]) == ExitCode.CLEAN
    assert capsys.readouterr().out == "1 rule, 4 programs: all as expected.\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "'page_file_mapping($PAGE)'",
            "'page_fil_mapping($PAGE)'",
            ":17:12: this tree has no page_fil_mapping(); the nearest is page_file_mapping",
        ),
        (
            'needs = "page_file_mapping"',
            'needs = "page_file_maping"',
            ":18:10: this tree has no page_file_maping(); the nearest is page_file_mapping",
        ),
        (
            "[[fix]]",
            "[[match]]\npattern = 'lock_pagee($PAGE)'\nmessage = 'x'\n[[fix]]",
            ":16:12: this tree has no lock_pagee(); the nearest is lock_page",
        ),
        ("'$PAGE->mapping'", "'lock_page($PAGE)'", ""),
    ],
)
def test_what_the_tree_has_not_is_warned_of(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    text = OWN.replace(old, new, 1)
    if "lock_page(" in new:
        text = text.replace('access = ["read", "write"]\n', "", 1)
    (project / "lint/no-mapping.toml").write_text(text)
    source = project / "fixtures/no-mapping/a.c"
    source.write_text(BAD.replace("return page->", "lock_page(page);\n\treturn page->"))
    main(["check", "--rules", str(project / "lint"), "--select", "no-mapping", str(source)])
    err = capsys.readouterr().err
    assert err == (f"warning: {project}/lint/no-mapping.toml{said}\n" if said else "")


def test_a_rule_that_means_nothing_in_the_tree_says_so_where_it_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(project / "fixtures/no-mapping/a.c")
    assert main(["check", "--select", "bare-page-field", source]) == ExitCode.CLEAN
    said = capsys.readouterr().err
    assert said == "warning: bare-page-field means nothing here: this tree has no page_folio()\n"
    main(["check", source])
    assert capsys.readouterr().err == ""


def test_a_type_that_the_tree_has_not_is_warned_of(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = OWN.replace(
        'PAGE = "struct page *"', 'PAGE = "struct page *"\nMAP = "struct address_spce *"'
    )
    text = text.replace(
        "[[fix]]", "[[match]]\npattern = 'foo($PAGE, $MAP)'\nmessage = 'x'\n[[fix]]", 1
    )
    (project / "lint/no-mapping.toml").write_text(text)
    source = project / "fixtures/no-mapping/a.c"
    source.write_text(BAD.replace("return page->", "foo(page, 0);\n\treturn page->"))
    main(["check", "--rules", str(project / "lint"), "--select", "no-mapping", str(source)])
    err = capsys.readouterr().err
    assert err.endswith(
        ":8:8: this tree has no struct address_spce; the nearest is struct address_space\n"
    )


def test_a_project_s_rule_is_used_and_explained(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture = str(project / "fixtures/no-mapping/a.c")
    options = ["--rules", str(project / "lint")]
    select = ["--select", "no-mapping", "--scope", "all"]
    assert main(["check", *options, *select, fixture]) == ExitCode.FINDINGS
    assert "warning[no-mapping]" in capsys.readouterr().out
    assert main(["explain", *options, "no-mapping"]) == ExitCode.CLEAN
    assert "Why it matters" in capsys.readouterr().out


def test_a_project_s_rule_may_speak_of_any_header(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Ours are of the VM's headers; highmem.h is none of those.
    text = OWN.replace("[metavars]", '[tree]\nhas = ["kmap_it"]\n\n[metavars]', 1)
    text = text.replace("page_file_mapping", "kmap_it")
    (project / "lint/no-mapping.toml").write_text(text)
    for path in (project / "fixtures/no-mapping").iterdir():
        path.write_text(
            path.read_text()
            .replace("<linux/mm.h>\n", "<linux/mm.h>\n#include <linux/highmem.h>\n")
            .replace("page_file_mapping", "kmap_it")
        )
    code, said = outcome(capsys, project)
    assert code == 1
    assert "the rule means nothing there: this tree has no kmap_it()" in said.splitlines()[0]
    write(project, {"fixtures/include/linux/highmem.h": "void *kmap_it(struct page *page);\n"})
    assert outcome(capsys, project) == (0, "1 rule, 1 program: all as expected.\n")
