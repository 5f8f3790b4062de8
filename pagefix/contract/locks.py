"""The lock that swapon holds: how the kernel takes it and gives it back.

``i_mutex`` became ``i_rwsem`` behind ``inode_lock()`` in v4.5 and v4.7; the names stand side
by side, and a tree knows the ones it has.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache

from pagefix.c import ast
from pagefix.contract.words import mentions

__all__ = ["LOCK_WORDS", "Lock", "lock_of", "may_lock"]


class Lock(Enum):
    """What a call does to the inode's lock."""

    TAKE = "take"
    GIVE = "give"


_TAKE = frozenset(
    "inode_lock inode_lock_nested inode_trylock inode_lock_killable inode_lock_shared "
    "inode_trylock_shared inode_lock_shared_killable lock_two_nondirectories "
    "lock_two_inodes".split()
)
_GIVE = frozenset(
    "inode_unlock inode_unlock_shared unlock_two_nondirectories unlock_two_inodes".split()
)
_FIELDS = frozenset(("i_mutex", "i_rwsem"))
_TAKING = re.compile(r"(?:mutex|rwsem|down|spin|raw_spin)_(?:lock|trylock|write|read)")
_GIVING = re.compile(r"(?:mutex|spin|raw_spin)_unlock|up_(?:write|read)")

#: Names by which functions are found that may take the lock.
LOCK_WORDS = (*sorted(_TAKE), *sorted(_FIELDS))


def lock_of(name: str, expr: ast.Call, under: frozenset[str] = frozenset()) -> Lock | None:
    """Return what a call does to the lock, ``None`` if nothing.

    :param under: members that are the lock; none: that of the inode.
    """
    if not under:
        if name in _TAKE:
            return Lock.TAKE
        if name in _GIVE:
            return Lock.GIVE
    found = _kind(name)
    if found is not None and expr.args and mentions(expr.args[0], under or _FIELDS):
        return found
    return None


@cache
def may_lock(name: str) -> bool:
    """Tell whether a function of a name may take or drop a lock."""
    return name in _TAKE or name in _GIVE or _kind(name) is not None


@cache
def _kind(name: str) -> Lock | None:
    # What a function that takes any lock does with it.
    if _GIVING.match(name):
        return Lock.GIVE
    return Lock.TAKE if _TAKING.match(name) else None
