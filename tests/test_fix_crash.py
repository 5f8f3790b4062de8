"""Writing is stopped at every system call in turn: every file old, or every file new.

A child does the work with its calls counted; at the chosen one it dies (SIGKILL), or is
told that there is no room. Then the next run, in the parent, must set all right.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pagefix.errors import PagefixError
from pagefix.finding import Edit
from pagefix.fix import FileChange, apply, apply_edits, recover, stopped
from pagefix.fix import disk as disk_module
from pagefix.fix import journal as journal_module
from pagefix.fix import recovery as recovery_module
from pagefix.fix import writing as writing_module
from pagefix.source import SourceFile

MODULES = (disk_module, journal_module, recovery_module, writing_module)
READS = ("stat", "fstat", "lstat", "read", "close", "scandir", "listxattr", "getxattr")
CHANGES = ("open", "write", "fsync", "fchown", "fchmod", "setxattr", "link", "replace", "unlink")
MOVES = ("link", "replace", "unlink")
OLD = {"a.c": b"old\n", "sub/b.c": b"old\r\n\xff", "sub/b2.c": b"old\r\n\xff", "sub/c.c": b"old"}
NEW = {name: b"new" + text[3:] for name, text in OLD.items()}


class Stop:
    """Stands for :mod:`os`; does something else at the n-th call."""

    def __init__(self, at: int, names: tuple[str, ...], act: Callable[..., Any]) -> None:
        self.at = at
        self.names = names
        self.act = act
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Any:
        # Nothing here can lose what is in memory: that a call is made is enough.
        real = getattr(os, name) if name != "fsync" else lambda handle: None
        if name not in self.names:
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            self.made.append(name)
            if len(self.made) - 1 == self.at:
                return self.act(name, real, *arguments, **options)
            return real(*arguments, **options)

        return call


def make(folder: Path) -> list[FileChange]:
    """Write the old tree; b.c and b2.c are one file."""
    (folder / "sub").mkdir(parents=True)
    for name in ("a.c", "sub/b.c", "sub/c.c"):
        (folder / name).write_bytes(OLD[name])
    os.link(folder / "sub/b.c", folder / "sub/b2.c")
    (folder / "sub/c.c").chmod(0o640)
    return changes(folder)


def changes(folder: Path) -> list[FileChange]:
    found = []
    for name in ("a.c", "sub/b.c", "sub/c.c"):
        source = SourceFile(name, str(folder / name), OLD[name])
        edits = (Edit(name, 0, 3, "new"),)
        found.append(FileChange(source, edits, apply_edits(source.data, edits)))
    return found


def texts(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def sound(folder: Path) -> bool:
    """Return whether all is new; fails unless it is all old or all new, and nothing else."""
    found = texts(folder)
    assert found in (OLD, NEW)
    assert os.path.samefile(folder / "sub/b.c", folder / "sub/b2.c")
    assert (folder / "sub/b.c").stat().st_nlink == 2
    assert stat.S_IMODE((folder / "sub/c.c").stat().st_mode) == 0o640
    return found == NEW


def in_child(work: Callable[[], object], stop: Stop) -> int:
    """Return how a child that did the work ended: 0, 1 for a PagefixError, or a signal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 2
        try:
            for module in MODULES:
                module.os = stop  # type: ignore[attr-defined]
            work()
            code = 0
        except PagefixError as error:
            code = 1 if "nothing was written" in str(error) else 3
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_half_way(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    if name == "write":
        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def no_room(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    if name == "write":
        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def calls(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Return the calls that a run makes that nothing stops."""
    counter = Stop(-1, names, die)
    made = make(folder)
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            patch.setattr(module, "os", counter)
        assert apply(made, [str(folder)]) == 3
    assert sound(folder)
    return counter.made


def points(tmp_path: Path, names: tuple[str, ...]) -> Iterator[tuple[int, Path]]:
    for at in range(len(calls(tmp_path / "whole", names))):
        yield at, tmp_path / str(at)


def test_a_run_that_is_killed_at_any_call(tmp_path: Path) -> None:
    ends = set()
    for at, folder in points(tmp_path, READS + CHANGES):
        made = make(folder)
        assert in_child(partial(apply, made, [str(folder)]), Stop(at, READS + CHANGES, die)) == -9
        # Not even now is a text lost or torn.
        for name, text in texts(folder).items():
            assert text in (OLD[name], NEW[name]) if name in OLD else ".pagefix-" in name
        before = texts(folder)
        told = recover([str(folder / "sub")])
        new = sound(folder)
        assert [each.finished for each in told] == ([new] if len(before) > len(OLD) else [])
        assert recover([str(folder)]) == ()
        ends.add(new)
    assert ends == {True, False}


def test_half_a_write_is_never_taken_for_a_text(tmp_path: Path) -> None:
    for at, folder in points(tmp_path, ("write",)):
        made = make(folder)
        assert (
            in_child(partial(apply, made, [str(folder)]), Stop(at, ("write",), die_half_way)) == -9
        )
        recover([str(folder)])
        assert not sound(folder)


def test_a_recovery_that_is_killed_too(tmp_path: Path) -> None:
    for at, folder in points(tmp_path, MOVES):
        for again in range(100):
            inner = folder / str(again)
            made = make(inner)
            in_child(partial(apply, made, [str(inner)]), Stop(at, MOVES, die))
            ended = in_child(partial(recover, [str(inner)]), Stop(again, MOVES, die))
            recover([str(inner)])
            sound(inner)
            if ended == 0:
                break
        else:
            pytest.fail("a recovery makes more than 100 changes")


@pytest.mark.parametrize("lasting", [False, True])
def test_no_room_at_any_call(tmp_path: Path, lasting: bool) -> None:
    for at, folder in points(tmp_path, CHANGES):
        made = make(folder)
        stop = Stop(at, CHANGES, no_room)
        if lasting:
            stop.at = -1
            stop.act = no_room
            stop.made = Lasting(at, stop)
        ended = in_child(partial(apply, made, [str(folder)]), stop)
        if not lasting:
            # Nothing is left for the next run but what could not be removed.
            assert ended in (0, 1)
            assert bool(stopped([str(folder)])) <= (ended == 0)
        recover([str(folder)])
        assert sound(folder) == (ended == 0) or lasting


class Lasting(list[str]):
    """Keeps the count of calls at the one to fail, once it is reached."""

    def __init__(self, at: int, stop: Stop) -> None:
        super().__init__()
        self.failing = at
        self.stop = stop

    def append(self, name: str) -> None:
        super().append(name)
        self.stop.at = len(self) - 1 if len(self) > self.failing else -1


def test_mv_is_enough_either_way(tmp_path: Path) -> None:
    for at, folder in points(tmp_path, CHANGES):
        for way in ("new", "old"):
            inner = folder / way
            made = make(inner)
            in_child(partial(apply, made, [str(inner)]), Stop(at, CHANGES, die))
            journal = inner / ".pagefix-journal"
            if not journal.exists():
                continue
            noted = json.loads(journal.read_text())
            for line in noted[way]:
                subprocess.run(["sh", "-c", line], check=False, stderr=subprocess.DEVNULL)
            wanted = OLD if way == "old" else NEW
            assert {each: texts(inner)[each] for each in OLD} == wanted
            recover([str(inner)])
            assert sound(inner) == (wanted is NEW)


def test_what_is_replaced_is_on_disk_before(tmp_path: Path) -> None:
    # A loss of power keeps what was synced, and any part of the rest.
    made = calls(tmp_path, ("write", "fsync", "link", "replace", "unlink"))
    # The journal and its folder; a text with its second name, twice that for two names, and
    # a text; both folders.
    prepared = "write fsync fsync write fsync link write fsync link link link write fsync link"
    # The journal, its folder; three files and a second name, both folders.
    replaced = "replace fsync replace replace replace replace fsync fsync"
    # No way back (the draft is no more, so its rename fails); then all that can lie beside
    # the files, the new texts being gone already; both folders; the journal.
    removed = f"replace replace fsync {'unlink ' * 8}fsync fsync unlink"
    assert " ".join(made) == f"{prepared} fsync fsync {replaced} {removed}"


def test_a_file_that_somebody_changed_after_the_crash_is_left_alone(tmp_path: Path) -> None:
    at = calls(tmp_path / "whole", ("replace",)).index("replace") + 2
    made = make(tmp_path / "tree")
    in_child(partial(apply, made, [str(tmp_path / "tree")]), Stop(at, ("replace",), die))
    # The journal and a.c have been renamed; c.c is changed by hand before the next run.
    assert (tmp_path / "tree/a.c").read_bytes() == NEW["a.c"]
    (tmp_path / "tree/sub/c.c").write_bytes(b"mine\n")
    (told,) = recover([str(tmp_path / "tree")])
    assert not told.finished
    assert texts(tmp_path / "tree") == {**OLD, "sub/c.c": b"mine\n"}


def test_where_neither_way_is_open_all_is_kept_and_told(tmp_path: Path) -> None:
    made = make(tmp_path)
    in_child(partial(apply, made, [str(tmp_path)]), Stop(2, ("replace",), die))
    # a.c was replaced, and is changed by hand; c.c was not, and its new text is gone.
    (tmp_path / "a.c").write_bytes(b"mine\n")
    (tmp_path / "sub/.c.c.pagefix-new").unlink()
    before = texts(tmp_path)
    with pytest.raises(PagefixError, match="half way") as told:
        recover([str(tmp_path)])
    assert f"mv -f {tmp_path}/.a.c.pagefix-old {tmp_path}/a.c" in told.value.remedy
    assert texts(tmp_path) == before


def test_a_journal_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/.pagefix-journal").write_text(
        '{"format": 1, "files": [{"path": "../x.c", "old": "0", "new": "1"}]}'
    )
    with pytest.raises(PagefixError, match="cannot be read"):
        recover([str(tmp_path / "tree")])


def test_two_at_once(tmp_path: Path) -> None:
    made = make(tmp_path)
    with disk_module.locked(str(tmp_path)), pytest.raises(PagefixError, match="another pagefix"):
        apply(made, [str(tmp_path)])
    assert not sound(tmp_path)


ALONE = """
import sys
from pagefix.finding import Edit
from pagefix.fix import FileChange, apply, apply_edits
from pagefix.source import SourceFile

def change(name):
    disk = f"{sys.argv[1]}/{name}"
    source = SourceFile(name, disk, open(disk, "rb").read())
    edits = (Edit(name, 0, 3, "new"),)
    return FileChange(source, edits, apply_edits(source.data, edits))

apply([change(name) for name in ("a.c", "sub/b.c", "sub/c.c")], [sys.argv[1]])
"""
KINDS = ("rename", "link", "linkat", "unlink", "fsync", "write", "fchmod", "flock")


def traced(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # -B: no bytecode is written between the calls that count.
    root = Path(__file__).resolve().parent.parent
    run = [sys.executable, "-B", "-c", ALONE, str(folder)]
    return subprocess.run(
        ["strace", "-qq", *options, *run],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_real_calls(tmp_path: Path) -> None:
    # As above, from outside of the process: what this module does not count cannot hide.
    make(tmp_path / "whole")
    done = traced(tmp_path / "whole", "-e", f"trace={','.join(KINDS)}")
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    assert sound(tmp_path / "whole")
    lines = done.stderr.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("flock"))
    kinds = [line.split("(")[0] for line in lines]
    stops = [
        (kind, kinds[: at + 1].count(kind))
        for at, kind in enumerate(kinds)
        if at >= begin and kind in KINDS
    ]
    assert len(stops) > 30
    for kind, count in stops:
        folder = tmp_path / f"{kind}-{count}"
        make(folder)
        killed = traced(
            folder, "-e", f"trace={kind}", "-e", f"inject={kind}:signal=KILL:when={count}"
        )
        assert killed.returncode == -signal.SIGKILL
        recover([str(folder)])
        sound(folder)
