"""A function with thousands of sites: what is asked of each must not go through all others."""

from __future__ import annotations

import time
from pathlib import Path

from trees import tree

from pagefix import engine
from pagefix.rulebook import Scope, load_rules

_SITES = 4000


def test_time_grows_with_the_text(tmp_path: Path) -> None:
    # Both are wrapped; the tree's lock makes every value one to be followed.
    lines = "".join(
        f"\tx += a_function_of_foofs(page->index, page->mapping->host, {number:05}) + x;\n"
        for number in range(_SITES // 2)
    )
    text = (
        "#include <linux/mm.h>\nunsigned long foo(struct page *page, struct address_space *other)\n"
        "{\n\tunsigned long x = 0;\n\n\tspin_lock(&other->tree_lock);\n"
        f"\tspin_unlock(&other->tree_lock);\n{lines}\treturn x;\n}}\n"
    )
    fs = tree(tmp_path, {"fs/a.c": text}) / "fs"
    start = time.process_time()
    program = engine.load([str(fs)])
    report = engine.check(program, load_rules(), Scope.ALL)
    result = engine.rewrite(program, report)
    taken = time.process_time() - start
    assert len(result.made) == _SITES
    assert (
        b"(page_file_index(page),\n\t\t\t\t page_file_mapping(page)->host"
        in result.changes[0].after
    )
    # Three seconds where this was written; going through all others takes minutes.
    assert taken < 30
