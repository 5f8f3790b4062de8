"""Statements, as the reader lowers them: loops that macros head, scopes, conditionals."""

from __future__ import annotations

import pytest
from syntax import body, items, show, unit

from pagefix.c import NoMacros, ast

PLAIN = [
    ("if (a) b(); else if (c) d(); else e();", "if a (b); else if c (d); else (e);"),
    ("while (a) { b(); }", "while a { (b); }"),
    ("do b(); while (a);", "do-while a (b);"),
    ("for (i = 0; i < n; i++) b();", "for [ (= i 0); ] (< i n) (_++ i) (b);"),
    ("for (;;) ;", "for [ ] - - { }"),
    ("return;", "return -;"),
    ("return a->b;", "return (-> a b);"),
    ("l: a(); goto l;", "l: (a); goto l;"),
    ("goto *jump[i];", "([] jump i); goto None;"),
    ("out: ;", "out:"),
    ("{ break; continue; }", "{ break; continue; }"),
    (
        "switch (a) { case 1: case B: b(); break; default: c(); }",
        "switch a { case 1: case B: (b); break; default: (c); }",
    ),
    ("switch (a) { case 1 ... 9: b(); }", "switch a { case 1..9: (b); }"),
    ("switch (a) { case A: int b = 1; c(b); }", "switch a { case A: b: int = 1; (c b@40); }"),
    ('asm volatile("nop" : "=r" (a->b) : "r" (c));', "asm (-> a b) c;"),
    ('asm goto("1:" : : : : out); out: a();', "asm; out: (a);"),
    ("__label__ out; out: a();", "out: __label__; out: (a);"),
]

LOOPS = [
    ("list_for_each_entry(p, &h, m) { a(p); }", "each (list_for_each_entry p (& h) m) { (a p); }"),
    ("list_for_each_entry(p, &h, m)\n\ta(p);", "each (list_for_each_entry p (& h) m) (a p);"),
    ("for_each_cpu(i) a(i);", "each (for_each_cpu i) (a i);"),
    ("for_each_cpu(i) if (i) a(i);", "each (for_each_cpu i) if i (a i);"),
    ("for_each_thing() { a(); }", "each (for_each_thing) { (a); }"),
    ("unknown_loop(a, b) { c(); }", "each (unknown_loop a b) { (c); }"),
    ("if (x) hlist_for_each(p, h) { a(); }", "if x each (hlist_for_each p h) { (a); }"),
    (
        "for_each_a(x) for_each_b(y) { c(); }",
        "each (for_each_a x) each (for_each_b y) { (c); }",
    ),
    (
        "rbtree_each(p, struct foo, m) { a(p); }",
        "each (rbtree_each p <struct foo> m) { (a p); }",
    ),
    ("do { a(); } while_each_thread(p, q);", "do-while (while_each_thread p q) { (a); }"),
    ("rep(4) { a(); }", "each (rep 4) { (a); }"),
]

MACROS = [
    ("a();\nFOO(b)\nc();", "(a); (FOO b); (c);"),
    ("FOO(b)\n", "(FOO b);"),
    ("if (x) FOO(b) else c();", "if x (FOO b); else (c);"),
    ("a();\nFOO\nb();", "(a); FOO; (b);"),
    ("static DEFINE_MUTEX(m); a(&m);", "(DEFINE_MUTEX m); (a (& m));"),
    (
        "DECLARE_BITMAP(map, 8) = { 0 }; a(map);",
        "map: unsigned long [(DECLARE_BITMAP map 8)] = {0}; (a map@30);",
    ),
]

DECLARATIONS = [
    ("int a = 1, *b, c[3];", "a: int = 1; b: int *; c: int [3];"),
    ("struct page *p = q;", "p: struct page * = q;"),
    ("unsigned long long x;", "x: unsigned long long;"),
    ('static const char s[] = "x";', 'static s: char [] = "";'),
    ("int (*fn)(struct page *, int) = g;", "fn: int (struct page *, int) * = g;"),
    ("typeof(a->b) x = y;", "x: typeof((-> a b)) = y;"),
    ("typeof(*p) *x;", "x: typeof((* p)) *;"),
    ("__auto_type x = a->b;", "x: typeof((-> a b)) = (-> a b);"),
    ("struct s { int a; } x;", "x: struct s { a: int; };"),
    ("int x __attribute__((unused)) = 1;", "x: int = 1;"),
    ('register unsigned long sp asm("sp");', "sp: unsigned long;"),
    ("enum { A, B = 4 }; a(B);", "A: ? static; B: ? static = 4; <enum>; (a B@25);"),
]


@pytest.mark.parametrize(("text", "wanted"), PLAIN + LOOPS + MACROS)
def test_statement(text: str, wanted: str) -> None:
    assert body(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), DECLARATIONS[:-1])
def test_declaration(text: str, wanted: str) -> None:
    assert body(text) == wanted


class _Loops(NoMacros):
    def loop(self, name: str) -> bool | None:
        return name == "each_thing"


def test_the_tree_says_what_loops() -> None:
    text = "each_thing(p) *p = 0;"
    assert body(text, _Loops()) == "each (each_thing p) (= (* p) 0);"


class _Annotations(NoMacros):
    def annotation(self, name: str) -> bool | None:
        return name in ("STATIC", "odd_attribute", "dprintk") or None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("STATIC int f(int a) { }", "int f(a: int) { }"),
        ("int f(struct page odd_attribute *p) { }", "int f(p: struct page *) { }"),
        # A call that the tree defines as empty is code all the same.
        (
            "int STATIC f(struct a *p) { dprintk(p->b); if (p) dprintk(p->c); }",
            "int f(p: struct a *) { (dprintk (-> p@23 b)); if p@23 (dprintk (-> p@23 c)); }",
        ),
    ],
)
def test_the_tree_says_what_annotates(text: str, wanted: str) -> None:
    (function,) = items(text, _Annotations())
    assert show(function) == wanted


SCOPES = [
    # An inner declaration shadows an outer one, up to its brace.
    ("int x; { int x; a(x); } b(x);", "x: int; { x: int; (a x@28); } (b x@19);"),
    ("for (int i = 0; i; i++) a(i); b(i);", "(a i@24)", "(b i);"),
    ("int x = x;", "x: int = x@19;"),
    ("a(({ int x = 1; x; })); b(x);", "x@24;", "(b x);"),
    ("if (y) { int y; } a(y);", "(a y);"),
]


@pytest.mark.parametrize("case", SCOPES)
def test_scope(case: tuple[str, ...]) -> None:
    text = body(case[0])
    for wanted in case[1:]:
        assert wanted in text


CONDITIONALS = [
    ("a();\n#ifdef X\nb();\n#endif\nc();", "(a); #if? { (b); } (c);"),
    (
        "#if X > 1\na();\n#elif Y\nb();\n#else\nc();\n#endif",
        "#if { (a); } { (b); } { (c); }",
    ),
    ("#ifdef X\n#ifndef Y\na();\n#endif\n#endif\n", "#if? { #if? { (a); } }"),
    (
        "switch (a) {\n#ifdef X\ncase 1: b(); break;\n#endif\ncase 2: c();\n}",
        "switch a { #if? { case 1: (b); break; } case 2: (c); }",
    ),
    ("a();\n#define LOCAL 1\nb();\n#undef LOCAL\n", "(a); (b);"),
    ("#ifdef X\nint i;\n#endif\na(i);", "#if? { i: int; } (a i@28);"),
]


@pytest.mark.parametrize(("text", "wanted"), CONDITIONALS)
def test_conditional_around_statements(text: str, wanted: str) -> None:
    assert body("\n" + text + "\n").replace("@29", "@28") == wanted


def _variants(text: str) -> list[str]:
    found = [item for item in items(text) if isinstance(item, ast.Function)]
    assert [item.variant for item in found] == list(range(len(found)))
    return [show(item.body) for item in found]


SPLIT = [
    # (text, one body for each way through)
    (
        "if (a)\n#ifdef X\nb();\n#else\nc();\n#endif\nd();",
        "{ if a (b); (d); }",
        "{ if a (c); (d); }",
    ),
    ("#ifdef X\nif (a)\n#endif\nb();", "{ if a (b); }", "{ (b); }"),
    (
        "if (a) {\nb();\n#ifdef X\n} else if (c) {\nd();\n#endif\n}",
        "{ if a { (b); } else if c { (d); } }",
        "{ if a { (b); } }",
    ),
    ("x = a\n#ifdef X\n+ b\n#endif\n;", "{ (= x (+ a b)); }", "{ (= x a); }"),
    # One condition, written twice, is taken both times or neither time.
    (
        "#ifdef X\nif (a) {\n#endif\nb();\n#ifdef X\n}\n#endif\n",
        "{ if a { (b); } }",
        "{ (b); }",
    ),
    (
        "#ifdef X\nif (a) {\n#endif\nb();\n#ifndef X\nc();\n#else\n}\n#endif\n",
        "{ if a { (b); } }",
        "{ (b); (c); }",
    ),
]


@pytest.mark.parametrize("case", SPLIT)
def test_conditional_that_splits(case: tuple[str, ...]) -> None:
    assert _variants(f"void f(void)\n{{\n{case[0]}\n}}\n") == list(case[1:])


def test_a_head_split_by_a_conditional_is_one_function() -> None:
    text = "#ifdef X\nint f(int a)\n{\n#else\nint f(long b)\n{\n#endif\n\treturn g();\n}\nint x;\n"
    file = unit(text)
    first, second = file.chunks
    assert first.names == ("f",)
    assert [show(item) for item in file.items(first)] == [
        "int f(a: int) { return (g); }",
        "int f(b: long) { return (g); }",
    ]
    assert [show(item) for item in file.items(second)] == ["x: int"]


def test_a_way_that_is_no_c_is_left_out() -> None:
    assert _variants("void f(void)\n{\nif (a) b(); else\n#ifdef X\nc();\n#endif\n}\n") == [
        "{ if a (b); else (c); }"
    ]
