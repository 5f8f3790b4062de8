"""One file before and after.

Floor 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from pagefix.finding import Edit
from pagefix.source import SourceFile

__all__ = ["FileChange"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a rewrite makes of one file; nothing is written yet.

    :param source: the file as it was read.
    :param edits: against ``source``, in the text's order, wrapping included.
    :param after: the new content.
    """

    source: SourceFile
    edits: tuple[Edit, ...]
    after: bytes

    @property
    def path(self) -> str:
        """The path as shown (``str``)."""
        return self.source.path
