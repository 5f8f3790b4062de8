"""The program under check: definitions by name, and types.

In: paths. Out: :class:`Program`, from which files, functions, variables, macros,
records and their members are had by name. Nothing is parsed before it is asked for, and
of a header only what introduces the name.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pagefix.c import ChunkKind
from pagefix.c.ast import (
    GLOBAL,
    Array,
    Base,
    Call,
    Enumerator,
    Field,
    Function,
    Global,
    Init,
    InitList,
    Invocation,
    Macro,
    Name,
    Prototype,
    Record,
    Type,
    Typedef,
)
from pagefix.finding import Unread
from pagefix.program.discover import discover
from pagefix.program.files import Files
from pagefix.program.shapes import find_member, is_plain, owned, records_in, tag, typedef_of
from pagefix.program.tree import Tree

__all__ = ["Program", "invoked"]

_T = TypeVar("_T", Function, Prototype, Global, Macro, Typedef)
_V = TypeVar("_V")

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
# A typedef that leads further than this leads in a circle.
_TYPEDEFS = 20


class Program(Files):
    """Files under check with the headers they see, and what they define.

    The parameters are those of :class:`~pagefix.program.files.Files`;
    :meth:`Program.load` finds them.
    """

    def __init__(
        self,
        tree: Tree,
        files: dict[str, str],
        unread: Sequence[Unread] = (),
        stdin: bytes | None = None,
        scripts: dict[str, str] | None = None,
    ) -> None:
        super().__init__(tree, files, unread, stdin, scripts)
        self._memo: dict[str, dict[tuple[str, str], Any]] = {}
        self._stripped: dict[str, dict[str, Type]] = {}
        self._definers: dict[bytes, list[str]] | None = None
        self._tables: dict[str, tuple[tuple[str, Global], ...]] = {}

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

    # --- definitions by name -----------------------------------------------------

    def functions(self, name: str, path: str) -> tuple[tuple[str, Function], ...]:
        """Return the definitions of a function that a call in ``path`` may mean.

        Those of the file itself; else those of other checked files that are not static;
        else those of the headers it sees. All variants, both sides of an ``#if``.
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
        return checked or self._nearest(name, path, Function)

    def bodies(self, name: str) -> Iterator[bytes]:
        """Yield the code of each function of a name in the checked files, comments blanked."""
        for path in self._defining(name):
            unit = self.unit(path)
            for chunk in unit.find(name):
                if chunk.kind is ChunkKind.FUNCTION:
                    yield unit.code[chunk.start : chunk.end]

    def prototype(self, name: str, path: str) -> tuple[tuple[str, Prototype], ...]:
        """Return the nearest declarations of a function."""
        return self._nearest(name, path, Prototype)

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

    def macro(self, name: str, path: str) -> tuple[tuple[str, Macro], ...]:
        """Return the nearest definitions of a macro."""
        return self._nearest(name, path, Macro)

    def near_macros(self, name: str, path: str) -> tuple[tuple[str, Macro], ...]:
        """Return the definitions of a name that is a macro where ``path`` sees it.

        Unlike :meth:`macro` it does not search all of ``include/`` at last, and asking
        it of functions is cheap.
        """
        if not self._may_be_macro(name, path):
            return ()
        return self._memoised(path, ("near", name), lambda: self._near(name, path))

    def enumerator(self, name: str, path: str) -> tuple[tuple[str, Enumerator], ...]:
        """Return the nearest definitions of an enumeration's constant."""
        return self._memoised(path, ("constant", name), lambda: self._enumerator(name, path))

    def callers(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield the places (path, offset) in checked files' code where a name occurs."""
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
        """Tell whether any header that the checked files see declares a function or macro.

        Of many files the first ones speak for all.
        """
        return self.has_symbol(name) or any(
            self.functions(name, path) or self.macro(name, path) or self.prototype(name, path)
            for path in self.files[:_ENOUGH]
        )

    # --- types ---------------------------------------------------------------------

    def record(self, name: str, path: str) -> tuple[Record, ...]:
        """Return the definitions of ``struct foo``, or of the record that a typedef names."""
        if tag(name):
            return self._memoised(path, ("record", name), lambda: self._record(name, path))
        type_ = self.strip(Base(name), path)
        if isinstance(type_, Record):
            return (type_,)
        return self.record(type_.name, path) if isinstance(type_, Base) and tag(type_.name) else ()

    def strip(self, type_: Type, path: str) -> Type:
        """Return the type that a typedef's name stands for; any other type as it is.

        A tag that is a macro for another one (``#define old new``) becomes that one.
        """
        if not isinstance(type_, Base):
            return type_
        known = self._stripped.setdefault(path, {})
        found = known.get(type_.name)
        if found is None:
            found = known[type_.name] = self._strip(type_, path)
        return found

    def _strip(self, type_: Type, path: str) -> Type:
        for _ in range(_TYPEDEFS):
            if not isinstance(type_, Base):
                return type_
            if tag(type_.name):
                return self._retagged(type_, path)
            if is_plain(type_.name):
                return type_
            found = self._nearest(type_.name, path, Typedef)
            if not found:
                return type_
            type_ = owned(found[0][1].type, type_.name)
        return type_

    def _retagged(self, type_: Base, path: str) -> Base:
        word, _, label = type_.name.rpartition(" ")
        for _, macro in self.near_macros(label, path):
            if macro.params is None and isinstance(macro.body, Name):
                return Base(f"{word} {macro.body.name}")
        return type_

    def member(self, type_: Type, field: str, path: str) -> Type | None:
        """Return the type of a member of a record type; ``None`` if it is not found."""
        type_ = self.strip(type_, path)
        if isinstance(type_, Record) and type_.fields:
            return find_member(type_, field, lambda name: self.record(name, path))
        if isinstance(type_, Base | Record):
            for record in self.record(type_.name, path):
                found = find_member(record, field, lambda name: self.record(name, path))
                if found is not None:
                    return found
        return None

    def fields(self, type_: Type, path: str) -> tuple[Field, ...]:
        """Return the members of a record type as they are written, of all its definitions."""
        type_ = self.strip(type_, path)
        if isinstance(type_, Record) and type_.fields:
            return type_.fields
        if not isinstance(type_, Base | Record) or is_plain(type_.name):
            return ()
        return tuple(field for record in self.record(type_.name, path) for field in record.fields)

    def slots(self, item: Global, path: str) -> dict[str, Init]:
        """Return what an initializer sets, by member; without designator in the record's order."""
        if not isinstance(item.init, InitList):
            return {}
        names = [field.name for field in self.fields(item.type, path)]
        found: dict[str, Init] = {}
        position = 0
        for init in self.initializers(item.init, path):
            slot = init.designators[0].field if init.designators else None
            if slot is None and not init.designators and position < len(names):
                slot = names[position]
            if slot is not None:
                position = names.index(slot) + 1 if slot in names else position + 1
                found[slot] = init
        return found

    def initializers(self, init: InitList, path: str) -> Iterator[Init]:
        """Yield the members of an initializer, those among them that a macro's name stands for.

        What a macro writes lies where the macro is used.
        """
        for each in init.items:
            macros: tuple[tuple[str, Macro], ...] = ()
            if isinstance(each.value, Name) and not each.designators:
                macros = self.near_macros(each.value.name, path)
            body = macros[0][1].body if macros else None
            if isinstance(body, InitList):
                for inner in body.items:
                    if isinstance(inner.value, Name):
                        value = inner.value._replace(start=each.value.start, end=each.value.end)
                        inner = inner._replace(value=value)
                    yield inner
            else:
                yield each

    def invocations(self, path: str) -> tuple[tuple[str, Call], ...]:
        """Return the macros that a file uses at file scope, as calls."""
        return self._memoised(path, ("invocations", ""), lambda: self._invocations(path))

    def _invocations(self, path: str) -> tuple[tuple[str, Call], ...]:
        unit = self.unit(path)
        return tuple(
            (path, invoked(item))
            for chunk in unit.chunks
            if chunk.kind is ChunkKind.CALL or b"(" in unit.code[chunk.start : chunk.end]
            if chunk.kind in (ChunkKind.CALL, ChunkKind.VARIABLE, ChunkKind.OTHER)
            for item in unit.items(chunk)
            if isinstance(item, Invocation)
        )

    def leave_out(self, path: str) -> None:
        """Take a file that cannot be read from those under check."""
        self.files = tuple(each for each in self.files if each != path)
        self.scripts = tuple(each for each in self.scripts if each != path)

    # --- look-up ---------------------------------------------------------------------

    def release(self, path: str) -> None:
        """Forget what was read of a file: it can be had again."""
        super().release(path)
        self._memo.pop(path, None)
        self._stripped.pop(path, None)

    def memo(self, what: str, path: str, macro: Macro, during: _V, make: Callable[[], _V]) -> _V:
        """Return what was made of a macro before, or make it now.

        :param during: what a macro that leads to itself finds.
        """
        key = (what, f"{macro.name} {macro.at}")
        known = self._memo.setdefault(path, {})
        if key not in known:
            known[key] = during
            try:
                known[key] = make()
            except RecursionError:
                # Half an answer must not stand for the whole.
                del known[key]
                raise
        return known[key]  # type: ignore[no-any-return]

    def _memoised(self, path: str, key: tuple[str, str], make: Callable[[], _V]) -> _V:
        known = self._memo.setdefault(path, {})
        if key not in known:
            known[key] = make()
        return known[key]  # type: ignore[no-any-return]

    def _near(self, name: str, path: str) -> tuple[tuple[str, Macro], ...]:
        key = name.encode("utf-8", "surrogateescape")
        for text in self._texts(path, far=False):
            if key in text.defines:
                shown = self._show(text)
                found = self._named(shown, name)
                return tuple((shown, item) for item in found if isinstance(item, Macro))
        return ()

    def _in_file(self, name: str, path: str, kind: type[_T]) -> tuple[tuple[str, _T], ...]:
        return tuple((path, item) for item in self.own(name, path) if isinstance(item, kind))

    def _nearest(
        self, name: str, path: str, kind: type[_T], *, far: bool = True
    ) -> tuple[tuple[str, _T], ...]:
        key = (kind.__name__ if far else f"near {kind.__name__}", name)
        return self._memoised(path, key, lambda: self._nearest_now(name, path, kind, far))

    def _nearest_now(
        self, name: str, path: str, kind: type[_T], far: bool
    ) -> tuple[tuple[str, _T], ...]:
        form = typedef_of(name) if kind.__name__ == Typedef.__name__ else None
        for shown, items in self.introductions(name, path, far=far, form=form):
            found = tuple((shown, item) for item in items if isinstance(item, kind))
            if found:
                return found
        return ()

    def _enumerator(self, name: str, path: str) -> tuple[tuple[str, Enumerator], ...]:
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

    def _record(self, name: str, path: str) -> tuple[Record, ...]:
        word, label = name.encode("utf-8", "surrogateescape").split(b" ", 1)
        between = rb"[^;{}()=,*\[]*?"
        form = re.compile(
            word + rb"\s" + between + rb"\b" + re.escape(label) + rb"\b" + between + rb"\{"
        )
        for text in self._texts(path):
            if text.may_define(name):
                found = [
                    record
                    for item in self._items_at(self._show(text), form)
                    for record in records_in(item, name)
                    if record.fields
                ]
                if found:
                    return tuple(dict.fromkeys(found))
        return ()

    def _defining(self, name: str) -> list[str]:
        # Checked files that may define a name.
        if self._definers is None:
            self._definers = {}
            for path in self.files:
                for key in self._names(path):
                    self._definers.setdefault(key, []).append(path)
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
