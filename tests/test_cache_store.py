"""The file of the cache: damaged, foreign, full, shared, bounded; and what comes out of it."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pagefix.cache import Store, cache_folder, key_of, pack, unpack
from pagefix.cache import store as module
from pagefix.finding import Access
from pagefix.source import Span


class Told(list[str]):
    """Warnings."""

    def __call__(self, sentence: str) -> None:
        self.append(sentence)


@pytest.fixture
def told() -> Told:
    return Told()


def stored(folder: Path, told: Callable[[str], None]) -> Path:
    """Return the file of a cache in which one value is kept."""
    store = Store(str(folder), told)
    store.put(b"key", "tests", b"value")
    store.close()
    assert store.path is not None
    return Path(store.path)


def test_what_is_kept_is_found_by_another(tmp_path: Path, told: Told) -> None:
    stored(tmp_path / "a" / "b", told)
    other = Store(str(tmp_path / "a" / "b"), told)
    assert other.get(b"key") == b"value"
    assert other.get(b"another") is None
    assert other.info().kinds == (("tests", 1, 5),)
    assert other.clear() == 1
    assert other.get(b"key") is None
    assert told == []


def test_a_look_makes_nothing(tmp_path: Path, told: Told) -> None:
    store = Store(str(tmp_path / "cache"), told)
    assert store.get(b"key") is None
    assert store.info().size == 0
    assert store.clear() == 0
    assert not (tmp_path / "cache").exists()


def test_the_directory_is_the_user_s_alone(tmp_path: Path, told: Told) -> None:
    path = stored(tmp_path / "cache", told)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def garble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    path.write_bytes(data)


def replace(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def alter(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update kept set data = ?", (bytes(21),))


@pytest.mark.parametrize("damage", [cut, garble, replace, alter])
def test_damage_is_told_once_and_mended(
    tmp_path: Path, told: Told, damage: Callable[[Path], None]
) -> None:
    path = stored(tmp_path, told)
    damage(path)
    store = Store(str(tmp_path), told)
    assert store.get(b"key") is None
    store.put(b"key", "tests", b"again")
    assert store.get(b"key") == b"again"
    assert len(told) == 1
    assert "damaged" in told[0]
    assert str(path) in told[0]


def test_another_program_s_file_stays(tmp_path: Path, told: Told) -> None:
    path = stored(tmp_path, told)
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table theirs (a)")
        connection.execute("insert into theirs values (7)")
    store = Store(str(tmp_path), told)
    assert store.get(b"key") is None
    store.put(b"key", "tests", b"value")
    assert len(told) == 1
    assert "cannot be used" in told[0]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select a from theirs").fetchall() == [(7,)]


def test_a_folder_that_cannot_be(tmp_path: Path, told: Told) -> None:
    (tmp_path / "file").touch()
    store = Store(str(tmp_path / "file" / "cache"), told)
    store.put(b"key", "tests", b"value")
    store.put(b"key", "tests", b"value")
    assert store.get(b"key") is None
    assert len(told) == 1
    assert store.closed


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be written by root")
def test_a_folder_that_cannot_be_written(tmp_path: Path, told: Told) -> None:
    stored(tmp_path, told)
    tmp_path.chmod(0o500)
    store = Store(str(tmp_path), told)
    store.put(b"key", "tests", b"value")
    tmp_path.chmod(0o700)
    assert len(told) <= 1


def test_no_room(tmp_path: Path, told: Told) -> None:
    # What SQLite says when the disk is full is what it says when the file may not grow.
    stored(tmp_path, told)
    store = Store(str(tmp_path), told)
    assert store.get(b"key") == b"value"
    with store._open(make=True) as connection:
        (pages,) = connection.execute("pragma page_count").fetchone()
        connection.execute(f"pragma max_page_count = {pages}")
    store.put(b"large", "tests", bytes(100_000))
    assert len(told) == 1
    assert "full" in told[0]
    assert store.closed
    again = Store(str(tmp_path), told)
    assert again.get(b"key") == b"value"


def test_another_process_writes_for_long(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    path = stored(tmp_path, told)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        store = Store(str(tmp_path), told)
        assert store.get(b"key") == b"value"
        store.put(b"other", "tests", b"value")
        assert store.get(b"other") is None
        connection.execute("rollback")
    store.put(b"other", "tests", b"value")
    assert store.get(b"other") == b"value"
    assert told == []


def test_its_size_is_bounded(tmp_path: Path, told: Told) -> None:
    store = Store(str(tmp_path), told, limit=100_000)
    for number in range(50):
        store.put(b"%d" % number, "tests", bytes(10_000))
    ((_, count, size),) = store.info().kinds
    assert size <= 100_000
    assert count >= 7
    # The last is there, the first is not.
    assert store.get(b"49") is not None
    assert store.get(b"0") is None
    store.put(b"large", "tests", bytes(100_000))
    assert store.get(b"large") is None
    store.close()
    assert store.info().size < 400_000


WRITER = """
import sys
from pagefix.cache import Store
number = int(sys.argv[2])
for turn in range(40):
    store = Store(sys.argv[1], lambda sentence: sys.exit(sentence))
    store.put(b"%d %d" % (number, turn), "tests", b"%d" % turn * 1000)
    for each in range(turn + 1):
        value = store.get(b"%d %d" % (number, each))
        assert value == b"%d" % each * 1000, (number, each, value)
    store.close()
"""


def test_processes_share_it(tmp_path: Path, told: Told) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number)])
        for number in range(4)
    ]
    assert [each.wait(60) for each in writers] == [0, 0, 0, 0]
    assert Store(str(tmp_path), told).info().kinds[0][1] == 160


def test_a_child_does_not_touch_its_parent_s_connection(tmp_path: Path, told: Told) -> None:
    stored(tmp_path, told)
    store = Store(str(tmp_path), told)
    assert store.get(b"key") == b"value"
    before = store._connection
    child = os.fork()
    if not child:
        right = store.get(b"key") == b"value" and store._connection is not before
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.get(b"key") == b"value"


class Runs:
    """Runs something when it is read back."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("echo ran",))


def test_nothing_is_run_that_was_kept() -> None:
    for bad in (Runs(), os.path.join, Path("a")):
        with pytest.raises(pickle.UnpicklingError):
            unpack(pickle.dumps(bad))
    with pytest.raises(pickle.UnpicklingError):
        # A function of a module whose values are read back.
        unpack(b"cpagefix.finding\nfingerprint\n.")


def test_values_come_back() -> None:
    value = {"a": (Access.READ, Span("a.c", 1, 2), b"\xff", None, frozenset((1, 2)))}
    assert unpack(pack(value)) == value


def test_questions_are_told_apart() -> None:
    keys = [
        key_of(a=1),
        key_of(a="1"),
        key_of(a=(1,)),
        key_of(a=None),
        key_of(b=1),
        key_of(a=1, b=1),
        key_of(a=["x", "y"]),
        key_of(a=["x,y"]),
        key_of(a=b"1"),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of(a=1, b={"x": 1, "y": {3, 1, 2}}) == key_of(b={"y": {2, 1, 3}, "x": 1}, a=1)
    with pytest.raises(TypeError):
        key_of(a=object())


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAGEFIX_CACHE_DIR", str(tmp_path / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder("/given") == "/given"
    assert cache_folder() == str(tmp_path / "ours")
    monkeypatch.delenv("PAGEFIX_CACHE_DIR")
    assert cache_folder() == str(tmp_path / "xdg/pagefix")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == str(tmp_path / "home/.cache/pagefix")
