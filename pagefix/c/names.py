"""What a chunk is and which names it introduces, by its shape alone.

Floor 1.
"""

from __future__ import annotations

import re

from pagefix.c.chunk import ChunkKind
from pagefix.c.tables import ANNOTATIONS, CALL_ANNOTATIONS, KEYWORDS, PER_CPU

__all__ = ["define_name", "describe", "function_names", "heads_body"]

_RECORD_HEAD = re.compile(
    rb"\b(?:struct|union|enum)\b(?:\s+\w+|\s*(?:%s)\s*\([^{]*\)|\s*:\s*\w+)*\s*\Z"
    % "|".join(sorted(CALL_ANNOTATIONS)).encode()
)
_ATTRIBUTES = frozenset(word.encode() for word in CALL_ANNOTATIONS)
_DEFINE = re.compile(rb"#[ \t]*define[ \t]*(?:\\\r?\n[ \t]*)*(\w+)")
_TAG = re.compile(rb"\b(struct|union|enum)\b([^;(){},=*]*(?:\([^{};]*\)[^;(){},=*]*)?)\{")
_ENUM_HEAD = re.compile(rb"\benum\b[^;(){]*\Z")
# ``type words name = ...`` and ``type words name[..];``: one plain declarator.
_PLAIN_VARIABLE = re.compile(rb"(?!typedef\b)([\w\s*]*[\s*])(\w+)\s*(?:\[[^\]]*\]\s*)*[=;]")
_FORWARD = re.compile(rb"\s*(?:struct|union|enum)\s*\Z")
_ENUM_BODY = re.compile(rb"\benum\b[^;(){]*\{([^}]*)\}?")
_ENUMERATOR = re.compile(rb"(?:\A|,)\s*([A-Za-z_]\w*)")
_PARENS = re.compile(rb"\([^()]*\)")
_BRACES = re.compile(rb"\{[^{}]*\}")
_BRACKETS = re.compile(rb"\[[^\[\]]*\]")
# ``typedef int (handler)(int);``
_WRAPPED_NAME = re.compile(rb"[\w*]\s*\(\s*(\w+)\s*\)\s*\(")
_POINTER_NAME = re.compile(
    rb"\(\s*(?:__\w+\s+)?\*[\s*]*(?:const\s+|volatile\s+|__\w+\s+)*(\w+)\s*(?:\[[^\]]*\]\s*)*[()]"
)
# ``type words name(``: what nearly every function and prototype begins with.
_PLAIN_HEAD = re.compile(rb"([\w\s*]*[\s*])(\w+)\s*\(")
_RETURNS_POINTER = re.compile(rb"\(\s*\*\s*(\w+)\s*\(")
_CALLED = re.compile(rb"\b([A-Za-z_]\w*+)\s*+\(")
_IDENTIFIER = re.compile(rb"[A-Za-z_]\w*")
_FIRST = re.compile(rb"\s*\(\s*([A-Za-z_]\w*)")
_DEFINING = re.compile(
    rb"(?:__)?(?:DEFINE|DECLARE)\w*\Z|\w*(?:_HEAD|_DEFINE\d?|_MUTEX|_SPINLOCK)\Z"
)

_STORAGE = {word.encode() for word in ANNOTATIONS | CALL_ANNOTATIONS} | {
    b"static",
    b"extern",
    b"inline",
    b"const",
}
_NOT_NAMES = {word.encode() for word in KEYWORDS | ANNOTATIONS | CALL_ANNOTATIONS}


def define_name(code: bytes, start: int, end: int) -> str:
    """Return the name that a ``#define`` defines; empty if it has none."""
    match = _DEFINE.match(code, start, end)
    return _text(match.group(1)) if match else ""


def describe(text: bytes, lone: bool) -> tuple[ChunkKind, tuple[str, ...]]:
    """Return what an item without a function's body is, and the names it introduces.

    :param text: ``bytes``, the item, without comments, strings and directives.
    :param lone: whether it is a macro call and nothing else.
    """
    head, brace, _ = text.partition(b"{")
    assigned = b"=" in head and _assigned(head)
    if assigned or not brace:
        plain = _PLAIN_VARIABLE.match(text)
        if plain is not None and plain.group(2) not in _NOT_NAMES and _is_variable(plain, text):
            return ChunkKind.VARIABLE, (_text(plain.group(2)),)
    if (lone and not assigned) or _is_call(text):
        return ChunkKind.CALL, _call_names(head)
    names: list[str] = []
    if brace and not assigned:
        names += _tags(text)
        if b"enum" in text:
            for body in _ENUM_BODY.finditer(text):
                names += [_text(m.group(1)) for m in _ENUMERATOR.finditer(_peel(body.group(1)))]
    declared = _declared(text)
    if head.split(None, 1)[:1] == [b"typedef"]:
        return ChunkKind.TYPEDEF, (*names, *declared)
    if brace and not assigned:
        kind = ChunkKind.ENUM if _ENUM_HEAD.search(head) else ChunkKind.RECORD
        return ChunkKind.VARIABLE if declared else kind, (*names, *declared)
    if not declared:
        # ``struct foo;`` announces a record and defines nothing.
        return ChunkKind.OTHER, tuple(names)
    return ChunkKind.VARIABLE, (*names, *declared)


def _is_variable(plain: re.Match[bytes], text: bytes) -> bool:
    # One variable, and no more behind its initializer.
    before = plain.group(1)
    if not _has_type(before):
        return False
    if text[plain.end() - 1] == 59:  # ';'
        return _FORWARD.match(before) is None
    tail = text[max(plain.end(), text.rfind(b"}")) :]
    return b"," not in tail


def _tags(text: bytes) -> list[str]:
    # Tags of the records and enums that have a body, inner ones too.
    found = []
    for match in _TAG.finditer(text):
        words = _IDENTIFIER.findall(_peel(match.group(2)))
        words = [word for word in words if word not in _NOT_NAMES]
        if words:
            found.append(_text(match.group(1) + b" " + words[0]))
    return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _assigned(head: bytes) -> bool:
    return b"=" in head and b"=" in _peel(head)


def _peel(text: bytes) -> bytes:
    # Without what stands in parentheses.
    while b"(" in text:
        peeled = _PARENS.sub(b" ", text)
        if peeled == text:
            break
        text = peeled
    return text


def _is_call(text: bytes) -> bool:
    name, _ = _called_name(text)
    if name is None:
        return False
    text = _peel(text.rstrip().rstrip(b";"))
    if b"=" in text or b"{" in text:
        return False
    words = [word for word in _IDENTIFIER.findall(text) if word not in _STORAGE]
    return words == [name] and b"*" not in text


def _call_names(head: bytes) -> tuple[str, ...]:
    match = _CALLED.search(head)
    if match is None or not _DEFINING.match(match.group(1)):
        return ()
    name = _macro_variable(head, match.group(1), match.start())
    return (_text(name),) if name else ()


def function_names(head: bytes) -> tuple[str, ...]:
    """Return the name of a function with this head; that of the macro too, if one makes it."""
    plain = _PLAIN_HEAD.match(head)
    if plain is not None and plain.group(2) not in _NOT_NAMES and _has_type(plain.group(1)):
        return (_text(plain.group(2)),)
    pointer = _RETURNS_POINTER.search(head)
    if pointer is not None:
        return (_text(pointer.group(1)),)
    name, found = _called_name(head)
    if name is None:
        return ()
    words = [w for w in _IDENTIFIER.findall(_peel(head)) if w not in _STORAGE]
    if words == [name]:
        # A header made by a macro: ``SYSCALL_DEFINE3(open, ...)``.
        first = _FIRST.match(head, found + len(name))
        if first:
            return (_text(first.group(1)), _text(name))
    return (_text(name),)


def heads_body(head: bytes) -> bool:
    """Return whether the text before a brace is the head of a function."""
    return not (b"=" in head and _assigns(head)) and not _is_record(head)


def _is_record(head: bytes) -> bool:
    # ``struct foo``, perhaps with attributes; not ``struct foo *bar(...)``.
    if b"struct" not in head and b"union" not in head and b"enum" not in head:
        return False
    called = _CALLED.search(head)
    if called is not None and called.group(1) not in _ATTRIBUTES:
        return False
    return _RECORD_HEAD.search(head) is not None


def _assigns(head: bytes) -> bool:
    # ``=`` outside parentheses: what follows is an initializer.
    if b"(" not in head:
        return True
    depth = 0
    for char in re.findall(rb"[()=]", head):
        if char == b"(":
            depth += 1
        elif char == b")":
            depth -= 1
        elif not depth:
            return True
    return False


def _has_type(before: bytes) -> bool:
    return any(word not in _STORAGE for word in _IDENTIFIER.findall(before))


def _called_name(head: bytes) -> tuple[bytes | None, int]:
    # The name before the parameters: outside parentheses, and behind a type if it can.
    plain = _PLAIN_HEAD.match(head)
    if plain is not None and plain.group(2) not in _NOT_NAMES and _has_type(plain.group(1)):
        return plain.group(2), plain.start(2)
    candidates = []
    for match in _CALLED.finditer(head):
        name, at = match.group(1), match.start()
        before = head[:at]
        if name in _NOT_NAMES or before.count(b"(") != before.count(b")"):
            continue
        if _has_type(_peel(before)):
            return name, at
        candidates.append((name, at))
    return candidates[0] if candidates else (None, -1)


def _declared(text: bytes) -> list[str]:
    # Names declared by a declaration, one for each declarator.
    while b"{" in text:
        peeled = _BRACES.sub(b"@", text)
        if peeled == text:
            text = text.partition(b"{")[0]
        else:
            text = peeled
    # Any type spelt with struct and the like is one word from here on.
    text = _SPELT.sub(b" int ", text)
    names = []
    for part in _split(text.rstrip().rstrip(b";")):
        part = _BRACKETS.sub(b" ", part.partition(b"=")[0])
        pointer = _POINTER_NAME.search(part) or _WRAPPED_NAME.search(part)
        if pointer and pointer.group(1) not in _NOT_NAMES:
            names.append(_text(pointer.group(1)))
            continue
        function, at = _called_name(part)
        if function is not None:
            if not names and not _has_type(part[:at]):
                # ``DEFINE_PER_CPU(type, name) = ...``
                function = _macro_variable(text, function, at)
            if function:
                names.append(_text(function))
            continue
        words = [w for w in _IDENTIFIER.findall(_peel(part)) if w not in _NOT_NAMES]
        if len(words) > 1 or (words and (names or _TYPED.search(part))):
            names.append(_text(words[-1]))
    return names


def _macro_variable(text: bytes, macro: bytes, at: int) -> bytes:
    arguments = text[text.index(b"(", at) + 1 :].partition(b")")[0].split(b",")
    found = [_IDENTIFIER.fullmatch(argument.strip()) for argument in arguments[:2]]
    if PER_CPU.match(macro.decode("latin-1")) or found[0] is None:
        found.reverse()
    return found[0].group() if found[0] is not None else b""


_SPELT = re.compile(
    rb"\b(?:struct|union|enum)\b[^@;,()=*]*(?:\([^@;]*?\)[^@;,()=*]*)?@"
    # What stands between them is an attribute: not so in ``struct __head head_t;``.
    rb"|\b(?:struct|union|enum)\s+(?:__\w+\s+(?=\w+[\s*(]+\w))?\w+"
)
_TYPED = re.compile(rb"\b(?:int|char|long|short|void|unsigned|signed|float|double|bool|_Bool)\b")


def _split(text: bytes) -> list[bytes]:
    if b"," not in text:
        return [text]
    parts, depth, last = [], 0, 0
    for match in re.finditer(rb"[(),]", text):
        char = match.group()
        if char == b"(":
            depth += 1
        elif char == b")":
            depth -= 1
        elif not depth:
            parts.append(text[last : match.start()])
            last = match.end()
    parts.append(text[last:])
    return parts
