"""What of the texts under check a run has asked.

:mod:`pagefix.reads` notes which files an answer depends on; here stands on what of their text.
A text that changes where nothing was asked leaves the answer as it is
(:mod:`pagefix.still`), so whoever searches a text, instead of looking a name up, says here
what for.

Floor 0: imports nothing of pagefix.
"""

from __future__ import annotations

__all__ = ["Asked"]


class Asked:
    """The questions of one run; all of them are of every file."""

    def __init__(self) -> None:
        #: Names looked up at file scope: what introduces one there matters.
        self.names: set[str] = set()
        #: Words searched for in the code: where one stands, and what is around it, up to the next
        #: semicolons outside of parentheses, matters.
        self.words: set[str] = set()
        #: Names of which it only matters which function mentions them, and which calls them.
        self.mentioned: set[str] = set()
        #: Regular expressions searched for in the text as it is, comments and all: what they find
        #: matters, not where.
        self.forms: set[bytes] = set()
        #: Items that were looked at: the offsets at which they begin, by shown path.
        self.items: dict[str, set[int]] = {}
        #: Shown paths of files all of whose text matters.
        self.whole: set[str] = set()
        #: Files whose account rests on how others use their macros.
        self.roaming: set[str] = set()
        #: Names, without directories, of what is included and is no header.
        self.parts: set[str] = set()
        #: Whether all of every text matters.
        self.everything = False

    def items_of(self, path: str) -> set[int]:
        """Return the set that notes which items of a file were looked at."""
        return self.items.setdefault(path, set())
