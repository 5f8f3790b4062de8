"""A wrapper takes a pointer to a plain page: where qualifiers or the lack of an address forbid it.

Whether each of these compiles when rewritten was judged by C's rules, not by the output.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import INDEX, MAPPING, MM, checked, tree

from pagefix import engine

CONST = "the pointer is const and page_file_mapping() takes one that is not"
VOLATILE = "the pointer is volatile and page_file_mapping() takes one that is not"
VALUE = "the structure is a value without an address"
OK = ""

MACROS = """\
#define FIELD(p) ((p)->mapping)
#define PART(p) ((p).mapping)
#define CURRENT (page->mapping)
#define as_const(x) ((const struct page *)(x))
#define as_page(x) ((struct page *)(x))
#define the_page(x) (*(x))
#define container_of(ptr, type, member) ({ \\
	const typeof(((type *)0)->member) *__p = (ptr); \\
	(type *)((char *)__p - 4); })
typedef const struct page fixed;
typedef const struct page *fixed_pointer;
struct box { const struct page *cp; struct page *p; struct page part; };
const struct page *give_const(void);
struct page *give(const struct box *box);
struct page value(void);
extern const struct page *there;
"""

CASES = {
    "direct": ("const struct page *page", "page->mapping", CONST),
    "word behind": ("struct page const *page", "page->mapping", CONST),
    "the pointer itself": ("struct page *const page", "page->mapping", OK),
    "volatile": ("volatile struct page *page", "page->mapping", VOLATILE),
    "macro": ("const struct page *page", "FIELD(page)", CONST),
    "macro, volatile": ("volatile struct page *page", "FIELD(page)", VOLATILE),
    "macro, plain": ("struct page *page", "FIELD(page)", OK),
    "macro without parameters": ("const struct page *page", "CURRENT", CONST),
    "macro without parameters, plain": ("struct page *page", "CURRENT", OK),
    "typedef": ("fixed *page", "page->mapping", CONST),
    "typedef of the pointer": ("fixed_pointer page", "page->mapping", CONST),
    "member": ("struct box *box", "box->cp->mapping", CONST),
    "member of what is const": ("const struct box *box", "box->p->mapping", OK),
    "part of what is const": ("const struct box *box", "box->part.mapping", CONST),
    "part": ("struct box *box", "box->part.mapping", OK),
    "call": ("void", "give_const()->mapping", CONST),
    "call with const argument": ("const struct box *box", "give(box)->mapping", OK),
    "cast": ("void *p", "((const struct page *)p)->mapping", CONST),
    "cast in a macro": ("void *p", "as_const(p)->mapping", CONST),
    "cast away": ("const void *p", "as_page(p)->mapping", OK),
    "container": ("const int *i", "container_of(i, struct page, index)->mapping", OK),
    "const container": (
        "const int *i",
        "container_of(i, const struct page, index)->mapping",
        CONST,
    ),
    "sum": ("const struct page *page, int i", "(page + i)->mapping", CONST),
    "element": ("const struct page *page, int i", "page[i].mapping", CONST),
    "array of const pointers": ("struct page *const page[]", "page[0]->mapping", OK),
    "array of pointers": ("const struct page *page[]", "page[0]->mapping", CONST),
    "pointer to pointer": ("const struct page **page", "(*page)->mapping", CONST),
    "one of two": ("struct page *a, const struct page *b", "(a ? a : b)->mapping", CONST),
    "the other parameter": ("const struct page *a, struct page *b", "b->mapping", OK),
    "global": ("void", "there->mapping", CONST),
    "const value": ("const struct page page", "page.mapping", CONST),
    "parameter by value": ("struct page page", "page.mapping", OK),
    "returned by value": ("void", "value().mapping", VALUE),
    "register": ("register struct page p", "p.mapping", "p is in a register and has no address"),
    "pointer in a register": ("register struct page *p", "p->mapping", OK),
    "value in a macro": ("void", "PART(value())", VALUE),
    "object in a macro": ("struct page *p", "PART(*p)", OK),
    "macro that is an object": ("struct page *p", "the_page(p).mapping", OK),
    "one of two values": ("struct page a, struct page b", "(a.index ? a : b).mapping", VALUE),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_the_wrapper_takes(name: str, tmp_path: Path) -> None:
    params, expression, reason = CASES[name]
    text = f"#include <linux/mm.h>\n{MACROS}int f({params})\n{{\n\treturn {expression} != 0;\n}}\n"
    tree(tmp_path, {"fs/a.c": text}, MM + MAPPING + INDEX)
    program, report = checked(tmp_path / "fs", rules=("raw-page-mapping",))
    held = {each.reason for each in engine.rewrite(program, report).held}
    assert report.findings
    assert (f"not rewritten: {reason}" in held) == bool(reason)
    if not reason:
        assert "not rewritten: the" not in " ".join(held)


@pytest.mark.parametrize(("declared", "why"), [("*a, *b", OK), ("*b, *a", OK), ("*a, **b", CONST)])
def test_declared_in_one_line(declared: str, why: str, tmp_path: Path) -> None:
    second = "const struct page" if why else "struct page"
    place = "(*b)" if "**b" in declared else "b"
    text = (
        "#include <linux/mm.h>\nint f(const struct page *c)\n{\n"
        f"\t{second} {declared};\n\n\treturn {place}->mapping != 0;\n}}\n"
    )
    tree(tmp_path, {"fs/a.c": text})
    program, report = checked(tmp_path / "fs")
    assert [each.reason for each in engine.rewrite(program, report).held] == (
        [f"not rewritten: {why}"] if why else []
    )


def test_a_wrapper_that_takes_const(tmp_path: Path) -> None:
    text = "#include <linux/mm.h>\nint f(const struct page *p)\n{\n\treturn p->mapping != 0;\n}\n"
    headers = MM + MAPPING.replace(
        "page_file_mapping(struct page", "page_file_mapping(const struct page"
    )
    tree(tmp_path, {"fs/a.c": text}, headers)
    program, report = checked(tmp_path / "fs")
    rewritten = engine.rewrite(program, report)
    assert rewritten.held == ()
    assert b"return page_file_mapping(p) != 0;" in rewritten.changes[0].after
