"""Whether a rule means anything in the tree at hand: the tree decides, never a version.

Also what a rule names and the tree has not: in a project's own rule that is most likely a
slip of the pen, which no finding would ever show.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pagefix import reads
from pagefix.c import ast
from pagefix.program import Program
from pagefix.rulebook import OpsSpec, Rule

__all__ = ["applicable", "unknown_names", "why_not"]

#: Where the flags of a page are.
_FLAGS = "include/linux/page-flags.h"

#: Headers of the VM, where a rule's symbols are, and names that may have been meant.
_HEADERS = ("mm", "mm_types", "pagemap", "page-flags", "fs", "swap", "bio", "uio")

#: Constants that stand for each other in turn: more of them go in a circle.
_ALIASES = 8


def applicable(program: Program, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules whose conditions the tree meets."""
    return tuple(rule for rule in rules if not why_not(program, rule))


def why_not(program: Program, rule: Rule) -> str:
    """Return why a rule means nothing in this tree (``str``), empty if it does."""
    wanted = rule.tree
    # Ours are of the VM; a project's may be of anything.
    known = program.has_symbol if rule.own else program.declares
    for name in wanted.has:
        if not known(name):
            return f"this tree has no {name}()"
    if wanted.symbol:
        texts = _definitions(program, wanted.symbol)
        if not texts:
            return f"this tree has no {wanted.symbol}()"
        words = (
            rb"\b(?:" + b"|".join(re.escape(each.encode()) for each in wanted.mentions) + rb")\b"
        )
        if not any(re.search(words, text) for text in texts):
            return f"{wanted.symbol}() of this tree does not use {' or '.join(wanted.mentions)}"
    if wanted.same:
        roots = {_root(program, name) for name in wanted.same}
        if len(roots) > 1 or None in roots:
            return f"{' and '.join(wanted.same)} are not one value in this tree"
    return ""


def unknown_names(program: Program, rule: Rule) -> Iterator[str]:
    """Yield a sentence for each type and function that a rule names and the tree has not."""
    if program.tree.root is None or not program.files:
        return
    for kind, name in dict.fromkeys(_named(rule)):
        if not (_has_type(program, name) if kind == "type" else _has_function(program, name)):
            close = get_close_matches(name, _like(program, kind, name), n=1)
            shown = name if kind == "type" else f"{name}()"
            nearest = f"; the nearest is {close[0]}" if close else ""
            yield f"{_where(rule, name)}: this tree has no {shown}{nearest}"


def _named(rule: Rule) -> Iterator[tuple[str, str]]:
    for metavar in rule.metavars:
        type_ = metavar.type
        while isinstance(type_, ast.Pointer | ast.Array):
            type_ = type_.to if isinstance(type_, ast.Pointer) else type_.of
        if isinstance(type_, ast.Base) and " " in type_.name:
            if type_.name.split()[0] in ("struct", "union"):
                yield "type", type_.name
    for each in rule.matches:
        if isinstance(each.tree, ast.Call):
            yield "function", each.anchor
    for spec in rule.fixes:
        if spec.needs is not None:
            yield "function", spec.needs
        for part in spec.replace.parts if spec.replace is not None else ():
            if isinstance(part, str):
                yield from (("function", name) for name in re.findall(r"(\w+)\s*\(", part))
    if isinstance(rule.spec, OpsSpec):
        yield "type", rule.spec.record
        for other in rule.spec.installed:
            yield "type", other.beside


def _has_type(program: Program, name: str) -> bool:
    program.asked.forms.add(_word(name))
    return any(program.record(name, path) for path in program.files[:1]) or any(
        re.search(_word(name), program.data(path)) for path in program.files
    )


def _has_function(program: Program, name: str) -> bool:
    path = program.files[0]
    return bool(
        program.has_symbol(name)
        or any(True for _ in program.callers(name))
        or program.functions(name, path, hidden=True)
        or program.macro(name, path, hidden=True)
        or program.prototype(name, path, hidden=True)
    )


def _word(name: str) -> bytes:
    return rb"\b" + rb"\s+".join(re.escape(part.encode()) for part in name.split()) + rb"\b"


def _like(program: Program, kind: str, name: str) -> set[str]:
    # Names of the kind in the checked files and the VM's headers that begin alike.
    program.asked.everything = True
    start = name[: name.find(" ") + 3] if kind == "type" else name[:2]
    form = rb"\b%s\w*" % re.escape(start.encode()) + (rb"" if kind == "type" else rb"(?=\s*\()")
    found: set[str] = set()
    for path in (*program.files, *(f"include/linux/{each}.h" for each in _HEADERS)):
        if path in program.files or reads.is_file(program.disk(path)):
            found.update(each.decode() for each in re.findall(form, program.data(path)))
    return found - {name}


def _where(rule: Rule, name: str) -> str:
    # Where the engine reads the name: what people read names it too, and comes first.
    form = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    prose = re.compile(r"\s*(?:#|(?:summary|message|what|why|example|instead|safety)\s*=)")
    for number, line in enumerate(reads.text(rule.path).split("\n"), 1):
        found = form.search(line)
        if found is not None and not prose.match(line):
            return f"{rule.path}:{number}:{found.start() + 1}"
    return rule.path


def _definitions(program: Program, symbol: str) -> list[bytes]:
    # The text of each definition in the VM's headers, without comments.
    program.asked.names.add(symbol)
    if program.tree.root is None:
        return []
    found = []
    for name in _HEADERS:
        path = f"include/linux/{name}.h"
        if not reads.is_file(program.disk(path)) or symbol.encode() not in program.data(path):
            continue
        unit = program.unit(path)
        for chunk in unit.find(symbol):
            found += [
                unit.code[item.start : item.end]
                for item in unit.items(chunk)
                if isinstance(item, ast.Function | ast.Macro) and item.name == symbol
            ]
    return found


def _root(program: Program, name: str) -> str | None:
    # The constant that an alias leads to; None if the tree has none of that name.
    if program.tree.root is None:
        return None
    for _ in range(_ALIASES):
        found = program.enumerator(name, _FLAGS)
        if not found:
            return None
        value = found[0][1].value
        if not isinstance(value, ast.Name):
            return name
        name = value.name
    return None
