"""The command about the cache: where it is, how full, and empty it.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse

from pagefix.cli_kept import store_of
from pagefix.errors import ExitCode, PagefixError

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    store = store_of(options)
    if store.path is None:
        raise PagefixError(
            "there is no cache",
            why="The user has no home directory.",
            remedy="Name a directory: --cache-dir DIR, or PAGEFIX_CACHE_DIR in the environment.",
        )
    try:
        if options.act == "clear":
            count = store.clear()
            print(f"{count:,} dropped from {store.path or options.cache_dir}.")
            return ExitCode.CLEAN
        info = store.info()
    finally:
        store.close()
    print(f"{info.path}")
    if not info.size:
        print("empty: it is made when something is to be kept")
        return ExitCode.CLEAN
    print(f"{_megabytes(info.size)} on disk, at most {_megabytes(info.limit)} of values")
    for kind, count, size in info.kinds:
        print(f"{kind:<10} {count:>8,}  {_megabytes(size)}")
    return ExitCode.CLEAN


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"
