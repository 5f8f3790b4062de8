"""The program under check: definitions by name, and types.

In: paths. Out: :class:`Program`, from which files, functions, variables, macros,
records and their members are had by name. Nothing is parsed before it is asked for, and
of a header only what introduces the name.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from pagefix.c import ChunkKind
from pagefix.c.ast import (
    GLOBAL,
    Array,
    Base,
    Call,
    Enumerator,
    Function,
    Global,
    Invocation,
    Name,
    Prototype,
    Record,
    Type,
)
from pagefix.program.discover import discover
from pagefix.program.records import Records
from pagefix.program.shapes import is_plain
from pagefix.program.tree import Tree

__all__ = ["Program", "invoked"]

# So many files of a filesystem see what all of it sees.
_ENOUGH = 8

# Where the VM's own functions on pages are declared.
_WRAPPER_HEADERS = (
    "mm.h",
    "pagemap.h",
    "swap.h",
    "page-flags.h",
    "mm_types.h",
    "mm_inline.h",
    "swapops.h",
    "pagevec.h",
    "huge_mm.h",
    "fs.h",
    "buffer_head.h",
    "cleancache.h",
)


class Program(Records):
    """Files under check with the headers they see, and what they define.

    The parameters are those of :class:`~pagefix.program.files.Files`;
    :meth:`Program.load` finds them.
    """

    @classmethod
    def load(cls, paths: Sequence[str], stdin: bytes | None = None) -> Program:
        """Find the files below the paths.

        :param paths: files, directories, ``-`` for standard input.
        :param stdin: ``bytes``, the text of ``-``; standard input is read without it.
        :raises PagefixError: if a path cannot be read or there is nothing to read.
        """
        tree = Tree.around(paths)
        found = discover(paths, tree)
        if not found.stdin:
            return cls(tree, found.files, found.unread, scripts=found.scripts)
        text = sys.stdin.buffer.read() if stdin is None else stdin
        return cls(tree, found.files, found.unread, text, found.scripts)

    def parts(self) -> tuple[Program, ...]:
        """Return the program by filesystem: each directory of ``fs/`` with its own files alone.

        Files that lie elsewhere are one part. What was read is shared, and not read again.
        """
        files: dict[str, list[str]] = {}
        for path in self.files:
            top, _, below = path.partition("/")
            name, _, inside = below.partition("/")
            files.setdefault(name if top == "fs" and inside else "", []).append(path)
        if len(files) < 2:
            return (self,)
        return tuple(self._part(tuple(each)) for each in files.values())

    def _part(self, files: tuple[str, ...]) -> Program:
        part = copy.copy(self)
        part.files = files
        for each in ("_definers", "_tables"):
            part.__dict__.pop(each, None)
        return part

    # --- definitions by name -----------------------------------------------------

    def functions(
        self, name: str, path: str, *, hidden: bool = False
    ) -> tuple[tuple[str, Function], ...]:
        """Return the definitions of a function that a call in ``path`` may mean.

        Those of the file itself; else those of other checked files that are not static;
        else those of the headers it sees. All variants, both sides of an ``#if``.

        :param hidden: whether also those that it could see if it included more.
        """
        here = self._in_file(name, path, Function)
        if here:
            return here
        checked = tuple(
            (shown, function)
            for shown in self._defining(name)
            if shown != path
            for _, function in self._in_file(name, shown, Function)
            if not function.static
        )
        return checked or self._nearest(name, path, Function, hidden=hidden)

    def bodies(self, name: str) -> Iterator[bytes]:
        """Yield the code of each function of a name in the checked files, comments blanked."""
        for path in self._defining(name):
            unit = self.unit(path)
            for chunk in unit.find(name):
                if chunk.kind is ChunkKind.FUNCTION:
                    yield unit.code[chunk.start : chunk.end]

    def prototype(
        self, name: str, path: str, *, hidden: bool = False
    ) -> tuple[tuple[str, Prototype], ...]:
        """Return the nearest declarations of a function.

        :param hidden: as of :meth:`functions`.
        """
        return self._nearest(name, path, Prototype, hidden=hidden)

    def variable(self, name: str, path: str, *, far: bool = True) -> tuple[tuple[str, Global], ...]:
        """Return the definitions of a variable at file scope, else its nearest declarations.

        :param far: whether all of ``include/`` is searched at last.
        """
        if is_plain(name):
            return ()
        here = self._in_file(name, path, Global)
        if any(item.init is not None or item.static for _, item in here):
            return here
        checked = tuple(
            (shown, item)
            for shown in self._defining(name)
            for _, item in self._in_file(name, shown, Global)
            if item.init is not None and not item.static
        )
        return checked or here or self._nearest(name, path, Global, far=far)

    def enumerator(self, name: str, path: str) -> tuple[tuple[str, Enumerator], ...]:
        """Return the nearest definitions of an enumeration's constant."""
        return self._memoised(path, ("constant", name), lambda: self._enumerator(name, path))

    def callers(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield the places (path, offset) in checked files' code where a name occurs."""
        self.asked.words.add(name)
        key = name.encode("utf-8", "surrogateescape")
        # A pattern that begins with plain text is found much quicker than one that looks behind.
        word = re.compile(re.escape(key) + rb"(?!\w)")
        for path in self.files:
            if key in self.data(path):
                code = self.unit(path).code
                for match in word.finditer(code):
                    before = code[match.start() - 1 : match.start()]
                    if not (before.isalnum() or before == b"_"):
                        yield path, match.start()

    def tables(self, record: str) -> tuple[tuple[str, Global], ...]:
        """Return the variables of a record's type that checked files define with an initializer.

        :param record: ``str``, ``struct address_space_operations``.
        """
        if record not in self._tables:
            words = record.encode().split()
            self.asked.words.add(words[-1].decode())
            form = re.compile(rb"\s+".join(map(re.escape, words)) + rb"\b")
            found = [
                (path, item)
                for path in self.files
                if words[-1] in self.data(path)
                for item in self._items_at(path, form)
                if isinstance(item, Global) and item.init is not None and _is_of(item.type, record)
            ]
            self._tables[record] = tuple(dict.fromkeys(found))
        return self._tables[record]

    def has_symbol(self, name: str) -> bool:
        """Tell whether the tree's headers of the VM declare a function or macro."""
        self.asked.names.add(name)
        key = name.encode()
        for header in _WRAPPER_HEADERS:
            path = "include/linux/" + header
            text = self._store.text(self.tree.disk(path)) if self.tree.root is not None else None
            if text is not None and key in text.defines:
                return True
            if text is not None and key in text.names and self.unit(path).find(name):
                return True
        return False

    def vm_code(self, name: str) -> list[bytes]:
        """Return the definitions of a function or macro in the VM's headers, comments blanked."""
        self.asked.names.add(name)
        if self.tree.root is None:
            return []
        found = []
        for header in _WRAPPER_HEADERS:
            path = "include/linux/" + header
            text = self._store.text(self.tree.disk(path))
            if text is None or name.encode() not in text.data:
                continue
            unit = self.unit(path)
            found += [
                unit.code[chunk.start : chunk.end]
                for chunk in unit.find(name)
                if chunk.kind in (ChunkKind.FUNCTION, ChunkKind.DEFINE)
            ]
        return found

    def declares(self, name: str) -> bool:
        """Tell whether any header that the checked files could see declares a function or macro.

        Of many files the first ones speak for all.
        """
        return self.has_symbol(name) or any(
            self.functions(name, path, hidden=True)
            or self.macro(name, path, hidden=True)
            or self.prototype(name, path, hidden=True)
            for path in self.files[:_ENOUGH]
        )

    def invocations(self, path: str) -> tuple[tuple[str, Call], ...]:
        """Return the macros that a file uses at file scope, as calls."""
        return self._memoised(path, ("invocations", ""), lambda: self._invocations(path))

    def invocations_naming(self, name: str, path: str) -> Iterator[tuple[str, Call]]:
        """Yield the macros that a file uses at file scope with a name; no others are read."""
        key = name.encode("utf-8", "surrogateescape")
        return self._invoked(path, lambda code: key in code)

    def _invocations(self, path: str) -> tuple[tuple[str, Call], ...]:
        return tuple(self._invoked(path, lambda code: True))

    def _invoked(self, path: str, asked: Callable[[bytes], bool]) -> Iterator[tuple[str, Call]]:
        unit = self.unit(path)
        for chunk in unit.chunks:
            if chunk.kind not in (ChunkKind.CALL, ChunkKind.VARIABLE, ChunkKind.OTHER):
                continue
            code = unit.code[chunk.start : chunk.end]
            if (chunk.kind is ChunkKind.CALL or b"(" in code) and asked(code):
                for item in unit.items(chunk):
                    if isinstance(item, Invocation):
                        yield path, invoked(item)

    def leave_out(self, path: str) -> None:
        """Take a file that cannot be read from those under check."""
        self.files = tuple(each for each in self.files if each != path)
        self.scripts = tuple(each for each in self.scripts if each != path)

    # --- look-up ---------------------------------------------------------------------

    def _enumerator(self, name: str, path: str) -> tuple[tuple[str, Enumerator], ...]:
        self.asked.names.add(name)
        key = name.encode("utf-8", "surrogateescape")
        form = re.compile(rb"[\s{,]" + re.escape(key) + rb"\s*[=,}/\n]")
        for text in self._texts(path, far=False):
            if text.has_constants and key in text.data and form.search(text.data):
                shown = self._show(text)
                found = self._named(shown, name)
                constants = tuple((shown, item) for item in found if isinstance(item, Enumerator))
                if constants:
                    return constants
        return ()

    @cached_property
    def _tables(self) -> dict[str, tuple[tuple[str, Global], ...]]:
        return {}

    @cached_property
    def _definers(self) -> dict[bytes, list[str]]:
        # Checked files by the names that they may define.
        found: dict[bytes, list[str]] = {}
        for path in self.files:
            for key in self._names(path):
                found.setdefault(key, []).append(path)
        return found

    def _defining(self, name: str) -> list[str]:
        self.asked.names.add(name)
        return self._definers.get(name.encode("utf-8", "surrogateescape"), [])


def invoked(item: Invocation) -> Call:
    """Return a macro's use at file scope as the call that it looks like."""
    name = Name(item.at, item.at + len(item.name), item.name, GLOBAL)
    return Call(item.start, item.end, name, item.args)


def _is_of(type_: Type, record: str) -> bool:
    # Whether a variable's type is the record, or an array of it.
    if isinstance(type_, Array):
        return _is_of(type_.of, record)
    return isinstance(type_, Base | Record) and type_.name == record
