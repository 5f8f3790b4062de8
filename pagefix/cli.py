"""The command: parses arguments, calls, prints, returns a code.

Floor 7. Each command is a module of its own, which is imported when it is called, and
imports what is heavy (the C reader, rich) where it needs it.
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from pagefix.cli_arguments import parser
from pagefix.errors import ExitCode, PagefixError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    :param argv: arguments without the program's name; those of the process, which then is the
        command's own, if left out.
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
    words = sys.argv[1:] if argv is None else argv
    debug = "--debug" in words
    try:
        if sys.stdout is None:
            raise _NO_OUTPUT
        options = _arguments(words)
        options.alone = argv is None
        code: int = import_module(f"pagefix.cli_{options.command}").run(options)
        sys.stdout.flush()
        if options.alone:
            # The process ends, and all goes with it: Python need not look what could go before.
            gc.freeze()
        return code
    except PagefixError as error:
        _complain(error, debug)
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
        _complain(_as_error(error), debug)
    except RecursionError:
        _complain(_TOO_DEEP, debug)
    except Exception as error:
        _complain(_mistake(error), debug)
    return ExitCode.ERROR


_TOO_DEEP = PagefixError(
    "the source is nested too deeply",
    why="An expression or a block in it is deeper than pagefix can follow.",
    remedy="Leave the file out, and please report it.",
)


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


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    try:
        return parser().parse_args(words)
    except SystemExit as left:
        sys.stdout.flush()
        raise _ToldError(int(left.code or 0)) from left


def _complain(error: PagefixError, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
    for label, text in (
        ("pagefix", error.title),
        ("  why", error.why),
        ("  remedy", error.remedy),
    ):
        print(f"{label}: {text}", file=sys.stderr)


def _mistake(error: Exception) -> PagefixError:
    said = " ".join(str(error).split())
    return PagefixError(
        "something went wrong inside",
        why=f"{type(error).__name__}: {said}" if said else f"It was {type(error).__name__}.",
        remedy="This is a mistake in pagefix: please report it, with what --debug adds.",
    )


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
