"""What was asked of the texts under check, kept beside a report: it may outlive a change.

Of each file under check its text is kept, and which of its items were looked at; of all of them
together, which names and words were asked for (:mod:`pagefix.still` says how that is used).

They are kept beside a report, not with it, and runs may overlap: each says which run it is of,
and of a file's text it must be the one that the report rests on.

Floor 7, beside :mod:`pagefix.cli_kept`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple, cast

from pagefix import reads
from pagefix.asked import Asked
from pagefix.cache import Known, Store, key_of, pack, unpack
from pagefix.report import Report

if TYPE_CHECKING:
    from pagefix.program import Program

__all__ = ["Standing", "keep_asked", "standing"]

_KIND = "texts"
# Quick: it is done in the run that has just worked everything out.
_LEVEL = 1

# The run, and what was asked in it.
_Words = tuple[bytes, list[str], list[str], list[str], list[bytes], list[str], bool]
# Of one file: the run, its path as shown, the offsets of the items looked at, its text.
_Facts = tuple[bytes, str, list[int], bytes]


class Standing(NamedTuple):
    """A report that stands, its places moved.

    :param texts: what is to be kept of the files that have changed.
    """

    report: Report
    texts: dict[bytes, bytes]

    def keep(self, store: Store) -> None:
        """Keep it."""
        store.put_all(_KIND, self.texts)


def keep_asked(store: Store, key: bytes, run: bytes, program: Program) -> None:
    """Keep what was asked of the texts for a report.

    :param key: that of the report.
    :param run: what no other run is called.
    """
    asked = program.asked
    if asked.everything or store.closed:
        return
    words: _Words = (
        run,
        sorted(asked.names),
        sorted(asked.words),
        sorted(asked.mentioned),
        sorted(asked.forms),
        sorted(asked.whole),
        asked.everything,
    )
    values = {_key(key, ""): _packed(words)}
    for shown in program.files:
        if shown not in asked.whole:
            items = sorted(asked.items.get(shown, ()))
            facts = (run, shown, items, program.source(shown).data)
            values[_key(key, program.disk(shown))] = _packed(facts)
    store.put_all(_KIND, values)


def standing(store: Store, key: bytes, run: bytes, known: Known, report: Report) -> Standing | None:
    """Return a report as it is with the changed files, ``None`` if it may not stand.

    :param run: the one that has made the report.
    """
    asked = _asked(store, key, run)
    if asked is None:
        return None
    texts: dict[bytes, bytes] = {}
    for disk, before in known.changed.items():
        facts = _unpacked(store.get(_key(key, disk)))
        if facts is None:
            return None
        of, shown, items, old = cast(_Facts, facts)
        if of != run or reads.digest(old) != before:
            return None  # of another run, or of a text that came between
        try:
            new = reads.read(disk)
        except OSError:
            return None
        if reads.digest(new) != known.digests[disk]:
            return None  # changed again
        # Imported here: where nothing has changed, nothing is read.
        from pagefix.report.moved import moved
        from pagefix.still import shifted

        asked.items = {shown: set(items)}
        shift = shifted(shown, old, new, asked)
        if shift is None:
            return None
        try:
            report = moved(report, shift)
            items = [shift.offset(at) for at in items]
        except LookupError:
            return None
        texts[_key(key, disk)] = _packed((run, shown, items, new))
    return Standing(report, texts)


def _asked(store: Store, key: bytes, run: bytes) -> Asked | None:
    found = _unpacked(store.get(_key(key, "")))
    if found is None:
        return None
    asked = Asked()
    of, names, words, mentioned, forms, whole, asked.everything = cast(_Words, found)
    if of != run:
        return None
    asked.names.update(names)
    asked.words.update(words)
    asked.mentioned.update(mentioned)
    asked.forms.update(forms)
    asked.whole.update(whole)
    return asked


def _key(key: bytes, disk: str) -> bytes:
    return key_of(asked=key, file=disk)


def _packed(value: object) -> bytes:
    return zlib.compress(pack(value), _LEVEL)


def _unpacked(data: bytes | None) -> object | None:
    # Every value carries a digest: what is there is what was kept.
    return None if data is None else unpack(zlib.decompress(data))
