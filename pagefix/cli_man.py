"""The command that prints the manual page, made from the command line's own words.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from pagefix import __version__
from pagefix.cli_describe import Command, Option, commands, top
from pagefix.errors import ExitCode

__all__ = ["page", "run"]

_DESCRIPTION = """\
A Linux filesystem that lets the VM swap through it is handed pages that are not pages of its file:
their mapping, index and private mean something else. pagefix reads unpreprocessed kernel C, finds
the places where the VM may hand a filesystem such a page, shows the chain of calls that leads
there, and converts them. No build, no .config and no compile database are needed: both sides of
every #if count, and which wrappers there are is read from the headers of the tree at hand."""

_STATUS = (
    ("0", "Clean: everything was looked at, and nothing was found."),
    ("1", "There are findings, or a diff."),
    ("2", "It could not run, or what it found nothing in could not be read whole."),
)
_FILES = (
    (".pagefix.toml", "Settings, in the directory of the first path or the nearest above it."),
    ("pyproject.toml", "The table [tool.pagefix] holds the same settings."),
    (".pagefix-journal", "There while a rewrite writes; the next one finishes or undoes it."),
)
_ENVIRONMENT = (
    ("NO_COLOR", "If it is set, nothing is coloured."),
    ("COLUMNS", "The width of the terminal, if it is not its own."),
)
_SEE = "git(1), patch(1), spatch(1)"


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    print(page(), end="")
    return ExitCode.CLEAN


def page() -> str:
    """Return the manual page, for ``man``."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    whole, known = top(), commands()
    yield f'.TH PAGEFIX 1 "" "pagefix {_plain(__version__)}" "User Commands"'
    yield ".SH NAME"
    yield f"pagefix \\- {_plain(whole.help[0].lower() + whole.help[1:].rstrip('.'))}"
    yield ".SH SYNOPSIS"
    for number, one in enumerate(known):
        if number:
            yield ".br"
        yield _plain(one.usage)
    yield ".SH DESCRIPTION"
    yield from (_plain(line) for line in _DESCRIPTION.splitlines())
    yield ".SH COMMANDS"
    for one in known:
        yield from _command(one)
    yield ".SH EXIT STATUS"
    yield from _pairs(_STATUS)
    yield ".SH ENVIRONMENT"
    yield from _pairs(_ENVIRONMENT)
    yield ".SH FILES"
    yield from _pairs(_FILES)
    yield ".SH EXAMPLES"
    yield from _examples(whole)
    for one in known:
        yield from _examples(one)
    yield ".SH SEE ALSO"
    yield _plain(_SEE)


def _command(one: Command) -> Iterator[str]:
    yield f".SS {_plain(one.usage)}"
    yield _plain(one.help[0].upper() + one.help[1:] + ".")
    for option in (*one.arguments, *one.options):
        if option.names != ("-h", "--help"):
            yield from _option(option)


def _option(option: Option) -> Iterator[str]:
    takes = f" \\fI{_plain(option.takes)}\\fR" if option.takes else ""
    names = ", ".join(f"\\fB{_plain(name)}\\fR" for name in option.names)
    yield ".TP"
    yield f"{names}{takes}".strip()
    yield _plain(option.help or "What is to be explained.")


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, words in pairs:
        yield ".TP"
        yield f"\\fB{_plain(name)}\\fR"
        yield _plain(words)


def _examples(one: Command) -> Iterator[str]:
    lines = [line[2:] for line in one.examples.splitlines() if line.startswith("  ")]
    if lines:
        yield ".PP"
        yield ".nf"
        yield from map(_plain, lines)
        yield ".fi"


def _plain(text: str) -> str:
    # What roff would take for its own.
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    return f"\\&{text}" if text.startswith((".", "'")) else text
