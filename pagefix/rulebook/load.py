"""From a rule file to a checked :class:`~pagefix.rulebook.schema.Rule`.

Everything that can be wrong in a rule is found here, when it is loaded, and said with
file, line and column: an unknown key, a metavariable that nothing binds, a pattern that
is not C or can match nothing, a heading that is missing, a name that is taken.

Each kind of rule has its form in :mod:`pagefix.rulebook.forms` and its reader in
:data:`_READERS`: that is all that a new kind needs here.

Floor 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pagefix import reads
from pagefix.cache import Store
from pagefix.errors import PagefixError
from pagefix.finding import Kind, Scope, Severity
from pagefix.rulebook.compiled import Compiled
from pagefix.rulebook.contract_rule import read_contract
from pagefix.rulebook.flow_rule import read_flow
from pagefix.rulebook.forms import FORMS
from pagefix.rulebook.ops_rule import read_ops
from pagefix.rulebook.reader import Reader, nearest, toml_files
from pagefix.rulebook.schema import HEADINGS, Conditions, Doc, Rule, Stage
from pagefix.rulebook.script_rule import ScriptForm, read_script

__all__ = ["load_needing", "load_rule", "load_rules", "rules_folder"]

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def _flow(reader: Reader, rule: Rule) -> Rule:
    parts = read_flow(reader)
    return replace(rule, metavars=parts.metavars, matches=parts.matches, fixes=parts.fixes)


def _own(reader: Reader, rule: Rule) -> Rule:
    return rule


def _ops(reader: Reader, rule: Rule) -> Rule:
    return replace(rule, spec=read_ops(reader))


def _contract(reader: Reader, rule: Rule) -> Rule:
    return replace(rule, spec=read_contract(reader))


#: What reads the part of a rule that is its kind's own.
_READERS: dict[Kind, Callable[[Reader, Rule], Rule]] = {
    Kind.FLOW: _flow,
    Kind.OPS: _ops,
    Kind.CONTRACT: _contract,
    Kind.COMMENT: _own,
}


def rules_folder() -> Path:
    """Return the folder that pagefix's own rules are in.

    An installed pagefix has them inside the package, a checkout beside it.
    """
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_rules"
    return shipped if shipped.is_dir() else package.parent / "rules"


def load_rules(
    folder: Path | None = None,
    more: Iterable[Path] = (),
    *,
    optional: bool = False,
    store: Store | None = None,
) -> tuple[Rule, ...]:
    """Return the rules of a folder, checked, by name.

    :param folder: where the ``*.toml`` are; pagefix's own if left out.
    :param more: further folders: a project's own rules.
    :param optional: whether the optional ones are among them, which are for those who name
        them.
    :param store: keeps what comes of them.
    :raises PagefixError: for a rule that is wrong, and for two of one name.
    """
    folder = rules_folder() if folder is None else folder
    more = tuple(more)
    kept = None
    if store is not None and not store.closed:
        kept = Compiled(store, map(str, (folder, *more)))
    found = {rule.name: rule for rule in _load_folder(folder, kept)}
    for each in more:
        for rule in _load_folder(each, kept):
            if rule.name in found:
                raise PagefixError(
                    f"{rule.path}: there are two rules of the name {rule.name!r}",
                    why=f"The other one is {found[rule.name].path}.",
                    remedy="Give the file another name: it is the rule's.",
                )
            found[rule.name] = replace(rule, own=False)
    if kept is not None:
        kept.keep()
    return tuple(found[name] for name in sorted(found) if optional or not found[name].optional)


def load_needing() -> tuple[Rule, ...]:
    """Return pagefix's own rules that have a fix which needs something of the tree.

    They are a fourth of all; an inventory asks for no more.
    """
    paths = toml_files(rules_folder())
    rules = [load_rule(path) for path in paths if b"needs" in reads.read(str(path))]
    return tuple(rule for rule in rules if not rule.optional)


def _load_folder(folder: Path, kept: Compiled | None = None) -> tuple[Rule, ...]:
    paths = toml_files(folder)
    if not paths:
        raise PagefixError(
            f"no rules in {folder}",
            why="The folder is missing or holds no *.toml file.",
            remedy="Install pagefix again, or name a folder that has rules in it.",
        )
    return tuple(load_rule(path, kept) for path in paths)


def load_rule(path: Path, kept: Compiled | None = None) -> Rule:
    """Return the rule of one file; its name is the file's stem."""
    try:
        text = reads.text(str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PagefixError(
            f"{path}: the rule cannot be read",
            why=f"{error}.",
            remedy="A rule is a readable file of UTF-8 text.",
        ) from error
    if not _NAME.fullmatch(path.stem):
        raise PagefixError(
            f"{path}: {path.stem!r} cannot be the name of a rule",
            why="The file's name is the rule's: small letters, digits and single hyphens.",
            remedy="Rename the file, as in raw-page-index.toml.",
        )
    rule = None if kept is None else kept.find(str(path), text)
    if rule is None:
        rule = _checked(path, text)
        if kept is not None:
            kept.add(str(path), text, rule)
    return rule


@lru_cache(maxsize=256)
def _checked(path: Path, text: str) -> Rule:
    reader = Reader(path, text)
    kind = _kind(reader)
    if kind is Kind.FLOW and "language" in reader.data:
        reader.check(ScriptForm)
        return replace(_common(reader, kind), spec=read_script(reader))
    reader.check(FORMS[kind])
    return _READERS[kind](reader, _common(reader, kind))


def _kind(reader: Reader) -> Kind:
    # The kind decides which keys there are, so it is read first.
    value = reader.data.get("kind", Kind.FLOW)
    known = [kind for kind in Kind if kind in FORMS]
    if value not in known:
        reader.fail(
            ("kind",),
            f"'kind' cannot be {value!r}" + nearest(str(value), known),
            f"One of: {', '.join(known)}.",
        )
    return Kind(value)


def _common(reader: Reader, kind: Kind) -> Rule:
    data = reader.data
    words = data["doc"]
    tree = data.get("tree", {})
    if ("symbol" in tree) != ("mentions" in tree):
        reader.fail(("tree",), "`symbol` and `mentions` go together", "One says of what.")
    return Rule(
        name=reader.name,
        path=str(reader.path),
        kind=kind,
        summary=data["summary"],
        severity=Severity(data["severity"]),
        stage=Stage(data["status"]),
        since=data["since"],
        scope=Scope(data.get("scope", Scope.ALL)),
        doc=Doc(
            **{key: words[key].strip("\n") for key in HEADINGS if key != "references"},
            references=tuple(words["references"]),
        ),
        optional=data.get("optional", False),
        clause=data.get("clause", ""),
        tree=Conditions(
            has=tuple(tree.get("has", ())),
            symbol=tree.get("symbol", ""),
            mentions=tuple(tree.get("mentions", ())),
            same=tuple(tree.get("same", ())),
        ),
    )
