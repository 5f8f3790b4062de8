"""Changes to C text after which the same pages reach the same places.

None of them is read with pagefix: what is changed, and how, must not hang on what is tested.
"""

from __future__ import annotations

import random
import re
import shutil
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pagefix import engine
from pagefix.flow import SwapOptions
from pagefix.report import Report
from pagefix.rulebook import Scope, load_rules, rules_folder

# A comment, a string, an included name, a number, or a word: what may be renamed is a word.
_TOKEN = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      | ^[ \t]*\#[ \t]*include\b[^\n]* | \b\d\w* | (?P<word>\b[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if"
    " inline int long register restrict return short signed sizeof static struct switch typedef"
    " union unsigned void volatile while asm typeof defined include define undef ifdef ifndef"
    " elif endif error warning pragma line".split()
)
# Keys of a rule that are prose; what is left is what pagefix looks for.
_PROSE = frozenset("doc summary message sentence references since".split())


# --- files ----------------------------------------------------------------------------------


def sources(folder: Path) -> dict[str, str]:
    """Return the text of each C file, by its name below the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("latin-1")
        for path in sorted(folder.rglob("*.[ch]"))
    }


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write what :func:`sources` returned, changed or not."""
    for name, text in files.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(text.encode("latin-1"))


# --- names ----------------------------------------------------------------------------------


class Renaming(NamedTuple):
    """Files with other names in them, and which name became which."""

    files: dict[str, str]
    names: dict[str, str]


def rename(files: Mapping[str, str], outside: Path, seed: int) -> Renaming:
    """Give every name that only these files have another one, the same in all of them.

    Kept are: words of the rest of the kernel (those of the headers in ``outside``), of the
    C language, of Kconfig, those that a rule or a model names, and those that take part in a
    ``##``, where a name is made of parts.
    """
    spoken, pasting = _headers(outside)
    words = sorted({word for text in files.values() for word in _words(text)})
    kept = spoken | vocabulary() | _KEYWORDS | _pasted(files, pasting)
    # What the headers paste together themselves, as TRACE_EVENT() does with trace_##name.
    fronts = {
        front
        for macros in pasting.values()
        for macro in macros
        for front in re.findall(r"\b([A-Za-z]\w+)\s*##", macro.body)
        if front not in macro.parameters
    }
    pairs = re.compile("(?:" + "|".join(sorted(fronts, key=len, reverse=True)) + r")(?=(\w+))")

    def theirs(word: str) -> bool:
        front = pairs.match(word) if fronts else None
        return word.startswith("CONFIG_") or (front is not None and front[1] in spoken)

    changed = [word for word in words if word not in kept and not theirs(word)]
    order = random.Random(seed)
    numbers = order.sample(range(10_000, 10_000 + 4 * len(changed)), len(changed))
    # Nothing of the old name stays: neither its beginning, nor its end, nor its order. Only
    # its case does, which is how one tells a macro from a variable.
    names = {
        word: f"{'Q' if word.isupper() else 'q'}{number}"
        for word, number in zip(changed, numbers, strict=True)
    }

    def other(token: re.Match[str]) -> str:
        word = token["word"]
        return token.group() if word is None else names.get(word, word)

    return Renaming({name: _TOKEN.sub(other, text) for name, text in files.items()}, names)


@cache
def vocabulary() -> frozenset[str]:
    """Return the names that rules and models look for, read from the rules."""
    found: set[str] = set()
    for path in Path(rules_folder()).rglob("*.toml"):
        for text in _strings(tomllib.loads(path.read_text())):
            found.update(_WORD.findall(text))
    return frozenset(found)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in _PROSE:
                yield key
                yield from _strings(each)


def _words(text: str) -> Iterator[str]:
    for token in _TOKEN.finditer(text):
        if token["word"] is not None:
            yield token["word"]


class _Macro(NamedTuple):
    parameters: tuple[str, ...]
    body: str


_Macros = dict[str, list[_Macro]]
_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(([\w\s,.\\]*)\)((?:\\\r?\n|[^\n])*)", re.MULTILINE
)


@cache
def _headers(folder: Path) -> tuple[frozenset[str], _Macros]:
    words: set[str] = set()
    texts = []
    for path in folder.rglob("*.h"):
        text = path.read_bytes().decode("latin-1")
        words.update(_WORD.findall(text))
        if "##" in text:
            texts.append(text)
    return frozenset(words), _macros(texts)


def _macros(texts: Iterable[str]) -> _Macros:
    found: _Macros = defaultdict(list)
    for text in texts:
        for name, parameters, body in _DEFINE.findall(text):
            bare = tuple(each.strip(" \t\r\n\\") for each in parameters.split(","))
            found[name].append(_Macro(bare, body.replace("\\\n", " ")))
    return found


def _pasted(files: Mapping[str, str], outer: _Macros) -> set[str]:
    """Return what is pasted together, and the parts, wherever a macro of ours or theirs does."""
    macros: _Macros = {**outer, **_macros(files.values())}
    # Those that paste, and those that lead to one that does.
    pasting = {name for name, each in macros.items() if any("##" in one.body for one in each)}
    for _ in range(3):
        pasting |= {
            name
            for name, each in macros.items()
            if any(pasting.intersection(_WORD.findall(one.body)) for one in each)
        }
    calls = re.compile(r"\b(" + "|".join(sorted(pasting)) + r")\s*\(") if pasting else None
    kept: set[str] = set()
    for text in files.values():
        for body in (text, *(one[2].replace("\\\n", " ") for one in _DEFINE.findall(text))):
            _expand(body, calls, macros, kept, 4)
    return kept


def _expand(
    text: str, calls: re.Pattern[str] | None, macros: _Macros, kept: set[str], depth: int
) -> None:
    for parts in re.findall(r"\w+(?:\s*##\s*\w+)+", text):
        words = [each.strip() for each in parts.split("##")]
        kept.update(words)
        kept.add("".join(words))
    if calls is None or depth == 0:
        return
    for call in calls.finditer(text):
        arguments = _arguments(text, call.end())
        for macro in macros[call[1]]:
            if len(macro.parameters) == len(arguments):
                values = dict(zip(macro.parameters, arguments, strict=True))
                body = _WORD.sub(lambda word, v=values: v.get(word[0], word[0]), macro.body)  # type: ignore[misc]
                _expand(body, calls, macros, kept, depth - 1)


def _arguments(text: str, start: int) -> list[str]:
    found: list[str] = []
    depth, begin = 0, start
    for at in range(start, min(len(text), start + 4000)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            if depth == 0:
                return [*found, text[begin:at].strip()]
            depth -= 1
        elif text[at] == "," and depth == 0:
            found.append(text[begin:at].strip())
            begin = at + 1
    return []


# --- functions ------------------------------------------------------------------------------


class _Function(NamedTuple):
    start: int
    end: int
    name: str
    prototype: str
    text: str


# As the kernel lays one out: the head begins in the first column, the braces stand there.
_FUNCTION = re.compile(
    r"^(?P<head>(?:[A-Za-z_][\w \t*]*\n)?[A-Za-z_][^\n;{}#=]*\((?:[^;{}#=]*?)\))[ \t]*\n"
    r"\{\n(?:(?![{}]).*\n)*?\}\n",
    re.MULTILINE,
)
_NAME = re.compile(r"(\w+)\s*\(")
_CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|endif)", re.MULTILINE)


def _functions(text: str) -> list[_Function]:
    """Return the functions that are whole, plain and not below an ``#if``."""
    found = []
    for match in _FUNCTION.finditer(text):
        head = match["head"]
        name = _NAME.search(head)
        if (
            name is None
            or not _plain(text, match.start())
            or "#" in match.group()
            or re.search(r"\binline\b|__attribute__|\bDEFINE_|\b__(?:init|exit|net_init)\b", head)
            or name[1].isupper()
        ):
            continue
        found.append(_Function(match.start(), match.end(), name[1], head + ";\n", match.group()))
    return found


def reverse(text: str) -> str:
    """Turn the order of functions round, within each row of them that nothing interrupts."""
    rows: list[list[_Function]] = []
    for each in _functions(text):
        if rows and not _code(text[rows[-1][-1].end : each.start]):
            rows[-1].append(each)
        else:
            rows.append([each])
    for row in reversed(rows):
        if len({each.name for each in row}) == len(row) > 1:
            body = "".join(each.prototype for each in row)
            body += "\n" + "\n".join(each.text for each in reversed(row))
            text = text[: row[0].start] + body + text[row[-1].end :]
    return text


def _code(text: str) -> bool:
    return bool(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).strip())


def move(files: Mapping[str, str]) -> dict[str, str]:
    """Move every second function of each file to another file; what is static is so no more.

    What the two files share then stands in a header: the types, the macros, and what functions
    and variables there are. What cannot be shared stays: a name that several files define, an
    inline function, anything below an ``#if``; and so does a function that uses it.
    """
    owners = Counter(name for text in files.values() for name in set(_statics(text)))
    result = dict(files)
    for name, text in files.items():
        if not name.endswith(".c"):
            continue
        functions = _functions(text)
        variables = [each for each in _variables(text) if owners[each.name] <= 1]
        twice = Counter(each.name for each in functions)
        free = {each.name for each in functions if twice[each.name] == 1 == owners[each.name]}
        free |= {each.name for each in variables}
        stuck = {each for each in _statics(text) if each not in free} | set(_made(text))
        chosen = [
            each
            for each in functions
            if twice[each.name] == 1 and stuck.isdisjoint(_words(each.text))
        ][::2]
        if chosen:
            stem = name[:-2]
            shared = f"{Path(stem).name}_shared.h"
            parts = _split(text, chosen, free, variables, shared)
            made = (name, f"{stem}_moved.c", f"{stem}_shared.h")
            result.update(zip(made, parts, strict=True))
    return result


class _Variable(NamedTuple):
    name: str
    declaration: str


_STATIC = re.compile(
    r"^static\b(?P<rest>[^;{}=()#]*?\b(\w+)\s*(?:\[[^\]]*\]\s*)*[(=;])", re.MULTILINE
)
_VARIABLE = re.compile(
    r"^(?:static[ \t]+)?(?P<declaration>(?:const[ \t]+)?(?:(?:struct|union|enum)[ \t]+)?[a-z]\w+[ \t*]+"
    r"(?P<name>\w+)(?:\[[^\]]*\])*)[ \t]*(?:=|;)",
    re.MULTILINE,
)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[^\n]*\n", re.MULTILINE)
_SHARED = re.compile(
    r"^(?:(?:typedef[ \t]+)?(?:struct|union|enum)(?:[ \t]+\w+)?[ \t]*\{\n"
    r"(?:[^}\n][^\n]*\n|\n)*?\}[\w \t]*;\n"
    r"|(?:typedef|extern)\b[^;{}]*;\n|[ \t]*#[ \t]*define\b(?:\\\n|[^\n])*\n"
    r"|(?!static\b|return\b|else\b)[a-z][\w \t*]*?[ \t*]\w+\([^;{}()#=]*\);\n)",
    re.MULTILINE,
)


def _statics(text: str) -> list[str]:
    return [each[2] for each in _STATIC.finditer(text)]


def _made(text: str) -> list[str]:
    """Return what macros define, as ``DEFINE_MUTEX(name)`` does."""
    return re.findall(r"^(?:static[ \t]+)?[A-Z_]{4,}\((\w+)", text, re.MULTILINE)


def _variables(text: str) -> list[_Variable]:
    return [
        _Variable(each["name"], f"extern {each['declaration']};\n")
        for each in _VARIABLE.finditer(text)
        if _plain(text, each.start())
        and not each["declaration"].startswith(("typedef", "extern", "return", "goto"))
    ]


def _plain(text: str, at: int) -> bool:
    before = [each[1] for each in _CONDITIONAL.finditer(text, 0, at)]
    return before.count("if") == before.count("endif")


def _split(
    text: str,
    chosen: Sequence[_Function],
    free: set[str],
    variables: Sequence[_Variable],
    shared: str,
) -> tuple[str, str, str]:
    def public(piece: str) -> str:
        return _STATIC.sub(
            lambda each: each["rest"].lstrip() if each[2] in free else each[0], piece
        )

    types = [each for each in _SHARED.finditer(text) if _plain(text, each.start())]
    header = "".join(each.group() for each in types) + "".join(
        each.declaration for each in variables
    )
    header += "".join(public(each.prototype) for each in _functions(text) if each.name in free)
    holes = [(each.start(), each.end(), "") for each in types]
    holes += [(each.start, each.end, "") for each in chosen]
    includes = list(_INCLUDE.finditer(text))
    last = max((each.end() for each in includes if _plain(text, each.start())), default=0)
    rest = text
    for start, end, instead in sorted(
        [*holes, (last, last, f'#include "{shared}"\n')], reverse=True
    ):
        rest = rest[:start] + instead + rest[end:]
    moved = "".join(each.group() for each in includes) + f'#include "{shared}"\n\n'
    moved += "\n".join(each.text for each in chosen)
    return public(rest), public(moved), header


# --- what is found --------------------------------------------------------------------------


class Told(NamedTuple):
    """A finding, as far as names and lines leave it alone."""

    rule: str
    file: str
    line: int
    function: str | None
    expression: str
    severity: str
    confidence: str
    unless: str | None
    steps: int

    def placeless(self) -> Told:
        """Return it without file and line."""
        return self._replace(file="", line=0)


def check(folder: Path, table: str | None = None, scope: Scope = Scope.SWAPCACHE) -> Report:
    """Return pagefix's report on a folder."""
    swap = None if table is None else SwapOptions(ops=table)
    return engine.check(engine.load([str(folder)]), load_rules(), scope, swap)


def told(report: Report, names: Mapping[str, str] | None = None) -> list[Told]:
    """Return the findings in order, with their names changed as by a renaming."""
    names = names or {}

    def other(text: str) -> str:
        return _WORD.sub(lambda word: names.get(word[0], word[0]), " ".join(text.split()))

    return sorted(
        Told(
            each.rule,
            Path(each.place.path).name,
            each.place.line,
            None if each.function is None else other(each.function),
            other(each.expression),
            each.severity,
            each.confidence,
            each.unless,
            len(each.trace),
        )
        for each in report.findings
    )


def beside(kernel: Path, directory: str, to: Path) -> Path:
    """Return a copy of one directory in a tree that is otherwise links to the kernel's."""
    outer, inner = directory.split("/")
    for path in kernel.iterdir():
        if path.name != outer:
            (to / path.name).symlink_to(path)
    (to / outer).mkdir(parents=True)
    for path in (kernel / outer).iterdir():
        if path.name != inner:
            (to / outer / path.name).symlink_to(path)
    shutil.copytree(kernel / directory, to / directory)
    return to / directory
