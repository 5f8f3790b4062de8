"""Whether the tree has a test of a page flag, also where a macro pastes its name together.

Since Linux kernel commit 602c4d11402e (in v2.6.25) most of them are made so:
``PAGEFLAG(SwapCache, swapcache)`` defines ``PageSwapCache()`` through ``Page##uname``.

Floor 5.
"""

from __future__ import annotations

import re

from pagefix.program import Program

__all__ = ["has_predicate"]

_HEADER = "include/linux/page-flags.h"
_DEFINE = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+(\w+)\(((?:[^\n\\]|\\\r?\n|\\)*)", re.MULTILINE)
_PASTED = re.compile(rb"\b([A-Za-z_]\w*?)[ \t]*##[ \t]*\w+[ \t]*\(")
_WORD = re.compile(rb"\w+")


def has_predicate(program: Program, name: str) -> bool:
    """Return whether the tree has a function or macro, or makes it by pasting."""
    if program.has_symbol(name):
        return True
    key = name.encode()
    if not program.mentions(_HEADER, b"#"):
        return False
    data = program.data(_HEADER)
    if re.search(rb"\b" + key + rb"\s*\(", data):
        return True
    bodies = {found[1]: found[2] for found in _DEFINE.finditer(data)}
    for prefix in {found[1] for found in _PASTED.finditer(data)}:
        rest = key.removeprefix(prefix)
        if not rest or rest == key:
            continue
        makers = _makers(bodies, prefix)
        for used in re.finditer(rb"^[ \t]*(\w+)[ \t]*\([ \t]*" + rest + rb"\b", data, re.MULTILINE):
            if used[1] in makers:
                return True
    return False


def _makers(bodies: dict[bytes, bytes], prefix: bytes) -> set[bytes]:
    # Macros that define a function of the prefix, directly or through others.
    form = re.compile(rb"\b" + prefix + rb"[ \t]*##[ \t]*\w+[ \t]*\(")
    found = {name for name, body in bodies.items() if form.search(body)}
    while True:
        more = {
            name
            for name, body in bodies.items()
            if name not in found and found & set(_WORD.findall(body))
        }
        if not more:
            return found
        found |= more
