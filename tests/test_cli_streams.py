"""Where output goes and input comes from: closed, full, broken. One clear error and status 2."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from trees import tree

BAD = """\
#include <linux/mm.h>
int foo(struct page *page)
{
	return page->mapping != 0;
}
"""
COMMANDS = [
    "sites {}",
    "check --format json {}",
    "rewrite --scope all {}",
    "rewrite --scope all --apply {}",
    "explain raw-page-mapping",
    "explain {}/a.c:4",
    "rules",
    "--help",
]


def shell(command: str, redirection: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command through a shell, with its streams redirected."""
    words = f"exec {shlex.quote(sys.executable)} -m pagefix {command} {redirection}"
    return subprocess.run(
        ["sh", "-c", words], capture_output=True, check=False, timeout=60, env={**os.environ}
    )


def is_one_error(err: bytes) -> bool:
    """Tell whether this is title, why and remedy, and nothing else."""
    return [line.split(b":")[0] for line in err.splitlines()] == [b"pagefix", b"  why", b"  remedy"]


@pytest.fixture
def fs(tmp_path: Path) -> Path:
    return tree(tmp_path, {"fs/a.c": BAD}) / "fs"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_output_that_goes_nowhere(command: str, redirection: str, fs: Path) -> None:
    done = shell(command.format(shlex.quote(str(fs))), redirection)
    assert done.returncode == 2
    assert is_one_error(done.stderr), done.stderr
    if redirection == ">&-":
        # Not even --apply has begun.
        assert (fs / "a.c").read_text() == BAD


@pytest.mark.parametrize("command", [each for each in COMMANDS if "{}" in each])
def test_no_errors_wanted(command: str, fs: Path) -> None:
    done = shell(command.format(shlex.quote(str(fs))), "2>&-")
    assert done.returncode in (0, 1)
    assert done.stdout


def test_no_errors_wanted_of_a_bad_path(tmp_path: Path) -> None:
    done = shell(f"check {shlex.quote(str(tmp_path / 'gone'))}", "2>&-")
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("command", ["sites -", "check -", "rewrite -"])
def test_closed_input(command: str) -> None:
    done = shell(command, "<&-")
    assert done.returncode == 2
    assert is_one_error(done.stderr), done.stderr


LONG = [
    "sites --format json",
    "check --scope all --format concise",
    "check --scope all",
    "rewrite --scope all",
]


@pytest.mark.parametrize("command", LONG)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves(command: str, unbuffered: str, fs: Path) -> None:
    # More than a pipe holds.
    use = "\tuse(page->mapping, " + "a_long_name_of_an_argument, " * 12
    body = "\n".join(f"{use}{number});" for number in range(900))
    (fs / "a.c").write_text(f"#include <linux/mm.h>\nvoid f(struct page *page)\n{{\n{body}\n}}\n")
    words = f"{shlex.quote(sys.executable)} -m pagefix {command} {shlex.quote(str(fs))}"
    done = subprocess.run(
        ["bash", "-c", f"{words} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    assert (done.returncode, done.stderr) == (2, b"")
