"""What has changed: in the index, since a revision, by a patch.

In: a git repository, or the text of patches. Out: :class:`Changes`, the texts that stand
in the place of files and the lines that are new in them, and what of a report they
concern. Nothing is written.

Floor 7.
"""

from pagefix.changes.concern import concerned, within
from pagefix.changes.git import Repository
from pagefix.changes.lines import Changes
from pagefix.changes.patch import patched
from pagefix.changes.place import directories, is_api

__all__ = [
    "Changes",
    "Repository",
    "concerned",
    "directories",
    "is_api",
    "patched",
    "within",
]
