"""The command line: the commands and what each of them takes.

The man page and the completions are made from it.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from pagefix import __version__
from pagefix.cli_options import (
    FORMATS,
    add_acceptance,
    add_changes,
    add_format,
    add_only_named,
    add_paths,
    add_rules,
    add_scope,
    add_swap,
)
from pagefix.errors import PagefixError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["SHELLS", "parser"]

#: For which completions can be had.
SHELLS = ("bash", "zsh", "fish")

_CACHE = """\
check and sites keep their answers while nothing that they depend on changes;
rewrite begins with that of a check. They take --cache-dir DIR, and --no-cache
to do without.

"""
_STATUS = "exit status: 0 clean, 1 findings (or a diff), 2 could not run"
_EXAMPLES = """\
examples:
  pagefix check fs/foo                         what is wrong, and the way there
  pagefix check --since origin/master          only what this branch concerns
  git diff | pagefix check --patch -           only what a patch concerns
  pagefix rewrite fs/foo                       a diff; --apply writes the files
  pagefix explain fs/foo/file.c:123            why it is reported, or is not

"""
_CHECK = """\
examples:
  pagefix check --swap-ops foo_aops fs/foo     before foo_aops has swap_activate
  pagefix check --staged                       in a git hook
  b4 am -o - MSGID | pagefix check --patch -   a series from the list
  pagefix check --format sarif --output foo.sarif fs/foo

"""
_REWRITE = """\
examples:
  pagefix rewrite fs/foo > foo.patch           for git apply, patch -p1
  pagefix rewrite --apply fs/foo               all files or none
  pagefix rewrite --interactive fs/foo         hunk by hunk

"""
_EXPLAIN = """\
examples:
  pagefix explain raw-page-mapping             what a rule reports, and why
  pagefix explain fs/foo/file.c:123            why it is reported, or is not
  pagefix explain foo_end_io fs/foo            in which contexts it is analysed

"""
_COMPLETIONS = """\
examples:
  pagefix completions bash > ~/.local/share/bash-completion/completions/pagefix
  pagefix completions zsh > ~/.zfunc/_pagefix  fpath+=~/.zfunc
  pagefix completions fish > ~/.config/fish/completions/pagefix.fish

"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise PagefixError(
            message,
            why="The command line was not understood.",
            remedy=f"`{self.prog} --help` shows what it takes.",
        )

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # The inherited one says nothing if the message cannot be written.
        print(message, end="", file=file)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    # One line for each option, and no list of the commands in braces.

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=22)

    def start_section(self, heading: str | None) -> None:
        super().start_section({"positional arguments": "arguments"}.get(heading or "", heading))

    def _format_action(self, action: argparse.Action) -> str:
        if isinstance(action, argparse._SubParsersAction):
            # The inherited one has a line for COMMAND first, and folds long names.
            each = (f"  {one.dest:<14}{one.help}\n" for one in action._get_subactions())
            return "".join(each)
        return super()._format_action(action)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    What it returns has the name of the command as ``command``.
    """
    top = _Parser(
        prog="pagefix",
        usage="pagefix [--help | --version] COMMAND ...",
        description="Find where a filesystem may be handed a swapcache page, and convert it.",
        epilog=_EXAMPLES + _STATUS,
        formatter_class=_Formatter,
        allow_abbrev=False,
        add_help=False,
    )
    top.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    top.add_argument(
        "--version", action="version", version=f"pagefix {__version__}", help=argparse.SUPPRESS
    )
    top.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    known = top.add_subparsers(metavar="COMMAND", required=True, title="commands")

    def command(name: str, help: str, usage: str, examples: str = "") -> argparse.ArgumentParser:
        one = known.add_parser(
            name,
            prog=f"pagefix {name}",
            help=help,
            usage=f"pagefix {name} {usage}",
            description=help[0].upper() + help[1:] + ".",
            epilog=examples + _STATUS,
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        one.set_defaults(command=name)
        return one

    _check(command("check", "report what the rules find", "[OPTIONS] [PATH ...]", _CHECK))
    _rewrite(
        command(
            "rewrite", "show the fixes as a diff, or write them", "[OPTIONS] PATH ...", _REWRITE
        )
    )
    _sites(command("sites", "list every page field and what it is a field of", "PATH ..."))
    _explain(
        command(
            "explain",
            "say what a rule reports, or why a place is reported or not",
            "[OPTIONS] RULE | FILE:LINE | FUNCTION PATH ...",
            _EXPLAIN,
        )
    )
    _contract(
        command(
            "contract", "list what a filesystem with swap files must refuse", "[OPTIONS] PATH ..."
        )
    )
    _rules(command("rules", "list the rules", "[OPTIONS]"))
    _test(command("test", "run rules against their fixtures", "[OPTIONS] [RULE]"))
    _cache(command("cache", "show what is kept between runs, or drop it", "ACT", _CACHE))
    shell = command("completions", "print what a shell completes", "SHELL", _COMPLETIONS)
    shell.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    _finish(shell)
    _finish(command("man", "print the manual page, for man -l -", "| man -l -"))
    return top


def _check(parser: argparse.ArgumentParser) -> None:
    read = parser.add_argument_group("what is read")
    add_paths(read, "*")
    add_changes(read)
    add_scope(read)
    add_swap(read)
    said = parser.add_argument_group("what is reported")
    add_rules(said, choice=True)
    add_acceptance(said)
    shown = parser.add_argument_group("how it is shown")
    add_format(shown, *FORMATS)
    shown.add_argument("--output", metavar="FILE", help="write it to a file")
    shown.add_argument("--stats", action="store_true", help="print the ledger and coverage too")
    # Told by `pagefix cache --help`: this page is to fit a screen.
    _add_cache(shown, hidden=True)
    _finish(parser, shown)


def _rewrite(parser: argparse.ArgumentParser) -> None:
    read = parser.add_argument_group("what is read")
    add_paths(read, "*")
    add_only_named(read)
    add_scope(read)
    add_swap(read)
    made = parser.add_argument_group("what is made")
    add_rules(made, choice=True)
    made.add_argument("--baseline", metavar="FILE", help="leave the findings that are in this file")
    made.add_argument("--unsafe", action="store_true", help="also make fixes that need a look")
    made.add_argument("--apply", action="store_true", help="write the files, all or none")
    made.add_argument(
        "--interactive", action="store_true", help="ask of every change, then write the files"
    )
    made.add_argument("--patch", metavar="FILE", help="write the diff to a file")
    _add_cache(made, hidden=True)
    _finish(parser, made)


def _sites(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    add_format(parser, "rich", "concise", "json")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="read also what holds no such field, and list all that could not be read",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        help="how many processes (default: as many as there are cores, where it is worth it)",
    )
    _add_cache(parser)
    _finish(parser)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="RULE|FILE:LINE|FUNCTION", nargs="?")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="default: the file's directory")
    parser.add_argument(
        "--limits", action="store_true", help="say what is trusted, and what is left out"
    )
    add_swap(parser)
    add_rules(parser)
    _finish(parser)


def _contract(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    add_swap(parser)
    add_rules(parser)
    _finish(parser)


def _rules(parser: argparse.ArgumentParser) -> None:
    add_format(parser, "rich", "json")
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of a rule file, for editors"
    )
    add_rules(parser)
    _finish(parser)


def _test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", nargs="?", help="default: all of them")
    parser.add_argument(
        "--fixtures", metavar="DIR", help="where the fixtures are (default: beside the rules)"
    )
    add_rules(parser)
    _finish(parser)


def _cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", metavar="ACT", choices=("info", "clear"), help="info or clear")
    _add_cache_dir(parser)
    parser.set_defaults(no_cache=False)
    _finish(parser)


def _add_cache(group: argparse._ActionsContainer, *, hidden: bool = False) -> None:
    _add_cache_dir(group, hidden=hidden)
    words = "keep no answers, and use none that are kept"
    group.add_argument(
        "--no-cache", action="store_true", help=argparse.SUPPRESS if hidden else words
    )


def _add_cache_dir(group: argparse._ActionsContainer, *, hidden: bool = False) -> None:
    words = "where answers are kept (else PAGEFIX_CACHE_DIR)"
    group.add_argument("--cache-dir", metavar="DIR", help=argparse.SUPPRESS if hidden else words)


def _finish(parser: argparse.ArgumentParser, group: argparse._ArgumentGroup | None = None) -> None:
    # What every command takes, where there is a group for it at its end.
    last = group or parser
    last.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show where in pagefix an error comes from",
    )
    last.add_argument("-h", "--help", action="help", help="show this text")
