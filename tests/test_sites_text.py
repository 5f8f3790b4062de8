"""Names of fields in the text, before anything is parsed."""

from __future__ import annotations

import pytest

from pagefix.sites_text import Scanner

SCANNER = Scanner(("mapping", "index", "private"))


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("int index;", id="variable"),
        pytest.param("x = index + 1;", id="value"),
        pytest.param("index: return;", id="label"),
        pytest.param("p->index2", id="longer behind"),
        pytest.param("p->my_index", id="longer before"),
        pytest.param("case 1 ... index:", id="range of a case"),
        pytest.param("a > index", id="comparison"),
        pytest.param("a >index", id="comparison without a blank"),
        pytest.param("if (index)", id="condition"),
        pytest.param("(index)", id="in parentheses"),
        pytest.param("{ index, mapping }", id="list"),
        pytest.param("f(index + 1)", id="part of an argument"),
        pytest.param("f(&index)", id="address as an argument"),
        pytest.param("#include <x.index>", id="include"),
        pytest.param("TP_STRUCT__entry(__field(pgoff_t, index))", id="member of a trace event"),
        pytest.param("TP_PROTO(struct page *p, pgoff_t index)", id="prototype of a trace event"),
    ],
)
def test_no_occurrence(code: str) -> None:
    assert list(SCANNER.tokens(code.encode())) == []


@pytest.mark.parametrize(
    "code",
    [
        "p->index",
        "p.index",
        "p -> index",
        "p->\n\tindex",
        "p->\\\n\tindex",
        "{ .index = 1 }",
        "{ . index = 1 }",
        "a ... b.index",
        "offsetof(struct x, y.index)",
        "#define X(p) ((p)->index)",
    ],
)
def test_certain(code: str) -> None:
    (token,) = SCANNER.tokens(code.encode())
    assert token.certain
    assert token.at == code.index("index")
    assert token.field == "index"


@pytest.mark.parametrize(
    ("code", "callee", "argument"),
    [
        pytest.param("offsetof(struct page, index)", "offsetof", 1, id="last"),
        pytest.param("F(index, 3)", "F", 0, id="first"),
        pytest.param("F ( a[1, 2], (b, c), index )", "F", 2, id="commas inside"),
        pytest.param("F(a, index.y)", "F", 1, id="path"),
        pytest.param("F(a, index[3])", "F", 1, id="element"),
        pytest.param("g(F(a), index)", "g", 1, id="behind a call"),
        pytest.param("F(({ int a; a; }), index)", "F", 1, id="behind a statement expression"),
    ],
)
def test_argument(code: str, callee: str, argument: int) -> None:
    (token,) = SCANNER.tokens(code.encode())
    assert (token.certain, token.callee, token.argument) == (False, callee, argument)


def test_order_is_that_of_the_text() -> None:
    code = b"p->private = q->index + r->mapping->private;"
    assert [token.field for token in SCANNER.tokens(code)] == [
        "private",
        "index",
        "mapping",
        "private",
    ]


@pytest.mark.parametrize(
    "code",
    [
        "p->/* the */index",
        "p-> // the\n index",
        "f(/* of ( */ q, index)",
        "f(q, // )\n index)",
        'f(")", index)',
        "f('(', index)",
    ],
)
def test_raw_text_is_certain_where_something_may_hide(code: str) -> None:
    (token,) = SCANNER.tokens(code.encode(), raw=True)
    assert token.certain


def test_raw_text_without_comments_is_code() -> None:
    (token,) = SCANNER.tokens(b"f(q, index)", raw=True)
    assert (token.certain, token.callee) == (False, "f")
