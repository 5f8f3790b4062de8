"""What a check costs, against what the entries reach and against the size of the directory.

    bench/reach.py KERNEL [DIR[=TABLE]...]

One line for each directory, by what is reached: functions, contexts (functions times what they
were called with), seconds of the analysis alone and of the whole check, against the functions
and bytes there are. Without directories: all of fs/ that have a table with ``readpage``.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLE = re.compile(
    rb"^(?:static )?(?:const )?struct address_space_operations (\w+)\s*=\s*\{(.*?)^\};",
    re.MULTILINE | re.DOTALL,
)
_METHODS = ((b".readpage", b".direct_IO"), (b".readpage",))


class Cost(NamedTuple):
    """One check."""

    name: str
    size: int
    functions: int
    contexts: int
    findings: int
    flow: float
    whole: float
    memory: float


def tables(kernel: Path) -> Iterator[tuple[str, str]]:
    """Yield each directory of fs/ with the table that is most like one for swapping."""
    for folder in sorted(path for path in (kernel / "fs").iterdir() if path.is_dir()):
        texts = [path.read_bytes() for path in sorted(folder.rglob("*.c"))]
        found = [match for text in texts for match in _TABLE.findall(text)]
        for methods in _METHODS:
            names = [name for name, body in found if all(each in body for each in methods)]
            if names:
                yield f"fs/{folder.name}", names[0].decode()
                break


def measure(folder: str, table: str) -> Cost:
    """Check one directory in this process, which should be fresh."""
    # Imported here: the parent only starts processes.
    from pagefix import engine
    from pagefix.flow import SwapOptions
    from pagefix.rulebook import load_rules

    start = time.perf_counter()
    rules = load_rules()
    program = engine.load([folder])
    # Without entries, all but the analysis is done: parsing, inventory, matching.
    engine.check(program, rules, swap=SwapOptions(ops="none"))
    middle = time.perf_counter()
    report = engine.check(program, rules, swap=SwapOptions(ops=table))
    end = time.perf_counter()
    engine.check(program, rules, swap=SwapOptions(ops="none"))
    again = time.perf_counter() - end
    flow = max(end - middle - again, 0.0)
    size = sum(path.stat().st_size for path in Path(folder).rglob("*.[ch]"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    reached = report.coverage
    return Cost(
        folder,
        size,
        reached.functions,
        reached.contexts,
        len(report.findings),
        flow,
        middle - start + flow,
        memory,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("kernel", metavar="KERNEL", type=Path)
    parser.add_argument("folders", metavar="DIR[=TABLE]", nargs="*")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    named = {} if options.one else dict(tables(options.kernel))
    chosen = [
        (folder, table or named.get(folder, "auto"))
        for folder, _, table in (each.partition("=") for each in options.folders)
    ] or list(named.items())
    if options.one:
        for folder, table in chosen:
            cost = measure(str(options.kernel / folder), table)
            print(*cost._replace(name=folder), sep="\t")
        return
    lines = []
    for folder, table in chosen:
        command = [sys.executable, __file__, "--one", str(options.kernel), f"{folder}={table}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{folder}={table}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        name, *rest = done.stdout.split("\t")
        lines.append((f"{name}={table}", [float(each) for each in rest]))
        print(f"\r{len(lines)} of {len(chosen)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    title = ("kB", "reached", "contexts", "findings", "flow s", "ms/context", "whole s", "peak MB")
    print(f"{'directory=table':36}" + "".join(f"{each:>11}" for each in title))
    for label, (size, functions, contexts, findings, flow, whole, memory) in sorted(
        lines, key=lambda each: each[1][2]
    ):
        each = 1000 * flow / contexts if contexts else 0.0
        print(
            f"{label:36}{size / 1000:11.0f}{functions:11.0f}{contexts:11.0f}{findings:11.0f}"
            f"{flow:11.2f}{each:11.2f}{whole:11.2f}{memory:11.0f}"
        )


if __name__ == "__main__":
    main()
