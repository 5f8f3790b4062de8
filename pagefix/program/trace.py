"""Trace events: the record that ``__entry`` points to is made by their macros.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

from pagefix.c.ast import Pointer, Record, Type
from pagefix.program.files import Files

__all__ = ["ENTRY", "entry_type"]

#: Name of the pointer to a trace event's record.
ENTRY = "__entry"

# Renamed by Linux kernel commit a7237765730a ("tracing: Rename ftrace_raw_##call event
# structures to trace_event_raw_##call") (in v4.2).
_NEW, _OLD = "struct trace_event_raw_", "struct ftrace_raw_"


def entry_type(files: Files, type_: Type) -> Type:
    """Return the type of ``__entry`` with its record named as the tree names it."""
    if isinstance(type_, Pointer) and isinstance(type_.to, Record):
        name = type_.to.name
        if name.startswith(_NEW) and files.mentions("include/trace/ftrace.h", b"ftrace_raw_##"):
            return Pointer(type_.to._replace(name=_OLD + name[len(_NEW) :]))
    return type_
