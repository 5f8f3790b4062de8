"""The command: parses arguments, calls, prints, returns a code.

Floor 7. What is heavy (the C reader, rich) is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from pagefix import __version__
from pagefix.cli_arguments import Run, parser
from pagefix.errors import ExitCode, PagefixError

if TYPE_CHECKING:
    from pagefix.config import Settings
    from pagefix.engine import Rewrite
    from pagefix.flow import SwapOptions
    from pagefix.program import Program
    from pagefix.report import Report
    from pagefix.report.console import Screen
    from pagefix.rulebook import Rule

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    :param argv: arguments without the program's name; those of the process if left out.
    :return: ``int``, the exit status.
    """
    if sys.stderr is None:
        # Closed by who runs it (`2>&-`): nobody wants to be told.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Paths and source are bytes: what is not UTF-8 goes out as it came in.
        if hasattr(stream, "reconfigure"):
            utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")
    try:
        if sys.stdout is None:
            raise _NO_OUTPUT
        options = _arguments(argv)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except PagefixError as error:
        _complain(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; there is nobody to tell.
        _drop_output()
    except _ToldError as told:
        return told.code
    except SystemExit:
        # rich leaves this way when the pipe is broken.
        _drop_output()
    except OSError as error:
        _drop_output()
        _complain(_as_error(error))
    except RecursionError:
        _complain(
            PagefixError(
                "the source is nested too deeply",
                why="An expression or a block in it is deeper than pagefix can follow.",
                remedy="Leave the file out, and please report it.",
            )
        )
    return ExitCode.ERROR


_NO_OUTPUT = PagefixError(
    "there is nowhere to write to",
    why="Standard output is closed.",
    remedy="Send it to a file, to a pipe or to /dev/null.",
)


class _ToldError(Exception):
    # --help and --version have said what there is to say.

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    try:
        return parser(_RUN).parse_args(argv)
    except SystemExit as left:
        sys.stdout.flush()
        raise _ToldError(int(left.code or 0)) from left


# --- commands


def _check(options: argparse.Namespace) -> int:
    from pagefix import engine

    settings = _settings(options)
    program = engine.load(options.paths)
    _refuse_stopped(program)
    with _busy(program):
        report = _report(program, options, settings)
    report = _accepted(report, settings, write=options.write_baseline)
    if options.format == "json":
        from pagefix.report import machine

        print(machine.check_json(report, __version__))
    elif options.format == "concise":
        from pagefix.report import machine

        for line in machine.concise(report):
            print(line)
    else:
        screen = _screen(program)
        screen.check(report)
        if options.stats:
            screen.stats(report)
    if options.stats and options.format != "rich":
        _screen(program, sys.stderr).stats(report)
    if report.failed and options.exit_zero:
        return ExitCode.CLEAN
    return _status(report, failed=report.failed)


def _status(report: Report, *, failed: bool) -> int:
    # Clean means: looked everywhere.
    if failed or not report.hidden:
        return ExitCode.FINDINGS if failed else ExitCode.CLEAN
    first = report.hidden[0]
    more = f", and {len(report.hidden) - 1} more" if len(report.hidden) > 1 else ""
    raise PagefixError(
        "nothing was found, but not everything could be read",
        why=f"{first.path}:{first.line}: {first.reason}{more}; a page's field may be there.",
        remedy="`unread` of --format json lists it; look there, or leave these files out.",
    )


def _settings(options: argparse.Namespace) -> Settings:
    # What the command line says goes before what the project has settled.
    from pagefix.config import Scope, find_settings
    from pagefix.finding import Severity

    paths = [each for each in getattr(options, "paths", ()) if each != "-"]
    given = {
        key: getattr(options, key, None)
        for key in ("baseline", "strict", "swap_ops", "swap_in", "swap_out")
    }
    given |= {key: tuple(_names(getattr(options, key, ()))) for key in ("select", "ignore")}
    given["rules"] = tuple(getattr(options, "rules", ()))
    if getattr(options, "severity", None):
        given["severity"] = Severity(options.severity)
    if getattr(options, "scope", None):
        given["scope"] = Scope(options.scope)
    return find_settings(paths[0] if paths else ".").merged(given)


def _chosen(options: argparse.Namespace, settings: Settings) -> tuple[Sequence[Rule], list[str]]:
    # The rules in use, and the names of all.
    from pagefix.config import choose

    rules = _all_rules(settings)
    where = {key: settings.path for key in ("select", "ignore") if not getattr(options, key, ())}
    chosen = choose(rules, settings.select, settings.ignore, where)
    return chosen, [rule.name for rule in rules]


def _all_rules(settings: Settings) -> tuple[Rule, ...]:
    from pathlib import Path

    from pagefix.rulebook import load_rules

    return load_rules(more=[Path(each) for each in settings.rules], optional=True)


def _swap(settings: Settings, without: Iterable[str] = ()) -> SwapOptions:
    from pagefix.flow import SwapOptions

    ops = settings.swap_ops or "auto"
    return SwapOptions(ops, settings.swap_in, settings.swap_out, frozenset(without))


def _report(program: Program, options: argparse.Namespace, settings: Settings) -> Report:
    from pagefix import engine
    from pagefix.config import Scope

    rules, names = _chosen(options, settings)
    _warn(program, rules, settings.select)
    return engine.check(
        program,
        rules,
        settings.scope or Scope.SWAPCACHE,
        _swap(settings, options.without),
        strict=settings.strict,
        whole=_named_files(options.paths),
        names=names,
    )


def _warn(program: Program, rules: Sequence[Rule], select: Sequence[str]) -> None:
    # Our own rules are for trees of every age; a project's are for its own. Who names a rule
    # must hear that it finds nothing because it means nothing here.
    from pagefix.conditions import unknown_names, why_not

    for rule in rules:
        reason = why_not(program, rule) if rule.name in select else ""
        if reason:
            print(f"warning: {rule.name} means nothing here: {reason}", file=sys.stderr)
        if not rule.own:
            for sentence in unknown_names(program, rule):
                print(f"warning: {sentence}", file=sys.stderr)


def _accepted(report: Report, settings: Settings, *, write: bool) -> Report:
    # What the project lives with, taken out of what counts.
    from dataclasses import replace

    from pagefix import baseline
    from pagefix.finding import Severity

    if settings.severity is not None:
        order = list(Severity)
        least = order.index(settings.severity)
        kept = tuple(each for each in report.findings if order.index(each.severity) <= least)
        report = replace(report, findings=kept)
    if settings.baseline is None:
        if write:
            raise PagefixError(
                "there is no baseline to write",
                why="--write-baseline writes to the file that --baseline or a setting names.",
                remedy="Name one: --baseline FILE --write-baseline.",
            )
        return report
    if write:
        count = baseline.write_baseline(settings.baseline, report.findings)
        print(f"{_many(count, 'finding')} written to {settings.baseline}.", file=sys.stderr)
    known = baseline.read_baseline(settings.baseline)
    findings, gone = baseline.apply_baseline(report.findings, known)
    if gone:
        words = "is" if gone == 1 else "are"
        print(
            f"{_many(gone, 'finding')} of {settings.baseline} {words} gone:"
            " --write-baseline leaves out what is.",
            file=sys.stderr,
        )
    return replace(report, findings=findings)


def _rewrite(options: argparse.Namespace) -> int:
    from pagefix import engine, rewriting

    writes = options.apply or (options.interactive and options.patch is None)
    if "-" in options.paths and (writes or options.interactive):
        raise PagefixError(
            "standard input cannot be written to",
            why=f"--{'apply' if options.apply else 'interactive'} writes files, and - is none.",
            remedy="Leave it out: the diff goes to standard output.",
        )
    settings = _settings(options)
    program = engine.load(options.paths)
    if not writes:
        _refuse_stopped(program)
    elif _recover(program):
        program = engine.load(options.paths)
    with _busy(program):
        report = _report(program, options, settings)
        result = engine.rewrite(program, report, unsafe=options.unsafe)
    if options.interactive and result.changes:
        screen = _screen(program)
        chosen = rewriting.ask(program, report, result, screen, unsafe=options.unsafe)
        if chosen is None:
            print("Nothing was written.")
            return _status(report, failed=True)
        result = chosen
    if options.patch is not None:
        rewriting.save_patch(options.patch, rewriting.diff_of(result))
    if writes:
        _write_all(options, program, result)
    elif options.patch is None:
        diff = rewriting.diff_of(result)
        _put(rewriting.coloured(diff) if rewriting.wants_colour(sys.stdout) else diff)
    _tell_held(program, result)
    if writes and result.changes:
        return ExitCode.CLEAN
    return _status(report, failed=bool(result.changes))


def _write_all(options: argparse.Namespace, program: Program, result: Rewrite) -> None:
    from pagefix import fix

    roots = [*options.paths, *([program.tree.root] if program.tree.root else [])]
    written = fix.apply(result.changes, roots)
    print(f"{_many(len(result.made), 'finding')} rewritten in {_many(written, 'file')}.")


def _folders(program: Program) -> set[str]:
    disks = [program.disk(path) for path in program.files]
    return {
        os.path.dirname(os.path.realpath(disk) if os.path.islink(disk) else disk) for disk in disks
    }


def _refuse_stopped(program: Program) -> None:
    from pagefix import fix

    for folder in fix.stopped(_folders(program)):
        raise PagefixError(
            f"a rewrite was stopped while it wrote below {folder}",
            why="Some files may have their new text and others not yet: nothing right could be"
            " said of them.",
            remedy="`pagefix rewrite --apply` with the same paths finishes or undoes it first;"
            f" {folder}/.pagefix-journal tells how to do that by hand.",
        )


def _recover(program: Program) -> bool:
    from pagefix import fix

    told = fix.recover(_folders(program))
    for each in told:
        became = "finished: new" if each.finished else "undone: as they were"
        print(
            f"A rewrite that had been stopped was {became} are {_many(len(each.files), 'file')}"
            f" ({', '.join(map(program.tree.show, each.files))}).",
            file=sys.stderr,
        )
    return bool(told)


def _tell_held(program: Program, result: Rewrite) -> None:
    screen = _screen(program, sys.stderr)
    for held in result.held:
        place = screen.where(held.finding.place)
        expression = " ".join(held.finding.expression.split())
        print(f"{place}: {expression}: {held.reason}", file=sys.stderr)


def _sites(options: argparse.Namespace) -> int:
    from pagefix import engine
    from pagefix.rulebook import load_rules

    program = engine.load(options.paths)
    with _busy(program):
        whole = options.whole or _named_files(options.paths)
    report = engine.find_sites(program, load_rules(), whole=whole)
    if options.format == "json":
        from pagefix.report import machine

        print(machine.sites_json(report, __version__))
    elif options.format == "concise":
        from pagefix.report import machine

        for line in machine.concise_sites(report):
            print(line)
    else:
        from pagefix.report import tables

        tables.sites_table(_screen(program), report, engine.FIELDS)
    return ExitCode.CLEAN


def _explain(options: argparse.Namespace) -> int:
    from pagefix.config import choose
    from pagefix.report import tables

    if options.limits:
        from pagefix.flow import LIMITS

        print(LIMITS, end="")
        return ExitCode.CLEAN
    if options.what is None:
        raise PagefixError(
            "there is nothing to explain",
            why="explain takes a rule, a place (FILE:LINE) or a function with a path.",
            remedy="`pagefix rules` lists the rules; --limits tells what is left out.",
        )
    file, colon, line = options.what.rpartition(":")
    if colon and line.isdigit():
        return _explain_code(options, file, int(line))
    if options.paths:
        return _explain_code(options, None, 0)
    (rule,) = choose(_all_rules(_settings(options)), [options.what], [])
    tables.explain_rule(_screen(None), rule)
    return ExitCode.CLEAN


def _explain_code(options: argparse.Namespace, file: str | None, line: int) -> int:
    from pagefix import engine
    from pagefix.flow import analyse, explain_function, explain_place
    from pagefix.rulebook import load_models, rules_folder

    paths = options.paths or [os.path.dirname(file or "") or "."]
    program = engine.load(paths)
    settings = _settings(options)
    rules, _names_of_all = _chosen(options, settings)
    analysis = analyse(
        program, load_models(rules_folder()), rules, _swap(settings, options.without)
    )
    for assumption in analysis.plan.assumptions:
        print(f"assumed: {assumption}")
    if file is None:
        told = explain_function(program, analysis, options.what)
    else:
        shown = program.tree.show(file)
        if shown not in program.files:
            raise PagefixError(
                f"{file} is not among the checked files",
                why="Only code below the given paths is analysed.",
                remedy="Name a file below them, or other paths.",
            )
        told = explain_place(program, analysis, shown, line)
    for each in told:
        print(each)
    return ExitCode.CLEAN


def _contract(options: argparse.Namespace) -> int:
    from pagefix import engine
    from pagefix.cli_contract import contract_lines
    from pagefix.contract import Verdict

    settings = _settings(options)
    program = engine.load(options.paths)
    found = engine.contracts(program, _all_rules(settings), _swap(settings))
    for line in contract_lines(found):
        print(line)
    missing = any(each.verdict is Verdict.MISSING for each in found.outcomes)
    return ExitCode.FINDINGS if missing else ExitCode.CLEAN


def _rules(options: argparse.Namespace) -> int:
    from pagefix import cli_rules
    from pagefix.report import tables

    if options.schema:
        from pagefix.rulebook import json_schema

        print(json_schema())
        return ExitCode.CLEAN
    rules = _all_rules(_settings(options))
    if options.format == "json":
        print(cli_rules.rules_json(rules))
    else:
        tables.rules_table(_screen(None), rules)
    return ExitCode.CLEAN


def _test(options: argparse.Namespace) -> int:
    from pagefix import cli_rules
    from pagefix.config import choose

    settings = _settings(options)
    rules = _all_rules(settings)
    if options.rule is not None:
        choose(rules, [options.rule], [])
    said, right = cli_rules.run_fixtures(rules, options.rule, settings.rules, options.fixtures)
    for line in said:
        print(line)
    return ExitCode.CLEAN if right else ExitCode.FINDINGS


# --- the pieces


_RUN: dict[str, Run] = {
    "check": _check,
    "rewrite": _rewrite,
    "sites": _sites,
    "explain": _explain,
    "contract": _contract,
    "rules": _rules,
    "test": _test,
}


def _named_files(paths: Sequence[str]) -> bool:
    # Who names a file wants to hear that it is no C; of a directory what matters is read.
    return not any(os.path.isdir(path) for path in paths)


def _names(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


@contextmanager
def _busy(program: Program) -> Iterator[None]:
    # Something moves while a person waits; a pipe or a log sees nothing of it.
    if not sys.stderr.isatty():
        yield
        return
    with _screen(program, sys.stderr).console.status(
        f"reading {_many(len(program.files), 'file')}"
    ):
        yield


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _screen(program: Program | None, file: TextIO | None = None) -> Screen:
    from pagefix.report.console import Screen

    def read(path: str) -> NoReturn:
        raise AssertionError(path)

    return Screen(
        file or sys.stdout, read if program is None else lambda path: program.unit(path).source
    )


def _put(data: bytes) -> None:
    sys.stdout.flush()
    rest = memoryview(data)
    while rest:
        # Without a buffer (`python -u`) a part may be taken, also when the reader leaves.
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def _complain(error: PagefixError) -> None:
    for label, text in (
        ("pagefix", error.title),
        ("  why", error.why),
        ("  remedy", error.remedy),
    ):
        print(f"{label}: {text}", file=sys.stderr)


def _as_error(error: OSError) -> PagefixError:
    if error.errno == errno.ENOSPC:
        return PagefixError(
            "the output could not be written",
            why="There is no space left where it goes.",
            remedy="Make room, or send it elsewhere.",
        )
    where = f"{error.filename}: " if error.filename else ""
    return PagefixError(
        f"{where}{(error.strerror or str(error)).lower()}",
        why="The system refused to read or write it.",
        remedy="Check the path and its permissions.",
    )


def _drop_output() -> None:
    # What is still buffered cannot be delivered: keep the interpreter from trying again.
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 1)
