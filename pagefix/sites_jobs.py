"""The files of an inventory shared out to processes.

Processes, not threads: the parser holds the interpreter's lock. They are forked, so nothing
is read twice that was read before, and take batch after batch, so a large file holds up one of
them only. What they find is put together in the order of the files: the same as one process
finds.

Floor 5: imports only floor 0.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from pagefix import reads

__all__ = ["batches", "processes", "share"]

_T = TypeVar("_T")

# A process is worth its start for so many bytes of source.
_WORTH = 4 << 20
# Batches are of so many bytes: small enough that all processes end at about one time.
_BATCH = 1 << 20
_NUMBER = 4


def processes(size: int, wanted: int | None = None) -> int:
    """Return how many processes are worth it.

    :param size: bytes of source to be read.
    :param wanted: as many instead, if it is said.
    """
    if wanted is not None:
        return max(wanted, 1)
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), size // _WORTH))


def batches(files: Sequence[str], size: Callable[[str], int]) -> list[Sequence[str]]:
    """Return the files in batches of neighbours, which see the same headers."""
    found = []
    first = total = 0
    for at, path in enumerate(files):
        total += size(path)
        if total >= _BATCH:
            found.append(files[first : at + 1])
            first, total = at + 1, 0
    if first < len(files):
        found.append(files[first:])
    return found


def share(count: int, number: int, work: Callable[[int], _T]) -> list[_T]:
    """Do the pieces of a work in processes, and return what comes of each, in order.

    :param count: how many processes.
    :param number: how many pieces.
    :param work: does one piece, by its number; what it returns is picklable.
    """
    done: dict[int, _T] = {}
    if count > 1:
        # What the garbage collector looks at it copies: let it look away from what is shared.
        gc.collect()
        gc.freeze()
        try:
            done.update(_forked(count, number, work))
        finally:
            gc.unfreeze()
    # A process that was killed has left something to do.
    return [done[each] if each in done else work(each) for each in range(number)]


def _forked(count: int, number: int, work: Callable[[int], _T]) -> Iterator[tuple[int, _T]]:
    take, give = os.pipe()
    children: dict[int, int] = {}
    noted = reads.is_recorded()
    try:
        for _ in range(min(count, number)):
            out, into = os.pipe()
            child = os.fork()
            if not child:
                for handle in (give, out, *children):
                    os.close(handle)
                _child(take, into, work, noted)
            os.close(into)
            children[out] = child
        # Written when there is who reads: there may be more than a pipe holds.
        yield from _collected(give, number, set(children))
    finally:
        for handle in (take, give, *children):
            with suppress(OSError):
                os.close(handle)
        for child in children.values():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _collected(give: int, number: int, waiting: set[int]) -> Iterator[tuple[int, _T]]:
    left = b"".join(each.to_bytes(_NUMBER, "little") for each in range(number))
    os.set_blocking(give, False)
    parts: dict[int, list[bytes]] = {handle: [] for handle in waiting}
    while waiting:
        ready, free, _ = select.select(waiting, [give] if left else [], [])
        if free:
            # A pipe takes up to 4096 bytes whole or not at all.
            sent = os.write(give, left[: 1024 * _NUMBER])
            left = left[sent:]
            if not left:
                os.close(give)
        for handle in ready:
            data = os.read(handle, 1 << 20)
            if data:
                parts[handle].append(data)
                continue
            waiting.discard(handle)
            with suppress(EOFError, pickle.UnpicklingError):
                found, log = pickle.loads(b"".join(parts.pop(handle)))
                reads.note(log)
                yield from found


def _child(take: int, into: int, work: Callable[[int], _T], noted: bool) -> None:
    # Whatever happens, the child goes no other way than out.
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        found = []
        with reads.recorded(keep=noted) as log:
            while data := os.read(take, _NUMBER):
                each = int.from_bytes(data, "little")
                found.append((each, work(each)))
        with os.fdopen(into, "wb") as pipe:
            pipe.write(pickle.dumps((found, log), pickle.HIGHEST_PROTOCOL))
        code = 0
    finally:
        os._exit(code)
