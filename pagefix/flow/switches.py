"""The mechanisms of the analysis, each of which can be switched off.

Nobody who checks a file system wants that: it is there to prove that each is needed. A
mechanism whose absence changes no fixture and no kernel goes.
"""

from __future__ import annotations

from collections.abc import Iterable

from pagefix.errors import PagefixError

__all__ = ["MECHANISMS", "checked"]

#: What goes when a mechanism is switched off.
MECHANISMS = {
    "branches": "a constant or a null pointer decides a test, so that one side is not run",
    "callbacks": "an unknown function calls what it is handed with the data handed over beside it",
    "clauses": "a branch that swap_activate may forbid is told from others",
    "constants": "constants are handed to callees, where they steer branches",
    "contexts": "a function is run apart for each kind of argument",
    "families": "a hook goes to the tables installed with the entry's own",
    "guards": "a test for the swap cache rules the page out on one branch",
    "identities": "a test of one name of a page is a test of its other names",
    "objects": "contents are kept apart for each object, not for each record",
    "owners": "what a function allocates is named by what it is handed",
    "predicates": "what a helper has tested holds in its caller",
    "ranges": "what is computed from a page's offset is followed",
    "reading-on": "what is stored through a pointer to an unknown object is found in others",
    "refusals": "a clause that swap_activate is seen to keep rules its branch out",
    "regions": "two pointer members into one allocation are two arrays",
    "types": "a void pointer is told apart by the type that it is given",
    "unlock": "a test after unlock_page() shows nothing",
    "wrappers": "an allocation inside a function is another one for each call of it",
}


def checked(names: Iterable[str]) -> frozenset[str]:
    """Return the names as a set.

    :raises PagefixError: if one is no mechanism.
    """
    found = frozenset(names)
    unknown = sorted(found - MECHANISMS.keys())
    if unknown:
        raise PagefixError(
            f"{unknown[0]}: no mechanism of the analysis",
            why="only these can be switched off: " + ", ".join(MECHANISMS),
            remedy="name one of them",
        )
    return found
