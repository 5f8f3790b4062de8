"""Which functions there are, and which of them mention a name: asked of the text alone.

A contract check wants a few functions of a large directory. They are found by one pass
over the code; only what lies on a path is parsed.

Beyond the files under check lies the shared code of the tree
(:mod:`pagefix.contract.shared`), which is searched for the names of guards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from pagefix.c import ChunkKind, ast
from pagefix.contract.shared import Shared
from pagefix.contract.texts import Joined, Outline, drows, named, places, words
from pagefix.program import Program

__all__ = ["FEW", "Sources"]

_NOBODY: set[str] = set()
_STORED = re.compile(rb"\n[ \t]*\.(\w+)[ \t]*=[ \t]*&?([A-Za-z_]\w*)[ \t]*(?=[,}\n])")
#: A call through a slot is followed where no more functions are put into it.
FEW = 4
#: A function with more callers than this is no step of a role's path.
_MANY = 24


class Sources:
    """The functions of a program and of the shared code around it, by name.

    :param entries: functions of shared code that lead to a role.
    """

    def __init__(self, program: Program, entries: Iterable[str] = ()) -> None:
        self.program = program
        self._entries = sorted(set(entries))
        self._shared = Shared(program)
        self._outlines: dict[str, Outline] = {}
        self._defined: dict[str, tuple[tuple[str, ast.Function], ...]] = {}
        self._held: dict[tuple[str, str], set[str]] = {}
        self._shared_held: dict[tuple[str, str], set[str]] = {}
        self._used: dict[str, bool] = {}

    # --- where a name stands ------------------------------------------------------

    def holders(self, name: str, form: str = "", *, shared: bool = False) -> set[str]:
        """Return the functions and macros whose text mentions a name.

        :param form: how it must stand there: a regular expression with ``{}`` for the name.
        :param shared: whether the tree's shared code is searched too.
        """
        key = (name, form)
        if key not in self._held:
            asked = self.program.asked
            (asked.words if form else asked.mentioned).add(name)
            self._held[key] = {
                holder
                for path in self._checked.having(name.encode())
                for at in _found(self.program.unit(path).code, name, form)
                if (holder := self._outline(path).around(at)) and holder != name
            }
        return self._held[key] | self._shared_holders(name, form) if shared else self._held[key]

    @cached_property
    def _checked(self) -> Joined:
        return Joined({path: self.program.data(path) for path in self.program.files})

    def places(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield the places (path, offset) in checked files' code where a name occurs."""
        self.program.asked.words.add(name)
        key = name.encode()
        for path in self._checked.having(key):
            for at in words(self.program.unit(path).code, key):
                yield path, at

    def defines(self, name: str) -> bool:
        """Tell whether the code of the files under check uses a name at all."""
        if name not in self._used:
            self._used[name] = next(self.places(name), None) is not None
        return self._used[name]

    def closure(self, names: Iterable[str], depth: int, *, shared: bool = False) -> set[str]:
        """Return the functions that lead to one of ``names`` by calls, and those themselves."""
        found = set(names)
        # What everybody calls is no step of a role, also where it is what is looked for.
        few = {each for each in found if len(self._calling(each)) <= _MANY}
        fresh = few or set(found)
        for _ in range(depth):
            above: set[str] = set()
            for name in fresh:
                above |= self._calling(name)
                for slot in self._slots.get(name, ()):
                    above |= self._calling(slot)
                if shared:
                    above |= self._shared_callers(name)
            # What everybody calls (a commit) is machinery: it does not do what one asks.
            fresh = {each for each in above - found if len(self._calling(each)) <= _MANY}
            if not fresh:
                break
            found |= fresh
        return found

    @cached_property
    def _methods(self) -> dict[str, list[tuple[str, str]]]:
        # By slot, what the tables of each file have in it.
        found: dict[str, set[tuple[str, str]]] = {}
        self.program.asked.forms.add(_STORED.pattern)
        for path in self.program.files:
            for slot, name in _STORED.findall(self.program.data(path)):
                found.setdefault(slot.decode(), set()).add((path, name.decode()))
        return {slot: sorted(each) for slot, each in found.items()}

    @cached_property
    def _slots(self) -> dict[str, set[str]]:
        # The slots of tables that a function is put into, if few share them.
        slots: dict[str, set[str]] = {}
        for slot, methods in self._methods.items():
            for _, name in methods if len(methods) <= FEW else ():
                slots.setdefault(name, set()).add(slot)
        return slots

    def methods(self, slot: str) -> list[tuple[str, str]]:
        """Return the functions that tables under check have in a slot, each with its file."""
        return self._methods.get(slot, [])

    def _calling(self, name: str) -> set[str]:
        self.program.asked.mentioned.add(name)
        return self._callers.get(name, _NOBODY)

    @cached_property
    def _callers(self) -> dict[str, set[str]]:
        callers: dict[bytes, set[str]] = {}
        for path in self.program.files:
            for holder, called in drows(self.program.unit(path).code, self._outline(path)):
                for drow in called:
                    callers.setdefault(drow, set()).add(holder)
        return {name: callers[drow] for name, drow in named(callers).items()}

    def _shared_callers(self, name: str) -> set[str]:
        # Shared code calls what shared code defines.
        home = self.home(name)
        if home is None:
            return _NOBODY
        found = self._shared_holders(name, "")
        if self._shared.is_static(name):
            return {each for each in found if self.home(each) == home}
        return found

    @cached_property
    def _reached(self) -> Joined:
        # Of shared code only what a path of a role can come to.
        self.program.asked.mentioned.update(self._shared.defined)
        self.program.asked.names.update(self._shared.defined)
        methods = {name for found in self._methods.values() for _, name in found}
        called = [*self._entries, *self._callers, *sorted(methods)]
        return Joined(self._shared.reached(called, self._introducing))

    def _shared_holders(self, name: str, form: str) -> set[str]:
        key = (name, form)
        if key not in self._shared_held:
            self._shared_held[key] = {
                holder
                for holder in self._reached.having(name.encode())
                if holder != name
                and next(_found(self._reached.texts[holder], name, form), None) is not None
            }
        return self._shared_held[key]

    def _outline(self, path: str) -> Outline:
        known = self._outlines.get(path)
        if known is None:
            known = self._outlines[path] = self._scan(path)
        return known

    def _scan(self, path: str) -> Outline:
        outline = Outline([], [])
        starts, names = outline
        for chunk in self.program.unit(path).chunks:
            wanted = chunk.kind in (ChunkKind.FUNCTION, ChunkKind.DEFINE)
            if chunk.kind is ChunkKind.DEFINE and starts and chunk.start < starts[-1]:
                continue
            starts.append(chunk.start)
            names.append(chunk.names[0] if wanted and chunk.names else "")
        return outline

    # --- shared code ----------------------------------------------------------------

    def home(self, name: str) -> str | None:
        """Return the shared file that defines a function, ``None`` if none does."""
        self.program.asked.names.add(name)
        return None if name in self._introducing else self._shared.home(name)

    def vfs_callers(self, slot: str) -> set[str]:
        """Return the functions of the VFS that call a method through its slot."""
        form = re.compile(rb"->[ \t\n]*" + re.escape(slot.encode()) + rb"[ \t\n]*\(")
        found = set()
        for path in self._shared.text.having(b"->" + slot.encode()):
            for match in form.finditer(self._shared.files[path]):
                holder = self._shared.outlines[path].around(match.start())
                if holder:
                    found.add(holder)
        return found

    # --- definitions ------------------------------------------------------------------

    def functions(self, name: str, path: str) -> tuple[tuple[str, ast.Function], ...]:
        """Return the definitions of a function: under check, in headers, in shared code."""
        key = f"{path}\0{name}"
        if key not in self._defined:
            self._defined[key] = self._definitions(name, path)
        return self._defined[key]

    def _definitions(self, name: str, path: str) -> tuple[tuple[str, ast.Function], ...]:
        self.program.asked.names.add(name)
        defining = self._introducing.get(name, ())
        if path in defining:
            return self.program.functions(name, path)
        elsewhere = tuple(
            (shown, function)
            for shown in defining
            for where, function in self.program.functions(name, shown)
            if where == shown and not function.static
        )
        if elsewhere:
            return elsewhere
        home = self.home(name)
        if home is not None:
            unit = self.program.unit(home)
            items = (item for chunk in unit.find(name) for item in unit.items(chunk))
            return tuple(
                (home, item)
                for item in items
                if isinstance(item, ast.Function) and item.name == name
            )
        # Of the headers only those that the file sees: all of include/ is a long way.
        for shown, found in self.program.introductions(name, path, far=False):
            here = tuple((shown, item) for item in found if isinstance(item, ast.Function))
            if here:
                return here
        return ()

    @cached_property
    def _introducing(self) -> dict[str, list[str]]:
        # The files under check that define a function.
        introduced: dict[str, list[str]] = {}
        for path in self.program.files:
            for chunk in self.program.unit(path).chunks:
                if chunk.kind is ChunkKind.FUNCTION:
                    for name in chunk.names:
                        files = introduced.setdefault(name, [])
                        if not files or files[-1] != path:
                            files.append(path)
        return introduced


def _found(code: bytes, name: str, form: str) -> Iterator[int]:
    if not form:
        return words(code, name.encode())
    pattern = re.compile(form.replace("{}", re.escape(name)).encode())
    return places(code, name.encode(), pattern)
