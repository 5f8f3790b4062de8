"""The files of a program, read when they are asked for.

In: the tree and the files under check. Out: :class:`Files`, which gives bytes and units
by shown path, and finds the files that introduce a name as one file sees it. Headers
are read like the files under check, but only where a name leads to them.

Floor 2: imports only floors 0 and 1, and :mod:`pagefix.program` below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pagefix.asked import Asked
from pagefix.c import Chunk, MacroTable, Unit, read
from pagefix.c.ast import Item
from pagefix.errors import PagefixError
from pagefix.finding import Unread
from pagefix.program.builtin import BUILTIN, builtin
from pagefix.program.discover import STDIN
from pagefix.program.macros import TreeMacros
from pagefix.program.scope import Scopes
from pagefix.program.text import Store, Text
from pagefix.program.tree import Tree
from pagefix.source import SourceFile

__all__ = ["Files"]

# Where standard input is kept among the texts; includes are searched from here.
_STDIN_DISK = "./" + STDIN
# Units of headers beyond this are forgotten, the oldest first.
_UNITS = 600
# What only pagefix's models call.
_OURS = "pagefix_"


class Files:
    """Files under check with the headers they see.

    :param tree: the kernel tree around them.
    :param files: the paths as shown, sorted.
    :param unread: what was found below the paths and is no readable file.
    """

    def __init__(
        self,
        tree: Tree,
        files: dict[str, str],
        unread: Sequence[Unread] = (),
        stdin: bytes | None = None,
        scripts: dict[str, str] | None = None,
    ) -> None:
        self.tree = tree
        self._disk = dict(files)
        if stdin is not None:
            self._disk[STDIN] = _STDIN_DISK
        self.files = tuple(sorted(self._disk))
        self.unread = tuple(unread)
        self.scripts = tuple(sorted(scripts or ()))
        #: What of the files' texts was asked (:class:`~pagefix.asked.Asked`).
        self.asked = Asked()
        self._store = Store()
        self._store.add(builtin())
        self._disk.update(scripts or {})
        self._disk[BUILTIN] = BUILTIN
        self._shown = {disk: shown for shown, disk in self._disk.items()}
        if stdin is not None:
            self._store.add(Text(_STDIN_DISK, stdin))
        self._scopes = Scopes(tree, self._store, [self._disk[path] for path in self.files])
        self.asked.parts = self._scopes.parts
        self._units: dict[str, Unit] = {}
        self._nowhere: dict[str, set[tuple[str, bool, bool]]] = {}
        self._marks: dict[tuple[str, str], bool] = {}

    # --- one file --------------------------------------------------------------

    def disk(self, path: str) -> str:
        """Return the path on disk of a shown path."""
        return self._disk.get(path) or self.tree.disk(path)

    def data(self, path: str) -> bytes:
        """Return the bytes of a file.

        :raises PagefixError: if it cannot be read or is not text.
        """
        text = self._store.text(self.disk(path))
        if text is None:
            raise PagefixError(
                f"{path}: cannot be read",
                why="it is gone, or its permissions forbid it",
                remedy="check the path and its permissions",
            )
        if b"\0" in text.data:
            raise PagefixError(
                f"{path}: not {'Python' if path in self.scripts else 'C'} source",
                why="it holds NUL bytes",
                remedy="leave it out, or convert it to UTF-8",
            )
        return text.data

    def unit(self, path: str) -> Unit:
        """Return a file as the reader sees it.

        :raises PagefixError: as :meth:`data`.
        """
        unit = self._units.get(path)
        if unit is None:
            opened = "" if path == STDIN else self.disk(path)
            source = SourceFile(path, opened, self.data(path))
            unit = read(source, self.macros(path), self.asked.items_of(path))
            while len(self._units) >= _UNITS:
                del self._units[next(iter(self._units))]
            self._units[path] = unit
        return unit

    def source(self, path: str) -> SourceFile:
        """Return a file's text, for those who show it.

        :raises PagefixError: as :meth:`data`.
        """
        unit = self._units.get(path)
        if unit is not None:
            return unit.source
        return SourceFile(path, "" if path == STDIN else self.disk(path), self.data(path))

    def macros(self, path: str) -> MacroTable:
        """Return what a file sees of macros, as the reader asks for it."""
        disk = self.disk(path)
        return TreeMacros(
            lambda name: self._may_be_macro(name, path),
            lambda: self._scopes.texts(disk, far=False),
            self._marks,
        )

    def release(self, path: str) -> None:
        """Forget what was read of a file: it can be had again."""
        self._units.pop(path, None)
        self._nowhere.pop(path, None)
        self._scopes.forget(self.disk(path))

    def mentions(self, path: str, text: bytes, *, ahead: bool = False) -> bool:
        """Tell whether a file of the tree exists and holds a text.

        :param ahead: whether that only spares a search, which will note what it asks.
        """
        if not ahead:
            self.asked.whole.add(path)
        found = self._store.text(self.disk(path))
        return found is not None and text in found.data

    # --- what a file sees --------------------------------------------------------

    def visible(self, path: str, *, far: bool = True) -> Iterator[str]:
        """Yield the files in which a name used in ``path`` is looked for, nearest first.

        :param far: whether all of ``include/`` is among them, at the end.
        """
        return (self._show(text) for text in self._texts(path, far=far))

    def includes(self, path: str) -> frozenset[str]:
        """Return all that a file includes, directly or through others, without itself."""
        found: set[str] = set()
        fresh = [self.disk(path)]
        while fresh:
            for each in self._scopes.includes(fresh.pop()):
                if each not in found:
                    found.add(each)
                    fresh.append(each)
        texts = (self._store.text(each) for each in sorted(found))
        return frozenset(self._show(text) for text in texts if text is not None) - {path}

    def included(self, path: str) -> tuple[str, ...]:
        """Return the names that a file includes, as they are written there."""
        text = self._store.text(self.disk(path))
        return () if text is None else tuple(name for name, _ in text.includes)

    def introductions(
        self,
        name: str,
        path: str,
        *,
        far: bool = True,
        hidden: bool = False,
        form: re.Pattern[bytes] | None = None,
    ) -> Iterator[tuple[str, tuple[Item, ...]]]:
        """Yield each file that introduces a name, nearest first, with what it says of it.

        Functions, variables, typedefs and macros are found; constants and tags of records
        have methods of their own.

        :param hidden: whether also what ``path`` does not see is found: what could be included.
        :param form: what a file must hold to be read for the name.
        """
        key = _key(name)
        self.asked.names.add(name)
        nowhere = self._nowhere.setdefault(path, set())
        if not name or name.startswith(_OURS) or (name, far, hidden) in nowhere:
            return
        for stage in self._scopes.stages(self.disk(path), far=far, hidden=hidden):
            found = False
            for text in stage:
                if text.may_introduce(key) and (form is None or form.search(text.data)):
                    shown = self._show(text)
                    items = self._named(shown, name)
                    if items:
                        found = True
                        yield shown, items
            if found:
                return
        if form is None:
            nowhere.add((name, far, hidden))

    def own(self, name: str, path: str) -> tuple[Item, ...]:
        """Return what a file itself says of a name: see :meth:`introductions`."""
        self.asked.names.add(name)
        text = self._store.text(self.disk(path))
        if not name or text is None or not text.may_introduce(_key(name)):
            return ()
        return self._named(path, name)

    def _texts(self, path: str, *, far: bool = True) -> Iterator[Text]:
        return self._scopes.texts(self.disk(path), far=far)

    def _may_be_macro(self, name: str, path: str) -> bool:
        return _key(name) in self._scopes.macros(self.disk(path))

    def _show(self, text: Text) -> str:
        shown = self._shown.get(text.disk)
        if shown is None:
            shown = self._shown[text.disk] = self.tree.show(text.disk)
            self._disk.setdefault(shown, text.disk)
        return shown

    def _named(self, path: str, name: str) -> tuple[Item, ...]:
        unit = self.unit(path)
        return tuple(
            item
            for chunk in unit.find(name)
            for item in unit.items(chunk)
            if getattr(item, "name", None) == name
        )

    def _names(self, path: str) -> Iterable[bytes]:
        text = self._store.text(self.disk(path))
        return () if text is None else text.names

    def _items_at(self, path: str, form: re.Pattern[bytes]) -> Iterator[Item]:
        # What the chunks declare in which a form is found.
        unit = self.unit(path)
        chunks: dict[Chunk, None] = {}
        for match in form.finditer(self.data(path)):
            chunk = unit.chunk_at(match.start())
            if chunk is not None:
                chunks[chunk] = None
        for chunk in chunks:
            yield from unit.items(chunk)


def _key(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
