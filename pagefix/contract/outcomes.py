"""What becomes of a clause in a program: kept, missing, to do, not applicable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pagefix.finding import Finding
from pagefix.source import Place

__all__ = ["Contracts", "Outcome", "Verdict"]


class Verdict(StrEnum):
    """What a clause comes to in a program."""

    KEPT = "kept"
    MISSING = "missing"
    OUTSIDE = "outside lock"
    TODO = "to do"
    NONE = "not applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A clause for one role.

    :param role: the function in the role; ``None`` if there is none.
    :param where: the place of the test, or of what is missing.
    :param reason: why it does not apply, or the message of the finding.
    """

    clause: str
    rule: str
    verdict: Verdict
    role: str | None
    where: Place | None
    reason: str


@dataclass(frozen=True, slots=True)
class Contracts:
    """What a contract check finds."""

    findings: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...]
    assumptions: tuple[str, ...]
