"""pagefix as a library: what ``import pagefix`` offers, with few words to say.

Nothing here prints, exits, or writes a file unless its name says so.

Floor 7.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from pagefix import engine
from pagefix.conditions import applicable
from pagefix.engine import Rewrite
from pagefix.errors import PagefixError
from pagefix.finding import Finding
from pagefix.program import Program
from pagefix.report import Report
from pagefix.rulebook import Rule, Scope, load_rules
from pagefix.script import check_text, explain_script

__all__ = ["check", "check_script", "explain", "load", "provenance", "rewrite"]

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


def check_script(
    source: str | bytes, *, rules: Sequence[Rule] | None = None, strict: bool = False
) -> tuple[Finding, ...]:
    """Return what the rules about scripts find in a text of Python.

    Comments that allow a finding count where a file is checked: this is for text that is none.

    >>> text = "for page in for_each_page(prog):\\n    print(page.mapping.host)"
    >>> [(finding.rule, finding.place.line) for finding in check_script(text)]
    [('script-page-mapping', 2)]

    :param source: a script for drgn, or for gdb if it imports that.
    :raises PagefixError: if it does not read as Python.
    """
    data = source.encode("utf-8", "surrogateescape") if isinstance(source, str) else source
    found = check_text(data, load_rules() if rules is None else rules, strict=strict)
    if found.unread:
        raise PagefixError(
            "the script cannot be read",
            why=f"{found.unread[0].reason}.",
            remedy="Python 3 is read; what is older is converted by 2to3.",
        )
    return found.findings


def rewrite(program: Program, report: Report, *, unsafe: bool = False) -> Rewrite:
    """Return the changes that the findings' fixes come to; nothing is written.

    >>> program = load("fixtures/demo")
    >>> result = rewrite(program, check(program))
    >>> [change.path for change in result], len(result.made), len(result.held)
    (['demo/foofs.c'], 6, 0)

    :param unsafe: also make fixes that need a look.
    """
    return engine.rewrite(program, report, unsafe=unsafe)


def provenance(
    program: Program, function: str, *, param: str | None = None, swap_ops: str = "auto"
) -> list[str]:
    """Return what the parameters of a function may be, context by context, in sentences.

    >>> told = provenance(load("fixtures/demo"), "foofs_readpage", param="page")
    >>> for line in told:
    ...     print(line)
    demo/foofs.c: foofs_readpage(), context 0 of foofs_aops
      page: a page that may be in the swap cache

    :param param: a parameter's name; all of them, with the way that leads there, if left out.
    """
    from pagefix.flow import SwapOptions, analyse, explain_function
    from pagefix.rulebook import load_models, rules_folder

    analysis = analyse(program, load_models(rules_folder()), load_rules(), SwapOptions(swap_ops))
    told = explain_function(program, analysis, function)
    if param is None:
        return told
    # A context begins at the margin; what its parameters are stands below it.
    return [each for each in told if each[:1] != " " or each.startswith(f"  {param}: ")]


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
    if shown in program.scripts:
        return explain_script(program.source(shown), load_rules(), line)
    if shown not in program.files:
        raise PagefixError(
            f"{os.fspath(path)} is not among the checked files",
            why="Only code below the paths that were loaded is analysed.",
            remedy="Load a path that it lies below.",
        )
    rules = applicable(program, load_rules())
    analysis = analyse(program, load_models(rules_folder()), rules, SwapOptions(swap_ops))
    return list(explain_place(program, analysis, shown, line))
