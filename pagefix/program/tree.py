"""The kernel tree around the paths: where it begins, how its files are shown and found.

In: the paths the user gave. Out: :class:`Tree`, which turns the path of a file on disk
into the path that is shown, and the name in an ``#include`` into a file on disk. Knows
nothing of C.

Floor 2: imports only floor 0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from os.path import join

from pagefix import reads
from pagefix.errors import PagefixError

__all__ = ["Tree"]

# Headers that only a kernel tree has: neither /usr nor a driver with an include/linux
# of its own.
_CORE = ("mm.h", "mm_types.h", "pagemap.h")
_ARCH = re.compile(r"^(?:.*/)?arch/[^/]+(?=/|$)")
# Where there is none of them, what stands beside include/linux in a small tree.
_BESIDE = ("Makefile", "Kconfig", "Kbuild", "mm", "fs")

# How far a name is searched upwards where no directory that is known has such a file
# (the build passes -I, which is not read).
_PARENTS = 4
# A directory nearer to the root than this holds too much to be searched whole.
_DEPTH = 3


class Tree:
    """A kernel tree, or the lack of one.

    :param root: ``str``, the root as the user's paths lead to it, never resolved;
        ``None`` where no kernel tree is around the paths.
    """

    def __init__(self, root: str | None) -> None:
        self.root = root
        self._base = None if root is None else os.path.abspath(root)
        self._search = [] if root is None else _search_path(root)
        self._guessed: dict[tuple[str, str], str | None] = {}
        self._included: dict[str, str | None] = {}
        self._below: dict[str, dict[str, list[str]]] = {}
        self._others: list[str] | None = None
        self._shared: dict[str, bool] = {}
        self._beside: dict[str, tuple[str, ...]] = {}
        self._headers: tuple[str, ...] | None = None

    @classmethod
    def around(cls, paths: Iterable[str]) -> Tree:
        """Find the kernel tree that the paths lie in.

        :raises PagefixError: if they lie in two.
        """
        roots: dict[str, str] = {}
        for path in paths:
            root = _root_above(path)
            if root is not None:
                roots.setdefault(os.path.abspath(root), root)
        if len(roots) > 1:
            first, second = list(roots.values())[:2]
            raise PagefixError(
                "the paths lie in two kernel trees",
                why=f"{first} and {second} are both the root of one",
                remedy="run pagefix once for each tree",
            )
        return cls(next(iter(roots.values()), None))

    def show(self, disk: str) -> str:
        """Return the path as it is shown: relative to the root, else to the working directory."""
        path = os.path.abspath(disk)
        for base in (self._base, os.getcwd()):
            if base is not None and (path == base or path.startswith(base.rstrip("/") + "/")):
                return os.path.relpath(path, base)
        return disk

    def disk(self, shown: str) -> str:
        """Return the path to open for a path that is shown."""
        if self.root is None or os.path.isabs(shown):
            return shown
        return shown if self.root == "." else join(self.root, shown)

    def resolve(self, name: str, quoted: bool, directory: str) -> str | None:
        """Return the file that ``#include`` means (``str``, a path on disk), or ``None``.

        :param name: ``str``, what stands between the quotes or brackets.
        :param quoted: whether it is in quotes.
        :param directory: directory of the including file, on disk.
        """
        found = _first([f"{directory}/{name}" if directory else name]) if quoted else None
        found = found or self._in_arch(name, directory) or self._in_include(name)
        if found is None and not self.is_shared(directory):
            key = (name, directory)
            if key not in self._guessed:
                self._guessed[key] = self._guess(name, directory)
            found = self._guessed[key]
        return found

    def headers(self) -> tuple[str, ...]:
        """Return every header below ``include/`` of the tree, on disk, sorted."""
        if self._headers is None:
            top = None if self.root is None else self.disk("include")
            self._headers = () if top is None else tuple(sorted(_walk_headers(top)))
        return self._headers

    def directory_headers(self, directory: str) -> tuple[str, ...]:
        """Return the headers that lie in a directory itself, on disk, sorted."""
        found = self._beside.get(directory)
        if found is None:
            try:
                names = [name for name in reads.names(directory or ".") if name.endswith(".h")]
            except OSError:
                names = []
            found = self._beside[directory] = tuple(join(directory, name) for name in names)
        return found

    def is_shared(self, directory: str) -> bool:
        """Tell whether a directory holds headers of the whole kernel: include/ and the like."""
        if self._base is None:
            return False
        known = self._shared.get(directory)
        if known is None:
            inside = os.path.relpath(directory or ".", self._base).split("/")
            known = inside[0] == "include" or (inside[0] == "arch" and "include" in inside)
            self._shared[directory] = known
        return known

    def _in_include(self, name: str) -> str | None:
        found = self._included.get(name, "")
        if found == "":
            found = _first([f"{top}/{name}" for top in self._search])
            if found is None and name.startswith("asm/") and self.root is not None:
                generic = [
                    join(self.disk("include"), *folders, "asm-generic", name[4:])
                    for folders in ((), ("uapi",))
                ]
                found = _first([*generic, *(f"{top}/{name}" for top in self._arches())])
            self._included[name] = found
        return found

    def _in_arch(self, name: str, directory: str) -> str | None:
        # What lies in an architecture's directory is for that one.
        inside = _ARCH.search(directory) if name.startswith("asm/") else None
        return _first([f"{inside[0]}/include/{name}"]) if inside else None

    def _arches(self) -> list[str]:
        # Every architecture's headers: a driver may be for one alone.
        if self._others is None:
            top = self.disk("arch")
            try:
                names = reads.names(top)
            except OSError:
                names = []
            self._others = [join(top, name, "include") for name in names]
        return self._others

    def _guess(self, name: str, directory: str) -> str | None:
        # The Makefile's -I is not read: try the directories above, then any file of
        # that name below the directory, or below the one above it.
        if name.startswith(("asm/", "generated/", "linux/")):
            return None
        above = directory
        for _ in range(_PARENTS):
            above = os.path.dirname(above)
            if not above or above == self.root:
                break
            found = _first([join(above, name), join(above, "include", name)])
            if found is not None:
                return found
        top = directory
        for number in range(_PARENTS):
            if self._depth(top) < min(number + 1, _DEPTH):
                break
            found = self._find_below(name, top)
            if found is not None:
                return found
            top = os.path.dirname(top)
        return None

    def _depth(self, directory: str) -> int:
        if self._base is None or not directory:
            return 0 if not directory else _DEPTH
        return len(os.path.relpath(directory, self._base).split("/"))

    def _find_below(self, name: str, top: str) -> str | None:
        if not top or os.path.abspath(top) == self._base:
            return None
        if top not in self._below:
            index: dict[str, list[str]] = {}
            for path in _walk_headers(top):
                index.setdefault(os.path.basename(path), []).append(path)
            self._below[top] = index
        hits = self._below[top].get(os.path.basename(name), ())
        return min((hit for hit in hits if hit.endswith("/" + name)), default=None)


def _root_above(path: str) -> str | None:
    # The nearest directory upwards that looks like a kernel tree, spelt as `path` is.
    if path == "-":
        path = "."
    here = path if reads.is_directory(path) else os.path.dirname(path)
    here = here.rstrip("/") or ("/" if path.startswith("/") else ".")
    likely: str | None = None
    for _ in range(len(os.path.abspath(here).split("/")) + 1):
        linux = join(here, "include/linux")
        if reads.is_directory(linux):
            if any(reads.kind(join(linux, name)) for name in _CORE):
                return here
            if likely is None and any(reads.kind(join(here, name)) for name in _BESIDE):
                likely = here
        if os.path.abspath(here) == "/":
            break
        here = _parent(here)
    return likely


def _parent(path: str) -> str:
    if path == ".":
        return ".."
    head, tail = os.path.split(path)
    if tail in ("..", "."):
        return join(path, "..") if tail == ".." else _parent(head or ".")
    return head.rstrip("/") or ("/" if path.startswith("/") else ".")


def _search_path(root: str) -> list[str]:
    base = "" if root == "." else root
    tops = [join(base, "include"), join(base, "include/uapi")]
    try:
        arches = reads.names(join(base, "arch"))
    except OSError:
        arches = []
    if "x86" in arches:
        arches = ["x86"]
    for arch in arches[:1]:
        arch_top = join(base, "arch", arch, "include")
        tops += [arch_top, join(arch_top, "uapi"), join(arch_top, "generated")]
    return tops


def _first(candidates: list[str]) -> str | None:
    return next((path for path in candidates if reads.is_file(path)), None)


def _walk_headers(top: str) -> Iterable[str]:
    try:
        listed = reads.entries(top)
    except OSError:
        return
    for name, kind in listed:
        path = join(top, name)
        if kind == "directory":
            yield from _walk_headers(path)
        elif name.endswith(".h") and not (kind == "link" and reads.is_directory(path)):
            yield path
