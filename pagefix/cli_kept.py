"""Reports that are kept from one run to the next.

A check or an inventory that was asked for before, of files that are all as they were, is
shown again without being worked out again: nothing of the C reader, the rules or the analysis
is imported for it.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, overload

from pagefix import __version__, reads
from pagefix.cache import Answers, Known, Store, cache_folder, key_of, pack, unpack
from pagefix.cli_still import keep_asked, standing
from pagefix.errors import PagefixError
from pagefix.report import Report, SitesReport, Texts
from pagefix.source import SourceFile

if TYPE_CHECKING:
    from pagefix.config import Settings
    from pagefix.overlay import Overlay
    from pagefix.program import Program
    from pagefix.rulebook import Rule

__all__ = ["Found", "KeptReport", "RulesLater", "found_of", "store_of"]

_R = TypeVar("_R", Report, SitesReport)

# What is asked of a report, not of the analysis. Every other option is part of the question,
# also one that is not thought of here.
_SHOWN = frozenset(
    "format output stats exit_zero severity baseline write_baseline cache_dir no_cache"
    # Of what has changed, the texts and the paths are asked; these only choose.
    " staged since patch_in only_named debug jobs alone"
    # Of a rewrite, which begins with a check.
    " command unsafe apply interactive patch".split()
)
_STDIN = "<stdin>"


class Found(NamedTuple, Generic[_R]):
    """What there is to show.

    :param warnings: sentences for standard error.
    """

    report: _R
    warnings: tuple[str, ...]
    texts: Texts


class KeptReport(NamedTuple):
    """What is kept of a run.

    :param disks: paths to open, where they are not what the tree makes of the shown ones.
    :param run: which one it was.
    """

    report: Report | SitesReport
    warnings: tuple[str, ...]
    disks: dict[str, str]
    run: bytes


#: Works it out, given standard input where it is asked for, and the cache.
Work = Callable[[bytes | None, Store], tuple["Program", _R, Sequence[str]]]
#: Works out what of an inventory is another one, given the changed files and what was noted
#: of their reach; ``None`` if that is all of it.
Renew = Callable[
    [SitesReport, Sequence[str], tuple[frozenset[str], frozenset[str]]],
    "tuple[Program, SitesReport] | None",
]


def store_of(options: argparse.Namespace) -> Store:
    """Return the cache that the options name."""
    folder = None if options.no_cache else cache_folder(options.cache_dir)
    return Store(folder, lambda sentence: print(f"warning: {sentence}", file=sys.stderr))


def found_of(
    options: argparse.Namespace,
    settings: Settings | None,
    kind: type[_R],
    work: Work[_R],
    paths: Sequence[str],
    overlay: Overlay | None = None,
    renew: Renew | None = None,
) -> Found[_R]:
    """Return what a run finds: what is kept of an equal one, or what ``work`` makes now.

    :param paths: what is looked at; the options' own only say which of them were named.
    :param overlay: the texts that are laid over files meanwhile.
    :param renew: works out of a kept inventory what changed files have changed in it.
    """
    stdin = _standard_input(paths)
    store = store_of(options)
    try:
        if store.closed:
            return _found(*work(stdin, store))
        answers = Answers(store)

        def keyed(overlay: Overlay | None) -> bytes:
            return _key(options, settings, kind.__name__, paths, stdin, overlay)

        key = keyed(overlay)
        for known, each in _known(answers, keyed, overlay):
            kept = _standing(answers, store, each, known, overlay)
            if kept is not None and isinstance(kept.report, kind):
                texts = _KeptTexts(kept, known.digests, overlay, stdin)
                return Found(kept.report, kept.warnings, texts)
            renewed = None if renew is None else _renewed(answers, store, each, known, renew)
            if renewed is not None and isinstance(renewed[1], kind):
                return _found(renewed[0], renewed[1], ())
        begun = time.time_ns()
        with reads.recorded() as log:
            program, report, warnings = work(stdin, store)
        disks = _disks(program, report)
        if disks is not None:
            run = os.urandom(16)
            answers.keep(key, begun, log, pack(KeptReport(report, tuple(warnings), disks, run)))
            if kind is Report and not overlay:
                keep_asked(store, key, run, program)
            elif renew is not None:
                _keep_reach(store, key, run, program)
        return _found(program, report, warnings)
    finally:
        store.close()


def _found(program: Program, report: _R, warnings: Sequence[str]) -> Found[_R]:
    return Found(report, tuple(warnings), program)


def _known(
    answers: Answers, keyed: Callable[[Overlay | None], bytes], overlay: Overlay | None
) -> Iterator[tuple[Known, bytes]]:
    # The answers there may be, each with its key. The answer to what lies on disk may be the
    # one to what is laid over it, too.
    key = keyed(overlay)
    known = answers.find(key)
    if known is not None:
        yield known, key
    if overlay and all(data is not None and os.path.isfile(path) for path, data in overlay.texts()):
        key = keyed(None)
        known = answers.find(key, overlay)
        if known is not None:
            yield known, key


def _standing(
    answers: Answers, store: Store, key: bytes, known: Known, overlay: Overlay | None
) -> KeptReport | None:
    kept = _unpacked(known.answer)
    if not isinstance(kept, KeptReport) or not known.changed:
        return kept if isinstance(kept, KeptReport) else None
    if not isinstance(kept.report, Report):
        return None
    found = standing(store, key, kept.run, known, kept.report)
    if found is None:
        return None
    kept = kept._replace(report=found.report)
    if not overlay:
        answers.renew(key, known, pack(kept))
        found.keep(store)
    return kept


def _renewed(
    answers: Answers, store: Store, key: bytes, known: Known, renew: Renew
) -> tuple[Program, SitesReport] | None:
    # The inventory with what a few changed files have changed.
    kept = _unpacked(known.answer) if known.changed else None
    data = store.get(_reach_key(key)) if kept is not None else None
    found_reach = _unpacked(data) if data is not None else None
    if not isinstance(kept, KeptReport) or not isinstance(kept.report, SitesReport):
        return None
    if not isinstance(found_reach, _Reach) or found_reach.run != kept.run:
        return None
    noted = found_reach.roaming, found_reach.parts
    with reads.recorded() as log:
        found = renew(kept.report, tuple(known.changed), noted)
    if found is None:
        return None
    program, report = found
    disks = _disks(program, report)
    if disks is not None:
        # What the rest of the answer rests on is as it was.
        log.merge(known.log())
        run = os.urandom(16)
        answers.keep(key, known.begun, log, pack(KeptReport(report, (), disks, run)))
        program.asked.roaming.update(noted[0])
        program.asked.parts.update(noted[1])
        _keep_reach(store, key, run, program)
    return program, report


class _Reach(NamedTuple):
    # What a run of an inventory has noted of which files are to be looked at again.
    run: bytes
    roaming: frozenset[str]
    parts: frozenset[str]


def _keep_reach(store: Store, key: bytes, run: bytes, program: Program) -> None:
    reach = _Reach(run, frozenset(program.asked.roaming), frozenset(program.asked.parts))
    store.put(_reach_key(key), "reach", pack(reach))


def _reach_key(key: bytes) -> bytes:
    return key_of(reach=key)


def _unpacked(data: bytes) -> object:
    try:
        return unpack(data)
    except Exception:
        # Bytes that are no report, whoever has put them there: it is made now.
        return None


def _standard_input(paths: Sequence[str]) -> bytes | None:
    # Without one, it is for the program to complain.
    if "-" not in paths or sys.stdin is None:
        return None
    return sys.stdin.buffer.read()


def _key(
    options: argparse.Namespace,
    settings: Settings | None,
    kind: str,
    paths: Sequence[str],
    stdin: bytes | None,
    overlay: Overlay | None,
) -> bytes:
    laid = () if overlay is None else overlay.texts()
    # An option that is not given, and one that a command has not, ask for nothing.
    asked = {name: each for name, each in vars(options).items() if each and name not in _SHOWN}
    settled = asdict(settings) if settings is not None else {}
    return key_of(
        version=__version__,
        kind=kind,
        asked=asked,
        paths=paths,
        settings={name: each for name, each in settled.items() if name not in _SHOWN},
        stdin=None if stdin is None else reads.digest(stdin),
        overlay=[(path, None if data is None else reads.digest(data)) for path, data in laid],
        directory=os.getcwd(),
        user=os.geteuid(),
        python=sys.version,
        modules=sys.path,
    )


def _disks(program: Program, report: Report | SitesReport) -> dict[str, str] | None:
    # `None`: the report speaks of a text that is on no disk.
    disks = {}
    for path in _paths(report):
        disk = program.disk(path)
        if path[:1] == "<" and path != _STDIN:
            return None
        if disk != _open_as(report.tree.root, path):
            disks[path] = disk
    return disks


def _open_as(root: str | None, path: str) -> str:
    # As `Tree.disk` has it.
    return path if root in (None, ".") or os.path.isabs(path) else os.path.join(root or "", path)


def _paths(report: Report | SitesReport) -> set[str]:
    paths = {each.path for each in report.unread}
    if isinstance(report, SitesReport):
        return paths | {site.span.path for site in report.sites}
    paths |= {site.span.path for site in report.undecided}
    for finding in report.findings:
        paths |= {finding.span.path, finding.place.path}
        paths |= {step.place.path for step in finding.trace}
        paths |= {edit.path for fix in finding.fixes for edit in fix.edits}
    return paths


class _KeptTexts:
    # Read from the disk again, where they are as they were.

    def __init__(
        self,
        kept: KeptReport,
        digests: Mapping[str, bytes],
        overlay: Overlay | None,
        stdin: bytes | None,
    ) -> None:
        self._root = kept.report.tree.root
        self._disks = kept.disks
        self._digests = digests
        self._overlay = overlay
        self._stdin = stdin
        self._sources: dict[str, SourceFile] = {}

    def disk(self, path: str) -> str:
        return self._disks.get(path) or _open_as(self._root, path)

    def source(self, path: str) -> SourceFile:
        if path not in self._sources:
            self._sources[path] = self._read(path)
        return self._sources[path]

    def _read(self, path: str) -> SourceFile:
        if path == _STDIN:
            return SourceFile(path, "", self._stdin or b"")
        disk = self.disk(path)
        data = reads.read(disk)
        laid = self._overlay is not None and self._overlay.holds(disk)
        if not laid and reads.digest(data) != self._digests.get(disk):
            raise PagefixError(
                f"{path}: changed while it was being shown",
                why="Its text is no longer the one that the report speaks of.",
                remedy="Run pagefix again.",
            )
        return SourceFile(path, disk, data)


class RulesLater(Sequence["Rule"]):
    """Rules that are loaded when they are looked at: few formats hold their words."""

    def __init__(self, load: Callable[[], Sequence[Rule]]) -> None:
        self._load = load
        self._rules: Sequence[Rule] | None = None

    def _loaded(self) -> Sequence[Rule]:
        if self._rules is None:
            self._rules = self._load()
        return self._rules

    @overload
    def __getitem__(self, at: int) -> Rule: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Rule]: ...
    def __getitem__(self, at: int | slice) -> Rule | Sequence[Rule]:
        return self._loaded()[at]

    def __len__(self) -> int:
        return len(self._loaded())

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._loaded())
