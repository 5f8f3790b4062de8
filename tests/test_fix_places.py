"""Where a wrapper's value will not do: the field is wanted as a place, or as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefix import engine
from pagefix.rulebook import Scope, load_rules

HEADER = """\
struct address_space;
struct page { struct address_space *mapping; unsigned long index; };
struct address_space *page_file_mapping(struct page *page);
"""
USES = {
    "assigned": ("((p)->mapping)", "\tM(page) = 0;\n", 0),
    "address": ("((p)->mapping)", "\tuse(&M(page));\n", 0),
    "address of it all": ("((p)->mapping)", "\tuse(&(M(page)));\n", 0),
    "compared": ("((p)->mapping)", "\tuse(M(page) == 0);\n", 1),
    "and": ("((p)->mapping)", "\tuse(page && M(page));\n", 1),
    "string": ("#p", "\tuse(M(page->mapping));\n", 0),
    "pasted": ("x##p", "\tuse(M(page->mapping));\n", 0),
    "star of address": ("0", "\tuse(*&page->mapping);\n", 0),
}


@pytest.mark.parametrize("name", USES)
def test_a_wrapper_is_written_only_for_a_value(name: str, tmp_path: Path) -> None:
    body, use, edited = USES[name]
    (tmp_path / "include" / "linux").mkdir(parents=True)
    (tmp_path / "include" / "linux" / "mm.h").write_text(HEADER)
    (tmp_path / "fs").mkdir()
    file = tmp_path / "fs" / "a.c"
    file.write_text(
        f"#include <linux/mm.h>\n#define M(p) {body}\nvoid f(struct page *page)\n{{\n{use}}}\n"
    )
    program = engine.load([str(file)])
    report = engine.check(program, load_rules(), Scope.ALL)
    assert report.findings
    assert len(engine.rewrite(program, report).made) == edited
