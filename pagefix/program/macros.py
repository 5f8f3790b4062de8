"""What the tree's headers say of a macro, for the reader, which has only one file.

Floor 2: imports only floor 2 below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pagefix.program.text import Text

__all__ = ["TreeMacros"]

_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|//[^\n]*", re.DOTALL)
_PARAMETERS = re.compile(r"\([^()]*\)")
_ATTRIBUTE = re.compile(r"(?:__attribute__|__attribute|__declspec|_Pragma)\b\s*\(")
_QUALIFIERS = frozenset(
    "inline __inline __inline__ const volatile extern static register restrict noreturn "
    "_Noreturn __extension__".split()
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_LOOP_WORDS = frozenset(("for", "while"))
# What may stand behind a condition that skips elements.
_ELSE = re.compile(r"(?:\{\s*\}|;)?\s*\belse$")
# How many macros a definition is followed through.
_DEPTH = 8


class TreeMacros:
    """The macros that one file sees; answers :class:`pagefix.c.MacroTable`.

    :param may: whether a name may be a macro at all, cheap to ask.
    :param texts: yields the files of its scope, nearest first, itself among them.
    :param shared: answers known for every file: a macro that marks or loops does so
        wherever it is defined.
    """

    def __init__(
        self,
        may: Callable[[str], bool],
        texts: Callable[[], Iterator[Text]],
        shared: dict[tuple[str, str], bool],
    ) -> None:
        self._may = may
        self._texts = texts
        self._shared = shared
        self._missing: set[tuple[str, str]] = set()

    def annotation(self, name: str) -> bool | None:
        """Tell whether it is defined as empty or as an attribute; ``None``: not found."""
        return self._answer("annotation", name, _is_annotation)

    def loop(self, name: str) -> bool | None:
        """Tell whether it is defined as the head of a loop; ``None``: not found."""
        return self._answer("loop", name, _is_loop)

    def definition(self, name: str) -> str | None:
        """Return the text behind ``#define name``, ``None`` if there is none."""
        return next(iter(self._definitions(name)), None)

    def _definitions(self, name: str) -> list[str]:
        if not name.isascii() or not self._may(name):
            return []
        key = name.encode()
        for text in self._texts():
            if key in text.defines:
                return text.definitions(name)
        return []

    def _answer(
        self, what: str, name: str, test: Callable[[TreeMacros, str, int], bool], depth: int = 0
    ) -> bool | None:
        key = (what, name)
        if key in self._shared:
            return self._shared[key]
        if key in self._missing:
            return None
        # Also stops a macro that leads to itself.
        self._missing.add(key)
        found = self._definitions(name) if depth < _DEPTH else []
        if not found:
            return None
        self._shared[key] = all(test(self, text, depth) for text in found)
        return self._shared[key]


def _body(definition: str) -> str:
    text = _COMMENT.sub(" ", definition)
    if text.startswith("("):
        parameters = _PARAMETERS.match(text)
        text = text[parameters.end() :] if parameters else text
    return text.strip()


def _is_annotation(macros: TreeMacros, definition: str, depth: int) -> bool:
    text = _body(definition)
    at = 0
    while at < len(text):
        attribute = _ATTRIBUTE.match(text, at)
        name = _NAME.match(text, at)
        if attribute:
            at = _closed(text, attribute.end() - 1)
        elif name and name[0] in _QUALIFIERS:
            at = name.end()
        elif name and macros._answer("annotation", name[0], _is_annotation, depth + 1):
            at = name.end()
            if text[at : at + 1] == "(":
                at = _closed(text, at)
        elif text[at].isspace():
            at += 1
        else:
            return False
    return True


def _is_loop(macros: TreeMacros, definition: str, depth: int) -> bool:
    # A loop's head ends the text: the statement behind the macro is its body.
    text = _body(definition)
    while True:
        text = _ELSE.sub("", text).rstrip()
        if not text.endswith(")"):
            return False
        before = text[: _opened(text)].rstrip()
        word = re.search(r"\w*$", before)
        head = word[0] if word else ""
        if head in _LOOP_WORDS:
            return not (head == "while" and re.match(r"do\b", text))
        if head != "if":
            return bool(head and macros._answer("loop", head, _is_loop, depth + 1))
        # `for (...) if (...)`, `for (...) if (...) {} else`: what stands before decides.
        text = before[: -len("if")].rstrip()


def _closed(text: str, at: int) -> int:
    # Offset behind the parenthesis that closes the one at `at`.
    depth = 0
    for offset in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[offset], 0)
        if depth == 0:
            return offset + 1
    return len(text)


def _opened(text: str) -> int:
    # Offset of the parenthesis that the last character closes.
    depth = 0
    for offset in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[offset], 0)
        if depth == 0:
            return offset
    return 0
