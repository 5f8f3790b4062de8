"""One rule file on its way to a rule: where its keys stand, and whether they have their form.

Floor 3.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    NoReturn,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pagefix import reads
from pagefix.c import PatternError, ast, parse_pattern
from pagefix.errors import PagefixError
from pagefix.rulebook.lines import Key, Spot, key_spots
from pagefix.rulebook.schema import HEADINGS, Template

__all__ = ["Field", "Reader", "fields", "nearest", "toml_files", "variables"]


class Field:
    """One key of a form.

    :param type: what it may hold, without the wrappers.
    :param words: what it is for, empty if the form does not say.
    """

    def __init__(self, hint: Any) -> None:
        self.required = True
        self.words = ""
        while get_origin(hint) in (NotRequired, Annotated):
            if get_origin(hint) is NotRequired:
                self.required = False
            else:
                self.words = hint.__metadata__[0]
            hint = get_args(hint)[0]
        self.type: Any = hint


@cache
def fields(form: Any) -> dict[str, Field]:
    """Return the keys of a form, in its order; those of the form below it come first."""
    return {key: Field(hint) for key, hint in get_type_hints(form, include_extras=True).items()}


def toml_files(folder: Path) -> list[Path]:
    """Return the ``*.toml`` of a folder, in order; none if it cannot be listed."""
    try:
        names = reads.names(str(folder))
    except OSError:
        return []
    return [folder / name for name in names if name.endswith(".toml")]


class Reader:
    """One rule file: its text as data, and the one way to refuse it.

    :param path: the file, for messages.
    :param name: the rule's name.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.name = path.stem
        self._lines = text.splitlines()
        self._spots = key_spots(text)
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place, frame = self._not_toml(str(error))
            raise PagefixError(
                f"{place}: not TOML",
                why=f"{error}.{frame}",
                remedy="C text is safest in '...' or '''...''', where nothing is escaped.",
            ) from error

    def _not_toml(self, message: str) -> tuple[str, str]:
        # tomllib says the place in words only, and "at end of document".
        found = re.search(r"at line (\d+), column (\d+)", message)
        line = int(found[1]) if found else len(self._lines)
        if not 0 < line <= len(self._lines):
            return str(self.path), ""
        column = int(found[2]) if found else len(self._lines[line - 1]) + 1
        return f"{self.path}:{line}:{column}", self._frame(line, column - 1, column)

    def _frame(self, line: int, start: int, end: int) -> str:
        text = self._lines[line - 1].expandtabs(1)
        gutter = " " * len(str(line))
        mark = f"{' ' * start}{'^' * max(end - start, 1)}"
        return f"\n  {line} | {text}\n  {gutter} | {mark}"

    # --- form

    def check(self, form: Any) -> None:
        """Check the whole file against a form."""
        self._table((), self.data, form)

    def _table(self, where: Key, table: Any, form: Any) -> None:
        if not isinstance(table, dict):
            heading = ".".join(str(part) for part in where)
            self.fail(where, f"{heading!r} is not a table", f"Write [{heading}].")
        known = fields(form)
        for key in table:
            if key not in known:
                self.fail(
                    (*where, key),
                    f"unknown key {key!r}" + nearest(key, known),
                    f"Keys here: {', '.join(known)}.",
                    key=True,
                )
        needed = [key for key, field in known.items() if field.required]
        for key in needed:
            if key not in table:
                title = f"no {key!r}"
                if where == ("doc",):
                    title = f"heading {key!r} ({HEADINGS[key]}) is missing"
                self.fail(where, title, f"Needed here: {', '.join(needed)}.")
        for key, value in table.items():
            self._value((*where, key), key, value, known[key].type)

    def _value(self, where: Key, key: str, value: Any, type_: Any) -> None:
        if is_typeddict(type_):
            self._table(where, value, type_)
        elif get_origin(type_) is list:
            self._list(where, key, value, get_args(type_)[0])
        elif get_origin(type_) is dict:
            if not isinstance(value, dict):
                self.fail(where, f"{key!r} is not a table", f"Write [{key}].")
            for name, each in value.items():
                self._value((*where, name), name, each, get_args(type_)[1])
        elif type_ is bool:
            if not isinstance(value, bool):
                self.fail(where, f"{key!r} is neither true nor false", "It is a yes or no.")
        elif type_ is int:
            if not isinstance(value, int) or isinstance(value, bool):
                self.fail(where, f"{key!r} is not a number", "A whole number, without quotes.")
        elif not isinstance(value, str) or not value.strip():
            self.fail(where, f"{key!r} is not text", "It needs a string, not empty.")
        elif key in ("message", "summary") and "\n" in value.strip():
            self.fail(where, f"{key!r} is more than one line", "It is shown on one: a sentence.")
        elif issubclass(type_, StrEnum):
            self._word(where, key, value, type_)

    def _list(self, where: Key, key: str, value: Any, type_: Any) -> None:
        if is_typeddict(type_):
            if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
                self.fail(where, f"{key!r} is not a list of tables", f"Write [[{key}]].")
            for at, each in enumerate(value):
                self._table((*where, at), each, type_)
            return
        if not isinstance(value, list) or not value:
            self.fail(where, f"{key!r} is not a list", 'As in ["one", "two"], not empty.')
        for each in value:
            self._value(where, key, each, type_)

    def _word(self, where: Key, key: str, value: str, words: type[StrEnum]) -> None:
        if value not in tuple(words):
            self.fail(
                where,
                f"{key!r} cannot be {value!r}" + nearest(value, tuple(words)),
                f"One of: {', '.join(words)}.",
            )

    # --- content

    def c(self, where: Key, text: str, *, before: str = "", after: str = "") -> ast.Expr:
        """Return C text as an expression.

        :param before: what must stand before it to be one.
        """
        try:
            tree = parse_pattern(f"{before}{text}{after}")
        except PatternError as error:
            self._not_c(where, text, error.title, error.offset - len(before))
        for node in _numbers(tree):
            if not (before + text + after)[node.start : node.end].strip():
                self._not_c(where, text, "an argument is missing", node.start - len(before))
        return tree  # type: ignore[return-value]

    def _not_c(self, where: Key, text: str, why: str, offset: int) -> NoReturn:
        self.fail(
            where,
            f"{text!r} is not C",
            f"{why[0].upper()}{why[1:]}.",
            "An expression of plain C; metavariables are written $PAGE.",
            offset=min(offset, len(text)) if offset > 0 else None,
        )

    def template(self, where: Key, text: str, bound: Iterable[str], how: str) -> Template:
        """Return text with metavariables, all of which must be bound."""
        template = Template.of(text)
        self.known(where, template.variables(), bound, how)
        return template

    def known(self, where: Key, names: Iterable[str], among: Iterable[str], how: str) -> None:
        """Check that metavariables are among those that may stand here."""
        among = sorted(among)
        for name in names:
            if name not in among:
                text = self._lines[self._spots[where].line - 1] if where in self._spots else ""
                at = text.find(f"${name}", self._spots[where].value) if text else -1
                self.fail(
                    where,
                    f"${name} is not {how}" + nearest(name, among),
                    f"Known here: {', '.join(f'${each}' for each in among) or 'none'}.",
                    span=(at, at + len(name) + 1) if at >= 0 else None,
                )

    # --- refusal

    def fail(
        self,
        where: Key,
        title: str,
        why: str,
        remedy: str | None = None,
        *,
        key: bool = False,
        offset: int | None = None,
        span: tuple[int, int] | None = None,
    ) -> NoReturn:
        """Refuse the file.

        :param where: the key that is at fault.
        :param key: whether it is the key itself, not its value.
        :param offset: how far into the value's text the fault is.
        :param span: the columns at fault, where they are known better.
        """
        spot = self._spots.get(where)
        while spot is None and where:
            where = where[:-1]
            spot = self._spots.get(where)
        place = f"{self.path}"
        if spot is not None:
            start, end = span or self._columns(spot, key, offset)
            place += f":{spot.line}:{start + 1}"
            why += self._frame(spot.line, start, end)
        raise PagefixError(
            f"{place}: {title}",
            why=why,
            remedy=remedy or "Mend the rule; CONTRIBUTING.md lists all keys of a rule file.",
        )

    def _columns(self, spot: Spot, key: bool, offset: int | None) -> tuple[int, int]:
        if key or spot.value == spot.end:
            return spot.start, spot.end
        line = self._lines[spot.line - 1]
        if offset is not None and line[spot.value : spot.value + 1] in ("'", '"'):
            quotes = line[spot.value] * 3
            quoted = 3 if line.startswith(quotes, spot.value) else 1
            at = min(spot.value + quoted + offset, len(line))
            return at, at + 1
        return spot.value, spot.value_end


def variables(tree: object) -> frozenset[str]:
    """Return the metavariables of a pattern (``frozenset[str]``, without the ``$``)."""
    names: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, ast.Name) and node.name.startswith("$"):
            names.add(node.name[1:])
        elif isinstance(node, tuple):
            for part in node:
                visit(part)

    visit(tree)
    return frozenset(names)


def _numbers(node: object) -> Iterator[ast.Number]:
    if isinstance(node, ast.Number):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _numbers(part)


def nearest(word: str, among: Iterable[str]) -> str:
    """Return a question for the word that may have been meant, or nothing."""
    close = get_close_matches(word, list(among), n=1)
    return f" (did you mean {str(close[0])!r}?)" if close else ""
