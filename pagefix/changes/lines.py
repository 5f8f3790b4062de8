"""Which lines are new, and what was there before.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Changes", "Texts"]

#: What stands in the place of files, by absolute path; ``None`` where one is not there.
Texts = dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed.

    :param lines: the numbers of the new lines of each file, by absolute path, links in
        directories followed; files that are gone are not among them.
    :param texts: what is to be checked, where it is not what is on disk.
    :param before: what was there without the change, where it is not what is on disk.
    :param note: what the user should know of how it was had; empty if nothing.
    """

    lines: dict[str, frozenset[int]]
    texts: Texts = field(default_factory=dict)
    before: Texts = field(default_factory=dict)
    note: str = ""
