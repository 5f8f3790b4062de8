"""pagefix and its peers at the same work, in one run, in turns.

    bench/peers.py KERNEL [--folder fs/btrfs] [--runs 5] [--slow-runs 1] [--reference FILE]
                   [--scale FOLDER] [--against REV]

The work: every use of a page's ``mapping``, ``index`` and ``private`` below a folder. For each
tool the median of its wall times, the ratio to ast-grep's, its processor time, its peak memory,
and how many of the lines of a reference it finds (recall) and how many of its lines are in it
(precision). The reference is a file of ``path:line``, from a compiler say; without one, it is
what at least two of the tools report. A tool that is absent is shown as absent, with how to
install it. "One file changed" adds a
comment at the end of the largest file of a copy before each run, where nothing was asked of it;
"a chain changed" adds a statement to a method that the VM calls.

``--scale`` adds time and memory at 1 %, 10 % and 100 % of a folder, as a plot of text.
``--against`` adds a table of pagefix against itself at another revision of its repository.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
RULES = HERE / "peers"
Lines = set[tuple[str, int]]
# What a table of a filesystem has in the slots that swap goes through.
METHOD = re.compile(r"\.(?:readpage|read_folio|direct_IO|swap_rw)\s*=\s*(\w+)")


class Tool(NamedTuple):
    """One way to do the work.

    :param command: what is run in the kernel's root.
    :param lines: reads the lines found from what it prints.
    :param slow: whether it is run less often.
    :param cold: whether the cache is emptied before it.
    :param changes: changes a file before each run, of the number that it is given.
    """

    name: str
    command: Sequence[str]
    lines: Callable[[bytes], Lines] | None
    slow: bool = False
    cold: bool = False
    changes: Callable[[int], None] | None = None


class Run(NamedTuple):
    """One process: seconds, those of the processor, peak memory in MB, what it printed."""

    seconds: float
    cpu: float
    memory: float
    output: bytes


def pagefix_lines(output: bytes) -> Lines:
    """Read what ``pagefix sites --format json`` prints."""
    sites = json.loads(output)["sites"]
    return {(each["path"], each["line"]) for each in sites if each["status"] == "page"}


def ast_grep_lines(output: bytes) -> Lines:
    """Read what ``ast-grep scan --json=stream`` prints."""
    found = [json.loads(line) for line in output.splitlines()]
    return {(each["file"], each["range"]["start"]["line"] + 1) for each in found}


def spatch_lines(output: bytes) -> Lines:
    """Read what the script in the semantic patch prints."""
    found = re.findall(r"^SITE (.+):(\d+)$", output.decode("utf-8", "replace"), re.MULTILINE)
    return {(path, int(line)) for path, line in found}


def semgrep_lines(output: bytes) -> Lines:
    """Read what ``semgrep scan --json`` prints."""
    return {(each["path"], each["start"]["line"]) for each in json.loads(output)["results"]}


def beside(root: Path, folder: str, to: Path) -> Path:
    """Return a copy of a folder, in a tree that is otherwise the kernel's own, by links."""
    to.mkdir()
    first, _, rest = folder.strip("/").partition("/")
    for each in sorted(root.iterdir()):
        if each.name != first:
            (to / each.name).symlink_to(each)
    if rest:
        return beside(root / first, rest, to / first)
    return Path(shutil.copytree(root / first, to / first, symlinks=True))


class Changed:
    """A copy of a folder that changes a little before each run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.largest = max(folder.rglob("*.c"), key=lambda each: (each.stat().st_size, each))
        self._git("init", "--quiet")
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", "as it is")

    def _git(self, *arguments: str) -> None:
        nobody = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        subprocess.run(["git", "-C", self.folder, *nobody, *arguments], check=True)

    def grow(self, turn: int) -> None:
        """Add a comment at the end of the largest file, of which nothing is asked."""
        with self.largest.open("a") as text:
            text.write(f"/* bench: {turn} */\n")

    def stage(self, turn: int) -> None:
        """Commit what there is, add a comment and stage it."""
        self._git("commit", "--quiet", "--all", "--allow-empty", "--message", f"{turn}")
        self.grow(turn)
        self._git("add", ".")

    def touch(self, turn: int) -> None:
        """Add a statement to a method that the VM calls: all it is part of is looked at again."""
        for path in sorted(self.folder.rglob("*.c")):
            text = path.read_text(errors="surrogateescape")
            for name in METHOD.findall(text):
                head = re.search(rf"^\w[\w \t*]*\b{name}\([^)]*\)\n{{\n", text, re.MULTILINE)
                if head is not None:
                    more = f"\tbench({turn});\n"
                    changed = text[: head.end()] + more + text[head.end() :]
                    path.write_text(changed, errors="surrogateescape")
                    return


def tools(folder: str, python: str, copy: Path) -> tuple[list[Tool], list[str]]:
    """Return the tools that are here, and sentences about those that are not.

    :param copy: another copy of the folder, to be changed.
    """
    me = [python, "-m", "pagefix"]
    check = [*me, "check", "--format", "concise"]
    changed = Changed(copy)
    found = [
        Tool("pagefix sites, nothing kept", [*me, "sites", "--format", "json", folder],
             pagefix_lines, cold=True),
        Tool("pagefix sites, nothing changed", [*me, "sites", "--format", "json", folder],
             pagefix_lines),
        Tool("pagefix check, nothing kept", [*me, "check", "--format", "concise", folder],
             None, slow=True, cold=True),
        Tool("pagefix check, nothing changed", [*me, "check", "--format", "concise", folder],
             None),
        Tool("pagefix check, one file changed", [*check, str(copy)], None, changes=changed.grow),
        Tool("pagefix check, one file staged",
             [*check, "--staged", "--only-named", str(changed.largest)],
             None, changes=changed.stage),
        Tool("pagefix check, a chain changed", [*check, str(copy)],
             None, slow=True, changes=changed.touch),
    ]  # fmt: skip
    absent = []
    if shutil.which("ast-grep"):
        rule = str(RULES / "page-sites.yml")
        command = ["ast-grep", "scan", "-r", rule, "--json=stream", folder]
        found.append(Tool("ast-grep", command, ast_grep_lines))
    else:
        absent.append("ast-grep: absent (pip install ast-grep-cli)")
    if shutil.which("spatch"):
        base = ["spatch", "--very-quiet", "--sp-file", str(RULES / "page-sites.cocci")]
        base += ["--dir", folder]
        for name, more in (
            ("Coccinelle --no-includes", ["--no-includes"]),
            (
                "Coccinelle --recursive-includes",
                ["--recursive-includes", "-I", "include", "-I", "arch/x86/include"],
            ),
        ):
            found.append(Tool(name, [*base, *more], spatch_lines, slow=True))
    else:
        absent.append("Coccinelle: absent (apt-get install coccinelle)")
    if shutil.which("semgrep"):
        command = ["semgrep", "scan", "--metrics", "off", "--disable-version-check"]
        command += ["--no-git-ignore", "--config", str(RULES / "page-sites.semgrep.yml")]
        command += ["--json", "-q", folder]
        found.append(Tool("Semgrep", command, semgrep_lines, slow=True))
    else:
        absent.append("Semgrep: absent (pip install semgrep)")
    return found, absent


def run(command: Sequence[str], root: Path, cache: str, more: dict[str, str]) -> Run:
    """Run a process to its end and measure it with its children."""
    environment = {**os.environ, "PAGEFIX_CACHE_DIR": cache, **more}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=root, env=environment, stdout=out, stderr=subprocess.DEVNULL
        )
        _, _, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = 0
        out.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Run(seconds, cpu, usage.ru_maxrss / 1024, out.read())


def measure(
    chosen: Sequence[Tool], root: Path, runs: int, slow: int, more: dict[str, str]
) -> dict[str, list[Run]]:
    """Run all tools in turns, so that a busy machine slows all alike."""
    found: dict[str, list[Run]] = {each.name: [] for each in chosen}
    with tempfile.TemporaryDirectory(prefix="pagefix-bench-") as kept:
        for turn in range(runs):
            for tool in chosen:
                if tool.slow and turn >= slow:
                    continue
                cache = f"{kept}/{turn}" if tool.cold else f"{kept}/warm"
                if not turn and (tool.changes or "nothing changed" in tool.name):
                    run(tool.command, root, cache, more)
                if tool.changes:
                    tool.changes(turn)
                found[tool.name].append(run(tool.command, root, cache, more))
                if tool.cold:
                    shutil.rmtree(cache, ignore_errors=True)
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def reference(path: str | None, lines: dict[str, Lines]) -> tuple[Lines, str]:
    """Return the lines that count as true, and where they are from."""
    if path is not None:
        pairs = [line.rsplit(":", 1) for line in Path(path).read_text().split()]
        return {(name, int(number)) for name, number in pairs}, path
    votes: Counter[tuple[str, int]] = Counter()
    for name, each in lines.items():
        if name != "pagefix sites, nothing changed":
            votes.update(each)
    return {line for line, count in votes.items() if count > 1}, "lines that two tools agree on"


def table(folder: str, root: Path, options: argparse.Namespace) -> None:
    """Print the table of one folder."""
    with tempfile.TemporaryDirectory(prefix="pagefix-bench-") as bytecode:
        copy = beside(root, folder, Path(bytecode) / "tree")
        chosen, absent = tools(folder, sys.executable, copy)
        more = {"PYTHONPYCACHEPREFIX": bytecode}
        run([sys.executable, "-m", "pagefix", "check", str(RULES)], root, bytecode, more)
        found = measure(chosen, root, options.runs, options.slow_runs, more)
    lines = {}
    for tool in chosen:
        if tool.lines is not None:
            # A tool given all headers also reports these: nobody asked for them.
            all_lines = tool.lines(found[tool.name][-1].output)
            lines[tool.name] = {each for each in all_lines if each[0].startswith(folder)}
    true, source = reference(options.reference, lines)
    base = statistics.median(each.seconds for each in found.get("ast-grep", ())) if (
        "ast-grep" in found
    ) else None  # fmt: skip
    print(f"{folder}, reference: {len(true)} lines ({source})")
    head = f"{'':36}{'runs':>5}{'s':>9}{'/ ast-grep':>11}{'CPU s':>9}{'MB':>7}"
    print(f"{head}{'recall':>8}{'precision':>10}")
    for tool in chosen:
        runs = found[tool.name]
        seconds = statistics.median(each.seconds for each in runs)
        ratio = f"{seconds / base:.2f}" if base else "-"
        row = f"{tool.name:36}{len(runs):5}{seconds:9.3f}{ratio:>11}"
        row += f"{statistics.median(each.cpu for each in runs):9.3f}"
        row += f"{max(each.memory for each in runs):7.0f}"
        if tool.name in lines:
            mine = lines[tool.name]
            recall = len(mine & true) / len(true) if true else 0.0
            precision = len(mine & true) / len(mine) if mine else 0.0
            row += f"{recall:8.3f}{precision:10.3f}"
        print(row)
    for sentence in absent:
        print(sentence)
    print()


def scale(folder: str, root: Path) -> None:
    """Print time and memory against the size of a tree."""
    files = sorted((root / folder).rglob("*.[ch]"))
    rows = []
    for part in (0.01, 0.1, 1.0):
        step = round(1 / part)
        some = [str(each.relative_to(root)) for each in files[::step]]
        size = sum((root / each).stat().st_size for each in some)
        with tempfile.TemporaryDirectory(prefix="pagefix-bench-") as kept:
            paths = [folder] if part == 1.0 else some
            command = [sys.executable, "-m", "pagefix", "sites", "--format", "json", *paths]
            rows.append((part, size, run(command, root, kept, {})))
    longest = max(each.seconds for _, _, each in rows)
    print(f"pagefix sites of parts of {folder}, nothing kept")
    for part, size, each in rows:
        bar = "#" * max(1, round(40 * each.seconds / longest))
        rate = size / 1e6 / each.seconds
        print(
            f"{part:5.0%} {size / 1e6:8.1f} MB {each.seconds:8.2f} s {rate:6.1f} MB/s"
            f" {each.memory:6.0f} MB peak  {bar}"
        )
    print()


def against(revision: str, folder: str, root: Path, runs: int) -> None:
    """Print pagefix beside itself at another revision."""
    commands = (["sites", "--format", "json", folder], ["check", "--format", "concise", folder])
    with tempfile.TemporaryDirectory(prefix="pagefix-bench-") as old:
        subprocess.run(
            ["git", "-C", str(HERE.parent), "worktree", "add", "--detach", f"{old}/t", revision],
            check=True,
            capture_output=True,
        )
        try:
            print(f"pagefix now against {revision}, {folder}, nothing kept")
            for command in commands:
                times: dict[str, list[float]] = {"now": [], revision: []}
                for _ in range(runs):
                    for name, place in (("now", str(HERE.parent)), (revision, f"{old}/t")):
                        with tempfile.TemporaryDirectory() as kept:
                            whole = [sys.executable, "-m", "pagefix", *command]
                            done = run(whole, root, kept, {"PYTHONPATH": place})
                            times[name].append(done.seconds)
                now, then = (statistics.median(each) for each in times.values())
                print(f"  {command[0]:8}{now:9.3f} s{then:9.3f} s{now / then:8.2f}")
        finally:
            subprocess.run(
                ["git", "-C", str(HERE.parent), "worktree", "remove", "--force", f"{old}/t"],
                check=False,
                capture_output=True,
            )


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("kernel", metavar="KERNEL", type=Path)
    parser.add_argument("--folder", action="append", metavar="DIR")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slow-runs", type=int, default=1)
    parser.add_argument("--reference", metavar="FILE")
    parser.add_argument("--scale", metavar="DIR")
    parser.add_argument("--against", metavar="REV")
    options = parser.parse_args()
    root = options.kernel.resolve()
    folders = options.folder or ["fs/btrfs"]
    for folder in folders:
        if not (root / folder).is_dir():
            raise SystemExit(f"{root / folder}: no directory (KERNEL=DIR names a kernel tree)")
        table(folder, root, options)
    if options.scale:
        scale(options.scale, root)
    if options.against:
        against(options.against, folders[0], root, options.runs)


if __name__ == "__main__":
    main()
