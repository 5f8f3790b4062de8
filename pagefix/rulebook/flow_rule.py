"""Flow rules: metavariables, patterns, fixes, and whether they can mean anything.

Floor 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pagefix.c import ast
from pagefix.finding import Access, Applicability, Severity
from pagefix.rulebook.lines import Key
from pagefix.rulebook.reader import Reader, nearest, variables
from pagefix.rulebook.schema import FixSpec, Label, Match, Metavar, Template

__all__ = ["FIELDS", "PAGES", "FlowParts", "read_flow"]

#: Fields of a page that the inventory accounts for: patterns can ask for these.
FIELDS = ("mapping", "index", "private")

#: Types of what can carry the label ``swapcache``.
PAGES = ("struct page *", "struct folio *")

#: What a match on a field stands for where it does not say.
_MEMBERS = frozenset(Access) - {Access.UNEVALUATED}

_UPPER = re.compile(r"[A-Z][A-Z0-9_]*")


class FlowParts(NamedTuple):
    """What a flow rule has beside what every rule has."""

    metavars: tuple[Metavar, ...]
    matches: tuple[Match, ...]
    fixes: tuple[FixSpec, ...]


def read_flow(reader: Reader) -> FlowParts:
    """Return the parts of a flow rule, checked."""
    data = reader.data
    metavars = dict(_metavars(reader, data["metavars"]))
    if not data["match"]:
        reader.fail(("match",), "no [[match]]", "A rule that matches nothing says nothing.")
    matches: list[Match] = []
    for at, table in enumerate(data["match"]):
        matches.append(_match(reader, ("match", at), table, metavars))
        _check_shadowed(reader, ("match", at), matches)
    found = {name for table in data.get("fix", ()) for name in table.get("of", ())}
    for name in metavars:
        if name not in found and not any(name in variables(each.tree) for each in matches):
            reader.fail(
                ("metavars", name),
                f"${name} is in no pattern",
                "A metavariable that no pattern binds has no use.",
                key=True,
            )
    every = [variables(each.tree) for each in matches]
    bound = frozenset.intersection(*every)
    known = frozenset(metavars)
    fixes: list[FixSpec] = []
    for at, table in enumerate(data.get("fix", ())):
        here = _bound_for(table.get("calls", ()), matches, every) or bound
        fixes.append(_fix(reader, ("fix", at), table, known if "guard" in table else here))
        if not any(fixes[-1].variables() <= each for each in every):
            reader.fail(
                ("fix", at),
                "the fix can never be offered: no pattern binds all of its metavariables",
                "What no pattern binds needs `of`: the range that it is the page of.",
            )
        _check_reachable(reader, ("fix", at), fixes, matches)
    return FlowParts(tuple(metavars.values()), tuple(matches), tuple(fixes))


# --- metavariables


def _metavars(reader: Reader, table: Mapping[str, str]) -> Iterator[tuple[str, Metavar]]:
    for name, declared in table.items():
        where = ("metavars", name)
        if not _UPPER.fullmatch(name):
            reader.fail(
                where, f"metavariable {name} is not upper case", "Write it as PAGE.", key=True
            )
        tree = reader.c(where, declared, before="(", after=")x")
        if not isinstance(tree, ast.Cast):
            reader.fail(where, f"{declared!r} is not a type", "C as in a cast: struct page *.")
        yield name, Metavar(name, declared, tree.type)


# --- patterns


def _match(
    reader: Reader, where: Key, table: dict[str, Any], metavars: Mapping[str, Metavar]
) -> Match:
    at = (*where, "pattern")
    pattern = table["pattern"]
    tree = reader.c(at, pattern)
    anchor = _anchor(tree)
    if anchor is None:
        reader.fail(
            at,
            f"{pattern!r} names no field, no function and no constant",
            "A pattern is an access, $PAGE->index, a call, page_offset($PAGE), or a comparison"
            " with a constant, $RW == WRITE.",
        )
    names = variables(tree)
    reader.known(at, names, metavars, "declared in [metavars]")
    message = reader.template((*where, "message"), table["message"], names, "bound by the pattern")
    field = isinstance(tree, ast.Member)
    if "access" in table and not field:
        reader.fail(
            (*where, "access"), "only a field has an access", "Leave the key out.", key=True
        )
    requires = Label(table["requires"]) if "requires" in table else None
    access = frozenset(map(Access, table.get("access", _MEMBERS)))
    severity = Severity(table.get("severity", reader.data["severity"]))
    beside = tuple(table.get("except_beside", ()))
    found = Match(pattern, tree, anchor, field, access, requires, severity, message, beside)
    _check_possible(reader, where, found, metavars)
    return found


def _anchor(tree: ast.Expr) -> str | None:
    # The name by which places to look at are found.
    if isinstance(tree, ast.Member):
        return None if tree.field.startswith("$") else tree.field
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        return None if tree.func.name.startswith("$") else tree.func.name
    if isinstance(tree, ast.Binary) and tree.op in ("==", "!=") and isinstance(tree.left, ast.Name):
        if tree.left.name.startswith("$") and isinstance(tree.right, ast.Name):
            return None if tree.right.name.startswith("$") else tree.right.name
    return None


def _check_possible(
    reader: Reader, where: Key, found: Match, metavars: Mapping[str, Metavar]
) -> None:
    # A pattern that can match nothing is a mistake that no run would ever show.
    at = (*where, "pattern")
    types = {name: _spelled(metavars[name]) for name in variables(found.tree)}
    if isinstance(found.tree, ast.Member):
        if found.anchor not in FIELDS:
            reader.fail(
                at,
                f"the pattern can match nothing: {found.anchor!r} is no field that is looked at"
                + nearest(found.anchor, FIELDS),
                f"Fields of a page: {', '.join(FIELDS)}.",
            )
        base = found.tree.base
        if isinstance(base, ast.Name) and types.get(base.name[1:]) not in PAGES:
            declared = types.get(base.name[1:], base.name)
            reader.fail(
                at,
                f"the pattern can match nothing: {declared!r} has no page's field",
                f"What stands before -> must be declared as one of: {', '.join(PAGES)}.",
            )
        if found.requires is not None and found.requires is not Label.SWAPCACHE:
            reader.fail(
                (*where, "requires"),
                f"the pattern can match nothing: no page carries the label {found.requires.value!r}",
                "A page's label is 'swapcache'.",
            )
        if found.requires is not None and found.access == {Access.UNEVALUATED}:
            reader.fail(
                (*where, "requires"),
                "the pattern can match nothing: what is not evaluated carries no label",
                "Leave `requires` out.",
            )
        return
    compared = isinstance(found.tree, ast.Binary)
    if compared != (found.requires is Label.FLAGS):
        reader.fail(
            (*where, "requires" if "requires" in _table(reader, where) else "pattern"),
            "the pattern can match nothing: a comparison goes with the label 'flags', and only it",
            "$RW == WRITE is asked of the flags that the VM passes to direct_IO.",
        )
    of_a_page = (Label.SWAPCACHE, Label.NO_SWAPCACHE)
    if found.requires in of_a_page and not set(types.values()) & set(PAGES):
        reader.fail(
            (*where, "requires"),
            "the pattern can match nothing: no metavariable in it is a page",
            f"One must be declared as one of: {', '.join(PAGES)}.",
        )
    if found.requires is Label.RANGE and set(types.values()) <= set(PAGES):
        reader.fail(
            (*where, "requires"),
            "the pattern can match nothing: no metavariable in it can be a range",
            "One must be declared as a number or an offset: u64, loff_t.",
        )


def _table(reader: Reader, where: Key) -> dict[str, Any]:
    table: dict[str, Any] = reader.data["match"][where[1]]
    return table


def _spelled(metavar: Metavar) -> str:
    return re.sub(r"\s*\*\s*", " *", " ".join(metavar.declared.split())).rstrip()


def _check_shadowed(reader: Reader, where: Key, matches: Sequence[Match]) -> None:
    last = matches[-1]
    for before in matches[:-1]:
        same = _plain(before.pattern) == _plain(last.pattern) and before.requires == last.requires
        if same and last.access <= before.access:
            reader.fail(
                (*where, "pattern"),
                "the pattern can match nothing: one above takes all that it would",
                "Two matches of one pattern differ in access or label.",
            )


def _plain(pattern: str) -> str:
    return "".join(pattern.split())


# --- fixes


def _bound_for(
    calls: Sequence[str], matches: Sequence[Match], every: Sequence[frozenset[str]]
) -> frozenset[str]:
    # What those patterns bind that a fix for certain functions is for.
    names = [names for each, names in zip(matches, every, strict=True) if each.anchor in calls]
    return frozenset.intersection(*names) if names else frozenset()


def _fix(reader: Reader, where: Key, table: dict[str, Any], bound: frozenset[str]) -> FixSpec:
    how = "bound by every pattern"
    guard = _guard(reader, where, table, bound)
    replace = None
    if "replace" in table:
        reader.c((*where, "replace"), table["replace"])
        replace = reader.template((*where, "replace"), table["replace"], bound, how)
        if "applicability" not in table:
            reader.fail(
                where, "a fix that replaces has no applicability", "safe, unsafe or suggest."
            )
    if "without" in table and "needs" not in table:
        reader.fail(
            (*where, "without"), "`without` has no `needs`", "It is about that symbol.", key=True
        )
    return FixSpec(
        access=frozenset(map(Access, table.get("access", tuple(Access)))),
        replace=replace,
        needs=table.get("needs"),
        without=tuple(table.get("without", ())),
        applicability=Applicability(table.get("applicability", Applicability.SUGGEST)),
        message=reader.template((*where, "message"), table["message"], bound, how),
        guard=guard,
        skipped=table.get("skipped", ""),
        of=dict(table.get("of", {})),
        together=tuple(table.get("together", ())),
        unlocks=tuple(table.get("unlocks", ())),
        calls=tuple(table.get("calls", ())),
        used_for=tuple(table.get("used_for", ())),
    )


def _guard(
    reader: Reader, where: Key, table: dict[str, Any], bound: frozenset[str]
) -> Template | None:
    if "guard" not in table:
        for key in ("skipped", "of", "together", "unlocks"):
            if key in table:
                reader.fail(
                    (*where, key), f"`{key}` has no `guard`", "It says how to guard.", key=True
                )
        return None
    at = (*where, "guard")
    if "replace" in table:
        reader.fail(at, "a fix is a guard or replaces, not both", "Make it two.", key=True)
    if "applicability" not in table:
        reader.fail(where, "a guard has no applicability", "safe, unsafe or suggest.")
    tree = reader.c(at, table["guard"])
    if not isinstance(tree, ast.Call) or len(variables(tree)) != 1:
        reader.fail(at, "a guard is the call of a test of one page", "As in PageSwapCache($PAGE).")
    if "skipped" in table:
        reader.c((*where, "skipped"), table["skipped"])
    for name, value in table.get("of", {}).items():
        reader.known((*where, "of"), (name, value), bound, "declared in [metavars]")
    return reader.template(at, table["guard"], bound, "declared in [metavars]")


def _check_reachable(
    reader: Reader, where: Key, fixes: Sequence[FixSpec], matches: Sequence[Match]
) -> None:
    # A fix that is never offered is a mistake too.
    last = fixes[-1]
    wanted = frozenset().union(
        *(each.access if each.field else frozenset((Access.READ,)) for each in matches)
    )
    left = last.access & wanted
    if not left:
        reader.fail(
            (*where, "access"),
            "the fix can never be offered: no match has such an access",
            f"The matches have: {', '.join(sorted(wanted))}.",
        )
    for before in fixes[:-1]:
        if before.needs is None and not (before.calls or before.used_for):
            left -= before.access
    if not left:
        reader.fail(
            where,
            "the fix can never be offered: one above always is",
            "A fix without `needs` is the last for its accesses.",
        )
