"""Where the cache is.

Floor 0.
"""

from __future__ import annotations

import os

__all__ = ["cache_folder"]


def cache_folder(given: str | None = None) -> str | None:
    """Return the directory of the cache; it may not be there yet.

    :param given: what the command line says; then the environment is not asked.
    :return: ``None`` for a user without a home.
    """
    named = given or os.environ.get("PAGEFIX_CACHE_DIR")
    if named:
        return os.path.abspath(named)
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a path that is not absolute is to be ignored.
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "pagefix") if os.path.isabs(base) else None
