"""Parameters of a macro and the arguments that they stand for.

Floor 2: imports only :mod:`pagefix.c.ast`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from pagefix.c.ast import Expr, Item, Macro, Name, Param, Type

__all__ = ["Bound", "Parameters", "Place"]


class Place(Protocol):
    """Where an argument is written: what its expression means there."""

    def type_of(self, expr: Expr) -> Type:
        """Return the type of the argument as a value."""

    def as_type(self, expr: Expr) -> Type:
        """Return the type that the argument names."""

    def field_of(self, name: str) -> str:
        """Return the field that a name means."""


class Bound(NamedTuple):
    """The argument that a macro's parameter stands for, and where it is written."""

    value: Expr
    typer: Place


class Parameters:
    """What is known of the parameters of an item, if it is a macro.

    :param bindings: arguments, by the offset of their parameter.
    """

    def __init__(self, item: Item, bindings: Mapping[int, Bound]) -> None:
        self.item = item
        self.bindings = bindings

    def params(self) -> tuple[Param, ...]:
        """Return the parameters; none if the item is no macro."""
        return (self.item.params or ()) if isinstance(self.item, Macro) else ()

    def bound(self, name: str) -> Bound | None:
        """Return the argument of a parameter by its name."""
        for each in self.params():
            if each.name == name:
                return self.bindings.get(each.at)
        return None

    def field_of(self, name: str) -> str:
        """Return the field that a name behind ``->`` means: it may be a parameter."""
        bound = self.bound(name)
        if bound is not None and isinstance(bound.value, Name):
            return bound.typer.field_of(bound.value.name)
        return name

    def pasted(self, name: str) -> str:
        """Return a name in a macro's body as the preprocessor makes it.

        The reader gives ``a_##b`` as ``a___b``: two underscores for the operator.
        """
        for each in self.params():
            bound = self.bindings.get(each.at)
            if bound is None or each.name not in name or not isinstance(bound.value, Name):
                continue
            value = bound.typer.field_of(bound.value.name)
            if name == each.name:
                return value
            name = re.sub(rf"(?:^|__){re.escape(each.name)}(?:__|$)", value, name)
        return name
