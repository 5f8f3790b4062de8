"""Contract rules: roles, effects and demands, and whether they can mean anything.

Floor 3.
"""

from __future__ import annotations

from typing import Any

from pagefix.rulebook.contract_spec import ContractSpec, Demand, Effect, Pair, Role
from pagefix.rulebook.lines import Key
from pagefix.rulebook.reader import Reader

__all__ = ["read_contract"]

_HOLDS = ("call", "store", "field", "passes")


def read_contract(reader: Reader) -> ContractSpec:
    """Return what a contract rule demands, checked."""
    data = reader.data
    roles = tuple(_role(reader, ("role", at), table) for at, table in enumerate(data["role"]))
    effects = tuple(
        _effect(reader, ("effect", at), table) for at, table in enumerate(data.get("effect", ()))
    )
    demands = tuple(_demand(table) for table in data.get("demand", ()))
    pairs = tuple(
        Pair(table["take"], tuple(table["give"]), table["good"], tuple(table.get("moves", ())))
        for table in data.get("pair", ())
    )
    if not roles:
        reader.fail(("role",), "no [[role]]", "A rule about no function says nothing.")
    if not pairs and not (effects and demands):
        reader.fail(
            ("effect",),
            "neither [[effect]] with [[demand]] nor [[pair]]",
            "Without an effect and a test before it, or a pair, there is nothing to break.",
        )
    through = data.get("through", False)
    depth = _number(reader, (), data, "depth")
    return ContractSpec(roles, effects, demands, pairs, through, depth)


def _role(reader: Reader, where: Key, table: dict[str, Any]) -> Role:
    if ("slot" in table) == ("commands" in table) or ("slot" in table) != ("record" in table):
        reader.fail(where, "a role is a slot of a record, or commands", "Write one of the two.")
    return Role(
        clause=table["clause"],
        story=table["story"],
        commands=tuple(table.get("commands", ())),
        record=table.get("record", ""),
        slot=table.get("slot", ""),
        swap=table.get("swap", False),
        subject=tuple(table.get("subject", ())),
        locked=table.get("locked", False),
        vfs=tuple(table.get("vfs", ())),
    )


def _effect(reader: Reader, where: Key, table: dict[str, Any]) -> Effect:
    if not any(table.get(key) for key in _HOLDS):
        reader.fail(where, "an effect of nothing", f"Needed is one of: {', '.join(_HOLDS)}.")
    if ("bound" in table) != ("by" in table):
        reader.fail(where, "`bound` and `by` go together", "One says of what.")
    return Effect(
        message=table["message"],
        call=tuple(table.get("call", ())),
        mentions=tuple(table.get("mentions", ())),
        store=tuple(table.get("store", ())),
        field=tuple(table.get("field", ())),
        passes=table.get("passes", False),
        subject=_number(reader, where, table, "subject"),
        of=table.get("of", ""),
        bound=_number(reader, where, table, "bound"),
        by=tuple(table.get("by", ())),
    )


def _number(reader: Reader, where: Key, table: dict[str, Any], key: str) -> int | None:
    value = table.get(key)
    if value is None:
        return None
    if not value.isdecimal():
        reader.fail((*where, key), f"{value!r} is not a number", 'As in "0".')
    return int(value)


def _demand(table: dict[str, Any]) -> Demand:
    return Demand(
        missing=table["missing"],
        guard=table["guard"].strip("\n"),
        reference=table["reference"],
        where=tuple(table.get("where", ())),
        zero=tuple(table.get("zero", ())),
        nonzero=tuple(table.get("nonzero", ())),
        positive=tuple(table.get("positive", ())),
        equal=tuple(table.get("equal", ())),
        calls=tuple(table.get("calls", ())),
        counts=tuple(table.get("counts", ())),
        taken=tuple(table.get("taken", ())),
        lock=table.get("lock", False) or "under" in table,
        under=tuple(table.get("under", ())),
        held=table.get("held", False),
    )
