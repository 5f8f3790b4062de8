"""The command: exit codes, formats, and one clear error for every bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from trees import MM, tree, write

from pagefix import __version__
from pagefix.cli import main
from pagefix.errors import ExitCode

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
DEMO = FIXTURES / "demo"

BAD = """\
#include <linux/mm.h>
int foo(struct page *page)
{
	return page->mapping != 0;
}
"""
FIXED = BAD.replace("page->mapping", "page_file_mapping(page)")
CLEAN = "#include <linux/mm.h>\nint foo(struct page *page)\n{\n\treturn page != 0;\n}\n"


@pytest.fixture
def fs(tmp_path: Path) -> Path:
    return tree(tmp_path, {"fs/bad.c": BAD, "fs/clean.c": CLEAN}) / "fs"


def run(
    *arguments: str | Path | bytes, text: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pagefix", *(os.fsencode(each) for each in arguments)],
        input=text,
        capture_output=True,
        check=False,
        env={**os.environ, **(env or {})},
        timeout=60,
    )


def error(capsys: pytest.CaptureFixture[str], arguments: Sequence[str | Path]) -> list[str]:
    """Return the lines of the one error that some arguments make."""
    assert main([str(each) for each in arguments]) == ExitCode.ERROR
    out, err = capsys.readouterr()
    assert out == ""
    lines: list[str] = err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["pagefix", "  why", "  remedy"]
    assert all(line.split(":", 1)[1].strip() for line in lines)
    return lines


# --- exit codes and formats


def test_findings_are_1(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--scope", "all", str(fs)]) == ExitCode.FINDINGS
    assert "error[raw-page-mapping]" in capsys.readouterr().out


def test_clean_is_0(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--scope", "all", str(fs / "clean.c")]) == ExitCode.CLEAN
    assert capsys.readouterr().out == "\n1 file read, nothing found.\n"


def test_notes_are_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(tmp_path, {"fs/a.c": BAD.replace("page->mapping", "sizeof(page->mapping)")})
    assert main(["check", "--scope", "all", str(tmp_path / "fs")]) == ExitCode.CLEAN
    assert "note[raw-page-mapping]" in capsys.readouterr().out


def test_json(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--scope", "all", "--format", "json", str(fs)])
    document = json.loads(capsys.readouterr().out)
    assert document["tool"] == {"name": "pagefix", "version": __version__}
    assert [(each["path"], each["line"], each["column"]) for each in document["findings"]] == [
        ("fs/bad.c", 4, 15)
    ]
    (fix,) = document["findings"][0]["fixes"]
    data = BAD.encode()
    for edit in reversed(fix["edits"]):
        data = data[: edit["start"]] + edit["text"].encode() + data[edit["end"] :]
    assert data.decode() == FIXED


def test_concise(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--scope", "all", "--format", "concise", str(fs)])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{fs}/bad.c:4:15: error: page->mapping is not")
    assert line.endswith(" [raw-page-mapping]")


def test_stats(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--scope", "all", "--stats", str(fs)])
    out = capsys.readouterr().out
    assert "ledger: 1 occurrences = 1 page + 0 other + 0 unresolved" in out
    assert "wrappers in the tree: page_file_index, page_file_mapping" in out


def test_select_and_ignore(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["check", "--scope", "all", str(fs)]
    assert main([*check, "--select", "raw-page-index,raw-page-private"]) == ExitCode.CLEAN
    assert main([*check, "--ignore", "raw-page-mapping"]) == ExitCode.CLEAN
    assert main([*check, "--select", "raw-page-mapping"]) == ExitCode.FINDINGS


def test_the_demo_program(capsys: pytest.CaptureFixture[str]) -> None:
    # In foofs_submit() three, in foofs_readpage() two, in foofs_end_read() one; the page
    # of foofs_end_write() is none that the VM swaps.
    assert main(["check", "--format", "json", str(DEMO)]) == ExitCode.FINDINGS
    found = json.loads(capsys.readouterr().out)["findings"]
    functions = [each["function"] for each in found]
    assert {name: functions.count(name) for name in functions} == {
        "foofs_end_read": 1,
        "foofs_submit": 3,
        "foofs_readpage": 2,
    }
    assert {each["entry"] for each in found} == {"foofs_aops.readpage"}
    assert all(each["trace"] for each in found)


def test_sites(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sites", str(fs)]) == ExitCode.CLEAN
    assert "ledger: 1 occurrences" in capsys.readouterr().out
    assert main(["sites", "--format", "concise", str(fs)]) == ExitCode.CLEAN
    assert capsys.readouterr().out == (
        f"{fs}/bad.c:4:15: read of struct page mapping: page->mapping\n"
    )
    assert main(["sites", "--format", "json", str(fs)]) == ExitCode.CLEAN
    assert json.loads(capsys.readouterr().out)["ledger"]["page"] == 1


def test_rules_and_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == ExitCode.CLEAN
    assert "raw-folio-offset" in capsys.readouterr().out
    assert main(["explain", "raw-page-index"]) == ExitCode.CLEAN
    assert capsys.readouterr().out.startswith("raw-page-index\n")


# --- rewrite


def test_rewrite_shows_a_diff(fs: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["rewrite", "--scope", "all", str(fs)]) == ExitCode.FINDINGS
    out = capfdbinary.readouterr().out
    assert out.startswith(
        b"--- a/fs/bad.c\n+++ b/fs/bad.c\n@@ -1,5 +1,5 @@ raw-page-mapping: in foo()\n"
    )
    assert (fs / "bad.c").read_text() == BAD


def test_rewrite_applies(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply = ["rewrite", "--scope", "all", "--apply", str(fs)]
    assert main(apply) == ExitCode.CLEAN
    assert capsys.readouterr().out == "1 finding rewritten in 1 file.\n"
    assert (fs / "bad.c").read_text() == FIXED
    assert (fs / "clean.c").read_text() == CLEAN
    assert main(apply) == ExitCode.CLEAN
    assert main(["rewrite", "--scope", "all", str(fs)]) == ExitCode.CLEAN
    assert main(["check", "--scope", "all", str(fs)]) == ExitCode.CLEAN


def test_a_rewrite_that_was_stopped(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # As if it had been killed when all new texts were on disk and none had its place.
    file = fs / "bad.c"
    old, new = file.read_bytes(), b"int nothing_to_find_here;\n"
    entry = {"path": file.name, "old": sha256(old).hexdigest(), "new": sha256(new).hexdigest()}
    (fs / ".pagefix-journal").write_text(json.dumps({"format": 1, "files": [entry]}))
    (fs / f".{file.name}.pagefix-new").write_bytes(new)
    (fs / f".{file.name}.pagefix-old").hardlink_to(file)
    for command in ("check", "rewrite"):
        assert "was stopped while it wrote" in error(capsys, [command, fs])[0]
    assert file.read_bytes() == old
    assert main(["rewrite", "--apply", str(fs)]) == ExitCode.CLEAN
    assert "stopped was finished: new are 1 file (fs/bad.c)" in capsys.readouterr().err
    assert file.read_bytes() == new
    assert [path.name for path in fs.iterdir() if "pagefix" in path.name] == []


def test_what_is_kept_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(tmp_path, {"fs/a.c": BAD.replace("page->mapping != 0", "(page->mapping = 0) != 0")})
    assert main(["rewrite", "--scope", "all", str(tmp_path / "fs")]) == ExitCode.CLEAN
    assert capsys.readouterr().err == (
        "fs/a.c:4:16: page->mapping: not rewritten: no wrapper can be assigned to\n"
    )


# --- input


def test_standard_input(fs: Path) -> None:
    done = run("check", "--scope", "all", "--format", "concise", "-", text=BAD.encode())
    assert done.returncode == ExitCode.FINDINGS
    assert done.stdout.startswith(b"<stdin>:4:15: error:")


def test_standard_input_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "standard input cannot be written to" in error(capsys, ["rewrite", "--apply", "-"])[0]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"int x;",
        BAD.encode().replace(b"\n", b"\r\n"),
        BAD.encode().rstrip(),
        BAD.encode().replace(b"foo", b"f /* \xff\xe9 */"),
        BAD.encode().replace(b"\t", b"\t\t \x0c"),
        b"\xef\xbb\xbf" + BAD.encode(),
    ],
    ids=["empty", "newline", "no newline", "CRLF", "no last newline", "not UTF-8", "FF", "BOM"],
)
def test_odd_text(tmp_path: Path, text: bytes) -> None:
    tree(tmp_path, {"fs/a.c": text})
    done = run("rewrite", "--scope", "all", "--apply", tmp_path / "fs")
    assert done.returncode == ExitCode.CLEAN, done.stderr
    wanted = text.replace(b"page->mapping", b"page_file_mapping(page)")
    assert (tmp_path / "fs" / "a.c").read_bytes() == wanted


def test_a_directory_loop_is_harmless(fs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fs / "loop").symlink_to(fs)
    main(["check", "--scope", "all", "--format", "concise", str(fs)])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/\udce9.c": BAD})
    path = os.fsencode(tmp_path) + b"/fs/\xe9.c"
    done = run("check", "--scope", "all", "--format", "concise", path)
    assert done.stdout.startswith(path + b":4:15: error")
    assert run("check", b"/no/\xe9").stderr.startswith(b"pagefix: /no/\xe9:")


# --- errors


def test_a_missing_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no.c" in error(capsys, ["check", tmp_path / "no.c"])[0]


def test_a_folder_without_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no C file" in error(capsys, ["check", tmp_path])[0]


def test_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/dev/null" in error(capsys, ["check", "/dev/null"])[0]


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"a.c": b"int x;\0"})
    error(capsys, ["check", "--scope", "all", tmp_path / "a.c"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"a.c": BAD})
    (tmp_path / "a.c").chmod(0)
    assert "a.c" in error(capsys, ["check", tmp_path / "a.c"])[0]


def test_two_trees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        tree(tmp_path / name, {"fs/a.c": BAD}, MM)
    error(capsys, ["check", tmp_path / "one" / "fs", tmp_path / "two" / "fs"])


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_an_unknown_rule(fs: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    lines = error(capsys, ["check", str(fs), option, "raw-page-maping"])
    assert lines[0] == "pagefix: there is no rule 'raw-page-maping'"
    assert "'raw-page-mapping'" in lines[1]


def test_explain_an_unknown_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no rule 'x'" in error(capsys, ["explain", "x"])[0]


@pytest.mark.parametrize(
    ("arguments", "title", "command"),
    [
        ([], "the following arguments are required: COMMAND", "pagefix"),
        (["check"], "the following arguments are required: PATH", "pagefix check"),
        (["check", "--nonsense", "."], "unrecognized arguments: --nonsense", "pagefix"),
        (["check", "--scope", "some", "."], "argument --scope: invalid choice", "pagefix check"),
        (["explode"], "argument COMMAND: invalid choice: 'explode'", "pagefix"),
    ],
)
def test_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], title: str, command: str
) -> None:
    lines = error(capsys, arguments)
    assert lines[0].startswith(f"pagefix: {title}")
    assert lines[2].endswith(f"`{command} --help` shows what it takes.")


def test_a_closed_pipe_is_quiet(fs: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pagefix", "explain", "raw-page-index"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == ExitCode.ERROR


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("command", [["rules"], ["rewrite", "--scope", "all"], ["check"]])
def test_a_full_disk(fs: Path, command: list[str]) -> None:
    paths = [] if command == ["rules"] else [str(fs)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pagefix", *command, *paths],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == ExitCode.ERROR
    assert done.stderr.splitlines()[-3:] == [
        b"pagefix: the output could not be written",
        b"  why: There is no space left where it goes.",
        b"  remedy: Make room, or send it elsewhere.",
    ]


def test_an_interrupt_is_130(tmp_path: Path) -> None:
    # It waits for standard input until it is interrupted.
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in err


_WAITING = """
import sys
from pagefix import cli, engine
def load(paths, stdin=None):
    print("waiting", flush=True)
    sys.stdin.read()
engine.load = load
sys.exit(cli.main(["check", "."]))
"""


# --- what is not needed is not imported


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import pagefix", {"rich", "tree_sitter", "libcst", "pagefix.engine"}),
        ("import pagefix.cli", {"rich", "tree_sitter", "libcst", "pagefix.engine"}),
        ("from pagefix.c import ast", {"rich", "tree_sitter", "libcst"}),
        ("import pagefix.engine", {"rich", "tree_sitter", "libcst", "pagefix.flow"}),
        ("from pagefix.report import json, sarif, junit", {"rich", "tree_sitter", "libcst"}),
    ],
)
def test_imports_are_cheap(code: str, unwanted: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert unwanted.isdisjoint(done.stdout.split())


def test_public_names_exist() -> None:
    import pagefix

    for name in pagefix.__all__:
        assert getattr(pagefix, name) is not None
    with pytest.raises(AttributeError):
        _ = pagefix.nonsense
