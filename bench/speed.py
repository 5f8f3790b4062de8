"""Time and memory of whole runs, as ratios against bare parsing of the same files.

    bench/speed.py [--runs N] [--command "sites --format json"] DIR...

For each directory, in turns so that a busy machine slows all alike: a process that only
parses every .c and .h file with the tree-sitter binding, and one for each command. The
median counts. Two bases are given: the parse loop alone, and the whole process around it.
The commands of its own keep nothing (``--no-cache``): what a second run costs, and one after
a change, bench/peers.py tells.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

COMMANDS = (
    "sites --no-cache --format json",
    "check --no-cache --scope all --format json",
    "check --no-cache --format json",
)

PARSE = """
import sys, time
from pathlib import Path
import tree_sitter, tree_sitter_c
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).rglob("*")) if path.suffix in (".c", ".h")]
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
start = time.perf_counter()
for data in files:
    parser.parse(data)
print(time.perf_counter() - start, len(files), sum(map(len, files)))
"""

# As it is installed: with its bytecode, which the first, uncounted run writes.
BYTECODE = tempfile.TemporaryDirectory(prefix="pagefix-bench-")
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPYCACHEPREFIX": BYTECODE.name,
}


class Run(NamedTuple):
    """One process: seconds, peak memory in MB, what it printed."""

    seconds: float
    memory: float
    output: bytes


def run(arguments: Sequence[str]) -> Run:
    """Run a process to its end and measure it alone."""
    read, write = os.pipe()
    start = time.perf_counter()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        ENVIRONMENT,
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)],
    )
    os.close(write)
    with open(read, "rb") as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)}: exit status {code}")
    return Run(seconds, usage.ru_maxrss / 1024, output)


def measure(folder: str, commands: Sequence[str], runs: int) -> None:
    """Print one table for one directory."""
    parse = ["-c", PARSE, folder]
    loops: list[float] = []
    found: dict[str, list[Run]] = {name: [] for name in ("parsing", *commands)}
    for command in commands:
        run(["-m", "pagefix", *command.split(), folder])
    for _ in range(runs):
        bare = run(parse)
        found["parsing"].append(bare)
        loops.append(float(bare.output.split()[0]))
        for command in commands:
            found[command].append(run(["-m", "pagefix", *command.split(), folder]))
    count, size = (int(each) for each in found["parsing"][0].output.split()[1:])
    loop = statistics.median(loops)
    process = statistics.median(each.seconds for each in found["parsing"])
    print(f"{folder}: {count} files, {size / 1e6:.2f} MB, median of {runs}")
    print(f"{'':46}{'s':>8}{'/ loop':>8}{'/ process':>11}{'peak MB':>9}")
    print(f"{'the parse loop alone':46}{loop:8.3f}{1:8.2f}")
    for name, each in found.items():
        seconds = statistics.median(one.seconds for one in each)
        memory = max(one.memory for one in each)
        title = "a process that parses" if name == "parsing" else f"pagefix {name}"
        print(
            f"{title:46}{seconds:8.3f}{seconds / loop:8.2f}{seconds / process:11.2f}{memory:9.0f}"
        )
    print()


def main() -> None:
    """Measure the directories given."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folders", metavar="DIR", nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--command", action="append", help="instead of those usually measured")
    options = parser.parse_args()
    for folder in options.folders:
        if not Path(folder).is_dir():
            raise SystemExit(f"{folder}: no directory (KERNEL=DIR names a kernel tree)")
        measure(folder, options.command or COMMANDS, options.runs)


if __name__ == "__main__":
    main()
