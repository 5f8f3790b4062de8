"""Arithmetic on abstract values and on constants."""

from __future__ import annotations

from pagefix.flow.values import (
    BOTTOM,
    CLUSTERS,
    NULL,
    UNKNOWN,
    Atom,
    Const,
    Page,
    Pointer,
    Range,
    SizeLimit,
    Unit,
    Value,
)

__all__ = ["arithmetic", "fold"]


def fold(op: str, left: Value, right: Value) -> Value:
    """Return the result of arithmetic on two values."""
    if op in ("&", "*") and (left == NULL or right == NULL):
        return NULL
    found: set[Atom] = set()
    for atom in left | right:
        if isinstance(atom, Range):
            found.add(atom)
        elif isinstance(atom, SizeLimit):
            found.add(_moved(op, atom, right))
        elif isinstance(atom, Unit):
            found.update(_counted(op, atom))
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


def _moved(op: str, size: SizeLimit, right: Value) -> SizeLimit:
    # (size + PAGE_SIZE - 1) >> n is rounded up, (size - 1) >> n is the last page's.
    if op == "+":
        return SizeLimit(bias=1)
    less = op == "&" or (op == "-" and any(number > 0 for number in _numbers(right)))
    return SizeLimit(bias=-1) if less and size.bias == 0 else size


def _counted(op: str, unit: Unit) -> tuple[Unit, ...]:
    # What the result is counted in: index >> n counts clusters of pages, index << n bytes.
    if op in ("<<", "*"):
        return ()
    return (CLUSTERS,) if op in (">>", "/") else (unit,)


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
