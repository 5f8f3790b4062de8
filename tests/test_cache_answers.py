"""An answer that is given again is the one that would be worked out now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from repository import CALL, SIZE, Repository
from trees import tree, write

from pagefix import cli_check, reads
from pagefix.cache import Answers, Store
from pagefix.cli import main

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

FILES = {
    "include/linux/box.h": "struct box { struct page *held; };\n",
    "include/near.h": "struct near { struct page *held; };\n",
    "fs/foo/a.c": """\
#include <linux/mm.h>
#include <linux/box.h>
#include "near.h"
unsigned long a(struct box *b, struct near *n)
{
	return b->held->index + n->held->index;
}
""",
    "fs/foo/b.c": """\
#include <linux/mm.h>
#include "missing.h"
unsigned long b(struct page *page, void *p)
{
	return page->index + GET(p)->index;
}
""",
    "fs/foo/inner/c.c": "int c(struct page *p) { return p->mapping != 0; }\n",
    ".pagefix.toml": 'scope = "all"\n',
}
RULE = (FIXTURES.parent / "rules" / "raw-page-index.toml").read_text()

COMMANDS = [
    ["check", "--format", "json", "--rules", "lint", "fs/foo"],
    ["sites", "--format", "json", "fs/foo"],
]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "k").mkdir()
    folder = tree(tmp_path / "k", FILES)
    write(folder, {"lint/own-rule.toml": RULE.replace("raw-page-index", "own-rule")})
    monkeypatch.chdir(folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    return code, *capsys.readouterr()


def same(capsys: pytest.CaptureFixture[str]) -> list[tuple[int, str, str]]:
    """Ask with what is kept, twice, and without, and return the answers."""
    answers = []
    for command in COMMANDS:
        cold = said(capsys, *command, "--no-cache")
        assert said(capsys, *command) == cold
        assert said(capsys, *command) == cold
        answers.append(cold)
    return answers


def grow(path: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_text((folder / path).read_text() + text)


def put(path: str, text: str) -> Callable[[Path], object]:
    return lambda folder: write(folder, {path: text})


def gone(path: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).unlink()


def turned(path: str, old: str, new: str) -> Callable[[Path], object]:
    def turn(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))

    return turn


def unseen(folder: Path) -> None:
    # The same length, and the times put back: only the time of the entry tells.
    path = folder / "fs/foo/a.c"
    about = path.stat()
    path.write_text(path.read_text().replace("b->held->index", "b->held->indey"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def moved_in(folder: Path) -> None:
    fresh = folder / "fresh"
    fresh.write_text((folder / "fs/foo/a.c").read_text() + ONE)
    fresh.replace(folder / "fs/foo/a.c")


def linked(folder: Path) -> None:
    (folder / "else.h").write_text("struct box { struct inode *held; };\n")
    (folder / "include/linux/box.h").unlink()
    (folder / "include/linux/box.h").symlink_to(folder / "else.h")


OTHER = "struct near { struct inode *held; };\n"
ONE = "int d(struct page *p) { return p->index; }\n"

CHANGES: dict[str, Callable[[Path], object]] = {
    "a function is new": grow("fs/foo/a.c", ONE),
    "times are put back": unseen,
    "a file is moved over": moved_in,
    "a file is new": put("fs/foo/d.c", ONE),
    "a file is new below": put("fs/foo/inner/deep/d.c", ONE),
    "a file is gone": gone("fs/foo/inner/c.c"),
    "a header's member has another type": turned(
        "include/linux/box.h", "struct page", "struct inode"
    ),
    "a header is gone": gone("include/linux/box.h"),
    "a header comes before another": put("fs/foo/near.h", OTHER),
    "a header that was missing is there": put(
        "fs/foo/missing.h", "#define GET(p) ((struct page *)(p))\n"
    ),
    "a header that was missing is above": put(
        "fs/missing.h", "#define GET(p) ((struct page *)(p))\n"
    ),
    "a macro that was looked up in vain": grow(
        "include/linux/mm.h", "#define GET(p) ((struct page *)(p))\n"
    ),
    "a macro far away": put(
        "include/linux/zz.h", "static inline struct page *GET(void *p) { return p; }\n"
    ),
    "a wrapper is gone": turned("include/linux/mm.h", "page_file_index", "page_file_other"),
    "a link leads elsewhere": linked,
    "the tree has no root": lambda folder: (folder / "include/linux").rename(folder / "linux"),
    "a rule is another": turned("lint/own-rule.toml", 'severity = "error"', 'severity = "note"'),
    "a rule is new": put("lint/own-second.toml", RULE.replace("raw-page-index", "own-second")),
    "settings are others": put(".pagefix.toml", 'scope = "all"\nignore = ["own-rule"]\n'),
    "settings are nearer": put("fs/.pagefix.toml", 'scope = "swapcache"\n'),
    "settings are gone": gone(".pagefix.toml"),
    "a baseline is new": put(
        ".pagefix.toml", 'scope = "all"\nbaseline = "b.txt"\nseverity = "error"\n'
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_it_depends_on(
    change: str, kernel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = same(capsys)
    CHANGES[change](kernel)
    after = same(capsys)
    # If it made no difference, the test would show nothing.
    assert after != before


def test_old_files_too(kernel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Files at rest are believed by their times: the other half of the ways.
    past = time.time() - 1000
    for path in kernel.rglob("*"):
        os.utime(path, (past, past))
    before = same(capsys)
    turned("include/linux/box.h", "struct page", "struct inode")(kernel)
    assert same(capsys) != before


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=4, unique=True))
def test_changes_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changes: list[str],
) -> None:
    folder = tree(tmp_path_factory.mktemp("k"), FILES)
    write(folder, {"lint/own-rule.toml": RULE.replace("raw-page-index", "own-rule")})
    monkeypatch.chdir(folder)
    same(capsys)
    for change in changes:
        try:
            CHANGES[change](folder)
        except (OSError, AssertionError):
            continue  # an earlier one has taken away what it changes
        same(capsys)


def test_it_is_worked_out_once(
    kernel: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, *COMMANDS[0])
    monkeypatch.setattr(cli_check, "checked", lambda *_: pytest.fail("worked out again"))
    assert said(capsys, *COMMANDS[0])[0] == 1
    # How it is shown is no part of the question.
    for more in (["--format", "concise"], ["--format", "rich", "--stats"], ["--exit-zero"]):
        said(capsys, *COMMANDS[0], *more)
    # What is asked is.
    with pytest.raises(pytest.fail.Exception):
        said(capsys, *COMMANDS[0], "--strict")


def test_an_unchanged_copy_is_believed_after_one_look(
    kernel: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    past = time.time() - 1000
    for path in kernel.rglob("*"):
        os.utime(path, (past, past))
    said(capsys, *COMMANDS[0])
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    said(capsys, *COMMANDS[0])  # their entries were new when they were read: looked into

    def looked(path: str) -> tuple[bytes, reads.Sign]:
        assert not os.path.exists(path), f"{path} was read"
        return b"", (0, 0, 0, 0)

    monkeypatch.setattr(reads, "look_at", looked)
    monkeypatch.setattr(reads, "look_into", looked)
    assert said(capsys, *COMMANDS[0])[0] == 1


def test_standard_input_is_part_of_the_question(kernel: Path) -> None:
    texts = [FILES["fs/foo/a.c"], FILES["fs/foo/b.c"], FILES["fs/foo/a.c"]]
    out = [
        subprocess.run(
            [sys.executable, "-m", "pagefix", "check", "--format", format, "-"],
            input=text.encode(),
            capture_output=True,
            check=False,
        ).stdout
        for format in ("json", "rich")
        for text in texts
    ]
    assert out[0] == out[2] != out[1]
    assert out[3] == out[5] != out[4]


def test_what_is_staged_is_part_of_the_question(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    text = repository.foofs.read_text()
    seen = []
    for old, new in (CALL, SIZE, ("", "")):
        repository.foofs.write_text(text.replace(old, new) if old else text)
        repository.git("add", "-A")
        repository.foofs.write_text(text)
        for more in ([], ["--format", "json"], ["--only-named", "demo/foofs.c"]):
            cold = said(capsys, "check", "--staged", *more, "--no-cache")
            assert said(capsys, "check", "--staged", *more) == cold
            assert said(capsys, "check", "--staged", *more) == cold
            seen.append(cold)
    assert seen[0] != seen[3] != seen[6]
    # A header that is staged only, which the report does not speak of.
    header = repository.top / "include/linux/mm_types.h"
    before = header.read_text()
    assert "pgoff_t index;" in before
    repository.foofs.write_text(text.replace(*SIZE))
    staged = []
    for each in (before, before.replace("pgoff_t index;", "pgoff_t indices;"), before):
        header.write_text(each)
        repository.git("add", "-A")
        header.write_text(before)
        command = ["check", "--staged", "--scope", "all", "--format", "json"]
        staged.append(said(capsys, *command))
        assert staged[-1] == said(capsys, *command, "--no-cache")
    assert staged[0] == staged[2] != staged[1]


def test_warnings_are_said_again(kernel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(kernel, {"lint/own-third.toml": RULE.replace("struct page", "struct pgae")})
    first = said(capsys, *COMMANDS[0])
    assert "pgae" in first[2]
    assert said(capsys, *COMMANDS[0]) == first


def test_a_stopped_rewrite_is_noticed(kernel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, *COMMANDS[0])[0] == 1
    (kernel / "fs/.pagefix-journal").touch()
    code, out, err = said(capsys, *COMMANDS[0])
    assert (code, out) == (2, "")
    assert "a rewrite was stopped" in err


def test_a_broken_cache_is_one_warning(
    kernel: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cold = said(capsys, *COMMANDS[0], "--no-cache")
    (tmp_path / "file").touch()
    code, out, err = said(capsys, *COMMANDS[0], "--cache-dir", str(tmp_path / "file"))
    assert (code, out) == cold[:2]
    warning, rest = err.split("\n", 1)
    assert warning.startswith("warning: the cache ")
    assert rest == cold[2]


def test_info_and_clear(kernel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "empty" in said(capsys, "cache", "info")[1]
    for command in COMMANDS:
        said(capsys, *command)
    code, out, _ = said(capsys, "cache", "info")
    assert code == 0
    # An inventory asks for few rules, and keeps none.
    kinds = [line.split()[:2] for line in out.splitlines()[2:]]
    assert kinds == [["answers", "2"], ["reach", "1"], ["rules", "1"]]
    assert said(capsys, "cache", "clear")[1].startswith("4 dropped")
    assert "answers" not in said(capsys, "cache", "info")[1]


AUDITED = """
import os, sys, json
from pagefix import engine, reads
from pagefix.rulebook import load_rules
root = os.getcwd()
asked = set()
def hook(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(root + "/") and not path.endswith((".py", ".pyc")):
            asked.add((path, event))
sys.addaudithook(hook)
with reads.recorded() as log:
    program = engine.load(["fs/foo", "fs/foo/a.c"])
    engine.check(program, load_rules())
noted = {os.path.abspath(each) for each in (*log.files, *log.folders)}
print(json.dumps([sorted(path for path, _ in asked if path not in noted), len(asked)]))
"""


def test_all_that_is_opened_is_noted(kernel: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AUDITED], capture_output=True, check=True, text=True
    )
    missed, count = json.loads(done.stdout)
    assert missed == []
    assert count >= 10


def test_an_answer_that_was_torn_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    answers = Answers(Store(str(tmp_path / "cache"), pytest.fail))
    with reads.recorded() as log:
        reads.read(str(tmp_path / "a"))
        (tmp_path / "a").write_text("two")
        reads.read(str(tmp_path / "a"))
    answers.keep(b"key", time.time_ns(), log, b"answer")
    assert answers.find(b"key") is None


def test_a_change_in_the_same_tick_is_seen(tmp_path: Path) -> None:
    # Made by hand: the sign of the new text beside the digest of the old one.
    path = str(tmp_path / "a")
    (tmp_path / "a").write_text("two")
    log = reads.Log()
    log.files[path] = (reads.digest(b"one"), reads.sign(os.stat(path)))
    answers = Answers(Store(str(tmp_path / "cache"), pytest.fail))
    answers.keep(b"key", time.time_ns(), log, b"answer")
    found = answers.find(b"key")
    assert found is not None
    assert list(found.changed) == [path]


WARM = """
import sys
from pagefix.cli import main
code = main(sys.argv[1:])
print(*sorted(name for name in sys.modules), file=sys.stderr)
"""
# What showing a kept report takes; rich only where people read it.
ALLOWED = {
    *("pagefix", "pagefix.asked", "pagefix.cli", "pagefix.cli_arguments", "pagefix.cli_check"),
    *("pagefix.cli_options", "pagefix.cli_still"),
    *("pagefix.cli_kept", "pagefix.cli_output", "pagefix.cli_settings", "pagefix.cli_shared"),
    *("pagefix.cache", "pagefix.cache.answers", "pagefix.cache.place", "pagefix.cache.store"),
    *("pagefix.cache.values", "pagefix.config", "pagefix.errors", "pagefix.finding"),
    *("pagefix.reads", "pagefix.source", "pagefix.baseline", "pagefix.cli_changes"),
    *("pagefix.overlay", "pagefix.report.words"),
    *("pagefix.report", "pagefix.report.formats", "pagefix.report.model"),
}
PEOPLE = {
    *("pagefix.report.console", "pagefix.fix", "pagefix.fix.change", "pagefix.fix.diff"),
}
HEAVY = {"tree_sitter", "tree_sitter_c", "libcst", "asyncio", "multiprocessing", "concurrent"}


@pytest.mark.parametrize("format", ["concise", "json", "rich"])
def test_what_a_warm_check_imports(format: str, kernel: Path) -> None:
    command = [sys.executable, "-c", WARM, "check", "--format", format, "fs/foo"]
    subprocess.run(command, capture_output=True, check=True)
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    modules = set(done.stderr.split())
    ours = {name for name in modules if name.split(".")[0] == "pagefix"}
    allowed = ALLOWED | (PEOPLE if format == "rich" else {f"pagefix.report.{format}"})
    assert ours <= allowed
    tops = {name.split(".")[0] for name in modules}
    assert not tops & HEAVY
    if format != "rich":
        assert not tops & {"rich", "difflib", "tempfile"}


PLACES = ["demo", "raw-page-index", "contract/check", "folios", "ledger"]


@pytest.mark.parametrize("format", ["rich", "concise", "json", "sarif", "markdown"])
def test_fixtures_are_shown_alike(
    format: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(FIXTURES)
    for place in PLACES:
        if Path(place).is_dir():
            command = ["check", "--format", format, place]
            cold = said(capsys, *command, "--no-cache")
            assert said(capsys, *command) == cold
            assert said(capsys, *command) == cold
