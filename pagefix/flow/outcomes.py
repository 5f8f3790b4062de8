"""What the outcome of a test, a flag or an error code tells of the pages that were tested.

A :class:`~pagefix.flow.values.Predicate` lists the numbers that something may be, and for
each which pages are known not to be in the swap cache if it is that number. Branches,
comparisons, arithmetic on flags and switches all ask this one list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pagefix.flow.arithmetic import arithmetic, fold
from pagefix.flow.values import (
    TOP,
    Atom,
    Const,
    Ident,
    Number,
    Predicate,
    Value,
    tags,
)

__all__ = ["calculated", "computed", "merged", "outcomes", "plain", "predicate", "shown", "told"]

Idents = frozenset[Ident]
Outcomes = dict[Number, Idents]

_NONE: Idents = frozenset()
#: What may be any number, and what is one.
_NUMBERS = frozenset(("const", "top", "predicate", "range", "size", "unit"))
_NOT_NULL = frozenset(("page", "labelled", "func", "pointer"))
#: How many numbers are told apart.
_MAX_NUMBERS = 8
_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))


def told(value: Value) -> Predicate | None:
    """Return the predicate that describes a value, ``None`` if none does."""
    if "predicate" in tags(value):
        for atom in value:
            if isinstance(atom, Predicate):
                return atom
    return None


def outcomes(value: Value, off: Idents = _NONE) -> Outcomes:
    """Return the numbers that a value may be, with what is shown where it is that number.

    A pointer counts as a number that is not 0; the number ``None`` is any but 0.

    :param off: what is known besides, whatever the number.
    """
    test = told(value)
    if test is not None:
        return {number: idents | off for number, idents in test.cases}
    found: Outcomes = {}
    for atom in value:
        if isinstance(atom, Const):
            found[atom.value] = off
        elif atom.tag in _NOT_NULL:
            found[None] = off
        else:
            found[0] = found[None] = off
    return found or {0: off, None: off}


def merged(one: Outcomes, other: Outcomes) -> Outcomes:
    """Return the outcomes of what may be one thing or another."""
    found = dict(one)
    for number, idents in other.items():
        found[number] = found[number] & idents if number in found else idents
    return found


def predicate(cases: Mapping[Number, Idents]) -> Predicate:
    """Return a predicate of these outcomes; many numbers become any number."""
    kept = dict(cases)
    if len(kept) > _MAX_NUMBERS:
        rest = [idents for number, idents in cases.items() if number != 0]
        kept = {number: idents for number, idents in cases.items() if number == 0}
        kept[None] = frozenset.intersection(*rest)
    return Predicate("predicate", tuple(sorted(kept.items(), key=_order)))


def _order(case: tuple[Number, Idents]) -> tuple[bool, int]:
    return case[0] is None, case[0] or 0


def shown(sets: Iterable[Idents]) -> Idents | None:
    """Return what is shown where the number is one of several; ``None`` if it is none."""
    every = list(sets)
    return frozenset.intersection(*every) if every else None


def plain(value: Value) -> Value:
    """Return a value without what a predicate tells: the numbers alone."""
    if told(value) is None:
        return value
    found: set[Atom] = set()
    for atom in value:
        if isinstance(atom, Predicate):
            found.update(
                TOP if number is None else Const("const", number) for number, _ in atom.cases
            )
        else:
            found.add(atom)
    return frozenset(found)


def computed(op: str, left: Value, right: Value) -> Value | None:
    """Return the result of an operator where a side is the outcome of a test.

    ``None`` if neither is, or a side is no number.
    """
    if told(left) is None and told(right) is None:
        return None
    if any(atom.tag not in _NUMBERS for value in (left, right) for atom in value):
        if op not in _COMPARISONS:
            return None
    found: Outcomes = {}
    for one, first in outcomes(left).items():
        for two, second in outcomes(right).items():
            for number in _results(op, one, two):
                both = first | second
                found[number] = found[number] & both if number in found else both
    result: Value = frozenset((predicate(found),))
    return result if any(found.values()) else plain(result)


def calculated(op: str, left: Value, right: Value) -> Value:
    """Return the result of arithmetic on two values, also on outcomes of tests."""
    outcome = computed(op, left, right)
    return fold(op, left, right) if outcome is None else outcome


def _results(op: str, one: Number, two: Number) -> tuple[Number, ...]:
    # ``None`` is any number but 0.
    if one is not None and two is not None:
        number = arithmetic(op, one, two)
        return (0, None) if number is None else (number,)
    known = two if one is None else one
    if op == "|":
        return (None,)
    if op in ("&", "*") and known == 0:
        return (0,)
    if op in ("==", "!=") and known == 0:
        return (int(op == "!="),)
    return (0, 1) if op in _COMPARISONS else (0, None)
