"""After a change in a source, what it cannot have changed is not worked out again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trees import tree

from pagefix import engine
from pagefix.cli import main
from pagefix.program import Program
from pagefix.report import SitesReport
from pagefix.sites import inventory

FILES = {
    "include/linux/box.h": "struct box { long index; };\n#define of_box(b) ((b)->index)\n",
    "fs/x/a.c": '#include "part.h"\nlong a(struct page *p) { return p->index; }\n',
    "fs/x/b.c": (
        "#include <linux/box.h>\n#include <linux/mm.h>\n"
        "long b(struct page *p, struct box *q) { return of_box(p); }\n"
    ),
    "fs/x/part.h": "static long part(MADE *p) { return p->private; }\n",
    "fs/x/own.h": "#define of_own(o) ((o)->mapping)\n",
    "fs/x/whole.c": '#include "inner.c"\n',
    "fs/x/inner.c": "typedef struct page inner_t;\n",
    "fs/y/c.c": "void *c(struct folio *f) { return f->mapping; }\n",
}
#: What it makes of `struct box` in `part()`.
MADE = "typedef struct page MADE;\n"

Run = Callable[[], tuple[list[list[str | None]], bool]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    # Path, macro and record of each site, after comparing with a run without cache; and whether
    # all was worked out.
    monkeypatch.chdir(tree(tmp_path, FILES))
    works: list[object] = []
    find = engine.find_sites

    def noted(program: Program, *given: Any, **named: Any) -> SitesReport:
        works.append(program)
        return find(program, *given, **named)

    def found() -> tuple[list[list[str | None]], bool]:
        with monkeypatch.context() as patch:
            patch.setattr(engine, "find_sites", noted)
            assert main(["sites", "fs", "include", "--format", "json", "--cache-dir", "kept"]) == 0
        kept = capsys.readouterr().out
        assert main(["sites", "fs", "include", "--format", "json", "--no-cache"]) == 0
        assert kept == capsys.readouterr().out
        sites = [[site["path"], site["record"]] for site in json.loads(kept)["sites"]]
        every = bool(works)
        works.clear()
        return sites, every

    return found


def put(path: str, text: str | bytes) -> None:
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())


def records(found: list[list[str | None]], path: str) -> list[str | None]:
    return [record for each, record in found if each == path]


def test_a_source_alone(run: Run) -> None:
    found, every = run()
    assert every
    assert records(found, "fs/x/a.c") == ["struct page"]
    put("fs/x/a.c", "\n" + FILES["fs/x/a.c"].replace("page", "folio"))
    found, every = run()
    assert not every
    assert records(found, "fs/x/a.c") == ["struct folio"]
    assert run() == (found, False)
    # ... and from there once more, twice in one file and once in another.
    put("fs/x/a.c", FILES["fs/x/a.c"] * 2)
    put("fs/y/c.c", FILES["fs/y/c.c"].replace("mapping", "private"))
    found, every = run()
    assert not every
    assert records(found, "fs/x/a.c") == ["struct page", "struct page"]


def test_a_macro_is_understood_by_its_uses(run: Run) -> None:
    found, _ = run()
    assert records(found, "include/linux/box.h") == ["struct page"]
    assert records(found, "fs/x/own.h") == [None]
    put("fs/x/b.c", FILES["fs/x/b.c"].replace("of_box(p)", "of_box(q)"))
    put("fs/y/c.c", '#include "../x/own.h"\nvoid *c(struct folio *f) { return of_own(f); }\n')
    found, every = run()
    assert not every
    assert records(found, "include/linux/box.h") == ["struct box"]
    assert records(found, "fs/x/own.h") == ["struct folio"]


def test_a_header_is_read_through_the_source_that_includes_it(run: Run) -> None:
    found, _ = run()
    assert records(found, "fs/x/part.h") == [None]
    put("fs/x/a.c", MADE + FILES["fs/x/a.c"])
    found, every = run()
    assert not every
    assert records(found, "fs/x/part.h") == ["struct page"]
    # No longer by this one, but by another.
    put("fs/x/a.c", "int a;\n")
    assert records(run()[0], "fs/x/part.h") == [None]
    put("fs/x/b.c", MADE.replace("page", "folio") + '#include "part.h"\n')
    found, every = run()
    assert not every
    assert records(found, "fs/x/part.h") == ["struct folio"]


@pytest.mark.parametrize("path", ["fs/x/inner.c", "fs/x/part.h", "include/linux/box.h"])
def test_what_others_include_is_worked_out_with_all(path: str, run: Run) -> None:
    put("fs/x/whole.c", FILES["fs/x/whole.c"] + "long w(inner_t *p) { return p->index; }\n")
    found, _ = run()
    assert records(found, "fs/x/whole.c") == ["struct page"]
    put(path, FILES[path].replace("page", "folio") + "\n")
    assert run()[1]


def test_a_header_that_is_new_to_a_source_is_noted(run: Run) -> None:
    Path("kept").mkdir()
    put("fs/y/new.h", "typedef struct page thing;\n")
    run()
    put("fs/y/c.c", '#include "new.h"\nlong c(thing *t) { return t->index; }\n')
    found, every = run()
    assert not every
    assert records(found, "fs/y/c.c") == ["struct page"]
    put("fs/y/new.h", "typedef struct folio thing;\n")
    assert records(run()[0], "fs/y/c.c") == ["struct folio"]


def test_a_source_that_is_no_text_any_more(run: Run) -> None:
    run()
    put("fs/y/c.c", b"f->index \0")
    found, every = run()
    assert not every
    assert records(found, "fs/y/c.c") == []
    put("fs/y/c.c", FILES["fs/y/c.c"])
    assert records(run()[0], "fs/y/c.c") == ["struct folio"]
    os.unlink("fs/y/c.c")
    assert run()[1]


def test_some_files_are_accounted_for_alone(tmp_path: Path) -> None:
    folder = tree(tmp_path, FILES)
    found = inventory(engine.load([str(folder)]), only={"fs/x/a.c", "fs/y/c.c"})
    assert [site.place.path for site in found.sites] == ["fs/x/a.c", "fs/y/c.c"]
    rest = inventory(
        engine.load([str(folder)]),
        only={path for path in FILES if path not in ("fs/x/a.c", "fs/y/c.c")}
        | {"include/linux/mm.h"},
    )
    assert rest.joined(found) == inventory(engine.load([str(folder)]))
