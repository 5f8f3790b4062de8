"""Baselines: findings that are known and postponed.

A baseline is a text of one line for each finding: its fingerprint, its rule, its
function. Fingerprints know neither path nor line, so the file holds while code moves;
equal lines count, so a second finding of the same form is a new one. Lines are sorted,
and two branches that each added some can be merged by keeping the lines of both.

Floor 7.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from pagefix.errors import PagefixError
from pagefix.finding import IN_BASELINE, Finding

__all__ = ["apply_baseline", "read_baseline", "write_baseline"]

_HEAD = (
    "# pagefix baseline 1: known findings, one a line; keep the lines of both sides in a merge\n"
)
_LINE = re.compile(r"(?P<fingerprint>[0-9a-f]{32})(?:\s+\S+){0,2}\s*")


def read_baseline(path: str) -> Counter[str]:
    """Return how often each fingerprint is in a baseline.

    :raises PagefixError: if it cannot be read or is none.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PagefixError(
            f"{path}: the baseline cannot be read",
            why=f"{reason}.",
            remedy="Make one with --write-baseline, or leave --baseline out.",
        ) from error
    if not lines or not lines[0].startswith("# pagefix baseline "):
        raise PagefixError(
            f"{path}: this is no baseline",
            why="Its first line is not `# pagefix baseline 1`.",
            remedy="Name another file, or make one with --write-baseline.",
        )
    found: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _LINE.fullmatch(line)
        if entry is None:
            raise PagefixError(
                f"{path}:{number}: this line is no finding",
                why="A line is a fingerprint, a rule and a function; a conflict of a merge leaves others.",
                remedy="Keep the lines of both sides, without the marks between them.",
            )
        found[entry["fingerprint"]] += 1
    return found


def apply_baseline(
    findings: Iterable[Finding], known: Counter[str]
) -> tuple[tuple[Finding, ...], int]:
    """Mark the findings that a baseline holds.

    :return: the findings, and how many of the baseline's are not found any more.
    """
    left = known.copy()
    marked = []
    for finding in findings:
        if finding.suppressed is None and left[finding.fingerprint] > 0:
            left[finding.fingerprint] -= 1
            finding = replace(finding, suppressed=IN_BASELINE)
        marked.append(finding)
    return tuple(marked), left.total()


def write_baseline(path: str, findings: Iterable[Finding]) -> int:
    """Write the findings that nothing else allows to a baseline, and return their number."""
    lines = sorted(
        f"{each.fingerprint} {each.rule} {each.function or '-'}\n"
        for each in findings
        if each.suppressed in (None, IN_BASELINE)
    )
    lines.sort(key=lambda line: line.split()[1:])
    # A half written baseline would silence half of what it should. A link stays one.
    real = os.path.realpath(path)
    try:
        _replace(real, _HEAD + "".join(lines))
    except OSError as error:
        raise PagefixError(
            f"{path}: the baseline cannot be written",
            why=f"{error.strerror}.",
            remedy="Name another file, or make room or permission for it.",
        ) from error
    return len(lines)


def _replace(path: str, text: str) -> None:
    # Imported here: few runs write one.
    import tempfile

    handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".pagefix-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.chmod(name, _mode(path))
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
