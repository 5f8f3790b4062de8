"""Arithmetic on abstract values and on constants."""

from __future__ import annotations

from pagefix.flow.values import (
    BOTTOM,
    NULL,
    UNKNOWN,
    Atom,
    Const,
    Ident,
    Page,
    Pointer,
    Predicate,
    Range,
    Value,
)

__all__ = ["arithmetic", "fold"]


def fold(op: str, left: Value, right: Value) -> Value:
    """Return the result of arithmetic on two values."""
    if op in ("&", "*") and (left == NULL or right == NULL):
        return NULL
    told = _told(op, left, right)
    if told is not None:
        return told
    found: set[Atom] = set()
    for atom in left | right:
        if isinstance(atom, Range) or atom.tag == "size":
            found.add(atom)
        elif isinstance(atom, Pointer) and op in ("+", "-"):
            found.add(Pointer("pointer", atom.target, True, atom.assumed))
        elif isinstance(atom, Page) and op in ("+", "-", "|", "&"):
            found.add(Page("page", frozenset(), atom.assumed))
    one, two = _numbers(left), _numbers(right)
    if one and two and len(one) * len(two) <= _MAX_RESULTS:
        results = {arithmetic(op, first, second) for first in one for second in two}
        if None not in results:
            return frozenset(Const("const", number) for number in results if number is not None)
        return UNKNOWN
    return frozenset(found) if found else (UNKNOWN if left and right else BOTTOM)


def _told(op: str, left: Value, right: Value) -> Value | None:
    # ``a | b`` is 0 if both are, ``a & b`` is not 0 only if both are not.
    if op not in ("|", "&"):
        return None
    tests = [
        atom
        for value in (left, right)
        for atom in value
        if isinstance(atom, Predicate) and len(value) == 1
    ]
    none: frozenset[Ident] = frozenset()
    shown = none.union(*(test.if_false if op == "|" else test.if_true for test in tests))
    if not shown:
        return None
    true, false = (none, shown) if op == "|" else (shown, none)
    if op == "|" and NULL in (left, right):
        true = tests[0].if_true
    return frozenset((Predicate("predicate", true, false),))


#: Results of one operation that are told apart.
_MAX_RESULTS = 4


def _numbers(value: Value) -> list[int]:
    # The constants that a value is one of; empty if it may be anything else.
    found = [atom.value for atom in value if isinstance(atom, Const)]
    return found if len(found) == len(value) else []


def arithmetic(op: str, one: int, two: int) -> int | None:
    """Return the result of a C operator on two integers, ``None`` if it has none."""
    if op in ("<<", ">>") and not 0 <= two < 64:
        return None
    if op in ("/", "%") and two == 0:
        return None
    results = {
        "+": lambda: one + two,
        "-": lambda: one - two,
        "*": lambda: one * two,
        "&": lambda: one & two,
        "|": lambda: one | two,
        "^": lambda: one ^ two,
        "<<": lambda: one << two,
        ">>": lambda: one >> two,
        "/": lambda: one // two,
        "%": lambda: one % two,
        "==": lambda: int(one == two),
        "!=": lambda: int(one != two),
        "<": lambda: int(one < two),
        ">": lambda: int(one > two),
        "<=": lambda: int(one <= two),
        ">=": lambda: int(one >= two),
    }
    found = results.get(op)
    return None if found is None else found()
