"""Edits: from a template to byte ranges, and which of them go together."""

from __future__ import annotations

import pytest

from pagefix.c import ast, parse_pattern
from pagefix.finding import Applicability, Edit, Fix
from pagefix.fix import apply_edits, arrange, gaps_hold_comment, replacement
from pagefix.rulebook import Template, match
from pagefix.source import SourceFile, Span


def expression(text: str) -> ast.Expr:
    tree = parse_pattern(text)
    assert isinstance(tree, ast.Expr)
    return tree


def rewritten(text: str, pattern: str, template: str) -> str:
    """Return the text of an expression after one replacement."""
    source = SourceFile("a.c", "", text.encode())
    bindings = match(expression(pattern), expression(text))
    assert bindings is not None
    edits = replacement(source, Span("a.c", 0, len(text)), Template.of(template), bindings)
    return apply_edits(source.data, edits).decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p->index", "f(p)"),
        ("(*p).index", "f(p)"),
        ("pages[i]->index", "f(pages[i])"),
        ("((struct page *)v)->index", "f((struct page *)v)"),
        ("find(3)->index", "f(find(3))"),
        ("buf->page.index", "f(&buf->page)"),
        ("x.index", "f(&x)"),
        ("(a, b)->index", "f((a, b))"),
        ("(a ? b : c)->index", "f(a ? b : c)"),
        ("p /* locked */ ->index", "f(p)"),
    ],
)
def test_field_becomes_call(text: str, wanted: str) -> None:
    assert rewritten(text, "$PAGE->index", "f($PAGE)") == wanted


def test_call_keeps_the_bytes_of_its_argument() -> None:
    text = "page_offset( bvec /* of the bio */ ->bv_page )"
    wanted = "f(bvec /* of the bio */ ->bv_page)"
    assert rewritten(text, "page_offset($PAGE)", "f($PAGE)") == wanted


def test_only_what_changes_is_an_edit() -> None:
    source = SourceFile("a.c", "", b"x = page_offset(p);")
    bindings = match(expression("page_offset($PAGE)"), expression("page_offset(p)"))
    assert bindings is not None
    # The pattern was read from its own text: move it to where it stands in the file.
    bindings["PAGE"] = bindings["PAGE"]._replace(expr=ast.Name(16, 17, "p", ast.GLOBAL))
    edits = replacement(
        source, Span("a.c", 4, 18), Template.of("page_file_offset($PAGE)"), bindings
    )
    # The closing parenthesis is the same: it is none.
    assert edits == (Edit("a.c", 4, 16, "page_file_offset("),)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [("g($B, $A)", "g(y + 1, x)"), ("g($A, $A)", "g(x, x)"), ("g($B)", "g(y + 1)"), ("0", "0")],
)
def test_other_orders_are_written_anew(template: str, wanted: str) -> None:
    assert rewritten("f(x, y + 1)", "f($A, $B)", template) == wanted


def test_comment_in_a_gap_is_seen() -> None:
    source = SourceFile("a.c", "", b"p/* c */->index; q->index")
    assert gaps_hold_comment(source, [Edit("a.c", 1, 15, ")")])
    assert not gaps_hold_comment(source, [Edit("a.c", 18, 25, ")")])


# --- which go together


def fix(*edits: tuple[int, int, str], path: str = "a.c") -> Fix:
    return Fix(Applicability.SAFE, "", tuple(Edit(path, *each) for each in edits))


def made(text: str, *fixes: Fix) -> tuple[str, int]:
    """Return the text after the fixes that can be made, and how many cannot."""
    arranged = arrange(fixes)
    result = apply_edits(text.encode(), arranged.edits.get("a.c", ())).decode()
    return result, len(arranged.dropped)


def test_edits_are_made_in_the_order_of_the_text() -> None:
    assert made("abcdef", fix((4, 5, "E")), fix((1, 2, "B"))) == ("aBcdEf", 0)


def test_equal_fixes_count_once() -> None:
    assert made("abc", fix((1, 2, "B")), fix((1, 2, "B"))) == ("aBc", 0)
    assert len(arrange([fix((1, 2, "B")), fix((1, 2, "B"))]).kept) == 1


def test_of_two_that_overlap_the_first_stands() -> None:
    assert made("abcdef", fix((2, 5, "X")), fix((1, 3, "Y"))) == ("aYdef", 1)


def test_of_two_that_begin_together_the_longer_stands() -> None:
    assert made("abcdef", fix((1, 2, "X")), fix((1, 4, "Y"))) == ("aYef", 1)


def test_a_fix_is_made_whole_or_not_at_all() -> None:
    # Its second edit overlaps: the first one is not made either.
    assert made("abcdef", fix((0, 4, "X")), fix((1, 1, "("), (5, 6, ")"))) == ("Xef", 1)
    assert made("abcdef", fix((1, 1, "("), (3, 5, ")")), fix((2, 4, "Y"))) == ("a(bc)f", 1)


def test_edits_that_touch_do_not_overlap() -> None:
    assert made("abcd", fix((0, 2, "X")), fix((2, 4, "Y"))) == ("XY", 0)


def test_an_insertion_inside_a_replacement_overlaps() -> None:
    assert made("abcd", fix((0, 3, "X")), fix((1, 1, "Y"))) == ("Xd", 1)
    assert made("abcd", fix((0, 3, "X")), fix((3, 3, "Y"))) == ("XYd", 0)


def test_an_edit_inside_another_expression() -> None:
    # g(a->f)->f: the outer access is around the inner one.
    inner = fix((2, 2, "w("), (3, 6, ")"))
    outer = fix((0, 0, "w("), (7, 10, ")"))
    assert made("g(a->f)->f", inner, outer) == ("w(g(w(a)))", 0)


def test_insertions_at_one_place_nest() -> None:
    # a->f->f, if both were pages: both begin before `a`.
    inner = fix((0, 0, "in("), (1, 4, ")"))
    outer = fix((0, 0, "out("), (4, 7, ")"))
    assert made("a->f->f", inner, outer) == ("out(in(a))", 0)
    assert made("a->f->f", outer, inner) == ("out(in(a))", 0)


def test_insertions_that_close_nest() -> None:
    inner = fix((1, 1, "in("), (2, 2, ")"))
    outer = fix((0, 0, "out["), (2, 2, "]"))
    assert made("-a", inner, outer) == ("out[-in(a)]", 0)
    assert made("-a", outer, inner) == ("out[-in(a)]", 0)


def test_fixes_of_several_files() -> None:
    arranged = arrange([fix((0, 1, "X"), path="b.c"), fix((0, 1, "Y"))])
    assert {path: [each.text for each in edits] for path, edits in arranged.edits.items()} == {
        "a.c": ["Y"],
        "b.c": ["X"],
    }


def test_advice_makes_no_edit() -> None:
    arranged = arrange([Fix(Applicability.SUGGEST, "look")])
    assert (arranged.edits, arranged.kept, arranged.dropped) == ({}, (), ())


def test_bytes_that_are_not_utf8_stay() -> None:
    data = b"\xff\xfe->index \xe9"
    text = SourceFile("a.c", "", data).text(0, 2)
    assert apply_edits(data, [Edit("a.c", 0, 9, f"f({text})")]) == b"f(\xff\xfe) \xe9"
