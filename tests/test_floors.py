"""Imports go down: no cycle, nothing from a floor above, one door to each package.

The imports are read from the text, so one inside a function counts too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "pagefix"

# Lowest first. A package is one entry; modules of one floor may import those before them.
FLOORS = [
    ["errors", "source", "finding", "overlay", "asked", "reads", "cache"],
    ["c"],
    ["program"],
    ["rulebook"],
    ["flow", "contract"],
    ["sites", "hits", "conditions", "fix", "script"],
    ["report"],
    [
        "config",
        "findings",
        "ops",
        "provenance",
        "suppressions",
        "baseline",
        "changes",
        "engine",
        "api",
        "rewriting",
        "still",
        "fixtures",
        "cli",
    ],
]
ORDER = [name for floor in FLOORS for name in floor]

# Modules of a package that others may name, beside its door: values without behaviour,
# and what costs too much to be imported by the door.
PUBLIC = {
    "pagefix.c.ast",
    "pagefix.report.console",
    "pagefix.report.concise",
    "pagefix.report.json",
    "pagefix.report.moved",
    "pagefix.report.tables",
}

MODULES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of pagefix that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.startswith("pagefix"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module is not None and node.module.split(".")[0] == "pagefix":
                for each in node.names:
                    inner = f"{node.module}.{each.name}"
                    yield inner if inner in NAMES else node.module


def part_of(name: str) -> str:
    # `sites_text` and the like are parts of `sites`.
    return name.split(".")[1].split("_")[0] if "." in name and "__" not in name else ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down(path: Path) -> None:
    name = name_of(path)
    mine = part_of(name)
    if not mine:
        pytest.skip("the package itself names what is public, wherever it is")
    assert mine in ORDER, f"{mine} is on no floor"
    for other in imports(path):
        theirs = part_of(other)
        if theirs in ("", mine):
            continue
        assert theirs in ORDER, f"{theirs} is on no floor"
        assert ORDER.index(theirs) < ORDER.index(mine), f"{name} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_packages_have_one_door(path: Path) -> None:
    mine = part_of(name_of(path))
    for other in imports(path):
        if part_of(other) != mine and other.count(".") >= 2:
            assert other in PUBLIC, f"{name_of(path)} goes past the door: {other}"


# What takes part in an answer asks the disk through `reads`, which notes what it depends on.
ASKING = ["c", "program", "rulebook", "flow", "contract", "sites", "hits", "conditions", "ops"]
ASKING += ["findings", "provenance", "suppressions", "engine", "script"]
DISK = {
    *("open", "listdir", "scandir", "walk", "fwalk", "stat", "lstat", "access", "readlink"),
    *("isfile", "isdir", "exists", "lexists", "islink", "getmtime", "getsize", "realpath"),
    *("read_text", "read_bytes", "is_file", "is_dir", "glob", "rglob", "iterdir", "getenv"),
    "environ",
}
# Where an answer is refused: the reason may be looked up.
REASONS = {("pagefix.program.discover", "stat")}
# The rules' own place: beside the modules, of which the cache knows.
REASONS |= {("pagefix.rulebook.load", "is_dir")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_answers_depend_only_on_what_is_noted(path: Path) -> None:
    if part_of(name_of(path)) not in ASKING:
        pytest.skip("takes no part in an answer")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            # `walk` and `exists` may be functions of our own; these are of the system.
            used = node.attr if node.value.id in ("os", "io", "shutil") else ""
            if node.attr in ("read_text", "read_bytes", "glob", "rglob", "iterdir"):
                used = node.attr
        elif isinstance(node, ast.Attribute):
            ours = isinstance(node.value, ast.Attribute) and node.value.attr == "path"
            used = node.attr if ours or node.attr in ("is_file", "is_dir", "glob") else ""
        else:
            name = node.func if isinstance(node, ast.Call) else None
            used = name.id if isinstance(name, ast.Name) and name.id == "open" else ""
        if used in DISK and (name_of(path), used) not in REASONS:
            raise AssertionError(
                f"{name_of(path)}:{getattr(node, 'lineno', 0)} uses {used}: ask `reads`"
            )


def test_there_is_no_cycle() -> None:
    graph = {name_of(path): {each for each in imports(path) if each in NAMES} for path in MODULES}
    # The top package only names; nothing is imported before it is asked for.
    graph["pagefix"] = set()
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_heavy_libraries_stay_in_their_packages() -> None:
    homes = {"tree_sitter": "c", "tree_sitter_c": "c", "libcst": "script", "rich": "report"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            for each in names:
                top = each.split(".")[0]
                if top in homes:
                    assert part_of(name_of(path)) == homes[top], f"{path} imports {each}"
