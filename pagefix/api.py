"""pagefix as a library: what ``import pagefix`` offers, with few words to say.

Nothing here prints, exits, or writes a file unless its name says so.

Floor 7.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from pagefix import engine
from pagefix.engine import Rewrite
from pagefix.errors import PagefixError
from pagefix.program import Program
from pagefix.report import Report
from pagefix.rulebook import Rule, Scope, load_rules

__all__ = ["check", "explain", "load", "rewrite"]

Path = str | os.PathLike[str]


def load(paths: Path | Iterable[Path], *, stdin: bytes | None = None) -> Program:
    """Return the program below some paths; nothing of it is read before it is asked for.

    >>> program = load("fixtures/demo")
    >>> program.files
    ('demo/foofs.c',)

    :param paths: one path or several: files, directories, ``-`` for standard input.
    :param stdin: the text that ``-`` stands for.
    :raises PagefixError: if there is nothing to read, or a named file is no text.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    return engine.load([os.fspath(each) for each in several], stdin)


def check(
    program: Program,
    *,
    rules: Sequence[Rule] | None = None,
    scope: str = "swapcache",
    swap_ops: str = "auto",
    strict: bool = False,
) -> Report:
    """Return what the rules find, in the order of paths and lines.

    >>> report = check(load("fixtures/demo"))
    >>> [(finding.rule, finding.place.line) for finding in report][:2]
    [('raw-page-mapping', 28), ('raw-page-mapping', 45)]
    >>> finding = report.findings[0]
    >>> finding.entry, [step.place.line for step in finding.trace]
    ('foofs_aops.readpage', [103, 66, 52, 53, 28])

    :param rules: those of :func:`load_rules` that are not optional, if left out.
    :param scope: which pages count: ``swapcache``, those that the VM hands over from the
        swap cache, or ``all``.
    :param swap_ops: the ``address_space_operations`` to take as swap-capable; ``auto`` for
        those that are, ``none`` to assume none.
    :param strict: whether a place that cannot be decided is a finding too.
    """
    from pagefix.flow import SwapOptions

    chosen = load_rules() if rules is None else rules
    return engine.check(program, chosen, Scope(scope), SwapOptions(swap_ops), strict=strict)


def rewrite(program: Program, report: Report, *, unsafe: bool = False) -> Rewrite:
    """Return the changes that the findings' fixes come to; nothing is written.

    >>> program = load("fixtures/demo")
    >>> result = rewrite(program, check(program))
    >>> [change.path for change in result], len(result.made), len(result.held)
    (['demo/foofs.c'], 6, 0)

    :param unsafe: also make fixes that need a look.
    """
    return engine.rewrite(program, report, unsafe=unsafe)


def explain(program: Program, path: Path, line: int, *, swap_ops: str = "auto") -> list[str]:
    """Return why a place is, or is not, a finding, in sentences.

    >>> explain(load("fixtures/demo"), "fixtures/demo/foofs.c", 28)[0]
    'page->mapping: a swapcache page reaches it, from foofs_aops.readpage (resolved)'

    :param path: a checked file, as it is opened from the working directory.
    :raises PagefixError: if it is not among the files of the program.
    """
    from pagefix.flow import SwapOptions, analyse, explain_place
    from pagefix.rulebook import load_models, rules_folder

    shown = program.tree.show(os.fspath(path))
    if shown not in program.files:
        raise PagefixError(
            f"{os.fspath(path)} is not among the checked files",
            why="Only code below the paths that were loaded is analysed.",
            remedy="Load a path that it lies below.",
        )
    analysis = analyse(program, load_models(rules_folder()), load_rules(), SwapOptions(swap_ops))
    return list(explain_place(program, analysis, shown, line))
