"""Expressions, as the reader lowers them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from syntax import body, items, unit

from pagefix.c import ast

PLAIN = [
    ("x", "x;"),
    ("page->index", "(-> page index);"),
    ("(*page).index", "(. (* page) index);"),
    ("&page->mapping->nrpages", "(& (-> (-> page mapping) nrpages));"),
    ("pages[i]->index", "(-> ([] pages i) index);"),
    ("find(3)->index", "(-> (find 3) index);"),
    ("((struct page *)v)->index", "(-> (cast struct page * v) index);"),
    ("a.b.c = d->e", "(= (. (. a b) c) (-> d e));"),
    ("x += y", "(+= x y);"),
    ("x <<= 1, y++", "(, (<<= x 1) (_++ y));"),
    ("--x", "(--_ x);"),
    ("!a && ~b || -c", "(|| (&& (! a) (~ b)) (- c));"),
    ("a ? b : c", "(? a b c);"),
    # The grammar takes what is in the first parentheses for a type.
    ("(f(page)) && (g(page)) != 0", "(!= (opaque (f page) (& (& (g page)))) 0);"),
    ("(a[i]) && (b) == 1", "(== (opaque ([] a i) (& (& b))) 1);"),
    ("a ?: c", "(? a - c);"),
    ("a | b | c | d", "(| (| (| a b) c) d);"),
    ("f(a, g(b), *c)", "(f a (g b) (* c));"),
    ("ops->readpage(file, page)", "((-> ops readpage) file page);"),
    ("(*fn)(x)", "((* fn) x);"),
    ("NULL", "NULL;"),
    ('"a" "b"', '"";'),
    ('printk(KERN_ERR "x")', "(printk (opaque KERN_ERR));"),
    ('seq_printf(m, "a" PRIx64 "b")', "(seq_printf m (opaque PRIx64));"),
    ("sizeof(struct page)", "(sizeof struct page);"),
    ("sizeof(x->index)", "(sizeof (-> x index));"),
    ("sizeof x", "(sizeof x);"),
    ("__alignof__(*x)", "(sizeof (* x));"),
    ("__alignof__(struct page *)", "(sizeof struct page *);"),
    ("(struct point){ .x = 1, 2 }", "(literal struct point {.x = 1, 2});"),
    ("({ int y = x; y; })", "({ y: int = x; y@22; });"),
    ("offsetof(struct page, index)", "(offsetof struct page index);"),
    ("offsetof(struct a, b.c[i].d)", "(offsetof struct a b.c.d i);"),
    ("__builtin_offsetof(struct a, b)", "(offsetof struct a b);"),
    ("_Generic((p), struct page *: f(p), default: 0)", "(opaque p <struct page *> (f p) 0);"),
]

TYPES = [
    ("container_of(p, struct foo, m)", "(container_of p <struct foo> m);"),
    ("container_of(p->q, const struct foo, m.n)", "(container_of (-> p q) <struct foo> (. m n));"),
    ("min_t(unsigned long, a, b)", "(min_t <unsigned long> a b);"),
    ("min_t(u64, a, b)", "(min_t <u64> a b);"),
    ("va_arg(ap, char *)", "(va_arg ap <char *>);"),
    ("va_arg(ap, foo_t **)", "(va_arg ap <foo_t * *>);"),
    ("call(struct foo __user *)", "(call <struct foo *>);"),
    ("call(int (*)(struct foo *, int))", "(call <int (struct foo *, int) *>);"),
    ("call(void (*)(void), 1)", "(call <void () *> 1);"),
    ("call(struct foo[4])", "(call <struct foo [4]>);"),
    ("same(typeof(*x), y)", "(same <typeof((* x))> y);"),
    ("(typeof(x))y", "(cast typeof(x) y);"),
    ("(typeof(struct foo *))y", "(cast struct foo * y);"),
    ("(struct foo __force *)y", "(cast struct foo * y);"),
    ("list_entry((a, b), struct foo, m)", "(list_entry (, a b) <struct foo> m);"),
]

# What is no argument in C; a number without a value stands where the grammar wants one.
HARD = [
    ("ASSERTCMP(a, ==, NULL)", "(ASSERTCMP a None NULL);"),
    ("ASSERTCMP(a->index, &&, b)", "(ASSERTCMP (-> a index) None b);"),
    ('f("%" __stringify(N) "s", x)', '(f (opaque (opaque "" (__stringify N)) "") x);'),
    ('f("%"__stringify(N)"s")', '(f (opaque (opaque "" (__stringify N)) ""));'),
    ('f(PREFIX SUFFIX, "x")', '(f (opaque PREFIX SUFFIX) "");'),
    ("ATTR(, label)", "(ATTR label);"),
    ("DEBUG(if (x->index) g();)", "(DEBUG ({ if (-> x index) (g); }));"),
    ("CHECK(a->b, g(c); h();)", "(CHECK (-> a b) ({ (g c); (h); }));"),
    ("DEBUG(int y = x->index)", "(DEBUG ({ y: int = (-> x index); }));"),
    ("FLAG(2, 32BIT_FOO)", "(FLAG 2 None);"),
]

CONSTANTS = [
    ("0", 0), ("017", 15), ("0x1fUL", 31), ("0b101", 5), ("10u", 10), ("'a'", 97),
    (r"'\n'", 10), (r"'\0'", 0), (r"'\x41'", 65), (r"'\''", 39), ("1.5", None), ("true", 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), PLAIN + TYPES + HARD)
def test_expression(text: str, wanted: str) -> None:
    assert body(f"{text};") == wanted


@pytest.mark.parametrize(("text", "wanted"), CONSTANTS)
def test_constant(text: str, wanted: int | None) -> None:
    assert body(f"{text};") == f"{wanted};"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # A variable in parentheses is no type.
        ("int x, y; (x) * y;", "x: int; y: int; (* x@19 y@22);"),
        ("int x; sizeof(x);", "x: int; (sizeof x@19);"),
        ("int x; (x)(1);", "x: int; (x@19 1);"),
        # A name that nothing declares may be one.
        ("(x)y;", "(cast x y);"),
        ("(foo_t *)y;", "(cast foo_t * y);"),
    ],
)
def test_type_or_variable(text: str, wanted: str) -> None:
    assert body(text) == wanted


def _nodes(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield node
        for part in node:
            yield from _nodes(part)


def test_offsets_are_those_of_the_file() -> None:
    head = "// one\n"
    text = "int f(struct inode *i)\n{\n\treturn g(container_of(i, struct foo, m), i->x);\n}\n"
    (function,) = items(head + text)
    found = []
    for node in _nodes(function):
        if isinstance(node, ast.Name):
            found.append((node.start - len(head), node.name))
        elif isinstance(node, ast.Member):
            found.append((node.at - len(head), node.field))
    assert sorted(found) == [
        (text.index("g("), "g"),
        (text.index("container_of"), "container_of"),
        (text.index("i, struct"), "i"),
        (text.index("m), i->x"), "m"),
        (text.index("i->x"), "i"),
        (text.index("x);"), "x"),
    ]


def test_what_cannot_be_read_keeps_its_parts() -> None:
    file = unit("void f(void) { a = b->index c->mapping @ ; }")
    (chunk,) = file.chunks
    assert file.broken(chunk)
    nodes = [node for item in file.items(chunk) for node in _nodes(item)]
    assert {node.field for node in nodes if isinstance(node, ast.Member)} == {"index", "mapping"}


def test_long_chains_stay_flat() -> None:
    text = " + ".join(f"a{number}->b" for number in range(3000))
    (function,) = items(f"int f(void) {{ return {text}; }}")
    assert isinstance(function, ast.Function)
    (stmt,) = function.body.body
    assert isinstance(stmt, ast.Return)
    assert isinstance(stmt.value, ast.Opaque)
    assert len(stmt.value.parts) == 3000
