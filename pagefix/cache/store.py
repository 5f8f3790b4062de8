"""The file of the cache: bytes under keys, shared by processes, of bounded size.

One SQLite file with a write-ahead log: readers and writers do not wait for each other. Every
value carries a digest. A file that is damaged is made anew, one that is not ours is left
alone; where it cannot be used the run goes on without it. Each is said once.

Floor 0.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pagefix.reads import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LIMIT", "Info", "Store"]

_T = TypeVar("_T")

#: How many bytes of values are kept before the longest unused are dropped.
LIMIT = 256 << 20
# Down to this part of it: what is dropped makes room for a while.
_DOWN_TO = 0.75
# Another form of the file has another name, so versions do not quarrel over one.
_NAME = "cache-1.sqlite"
_MAGIC = b"SQLite format 3\0"
#: "pgfx": tells our file from one that somebody else has put there.
_OURS = 0x70676678
# Seconds that a write waits for another process's.
_PATIENCE = 2.0
_DAY = 86400
_DIGEST = 16

_TABLE = """
create table if not exists kept (
    key blob primary key,
    kind text not null,
    used integer not null,
    size integer not null,
    data blob not null
)
"""


class Info(NamedTuple):
    """What ``pagefix cache info`` tells.

    :param kinds: (kind, how many values, their bytes), sorted.
    """

    path: str
    size: int
    limit: int
    kinds: tuple[tuple[str, int, int], ...]


class _ForeignError(Exception):
    pass


class _DamagedError(Exception):
    pass


class Store:
    """Values by key, in a directory.

    Nothing is opened before something is asked, and nothing is made for a mere look.

    :param folder: ``None``: keep nothing, find nothing.
    :param warn: is given one sentence, at most once.
    """

    def __init__(
        self, folder: str | None, warn: Callable[[str], None], *, limit: int = LIMIT
    ) -> None:
        self.path = None if folder is None else os.path.join(folder, _NAME)
        self._warn = warn
        self._limit = limit
        self._warned = False
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()

    @property
    def closed(self) -> bool:
        """Whether nothing is kept (``bool``), as it was wanted or because it cannot be."""
        return self.path is None

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, ``None`` if there is none."""
        return self._guarded(lambda: self._get(key), make=False)

    def put(self, key: bytes, kind: str, data: bytes) -> None:
        """Keep a value under a key.

        :param kind: a word for people.
        """
        self.put_all(kind, {key: data})

    def put_all(self, kind: str, values: Mapping[bytes, bytes]) -> None:
        """Keep several values at once."""
        rows = [(key, kind, data) for key, data in values.items()]
        if sum(map(len, values.values())) < self._limit:
            self._guarded(lambda: self._put(rows), make=True)

    def drop(self, key: bytes) -> None:
        """Forget a key."""

        def drop() -> None:
            with self._open(make=False) as connection:
                connection.execute("delete from kept where key = ?", (key,))

        self._guarded(drop, make=False)

    def info(self) -> Info:
        """Return what is kept."""
        rows = self._guarded(self._rows, make=False) or []
        size = 0
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):
                size += os.stat(f"{self.path}{end}").st_size
        return Info(self.path or "", size, self._limit, tuple(rows))

    def clear(self) -> int:
        """Forget everything, and return how many values that were."""
        return self._guarded(self._clear, make=False) or 0

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None and self._pid == os.getpid():
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    # --- what is done ------------------------------------------------------------

    def _get(self, key: bytes) -> bytes | None:
        with self._open(make=False) as connection:
            row = connection.execute("select data, used from kept where key = ?", (key,)).fetchone()
            if row is None:
                return None
            data, used = row
            if not isinstance(data, bytes) or data[:_DIGEST] != digest(key + data[_DIGEST:]):
                raise _DamagedError("a value is not what was kept")
            today = int(time.time()) // _DAY
            if used != today:
                # Once a day is enough to know what is not used; a write would cost more.
                with suppress(sqlite3.OperationalError):
                    connection.execute("update kept set used = ? where key = ?", (today, key))
            found: bytes = data[_DIGEST:]
            return found

    def _put(self, values: list[tuple[bytes, str, bytes]]) -> None:
        today = int(time.time()) // _DAY
        with self._open(make=True) as connection:
            connection.execute("begin immediate")
            try:
                connection.executemany(
                    "insert or replace into kept values (?, ?, ?, ?, ?)",
                    [
                        (key, kind, today, len(data), digest(key + data) + data)
                        for key, kind, data in values
                    ],
                )
                self._shrink(connection)
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise

    def _shrink(self, connection: sqlite3.Connection) -> None:
        (size,) = connection.execute("select total(size) from kept").fetchone()
        if size <= self._limit:
            return
        for rowid, each in connection.execute(
            "select rowid, size from kept order by used, rowid"
        ).fetchall():
            if size <= self._limit * _DOWN_TO:
                break
            connection.execute("delete from kept where rowid = ?", (rowid,))
            size -= each
        connection.execute("pragma incremental_vacuum")

    def _rows(self) -> list[tuple[str, int, int]]:
        with self._open(make=False) as connection:
            return connection.execute(
                "select kind, count(*), sum(size) from kept group by kind order by kind"
            ).fetchall()

    def _clear(self) -> int:
        with self._open(make=False) as connection:
            count = connection.execute("delete from kept").rowcount
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
            return int(count)

    # --- the file ------------------------------------------------------------------

    def _guarded(self, act: Callable[[], _T], *, make: bool) -> _T | None:
        # Does it; what goes wrong is mended, told, or (another writes) of no account.
        if self.path is None or (not make and not os.path.exists(self.path)):
            return None
        try:
            try:
                return act()
            except (sqlite3.OperationalError, _ForeignError):
                raise
            except (sqlite3.DatabaseError, _DamagedError) as error:
                self._anew(str(error))
                return None
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                return None
            if "malformed" in str(error) or "no such" in str(error):
                self._anew(str(error))
            else:
                self._without(str(error))
        except (OSError, _ForeignError, sqlite3.Error) as error:
            self._without(getattr(error, "strerror", None) or str(error))
        return None

    @contextmanager
    def _open(self, *, make: bool) -> Iterator[sqlite3.Connection]:
        if self._connection is not None and self._pid != os.getpid():
            self._connection = None  # the parent's: it must not be touched here
        if self._connection is None:
            self._connection = self._opened(make)
            self._pid = os.getpid()
        yield self._connection

    def _opened(self, make: bool) -> sqlite3.Connection:
        assert self.path is not None
        if make:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        fresh = True
        with suppress(FileNotFoundError):
            about = os.stat(self.path)
            if about.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
                raise _ForeignError("it is somebody else's")
            with open(self.path, "rb") as file:
                head = file.read(len(_MAGIC))
            fresh = not head
            if head and head != _MAGIC:
                raise _DamagedError("it is no database")
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        try:
            if fresh:
                connection.execute("pragma auto_vacuum = incremental")
                connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            tables = connection.execute("select 1 from sqlite_master").fetchone()
            (ours,) = connection.execute("pragma application_id").fetchone()
            if ours != _OURS and (ours or tables):
                raise _ForeignError("it is another program's")
            if not tables:
                # Together: no other process sees one without the other.
                connection.execute("begin immediate")
                connection.execute(f"pragma application_id = {_OURS}")
                connection.execute(_TABLE)
                connection.execute("commit")
        except BaseException:
            connection.close()
            raise
        return connection

    def _anew(self, why: str) -> None:
        # Under a lock, and only what is still the same damaged file: another process may
        # have been quicker.
        assert self.path is not None
        before = self._number()
        self.close()
        with open(f"{self.path}.lock", "wb") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            if before == self._number():
                for end in ("-wal", "-shm", ""):
                    with suppress(FileNotFoundError):
                        os.unlink(f"{self.path}{end}")
        self._tell(f"the cache {self.path} was damaged ({why}) and is made anew")

    def _number(self) -> int:
        with suppress(OSError):
            return os.stat(self.path or "").st_ino
        return 0

    def _without(self, why: str) -> None:
        self.close()
        self._tell(
            f"the cache {self.path} cannot be used ({why}); going on without it"
            " (--no-cache does so without a word)"
        )
        self.path = None

    def _tell(self, sentence: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(sentence)
