"""Answers under what they depended on.

An answer is kept with the log of all that was asked of the disk for it. It is given again if
each of these would be answered alike today. What tells without reading that a file is as it
was is believed only if the file was at rest when it was read: a change in the same tick of
the clock leaves no trace in its times.

Floor 0.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, cast

from pagefix import reads
from pagefix.cache.store import Store
from pagefix.cache.values import pack, unpack
from pagefix.overlay import Overlay
from pagefix.reads import Log, Sign

__all__ = ["Answers", "Known"]

# A file that was changed less than this before it was read may be changed again without a
# trace: the coarsest clock of a file system ticks every two seconds.
_REST = 2_000_000_000
# Of an answer that rests on more changed files than these, little will still stand.
_FEW = 4
# Whose modules an answer depends on, beside the interpreter.
_CODE = ("pagefix", "tree_sitter", "tree_sitter_c", "libcst")

_Digests = dict[str, tuple[bytes, Sign]]
_Parts = tuple[_Digests, _Digests, dict[str, str], dict[str, int], dict[str, str]]
_Kept = tuple[int, _Digests, _Digests, dict[str, str], dict[str, int], dict[str, str], bytes]


class Known(NamedTuple):
    """An answer that was kept.

    :param changed: files that it rests on whose text is another one now, with the digest of
        the text that it rests on; where there are any, it is for others to tell if the answer
        stands all the same.
    :param digests: those of the files' texts as they are now.
    """

    answer: bytes
    changed: dict[str, bytes]
    digests: dict[str, bytes]
    parts: _Parts
    begun: int

    def log(self) -> Log:
        """Return what it rests on, with the changed files as they are now."""
        log = Log()
        log.files, log.folders, log.kinds, log.owners, log.links = map(dict, self.parts)  # type: ignore[arg-type]
        return log


class Answers:
    """Answers to questions, by key.

    :param store: where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, key: bytes, overlay: Overlay | None = None) -> Known | None:
        """Return the answer to a question if it still holds, a few changed files aside.

        :param overlay: texts that stand in the place of those of files, which the answer was
            worked out without.
        """
        data = self._store.get(key)
        if data is None:
            return None
        begun = time.time_ns()
        try:
            since, files, folders, kinds, owners, links, answer = cast(_Kept, unpack(data))
        except Exception:
            # Whatever bytes that are no answer may raise.
            self._store.drop(key)
            return None
        fresh = _Fresh(since, overlay)
        if not (
            all(reads.kind_now(path) == kind for path, kind in kinds.items())
            and all(reads.owner_now(path) == uid for path, uid in owners.items())
            and all(os.path.realpath(path) == target for path, target in links.items())
            and fresh.hold(folders, reads.look_into)
            and fresh.hold(files, fresh.look_at, _FEW)
        ):
            return None
        parts = files, folders, kinds, owners, links
        if fresh.renewed and not fresh.changed and not overlay:
            # Looked into, and found alike: not again next time.
            self._keep(key, begun, parts, answer)
        digests = {path: each[0] for path, each in files.items()}
        return Known(answer, fresh.changed, digests, parts, begun)

    def renew(self, key: bytes, known: Known, answer: bytes) -> None:
        """Keep an answer as it is now that files have changed."""
        self._keep(key, known.begun, known.parts, answer)

    def keep(self, key: bytes, begun: int, log: Log, answer: bytes) -> None:
        """Keep an answer, unless the disk has changed while it was worked out.

        :param begun: ``time.time_ns()`` from before the first question.
        """
        if self._store.closed:
            return
        note_code(log)
        if not log.torn:
            parts = log.files, log.folders, log.kinds, log.owners, log.links
            self._keep(key, begun, parts, answer)

    def _keep(self, key: bytes, begun: int, parts: _Parts, answer: bytes) -> None:
        self._store.put(key, "answers", pack((begun, *parts, answer)))


class _Fresh:
    # Whether files and directories are as they were.

    def __init__(self, since: int, overlay: Overlay | None) -> None:
        self._rest = since - _REST
        self._overlay = overlay or None
        self.renewed = False
        self.changed: dict[str, bytes] = {}

    def look_at(self, path: str) -> tuple[bytes, Sign]:
        held = self._held(path)
        if held is None:
            return reads.look_at(path)
        text = self._overlay.data(path) if held and self._overlay is not None else None
        return b"" if text is None else reads.digest(text), reads.NO_SIGN

    def _held(self, path: str) -> bool | None:
        return None if self._overlay is None else self._overlay.holds(path)

    def hold(
        self, known: _Digests, look: Callable[[str], tuple[bytes, Sign]], few: int = 0
    ) -> bool:
        # ``few``: how many may have another text.
        rest = self._rest
        for path, (digest, seen) in known.items():
            if digest and self._held(path) is None:
                try:
                    about = os.stat(path)
                except (OSError, ValueError):
                    return False
                changed = max(about.st_mtime_ns, about.st_ctime_ns)
                if changed < rest and reads.sign(about) == seen:
                    continue
            found, sign = look(path)
            if found != digest:
                if not (digest and found) or len(self.changed) == few:
                    return False
                self.changed[path] = digest
            if digest:
                known[path] = found, sign
                self.renewed = True
        return True


def note_code(log: Log) -> None:
    """Add to a log what the answer was worked out with: the text of the modules."""
    with reads.recorded() as code:
        for path in _modules(_CODE):
            try:
                reads.read(path)
            except OSError:
                code.torn = True
    log.merge(code)


def _modules(names: Iterable[str]) -> list[str]:
    wanted = tuple(names)
    files = [
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in wanted
    ]
    return sorted({file for file in files if file})
