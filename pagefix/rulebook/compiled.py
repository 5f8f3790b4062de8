"""Checked rules, kept from one run to the next.

The texts of the rules are read in every run; what is kept is what came of each, under its path,
its text and the text of the modules that made it. Another text is checked again.

Floor 3.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from pagefix import reads
from pagefix.cache import Store, key_of, pack, unpack
from pagefix.rulebook.schema import Rule

__all__ = ["Compiled"]

# What a rule is made with.
_MAKERS = ("pagefix.rulebook", "pagefix.c", "tree_sitter", "tree_sitter_c")
_ENDS = (".py", ".so", ".pyd")


class Compiled:
    """The rules that are kept of some folders.

    :param store: where they are kept.
    """

    def __init__(self, store: Store, folders: Iterable[str]) -> None:
        self._store = store
        self._key = key_of(rules=list(folders), made_with=_made_with())
        self._kept = self._found()
        self._used: dict[bytes, Rule] = {}

    def _found(self) -> dict[bytes, Rule]:
        data = self._store.get(self._key)
        try:
            found = unpack(data) if data is not None else {}
        except Exception:
            # Bytes that are no rules, whoever has put them there: they are made now.
            return {}
        return found if isinstance(found, dict) else {}

    def find(self, path: str, text: str) -> Rule | None:
        """Return the rule that was made of a text."""
        rule = self._kept.get(_name(path, text))
        if not isinstance(rule, Rule):
            return None
        self._used[_name(path, text)] = rule
        return rule

    def add(self, path: str, text: str, rule: Rule) -> None:
        """Note what came of a text."""
        self._used[_name(path, text)] = rule

    def keep(self) -> None:
        """Keep the rules of this run, unless all of them are."""
        if self._used.keys() != self._kept.keys():
            self._store.put(self._key, "rules", pack(self._used))


def _name(path: str, text: str) -> bytes:
    return reads.digest(f"{path}\0{text}".encode("utf-8", "surrogateescape"))


def _made_with() -> bytes:
    # Read, not asked for their times: an answer that comes of kept rules rests on these texts,
    # and the log of what it rests on must hold them though the modules are not imported.
    return reads.digest(b"".join(reads.digest(reads.read(path)) for path in _modules()))


def _modules() -> Iterator[str]:
    for name in _MAKERS:
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            for entry in reads.entries(folder):
                if entry.name.endswith(_ENDS):
                    yield os.path.join(folder, entry.name)
