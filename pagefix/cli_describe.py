"""The command line as plain values: what the man page and the completions are made from.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from pagefix.cli_arguments import parser

__all__ = ["Command", "Option", "commands", "top"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option, or one argument (without names).

    :param names: ``--format``; short ones too.
    :param takes: what its value is called, empty for none.
    :param choices: the values there are, if they are known.
    """

    names: tuple[str, ...]
    takes: str
    choices: tuple[str, ...]
    help: str
    repeated: bool

    @property
    def wants(self) -> str:
        """What its value is: ``file``, ``folder``, ``rule`` or something else (empty)."""
        kinds = {"PATH": "file", "FILE": "file", "DIR": "folder", "RULE": "rule"}
        return kinds.get(self.takes.split("|")[0], "")


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    help: str
    usage: str
    examples: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]


def commands() -> tuple[Command, ...]:
    """Return the commands in the order in which they are shown."""
    (known,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    helps = {each.dest: each.help or "" for each in known._get_subactions()}
    return tuple(_command(name, helps[name], one) for name, one in known.choices.items())


def top() -> Command:
    """Return what is there before a command is named."""
    whole = parser()
    shown = [
        Option(("--help",), "", (), "show a page of help", False),
        Option(("--version",), "", (), "print the version", False),
        Option(("--debug",), "", (), "show where in pagefix an error comes from", False),
    ]
    return Command("", whole.description or "", _usage(whole), whole.epilog or "", tuple(shown), ())


def _command(name: str, help: str, one: argparse.ArgumentParser) -> Command:
    found = [_option(each) for each in one._actions if each.help != argparse.SUPPRESS]
    return Command(
        name,
        help,
        _usage(one),
        one.epilog or "",
        tuple(each for each in found if each.names),
        tuple(each for each in found if not each.names),
    )


def _usage(one: argparse.ArgumentParser) -> str:
    return one.usage or ""


def _option(action: argparse.Action) -> Option:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return Option(
        tuple(action.option_strings),
        metavar if action.nargs != 0 else "",
        tuple(str(each) for each in action.choices or ()),
        action.help or "",
        isinstance(action, argparse._AppendAction),
    )
