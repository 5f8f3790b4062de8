"""Ops rules: what an ops table must, or must not, have beside a slot that it sets.

Which slots the VM calls is not in the rule: it is read from the VM's files in the tree.

Floor 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pagefix.rulebook.lines import Key
from pagefix.rulebook.reader import Reader
from pagefix.rulebook.schema import Template

__all__ = ["Called", "Installed", "OpsSpec", "Refused", "read_ops"]

_BOUND = ("TABLE", "SLOT", "CALLER")
_RECORD = re.compile(r"struct \w+")
_NAME = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Called:
    """Each slot that these files call through a table without a test must be set.

    :param asks: constants by which a table asks for the calls; all tables do if empty.
    :param extents: constant that trees have where a table asks by returning 0 instead.
    :param clause: clause of the swap-file contract that it stands for.
    """

    files: tuple[str, ...]
    asks: tuple[str, ...]
    extents: str
    message: Template
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A table that lacks a slot which these files test for is refused: it does nothing."""

    files: tuple[str, ...]
    message: Template


@dataclass(frozen=True, slots=True)
class Installed:
    """A table that is only installed beside such another one cannot be meant.

    :param slots: the other table sets one of these,
    :param names: or has one of these names.
    """

    beside: str
    slots: tuple[str, ...]
    names: tuple[str, ...]
    message: Template


@dataclass(frozen=True, slots=True)
class OpsSpec:
    """What an ops rule says.

    :param record: type of the tables.
    :param slot: those that set it are looked at.
    :param empty: functions that count as none in a slot.
    """

    record: str
    slot: str
    empty: tuple[str, ...]
    called: tuple[Called, ...]
    refused: tuple[Refused, ...]
    installed: tuple[Installed, ...]


def read_ops(reader: Reader) -> OpsSpec:
    """Return what an ops rule says, checked."""
    data = reader.data
    if not any(data.get(key) for key in ("called", "refused", "installed")):
        reader.fail(
            (),
            "the rule can find nothing",
            "An ops rule has one of [[called]], [[refused]] and [[installed]].",
        )
    _form(reader, ("record",), [data["record"]], _RECORD, "a record type: struct foo")
    _form(reader, ("slot",), [data["slot"]], _NAME, "the name of a member")

    def message(where: Key, text: str) -> Template:
        return reader.template((*where, "message"), text, _BOUND, "one of an ops rule's words")

    called = []
    for at, each in enumerate(data.get("called", ())):
        if "extents" in each and "asks" not in each:
            reader.fail(
                ("called", at, "extents"), "`extents` has no `asks`", "It is about them.", key=True
            )
        called.append(
            Called(
                tuple(each["files"]),
                tuple(each.get("asks", ())),
                each.get("extents", ""),
                message(("called", at), each["message"]),
                each.get("clause", ""),
            )
        )
    refused = [
        Refused(tuple(each["files"]), message(("refused", at), each["message"]))
        for at, each in enumerate(data.get("refused", ()))
    ]
    installed = []
    for at, each in enumerate(data.get("installed", ())):
        where = ("installed", at, "beside")
        _form(reader, where, [each["beside"]], _RECORD, "a record type: struct foo")
        installed.append(
            Installed(
                each["beside"],
                tuple(each["slots"]),
                tuple(each.get("names", ())),
                message(("installed", at), each["message"]),
            )
        )
    return OpsSpec(
        data["record"],
        data["slot"],
        tuple(data.get("empty", ())),
        tuple(called),
        tuple(refused),
        tuple(installed),
    )


def _form(
    reader: Reader, where: Key, values: Iterable[str], form: re.Pattern[str], what: str
) -> None:
    for value in values:
        if not form.fullmatch(value):
            reader.fail(where, f"{value!r} is not {what}", "Written as C has it, with one space.")
