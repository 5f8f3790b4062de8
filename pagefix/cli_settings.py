"""What a run is asked to do, from the command line and the project's settings.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefix.cache import Store
    from pagefix.config import Settings
    from pagefix.flow import SwapOptions
    from pagefix.rulebook import Rule

__all__ = ["all_rules", "chosen_rules", "settings_of", "swap_options"]


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings: what the command line says goes before what the project settled."""
    from pagefix.config import Scope, find_settings
    from pagefix.finding import Severity

    paths = [each for each in getattr(options, "paths", ()) if each != "-"]
    given = {
        key: getattr(options, key, None)
        for key in ("baseline", "strict", "swap_ops", "swap_in", "swap_out")
    }
    given |= {key: tuple(_names(getattr(options, key, ()))) for key in ("select", "ignore")}
    given["rules"] = tuple(getattr(options, "rules", ()))
    if getattr(options, "severity", None):
        given["severity"] = Severity(options.severity)
    if getattr(options, "scope", None):
        given["scope"] = Scope(options.scope)
    return find_settings(paths[0] if paths else ".").merged(given)


def chosen_rules(
    options: argparse.Namespace, settings: Settings, store: Store | None = None
) -> tuple[Sequence[Rule], list[str]]:
    """Return the rules in use, and the names of all.

    :param store: keeps what comes of the rules' texts.
    """
    from pagefix.config import choose

    rules = all_rules(settings, store)
    where = {key: settings.path for key in ("select", "ignore") if not getattr(options, key, ())}
    chosen = choose(rules, settings.select, settings.ignore, where)
    return chosen, [rule.name for rule in rules]


def all_rules(settings: Settings, store: Store | None = None) -> tuple[Rule, ...]:
    """Return all rules, the project's own among them."""
    from pathlib import Path

    from pagefix.rulebook import load_rules

    return load_rules(more=[Path(each) for each in settings.rules], optional=True, store=store)


def swap_options(settings: Settings, without: Iterable[str] = ()) -> SwapOptions:
    """Return where swapcache pages enter.

    :param without: mechanisms of the analysis that are switched off.
    """
    from pagefix.flow import SwapOptions

    ops = settings.swap_ops or "auto"
    return SwapOptions(ops, settings.swap_in, settings.swap_out, frozenset(without))


def _names(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]
