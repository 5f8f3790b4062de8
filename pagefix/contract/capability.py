"""Which tables a swap file of the filesystem goes through, and how.

A table counts if it has ``swap_activate`` and that can succeed: in a tree whose tables have
``swap_rw``, one that sets SWP_FS_OPS without a ``swap_rw`` refuses every file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from pagefix import reads
from pagefix.c import ast
from pagefix.program import Program, swaps_through_methods

__all__ = ["OPS", "Capable", "capable"]

OPS = "struct address_space_operations"

_ACTIVATE = re.compile(rb"\.swap_activate\s*=")


class Capable(NamedTuple):
    """What is known of swap files in a program.

    :param tables: names of the tables that a swap file goes through.
    :param elsewhere: the table lies in another file of the directory.
    :param through: whether the VM swaps through the filesystem's methods, not to a device.
    :param assumed: sentence about what was assumed, empty if nothing was.
    """

    tables: tuple[str, ...]
    elsewhere: bool
    through: bool
    assumed: str

    def __bool__(self) -> bool:
        return bool(self.tables) or self.elsewhere


def capable(program: Program, ops: str) -> Capable:
    """Return what a program has to do with swap files.

    :param ops: ``auto``, ``none``, or names of tables that are to be taken as capable.
    """
    if ops == "none":
        return Capable((), False, False, "")
    # A name may stand for several: static ones of several files, both sides of an #if.
    tables = program.tables(OPS)
    slots = _slots(program)
    if ops != "auto":
        known = {item.name for _, item in tables}
        return Capable(tuple(name for name in ops.split(",") if name in known), False, True, "")
    declared = [each for each in tables if "swap_activate" in program.methods(each[1], each[0])]
    able = [each for each in declared if _succeeds(program, slots, *each)]
    if declared:
        through = any(_through(program, slots, *each) for each in able)
        return Capable(_names(able), False, through, "")
    if tables:
        wanted = {"readpage", "direct_IO"}
        if "swap_activate" in slots and "swap_rw" not in slots and wanted <= slots:
            names = _names(
                each for each in tables if wanted <= set(program.methods(each[1], each[0]))
            )
            return Capable(names, False, True, "assumed" if names else "")
        return Capable((), False, False, "")
    return Capable((), _beside(program), False, "")


def _names(tables: Iterable[tuple[str, ast.Global]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.name for _, item in tables))


def _slots(program: Program) -> set[str]:
    path = program.files[0] if program.files else ""
    records = program.record(OPS, path) if path else ()
    return {field.name for record in records for field in record.fields}


def _activate(program: Program, path: str, item: ast.Global) -> list[bytes]:
    return [
        program.unit(where).code[function.start : function.end]
        for name in program.methods(item, path).get("swap_activate", ())
        for where, function in program.functions(name.name, path)
    ]


def _succeeds(program: Program, slots: set[str], path: str, item: ast.Global) -> bool:
    if "swap_rw" not in slots or "swap_rw" in program.methods(item, path):
        return True
    return not any(b"SWP_FS_OPS" in code for code in _activate(program, path, item))


def _through(program: Program, slots: set[str], path: str, item: ast.Global) -> bool:
    if "swap_rw" in slots:
        return "swap_rw" in program.methods(item, path)
    if not program.mentions("include/linux/swap.h", b"SWP_ACTIVATED"):
        return True
    return any(
        swaps_through_methods(program, name.name, path)
        for name in program.methods(item, path).get("swap_activate", ())
    )


def _beside(program: Program) -> bool:
    # Some files of a directory were named, not the one with the table.
    program.asked.forms.add(_ACTIVATE.pattern)
    folders = {os.path.dirname(program.disk(path)) for path in program.files}
    for folder in sorted(folders):
        try:
            names = [name for name in reads.names(folder or ".") if name.endswith(".c")]
        except OSError:
            continue
        for name in names:
            try:
                if _ACTIVATE.search(reads.read(os.path.join(folder, name))):
                    return True
            except OSError:
                continue
    return False
