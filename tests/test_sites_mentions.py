"""Of many files, words are looked for together: the inventory is the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from trees import tree

from pagefix import engine, sites_jobs, sites_mentions
from pagefix.program import Program
from pagefix.sites import inventory
from pagefix.sites_mentions import Mentions, below

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

FILES = {
    "include/linux/box.h": "#define inner_index(x) ((x)->index)\n",
    "include/linux/far.h": "#define far_index(x) ((x)->index)\n",
    "fs/one/one.h": "#define outer_index(y) inner_index(y)\n#define one_private(z) ((z)->private)\n",
    "fs/one/a.c": '#include "one.h"\nlong f(struct page *p) { return outer_index(p); }\n',
    "fs/two/b.c": '#include "../one/one.h"\nlong g(struct folio *q) { return *one_private(&q[1]); }\n',
    "fs/two/c.c": "long inner_indexes(long far) { return far; }\n",
}


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[set[bytes]]:
    # As if the files were many; the words that are looked for, each time.
    waves: list[set[bytes]] = []
    look = Mentions.look

    def noted(
        self: Mentions, files: Iterable[str], words: frozenset[bytes]
    ) -> dict[bytes, list[str]]:
        waves.append({*words})
        return look(self, files, words)

    monkeypatch.setattr(sites_mentions, "_MANY", 0)
    monkeypatch.setattr(Mentions, "look", noted)
    return waves


def test_the_words_of_all_files_are_looked_for_together(
    tmp_path: Path, many: list[set[bytes]]
) -> None:
    folder = tree(tmp_path, FILES, "struct page { long index; }; struct folio { long *private; };")
    found = inventory(Program.load([str(folder)]))
    assert [(site.macro, site.record) for site in found.sites] == [
        ("one_private", "struct folio"),
        ("inner_index", "struct page"),
        ("far_index", None),
    ]
    # `outer_index` is known only when `inner_index` was found in it.
    assert many == [{b"inner_index", b"far_index", b"one_private"}, {b"outer_index"}]


def test_headers_that_are_not_under_check_are_searched_too(
    tmp_path: Path, many: list[set[bytes]]
) -> None:
    files = {
        "drivers/x/include/x.h": "#define x_index(x) ((x)->index)\n",
        "include/linux/y.h": "static inline long y(struct page *p) { return x_index(p); }\n",
    }
    folder = tree(tmp_path, files)
    found = inventory(Program.load([str(folder / "drivers")]))
    assert [site.record for site in found.sites] == ["struct page"]
    assert many == [{b"x_index"}]


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_inventory_is_the_same(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites_jobs, "_BATCH", 3000)
    for folder in (FIXTURES / "flow", FIXTURES / "ledger"):
        few = inventory(engine.load([str(folder)]), whole=True)
        with monkeypatch.context() as patch:
            patch.setattr(sites_mentions, "_MANY", 0)
            assert inventory(engine.load([str(folder)]), whole=True, jobs=jobs) == few
        assert few.sites


def test_below_a_directory() -> None:
    files = ["fs/a", "fs/a-b/c", "fs/a/b", "fs/a/c/d", "fs/a0", "fs/b"]
    assert below(files, "fs/a") == ["fs/a/b", "fs/a/c/d"]
    assert below(files, "fs/c") == []
    assert below(files, "fs/a/c") == ["fs/a/c/d"]
