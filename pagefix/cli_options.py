"""Options that several commands take.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse

__all__ = [
    "FORMATS",
    "add_acceptance",
    "add_changes",
    "add_format",
    "add_only_named",
    "add_paths",
    "add_rules",
    "add_scope",
    "add_swap",
]

# What can be given options, or a group of them.
_Parser = argparse.ArgumentParser | argparse._ArgumentGroup

#: Those of `pagefix.report`, which is not imported for them.
FORMATS = (
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


def add_paths(parser: _Parser, count: str = "+") -> None:
    """Add the paths that are read."""
    parser.add_argument(
        "paths", metavar="PATH", nargs=count, help="file, directory, or - for standard input"
    )


def add_changes(parser: _Parser) -> None:
    """Add what narrows a check to what has changed."""
    parser.add_argument(
        "--since", metavar="REV", help="report what lines that are new since REV concern"
    )
    parser.add_argument(
        "--staged", action="store_true", help="check what is staged, as the next commit has it"
    )
    parser.add_argument(
        "--patch",
        dest="patch_in",
        metavar="FILE",
        help="check a patch, a mail or a series, applied in memory",
    )
    add_only_named(parser)


def add_only_named(parser: _Parser) -> None:
    """Add what narrows a report to the files that are named."""
    parser.add_argument(
        "--only-named",
        action="store_true",
        help="read the directories of PATHs, speak of PATHs alone",
    )


def add_scope(parser: _Parser) -> None:
    """Add which pages count."""
    parser.add_argument(
        "--scope",
        metavar="SCOPE",
        choices=("swapcache", "all"),
        help="pages that count: from the swap cache (swapcache), or all",
    )


def add_swap(parser: _Parser) -> None:
    """Add where such pages come from."""
    parser.add_argument(
        "--swap-ops",
        metavar="TABLE",
        help="operations to take as swap-capable; auto (default), none",
    )
    for way in ("in", "out"):
        parser.add_argument(
            f"--swap-{way}", metavar="SLOT", help=f"slot by which pages are swapped {way}"
        )
    # Switches a mechanism of the analysis off: for the proof that it is needed.
    parser.add_argument("--without", action="append", default=[], help=argparse.SUPPRESS)


def add_rules(parser: _Parser, *, choice: bool = False) -> None:
    """Add which rules there are, and which of them are used.

    :param choice: whether they can be chosen.
    """
    if choice:
        for name, what in (("--select", "use only"), ("--ignore", "leave out")):
            parser.add_argument(
                name,
                metavar="RULE",
                action="append",
                default=[],
                help=f"{what} this rule (may be repeated)",
            )
    parser.add_argument(
        "--rules",
        metavar="DIR",
        action="append",
        default=[],
        help="a folder of further rules (may be repeated)",
    )


def add_acceptance(parser: _Parser) -> None:
    """Add which findings count."""
    parser.add_argument(
        "--strict", action="store_true", help="report the places that cannot be decided too"
    )
    parser.add_argument(
        "--severity",
        metavar="LEAST",
        choices=("error", "warning", "note"),
        help="the least that counts: error, warning, note (default)",
    )
    parser.add_argument(
        "--baseline", metavar="FILE", help="do not count the findings that are in this file"
    )
    parser.add_argument(
        "--write-baseline", action="store_true", help="write all findings to it, and count none"
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 whatever is found")


def add_format(parser: _Parser, *names: str) -> None:
    """Add how it is shown, the first of some ways by default."""
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        choices=names,
        default=names[0],
        help=f"{names[0]} (default), {', '.join(names[1:])}",
    )
