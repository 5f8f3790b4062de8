"""Scripts for drgn and gdb: what is one, what is found, what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.cli import main
from pagefix.finding import Finding
from pagefix.rulebook import load_rules
from pagefix.script import kind_of

WALK = """\
from drgn.helpers.linux.mm import for_each_page


def show(page):
    print(page.mapping.host)


for each in for_each_page(prog):
    show(each)
"""


def found(path: Path) -> tuple[Finding, ...]:
    return engine.check(engine.load([str(path)]), load_rules()).findings


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"#!/usr/bin/env drgn\n", "drgn"),
        (b"import drgn\n", "drgn"),
        (b"from drgn.helpers.linux.mm import for_each_page\n", "drgn"),
        (b"import gdb\n", "gdb"),
        (b"import sys, gdb\n", "gdb"),
        (b"for i in prog['page_wait_table']:\n    pass\n", "drgn"),
        (b"import drgnet\n", ""),
        (b"import os\n# import drgn\n", ""),
        (b"", ""),
    ],
)
def test_what_is_a_script(text: bytes, kind: str) -> None:
    assert kind_of(text) == kind


def test_the_chain_leads_from_the_source_through_the_call(tmp_path: Path) -> None:
    (tmp_path / "walk.py").write_text(WALK)
    (finding,) = found(tmp_path / "walk.py")
    assert (finding.rule, finding.kind, finding.function) == ("script-page-mapping", "flow", "show")
    assert (finding.place.line, finding.place.column, finding.place.end_column) == (5, 16, 23)
    assert [(step.place.line, step.depth) for step in finding.trace] == [(8, 0), (9, 0), (5, 1)]


def test_columns_are_bytes(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    path.write_bytes(b"\xef\xbb\xbf" + WALK.replace("print(", "print('\u00e4', ").encode())
    (finding,) = found(path)
    data = path.read_bytes()
    assert data[finding.span.start : finding.span.end] == b"mapping"


def test_places_and_edits_of_a_text_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    head = b"# coding: latin-1\n# caf\xe9 \xe4\n"
    use = b"\n\ndef show(inode):\n    for _, p in inode_for_each_page(inode):\n        print('\xe9', p.index)\n"
    one = b"from drgn.helpers.linux.fs import inode_for_each_page\n"
    path.write_bytes(head + one + use)
    (finding,) = found(path)
    assert (finding.place.line, finding.place.column) == (8, 22)
    assert main(["rewrite", "--apply", str(path)]) == 0
    two = b"from drgn.helpers.linux.mm import page_index\n"
    assert path.read_bytes() == head + one + two + use.replace(b"p.index", b"page_index(p)")


def test_an_encoding_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "walk.py").write_bytes(b"# coding: nonsense\nimport drgn\nx.mapping\n")
    assert main(["check", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert "unknown encoding: nonsense" in out
    assert "mistake in pagefix" not in err


def test_a_script_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text(
        "from drgn.helpers.linux.mm import for_each_page\n"
        "for page in for_each_page(prog):\n"
        "    print(page.mapping.host)\n"
    )
    (tmp_path / "b.py").write_bytes(b"import drgn\0\n")
    assert main(["check", "--format", "concise", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert ("a.py:3:" in out, out.count("\n"), err) == (True, 1, "")
    # Where nothing else is found it is not clean.
    (tmp_path / "a.py").write_text("import drgn\n")
    assert main(["check", str(tmp_path)]) == 2
    assert "b.py:1: it holds NUL bytes" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "b.py")]) == 2
    assert "b.py: not Python source" in capsys.readouterr().err


def test_a_use_in_the_line_of_the_import_is_left(tmp_path: Path) -> None:
    # The helper would be inserted behind its use, and both would edit the line.
    path = tmp_path / "walk.py"
    text = "import drgn; from drgn.helpers.linux.mm import *; print(pfn_to_page(prog, 1).index)"
    path.write_text(text)
    main(["rewrite", "--unsafe", "--apply", str(path)])
    assert path.read_text() == text
    # On lines of their own both are written.
    path.write_text(text.replace("; ", "\n"))
    main(["rewrite", "--unsafe", "--apply", str(path)])
    assert "pfn_to_page(prog, 1).index" not in path.read_text()


def test_c_and_scripts_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "walk.py").write_text(WALK)
    (tmp_path / "other.py").write_text("print('no script of ours')\n")
    (tmp_path / "one.c").write_text("int one(void) { return 1; }\n")
    report = engine.check(engine.load([str(tmp_path)]), load_rules())
    assert [each.rule for each in report.findings] == ["script-page-mapping"]
    assert report.files == 2
    assert any(each.endswith("skipped: 1") for each in report.assumptions)


def test_libcst_is_loaded_only_for_a_script(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("print('mapping')\n")
    (tmp_path / "one.c").write_text("int one(void) { return 1; }\n")
    (tmp_path / "walk.py").write_text(WALK)
    code = (
        "import sys; from pagefix.cli import main; main(sys.argv[1:]);"
        "sys.exit(40 + ('libcst' in sys.modules))"
    )

    def loaded(*names: str) -> int:
        paths = [str(tmp_path / name) for name in names]
        run = subprocess.run([sys.executable, "-c", code, "check", *paths], capture_output=True)
        return run.returncode - 40

    assert loaded("one.c") == 0
    assert loaded("one.c", "other.py") == 0
    assert loaded("one.c", "walk.py") == 1


def test_a_comment_allows_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    line = "    print(page.mapping.host)"
    allow = "# pagefix: allow(script-page-mapping): shown as it is"
    for text in (
        WALK.replace(line, f"{line}  {allow}"),
        WALK.replace(line, f"    {allow}\n{line}"),
        WALK.replace("def show", f"{allow}\ndef show"),
    ):
        path.write_text(text)
        (finding,) = found(path)
        assert finding.suppressed == "shown as it is", text
    path.write_text(WALK.replace(line, f"    pass  {allow}"))
    assert [each.rule for each in found(path)] == ["unused-suppression"]
    path.write_text(WALK.replace(line, f"{line}  # pagefix: allow(script-page-mapping)"))
    assert sorted(each.rule for each in found(path)) == ["script-page-mapping", "wrong-suppression"]


def test_baseline_and_select(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, known = tmp_path / "walk.py", tmp_path / "known"
    path.write_text(WALK)
    given = ["check", str(path), "--baseline", str(known), "--format", "concise"]
    assert main([*given, "--write-baseline"]) == 0
    path.write_text("import os\n" + WALK)
    assert main(given) == 0
    assert main(["check", str(path), "--select", "raw-page-mapping"]) == 0
    assert main(["check", str(path), "--select", "script-page-mapping"]) == 1
    capsys.readouterr()
    main(["check", str(path), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["findings"][0]["rule"] == "script-page-mapping"


def test_what_is_no_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "walk.py").write_text("import drgn\nprint page.mapping\n")
    report = engine.check(engine.load([str(tmp_path / "walk.py")]), load_rules())
    assert [each.path for each in report.hidden] == [str(tmp_path / "walk.py")]


def test_rewrite_is_idempotent_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    text = WALK.replace("print(", "print(  # odd\n        page.index,page.flags , ")
    path.write_text(text)
    assert main(["rewrite", "--apply", "--unsafe", str(path)]) == 0
    once = path.read_text()
    compile(once, str(path), "exec")
    assert once.count("def swapcache_file_position(") == 1
    line = (
        "swapcache_file_position(page)[1],page_flags(page) , swapcache_file_position(page)[0].host)"
    )
    assert f"print(  # odd\n        {line}" in once
    main(["rewrite", "--apply", "--unsafe", str(path)])
    assert path.read_text() == once
    assert found(path) == ()


def test_a_taken_name_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    path.write_text(WALK + "\n\ndef page_flags(page):\n    return page.flags\n")
    flags = [each for each in found(path) if each.rule == "script-page-flags-field"]
    assert all(not fix.edits for each in flags for fix in each.fixes)


NAMES = re.compile(
    r"(?<![\w.'\"])(?<!struct )(page|each|thing|helper|one|two|wanted|queue|mapping|value|Walk)(?=\W)"
)


@pytest.mark.parametrize("name", ["sources.py", "guards.py", "values.py"])
def test_names_do_not_matter(tmp_path: Path, name: str) -> None:
    folder = Path(__file__).parent.parent / "fixtures/scripts/script-page-mapping"
    text = (folder / name).read_text()

    def renamed(line: str) -> str:
        code, hash_, comment = line.partition("#")
        return NAMES.sub(lambda each: f"q_{each[1]}", code) + hash_ + comment

    # Documentation names parameters: a name there is renamed with them.
    changed = "\n".join(renamed(line) for line in text.splitlines())
    changed = changed.replace(":param thing:", ":param q_thing:")
    compile(changed, name, "exec")
    assert changed != text
    (tmp_path / "before.py").write_text(text)
    (tmp_path / "after.py").write_text(changed)
    before, after = (
        [(each.rule, each.place.line) for each in found(tmp_path / part)]
        for part in ("before.py", "after.py")
    )
    assert before == after
    assert before


def test_folios(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    path.write_text(
        "from drgn import cast\n"
        "folio = cast('struct folio *', prog['x'])\n"
        "print(folio.flags, folio.index)\n"
    )
    # The member was renamed in struct page alone.
    assert [each.rule for each in found(path)] == ["script-page-flags-field", "script-page-index"]
    assert main(["rewrite", "--apply", "--unsafe", str(path)]) == 0
    last = path.read_text().splitlines()[-1]
    assert last == "print(page_flags(folio.page.address_of_()), swapcache_file_position(folio)[1])"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_is_inserted_stands_behind_the_imports(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "walk.py"
    head = b'#!/usr/bin/env drgn\n# about\n"""Walk."""\n\nimport os\n\n# a loop\n'
    loop = b"for page in for_each_page(prog):\n    print(page.index)\n"
    path.write_bytes(mark + head + loop)
    assert main(["rewrite", "--apply", str(path)]) == 0
    want = head.replace(
        b"import os\n", b"import os\nfrom drgn.helpers.linux.mm import page_index\n"
    ) + loop.replace(b"page.index", b"page_index(page)")
    assert path.read_bytes() == mark + want


def test_without_imports_and_without_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    path.write_text("#!/usr/bin/env drgn\n\nprint(prog['vmemmap'].index)")
    assert main(["rewrite", "--apply", str(path)]) == 0
    assert path.read_text() == (
        "#!/usr/bin/env drgn\n\nfrom drgn.helpers.linux.mm import page_index\n\n"
        "print(page_index(prog['vmemmap']))"
    )


def test_the_same_in_every_run(tmp_path: Path) -> None:
    # More values in one place than are followed: which are kept must not hang on memory.
    path = tmp_path / "walk.py"
    lines = ["from drgn.helpers.linux.mm import pfn_to_page, PageSlab", "pages = []"]
    for number in range(40):
        lines += [f"page = pfn_to_page({number})", f"if {number % 2} or not PageSlab(page):"]
        lines += ["    pages.append(page)"]
    lines += ["for each in pages:", "    print(each.mapping.host)"]
    path.write_text("\n".join(lines) + "\n")
    code = (
        "import sys; from pagefix.cli import main; main(['check', '--format', 'json', sys.argv[1]])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            capture_output=True,
            env={
                **os.environ,
                "PYTHONHASHSEED": str(seed),
                "PAGEFIX_CACHE_DIR": f"{tmp_path}/{seed}",
            },
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(runs) == 1
    assert b"script-page-mapping" in runs.pop()


OPEN = """\
import drgn


def show(thing, names):
    print(thing.mapping.host)
    print(names.index("page"))
    print(thing.obj["private"])
"""


def test_what_the_script_does_not_tell_is_undecided(tmp_path: Path) -> None:
    path = tmp_path / "walk.py"
    path.write_text(OPEN)
    program = engine.load([str(path)])
    report = engine.check(program, load_rules())
    assert report.findings == ()
    assert [(each.place.line, each.field, each.reason) for each in report.undecided] == [
        (5, "mapping", "the script does not tell what thing is"),
        (7, "private", "the script does not tell what thing.obj is"),
    ]
    strict = engine.check(program, load_rules(), strict=True).findings
    assert [(each.rule, each.place.line, each.confidence) for each in strict] == [
        ("script-page-mapping", 5, "assumed"),
        ("script-page-private", 7, "assumed"),
    ]
    # It may be no page at all.
    assert all(not each.fixes for each in strict)


EXPLAINED = """\
from drgn.helpers.linux.mm import PageSwapBacked, for_each_page

for page in for_each_page(prog):
    if PageSwapBacked(page):
        print(page.mapping.host)
        continue
    print(page.mapping.host)
    if page.mapping:
        pass
"""


def test_why_a_place_is_or_is_not_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "walk"
    path.write_text("#!/usr/bin/env drgn\n" + EXPLAINED)

    def told(line: int) -> list[str]:
        assert main(["explain", f"{path}:{line}"]) == 0
        return capsys.readouterr().out.replace(str(path), "walk").splitlines()

    way = "  walk:4: for_each_page() gives every page there is"
    assert told(6) == ["page.mapping: the page may be in the swap cache here", way]
    assert told(8) == [
        "page.mapping: not reported",
        way,
        "  a test shows that the page is not in the swap cache",
        "    line 5: PageSwapBacked(page)",
    ]
    assert told(9)[0] == "page.mapping: not reported: the value is only tested, or used for nothing"
    assert told(5)[0] == "walk:5: nothing that a rule is about is met here"
    assert told(99) == ["walk has no line 99"]
    path.write_text("#!/usr/bin/env drgn\n" + OPEN)
    assert told(6)[0] == "thing.mapping: undecided: the script does not tell what thing is"
    path.write_text("#!/usr/bin/env python3\nprint(1)\n")
    assert told(2) == ["walk is no script for drgn or gdb: it imports neither"]
