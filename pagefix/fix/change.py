"""One file before and after: what edits make of a text.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pagefix.finding import Edit
from pagefix.source import SourceFile

__all__ = ["FileChange", "apply_edits"]


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


def apply_edits(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the text with the edits made.

    The edits of one file, in the text's order, not overlapping: what :func:`~pagefix.fix.edits.arrange`
    gives. Every byte outside them stays.
    """
    pieces = []
    at = 0
    for edit in edits:
        assert at <= edit.start <= edit.end <= len(data), "edits are not in order"
        pieces += [data[at : edit.start], edit.text.encode("utf-8", "surrogateescape")]
        at = edit.end
    pieces.append(data[at:])
    return b"".join(pieces)
