"""What a rule is, once it has been checked.

A rule is data: it names a pattern of C, what must be known of the pages in it, and what
may be written instead. A :class:`Rule` can only be had from :mod:`pagefix.rulebook.load`,
so whoever holds one need not check it again.

Floor 3: patterns are C expressions, read by :mod:`pagefix.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pagefix.c import ast
from pagefix.finding import Access, Applicability, Kind, Scope, Severity

__all__ = [
    "HEADINGS",
    "Conditions",
    "Doc",
    "FixSpec",
    "Label",
    "Match",
    "Metavar",
    "Rule",
    "Scope",
    "Stage",
    "Template",
    "Variable",
]

#: Keys of ``[doc]``, in the order in which they are shown, with their headings.
HEADINGS = {
    "what": "What it reports",
    "why": "Why it matters",
    "example": "Example",
    "instead": "Instead",
    "safety": "Fix safety",
    "references": "References",
}


class Label(StrEnum):
    """What a match may require of what it names."""

    SWAPCACHE = "swapcache"
    #: The opposite: no swapcache page comes here, and the tree's VM hands none to a method.
    NO_SWAPCACHE = "no-swapcache"
    RANGE = "range"
    FLAGS = "flags"


class Stage(StrEnum):
    """Where a rule is in its life."""

    PREVIEW = "preview"
    STABLE = "stable"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Variable:
    """The place of a metavariable in a :class:`Template`."""

    name: str


_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Template:
    """Text with metavariables in it: what a fix writes, what a finding says."""

    parts: tuple[str | Variable, ...]

    @classmethod
    def of(cls, text: str) -> Template:
        """Return the text, cut at its metavariables."""
        parts: list[str | Variable] = []
        at = 0
        for found in _VARIABLE.finditer(text):
            if found.start() > at:
                parts.append(text[at : found.start()])
            parts.append(Variable(found[1]))
            at = found.end()
        if at < len(text):
            parts.append(text[at:])
        return cls(tuple(parts))

    def variables(self) -> Iterator[str]:
        """Yield the metavariables' names in the text's order."""
        for part in self.parts:
            if isinstance(part, Variable):
                yield part.name

    def fill(self, values: dict[str, str]) -> str:
        """Return the text with the values put in."""
        return "".join(
            values[part.name] if isinstance(part, Variable) else part for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class Metavar:
    """A metavariable: what may stand in its place.

    :param name: without the ``$``.
    :param declared: the type as the rule spells it, ``struct page *``.
    :param type: the same, read as C.
    """

    name: str
    declared: str
    type: ast.Type


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern that makes a place a finding.

    :param pattern: the C text as written.
    :param tree: the same, read as C; metavariables are names that begin with ``$``.
    :param anchor: the identifier that every match holds (a field or a function), by
        which places to look at are found without reading everything.
    :param field: whether the anchor is a field (``$PAGE->index``), not a function or a
        constant.
    :param access: what may be done to the field; all of them for a call.
    :param requires: the label that the page must carry, ``None`` if none.
    :param severity: the rule's, unless the match has its own.
    :param message: one sentence; metavariables stand for the text they matched.
    :param except_beside: members; it says nothing where a call is handed one of them beside
        what is matched.
    """

    pattern: str
    tree: ast.Expr
    anchor: str
    field: bool
    access: frozenset[Access]
    requires: Label | None
    severity: Severity
    message: Template
    except_beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FixSpec:
    """What could be written instead, if the tree has what it needs.

    :param access: accesses that it is for.
    :param replace: the new text; ``None`` if it is advice only.
    :param needs: symbol that the tree must have, ``None`` if none.
    :param without: names that the definition of ``needs`` must not mention: a symbol
        kept its name while its meaning changed.
    :param guard: a test under which the matched call must not be made, ``None`` if the fix
        is no guard.
    :param skipped: the value of a call that is not made; empty if it has none.
    :param of: a metavariable of the guard that the pattern does not bind, with that whose
        range it is the page of.
    :param together: functions; their calls for the same page beside it go with it.
    :param unlocks: functions after which the test says nothing of the page.
    :param calls: names of the functions that it is for; empty for all.
    :param used_for: members; it is for a value that one of them is taken from, or that is
        looked at in their tree or under their lock. Empty for every value.
    """

    access: frozenset[Access]
    replace: Template | None
    needs: str | None
    without: tuple[str, ...]
    applicability: Applicability
    message: Template
    guard: Template | None = None
    skipped: str = ""
    of: Mapping[str, str] = field(default_factory=dict)
    together: tuple[str, ...] = ()
    unlocks: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    used_for: tuple[str, ...] = ()

    def variables(self) -> frozenset[str]:
        """Return the metavariables that a match must bind for it (``frozenset[str]``)."""
        parts = [each.variables() for each in (self.replace, self.guard) if each is not None]
        names = {name for part in parts for name in part}
        return frozenset(self.of.get(name, name) for name in names)


@dataclass(frozen=True, slots=True)
class Doc:
    """A rule's words, by the keys of :data:`HEADINGS`."""

    what: str
    why: str
    example: str
    instead: str
    safety: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the tree must be like for a rule to mean anything.

    :param has: functions or macros that its headers must have.
    :param symbol: function whose definition must mention one of ``mentions``.
    :param same: constants that must have one value.
    """

    has: tuple[str, ...] = ()
    symbol: str = ""
    mentions: tuple[str, ...] = ()
    same: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One checked rule.

    ``metavars``, ``matches`` and ``fixes`` are those of a flow rule; what a rule of
    another kind says is its ``spec``.

    :param name: stem of its file.
    :param path: the file it came from, for messages.
    :param own: whether it is one of pagefix's own.
    :param optional: whether it is used only where it is named.
    :param clause: clause of the swap-file contract that it stands for.
    :param tree: in which trees it means anything.
    :param scope: the widest scope in which it means something: a rule that every page
        would break says nothing where every page counts.
    :param fixes: the first one that fits access and tree is offered.
    """

    name: str
    path: str
    kind: Kind
    summary: str
    severity: Severity
    stage: Stage
    since: str
    scope: Scope
    doc: Doc
    metavars: tuple[Metavar, ...] = ()
    matches: tuple[Match, ...] = ()
    fixes: tuple[FixSpec, ...] = ()
    spec: object = None
    own: bool = True
    optional: bool = False
    clause: str = ""
    tree: Conditions = Conditions()

    @property
    def everywhere(self) -> bool:
        """Whether no match asks for a label: where pages come from does not matter."""
        return bool(self.matches) and all(each.requires is None for each in self.matches)

    def names(self, function: str) -> bool:
        """Return whether a pattern is a call of a function.

        Its own definition is not reported then: what it is called for is, at each call.
        """
        return any(not each.field and each.anchor == function for each in self.matches)

    def metavar(self, name: str) -> Metavar:
        """Return one of the rule's metavariables by its name."""
        return next(each for each in self.metavars if each.name == name)
