"""Fields whose names the text does not hold as one word: told, never edited."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import checked, tree

from pagefix import engine
from pagefix.finding import Status
from pagefix.rulebook import load_rules

# The access, the line and column (of its field) and the field; line 4 is the first of it.
CASES = {
    "name": ("page->map\\\nping", (4, 15, "mapping")),
    "name, CRLF": ("page->map\\\r\nping", (4, 15, "mapping")),
    "every letter": ("page->i\\\nn\\\nd\\\ne\\\nx", (4, 15, "index")),
    "operator": ("page-\\\n>mapping", (5, 2, "mapping")),
    "dot": ("(*page).ind\\\nex", (4, 17, "index")),
}


@pytest.mark.parametrize("name", CASES)
def test_cut_in_two(name: str, tmp_path: Path) -> None:
    access, (line, column, field) = CASES[name]
    text = f"#include <linux/mm.h>\nint f(struct page *page)\n{{\n\treturn {access} != 0;\n}}\n"
    fs = tree(tmp_path, {"fs/a.c": text.encode()}) / "fs"
    program, report = checked(fs)
    assert report.findings == ()
    (site,) = report.undecided
    assert (site.place.line, site.place.column, site.field) == (line, column, field)
    assert site.status is Status.UNRESOLVED
    assert engine.rewrite(program, report).changes == ()
    assert (report.ledger.occurrences, report.ledger.unresolved) == (1, 1)


@pytest.mark.parametrize(
    "text", ["page->mapping \\\n\t!= 0", "page-> \\\n\tmapping", "x.mapping\\\n"]
)
def test_a_continued_line_beside_it(text: str, tmp_path: Path) -> None:
    whole = f"#include <linux/mm.h>\n#define M(page, x) {text}\n"
    fs = tree(tmp_path, {"fs/a.c": whole}) / "fs"
    found = engine.find_sites(engine.load([str(fs)]), load_rules())
    assert [site.reason for site in found.sites if "continued" in site.reason] == []
    assert found.ledger.occurrences == 1


@pytest.mark.parametrize(("body", "told"), [("map##x", 1), ("x##ing", 1), ("x##_map", 0)])
def test_pasted_together(body: str, told: int, tmp_path: Path) -> None:
    text = f"#include <linux/mm.h>\n#define GET(p, x) ((p)->{body})\n"
    fs = tree(tmp_path, {"fs/a.c": text}) / "fs"
    found = engine.find_sites(engine.load([str(fs)]), load_rules())
    assert [(each.path, each.line) for each in found.unread] == [("fs/a.c", 2)] * told
