"""Which functions there are, and which of them mention a name: asked of the text alone.

A contract check wants a few functions of a large directory. They are found by one pass
over the code; only what lies on a path is parsed.

Beyond the files under check lies the shared code of the tree (``fs/*.c``, ``fs/iomap``,
``mm``): a guard there counts, so it is searched for the names of guards.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from pagefix import reads
from pagefix.c import ChunkKind, ast
from pagefix.contract.capability import members
from pagefix.program import Program

__all__ = ["FEW", "Sources"]

_CALL = re.compile(rb"\b([A-Za-z_]\w*+)[ \t\n]*+\(")
_HEAD = re.compile(rb"^(?:[A-Za-z_][\w \t*]*[ \t*])?([A-Za-z_]\w*)\(", re.M)
_STORED = re.compile(rb"\n[ \t]*\.(\w+)[ \t]*=[ \t]*&?([A-Za-z_]\w*)[ \t]*(?=[,}\n])")
#: A call through a slot is followed where no more functions are put into it.
FEW = 4
#: A function with more callers than this is no step of a role's path.
_MANY = 24
_SHARED = ("fs", "fs/iomap", "mm")
_KEYWORDS = frozenset(b"if while for switch return sizeof defined do else".split())


class Joined:
    """Some texts as one: a name that is in none of them is found out by one search."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._paths = list(texts)
        self._text = b"\0".join(texts.values())
        self._ends: list[int] = []
        end = -1
        for each in texts.values():
            end += len(each) + 1
            self._ends.append(end)

    def having(self, key: bytes) -> Iterator[str]:
        """Yield the paths of the texts that have something in them."""
        at = self._text.find(key)
        while at >= 0:
            index = bisect_right(self._ends, at)
            yield self._paths[index]
            at = self._text.find(key, self._ends[index])


class Sources:
    """The functions of a program and of the shared code around it, by name."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._starts: dict[str, list[int]] = {}
        self._names: dict[str, list[str]] = {}
        self._callers: dict[str, set[str]] | None = None
        self._defined: dict[str, tuple[tuple[str, ast.Function], ...]] = {}
        self._files = frozenset(program.files)
        self._held: dict[tuple[str, str, bool], set[str]] = {}
        self._shared: dict[str, bytes] | None = None
        self._stored: dict[str, set[str]] | None = None
        self._methods: dict[str, list[tuple[str, str]]] = {}
        self._introduced: dict[str, list[str]] | None = None
        self._blob: Joined | None = None
        self._checked: Joined | None = None
        self._used: dict[str, bool] = {}
        self._tables: dict[tuple[str, int], dict[str, ast.Expr]] = {}
        self._headed: dict[bytes, list[str]] | None = None
        self._homes: dict[str, str | None] = {}
        self._shared_above: dict[str, set[str]] = {}

    # --- where a name stands ------------------------------------------------------

    def holders(self, name: str, form: str = "", *, shared: bool = False) -> set[str]:
        """Return the functions and macros whose text mentions a name.

        :param form: how it must stand there: a regular expression with ``{}`` for the name.
        :param shared: whether the tree's shared code is searched too.
        """
        key = (name, form, shared)
        if key not in self._held:
            found = set(self._holding(self._checked_text(), name, form))
            if shared:
                found.update(self._holding(self._shared_text(), name, form))
            self._held[key] = found
        return self._held[key]

    def _holding(self, texts: Joined, name: str, form: str) -> Iterator[str]:
        key = name.encode()
        pattern = re.compile(form.replace("{}", re.escape(name)).encode()) if form else None
        for path in texts.having(key):
            code = self._code(path)
            if pattern is not None:
                places: Iterable[int] = _formed(code, key, pattern)
            else:
                places = _words(code, key)
            for at in places:
                holder = self._around(path, at)
                if holder and holder != name:
                    yield holder

    def _code(self, path: str) -> bytes:
        # Shared code is searched as it is: what a comment mentions there does no harm.
        data = self._shared_files().get(path)
        return self.program.unit(path).code if data is None else data

    def _checked_text(self) -> Joined:
        if self._checked is None:
            self._checked = Joined({path: self.program.data(path) for path in self.program.files})
        return self._checked

    def _shared_text(self) -> Joined:
        if self._blob is None:
            self._blob = Joined(self._shared_files())
        return self._blob

    def defines(self, name: str) -> bool:
        """Tell whether the code of the files under check uses a name at all."""
        if name not in self._used:
            key = name.encode()
            self._used[name] = any(
                next(_words(self.program.unit(path).code, key), None) is not None
                for path in self._checked_text().having(key)
            )
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
                callers = self._calling(name)
                above |= callers
                for slot in self._slots().get(name, ()):
                    above |= self._calling(slot)
                if shared:
                    above |= self._shared_callers(name)
            # What everybody calls (a commit) is machinery: it does not do what one asks.
            fresh = {each for each in above - found if len(self._calling(each)) <= _MANY}
            if not fresh:
                break
            found |= fresh
        return found

    def _slots(self) -> dict[str, set[str]]:
        # The slots of tables that a function is put into, if few share them.
        if self._stored is None:
            by_slot: dict[str, set[tuple[str, str]]] = {}
            for path in self.program.files:
                for slot, name in _STORED.findall(self.program.data(path)):
                    by_slot.setdefault(slot.decode(), set()).add((path, name.decode()))
            self._methods = {slot: sorted(found) for slot, found in by_slot.items()}
            self._stored = {}
            for slot, found in by_slot.items():
                if len(found) <= FEW:
                    for _, name in found:
                        self._stored.setdefault(name, set()).add(slot)
        return self._stored

    def members(self, path: str, item: ast.Global) -> dict[str, ast.Expr]:
        """Return what a table's initializer puts into its slots."""
        key = (path, item.start)
        if key not in self._tables:
            self._tables[key] = members(self.program, path, item)
        return self._tables[key]

    def methods(self, slot: str) -> list[tuple[str, str]]:
        """Return the functions that tables under check have in a slot, each with its file."""
        self._slots()
        return self._methods.get(slot, [])

    def _calling(self, name: str) -> set[str]:
        if self._callers is None:
            self._callers = {}
            for path in self.program.files:
                for holder, callee in self._calls(path):
                    self._callers.setdefault(callee, set()).add(holder)
        return self._callers.get(name, set())

    def _calls(self, path: str) -> Iterator[tuple[str, str]]:
        self._scan(path)
        starts, names = self._starts[path], self._names[path]
        code = self.program.unit(path).code
        for name, (start, end) in zip(names, pairwise([*starts, len(code)]), strict=True):
            if name:
                for word in set(_CALL.findall(code, start, end)) - _KEYWORDS:
                    yield name, word.decode()

    def _shared_callers(self, name: str) -> set[str]:
        # Shared code calls what shared code defines: one more search there, kept short.
        if name not in self._shared_above:
            home = self.home(name)
            found: set[str] = set()
            if home is not None:
                # What is static is called in its own file alone.
                texts = self._alone(home) if self._is_static(name, home) else self._shared_text()
                found = {each for each in self._holding(texts, name, "") if self.home(each)}
            self._shared_above[name] = found
        return self._shared_above[name]

    def _is_static(self, name: str, path: str) -> bool:
        starts, names = self._starts[path], self._names[path]
        at = starts[names.index(name)]
        return self._shared_files()[path].startswith(b"static", at)

    def _alone(self, path: str) -> Joined:
        return Joined({path: self._shared_files()[path]})

    def _scan(self, path: str) -> None:
        if path in self._starts:
            return
        starts: list[int] = []
        names: list[str] = []
        data = self._shared_files().get(path)
        if data is not None:
            for match in _HEAD.finditer(data):
                if _opens(data, match.end()):
                    starts.append(match.start())
                    names.append(match[1].decode())
            self._starts[path], self._names[path] = starts, names
            return
        for chunk in self.program.unit(path).chunks:
            wanted = chunk.kind in (ChunkKind.FUNCTION, ChunkKind.DEFINE)
            if chunk.kind is ChunkKind.DEFINE and starts and chunk.start < starts[-1]:
                continue
            starts.append(chunk.start)
            names.append(chunk.names[0] if wanted and chunk.names else "")
        self._starts[path], self._names[path] = starts, names

    def _around(self, path: str, offset: int) -> str | None:
        self._scan(path)
        at = bisect_right(self._starts[path], offset) - 1
        return self._names[path][at] or None if at >= 0 else None

    # --- shared code ----------------------------------------------------------------

    def _shared_files(self) -> dict[str, bytes]:
        if self._shared is None:
            self._shared = {}
            tree = self.program.tree
            if tree.root is not None:
                for folder in _SHARED:
                    self._shared.update(self._folder(folder))
        return self._shared

    def _folder(self, folder: str) -> Iterator[tuple[str, bytes]]:
        disk = self.program.tree.disk(folder)
        try:
            names = [name for name in reads.names(disk) if name.endswith(".c")]
        except OSError:
            return
        for name in names:
            shown = f"{folder}/{name}"
            if shown in self._files:
                continue
            try:
                data = reads.read(os.path.join(disk, name))
            except OSError:
                continue
            if b"\0" not in data:
                yield shown, data

    def home(self, name: str) -> str | None:
        """Return the shared file that defines a function, ``None`` if none does."""
        if name not in self._homes:
            here = name not in self._introducing()
            self._homes[name] = self._found_home(name) if here else None
        return self._homes[name]

    def _heads(self) -> dict[bytes, list[str]]:
        # What stands before a parenthesis on a line that begins in the first column: of the
        # shared code only what is asked for is read.
        if self._headed is None:
            self._headed = {}
            for path, data in self._shared_files().items():
                for name in _HEAD.findall(data):
                    self._headed.setdefault(name, []).append(path)
        return self._headed

    def _found_home(self, name: str) -> str | None:
        for path in dict.fromkeys(self._heads().get(name.encode(), ())):
            self._scan(path)
            if name in self._names[path]:
                return path
        return None

    def vfs_callers(self, slot: str) -> set[str]:
        """Return the functions of the VFS that call a method through its slot."""
        form = re.compile(rb"->[ \t\n]*" + re.escape(slot.encode()) + rb"[ \t\n]*\(")
        found = set()
        for path in self._shared_text().having(b"->" + slot.encode()):
            for match in form.finditer(self._code(path)):
                holder = self._around(path, match.start())
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
        places = self._introducing().get(name, ())
        if path in places:
            return self.program.functions(name, path)
        elsewhere = tuple(
            (shown, function)
            for shown in places
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

    def _introducing(self) -> dict[str, list[str]]:
        # The files under check that define a function.
        if self._introduced is None:
            self._introduced = {}
            for path in self.program.files:
                for chunk in self.program.unit(path).chunks:
                    if chunk.kind is ChunkKind.FUNCTION:
                        for name in chunk.names:
                            files = self._introduced.setdefault(name, [])
                            if not files or files[-1] != path:
                                files.append(path)
        return self._introduced


def _opens(data: bytes, at: int) -> bool:
    # Whether a body follows: a prototype, or a macro, ends before one begins.
    brace = data.find(b"{", at)
    end = data.find(b";", at, brace) if brace >= 0 else 0
    return end < 0


def _words(code: bytes, key: bytes) -> Iterator[int]:
    # Where a word stands: much quicker than a pattern that looks behind.
    at = code.find(key)
    while at >= 0:
        end = at + len(key)
        if not (_is_word(code[at - 1 : at]) or _is_word(code[end : end + 1])):
            yield at
        at = code.find(key, end)


def _formed(code: bytes, key: bytes, form: re.Pattern[bytes]) -> Iterator[int]:
    # Where a word stands in its form: looked at from its line to the end of its statement,
    # for the form at every place of a text would take long.
    for at in _words(code, key):
        end = code.find(b";", at) + 1
        match = form.search(code, code.rfind(b"\n", 0, at) + 1, end or len(code))
        if match is not None:
            yield match.start()


def _is_word(char: bytes) -> bool:
    return char.isalnum() or char == b"_"
