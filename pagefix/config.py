"""What a run is asked to do: settings found upwards, and the rules that are chosen.

Settings are ``.pagefix.toml``, or the table ``[tool.pagefix]`` of ``pyproject.toml``, in
the directory of the first path or the nearest one above it. The command line goes before
them.

Floor 7.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from pagefix.errors import PagefixError
from pagefix.finding import Scope, Severity

if TYPE_CHECKING:
    from pagefix.rulebook import Rule

__all__ = ["Scope", "Settings", "choose", "find_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project has settled; ``None`` and empty where it says nothing.

    :param path: the file they are from, empty if there is none.
    :param baseline: a path, as the process can open it; so are ``rules``.
    """

    path: str = ""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Severity | None = None
    baseline: str | None = None
    rules: tuple[str, ...] = ()
    scope: Scope | None = None
    strict: bool = False
    swap_ops: str | None = None
    swap_in: str | None = None
    swap_out: str | None = None

    def merged(self, given: Mapping[str, Any]) -> Settings:
        """Return the settings with what a command line says in their place."""
        said = {key: value for key, value in given.items() if value}
        return replace(self, **said)


#: Keys, and what each holds.
_KEYS: dict[str, type] = {
    "select": list,
    "ignore": list,
    "severity": Severity,
    "baseline": str,
    "rules": list,
    "scope": Scope,
    "strict": bool,
    "swap-ops": str,
    "swap-in": str,
    "swap-out": str,
}


def find_settings(start: str) -> Settings:
    """Return the settings that hold for a path: the nearest, or none.

    :raises PagefixError: if they are not TOML, or a key or value is not known.
    """
    folder = os.path.abspath(start)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    while True:
        own = os.path.join(folder, ".pagefix.toml")
        if os.path.isfile(own):
            return _settings(own, _read(own), "")
        project = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(project):
            tool = _read(project).get("tool", {})
            if isinstance(tool, dict) and "pagefix" in tool:
                return _settings(project, tool["pagefix"], "tool.pagefix")
        above = os.path.dirname(folder)
        if above == folder:
            return Settings()
        folder = above


def _read(path: str) -> dict[str, Any]:
    # Imported where there are settings to read.
    import tomllib

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PagefixError(
            f"{_shown(path)}: the settings cannot be read",
            why=f"{error}.",
            remedy="Mend the file; CONTRIBUTING.md and README.md show settings.",
        ) from error


def _settings(path: str, table: Any, heading: str) -> Settings:
    if not isinstance(table, dict):
        _refuse(path, heading, "pagefix", f"[{heading}] is not a table", "It holds the settings.")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            meant = _meant(key, _KEYS)
            _refuse(path, heading, key, f"unknown key {key!r}{meant}", f"Keys: {', '.join(_KEYS)}.")
        values[key.replace("-", "_")] = _value(path, heading, key, value)
    folder = os.path.dirname(path)
    if "baseline" in values:
        values["baseline"] = os.path.relpath(os.path.join(folder, values["baseline"]))
    if "rules" in values:
        for each in values["rules"]:
            if not os.path.isdir(os.path.join(folder, each)):
                why = f"There is no folder {_shown(os.path.join(folder, each))}: it is beside this file."
                _refuse(path, heading, "rules", f"'rules' names {each!r}, which is no folder", why)
        values["rules"] = tuple(os.path.join(folder, each) for each in values["rules"])
    return Settings(path=path, **values)


def _value(path: str, heading: str, key: str, value: Any) -> Any:
    wanted = _KEYS[key]
    if wanted is list:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            _refuse(path, heading, key, f"{key!r} is not a list of texts", 'As in ["one", "two"].')
        return tuple(value)
    if wanted is bool:
        if not isinstance(value, bool):
            _refuse(path, heading, key, f"{key!r} is neither true nor false", "It is a yes or no.")
        return value
    if not isinstance(value, str):
        _refuse(path, heading, key, f"{key!r} is not text", 'As in "text".')
    if wanted is str:
        return value
    words = [each.value for each in wanted]  # type: ignore[attr-defined]
    if value not in words:
        meant = _meant(value, words)
        title = f"{key!r} cannot be {value!r}{meant}"
        _refuse(path, heading, key, title, f"One of: {', '.join(words)}.")
    return wanted(value)


def _nearest(word: str, words: Iterable[str]) -> str:
    # Imported where a word is wrong.
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(words), n=1)), "")


def _meant(word: str, words: Iterable[str]) -> str:
    close = _nearest(word, words)
    return f" (did you mean {close!r}?)" if close else ""


def _refuse(path: str, heading: str, key: str, title: str, why: str) -> NoReturn:
    place = _shown(path)
    line = _line(path, heading, key)
    raise PagefixError(
        f"{place}:{line}: {title}" if line else f"{place}: {title}",
        why=why,
        remedy="Correct the key or its value, or take it out.",
    )


def _line(path: str, heading: str, key: str) -> int | None:
    # The line of a key below its heading, for people.
    import re

    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    inside = not heading
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*\[", line):
            inside = line.split("#")[0].strip() == f"[{heading}]"
        elif inside and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
            return number
    return None


def _shown(path: str) -> str:
    # As the user would name it, if it is not far away.
    near = os.path.relpath(path)
    return path if near.startswith("../../..") else near


def choose(
    rules: Sequence[Rule],
    select: Iterable[str],
    ignore: Iterable[str],
    where: Mapping[str, str] | None = None,
) -> tuple[Rule, ...]:
    """Return the rules that are selected and not ignored.

    An empty ``select`` stands for all that are not optional.

    :param where: for ``select`` and ``ignore``, the file that named them, if one did.
    """
    select, ignore = frozenset(select), frozenset(ignore)
    names = [rule.name for rule in rules]
    for key, chosen in (("select", select), ("ignore", ignore)):
        for name in sorted(chosen):
            if name not in names:
                close = _nearest(name, names)
                file = (where or {}).get(key)
                raise PagefixError(
                    f"{_shown(file)}: {key}: there is no rule {name!r}"
                    if file
                    else f"there is no rule {name!r}",
                    why=f"The nearest is {close!r}." if close else "No rule has a name like it.",
                    remedy="`pagefix rules` lists them.",
                )
    return tuple(
        rule
        for rule in rules
        if rule.name not in ignore and (rule.name in select if select else not rule.optional)
    )
