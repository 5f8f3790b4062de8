"""Models of kernel API, entry tables and vocabularies: what the tree's text cannot tell.

Everything here is data from ``rules/models/*.toml``. What a kernel function does to pages
is written as C, in the key ``code``: a model is a function (or macro) whose body does to
the tracked values what the real one does, and nothing else. The rest are lists of names.

Floor 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pagefix import reads
from pagefix.c import Unit, ast, read
from pagefix.errors import PagefixError
from pagefix.rulebook.forms import ModelForm
from pagefix.rulebook.reader import Reader, toml_files
from pagefix.source import SourceFile

__all__ = ["Clause", "Entry", "Guard", "Models", "load_models"]


@dataclass(frozen=True, slots=True)
class Guard:
    """A test of a page flag.

    :param argument: position of the page.
    :param drops_true: the page is no swapcache page where the test is true.
    :param drops_false: the page is no swapcache page where the test is false.
    """

    name: str
    argument: int
    drops_true: bool
    drops_false: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """A branch that ``swap_activate`` may forbid.

    :param sentence: what must be refused for the branch never to be taken.
    :param words: constants and functions that a test of it names.
    :param opposite: constants whose test means that it is *not* so.
    :param size: whether comparing an offset in the file with its size is such a test.
    """

    name: str
    sentence: str
    words: frozenset[str]
    opposite: frozenset[str]
    size: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A method through which the VM hands a filesystem a swapcache page.

    :param role: ``swap-in``, ``swap-out`` or ``dirty``.
    :param carrier: type of the parameter that is the page or holds it, as C writes it.
    :param store: for a carrier, the members that lead to its pages.
    :param asked_for: whether it counts only where the user names the slot.
    :param constants: for other parameters, by name of the kernel's own call: C text.
    """

    role: str
    slot: str
    carrier: str
    store: tuple[str, ...]
    constants: Mapping[str, str]
    sentence: str
    asked_for: bool


@dataclass(frozen=True, slots=True)
class Models:
    """All that ``rules/models`` says.

    :param guards: tests of a page flag by the function's name.
    :param bits: the same by the name of the bit, for ``test_bit()``.
    """

    guards: Mapping[str, Guard]
    bits: Mapping[str, Guard]
    sources: Mapping[str, str]
    fresh: frozenset[str]
    containers: frozenset[str]
    links: frozenset[str]
    harmless: frozenset[str]
    silent: frozenset[str]
    transparent: frozenset[str]
    helpers: frozenset[str]
    sizes: frozenset[str]
    clauses: tuple[Clause, ...]
    entries: tuple[Entry, ...]
    functions: Mapping[str, tuple[ast.Function, ...]]
    macros: Mapping[str, ast.Macro]
    texts: Mapping[str, str]


def load_models(folder: Path) -> Models:
    """Read ``models/*.toml`` below a folder of rules.

    :raises PagefixError: for a file that is no TOML, has an unknown key, or C that does
        not read.
    """
    parts: dict[str, list[Any]] = {}
    functions: dict[str, list[ast.Function]] = {}
    macros: dict[str, ast.Macro] = {}
    texts: dict[str, str] = {}
    for path in toml_files(folder / "models"):
        table = _table(path)
        for key, value in table.items():
            if key == "code":
                _read_code(path, value, functions, macros, texts)
            elif key != "summary":
                parts.setdefault(key, []).extend(value if isinstance(value, list) else [value])
    labels = {
        n: label for each in parts.get("sources", ()) for label, ns in each.items() for n in ns
    }
    return Models(
        guards={g["call"]: _guard(g) for g in parts.get("guard", ())},
        bits={g["bit"]: _guard(g) for g in parts.get("guard", ()) if "bit" in g},
        sources=labels,
        fresh=frozenset(parts.get("fresh", ())),
        containers=frozenset(parts.get("containers", ())),
        links=frozenset(parts.get("links", ())),
        harmless=frozenset(parts.get("harmless", ())),
        silent=frozenset(parts.get("silent", ())),
        transparent=frozenset(parts.get("transparent", ())),
        helpers=frozenset(parts.get("helpers", ())),
        sizes=frozenset(parts.get("sizes", ())),
        clauses=tuple(_clause(c) for c in parts.get("clause", ())),
        entries=tuple(_entry(e) for e in parts.get("entry", ())),
        functions={name: tuple(each) for name, each in functions.items()},
        macros=macros,
        texts=texts,
    )


def _table(path: Path) -> dict[str, Any]:
    try:
        text = reads.text(str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PagefixError(
            f"{path}: the model cannot be read",
            why=f"{error}.",
            remedy="A model is a readable file of UTF-8 text.",
        ) from error
    reader = Reader(path, text)
    reader.check(ModelForm)
    return reader.data


class _NoMacros:
    def annotation(self, name: str) -> bool | None:
        return None

    def loop(self, name: str) -> bool | None:
        return None

    def definition(self, name: str) -> str | None:
        return None


def _read_code(
    path: Path,
    code: str,
    functions: dict[str, list[ast.Function]],
    macros: dict[str, ast.Macro],
    texts: dict[str, str],
) -> None:
    shown = f"<model {path.stem}>"
    texts[shown] = code
    unit: Unit = read(SourceFile(shown, "", code.encode()), _NoMacros())
    for chunk in unit.chunks:
        broken = unit.broken(chunk)
        if broken:
            line = unit.source.line_of(broken[0].start)
            raise PagefixError(
                f"{path.name}: line {line} of its code does not read as C",
                why=broken[0].reason,
                remedy="correct the C text",
            )
        for item in unit.items(chunk):
            if isinstance(item, ast.Function):
                functions.setdefault(item.name, []).append(item)
            elif isinstance(item, ast.Macro):
                macros[item.name] = item


def _guard(table: dict[str, Any]) -> Guard:
    drops = table["drops_when"]
    return Guard(
        table["call"], int(table.get("argument", 0)), drops in ("true",), drops in ("false",)
    )


def _clause(table: dict[str, Any]) -> Clause:
    return Clause(
        table["name"],
        table["sentence"],
        frozenset(table.get("words", ())),
        frozenset(table.get("opposite", ())),
        bool(table.get("size", False)),
    )


def _entry(table: dict[str, Any]) -> Entry:
    return Entry(
        table["role"],
        table["slot"],
        table["carrier"],
        tuple(table.get("store", ())),
        dict(table.get("constants", {})),
        table["sentence"],
        bool(table.get("asked_for", False)),
    )
