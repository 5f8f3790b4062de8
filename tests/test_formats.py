"""Formats for other programs: what each holds, worked out by hand from one finding."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from samples import FIRST, about, report

from pagefix.cli import main
from pagefix.cli_arguments import parser
from pagefix.finding import IN_BASELINE, Applicability, Edit, Fix, Severity, Unread
from pagefix.report import FORMATS, About, Report, formatter
from pagefix.source import Place, Span

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "fixtures" / "demo"
# `make sarif-schema` lays it there; it is OASIS's, and no part of this repository.
SCHEMA = Path(os.environ.get("PAGEFIX_SARIF_SCHEMA", ROOT / ".sarif" / "sarif-schema-2.1.0.json"))

NOTE = replace(FIRST, severity=Severity.NOTE, fixes=(), trace=(), entry=None, unless=None)
ALLOWED = replace(FIRST, suppressed="it is locked")


def text_of(name: str, what: Report, words: About | None = None) -> str:
    return "\n".join(formatter(name)(what, words or about()))


def test_the_command_line_names_the_formats() -> None:
    options = parser().parse_args(["check", "--format", "junit", "x"])
    assert options.format == "junit"
    from pagefix import cli_options

    assert ("rich", *FORMATS) == cli_options.FORMATS


# --- lines


def test_json_lines_hold_what_the_document_holds() -> None:
    first, finding, last = map(json.loads, text_of("jsonl", report(FIRST)).splitlines())
    document = json.loads(text_of("json", report(FIRST)))
    assert (first["type"], finding["type"], last["type"]) == ("run", "finding", "end")
    assert first["tree"] == document["tree"]
    assert first["assumptions"] == ["something"]
    assert {**finding} == {"type": "finding", **document["findings"][0]}
    assert last["findings"] == 1
    assert (last["ledger"], last["coverage"]) == (document["ledger"], document["coverage"])


def test_github() -> None:
    found = replace(FIRST, message="100% wrong\nreally", rule="a:b,c")
    assert text_of("github", report(found, ALLOWED)) == (
        "::error file=fs/a.c,line=3,endLine=3,title=pagefix%3A a%3Ab%2Cc,col=16,endColumn=23"
        "::100%25 wrong%0Areally%0Afs/a.c:1: the VM calls f()%0Afrom foo_aops.readpage"
        "%0Aonly if compressed%0Ause the wrapper"
    )
    assert text_of("github", report(NOTE)).startswith("::notice file=fs/a.c,line=3,")


def test_gitlab() -> None:
    first, second = json.loads(text_of("gitlab", report(FIRST, FIRST, ALLOWED)))
    assert {key: first[key] for key in ("check_name", "severity", "location", "description")} == {
        "check_name": "raw-page-mapping",
        "severity": "major",
        "location": {"path": "fs/a.c", "lines": {"begin": 3, "end": 3}},
        "description": "page->mapping is not the file's mapping",
    }
    assert first["content"]["body"].splitlines()[0] == "fs/a.c:1: the VM calls f()"
    # Two of one form are two.
    assert first["fingerprint"] != second["fingerprint"]
    (again,) = json.loads(text_of("gitlab", report(FIRST)))
    assert again["fingerprint"] == first["fingerprint"]


def test_junit() -> None:
    note = replace(NOTE, place=Place("fs/b.c", 3, 16, 3, 23), message="a\x1b<b>")
    document = ET.fromstring(text_of("junit", report(FIRST, ALLOWED, note)).encode())
    assert document.attrib == {"name": "pagefix", "tests": "3", "failures": "1"}
    one, other = document
    assert (one.get("name"), one.get("tests"), one.get("failures")) == ("fs/a.c", "2", "1")
    assert one.get("skipped") == "1"
    failed, skipped = one
    assert failed.get("name") == "raw-page-mapping:3:16"
    (failure,) = failed
    assert failure.get("message") == "page->mapping is not the file's mapping"
    assert (failure.text or "").splitlines()[:2] == ["fs/a.c:3", "fs/a.c:1: the VM calls f()"]
    assert [(each.tag, each.get("message")) for each in skipped] == [("skipped", "it is locked")]
    # A note fails nothing.
    assert [(each.tag, each.text) for each in other[0]] == [("system-out", "a\ufffd<b>\nfs/b.c:3")]


def test_junit_of_nothing_is_one_case_that_passed() -> None:
    document = ET.fromstring(text_of("junit", report()))
    assert document.get("tests") == "1"
    assert [[each.tag for each in suite[0]] for suite in document] == [[]]


def test_markdown() -> None:
    what = replace(report(FIRST, ALLOWED), assumptions=("a *b*",))
    assert text_of("markdown", what) == (
        "**pagefix: 1 error in 1 file (1 allowed).**\n"
        "\n"
        "Assumed: a \\*b\\*\n"
        "\n"
        "### `fs/a.c`, `f()`\n"
        "\n"
        "```\n"
        "fs/a.c:1: the VM calls f()\n"
        "```\n"
        "\n"
        "- **error** `raw-page-mapping`, line 3: page->mapping is not the file's mapping\n"
        "  only if compressed\n"
        "\n"
        "  ```diff\n"
        "  -\tint \ufffd = page->mapping->x;\n"
        "  +\tint \ufffd = w(page)->x;\n"
        "  ```"
    )


# --- SARIF


def sarif(what: Report, words: About | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text_of("sarif", what, words))
    return document


def run_of(document: dict[str, Any]) -> dict[str, Any]:
    (run,) = document["runs"]
    found: dict[str, Any] = run
    return found


def test_sarif_holds_a_finding() -> None:
    what = replace(report(FIRST), unread=(Unread("fs/c.c", 1, 2, "no C"),))
    run = run_of(sarif(what))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "raw-page-mapping"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["help"]["markdown"].startswith("# raw-page-mapping\n\n**page->mapping used on")
    assert "## Fix safety" in rule["help"]["markdown"]
    (result,) = run["results"]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == (rule["id"], 0, "error")
    assert result["message"]["text"] == "page->mapping is not the file's mapping."
    assert result["partialFingerprints"] == {"pagefix/v1": FIRST.fingerprint}
    assert result["suppressions"] == []
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "fs/a.c", "uriBaseId": "SRCROOT"},
                "region": {"startLine": 3, "startColumn": 16, "endLine": 3, "endColumn": 23},
            },
            "logicalLocations": [{"name": "f", "kind": "function"}],
        }
    ]
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": "file:///k/"}}
    ((flow,),) = [each["threadFlows"] for each in result["codeFlows"]]
    assert [
        (step["nestingLevel"], step["executionOrder"], step["location"]["message"]["text"])
        for step in flow["locations"]
    ] == [(0, 1, "the VM calls f()"), (1, 2, "reads page->mapping")]
    (invocation,) = run["invocations"]
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == [
        "assumed: something",
        "not understood: no C",
    ]


def test_sarif_fixes_can_be_made_by_lines_or_by_bytes() -> None:
    (result,) = run_of(sarif(report(FIRST)))["results"]
    (fix,) = result["fixes"]
    assert (fix["description"]["text"], fix["properties"]) == (
        "use the wrapper",
        {"applicability": "safe"},
    )
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "fs/a.c"
    assert change["replacements"] == [
        {
            # "w(" before `page`, which begins at byte 36 of the text.
            "deletedRegion": {
                "startLine": 3,
                "startColumn": 10,
                "endLine": 3,
                "endColumn": 10,
                "byteOffset": 36,
                "byteLength": 0,
            },
            "insertedContent": {"text": "w("},
        },
        {
            "deletedRegion": {
                "startLine": 3,
                "startColumn": 14,
                "endLine": 3,
                "endColumn": 23,
                "byteOffset": 40,
                "byteLength": 9,
            },
            "insertedContent": {"text": ")"},
        },
    ]


def test_sarif_columns_are_characters() -> None:
    text = "é€𝄞 x\n".encode()
    found = replace(FIRST, place=Place("a.c", 1, 11, 1, 12), fixes=(), trace=())
    (result,) = run_of(sarif(report(found), about(text)))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (5, 6)


def test_sarif_says_what_is_allowed_and_by_whom() -> None:
    postponed = replace(FIRST, suppressed=IN_BASELINE)
    results = run_of(sarif(report(ALLOWED, postponed, NOTE)))["results"]
    assert [each["suppressions"] for each in results] == [
        [{"kind": "inSource", "justification": "it is locked"}],
        [{"kind": "external", "justification": "it is in the baseline"}],
        [],
    ]


def test_sarif_of_bytes_and_odd_names() -> None:
    path = "fs/ä b\udce9.c"
    edit = Edit(path, 0, 0, "\udce9")
    found = replace(
        FIRST,
        place=Place(path, 1, 1, 1, 2),
        span=Span(path, 0, 1),
        trace=(),
        message="\udce9",
        fixes=(Fix(Applicability.SAFE, "x", (edit,)), Fix(Applicability.SUGGEST, "look")),
    )
    document = text_of("sarif", report(found))
    assert "\\udc" not in document
    (result,) = run_of(json.loads(document))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "fs/%C3%A4%20b%E9.c"
    assert result["message"]["text"] == "\ufffd. look."
    (fix,) = result["fixes"]
    # \xe9 alone in base 64.
    assert fix["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"binary": "6Q=="}


@pytest.mark.skipif(find_spec("sarif") is None, reason="no sarif-tools")
def test_sarif_tools_read_it(tmp_path: Path) -> None:
    file = tmp_path / "out.sarif"
    main(["check", "--format", "sarif", "--output", str(file), str(DEMO)])

    def told(*words: str) -> str:
        # Its drawing library warns of much: that is its own affair.
        run = [sys.executable, "-m", "sarif", *words]
        return subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    summary = told("summary", str(file))
    assert "error: 6\n" in summary
    assert re.findall(r"^ - ([\w-]+) .*: (\d)$", summary, re.MULTILINE) == [
        ("raw-page-mapping", "3"),
        ("raw-page-offset", "2"),
        ("raw-page-index", "1"),
    ]
    told("csv", "-o", "out.csv", str(file))
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert sorted(int(row["Line"]) for row in rows) == [28, 45, 45, 49, 59, 61]


@pytest.mark.skipif(not SCHEMA.exists(), reason="no SARIF schema: make sarif-schema")
@pytest.mark.parametrize(
    ("folder", "scope"),
    [("demo", "swapcache"), ("raw-page-index", "all"), ("contract", "swapcache")],
)
def test_sarif_is_valid(folder: str, scope: str, tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    file = tmp_path / "out.sarif"
    paths = ROOT / "fixtures" / folder
    main(["check", "--scope", scope, "--format", "sarif", "--output", str(file), str(paths)])
    document = json.loads(file.read_text())
    assert document["runs"][0]["results"]
    assert [*validator.iter_errors(document)] == []
    odd = [report(), report(FIRST, ALLOWED, NOTE)]
    for each in odd:
        assert [*validator.iter_errors(sarif(each))] == []


# --- to a file


@pytest.mark.parametrize("name", ["rich", *FORMATS])
def test_output_file_holds_what_would_be_printed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out"
    arguments = ["check", "--format", name, str(DEMO)]
    assert main(arguments) == 1
    printed = capsys.readouterr().out
    assert main([*arguments, "--output", str(file)]) == 1
    assert capsys.readouterr().out == ""
    assert file.read_text() == printed
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none" / "out"
    assert main(["check", "--format", "json", str(DEMO), "--output", str(file)]) == 2
    assert (
        capsys.readouterr().err.splitlines()[0]
        == f"pagefix: {file}: the report could not be written"
    )


def test_source_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.c"
    file.write_text("int a;\n")
    assert main(["check", str(DEMO), "--output", str(file)]) == 2
    assert "a report is not written over source" in capsys.readouterr().err
    assert file.read_text() == "int a;\n"


@pytest.mark.parametrize("folder", ["demo", "contract"])
def test_the_order_is_the_same_every_time(folder: str) -> None:
    said = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "pagefix", "check", "--format", "jsonl", f"fixtures/{folder}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        )
        said.add(done.stdout)
    assert len(said) == 1
    assert b'"type":"finding"' in said.pop()
