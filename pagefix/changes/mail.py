"""Patches in mails: one, a mailbox, a series.

Floor 7, in :mod:`pagefix.changes`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Letter", "letters"]

# With a time and a year, as git asks: a sentence of a message may begin so too.
_FROM = re.compile(rb"^From [^\n]*\d:\d\d:\d\d [^\n]*\d{4}[^\n]*\n(?=[A-Za-z-]+:)", re.MULTILINE)
_HEADERS = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+\r?\n")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_TAG = re.compile(r"\[[^\]]*\]")
# A tree may be named beside it: [PATCH 5.10/5.15 1/2].
_NUMBER = re.compile(r"(?<![\w.])(\d+)/(\d+)(?![\w.])")
_REPLY = re.compile(r"(?:re|aw|sv)\s*:", re.IGNORECASE)
_VERSION = re.compile(r"\bv(\d+)\b", re.IGNORECASE)
_PATCHES = ("text/plain", "text/x-patch", "text/x-diff", "application/octet-stream")


class Letter(NamedTuple):
    """A text with diffs in it.

    :param title: the subject, empty for a text that is no mail.
    :param number: its place in the series, if it has one.
    :param reply: whether it answers another: a diff in it is a proposal.
    """

    title: str
    text: bytes
    number: int | None = None
    version: int = 1
    reply: bool = False


def letters(data: bytes) -> tuple[list[Letter], str]:
    """Return the patches of a mailbox in the order of the series, or a plain diff as it is.

    Of several versions of a series the last is taken. Mails without a diff are left out, and
    answers, unless there is nothing else.

    :return: and what of the diffs was left out, in words.
    """
    plain = data.replace(b"\r\n", b"\n")
    # Where git's own lines end so too, the way of the diff did it, not the file.
    if _is_mail(plain) or data.count(b"\n") == data.count(b"\r\n"):
        data = plain
    if not _is_mail(data):
        return [Letter("", data)], ""
    starts = [match.start() for match in _FROM.finditer(data)]
    if not starts or starts[0] != 0:
        starts.insert(0, 0)
    mails = [data[one:two] for one, two in zip(starts, [*starts[1:], None], strict=True)]
    # Who is on two lists may have a mail twice.
    every = [each for each in dict.fromkeys(map(_letter, mails)) if _has_diff(each.text)]
    found = _latest([each for each in every if not each.reply] or every)
    numbers = [each.number for each in found]
    if None not in numbers and len(set(numbers)) == len(numbers):
        found.sort(key=lambda each: each.number or 0)
    less = len(every) - len(found)
    said = "a mail with a diff is" if less == 1 else f"{less} mails with diffs are"
    note = f"{said} left out: answers, and versions before the last" if less else ""
    return found, note


def _latest(found: list[Letter]) -> list[Letter]:
    # A patch without a number is another version only of one with its title.
    last = max((each.version for each in found if each.number is not None), default=1)
    alone: dict[str, int] = {}
    for each in found:
        alone[each.title] = max(each.version, alone.get(each.title, 0))
    return [
        each
        for each in found
        if each.version == (alone[each.title] if each.number is None else last)
    ]


def _is_mail(data: bytes) -> bool:
    return _FROM.match(data) is not None or _HEADERS.match(data) is not None


def _has_diff(text: bytes) -> bool:
    return re.search(rb"^(?:diff --git |--- [^\n]*\n\+\+\+ )", text, re.MULTILINE) is not None


def _letter(mail: bytes) -> Letter:
    from email import message_from_bytes
    from email.header import decode_header, make_header

    begin = _FROM.match(mail)
    message = message_from_bytes(mail[begin.end() :] if begin is not None else mail)
    try:
        subject = str(make_header(decode_header(str(message.get("Subject", "")))))
    except (LookupError, UnicodeError):
        subject = str(message.get("Subject", ""))
    subject = " ".join(subject.split())
    texts = []
    for part in message.walk():
        if part.get_content_type() in _PATCHES:
            body = part.get_payload(decode=True)
            if isinstance(body, bytes):
                texts.append(body.replace(b"\r\n", b"\n"))
    text = _QUOTED_FROM.sub(rb"\1", b"\n".join(texts))
    tags = " ".join(_TAG.findall(subject.split("Re:")[0]))
    number, version = _NUMBER.search(tags), _VERSION.search(tags)
    title = _TAG.sub("", subject).strip()
    return Letter(
        title,
        text,
        int(number[1]) if number is not None else None,
        int(version[1]) if version is not None else 1,
        _REPLY.match(subject) is not None,
    )
