"""What the tree says of a macro that the reader meets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefix.c import MacroTable
from pagefix.program import Program

HEADER = """
#define __empty
#define __commented /* nothing */
#define __attr __attribute__((__packed__))
#define __two __attr inline
#define __with_argument(x) __attribute__((__section__(x)))
#define __through(x) __with_argument(#x) __empty
#define value 1
#define mixed
#ifdef A
#undef mixed
#define mixed 2
#endif
#define circle_a circle_b
#define circle_b circle_a
#define each(x, list) for (x = list; x; x = x->next)
#define each_over(x, list) \\
	each(x, list)
#define each_if(x, list) for (x = list; x; x = x->next) if (x->used)
#define each_else(x, list) each(x, list) if (!x->used) {} else
#define while_loop(x) while (x)
#define no_loop(x) do { } while (x)
#define complete(x) for (;;) { x; }
#define test(x) if (x)
#define call(x) function(x)
"""


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> MacroTable:
    root = tmp_path_factory.mktemp("tree")
    (root / "x.h").write_text(HEADER)
    (root / "a.c").write_text('#include "x.h"\n')
    return Program.load([str(Path(root) / "a.c")]).macros(str(Path(root) / "a.c"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("__empty", True),
        ("__commented", True),
        ("__attr", True),
        ("__two", True),
        ("__with_argument", True),
        ("__through", True),
        ("value", False),
        ("mixed", False),
        ("circle_a", False),
        ("nowhere", None),
    ],
)
def test_annotations(macros: MacroTable, name: str, expected: bool | None) -> None:
    assert macros.annotation(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("each", True),
        ("each_over", True),
        ("each_if", True),
        ("each_else", True),
        ("while_loop", True),
        ("no_loop", False),
        ("complete", False),
        ("test", False),
        ("call", False),
        ("value", False),
        ("nowhere", None),
    ],
)
def test_loops(macros: MacroTable, name: str, expected: bool | None) -> None:
    assert macros.loop(name) is expected


def test_definition(macros: MacroTable) -> None:
    assert macros.definition("value") == " 1"
    assert macros.definition("each_over") == "(x, list)  \teach(x, list)"
    assert macros.definition("nowhere") is None
