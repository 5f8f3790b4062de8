"""The lexical scan: from bytes to chunks, without a parser.

What comes in: the text of one file. What goes out: the text with comments blanked and
strings emptied (same length, so every offset stays true), its directives, and its
top-level items as :class:`~pagefix.c.chunk.Chunk`.

The scan counts braces, and knows one thing about the preprocessor: the depth at an
``#if`` is also the depth at its ``#else``. So a function whose head or braces are
split by conditionals is one chunk.

Floor 1.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from pagefix.c.chunk import Chunk, ChunkKind, Directive
from pagefix.c.names import define_name, describe, function_names, heads_body

__all__ = ["Scan", "scan", "split_items"]

_OPENS = frozenset({b"if", b"ifdef", b"ifndef"})
_TURNS = frozenset({b"else", b"elif", b"elifdef", b"elifndef"})

# One pass finds all that is not code. The first bytes of the alternatives are few, so
# the search skips over code at the speed of a table look-up.
_NOT_CODE = re.compile(
    rb"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/"
    rb"|/\*.*"  # a comment that never ends
    rb"|//[^\n\\]*(?:\\(?:\r\n|.)[^\n\\]*)*"
    rb'|"[^"\\\n]*(?:\\(?:\r\n|.)[^"\\\n]*)*"'
    rb"|'[^'\\\n]*(?:\\(?:\r\n|.)[^'\\\n]*)*'"
    rb"|#[ \t]*(?:error|warning)\b[^\n\\]*(?:\\(?:\r\n|.)[^\n\\]*)*",
    re.DOTALL,
)
_DIRECTIVE = re.compile(rb"#[ \t]*([a-z_]*)[^\n\\]*(?:\\(?:\r\n|.)[^\n\\]*)*", re.DOTALL)
_TOP = re.compile(rb"[;{}()#]")
_INNER = re.compile(rb"[{}#]")
_FLAT_PARENS = re.compile(rb"[^(){};#]*\)")
_NOT_BRACES = bytes(set(range(256)) - set(b"{}#"))
_WORD = re.compile(rb"\S")
# A lone macro call: ``MODULE_LICENSE("GPL")``, with nothing before or behind it.
_LONE_CALL = re.compile(rb"\s*([A-Za-z_]\w*)\s*\(")
_ANNOTATION_NAME = re.compile(rb"__[a-z]|asmlinkage|notrace|noinline")
_KNR = re.compile(rb"\(\s*(?!void\s*\))\w+\s*(?:,\s*\w+\s*)*\)\s*[a-z][\w\s]*[\s*]\w[^()]*;\Z")


#: An old-style function's head is no longer than this.
_LONGEST_HEAD = 400


class Scan(NamedTuple):
    """What the scan of one file gives.

    :param endless: start of a comment that does not end, ``-1`` if there is none; the
        rest of the file is a chunk of its own.
    """

    code: bytes
    directives: tuple[Directive, ...]
    chunks: tuple[Chunk, ...]
    endless: int


def _blank(match: re.Match[bytes]) -> bytes:
    text = match.group()
    if text[0] in b"\"'":
        quote = text[:1]
        return quote + b" " * (len(text) - 2) + quote
    return b" " * len(text)


def _directives(code: bytes) -> list[Directive]:
    found = []
    at = code.find(b"#")
    while at >= 0:
        line = code.rfind(b"\n", 0, at) + 1
        if line == at or code[line:at].isspace():
            match = _DIRECTIVE.match(code, at)
            assert match is not None
            end = match.end()
            if code[end - 1] == 13:  # the carriage return of a CRLF line
                end -= 1
            found.append(Directive(at, end, match.group(1)))
            at = code.find(b"#", end)
        else:
            at = code.find(b"#", at + 1)
    return found


def _flat(code: bytes, directives: list[Directive]) -> tuple[bytes, dict[int, Directive]]:
    # The code without directives; of a conditional the ``#`` stays as a mark.
    parts = []
    marks = {}
    last = 0
    for directive in directives:
        start, end, word = directive
        parts.append(code[last:start])
        if word in _OPENS or word in _TURNS or word == b"endif":
            marks[start] = directive
            parts.append(b"#" + b" " * (end - start - 1))
        else:
            parts.append(b" " * (end - start))
        last = end
    parts.append(code[last:])
    return b"".join(parts).replace(b"\\", b" "), marks


class _Open:
    # An ``#if`` that is open: where it stands and the depths there.
    __slots__ = ("at", "brace", "done", "ends", "paren", "zero")

    def __init__(self, at: int, brace: int, paren: int, zero: bool) -> None:
        self.at = at
        self.brace = brace
        self.paren = paren
        self.zero = zero  # ``#if 0``: the depth at its #else counts, not its own
        self.ends: tuple[int, int] | None = None
        self.done = False


class _Splitter:
    # Finds the top-level items of one flat text.

    def __init__(self, code: bytes, flat: bytes, marks: dict[int, Directive]) -> None:
        self.code = code
        self.flat = flat
        self.marks = marks
        self.chunks: list[Chunk] = []
        self.stack: list[_Open] = []
        self.start = -1  # of the item that is open, -1 if none is
        self.last = 0  # end of the text that is dealt with
        self.brace = 0
        self.paren = 0
        self.ended = False  # it was just ended by that brace
        self.head = b""  # what stands before it
        self.body = False  # the item ends with the brace that is open
        self.lone = False  # the item is a macro call so far, and nothing else

    def run(self) -> list[Chunk]:
        flat = self.flat
        at = 0
        top, inner = _TOP.search, _INNER.search
        while True:
            match = inner(flat, at) if self.brace else top(flat, at)
            if match is None:
                break
            at = match.start()
            mark = flat[at]
            if mark == 35:  # '#'
                self._conditional(at)
                at += 1
                continue
            if self.start < 0 and not self.brace:
                self._begin(at)
            at += 1
            if mark == 123:  # '{'
                self._open_brace(at)
                at = self._body_end(at)
            elif mark == 125:  # '}'
                self._close_brace(at)
            elif mark == 40:  # '('
                self.paren += 1
                flat_part = _FLAT_PARENS.match(flat, at)
                if flat_part is not None:
                    at = flat_part.end()
                    self._close_paren(at)
            elif mark == 41:  # ')'
                self._close_paren(at)
            elif not self.paren:  # ';'
                self._semicolon(at)
        self._begin(len(flat))
        if self.start >= 0:
            self.stack.clear()
            self.ended = self.brace > 0  # a function that the file cuts off is one all the same
            self._finish(len(flat.rstrip()))
        return self.chunks

    def _begin(self, limit: int) -> None:
        # The item that is open starts at the first word behind the last one.
        if self.start < 0:
            match = _WORD.search(self.flat, self.last, limit + 1)
            if match is not None and match.start() < len(self.flat):
                self.start = match.start()
                self.lone = False

    def _semicolon(self, end: int) -> None:
        flat = self.flat
        if flat[self.start : end].strip() == b";":
            self.start, self.last = -1, end
            return
        if end - self.start < _LONGEST_HEAD and _KNR.search(flat, self.start, end):
            return
        self._finish(end)

    def _open_brace(self, end: int) -> None:
        if not self.brace and not self.paren:
            head = self.flat[self.start : end - 1]
            if head.rstrip().endswith(b'"') and head.lstrip().startswith(b"extern"):
                self.start, self.last = -1, end  # extern "C" {
                return
            self.body = heads_body(head)
            self.head = head
        self.brace += 1

    def _body_end(self, at: int) -> int:
        # Kernel style closes a block of the file scope in the first column: if all braces
        # up to the first such one pair, the scan goes on there.
        if self.brace != 1:
            return at
        end = self.flat.find(b"\n}", at)
        if end < 0:
            return at
        braces = self.flat[at:end].translate(None, _NOT_BRACES)
        while b"{}" in braces:
            braces = braces.replace(b"{}", b"")
        return at if braces else end + 1

    def _close_brace(self, end: int) -> None:
        if self.brace:
            self.brace -= 1
            if not self.brace and not self.paren and self.body:
                self.ended = True
                self._finish(end)
                self.ended = False
        elif not self.paren:
            # A brace too many, or the one of extern "C".
            self.start, self.last = -1, end

    def _close_paren(self, end: int) -> None:
        if not self.paren:
            return
        self.paren -= 1
        if self.paren:
            return
        match = _LONE_CALL.match(self.flat, self.start, end)
        self.lone = match is not None and _closes(self.flat, match.end() - 1) == end
        if self.lone and match is not None:
            # ``FOO(x)`` and, on the next line, something new: an item of its own.
            behind = _WORD.search(self.flat, end)
            if behind is None:
                return
            char = self.flat[behind.start() : behind.start() + 1]
            if (
                (char.isalpha() or char == b"_")
                and b"\n" in self.flat[end : behind.start()]
                and not _ANNOTATION_NAME.match(match.group(1))
            ):
                self._finish(end)

    def _finish(self, end: int) -> None:
        if self.stack and self.stack[-1].at > self.start:
            # It began before the #if that is open: the other branch ends it as well.
            for entry in self.stack:
                if entry.at > self.start:
                    entry.done = True
                    break
            self.brace = self.paren = 0
            return
        self._emit(end)

    def _emit(self, end: int) -> None:
        if self.start < 0:
            self._begin(end - 1)
        if not 0 <= self.start < end:  # nothing but braces
            self.start, self.last = -1, end
            self.brace = self.paren = 0
            return
        if self.ended and self.body:
            kind, names = ChunkKind.FUNCTION, function_names(self.head)
        else:
            kind, names = describe(self.flat[self.start : end], self.lone)
        self.chunks.append(Chunk(self.start, end, kind, names))
        self.start, self.last = -1, end
        self.brace = self.paren = 0
        self.lone = False

    def _conditional(self, at: int) -> None:
        directive = self.marks.get(at)
        if directive is None:
            return  # a # that heads no line: not C, and the parser will say so
        word = directive.word
        self._pending(at)
        stack = self.stack
        if word in _OPENS:
            zero = self.code[at : directive.end].split()[-1:] == [b"0"]
            stack.append(_Open(at, self.brace, self.paren, zero))
        elif stack:
            entry = stack[-1]
            if entry.ends is None or entry.zero:
                entry.ends = (self.brace, self.paren)
                entry.zero = False
            if word in _TURNS:
                self.brace, self.paren = entry.brace, entry.paren
            else:
                stack.pop()
                self.brace, self.paren = entry.ends
                if entry.done and self.start >= 0:
                    self._emit(directive.end)
        if self.start < 0:
            self.last = directive.end

    def _pending(self, at: int) -> None:
        # Something is open at a conditional: a call without ``;`` ends here, anything
        # else goes on, and begins with the #if if it began inside.
        if self.brace or self.paren:
            pass
        elif self.start < 0:
            self._begin(at - 1)
            if self.start >= at:
                self.start = -1
        elif self.lone and self.flat[self.start : at].rstrip().endswith(b")"):
            self._finish(len(self.flat[:at].rstrip()) if at < 64 else self._stripped(at))
        word = self.marks[at].word
        if self.start >= 0 and word not in _OPENS and self.stack:
            opened = self.stack[-1].at
            if self.last <= opened < self.start:
                self.start = opened

    def _stripped(self, at: int) -> int:
        while self.flat[at - 1 : at].isspace():
            at -= 1
        return at


def _closes(flat: bytes, at: int) -> int:
    # The end of the parenthesis that opens at ``at``.
    depth = 0
    for match in re.finditer(rb"[()]", flat[at:]):
        depth += 1 if match.group() == b"(" else -1
        if not depth:
            return at + match.end()
    return -1


def split_items(text: bytes, base: int) -> list[Chunk]:
    """Split text without directives (the body of a macro) into chunks.

    :param base: the offset of the text in the file.
    """
    found = _Splitter(text, text, {}).run()
    return [chunk._replace(start=chunk.start + base, end=chunk.end + base) for chunk in found]


def _endless(data: bytes) -> int:
    # Where a comment begins that never ends.
    if data.find(b"*/", data.rfind(b"/*")) >= 0 or b"/*" not in data:
        return -1
    last = None
    for match in _NOT_CODE.finditer(data):
        last = match
    if last is None or not last.group().startswith(b"/*") or last.group().endswith(b"*/"):
        return -1
    return last.start()


def scan(data: bytes) -> Scan:
    """Split the text of a file into chunks.

    :param data: ``bytes``, the file as it is on disk.
    """
    code = _NOT_CODE.sub(_blank, data)
    if code.startswith(codecs.BOM_UTF8):
        code = b" " * len(codecs.BOM_UTF8) + code[len(codecs.BOM_UTF8) :]
    endless = _endless(data)
    directives = _directives(code)
    flat, marks = _flat(code, directives)
    chunks = _Splitter(code, flat, marks).run()
    chunks += [
        Chunk(start, end, ChunkKind.DEFINE, (define_name(code, start, end),))
        for start, end, word in directives
        if word == b"define"
    ]
    if endless >= 0:
        chunks.append(Chunk(endless, len(code), ChunkKind.OTHER, ()))
    chunks.sort(key=lambda chunk: (chunk.start, -chunk.end))
    return Scan(code, tuple(directives), tuple(chunks), endless)
