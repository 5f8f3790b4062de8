"""Names looked up from a file: what introduces them, nearest first, remembered by file.

Floor 2, below :mod:`pagefix.program.program`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pagefix.c.ast import Function, Global, Macro, Prototype, Type, Typedef
from pagefix.finding import Unread
from pagefix.program.files import Files
from pagefix.program.shapes import typedef_of
from pagefix.program.tree import Tree

__all__ = ["Lookup"]

_T = TypeVar("_T", Function, Prototype, Global, Macro, Typedef)
_V = TypeVar("_V")


class Lookup(Files):
    """Files with what they introduce, by name.

    The parameters are those of :class:`~pagefix.program.files.Files`.
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

    def macro(self, name: str, path: str, *, hidden: bool = False) -> tuple[tuple[str, Macro], ...]:
        """Return the nearest definitions of a macro.

        :param hidden: whether also those that ``path`` could see if it included more.
        """
        return self._nearest(name, path, Macro, hidden=hidden)

    def near_macros(self, name: str, path: str) -> tuple[tuple[str, Macro], ...]:
        """Return the definitions of a name that is a macro where ``path`` sees it.

        Unlike :meth:`macro` it does not search all of ``include/`` at last, and asking
        it of functions is cheap.
        """
        if not self._may_be_macro(name, path):
            return ()
        return self._memoised(path, ("near", name), lambda: self._near(name, path))

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
        self, name: str, path: str, kind: type[_T], *, far: bool = True, hidden: bool = False
    ) -> tuple[tuple[str, _T], ...]:
        reach = "hidden" if hidden else "far" if far else "near"
        key = (f"{reach} {kind.__name__}", name)
        return self._memoised(path, key, lambda: self._nearest_now(name, path, kind, far, hidden))

    def _nearest_now(
        self, name: str, path: str, kind: type[_T], far: bool, hidden: bool
    ) -> tuple[tuple[str, _T], ...]:
        form = typedef_of(name) if kind.__name__ == Typedef.__name__ else None
        for shown, items in self.introductions(name, path, far=far, hidden=hidden, form=form):
            found = tuple((shown, item) for item in items if isinstance(item, kind))
            if found:
                return found
        return ()
