"""Entries: the methods through which the VM hands a filesystem a swapcache page.

Which tables count and which slots they have is read from the tree; what the VM passes
is data (``rules/models/entries.toml``).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from pagefix.c import ast
from pagefix.errors import PagefixError
from pagefix.program import Program, swaps_through_methods
from pagefix.rulebook import Entry, Models

__all__ = ["OPS", "Plan", "SwapOptions", "Table", "plan"]

#: The record whose methods the VM calls.
OPS = "struct address_space_operations"

#: By file and name: #ifdef may define one twice.
_Tables = dict[tuple[str, str], list[ast.Global]]


@dataclass(frozen=True, slots=True)
class SwapOptions:
    """What the user says about entries.

    :param ops: ``auto``, ``none``, or the name of a table that is taken as swap-capable.
    :param swap_in: slot through which pages are swapped in, ``None`` for the tree's own.
    :param swap_out: the same for swapping out.
    :param without: mechanisms that are switched off (see :mod:`pagefix.flow.switches`).
    """

    ops: str = "auto"
    swap_in: str | None = None
    swap_out: str | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose methods are entries.

    :param activate: names of its ``swap_activate``: of several forms under ``#if`` all.
    :param idle: slots it fills that would be entries, were it not for ``--swap-in`` or
        ``--swap-out``.
    """

    path: str
    name: str
    slots: tuple[tuple[Entry, str, ast.Name], ...]
    activate: tuple[str, ...]
    idle: tuple[str, ...] = ()

    def handed(self) -> str:
        """Return where the VM's pages come in, in words."""
        inside = dict.fromkeys(slot for entry, slot, _ in self.slots if entry.store)
        given = dict.fromkeys(slot for entry, slot, _ in self.slots if not entry.store)
        ways = [f"inside the iterator of {', '.join(inside)}"] if inside else []
        ways += [f"as they are in {', '.join(given)}"] if given else []
        never = f", and never in {', '.join(self.idle)}" if self.idle else ""
        return f"{self.name} gets the VM's pages {' and '.join(ways)}{never}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the analysis starts from.

    :param handed: whether this tree's VM hands swapcache pages to a filesystem at all
        through methods that take a page.
    :param assumptions: sentences that go into every report.
    """

    tables: tuple[Table, ...]
    handed: bool
    assumptions: tuple[str, ...]


def plan(program: Program, models: Models, options: SwapOptions) -> Plan:
    """Return the entries of the program under check.

    :raises PagefixError: when a named table or slot does not exist.
    """
    slots = _slots(program)
    assumptions: list[str] = []
    if not slots:
        slots = {entry.slot: frozenset() for entry in models.entries if entry.slot != "swap_rw"}
        if program.files:
            assumptions.append(
                f"no {OPS} in the headers at hand: the slots of Linux 3.6 to 5.18 are assumed"
            )
    entries = _fitting(models, slots)
    active = _active(entries, slots, options, assumptions)
    tables: _Tables = {}
    for path, item in program.tables(OPS):
        tables.setdefault((path, item.name), []).append(item)
    if options.ops == "none":
        assumptions.append("--swap-ops none: no table is taken as swap-capable")
        return Plan((), "swap_rw" not in slots, tuple(assumptions))
    if options.ops == "auto":
        chosen = _automatic(program, tables, slots, active, assumptions)
    else:
        chosen = _called(tables, [each for each in options.ops.split(",") if each])
        if "swap_rw" in slots:
            assumptions.append(
                "this tree's VM hands swapcache pages only to swap_rw(): other methods are no entries"
            )
    usual = {entry.slot for entry in entries if entry.slot in slots and not entry.asked_for}
    found = [_table(program, key[0], items, active, usual) for key, items in chosen.items()]
    assumptions += [
        f"{table.name} has none of the methods that the VM would call"
        for table in found
        if not table.slots
    ]
    return Plan(tuple(found), "swap_rw" not in slots, tuple(assumptions))


def _called(tables: _Tables, names: Sequence[str]) -> _Tables:
    # The tables of these names, in whichever file.
    for name in names:
        if not any(name == each for _, each in tables):
            known = sorted({each for _, each in tables})
            raise PagefixError(
                f"there is no table {name}",
                why=f"the checked files define these {OPS}: " + (", ".join(known) or "none"),
                remedy="name one of them with --swap-ops, or use --swap-ops auto",
            )
    return {key: tables[key] for name in names for key in tables if key[1] == name}


def _those(tables: _Tables, wanted: Callable[[str, ast.Global], bool]) -> _Tables:
    # Of a table that #ifdef defines twice, the forms that are wanted.
    found = {key: [item for item in items if wanted(key[0], item)] for key, items in tables.items()}
    return {key: items for key, items in found.items() if items}


def _slots(program: Program) -> dict[str, frozenset[str]]:
    # The slots of the tree's record, each with the records that it takes a pointer to.
    path = program.files[0] if program.files else ""
    return {
        field.name: _taken(field.type)
        for record in (program.record(OPS, path) if path else ())
        for field in record.fields
    }


def _taken(type_: ast.Type) -> frozenset[str]:
    while isinstance(type_, ast.Pointer):
        type_ = type_.to
    params = type_.params if isinstance(type_, ast.FunctionType) else ()
    return frozenset(
        each.to.name
        for each in params
        if isinstance(each, ast.Pointer) and isinstance(each.to, ast.Base)
    )


def _fitting(models: Models, slots: Mapping[str, frozenset[str]]) -> list[Entry]:
    # A slot's signature tells the era: direct_IO takes an iovec or an iterator.
    carriers: dict[str, str] = {}
    for entry in models.entries:
        if entry.carrier in slots.get(entry.slot, ()):
            carriers.setdefault(entry.slot, entry.carrier)
    for entry in models.entries:
        carriers.setdefault(entry.slot, entry.carrier)
    return [each for each in models.entries if each.carrier == carriers[each.slot]]


def _active(
    entries: Sequence[Entry],
    slots: Container[str],
    options: SwapOptions,
    assumptions: list[str],
) -> list[Entry]:
    active = [e for e in entries if e.slot in slots and not e.asked_for]
    if "swap_rw" in slots:
        active = [entry for entry in active if entry.slot == "swap_rw"]
    for role, slot in (("swap-in", options.swap_in), ("swap-out", options.swap_out)):
        if slot is None:
            continue
        known = sorted({entry.slot for entry in entries})
        if slot not in known:
            raise PagefixError(
                f"--{role} {slot}: pagefix does not know what the VM passes there",
                why="it knows the slots " + ", ".join(known),
                remedy="name one of them",
            )
        active = [entry for entry in active if entry.role != role]
        same = [e for e in entries if e.slot == slot]
        active += [e for e in same if e.role == role] or same[:1]
        assumptions.append(
            f"--{role} {slot}: the VM is taken to {role.replace('-', ' ')} through it"
        )
    return active


def _automatic(
    program: Program,
    tables: _Tables,
    slots: Container[str],
    active: list[Entry],
    assumptions: list[str],
) -> _Tables:
    declared = _those(tables, lambda path, item: "swap_activate" in program.methods(item, path))
    capable = _those(declared, lambda path, item: _through_filesystem(program, path, item, slots))
    if capable:
        return capable
    if "swap_rw" in slots:
        assumptions.append(
            "no table here sets SWP_FS_OPS and has swap_rw(): this tree's VM never hands these "
            "filesystems a swapcache page"
        )
        return {}
    if declared:
        assumptions.append(
            f"{_named(declared)}: swap_activate() gives the VM extents and never asks to swap "
            "through the filesystem: no swapcache page arrives"
        )
        return {}
    needed = {entry.slot for entry in active if entry.role != "dirty"}
    assumed = _those(
        tables if needed else {},
        lambda path, item: needed <= set(program.methods(item, path)),
    )
    if assumed:
        assumptions.append(
            f"no table here has swap_activate: {_named(assumed)} taken as swap-capable "
            "(--swap-ops none turns this off)"
        )
    elif tables:
        assumptions.append("no table here has the methods that swapping through a filesystem needs")
    return assumed


def _named(tables: _Tables) -> str:
    return ", ".join(dict.fromkeys(name for _, name in tables))


def _through_filesystem(
    program: Program, path: str, item: ast.Global, slots: Container[str]
) -> bool:
    # From 5.0 swap_activate() may hand the VM extents instead.
    if not _chooses(program, path):
        return True
    members = program.methods(item, path)
    if "swap_rw" in slots and "swap_rw" not in members:
        return False
    by_return = "swap_rw" not in slots
    return any(
        swaps_through_methods(program, value.name, path, by_return=by_return)
        for value in members["swap_activate"]
    )


def _chooses(program: Program, path: str) -> bool:
    return any(
        program.enumerator(name, "include/linux/swap.h") if program.tree.root else ()
        for name in ("SWP_ACTIVATED", "SWP_FS_OPS")
    )


def _table(
    program: Program,
    path: str,
    items: Sequence[ast.Global],
    active: Sequence[Entry],
    usual: set[str],
) -> Table:
    found: dict[tuple[int, str, int], tuple[Entry, str, ast.Name]] = {}
    activate: dict[str, None] = {}
    filled: set[str] = set()
    # Of a table that #ifdef defines twice each form counts.
    for item in items:
        own = program.methods(item, path)
        filled.update(own)
        activate.update(dict.fromkeys(each.name for each in own.get("swap_activate", ())))
        for number, entry in enumerate(active):
            for value in own.get(entry.slot, ()):
                key = (number, value.name, value.start)
                found[key] = (entry, entry.slot, value)
    return Table(
        path,
        items[0].name,
        tuple(found.values()),
        tuple(activate),
        tuple(sorted(usual.intersection(filled) - {entry.slot for entry in active})),
    )
