"""From a rule file to a checked :class:`~pagefix.rulebook.schema.Rule`.

Everything that can be wrong in a rule is found here, when it is loaded, and said with
file and line: an unknown key, a metavariable that nothing binds, a pattern that is not
C, a heading that is missing.

Floor 3.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pagefix.c import PatternError, ast, parse_pattern
from pagefix.errors import PagefixError
from pagefix.finding import Access, Applicability, Kind, Severity
from pagefix.rulebook.lines import Key, key_lines
from pagefix.rulebook.schema import (
    HEADINGS,
    LABELS,
    Doc,
    FixSpec,
    Match,
    Metavar,
    Rule,
    Scope,
    Stage,
    Template,
)

__all__ = ["load_rule", "load_rules", "rules_folder"]

_Word = TypeVar("_Word", bound=StrEnum)

#: What a match on a field stands for where it does not say.
_MEMBERS = frozenset(Access) - {Access.UNEVALUATED}


def rules_folder() -> Path:
    """Return the folder that pagefix's own rules are in.

    An installed pagefix has them inside the package, a checkout beside it.
    """
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_rules"
    return shipped if shipped.is_dir() else package.parent / "rules"


def load_rules(folder: Path | None = None) -> tuple[Rule, ...]:
    """Return all rules of a folder, checked, by name.

    :param folder: where the ``*.toml`` are; pagefix's own if left out.
    """
    if folder is None:
        return _own_rules()
    return _load_folder(folder)


@cache
def _own_rules() -> tuple[Rule, ...]:
    return _load_folder(rules_folder())


def _load_folder(folder: Path) -> tuple[Rule, ...]:
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise PagefixError(
            f"no rules in {folder}",
            why="The folder is missing or holds no *.toml file.",
            remedy="Install pagefix again, or name a folder that has rules in it.",
        )
    return tuple(load_rule(path) for path in paths)


def load_rule(path: Path) -> Rule:
    """Return the rule of one file; its name is the file's stem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PagefixError(
            f"{path}: the rule cannot be read",
            why=f"{error}.",
            remedy="A rule is a readable file of UTF-8 text.",
        ) from error
    return _Reader(path, text).rule()


class _Reader:
    # One rule file on its way to a Rule: where keys stand, and the checks.

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.name = path.stem
        self.lines = key_lines(text)
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PagefixError(
                f"{path}: not TOML",
                why=f"{error}.",
                remedy="C text is safest in '...' or '''...''', where nothing is escaped.",
            ) from error

    def rule(self) -> Rule:
        self.keys(
            (),
            self.data,
            required=("summary", "severity", "status", "since", "doc", "metavars", "match"),
            optional=("kind", "scope", "fix"),
        )
        metavars = self.metavars()
        severity = self.word((), self.data, "severity", Severity)
        matches = tuple(
            self.match(("match", at), table, metavars, severity)
            for at, table in enumerate(self.tables("match"))
        )
        if not matches:
            self.fail(("match",), "no [[match]]", "A rule that matches nothing says nothing.")
        bound = frozenset.intersection(*(_variables(each.tree) for each in matches))
        for name in metavars:
            if not any(name in _variables(each.tree) for each in matches):
                self.fail(
                    ("metavars", name),
                    f"${name} is in no pattern",
                    "A metavariable that no pattern binds has no use.",
                )
        fixes = tuple(
            self.fix(("fix", at), table, bound) for at, table in enumerate(self.tables("fix"))
        )
        kind = self.word((), self.data, "kind", Kind) if "kind" in self.data else Kind.FLOW
        return Rule(
            name=self.name,
            path=str(self.path),
            kind=kind,
            summary=self.text((), self.data, "summary"),
            severity=severity,
            stage=self.word((), self.data, "status", Stage),
            since=self.text((), self.data, "since"),
            scope=self.word((), self.data, "scope", Scope) if "scope" in self.data else Scope.ALL,
            doc=self.doc(),
            metavars=tuple(metavars.values()),
            matches=matches,
            fixes=fixes,
        )

    # --- the tables

    def metavars(self) -> dict[str, Metavar]:
        table = self.data["metavars"]
        if not isinstance(table, dict):
            self.fail(("metavars",), "[metavars] is not a table", 'Write PAGE = "struct page *".')
        found = {}
        for name, declared in table.items():
            where = ("metavars", name)
            if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
                self.fail(where, f"metavariable {name} is not upper case", "Write it as PAGE.")
            if not isinstance(declared, str):
                self.fail(where, f"the type of ${name} is not text", 'As in "struct page *".')
            tree = self.c(where, f"({declared})x")
            if not isinstance(tree, ast.Cast):
                self.fail(where, f"{declared!r} is not a type", "C as in a cast: struct page *.")
            found[name] = Metavar(name, declared, tree.type)
        return found

    def match(
        self, where: Key, table: dict[str, Any], metavars: dict[str, Metavar], severity: Severity
    ) -> Match:
        self.keys(
            where,
            table,
            required=("pattern", "message"),
            optional=("access", "requires", "severity"),
        )
        pattern = self.text(where, table, "pattern")
        tree = self.c((*where, "pattern"), pattern)
        if not isinstance(tree, ast.Member | ast.Call) or (
            isinstance(tree, ast.Call)
            and (not isinstance(tree.func, ast.Name) or tree.func.name.startswith("$"))
        ):
            self.fail(
                (*where, "pattern"),
                f"{pattern!r} names no field and no function",
                "A pattern is an access, $PAGE->index, or a call, page_offset($PAGE).",
            )
        names = _variables(tree)
        self.known((*where, "pattern"), names, metavars, "declared in [metavars]")
        message = Template.of(self.text(where, table, "message"))
        self.known((*where, "message"), message.variables(), names, "bound by the pattern")
        field = isinstance(tree, ast.Member)
        if "access" in table and not field:
            self.fail((*where, "access"), "a call has no access", "Leave the key out.")
        requires = self.text(where, table, "requires") if "requires" in table else None
        if requires is not None and requires not in LABELS:
            self.fail(
                (*where, "requires"),
                f"there is no label {requires!r}" + _nearest(requires, LABELS),
                f"Known labels: {', '.join(LABELS)}.",
            )
        return Match(
            pattern=pattern,
            tree=tree,
            anchor=tree.field if isinstance(tree, ast.Member) else _callee(tree),
            field=field,
            access=self.access(where, table, _MEMBERS),
            requires=requires,
            severity=(
                self.word(where, table, "severity", Severity) if "severity" in table else severity
            ),
            message=message,
        )

    def fix(self, where: Key, table: dict[str, Any], bound: frozenset[str]) -> FixSpec:
        self.keys(
            where,
            table,
            required=("message",),
            optional=("access", "replace", "needs", "without", "applicability"),
        )
        replace = None
        if "replace" in table:
            text = self.text(where, table, "replace")
            self.c((*where, "replace"), text)
            replace = Template.of(text)
            self.known((*where, "replace"), replace.variables(), bound, "bound by every pattern")
        if "applicability" not in table and replace is not None:
            self.fail(where, "a fix that replaces has no applicability", "safe, unsafe or suggest.")
        message = Template.of(self.text(where, table, "message"))
        self.known((*where, "message"), message.variables(), bound, "bound by every pattern")
        without = table.get("without", [])
        if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
            self.fail((*where, "without"), "`without` is not a list of names", 'As in ["f"].')
        if without and "needs" not in table:
            self.fail((*where, "without"), "`without` has no `needs`", "It is about that symbol.")
        return FixSpec(
            access=self.access(where, table, frozenset(Access)),
            replace=replace,
            needs=self.text(where, table, "needs") if "needs" in table else None,
            without=tuple(without),
            applicability=(
                self.word(where, table, "applicability", Applicability)
                if "applicability" in table
                else Applicability.SUGGEST
            ),
            message=message,
        )

    def doc(self) -> Doc:
        table = self.data["doc"]
        if not isinstance(table, dict):
            self.fail(("doc",), "[doc] is not a table", f"Its keys: {', '.join(HEADINGS)}.")
        self.keys(("doc",), table, required=tuple(HEADINGS), optional=())
        references = table["references"]
        if not isinstance(references, list) or not all(
            isinstance(each, str) for each in references
        ):
            self.fail(
                ("doc", "references"), "`references` is not a list of texts", 'As in ["..."].'
            )
        words = {
            key: self.text(("doc",), table, key).strip("\n")
            for key in HEADINGS
            if key != "references"
        }
        return Doc(**words, references=tuple(references))

    # --- the pieces

    def keys(
        self, where: Key, table: dict[str, Any], *, required: Iterable[str], optional: Iterable[str]
    ) -> None:
        required = tuple(required)
        allowed = (*required, *optional)
        for key in table:
            if key not in allowed:
                self.fail(
                    (*where, key),
                    f"unknown key {key!r}" + _nearest(key, allowed),
                    f"Keys here: {', '.join(allowed)}.",
                )
        for key in required:
            if key not in table:
                title = f"heading {key!r} is missing" if where == ("doc",) else f"no {key!r}"
                self.fail(where, title, f"Needed here: {', '.join(required)}.")

    def tables(self, name: str) -> list[dict[str, Any]]:
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.fail((name,), f"{name!r} is not a list of tables", f"Write [[{name}]].")
        return value

    def text(self, where: Key, table: dict[str, Any], key: str) -> str:
        value = table[key]
        if not isinstance(value, str) or not value.strip():
            self.fail((*where, key), f"{key!r} is not text", "It needs a string, not empty.")
        return value

    def word(self, where: Key, table: dict[str, Any], key: str, words: type[_Word]) -> _Word:
        value = self.text(where, table, key)
        if value not in tuple(words):
            self.fail(
                (*where, key),
                f"{key!r} cannot be {value!r}" + _nearest(value, tuple(words)),
                f"One of: {', '.join(words)}.",
            )
        return words(value)

    def access(
        self, where: Key, table: dict[str, Any], default: frozenset[Access]
    ) -> frozenset[Access]:
        values = table.get("access")
        if values is None:
            return default
        if not isinstance(values, list) or not values:
            self.fail((*where, "access"), "'access' is not a list", 'As in ["read"].')
        for value in values:
            if value not in tuple(Access):
                self.fail(
                    (*where, "access"),
                    f"there is no access {value!r}" + _nearest(str(value), tuple(Access)),
                    f"Known: {', '.join(Access)}.",
                )
        return frozenset(Access(value) for value in values)

    def c(self, where: Key, text: str) -> ast.Expr:
        try:
            tree = parse_pattern(text)
        except PatternError as error:
            caret = " " * error.offset + "^"
            self.fail(
                where,
                f"{text!r} is not C",
                f"{error.title}\n    {text}\n    {caret}",
                "An expression of plain C; metavariables are written $PAGE.",
            )
        return tree  # type: ignore[return-value]

    def known(self, where: Key, names: Iterable[str], among: Iterable[str], how: str) -> None:
        among = tuple(among)
        for name in names:
            if name not in among:
                self.fail(
                    where,
                    f"${name} is not {how}" + _nearest(name, among),
                    f"Known here: {', '.join(f'${each}' for each in among) or 'none'}.",
                )

    def fail(self, where: Key, title: str, why: str, remedy: str | None = None) -> NoReturn:
        line = self.lines.get(where)
        while line is None and where:
            where = where[:-1]
            line = self.lines.get(where)
        place = f"{self.path}:{line}" if line else f"{self.path}"
        raise PagefixError(
            f"{place}: {title}",
            why=why,
            remedy=remedy or f"Mend the rule; `pagefix explain {self.name}` then shows it.",
        )


def _variables(tree: ast.Expr) -> frozenset[str]:
    names: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, ast.Name) and node.name.startswith("$"):
            names.add(node.name[1:])
        elif isinstance(node, tuple):
            for part in node:
                visit(part)

    visit(tree)
    return frozenset(names)


def _callee(tree: ast.Expr) -> str:
    assert isinstance(tree, ast.Call)
    assert isinstance(tree.func, ast.Name)
    return tree.func.name


def _nearest(word: str, among: Iterable[str]) -> str:
    close = get_close_matches(word, list(among), n=1)
    return f" (did you mean {str(close[0])!r}?)" if close else ""
