"""Which of the files hold a word.

To read a whole kernel takes as long as to look for dozens of words in it. So where there
are many files a word is only noted, and who asked is told to ask again; what was noted is
then looked for all at once.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

from pagefix.errors import PagefixError
from pagefix.program import Program

__all__ = ["Mentions", "below"]

# Of fewer files each is asked: what they hold is in memory.
_MANY = 4000


class Mentions:
    """Files by the words in them, as far as these were looked for.

    It knows of the checked files and of the headers of the tree.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[bytes, frozenset[str]] = {}
        #: Words that must be looked for before an answer is whole.
        self.missing: set[bytes] = set()

    def headers(self) -> list[str]:
        """Return the headers of the tree that are not under check, in order."""
        tree = self._program.tree
        return sorted({tree.show(disk) for disk in tree.headers()} - {*self._program.files})

    def among(self, files: Sequence[str], word: bytes) -> Sequence[str] | None:
        """Return those of some files that may hold a word, in order; ``None``: not known yet."""
        if len(files) < _MANY:
            return files
        known = self._known.get(word)
        if known is None:
            self.missing.add(word)
            return None
        return [path for path in files if path in known]

    def look(self, files: Iterable[str], words: Collection[bytes]) -> dict[bytes, list[str]]:
        """Return which of some files hold which of the words."""
        found: dict[bytes, list[str]] = {word: [] for word in words}
        for path in files:
            try:
                data = self._program.data(path)
            except PagefixError:
                continue
            for word in words:
                if word in data:
                    found[word].append(path)
        return found

    def learn(self, word: bytes, files: Iterable[str]) -> None:
        """Take in that these of all files hold a word."""
        self._known[word] = frozenset(files)
        self.missing.discard(word)


def below(files: Sequence[str], directory: str) -> Sequence[str]:
    """Return those of some sorted files that lie below a directory, however deep."""
    first = bisect_left(files, directory + "/")
    return files[first : bisect_left(files, directory + "0", first)]  # "0" follows "/"
