"""Where output goes: a screen, standard output, a file that is written whole or not at all.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from typing import TYPE_CHECKING, NoReturn, TextIO

from pagefix import __version__
from pagefix.errors import PagefixError

if TYPE_CHECKING:
    from pagefix.report import About, Texts
    from pagefix.report.console import Screen
    from pagefix.rulebook import Rule

__all__ = ["about", "put", "save", "screen_of", "written"]


def about(texts: Texts | None, rules: Sequence[Rule]) -> About:
    """Return what a format may have to know beside the report."""
    from pagefix.report import About

    if texts is None:
        return About(__version__, rules, _nothing, str)
    return About(__version__, rules, texts.source, texts.disk)


def screen_of(texts: Texts | None, file: TextIO | None = None) -> Screen:
    """Return what prints for people."""
    from pagefix.report.console import Screen

    return Screen(file or sys.stdout, _nothing if texts is None else texts.source)


def _nothing(path: str) -> NoReturn:
    raise AssertionError(path)


def put(data: bytes) -> None:
    """Write bytes to standard output, all of them."""
    sys.stdout.flush()
    rest = memoryview(data)
    while rest:
        # Without a buffer (`python -u`) a part may be taken, also when the reader leaves.
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


@contextmanager
def written(path: str | None) -> Iterator[TextIO]:
    """Give a text stream that becomes a file when all is said; standard output without one."""
    if path is None:
        yield sys.stdout
        return
    text = StringIO()
    yield text
    save(path, text.getvalue().encode("utf-8", "surrogateescape"))


def save(path: str, data: bytes, *, what: str = "report", example: str = "pagefix.sarif") -> None:
    """Write a report or a patch to a file, whole or not at all.

    Raises:
        PagefixError: It would replace source, or the file could not be written.
    """
    real = os.path.realpath(path)
    fresh = f"{real}.pagefix-new"
    if real.endswith((".c", ".h", ".py")) and os.path.exists(real):
        raise PagefixError(
            f"{path}: a {what} is not written over source",
            why="It is a source file that is there already: its text would be lost.",
            remedy=f"Name another file, such as {example}.",
        )
    try:
        if os.path.exists(real) and not os.path.isfile(real):
            # A pipe or a terminal takes it as it comes.
            with open(real, "wb") as file:
                file.write(data)
            return
        with open(fresh, "xb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.replace(fresh, real)
            except BaseException:
                with suppress(OSError):
                    os.unlink(fresh)
                raise
    except OSError as error:
        raise PagefixError(
            f"{path}: the {what} could not be written",
            why=f"{error.filename or path}: {error.strerror}.",
            remedy="Name another file; no other file was touched.",
        ) from error
