"""What the README shows is what the commands print.

After a change that is meant: ``python tests/test_readme.py`` pastes it anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RUN = re.compile(
    r"(<!-- run: pagefix (?P<arguments>.*?) -->\n```console\n)(?P<shown>.*?)(```\n)", re.S
)


def printed(arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pagefix", *arguments.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    lines = [line.rstrip() for line in done.stdout.strip("\n").splitlines()]
    return "\n".join([f"$ pagefix {arguments}", *lines]) + "\n"


def pasted() -> str:
    return RUN.sub(
        lambda block: block[1] + printed(block["arguments"]) + block[4], README.read_text()
    )


def test_readme_shows_what_is_printed() -> None:
    assert len(RUN.findall(README.read_text())) >= 5
    assert README.read_text() == pasted()


if __name__ == "__main__":
    README.write_text(pasted())
