"""Reports: what JSON holds, and how a finding looks on a screen."""

from __future__ import annotations

import io
import json
from pathlib import Path

from samples import FIRST, TEXT, about, report
from trees import checked, tree

from pagefix import engine
from pagefix.finding import Step
from pagefix.report import Report, tables
from pagefix.report.concise import lines as concise
from pagefix.report.console import Screen
from pagefix.report.json import lines as json_lines
from pagefix.report.json import sites_json
from pagefix.rulebook import load_rules
from pagefix.source import SourceFile


def test_check_json_is_what_the_format_says() -> None:
    assert json.loads("".join(json_lines(report(FIRST), about()))) == {
        "format": 1,
        "tool": {"name": "pagefix", "version": "1.2"},
        "tree": {"root": "/k", "wrappers": ["page_file_mapping"], "assumed": []},
        "assumptions": ["something"],
        "findings": [
            {
                "rule": "raw-page-mapping",
                "kind": "flow",
                "path": "fs/a.c",
                "line": 3,
                "column": 16,
                "end_line": 3,
                "end_column": 23,
                "function": "f",
                "field": "mapping",
                "expression": "page->mapping",
                "message": "page->mapping is not the file's mapping",
                "severity": "error",
                "confidence": "assumed",
                "entry": "foo_aops.readpage",
                "unless": "compressed",
                "trace": [
                    {
                        "depth": 0,
                        "path": "fs/a.c",
                        "line": 1,
                        "column": 5,
                        "message": "the VM calls f()",
                    },
                    {
                        "depth": 1,
                        "path": "fs/a.c",
                        "line": 3,
                        "column": 16,
                        "message": "reads page->mapping",
                    },
                ],
                "alternatives": 2,
                "fixes": [
                    {
                        "applicability": "safe",
                        "message": "use the wrapper",
                        "edits": [
                            {"path": "fs/a.c", "start": 36, "end": 36, "text": "w("},
                            {"path": "fs/a.c", "start": 40, "end": 49, "text": ")"},
                        ],
                    }
                ],
                "suppressed": None,
                "touch": None,
                "fingerprint": "0123456789abcdef0123456789abcdef",
            }
        ],
        "left_out": 0,
        "undecided": [],
        "coverage": {
            "functions": 1,
            "contexts": 2,
            "unmodelled": ["a"],
            "unresolved_calls": ["b"],
            "widened": ["c"],
        },
        "ledger": {
            "occurrences": 3,
            "page": 1,
            "other": 2,
            "unresolved": 0,
            "by_record": {"struct page": 1, "struct x": 2},
        },
        "unread": [],
    }


def test_sites_json_is_what_the_format_says(tmp_path: Path) -> None:
    text = b"#include <linux/mm.h>\nint f(struct page *p)\n{\n\treturn p->index != '\xe9';\n}\n"
    tree(tmp_path, {"fs/a.c": text})
    program = engine.load([str(tmp_path / "fs")])
    found = json.loads(sites_json(engine.find_sites(program, load_rules()), "1.2"))
    assert found == {
        "format": 1,
        "tool": {"name": "pagefix", "version": "1.2"},
        "tree": {
            "root": str(tmp_path),
            "wrappers": ["page_file_index", "page_file_mapping"],
            "assumed": [],
        },
        "sites": [
            {
                "path": "fs/a.c",
                "line": 4,
                "column": 12,
                "end_line": 4,
                "end_column": 17,
                "field": "index",
                "record": "struct page",
                "status": "page",
                "access": "read",
                "function": "f",
                "macro": None,
                "expression": "p->index",
                "reason": "",
            }
        ],
        "ledger": {
            "occurrences": 1,
            "page": 1,
            "other": 0,
            "unresolved": 0,
            "by_record": {"struct page": 1},
        },
        "unread": [],
    }


def test_bytes_that_are_not_utf8_travel_as_surrogates(tmp_path: Path) -> None:
    text = b"#include <linux/mm.h>\nint f(void *v)\n{\n\treturn ((struct page *)v /*\xe9*/)->index;\n}\n"
    tree(tmp_path, {"fs/\udce9.c": text})
    _, found = checked(tmp_path / "fs", rules=("raw-page-index",))
    document = "".join(json_lines(found, about()))
    assert document.isascii()
    (finding,) = json.loads(document)["findings"]
    assert finding["path"].encode("utf-8", "surrogateescape") == b"fs/\xe9.c"
    assert "/*\xe9*/".encode("latin-1") in finding["expression"].encode("utf-8", "surrogateescape")


def test_concise() -> None:
    assert list(concise(report(FIRST), about())) == [
        "fs/a.c:3:16: error: page->mapping is not the file's mapping [raw-page-mapping]"
    ]


# --- on a screen


def shown(what: Report, width: int | None = None, *, terminal: bool = False) -> str:
    class File(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    file = File()
    Screen(file, lambda path: SourceFile(path, "", TEXT), width).check(what)
    return file.getvalue()


def test_a_finding_in_a_pipe_is_plain_and_whole() -> None:
    text = shown(report(FIRST))
    assert text == (
        "assumed: something\n"
        "\n"
        "fs/a.c  f()\n"
        "  the VM calls f()  fs/a.c:1:5\n"
        "\n"
        "  error[raw-page-mapping] page->mapping is not the file's mapping\n"
        "     --> fs/a.c:3:16\n"
        "  3 |         int \udce9 = page->mapping->x;\n"
        "    | " + " " * 22 + "^^^^^^^\n"
        "  = from foo_aops.readpage\n"
        "  = only if compressed\n"
        "  = use the wrapper\n"
        "    -         int \udce9 = page->mapping->x;\n"
        "    +         int \udce9 = w(page)->x;\n"
        "\n"
        "1 error in 1 file; 1 with a fix (`pagefix rewrite`).\n"
    )


def test_a_narrow_screen_keeps_its_width_and_shows_the_place() -> None:
    text = shown(report(FIRST), width=34)
    assert all(len(line) <= 34 for line in text.splitlines())
    code = next(line for line in text.splitlines() if line.startswith("  3 |"))
    caret = text.splitlines()[text.splitlines().index(code) + 1]
    assert code[caret.index("^") : caret.rindex("^") + 1] == "mapping"


def test_one_chain_for_the_findings_of_a_function() -> None:
    import dataclasses

    second = dataclasses.replace(
        FIRST, trace=(FIRST.trace[0], Step(1, FIRST.trace[1].place, "reads it again"))
    )
    assert shown(report(FIRST, second)).count("the VM calls f()") == 1
    other = dataclasses.replace(
        FIRST, trace=(Step(0, FIRST.trace[0].place, "the VM dirties"), FIRST.trace[1])
    )
    text = shown(report(FIRST, other))
    assert (text.count("the VM calls f()"), text.count("the VM dirties")) == (1, 1)


def test_nothing_found() -> None:
    assert shown(report()) == "assumed: something\n\n1 file read, nothing found.\n"


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    import dataclasses

    text = shown(report(dataclasses.replace(FIRST, message="a\x1b[31mb\x07")))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "a␛[31mb␇" in text


def test_sites_table(tmp_path: Path) -> None:
    text = (
        "#include <linux/mm.h>\nstruct x { int index; };\n"
        "int f(struct page *p, struct x *x)\n"
        "{\n\treturn p->index + p->index + (p->mapping != 0) + x->index;\n}\n"
    )
    quiet = "struct y { int index; };\nint g(struct y *y) { return y->index; }\n"
    tree(tmp_path, {"fs/a.c": text, "fs/b.c": quiet})
    program = engine.load([str(tmp_path / "fs")])
    file = io.StringIO()
    screen = Screen(file, lambda path: program.unit(path).source)
    tables.sites_table(screen, engine.find_sites(program, load_rules()), engine.FIELDS)
    rows = [line.split() for line in file.getvalue().splitlines()]
    assert rows == [
        ["file", "mapping", "index", "private", "total", "other", "unresolved"],
        ["fs/a.c", "1", "2", ".", "3", "1", "."],
        ["1", "more", "without", "page", "fields", "1"],
        ["total", "1", "2", "0", "3", "2", "0"],
        [],
        "ledger: 5 occurrences = 3 page + 2 other + 0 unresolved".split(),
    ]


def test_explain_shows_every_heading() -> None:
    for rule in load_rules():
        file = io.StringIO()
        tables.explain_rule(Screen(file, lambda path: SourceFile(path, "", b"")), rule)
        lines = file.getvalue().splitlines()
        assert lines[:2] == [rule.name, rule.summary]
        for heading in ("What it reports", "Why it matters", "Example", "Instead", "Fix safety"):
            assert heading in lines, rule.name
