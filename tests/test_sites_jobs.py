"""Many processes find what one finds, and none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trees import tree

from pagefix import engine, reads, sites_jobs
from pagefix.cli import main
from pagefix.sites import inventory

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    # Batches of a few files, so that there is something to share.
    monkeypatch.setattr(sites_jobs, "_BATCH", 3000)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("jobs", [2, 3, 7])
@pytest.mark.parametrize("whole", [False, True])
def test_processes_find_what_one_finds(jobs: int, whole: bool) -> None:
    def look(count: int) -> tuple[object, reads.Log]:
        with reads.recorded() as log:
            found = inventory(engine.load([str(FIXTURES / "flow")]), whole=whole, jobs=count)
        return found, log

    one, first = look(1)
    many, second = look(jobs)
    assert many == one
    # The answer depends on the same files. (Another process looks more than once.)
    assert second.files.keys() == first.files.keys()
    assert second.folders.keys() == first.folders.keys()
    assert not second.torn


@pytest.mark.usefixtures("small")
def test_the_output_is_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(FIXTURES)
    outputs = set()
    for jobs in ("1", "2", "5"):
        for more in ([], ["--format", "json"], ["--format", "concise"]):
            assert main(["sites", "flow", "--jobs", jobs, "--no-cache", *more]) == 0
            outputs.add((*more, capsys.readouterr().out))
    assert len(outputs) == 3


@pytest.mark.usefixtures("small")
def test_a_file_that_is_no_text_is_told_once(tmp_path: Path) -> None:
    text = "int f(struct page *p) { return p->index; }\n" * 20
    files: dict[str, str | bytes] = {f"fs/{name}.c": text for name in "abdefg"}
    folder = tree(tmp_path, {**files, "fs/c.c": b"p->index \0"})
    found = [inventory(engine.load([str(folder / "fs")]), jobs=jobs) for jobs in (1, 3)]
    assert found[0] == found[1]
    assert [each.path for each in found[0].closed] == ["fs/c.c"]


def test_a_process_that_dies_leaves_no_gap() -> None:
    mine = os.getpid()

    def work(number: int) -> int:
        if number == 5 and os.getpid() != mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    assert sites_jobs.share(2, 40, work) == [number * number for number in range(40)]


def test_an_error_is_raised_where_it_can_be_told() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        sites_jobs.share(2, 8, work)


def test_more_pieces_than_a_pipe_holds() -> None:
    assert sites_jobs.share(2, 30_000, lambda number: number) == list(range(30_000))


def test_small_work_is_done_by_one() -> None:
    assert sites_jobs.processes(1 << 20) == 1
    assert sites_jobs.processes(1 << 40) == len(os.sched_getaffinity(0))
    assert sites_jobs.processes(1, 4) == 4


def test_batches_are_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites_jobs, "_BATCH", 10)
    sizes = {"a": 4, "b": 4, "c": 4, "d": 30, "e": 1}
    parts = sites_jobs.batches(list(sizes), sizes.__getitem__)
    assert parts == [["a", "b", "c"], ["d"], ["e"]]


SLOW = """
import os, sys, time
from pagefix import sites_jobs
from pagefix.cli import main
from pagefix.program import Program
def slow(self, path):
    if os.getpid() != mine:
        print(os.getpid(), flush=True)
        time.sleep(60)
    return data(self, path)
mine = os.getpid()
data, Program.source, Program.data = Program.data, slow, slow
sys.exit(main(["sites", "--jobs", "2", "--no-cache", sys.argv[1]]))
"""


def test_an_interrupt_ends_all_of_them() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(FIXTURES / "flow")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a process was left behind")


KERNEL = os.environ.get("PAGEFIX_KERNEL", "")


@pytest.mark.kernel
@pytest.mark.skipif(not KERNEL, reason="no kernel tree")
@pytest.mark.parametrize("folder", ["fs/nfs", "fs/btrfs", "mm"])
def test_of_a_kernel_too(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(KERNEL)
    outputs = []
    for command in (["sites", "--jobs", "1", "--no-cache"], ["sites", "--jobs", "2"], ["sites"]):
        assert main([*command, "--format", "json", folder]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2]
    assert json.loads(outputs[0])["sites"]
    if folder != "mm":
        checked = []
        for more in (["--no-cache"], [], []):
            main(["check", "--format", "json", *more, folder])
            checked.append(capsys.readouterr())
        assert checked[0] == checked[1] == checked[2]
