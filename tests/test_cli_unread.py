"""What cannot be read: the rest is done, the place is listed, and clean is not said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from trees import tree

from pagefix.cli import main

HEAD = "#include <linux/mm.h>\n"
GOOD = HEAD + "int good(struct page *page)\n{\n\treturn page != 0;\n}\n"
BAD = GOOD.replace("page != 0", "page->index != 0")


def function(body: str) -> str:
    return f"{HEAD}int f(struct page *page, int x)\n{{\n{body}\n}}\n"


# Each holds `page->index` on its line 4, or below.
DEEP = {
    "parentheses": "\treturn " + "(" * 20000 + "page->index" + ")" * 20000 + ";",
    "blocks": "{" * 5000 + " x = page->index; " + "}" * 5000,
    "else if": "\tif (x) x = 1;\n" + "\telse if (x == 2) x = page->index;\n" * 3000,
    "commas": "\tx = 1" + ", x = page->index" * 5000 + ";",
    "conditions": "\treturn " + "x ? page->index : " * 5000 + "0;",
    "calls": "\treturn " + "f(" * 5000 + "page->index" + ")" * 5000 + ";",
    "statements in expressions": "\treturn " + "({ " * 3000 + "page->index;" + " })" * 3000 + ";",
}


@pytest.mark.parametrize("form", DEEP)
def test_text_that_is_too_deep(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fs = str(tree(tmp_path, {"fs/deep.c": function(DEEP[form]), "fs/good.c": GOOD}) / "fs")
    wanted = ("fs/deep.c", "nested too deeply")
    assert main(["sites", "--format", "json", fs]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(each["path"], each["reason"]) for each in document["unread"]] == [wanted]
    assert document["unread"][0]["line"] <= 4 <= document["unread"][0]["end_line"]
    assert document["ledger"]["unresolved"] == DEEP[form].count("page->index")
    for scope in ("all", "swapcache"):
        assert main(["check", "--format", "json", "--scope", scope, fs]) == 2
        out, err = capsys.readouterr()
        found = json.loads(out)
        assert [(each["path"], each["reason"]) for each in found["unread"]] == [wanted]
        assert err.splitlines()[0] == "pagefix: nothing was found, but not everything could be read"
        assert "fs/deep.c:" in err.splitlines()[1]
    assert main(["rewrite", "--scope", "all", fs]) == 2
    assert main(["rewrite", "--scope", "all", "--apply", fs]) == 2
    assert capsys.readouterr().out == "0 findings rewritten in 0 files.\n"


def test_many_operands_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "\treturn " + "x + " * 5000 + "page->index;"
    fs = str(tree(tmp_path, {"fs/a.c": function(body)}) / "fs")
    assert main(["check", "--format", "json", "--scope", "all", fs]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (len(document["findings"]), document["unread"]) == (1, [])


def test_macros_in_macros_in_macros(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Read, but too deep for whoever follows the macros: the access beside them is told too.
    body = "\tx = " + "M(" * 120 + "page" + ")" * 120 + ";\n\treturn page->index;"
    text = function(body).replace("int f", "#define M(p) ((p)->private)\nint f")
    fs = str(tree(tmp_path, {"fs/a.c": text, "fs/bad.c": BAD}) / "fs")
    assert main(["sites", "--format", "json", fs]) == 0
    document = json.loads(capsys.readouterr().out)
    ledger = document["ledger"]
    assert ledger["occurrences"] == 3  # in M's body, in f(), in good()
    assert ledger["page"] + ledger["other"] + ledger["unresolved"] == 3
    assert main(["check", "--scope", "swapcache", fs]) in (0, 2)
    assert main(["check", "--scope", "all", fs]) == 1  # the one in good()


def test_findings_come_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, str | bytes] = {
        "fs/a.c": BAD,
        "fs/b.c": b"int x;\0",
        "fs/c.c": function(DEEP["blocks"]),
    }
    fs = tree(tmp_path, files) / "fs"
    assert main(["check", "--format", "json", "--scope", "all", str(fs)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(each["path"], each["reason"]) for each in document["unread"]] == [
        ("fs/b.c", "it holds NUL bytes"),
        ("fs/c.c", "nested too deeply"),
    ]
    assert main(["rewrite", "--scope", "all", "--apply", str(fs)]) == 0
    assert b"page_file_index(page)" in (fs / "a.c").read_bytes()
    assert (fs / "b.c").read_bytes() == b"int x;\0"


@pytest.mark.parametrize("command", ["sites", "check --scope all", "check", "rewrite --scope all"])
def test_a_file_that_is_no_text(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fs = tree(tmp_path, {"fs/a.c": GOOD, "fs/b.c": b"int x;\0"}) / "fs"
    assert main([*command.split(), str(fs)]) == (0 if command == "sites" else 2)
    capsys.readouterr()
    # Named, it is an error for every command, and nothing is done.
    assert main([*command.split(), str(fs / "a.c"), str(fs / "b.c")]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 3)
    assert "NUL" in err


def test_text_without_such_a_name_does_no_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fs = tree(tmp_path, {"fs/a.c": function("{" * 5000 + " x = 1; " + "}" * 5000)}) / "fs"
    assert main(["check", "--scope", "all", str(fs)]) == 0
    assert main(["check", "--format", "json", "--scope", "all", str(fs / "a.c")]) == 0
    # Who names a file hears of it, and that no page's field is there.
    out = capsys.readouterr().out
    assert '"reason":"nested too deeply"' in out
