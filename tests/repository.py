"""Real git repositories, each written for one test.

The program is the demo, with findings in lines 28, 45 (two), 49, 59 and 61. Those of 28,
45 and 49 are reached through line 66, that of 28 through 52 and 53 too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from pagefix.cli import main

Found = list[tuple[int, str]]
CALL = ("foofs_submit(page, READ, ", "foofs_submit(page,  READ, ")
SIZE = ("u64 size = i_size_read", "u64  size = i_size_read")
BY_CALL = [(28, "chain"), (45, "chain"), (45, "chain"), (49, "chain")]
GUARD = "\tif (PageSwapCache(page))\n\t\treturn -EIO;\n"
LOOKUP = "\tret = foofs_lookup(page"

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
#: Nobody's settings, and nobody's hooks.
QUIET = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


class Repository:
    """A repository with the demo program in it, committed."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.foofs = top / "demo" / "foofs.c"
        for name in ("include", "demo"):
            shutil.copytree(FIXTURES / name, top / name)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("one")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git and return what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.top,
            env={**os.environ, **QUIET},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout

    def commit(self, subject: str) -> None:
        """Commit all there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def edit(self, old: str, new: str, path: Path | None = None) -> None:
        """Replace a text that is there once."""
        file = path or self.foofs
        text = file.read_text()
        assert text.count(old) == 1, old
        file.write_text(text.replace(old, new))


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> Found:
    """Return the lines that are found, each with what a change has to do with it."""
    code = main(["check", "--format", "json", *arguments])
    out, err = capsys.readouterr()
    assert code in (0, 1), err
    findings = json.loads(out)["findings"]
    assert code == (1 if findings else 0)
    return [(each["line"], each["touch"]["by"] if each["touch"] else "") for each in findings]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Return the lines of the error."""
    assert main(["check", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [each.split(":")[0] for each in lines] == ["pagefix", "  why", "  remedy"]
    return lines


def feed(monkeypatch: pytest.MonkeyPatch, data: str | bytes) -> None:
    """Make a text standard input."""
    data = data.encode() if isinstance(data, str) else data
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
