"""Masking of single words: annotations, and what GNU C adds to the language.

Floor 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pagefix.c.draft import Draft, close_of
from pagefix.c.tables import (
    ALIGNOF,
    ANNOTATIONS,
    ASM,
    CALL_ANNOTATIONS,
    OFFSETOF,
    TYPE_WORDS,
    TYPEOF,
)

__all__ = ["mask_words"]

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_HEAD_END = re.compile(r"\b(?:return|else|do|case|goto|sizeof)\Z")

_KINDS: dict[str, str] = {}
for _kind, _group in (
    ("annotation", ANNOTATIONS),
    ("call_annotation", CALL_ANNOTATIONS),
    ("typeof", TYPEOF),
    ("offsetof", OFFSETOF),
    ("asm", ASM),
    ("sizeof", ALIGNOF),
    ("generic", {"_Generic"}),
):
    _KINDS.update(dict.fromkeys(_group, _kind))
_WORDS = frozenset(_KINDS)
#: Text without any of these holds none of the words: told in no time, and mostly so.
_ROOTS = ("__", *sorted(word for word in _WORDS if "__" not in word))

_STATIC = re.compile(r"static\s+([A-Za-z_]\w*)\s*\(")
_GOTO = re.compile(r"goto\s*\*")


@lru_cache(maxsize=512)
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    # No word boundary in front: a pattern that begins with a letter is searched faster.
    return re.compile(rf"(?:{'|'.join(sorted(words, reverse=True))})\b")


def mask_words(draft: Draft, extra: Mapping[str, int]) -> None:
    """Mask what single words tell.

    :param extra: annotations beside those of the table, each with the offset up to which
        it is one.
    """
    text = draft.text
    words: frozenset[str] = frozenset(extra)
    if any(root in text for root in _ROOTS):
        words = words.union(_WORDS.intersection(_IDENTIFIER.findall(text)))
    if words:
        _mask(draft, words, extra)
    if "static" in text:
        for match in _STATIC.finditer(text, draft.calls_from):
            _static(draft, match)
    if "goto" in text:
        for match in _GOTO.finditer(text):
            _goto(draft, match)


def _mask(draft: Draft, words: frozenset[str], extra: Mapping[str, int]) -> None:
    text = draft.text
    skip = 0
    for match in _any_of(words).finditer(text):
        at = match.start()
        if at < skip or (at and (text[at - 1].isalnum() or text[at - 1] == "_")):
            continue
        word = match.group()
        kind = _KINDS.get(word)
        if kind is None:
            if at < extra[word]:
                skip = _extra(draft, at, match.end())
        else:
            skip = _ACTIONS[kind](draft, at, match.end())


def _static(draft: Draft, match: re.Match[str]) -> None:
    # ``static DEFINE_FOO(x);``: a declaration only after the macro is expanded.
    at, word = match.start(), match.group(1)
    if word in _KINDS or word in TYPE_WORDS or draft.is_hidden(at):
        return
    close = close_of(draft.text, match.end() - 1)
    if draft.next_char(close + 1) == ";":
        draft.blank(at, at + len("static"))


def _goto(draft: Draft, match: re.Match[str]) -> None:
    # ``goto *label``: the expression stays, as a statement of its own.
    stop = draft.text.find(";", match.end())
    if stop >= 0 and not draft.is_hidden(match.start()):
        draft.hide("goto", match.start(), stop, match.end(), stop)


# Each action returns the offset up to which the text is dealt with.


def _annotation(draft: Draft, at: int, end: int) -> int:
    text = draft.text
    if text[end : end + 1] == "(" and text[end + 1 : end + 2] != "*":
        return end  # a call of that name
    if text.startswith(("->", ".", "[", ":"), draft.after(end)):
        return end  # a name after all
    before = draft.before(at)
    if text[before : before + 1] == "." or text[max(0, before - 1) : before + 1] == "->":
        return end  # a member of that name
    draft.blank(at, end)
    return end


def _call_annotation(draft: Draft, at: int, end: int) -> int:
    opened, close = draft.arguments(end)
    if opened < 0:
        draft.blank(at, end)
        return end
    draft.blank(at, close + 1)
    inner = draft.text[opened + 1 : close]
    if "->" in inner or "." in inner:
        # ``__releases(x->lock)``: no code, but it names fields.
        draft.notes.append((draft.start + opened + 1, draft.start + close))
    return close + 1


def _extra(draft: Draft, at: int, end: int) -> int:
    # What the tree calls an annotation is one only where C would not have a name: right
    # before or behind another word. Elsewhere it is an empty call.
    text = draft.text
    opened, close = draft.arguments(end)
    stop = close + 1 if opened >= 0 else end
    behind = draft.next_char(stop)
    word_behind = behind.isalpha() or behind == "_"
    before = draft.before(at)
    word_before = before >= 0 and (text[before].isalnum() or text[before] == "_")
    if word_before and _HEAD_END.search(text, max(0, before - 8), before + 1):
        word_before = False
    head = at < draft.calls_from
    if (
        word_before
        or (word_behind and (head or opened < 0))
        or (head and before >= 0 and text[before] == ")")
        or (before >= 0 and text[before] == "]")
        or (word_behind and before >= 0 and text[before] == "}" and opened < 0)
    ):
        draft.blank(at, stop)
        return stop
    return end


def _typeof(draft: Draft, at: int, end: int) -> int:
    return _hide(draft, "typeof", at, end)


def _alignof(draft: Draft, at: int, end: int) -> int:
    return _hide(draft, "sizeof", at, end)  # the grammar takes a type only


def _generic(draft: Draft, at: int, end: int) -> int:
    return _hide(draft, "generic", at, end)


def _hide(draft: Draft, kind: str, at: int, end: int) -> int:
    opened, close = draft.arguments(end)
    if opened < 0:
        return end
    draft.hide(kind, at, close + 1, opened + 1, close)
    return close + 1


def _offsetof(draft: Draft, at: int, end: int) -> int:
    opened, close = draft.arguments(end)
    if opened < 0 or "," not in draft.text[opened:close]:
        return end
    draft.hide("offsetof", at, close + 1, opened + 1, close)
    return close + 1


def _asm(draft: Draft, at: int, end: int) -> int:
    text = draft.text
    opened = text.find("(", end)
    if opened < 0 or any(not part.strip("_").isalpha() for part in text[end:opened].split()):
        return end
    close = close_of(text, opened)
    if close < 0:
        return end
    before = draft.before(at)
    behind_name = before >= 0 and (text[before].isalnum() or text[before] in "_]")
    if behind_name and draft.word_before(at)[1] not in ("else", "do"):
        draft.blank(at, close + 1)  # ``int x asm("r0")``: the name of a register
    else:
        draft.hide("asm", at, close + 1, opened + 1, close)
    return close + 1


_ACTIONS = {
    "annotation": _annotation,
    "call_annotation": _call_annotation,
    "typeof": _typeof,
    "offsetof": _offsetof,
    "asm": _asm,
    "sizeof": _alignof,
    "generic": _generic,
}
