"""What a ``swap_activate()`` asks of the VM: its own methods, or a device's extents.

From 5.0 (bc4ae27d817a, "mm: split SWP_FILE into SWP_ACTIVATED and SWP_FS") it may hand the
VM extents and return their number; one that returns 0 is swapped through its methods, and
one that sets SWP_FS_OPS (SWP_FS before 5.9), too.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

import re

from pagefix.program.program import Program

__all__ = ["swaps_through_methods"]

_ASKS = re.compile(rb"\bSWP_FS(?:_OPS)?\b")
# mm/swapfile.c, mm/page_io.c, fs/iomap/swapfile.c: what gives the VM extents.
_EXTENTS = frozenset((b"add_swap_extent", b"generic_swapfile_activate", b"iomap_swapfile_activate"))
# A return of anything but an error's number.
_SUCCEEDS = re.compile(rb"\breturn\b\s*+(?!-\s*+E[A-Z]|;)")
_CALLED = re.compile(rb"\b([A-Za-z_]\w*+)\s*+\(")


def swaps_through_methods(
    program: Program, name: str, path: str, *, by_return: bool = True
) -> bool:
    """Return whether the VM may call the other methods of a table with this function.

    :param name: the function in the table's slot ``swap_activate``.
    :param path: the file that the table is in.
    :param by_return: whether a return of 0 asks for it: not since 5.19 (e1209d3a7a67, "mm:
        introduce ->swap_rw and use it for reads from SWP_FS_OPS swap-space").
    """
    for where, function in program.functions(name, path):
        code = program.unit(where).code[function.start : function.end]
        if _ASKS.search(code):
            return True
        if by_return and _SUCCEEDS.search(code) and not _gives_extents(program, code):
            return True
    return False


def _gives_extents(program: Program, code: bytes) -> bool:
    seen: set[bytes] = set()
    todo = [code]
    while todo:
        called = set(_CALLED.findall(todo.pop()))
        if not called.isdisjoint(_EXTENTS):
            return True
        for name in sorted(called - seen):
            todo.extend(program.bodies(name.decode()))
        seen |= called
    return False
