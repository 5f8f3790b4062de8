"""The value of a number or character constant.

Floor 1: imports nothing of pagefix.
"""

from __future__ import annotations

__all__ = ["number"]

_ESCAPES = {
    "n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27,
    "\\": 92, "'": 39, '"': 34, "?": 63,
}  # fmt: skip


def number(word: str) -> int | None:
    """Return the value of a constant as C writes it; ``None`` if it is no integer."""
    if word.isdecimal() and (word[0] != "0" or word == "0"):
        return int(word)
    if word in ("true", "false"):
        return int(word == "true")
    if word.endswith("'"):
        return _character(word)
    digits = word.rstrip("uUlL")
    try:
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal():
            return int(digits, 8)
        return int(digits, 0)
    except ValueError:
        return None


def _character(word: str) -> int | None:
    text = word[word.index("'") + 1 : -1]
    if len(text) == 1:
        return ord(text)
    if text.startswith("\\"):
        if len(text) == 2 and text[1] in _ESCAPES:
            return _ESCAPES[text[1]]
        try:
            return int(text[2:], 16) if text[1:2] == "x" else int(text[1:], 8)
        except ValueError:
            return None
    return None
