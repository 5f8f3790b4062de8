"""Expressions read out of text that is no C."""

from __future__ import annotations

import pytest

from pagefix.c import NoMacros, read
from pagefix.finding import Access
from pagefix.program import Program
from pagefix.sites import inventory
from pagefix.sites_rest import recover, used_as
from pagefix.source import SourceFile


@pytest.mark.parametrize(
    ("before", "expression"),
    [
        ("", "page->index"),
        ("x = ", "page->index"),
        ("x + ", "a.b->c[1].index"),
        ("x - ", "f(a, (b))->index"),
        ("", "a->f(b)[c].index"),
        ("!", "((struct page *)v)->index"),
        ("return ", "page -> index"),
        ("", "page->\\\n\tindex"),
        ("&", "page->index"),
    ],
)
def test_the_expression_is_all_of_it(before: str, expression: str) -> None:
    code = (before + expression + " ]").encode()
    unit = read(SourceFile("a.c", "", b"int x;"), NoMacros())
    (item,) = unit.items(unit.chunks[0])
    end = len(before + expression)
    found = recover(code, end - len("index"), end, item)
    assert found is not None
    member, start = found
    assert (member.field, start) == ("index", len(before))


@pytest.mark.parametrize("text", ["{ .index", "-> index", ") index", ", index", "1 + .index"])
def test_what_is_no_access_is_none(text: str) -> None:
    unit = read(SourceFile("a.c", "", b"int x;"), NoMacros())
    (item,) = unit.items(unit.chunks[0])
    assert recover(text.encode(), len(text) - len("index"), len(text), item) is None


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("x = page->index;", Access.READ),
        ("page->index == 1", Access.READ),
        ("page->index = 1", Access.WRITE),
        ("page->index += 1", Access.READWRITE),
        ("page->index++", Access.READWRITE),
        ("--page->index", Access.READWRITE),
        ("(&page->index)", Access.ADDRESS),
        ("x && page->index", Access.READ),
    ],
)
def test_access_by_what_stands_beside(text: str, access: Access) -> None:
    start = text.index("page")
    assert used_as(text.encode(), start, start + len("page->index")) is access


@pytest.mark.parametrize(
    ("text", "record"),
    [
        pytest.param("#define M(x) ((x)->index + (x)->two)", "struct both", id="only one has both"),
        pytest.param("#define M(x) ((x)->index)", None, id="one name says nothing"),
        pytest.param("#define M(x) ((x)->index + (x)->one)", None, id="two have both"),
        pytest.param(
            "#define M(x) ((x)->in.index + (x)->two)", "struct inner", id="through another"
        ),
        pytest.param("#define M(x) { .index = x, .two = x }", "struct both", id="initializer"),
    ],
)
def test_the_only_record_with_the_members(
    text: str, record: str | None, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "struct inner { int index; };\n"
        "struct both { int index, one, two; struct inner in; };\n"
        "struct one { int index, one; };\n"
        f"{text}\n"
    )
    monkeypatch.chdir(str(tmp_path))
    program = Program.load(["-"], stdin=source.encode())
    (site,) = inventory(program).sites
    assert site.record == record
    assert site.reason
