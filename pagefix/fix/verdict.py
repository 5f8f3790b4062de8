"""Who may write a fix: pagefix alone, pagefix when asked to, or a person.

The one place that decides it. What speaks against a fix is found elsewhere (obstacles of
the text, doubts about the tree, what the chain that leads there rests on); what follows
from it, here.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pagefix.finding import Applicability, Confidence, Edit, Fix

__all__ = ["HOW", "judged", "on_a_chain"]

#: How it is decided, for those who read a rule.
HOW = {
    Applicability.SAFE: "written by --apply: for every page that is not in the swap cache it"
    " means what stands there now, and every step of the chain is known",
    Applicability.UNSAFE: "written with --unsafe too: a step of the chain is assumed, or the"
    " chain holds only for what swap_activate may refuse; a header is missing; something with"
    " side effects would be evaluated another number of times; what follows may depend on it",
    Applicability.SUGGEST: "shown, never written: the tree has nothing to write, the language"
    " does not allow it there, or what is right depends on what is meant",
}

_CAUTION = (Applicability.SAFE, Applicability.UNSAFE, Applicability.SUGGEST)


def judged(
    level: Applicability,
    message: str,
    edits: tuple[Edit, ...],
    *,
    obstacle: str = "",
    advice: str = "",
    doubts: Iterable[str] = (),
) -> Fix:
    """Return a fix with its applicability.

    :param level: what the rule says of it where nothing speaks against it.
    :param obstacle: why it cannot be written, empty if it can.
    :param advice: what a person could do in that case.
    :param doubts: reasons to look twice.
    """
    if obstacle:
        words = "; ".join(filter(None, (obstacle, advice)))
        return Fix(Applicability.SUGGEST, f"not rewritten: {words}")
    if not edits:
        return Fix(Applicability.SUGGEST, message)
    return _doubted(Fix(level, message, edits), doubts)


def on_a_chain(fix: Fix, confidence: Confidence, unless: str | None) -> Fix:
    """Return what becomes of a fix where a chain leads to its place.

    :param confidence: of the chain and of what matched.
    :param unless: the clause that would rule the chain out, ``None`` if there is none.
    """
    if not fix.edits or fix.applicability is Applicability.SUGGEST:
        return fix
    if unless is not None:
        return _doubted(fix, (f"only if {unless}",))
    if confidence is Confidence.ASSUMED:
        return _doubted(fix, ("a step of the chain is assumed",))
    return fix


def _doubted(fix: Fix, doubts: Iterable[str]) -> Fix:
    words = [each for each in doubts if each]
    if not words:
        return fix
    return replace(
        fix,
        applicability=max(fix.applicability, Applicability.UNSAFE, key=_CAUTION.index),
        message="; ".join((fix.message, *words)),
    )
