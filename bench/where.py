"""Where the time of one command goes: samples of its stack, by part of pagefix.

    bench/where.py [--lines N] -- check --no-cache DIR

A timer of the process's own CPU time stops the command every two milliseconds; the innermost
frame of pagefix is what a sample counts for (a regular expression, the parser or a set
operation counts for the code that called it). Unlike a tracing profiler it does not make many
small calls look dear. What it prints: the share of each package, then of each module, then of
the functions that cost most.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import pagefix
from pagefix.cli import main as pagefix_main

HOME = Path(pagefix.__file__).parent
EVERY = 0.002


class Samples:
    """Counts of where the process was when the timer went off."""

    def __init__(self) -> None:
        self.codes: Counter[CodeType | None] = Counter()

    def take(self, number: int, frame: FrameType | None) -> None:
        """Count the innermost frame of pagefix (a handler of SIGPROF)."""
        while frame is not None and not frame.f_code.co_filename.startswith(str(HOME)):
            frame = frame.f_back
        self.codes[frame.f_code if frame else None] += 1

    def told(self, depth: int) -> Counter[str]:
        """Return counts by package (1), module (2) or function (3)."""
        found: Counter[str] = Counter()
        for code, count in self.codes.items():
            if code is None:
                found["(start of Python, other packages)"] += count
                continue
            path = Path(code.co_filename).relative_to(HOME).with_suffix("")
            parts = [*path.parts, code.co_qualname] if depth == 3 else path.parts[:depth]
            found["/".join(parts)] += count
        return found


def sample(arguments: list[str]) -> Samples:
    """Run a command of pagefix in this process and sample it."""
    samples = Samples()
    signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            code = pagefix_main(arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if code not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)}: exit status {code}")
    return samples


def main() -> None:
    """Sample one command and print the shares."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--lines", type=int, default=15, help="of each table (15)")
    parser.add_argument("arguments", nargs="+", metavar="ARGUMENT", help="pagefix's own")
    options = parser.parse_args()
    samples = sample(options.arguments)
    total = samples.codes.total()
    if not total:
        raise SystemExit("no sample: the command was done at once")
    print(f"pagefix {' '.join(options.arguments)}: {total * EVERY:.1f} s of CPU time sampled")
    for depth, title in ((1, "package"), (2, "module"), (3, "function")):
        print(f"\n{title:44}{'share':>7}{'s':>8}")
        for name, count in samples.told(depth).most_common(options.lines):
            print(f"{name:44}{count / total:7.1%}{count * EVERY:8.2f}")


if __name__ == "__main__":
    main()
