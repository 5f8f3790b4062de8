"""The one error type a user meets, and the exit codes.

Floor 0: imports nothing of pagefix.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode", "PagefixError"]


class ExitCode(IntEnum):
    """Exit status of the command: what a hook or a CI job branches on."""

    CLEAN = 0
    FINDINGS = 1
    ERROR = 2
    INTERRUPTED = 130


class PagefixError(Exception):
    """Something the user can mend.

    :param title: ``str``, what went wrong, in one line.
    :param why: ``str``, the reason, as far as it is known.
    :param remedy: ``str``, what to do about it.
    """

    def __init__(self, title: str, *, why: str, remedy: str) -> None:
        super().__init__(title)
        self.title = title
        self.why = why
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments: spell out how to cross a process border.
        return (_rebuild, (type(self), self.title, self.why, self.remedy))


def _rebuild(cls: type[PagefixError], title: str, why: str, remedy: str) -> PagefixError:
    return cls(title, why=why, remedy=remedy)
