"""Help, completions, the manual page, progress, and errors with a way to look inside."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trees import tree

from pagefix import cli_completions, cli_man
from pagefix.cli import main
from pagefix.cli_describe import commands
from pagefix.rulebook import load_rules

RULES = [rule.name for rule in load_rules(optional=True)]
NAMES = "check rewrite sites explain contract rules test cache completions man".split()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    out: str = capsys.readouterr().out
    return out


# --- help


def test_help_fits_a_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, "--help").splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    shown = [line.split()[0] for line in lines if re.match(r"  [a-z]+  +[a-z]", line)]
    assert shown == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, name, "--help").splitlines()
    assert lines[0].startswith(f"usage: pagefix {name} ")
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80


def test_every_example_is_understood() -> None:
    from pagefix.cli_arguments import parser

    found = 0
    texts = [parser().epilog or "", *(one.examples for one in commands())]
    for line in "\n".join(texts).splitlines():
        example = re.match(r"  (?:.*\| )?pagefix (.*?)(?:  .*| >.*)?$", line)
        if example is not None:
            parser().parse_args(example[1].split())
            found += 1
    assert found >= 15


# --- completions


def complete(tmp_path: Path, line: str) -> set[str]:
    """Return what bash offers at the end of a line."""
    script = tmp_path / "completions"
    script.write_text(cli_completions.script("bash", RULES))
    ask = (
        f"source {script}; COMP_WORDS=({line.replace('|', ' ')}); "
        "[[ $1 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
        'COMPREPLY=(); _pagefix; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", ask, "bash", line],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash(tmp_path: Path) -> None:
    (tmp_path / "some.c").write_text("")
    (tmp_path / "folder").mkdir()
    assert complete(tmp_path, "pagefix ") == set(NAMES)
    assert complete(tmp_path, "pagefix re") == {"rewrite"}
    assert complete(tmp_path, "pagefix check --form") == {"--format"}
    assert complete(tmp_path, "pagefix check --format ju") == {"junit"}
    # As bash breaks --format=ju into words.
    assert complete(tmp_path, "pagefix check --format = ju") == {"junit"}
    assert complete(tmp_path, "pagefix check --scope =") == {"swapcache", "all"}
    assert complete(tmp_path, "pagefix sites --format ") == {"rich", "concise", "json"}
    assert complete(tmp_path, "pagefix check --select raw-page-o") == {"raw-page-offset"}
    assert complete(tmp_path, "pagefix explain raw-page-o") == {"raw-page-offset"}
    assert complete(tmp_path, "pagefix --debug check --rules ") == {"folder"}
    assert complete(tmp_path, "pagefix check so") == {"some.c"}
    assert complete(tmp_path, "pagefix completions ") == {"bash", "zsh", "fish"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_everything(shell: str, tmp_path: Path) -> None:
    text = cli_completions.script(shell, RULES)
    for one in commands():
        assert one.name in text
        for option in one.options:
            for name in option.names:
                assert (name if shell == "zsh" else f" -l {name[2:]} ") in text or len(name) == 2
            assert not option.choices or " ".join(option.choices) in text
    assert all(name in text for name in RULES)
    if shutil.which(shell) is not None:
        (tmp_path / "c").write_text(text)
        subprocess.run([shell, "-n", str(tmp_path / "c")], check=True)


def test_zsh_is_told_of_one_rest() -> None:
    text = cli_completions.script("zsh", RULES)
    parts = dict(re.findall(r"^    (\w+)\)\n(.*?);;$", text, re.MULTILINE | re.DOTALL))
    rest = {name: len(re.findall(r"^ *'\*:", part, re.MULTILINE)) for name, part in parts.items()}
    assert set(rest) == set(NAMES)
    # zsh refuses to complete where there are two.
    assert (rest["check"], rest["explain"], rest["rules"]) == (1, 1, 0)
    assert re.search(r"^ *'1:.*compadd -a rules", parts["explain"], re.MULTILINE)
    # --format=json as well as --format json.
    assert "'--format=[" in parts["check"]
    assert "'--staged[" in parts["check"]


# --- the manual page


def test_the_page_has_every_option() -> None:
    page = cli_man.page()
    for one in commands():
        assert f".SS pagefix {one.name}" in page
        for option in one.options:
            for name in option.names:
                assert (
                    f"\\fB{name.replace('-', chr(92) + '-')}\\fR" in page
                    or len(name) == 2
                    or (name == "--help")
                )


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff")
def test_the_page_is_roff() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii"],
        input=cli_man.page().encode(),
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    text = re.sub(rb"\x1b\[[0-9;]*m|.\x08", b"", done.stdout)
    assert b"git diff | pagefix check --patch -" in text


# --- errors


def test_a_mistake_of_ours_is_told_as_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pagefix import engine

    def fail(paths: object, stdin: object = None) -> None:
        raise KeyError("x")

    monkeypatch.setattr(engine, "load", fail)
    assert main(["check", "."]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "pagefix: something went wrong inside"
    assert lines[1] == "  why: KeyError: 'x'"
    assert len(lines) == 3
    for words in (["check", "--debug", "."], ["--debug", "check", "."]):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert told.startswith("Traceback")
        assert told.endswith("\n".join(lines) + "\n")


# --- progress

_SLOW = """
import sys, time
from pagefix import cli, cli_shared, engine
cli_shared._SECOND = float(sys.argv[3])
check = engine.check
def slow(*arguments, **more):
    time.sleep(float(sys.argv[2]))
    return check(*arguments, **more)
engine.check = slow
sys.exit(cli.main(["check", "--format", "concise", sys.argv[1]]))
"""


def on_a_terminal(path: Path, seconds: str, second: str) -> bytes:
    """Return what a slow check says on standard error, where that is a terminal.

    :param second: how long a second is.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, str(path), seconds, second],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 1024)
        except OSError:
            break
        if not part:
            break
        said += part
    process.communicate(timeout=60)
    os.close(ours)
    return said


def test_progress_of_what_takes_long(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/a.c": "int x;\n"})
    said = on_a_terminal(tmp_path / "fs", "1", "0.1")
    assert b"pagefix: 1 file to read, 1 s" in said
    # It leaves nothing behind.
    assert said.endswith(b"\r\x1b[K")


def test_no_progress_of_what_is_quick(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/a.c": "int x;\n"})
    assert on_a_terminal(tmp_path / "fs", "0", "3600") == b""
