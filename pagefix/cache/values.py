"""Values as bytes, and back.

What is read back may have been written by anybody who can write to the cache: only the
plain values of pagefix come out of it, and nothing is called that is not one of them.

Floor 0.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from enum import Enum

from pagefix.reads import digest

__all__ = ["key_of", "pack", "unpack"]

# Where the classes of kept values are.
_HOMES = (
    "pagefix.finding",
    "pagefix.source",
    "pagefix.report.model",
    "pagefix.cli_kept",
    "pagefix.c.ast",
    "pagefix.rulebook.contract_spec",
    "pagefix.rulebook.ops_rule",
    "pagefix.rulebook.schema",
    "pagefix.rulebook.script_rule",
)


def pack(value: object) -> bytes:
    """Return a value as bytes."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def unpack(data: bytes) -> object:
    """Return the value of :func:`pack`.

    :raises Exception: of whatever kind, for bytes that are none.
    """
    return _Reader(io.BytesIO(data)).load()


def key_of(**parts: object) -> bytes:
    """Return what stands for a question.

    :param parts: all that it consists of, in plain values.
    """
    return digest(_plain(parts).encode("utf-8", "surrogateescape"))


def _plain(value: object) -> str:
    # Equal questions must have equal texts, whatever order a set happens to have.
    if isinstance(value, Enum):
        return repr(value.value)
    if isinstance(value, set | frozenset):
        return "{" + ",".join(sorted(map(_plain, value))) + "}"
    if isinstance(value, Mapping):
        items = sorted((str(key), _plain(each)) for key, each in value.items())
        return "{" + ",".join(f"{key!r}:{each}" for key, each in items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_plain, value)) + "]"
    if value is None or isinstance(value, str | bytes | int):
        return repr(value)
    raise TypeError(f"{type(value).__name__} is no part of a question")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if module in _HOMES:
            found = super().find_class(module, name)
            fields = hasattr(found, "__dataclass_fields__") or hasattr(found, "_fields")
            if isinstance(found, type) and (fields or issubclass(found, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no value of pagefix")
