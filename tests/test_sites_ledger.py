"""The ledger against small programs whose comments say what is on each line."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from pagefix.finding import Site, Status
from pagefix.program import Program
from pagefix.sites import PAGES, Inventory, inventory

LEDGER = Path(__file__).resolve().parent.parent / "fixtures/ledger"
SOURCES = sorted(path.name for path in (LEDGER / "fs").iterdir())

_COMMENT = re.compile(rb"/\* = ([^*]*) \*/\s*\\?\s*$")
_ENTRY = re.compile(r"(\?|.*?) ?(read|write|readwrite|address|unevaluated)(\?|: also .*)?$")


class Entry(NamedTuple):
    line: int
    record: str | None
    access: str
    remark: str


def expected(path: Path) -> list[Entry]:
    entries = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        comment = _COMMENT.search(line)
        for text in comment[1].decode().split(", ") if comment else ():
            match = _ENTRY.match(text)
            assert match is not None, f"{path.name}:{number}: {text}"
            record, access, remark = match.groups()
            entries.append(Entry(number, None if record == "?" else record, access, remark or ""))
    return entries


def entry(site: Site) -> Entry:
    remark = ""
    if "disagree" in site.reason:
        remark = ": " + site.reason.partition(": ")[2]
    elif site.status is not Status.UNRESOLVED and "not used" in site.reason:
        remark = "?"
    return Entry(site.place.line, site.record, site.access.value, remark)


@pytest.fixture(scope="module")
def ledger() -> Inventory:
    return inventory(Program.load([str(LEDGER / "fs")]))


@pytest.mark.parametrize("name", SOURCES)
def test_every_line_says_what_is_on_it(ledger: Inventory, name: str) -> None:
    found = [entry(site) for site in ledger.sites if site.place.path == f"fs/{name}"]
    assert found == expected(LEDGER / "fs" / name)


def test_sums_agree(ledger: Inventory) -> None:
    sums = ledger.ledger
    assert sums.occurrences == len(ledger.sites) == sums.page + sums.other + sums.unresolved
    assert sums.occurrences == sum(sums.by_record.values()) + sums.unresolved
    assert sums.page == sum(sums.by_record[page] for page in PAGES)
    assert len({site.span for site in ledger.sites}) == sums.occurrences


def test_all_is_read(ledger: Inventory) -> None:
    assert ledger.unread == ()
    assert inventory(Program.load([str(LEDGER)]), whole=True).unread == ()


def test_places_are_the_name_s(ledger: Inventory) -> None:
    for site in ledger.sites:
        data = (LEDGER / site.place.path).read_bytes()
        assert data[site.span.start : site.span.end] == site.field.encode()
        line = data.split(b"\n")[site.place.line - 1]
        assert line[site.place.column - 1 : site.place.end_column - 1] == site.field.encode()
        assert site.place.end_line == site.place.line
        whole = data[site.whole.start : site.whole.end]
        assert site.expression.encode("utf-8", "surrogateescape") == whole


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("name", [name for name in SOURCES if name.endswith(".c")])
@pytest.mark.parametrize("defined", [(), ("CONFIG_ONE", "CONFIG_EXTENTS"), ("CONFIG_TWO",)])
def test_the_programs_compile(name: str, defined: tuple[str, ...]) -> None:
    flags = [f"-D{each}" for each in defined] + ["-std=gnu11", "-fsyntax-only", "-Werror"]
    command = ["gcc", *flags, f"-I{LEDGER}/include", str(LEDGER / "fs" / name)]
    subprocess.run(command, check=True, capture_output=True)
