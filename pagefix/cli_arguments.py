"""The command line: the commands and what each of them takes.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from pagefix import __version__
from pagefix.errors import PagefixError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["parser"]

# Those of `pagefix.report`, which is not imported for them.
_FORMATS = (
    "rich",
    "concise",
    "json",
    "jsonl",
    "sarif",
    "github",
    "gitlab",
    "junit",
    "markdown",
)
_EPILOG = "exit status: 0 clean, 1 findings (or a diff), 2 could not run"


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


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    What it returns has the name of the command as ``command``.
    """
    parser = _Parser(
        prog="pagefix",
        description="Find where a filesystem may be handed a swapcache page, and convert it.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pagefix {__version__}")
    known = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        one = known.add_parser(
            name, help=help, description=help[0].upper() + help[1:] + ".", epilog=_EPILOG
        )
        one.set_defaults(command=name)
        return one

    check = command("check", "report what the rules find")
    _add_changes(check)
    _add_scope(check)
    check.add_argument("--format", choices=_FORMATS, default="rich", help="default: rich")
    check.add_argument("--output", metavar="FILE", help="write it to a file")
    check.add_argument(
        "--strict", action="store_true", help="report the places that cannot be decided too"
    )
    _add_acceptance(check)
    check.add_argument("--stats", action="store_true", help="print the ledger and coverage too")

    rewrite = command("rewrite", "show the fixes as a diff, or write them with --apply")
    rewrite.add_argument(
        "paths", metavar="PATH", nargs="*", help="file, directory, or - for standard input"
    )
    _add_only_named(rewrite)
    _add_scope(rewrite)
    rewrite.add_argument("--apply", action="store_true", help="write the files, all or none")
    rewrite.add_argument("--unsafe", action="store_true", help="also make fixes that need a look")
    rewrite.add_argument(
        "--interactive",
        action="store_true",
        help="ask of every change whether to make it, then write the files (or the --patch)",
    )
    rewrite.add_argument("--patch", metavar="FILE", help="write the diff to a file")

    sites = command("sites", "list every page field and what it is a field of")
    _add_paths(sites)
    sites.add_argument(
        "--format", choices=("rich", "concise", "json"), default="rich", help="default: rich"
    )

    sites.add_argument(
        "--whole",
        action="store_true",
        help="read also what holds no such field, and list all that could not be read",
    )

    explain = command("explain", "say what a rule reports, or why a place is reported or not")
    explain.add_argument(
        "what", metavar="RULE|FILE:LINE|FUNCTION", nargs="?", help="a function needs a PATH too"
    )
    explain.add_argument("paths", metavar="PATH", nargs="*", help="default: the file's directory")
    explain.add_argument(
        "--limits", action="store_true", help="say what is trusted, and what is left out by choice"
    )
    _add_swap(explain)
    _add_rules(explain)

    contract = command("contract", "list what a filesystem with swap files must refuse")
    _add_paths(contract)
    _add_swap(contract)
    _add_rules(contract)

    rules = command("rules", "list the rules")
    rules.add_argument("--format", choices=("rich", "json"), default="rich", help="default: rich")
    rules.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of a rule file, for editors"
    )
    _add_rules(rules)

    test = command("test", "run rules against their fixtures")
    test.add_argument("rule", metavar="RULE", nargs="?", help="default: all of them")
    test.add_argument(
        "--fixtures", metavar="DIR", help="where the fixtures are (default: beside the rules)"
    )
    _add_rules(test)
    return parser


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="file, directory, or - for standard input"
    )


def _add_changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="file, directory, or - for standard input; may be left out where only what has"
        " changed is wanted",
    )
    parser.add_argument(
        "--staged",
        action="store_true",
        help="check what is staged, and report what its new lines concern",
    )
    parser.add_argument(
        "--since", metavar="REV", help="report what lines that are new since REV concern"
    )
    parser.add_argument(
        "--patch",
        dest="patch_in",
        metavar="FILE",
        help="apply a patch, a mailbox or a series (- for standard input) in memory, and report"
        " what its lines concern",
    )
    _add_only_named(parser)


def _add_only_named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only-named",
        action="store_true",
        help="read the directories that the named files belong to, and speak of these files"
        " alone: for hooks",
    )


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scope",
        choices=("swapcache", "all"),
        help="which pages count: those that the VM hands over from the swap cache (the"
        " default), or every one",
    )
    _add_swap(parser)
    for name, what in (("--select", "use only"), ("--ignore", "leave out")):
        parser.add_argument(
            name,
            metavar="RULE",
            action="append",
            default=[],
            help=f"{what} this rule (may be given more than once, or with commas)",
        )
    _add_rules(parser)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rules",
        metavar="DIR",
        action="append",
        default=[],
        help="a folder of further rules (may be given more than once)",
    )


def _add_acceptance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--severity",
        choices=("error", "warning", "note"),
        help="leave out findings that matter less (default: note)",
    )
    parser.add_argument(
        "--baseline", metavar="FILE", help="do not count the findings that are in this file"
    )
    parser.add_argument(
        "--write-baseline",
        action="store_true",
        help="write all findings to the file of --baseline, and count none",
    )
    parser.add_argument(
        "--exit-zero", action="store_true", help="exit with 0 also where there are findings"
    )


def _add_swap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--swap-ops",
        metavar="TABLE",
        help="the address_space_operations table to take as swap-capable; `auto` (the"
        " default) for those that are, `none` to assume none",
    )
    for way in ("in", "out"):
        parser.add_argument(
            f"--swap-{way}",
            metavar="SLOT",
            help=f"the slot through which pages are swapped {way}, if not the tree's own",
        )
    # Switches a mechanism of the analysis off: for the proof that it is needed.
    parser.add_argument("--without", action="append", default=[], help=argparse.SUPPRESS)
