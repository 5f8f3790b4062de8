"""With the wrappers defined as the raw access, a rewrite leaves the machine's code as it was.

Needs a kernel tree and the commands that compile it: ``make test-kernel`` with
``PAGEFIX_COMPILE_COMMANDS`` naming a ``compile_commands.json`` (any file of it whose path ends
in that of a source file gives the command). The rewrite is made without wrapping, in a tree
whose ``.clang-format`` has no limit: what the kernel writes with ``__LINE__`` stays the same.
That the wrapped text compiles is looked at beside it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest
from test_kernel_rewrite import CASES, DIRECTORIES, KERNEL, all_changes, copied

from pagefix import fix

COMMANDS = os.environ.get("PAGEFIX_COMPILE_COMMANDS", "")
pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not COMMANDS, reason="PAGEFIX_COMPILE_COMMANDS names no commands"),
]

#: What every wrapper is for a page that is in no swap cache, and what every test says of it.
RAW = """\
#include <linux/mm.h>
#include <linux/pagemap.h>
#define page_file_mapping(page) ((page)->mapping)
#define page_file_index(page) ((page)->index)
#define page_index(page) ((page)->index)
#define page_file_offset(page) page_offset(page)
#define folio_file_mapping(folio) ((folio)->mapping)
#define folio_index(folio) ((folio)->index)
#define folio_file_pos(folio) folio_pos(folio)
#define PageSwapCache(page) 0
#define folio_test_swapcache(folio) 0
"""


@cache
def _commands() -> dict[str, tuple[str, list[str], str]]:
    # By the path from the directory on: fs/nfs/read.c.
    found = {}
    for entry in json.loads(Path(COMMANDS).read_text()):
        words = entry.get("arguments") or shlex.split(entry["command"])
        for directory in DIRECTORIES:
            before, inner, name = entry["file"].rpartition(f"/{directory}/")
            if inner and before:
                found[f"{directory}/{name}"] = (entry["directory"], words, entry["file"])
    return found


def _compiled(source: Path, key: str, options: list[str], out: Path | None) -> str:
    # What the compiler said; empty if nothing is wrong.
    folder, words, file = _commands()[key]
    args = [each for each in words if not each.startswith("-Wp,-M")]
    if "-o" in args:
        at = args.index("-o")
        del args[at : at + 2]
    args = [str(source) if each == file or each.endswith(key) else each for each in args]
    # Headers beside the file that was compiled come from beside the copy, too. What is
    # included by an option comes last: the kernel's own such headers are needed above it.
    args[1:1] = ["-I", str(source.parent)]
    args += options
    args += ["-o", str(out)] if out is not None else ["-fsyntax-only"]
    done = subprocess.run(args, cwd=folder, capture_output=True, text=True, errors="replace")
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(("directory", "table"), CASES)
def test_the_code_is_the_same(directory: str, table: str, tmp_path: Path) -> None:
    if not (KERNEL / directory).is_dir():
        pytest.skip(f"the tree has no {directory}")
    tree = copied(tmp_path / "tree", directory)
    clang_format = tree / ".clang-format"
    clang_format.unlink(missing_ok=True)
    clang_format.write_text("ColumnLimit: 100000\n")
    changes = all_changes(directory, table, tree)
    raw = tmp_path / "raw.h"
    raw.write_text(RAW)
    # A guard adds lines; where they are is told to the compiler only then.
    options = ["-include", str(raw), "-Wno-builtin-macro-redefined", "-D__LINE__=1"][
        : 4 if table else 2
    ]

    before = {}
    for change in changes:
        key, out = change.path, tmp_path / "before.o"
        if key in _commands() and not _compiled(tree / key, key, options, out):
            before[key] = out.read_bytes()
    if not before:
        pytest.skip("no command for a file that changes")

    fix.apply(changes, [str(tree)])
    for key, old in before.items():
        assert not _compiled(tree / key, key, options, tmp_path / "after.o")
        assert (tmp_path / "after.o").read_bytes() == old, key
    print(f"{directory}: {len(before)} of {len(changes)} files give the same code")


@pytest.mark.parametrize(("directory", "table"), CASES)
def test_it_compiles(directory: str, table: str, tmp_path: Path) -> None:
    if not (KERNEL / directory).is_dir():
        pytest.skip(f"the tree has no {directory}")
    tree = copied(tmp_path / "tree", directory)
    changes = all_changes(directory, table, tree)
    known = [
        change.path
        for change in changes
        if change.path in _commands() and not _compiled(tree / change.path, change.path, [], None)
    ]
    if not known:
        pytest.skip("no command for a file that changes")
    fix.apply(changes, [str(tree)])
    for key in known:
        assert not _compiled(tree / key, key, [], None), key
    print(f"{directory}: {len(known)} of {len(changes)} files compile")
