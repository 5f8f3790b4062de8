"""A quick way to make a node of :mod:`pagefix.c.ast`.

Floor 1: imports nothing of pagefix.
"""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

__all__ = ["make"]

_Node = TypeVar("_Node")


class _Make(Protocol):
    def __call__(self, kind: type[_Node], values: tuple[object, ...], /) -> _Node: ...


# The constructor of a NamedTuple is Python, and calls this: 400 ns against 150. A quarter
# of the time of lowering went into it, so the most frequent nodes are made directly.
make = cast(_Make, tuple.__new__)
