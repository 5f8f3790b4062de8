"""The ways to take a rewrite: the diff with its reasons, a patch file, hunk by hunk."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pagefix.cli import main
from pagefix.errors import ExitCode
from pagefix.fix import coloured

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
READ = "raw-page-mapping: foofs_aops.readpage reaches foofs_end_read()"
SUBMIT = "raw-page-mapping, raw-page-offset: foofs_aops.readpage reaches foofs_submit()"
START = "raw-page-mapping, raw-page-index: foofs_aops.readpage reaches foofs_readpage()"


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES / "include", tmp_path / "include")
    shutil.copytree(FIXTURES / "demo", tmp_path / "demo")
    return tmp_path / "demo"


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{each}\n" for each in answers)))


def wrappers(demo: Path) -> int:
    return (demo / "foofs.c").read_text().count("page_file_")


def test_each_hunk_says_what_it_stands_on(
    demo: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["rewrite", str(demo)]) == ExitCode.FINDINGS
    lines = capfdbinary.readouterr().out.decode().splitlines()
    heads = [line.split(" @@ ")[1] for line in lines if line.startswith("@@")]
    assert heads == [READ, SUBMIT, START]


def test_where_every_page_counts_there_is_no_chain(
    demo: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["rewrite", "--scope", "all", "--select", "raw-page-index", str(demo)]) == 1
    out = capfdbinary.readouterr().out.decode()
    assert " @@ raw-page-index: in foofs_readpage()\n" in out


@pytest.mark.parametrize("tool", [["patch", "-p1", "-s"], ["git", "apply", "--no-index"]])
def test_the_patch_applies(demo: Path, tool: list[str]) -> None:
    if shutil.which(tool[0]) is None:
        pytest.skip(f"no {tool[0]}")
    patch = demo.parent / "swap.patch"
    assert main(["rewrite", str(demo), "--patch", str(patch)]) == ExitCode.FINDINGS
    assert wrappers(demo) == 0
    copy = demo.parent / "copy"
    shutil.copytree(demo, copy / "demo")
    with patch.open("rb") as text:
        tool = ["git", "apply"] if tool[0] == "git" else tool
        subprocess.run(tool, stdin=text, cwd=copy, check=True, env={**os.environ, "GIT_DIR": "/"})
    assert main(["rewrite", "--apply", str(demo)]) == ExitCode.CLEAN
    assert (copy / "demo" / "foofs.c").read_bytes() == (demo / "foofs.c").read_bytes()


def test_a_patch_replaces_an_older_one_whole(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = demo.parent / "swap.patch"
    patch.write_text("x" * 100_000)
    assert main(["rewrite", str(demo), "--patch", str(patch)]) == ExitCode.FINDINGS
    assert capsys.readouterr().out == ""
    assert patch.read_text().startswith("--- a/demo/foofs.c\n")
    assert [each.name for each in demo.parent.iterdir() if "pagefix" in each.name] == []


def test_a_patch_is_not_written_over_source(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = next(demo.rglob("*.c"))
    before = source.read_bytes()
    assert main(["rewrite", str(demo), "--patch", str(source)]) == ExitCode.ERROR
    assert "a patch is not written over source" in capsys.readouterr().err
    assert source.read_bytes() == before


def test_a_patch_that_cannot_be_written(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rewrite", str(demo), "--patch", str(demo / "no" / "x.patch")]) == ExitCode.ERROR
    assert "the patch could not be written" in capsys.readouterr().err


def test_hunk_by_hunk(
    demo: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "y", "n", "y")
    assert main(["rewrite", "--interactive", str(demo)]) == ExitCode.CLEAN
    text = (demo / "foofs.c").read_text()
    assert "struct inode *inode = page_file_mapping(page)->host;" in text
    assert "foofs_lookup(page->mapping->host, page_offset(page), &extent);" in text
    assert "if (((u64)page_file_index(page) << PAGE_SHIFT) >= size) {" in text
    out, err = capfd.readouterr()
    assert [f"({number}/3) make this change?" in out for number in (1, 2, 3)] == [True] * 3
    assert "3 findings rewritten in 1 file." in out
    assert err.count("not taken") == 3


@pytest.mark.parametrize(
    ("answers", "made"),
    [(["a"], 6), (["n", "a"], 5), (["y", "d"], 1), (["d"], 0), (["y", "q"], 0), (["y"], 0)],
    ids=["all", "but the first", "no more", "none", "quit", "the end of input"],
)
def test_answers_for_the_rest(
    demo: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str], made: int
) -> None:
    answering(monkeypatch, *answers)
    code = main(["rewrite", "--interactive", str(demo)])
    assert code == (ExitCode.CLEAN if made else ExitCode.FINDINGS)
    assert wrappers(demo) == made


def test_the_chain_and_the_help_are_there_to_ask_for(
    demo: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "c", "?", "q")
    main(["rewrite", "--interactive", str(demo)])
    out = capfd.readouterr().out
    assert "submit_bio() calls foofs_end_read() through struct bio.bi_end_io" in out
    assert "c - show the chains that lead there" in out
    assert out.count("(1/3) make this change?") == 3


def test_what_was_chosen_as_a_patch(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "n", "y", "n")
    patch = demo.parent / "swap.patch"
    main(["rewrite", "--interactive", "--patch", str(patch), str(demo)])
    assert wrappers(demo) == 0
    assert patch.read_text().count("@@ raw-page") == 1


def test_a_flag_that_two_hunks_need_makes_them_one_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(FIXTURES / "include", tmp_path / "include")
    (tmp_path / "guards").mkdir()
    shutil.copy(FIXTURES / "guards" / "foofs.c", tmp_path / "guards" / "foofs.c")
    answering(monkeypatch, *["n"] * 100)
    main(["rewrite", "--interactive", str(tmp_path / "guards")])
    out = capfd.readouterr().out
    (question,) = [each for each in out.split("make this change?") if "foofs_done_late(" in each]
    assert question.count("+\tbool swapcache = PageSwapCache(page);\n") == 1
    assert question.count("!swapcache)\n") == 2


def test_colours() -> None:
    diff = b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ why\n same\n-old\n+new\r\n"
    assert coloured(diff) == (
        b"\x1b[1m--- a/x\x1b[m\n\x1b[1m+++ b/x\x1b[m\n\x1b[36m@@ -1,2 +1,2 @@ why\x1b[m\n same\n"
        b"\x1b[31m-old\x1b[m\n\x1b[32m+new\x1b[m\r\n"
    )


@pytest.mark.parametrize("settled", [False, True])
def test_what_a_baseline_postpones_is_not_rewritten(
    demo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    settled: bool,
) -> None:
    # Two are postponed, foofs_end_read()'s mapping and foofs_readpage()'s index.
    monkeypatch.chdir(demo.parent)
    known = Path("known")
    select = ["--select", "raw-page-mapping,raw-page-index"]
    assert main(["check", *select, "--baseline", str(known), "--write-baseline", str(demo)]) == 0
    lines = known.read_text().splitlines(keepends=True)
    kept = [line for line in lines if "foofs_end_read" in line or "raw-page-index" in line]
    assert len(kept) == 2
    known.write_text(lines[0] + "".join(kept))
    given = ["--baseline", str(known)]
    if settled:
        (demo / ".pagefix.toml").write_text('baseline = "../known"\n')
        given = []
    capsys.readouterr()
    assert main(["rewrite", "--apply", *given, str(demo)]) == ExitCode.CLEAN
    told = capsys.readouterr()
    assert "4 findings rewritten in 1 file." in told.out
    assert f"2 findings of {known} are left as postponed." in told.err
    text = (demo / "foofs.c").read_text()
    assert "inode = page->mapping->host;" in text
    assert "((u64)page->index << PAGE_SHIFT)" in text
    assert wrappers(demo) == 4
    assert main(["check", *given, str(demo)]) == ExitCode.CLEAN


def test_a_baseline_that_cannot_be_read_stops_the_rewrite(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rewrite", "--apply", "--baseline", "none", str(demo)]) == ExitCode.ERROR
    assert "none: the baseline cannot be read" in capsys.readouterr().err
    assert wrappers(demo) == 0
