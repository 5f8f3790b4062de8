"""Rules and models for drgn and gdb scripts: the same loader, patterns of the same C.

``$PAGE->mapping`` in a pattern means ``page.mapping`` and ``page["mapping"]`` in a script.

Floor 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

from pagefix import reads
from pagefix.c import ast
from pagefix.errors import PagefixError
from pagefix.finding import Applicability
from pagefix.rulebook.forms import RuleForm
from pagefix.rulebook.reader import Reader, toml_files
from pagefix.rulebook.schema import Label, Rule, Template

__all__ = [
    "ScriptFix",
    "ScriptForm",
    "ScriptMatch",
    "ScriptModels",
    "ScriptSpec",
    "Source",
    "load_script_models",
    "read_script",
    "script_rules",
]


class ScriptMatchForm(TypedDict):
    """A pattern that makes a place of a script a finding."""

    pattern: Annotated[str, "C: `$PAGE->mapping` or `page_index($PAGE)`."]
    requires: NotRequired[Annotated[Label, "Label that the page must carry."]]
    only: NotRequired[Annotated[str, "`drgn` or `gdb`: scripts of the other are left alone."]]
    mangled: NotRequired[Annotated[bool, "Whether it is only found in the body of a class."]]
    renamed: NotRequired[Annotated[bool, "Not where an AttributeError is met with another name."]]
    message: Annotated[str, "One sentence; $PAGE stands for the text of the page."]


class ScriptFixForm(TypedDict):
    """What could be written instead."""

    replace: NotRequired[Annotated[str, "The Python to write; left out, it is advice only."]]
    helper: NotRequired[Annotated[str, "A function of drgn's, with its module, to import."]]
    inserted: NotRequired[Annotated[bool, "Whether the script gets a helper of pagefix's."]]
    only: NotRequired[Annotated[str, "`drgn` or `gdb`: which scripts it is for."]]
    applicability: NotRequired[Annotated[Applicability, "Who may apply it."]]
    message: Annotated[str, "One sentence: what the new text does."]


class ScriptForm(RuleForm):
    """A flow rule about scripts for drgn and gdb."""

    language: Annotated[str, "`script`."]
    match: list[ScriptMatchForm]
    fix: NotRequired[list[ScriptFixForm]]


@dataclass(frozen=True, slots=True)
class ScriptMatch:
    """A pattern: the name of a field or a function, and what must be known of the page."""

    anchor: str
    field: bool
    requires: Label | None
    only: str
    mangled: bool
    renamed: bool
    message: Template


@dataclass(frozen=True, slots=True)
class ScriptFix:
    """What could be written instead; ``helper`` is what must be imported for it."""

    replace: Template | None
    helper: str
    inserted: bool
    only: str
    applicability: Applicability
    message: Template


@dataclass(frozen=True, slots=True)
class ScriptSpec:
    """What a rule about scripts says."""

    matches: tuple[ScriptMatch, ...]
    fixes: tuple[ScriptFix, ...]


def read_script(reader: Reader) -> ScriptSpec:
    """Return what a rule about scripts says, checked."""
    data = reader.data
    if data["language"] != "script":
        reader.fail(("language",), "'language' can only be 'script'", "Leave it out for C.")
    matches = []
    for at, each in enumerate(data["match"]):
        where = ("match", at, "pattern")
        tree = reader.c(where, each["pattern"])
        anchor, page = "", None
        if isinstance(tree, ast.Member):
            anchor, page = tree.field, tree.base
        elif isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.args:
            anchor, page = tree.func.name, tree.args[0]
        if not anchor or not isinstance(page, ast.Name) or page.name != "$PAGE":
            reader.fail(where, "the pattern can match nothing", "$PAGE->field or function($PAGE).")
        _only(reader, ("match", at, "only"), each)
        matches.append(
            ScriptMatch(
                anchor,
                isinstance(tree, ast.Member),
                Label(each["requires"]) if "requires" in each else None,
                each.get("only", ""),
                each.get("mangled", False),
                each.get("renamed", False),
                reader.template(("match", at, "message"), each["message"], ["PAGE"], "bound"),
            )
        )
    fixes = []
    for at, each in enumerate(data.get("fix", ())):
        text = each.get("replace")
        _only(reader, ("fix", at, "only"), each)
        known = ["PAGE", "HELPER"]
        fixes.append(
            ScriptFix(
                None
                if text is None
                else reader.template(("fix", at, "replace"), text, known, "bound"),
                each.get("helper", ""),
                each.get("inserted", False),
                each.get("only", ""),
                Applicability(each.get("applicability", Applicability.SUGGEST)),
                reader.template(("fix", at, "message"), each["message"], ["PAGE"], "bound"),
            )
        )
    return ScriptSpec(tuple(matches), tuple(fixes))


def _only(reader: Reader, where: tuple[str | int, ...], table: Mapping[str, str]) -> None:
    if table.get("only", "drgn") not in ("drgn", "gdb"):
        reader.fail(where, "there are no such scripts", "One of: drgn, gdb.")


def script_rules(rules: tuple[Rule, ...] | list[Rule]) -> dict[str, ScriptSpec]:
    """Return what those of some rules say that are about scripts, by name."""
    return {rule.name: rule.spec for rule in rules if isinstance(rule.spec, ScriptSpec)}


# --- models


class _HelperForm(TypedDict):
    names: list[str]
    # any, user, pagecache, kernel; `argument`: as its argument; none.
    gives: str
    # page; pages: an iterator; pairs, ranges: an iterator of tuples that end in one.
    shape: str
    sentence: NotRequired[str]


class _MemberForm(TypedDict):
    record: str
    name: str
    gives: str
    sentence: str


class _VariableForm(TypedDict):
    names: list[str]
    gives: str
    sentence: str


class _LookupForm(TypedDict):
    names: list[str]
    # page, or pairs: an iterator of tuples that end in one.
    shape: str


class _TestForm(TypedDict):
    names: list[str]
    # Facts, with spaces between them.
    true: NotRequired[str]
    false: NotRequired[str]


class _ModelsForm(TypedDict):
    summary: str
    swapcache_bit: str
    backed_bit: str
    low_bits: list[str]
    transparent: list[str]
    aside: list[str]
    caches: list[str]
    swap_spaces: list[str]
    excluding_bits: list[str]
    helper: list[_HelperForm]
    member: list[_MemberForm]
    variable: list[_VariableForm]
    lookup: list[_LookupForm]
    test: list[_TestForm]


#: Lists of words, that stand for themselves.
_WORDS = ("low_bits", "transparent", "aside", "caches", "swap_spaces")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a page comes from: its label, the form it comes in, and a sentence."""

    gives: str
    shape: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ScriptModels:
    """All that ``rules/scripts`` says.

    :param tests: by function: what is known of the page where it is true, where it is false.
    :param bits: the same by the name of a bit.
    :param members: by (record, member) and, where only one record has it, ("", member).
    :param variables: of the kernel's, that are pages.
    :param lookups: functions that look into what one of `caches` is, with the shape of the answer.
    :param caches: members that hold the pages of a mapping.
    :param swap_spaces: variables that lead to the mappings of the swap cache itself.
    :param aside: attributes of a value that say nothing of it.
    """

    helpers: Mapping[str, Source]
    members: Mapping[tuple[str, str], Source]
    tests: Mapping[str, tuple[str, str]]
    bits: Mapping[str, tuple[str, str]]
    low_bits: frozenset[str]
    transparent: frozenset[str]
    aside: frozenset[str]
    caches: frozenset[str]
    swap_spaces: frozenset[str]
    variables: Mapping[str, Source]
    lookups: Mapping[str, str]


@lru_cache(maxsize=4)
def load_script_models(folder: Path) -> ScriptModels:
    """Read ``scripts/*.toml`` below a folder of rules.

    :raises PagefixError: for a file that is no TOML or has not the form.
    """
    helpers: dict[str, Source] = {}
    members: dict[tuple[str, str], Source] = {}
    tests: dict[str, tuple[str, str]] = {}
    bits: dict[str, tuple[str, str]] = {}
    words: dict[str, set[str]] = {name: set() for name in _WORDS}
    variables: dict[str, Source] = {}
    lookups: dict[str, str] = {}
    for path in toml_files(folder / "scripts"):
        try:
            reader = Reader(path, reads.text(str(path)))
        except OSError as error:
            raise PagefixError(
                f"{path}: the model cannot be read", why=f"{error}.", remedy="Install again."
            ) from error
        reader.check(_ModelsForm)
        data = reader.data
        for name, found in words.items():
            found.update(data[name])
        for each in data["variable"]:
            source = Source(each["gives"], "page", each["sentence"])
            variables.update(dict.fromkeys(each["names"], source))
        for each in data["lookup"]:
            lookups.update(dict.fromkeys(each["names"], each["shape"]))
        for each in data["helper"]:
            source = Source(each["gives"], each["shape"], each.get("sentence", ""))
            helpers.update(dict.fromkeys(each["names"], source))
        counted: dict[str, int] = {}
        for each in data["member"]:
            source = Source(each["gives"], "page", each["sentence"])
            members[each["record"], each["name"]] = source
            counted[each["name"]] = counted.get(each["name"], 0) + 1
            members["", each["name"]] = source
        # A name as common as `page` says nothing of an object that is not known.
        for name, count in counted.items():
            if count > 1 or "_" not in name:
                del members["", name]
        for each in data["test"]:
            tests.update(
                dict.fromkeys(each["names"], (each.get("true", ""), each.get("false", "")))
            )
        bits.update(dict.fromkeys(data["excluding_bits"], ("no", "")))
        bits[data["swapcache_bit"]] = ("bit", "no")
        bits[data["backed_bit"]] = ("backed", "no")
    plain = {name: frozenset(found) for name, found in words.items()}
    return ScriptModels(
        helpers, members, tests, bits, variables=variables, lookups=lookups, **plain
    )
