"""What pagefix says: sites of the inventory, findings, traces, fixes.

Every value is frozen and picklable; one list of these feeds every report.

Floor 0: imports only :mod:`pagefix.source`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pagefix.source import Place, Span

__all__ = [
    "FIELDS",
    "IN_BASELINE",
    "Access",
    "Applicability",
    "Confidence",
    "Coverage",
    "Edit",
    "Finding",
    "Fix",
    "Kind",
    "Ledger",
    "Scope",
    "Severity",
    "Site",
    "Status",
    "Step",
    "Touch",
    "Unread",
    "fingerprint",
    "in_order",
]


#: The fields whose meaning is another one while a page is in the swap cache.
FIELDS = ("mapping", "index", "private")
#: Why a finding of a baseline does not count.
IN_BASELINE = "it is in the baseline"


class Access(StrEnum):
    """What is done to a field where it is named."""

    READ = "read"
    WRITE = "write"
    READWRITE = "readwrite"
    ADDRESS = "address"
    UNEVALUATED = "unevaluated"


class Status(StrEnum):
    """How the ledger accounts for one occurrence of a field name."""

    PAGE = "page"
    OTHER = "other"
    UNRESOLVED = "unresolved"


class Kind(StrEnum):
    """The kinds of rules (and so of findings).

    Beside the three that look at the kernel's code there is one for pagefix's own words
    in it: suppressions.
    """

    FLOW = "flow"
    OPS = "ops"
    CONTRACT = "contract"
    COMMENT = "comment"


class Scope(StrEnum):
    """Which pages count: every one, or those that may be in the swap cache."""

    SWAPCACHE = "swapcache"
    ALL = "all"


class Severity(StrEnum):
    """How much a finding matters; notes do not change the exit code."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Confidence(StrEnum):
    """Whether every step of a finding's chain is known, or one is assumed."""

    RESOLVED = "resolved"
    ASSUMED = "assumed"


class Applicability(StrEnum):
    """Who may apply a fix: pagefix alone, pagefix when asked to, or a person."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    SUGGEST = "suggest"


@dataclass(frozen=True, slots=True)
class Site:
    """One occurrence of a page field's name, accounted for.

    :param span: the field token.
    :param record: ``struct page``, ``struct folio`` or the other type as C writes it;
        ``None`` where the type is not known.
    :param function: name of the function around it, ``None`` at file scope.
    :param macro: name of the ``#define`` whose body holds it, ``None`` elsewhere.
    :param expression: source text of the whole access (``page->mapping``).
    :param reason: why it is unresolved, or a remark; empty otherwise.
    :param whole: span of the whole access expression (what a rewrite replaces).
    """

    place: Place
    span: Span
    field: str
    record: str | None
    status: Status
    access: Access
    function: str | None
    macro: str | None
    expression: str
    reason: str
    whole: Span


class Ledger(NamedTuple):
    """The sums of an inventory: occurrences = page + other + unresolved.

    :param by_record: occurrences of each record, sorted by its name.
    """

    occurrences: int
    page: int
    other: int
    unresolved: int
    by_record: dict[str, int]


@dataclass(frozen=True, slots=True)
class Unread:
    """Text that the reader could not make sense of (whole lines, inclusive)."""

    path: str
    line: int
    end_line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain.

    :param depth: ``int``, call depth, the VM's call being 0.
    :param place: where, in the text.
    :param message: one sentence.
    """

    depth: int
    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes ``[start, end)`` of a file by ``text``."""

    path: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What could be written instead; with no edits it is advice only."""

    applicability: Applicability
    message: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Touch:
    """How a change concerns a finding.

    :param by: ``line``, the finding is on a line that is new; ``chain``, its chain runs
        through one; ``new``, neither, but without the change there is no such finding.
    :param place: that line, ``None`` where it is not one.
    """

    by: str
    place: Place | None = None

    @property
    def on_line(self) -> bool:
        """Whether the finding itself is on a line that is new (``bool``)."""
        return self.by == "line"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken.

    :param place: the field token, or the callee's name for a call.
    :param confidence: ``resolved`` if every step is known.
    :param entry: the entry (slot of which table) the chain starts at, ``None`` with
        ``--scope all``.
    :param unless: the contract clause that would rule the chain out, ``None`` if none.
    :param alternatives: ``int``, number of other chains not shown.
    :param suppressed: reason of the suppression, :data:`IN_BASELINE` for one that is
        postponed, ``None`` if it counts.
    :param touch: by what a change concerns it, ``None`` where nothing was asked of changes.
    """

    rule: str
    kind: Kind
    place: Place
    span: Span
    function: str | None
    field: str | None
    expression: str
    message: str
    severity: Severity
    confidence: Confidence
    fingerprint: str
    entry: str | None = None
    unless: str | None = None
    trace: tuple[Step, ...] = ()
    alternatives: int = 0
    fixes: tuple[Fix, ...] = ()
    suppressed: str | None = None
    touch: Touch | None = None


def in_order(finding: Finding) -> tuple[Span, str, str, str]:
    """Return what findings are sorted by: no two of them tie, whatever found them first."""
    return finding.span, finding.rule, finding.message, finding.entry or ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an analysis read, and what it had to leave open."""

    functions: int = 0
    contexts: int = 0
    unmodelled: tuple[str, ...] = ()
    unresolved_calls: tuple[str, ...] = ()
    widened: tuple[str, ...] = field(default=())


#: Part of every fingerprint: changes when the meaning of one does.
_FINGERPRINT_FORMAT = "1"


def fingerprint(rule: str, function: str | None, tokens: Iterable[str]) -> str:
    """Return what stays of a finding when lines move and files are renamed.

    :return: ``str``, the first 32 hex digits of SHA-256 over format, rule, function
        and the expression's tokens; no path, no line.
    """
    text = "\0".join([_FINGERPRINT_FORMAT, rule, function or "", *tokens])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
