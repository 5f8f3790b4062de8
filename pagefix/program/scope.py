"""Which files a name used in one file is looked for in, nearest first.

C would read the ``#include`` lines of the one translation unit. There is none here: a
header is read without the source that includes it, and the tree is not configured. So
the scope of a file is itself, everything its includes lead to, what the sources include
that include it, the headers beside it, and at last all of ``include/``: thousands of
headers, which a source whose includes were all found cannot need, nor a model of what the
VM does, which sees the VM's headers.

Floor 2: imports only floors 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os.path import basename, dirname

from pagefix.program.builtin import builtin
from pagefix.program.text import Store, Text
from pagefix.program.tree import Tree

__all__ = ["Scopes"]

# A header, or a part of a source, is read through this many sources that include it.
_INCLUDERS = 4
# Files come directory by directory: what few of them see is kept.
_UNITED = 4
# What a model sees, which is no file.
_VM_HEADERS = tuple(
    f"include/linux/{name}.h" for name in ("fs", "mm", "swap", "pagemap", "bio", "uio", "workqueue")
)
# Headers that are not there before a kernel is configured, or are another program's.
_MADE = ("asm/", "uapi/asm/", "generated/", "sys/")


class Scopes:
    """The scopes of files, each grown only as far as a look-up had to go.

    At the end of each stand the macros that every kernel has.

    :param sources: paths on disk of the checked files, which may include a header.
    """

    def __init__(self, tree: Tree, store: Store, sources: Iterable[str]) -> None:
        self._tree = tree
        self._store = store
        self._sources: dict[str, list[str]] = {}
        for disk in sources:
            if disk.endswith(".c"):
                self._sources.setdefault(dirname(disk), []).append(disk)
        #: Names, without directories, of what is included and is no header.
        self.parts: set[str] = set()
        self._includes: dict[str, tuple[str, ...]] = {}
        self._lacking: set[str] = set()
        self._closed: dict[str, bool] = {}
        self._builtin = builtin()
        self._united: dict[str, tuple[set[str], set[bytes]]] = {}
        self._by_name: dict[str, dict[str, list[str]]] = {}
        self._grown: dict[str, tuple[list[Text], Iterator[Text]]] = {}

    def texts(self, disk: str, *, far: bool = True) -> Iterator[Text]:
        """Yield the files of a scope, nearest first.

        :param far: whether all of ``include/`` is searched at last.
        """
        for stage in self.stages(disk, far=far):
            yield from stage

    def stages(
        self, disk: str, *, far: bool = True, hidden: bool = False
    ) -> Iterator[Iterator[Text]]:
        """Yield a scope in parts: the next one counts where those before do not know a name.

        :param hidden: whether all of ``include/`` is searched even for a file that sees no more
            than it includes.
        """
        yield self._near(disk)
        if hidden or (far and not self._is_closed(disk)):
            yield self._far(disk)
        yield iter((self._builtin,))

    def _far(self, disk: str) -> Iterator[Text]:
        seen = {text.disk for text in self._near(disk)}
        for path in self._tree.headers():
            if path not in seen and (text := self._store.text(path)) is not None:
                yield text

    def macros(self, disk: str) -> set[bytes]:
        """Return the names of macros that a file may see, and some that it does not.

        A name that is not among them is no macro there: one look instead of a search
        through the scope. What the files of one directory see is kept together.
        """
        here = dirname(disk)
        if here not in self._united:
            while len(self._united) >= _UNITED:
                del self._united[next(iter(self._united))]
            self._united[here] = (set(), set(self._builtin.defines))
        seen, names = self._united[here]
        if disk not in seen:
            for path in self._grow(disk, seen):
                text = self._store.text(path)
                if text is not None:
                    names |= text.defines
            seen.add(disk)
        return names

    def _is_closed(self, disk: str) -> bool:
        # Whether a source sees what its includes lead to, and nothing else: each of them was
        # found. What an architecture or the build makes is not in include/ either.
        known = self._closed.get(disk)
        if known is None:
            known = disk.endswith(".c") and bool(self.includes(disk))
            if known:
                reached = list(self._closure([disk], set()))
                known = self._lacking.isdisjoint(reached)
            self._closed[disk] = known
        return known

    def forget(self, disk: str) -> None:
        """Drop what is known of a file's scope."""
        self._grown.pop(disk, None)
        self._includes.pop(disk, None)
        self._closed.pop(disk, None)

    def includes(self, disk: str) -> tuple[str, ...]:
        """Return the files that a file includes, on disk, in order."""
        found = self._includes.get(disk)
        if found is None:
            text = self._store.text(disk)
            here = dirname(disk)
            resolve = self._tree.resolve
            paths = [resolve(name, quoted, here) for name, quoted in text.includes] if text else []
            found = tuple(dict.fromkeys(path for path in paths if path is not None))
            if text is not None:
                self._note_parts(text)
            if text is not None and any(
                path is None and (quoted or ("/" in name and not name.startswith(_MADE)))
                for (name, quoted), path in zip(text.includes, paths, strict=True)
            ):
                self._lacking.add(disk)
            self._includes[disk] = found
        return found

    def _near(self, disk: str) -> Iterator[Text]:
        # Several look-ups share one list; whoever reaches its end makes it longer.
        if disk not in self._grown:
            paths = self._grow(disk, set())
            texts = (text for path in paths if (text := self._store.text(path)) is not None)
            self._grown[disk] = ([], texts)
        known, more = self._grown[disk]
        at = 0
        while True:
            if at == len(known):
                text = next(more, None)
                if text is None:
                    return
                known.append(text)
            yield known[at]
            at += 1

    def _grow(self, disk: str, seen: set[str]) -> Iterator[str]:
        if basename(disk).startswith("<") and self._store.text(disk) is None:
            yield from self._closure(map(self._tree.disk, _VM_HEADERS), seen)
            return
        yield from self._closure([disk], seen)
        yield from self._closure(self._includers(disk), seen)
        here = dirname(disk)
        if not self._tree.is_shared(here):
            yield from self._closure(self._tree.directory_headers(here), seen)

    def _closure(self, starts: Iterable[str], seen: set[str]) -> Iterator[str]:
        level = [path for path in starts if path not in seen]
        seen.update(level)
        while level:
            yield from level
            following: list[str] = []
            for path in level:
                for included in self.includes(path):
                    if included not in seen:
                        seen.add(included)
                        following.append(included)
            level = following

    def _includers(self, disk: str) -> list[str]:
        # Sources beside a file, or above it, that include it.
        name, here = basename(disk), dirname(disk)
        found = [
            source
            for directory in (here, dirname(here))
            for source in self._including(directory).get(name, ())
            if source != disk
        ]
        return found[:_INCLUDERS]

    def _including(self, directory: str) -> dict[str, list[str]]:
        # Names of files, with the sources of a directory that include one so called.
        if directory not in self._by_name:
            by_name: dict[str, list[str]] = {}
            for source in self._sources.get(directory, ()):
                text = self._store.text(source)
                if text is not None:
                    self._note_parts(text)
                for name, quoted in text.includes if text is not None else ():
                    if quoted:
                        by_name.setdefault(basename(name), []).append(source)
            while len(self._by_name) >= _UNITED:
                del self._by_name[next(iter(self._by_name))]
            self._by_name[directory] = by_name
        return self._by_name[directory]

    def _note_parts(self, text: Text) -> None:
        self.parts.update(basename(name) for name, _ in text.includes if name[-2:] != ".h")
