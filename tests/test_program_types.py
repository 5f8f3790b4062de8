"""Types of expressions, each asked of the value that a function returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pagefix.c.ast import (
    Array,
    Base,
    Function,
    FunctionType,
    Pointer,
    Record,
    Return,
    Type,
    UnknownType,
)
from pagefix.program import Program, Typer

HEADER = """
#define NULL ((void *)0)
#define offsetof(t, m) __builtin_offsetof(t, m)
#define container_of(ptr, type, member) ({ \\
	void *__p = (void *)(ptr); ((type *)(__p - offsetof(type, member))); })
#define to_outer(i) container_of(i, struct outer, inner)
#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define alias real
#define alias_with(x) real(x)
#define real(x) real(x)
#define itself itself
#define per(x, n) (*(&(x) + (n)))
#define DEFINE_THING(name) struct thing name
#define with_local(expr) ({ struct thing *__t = first(); (expr); })
#define pick(which) which##_thing
#define STRUCT(tag) ((struct tag *)0)
typedef struct thing thing_t;
typedef int (*handler_t)(struct thing *);
struct thing { int x; struct thing *next; thing_t table[4]; handler_t handler; };
struct inner { int i; };
struct outer { struct inner inner; struct thing *(*get)(void); };
struct thing *first(void);
struct thing *real(int x);
static inline struct outer *second(void) { return NULL; }
extern struct thing things[];
extern struct thing *array_of_pointers[8];
enum color { RED };
"""

BODY = """
#include "x.h"
static struct thing own;
void f(struct thing *p, thing_t *q, struct outer *o, struct inner *i, void *v, int n, handler_t h)
{
	struct thing local[2], **pp = &p;
	DEFINE_THING(made);
	return EXPRESSION;
}
"""

THING = Base("struct thing")


@pytest.fixture
def type_of(tmp_path: Path) -> Callable[[str], Type]:
    def ask(expression: str) -> Type:
        (tmp_path / "x.h").write_text(HEADER)
        path = tmp_path / "a.c"
        path.write_text(BODY.replace("EXPRESSION", expression))
        program = Program.load([str(path)])
        (shown,) = program.files
        ((_, function),) = program.functions("f", shown)
        assert isinstance(function, Function)
        last = function.body.body[-1]
        assert isinstance(last, Return)
        assert last.value is not None
        return program.strip(Typer(program, shown, function).type_of(last.value), shown)

    return ask


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("p", Pointer(THING)),
        ("*p", THING),
        ("*q", THING),
        ("&own", Pointer(THING)),
        ("p->next->next", Pointer(THING)),
        ("(*p).next", Pointer(THING)),
        ("p[1].next", Pointer(THING)),
        ("*pp", Pointer(THING)),
        ("**pp", THING),
        ("local + 1", Pointer(THING)),
        ("&local[1]", Pointer(THING)),
        ("things[n]", THING),
        ("array_of_pointers[n]", Pointer(THING)),
        ("*array_of_pointers", Pointer(THING)),
        ("p->table[n]", THING),
        ("p->table + n", Pointer(Base("thing_t"))),
        ("p - q", Base("unsigned long")),
        ("n + p", Pointer(THING)),
        ("p == q", Base("int")),
        ("!p", Base("int")),
        ("n ? p : NULL", Pointer(THING)),
        ("n ? NULL : p", Pointer(THING)),
        ("p ?: q", Pointer(THING)),
        ("(n, p)", Pointer(THING)),
        ("p = q", Pointer(THING)),
        ("p++", Pointer(THING)),
        ("(struct inner *)v", Pointer(Base("struct inner"))),
        ("first()", Pointer(THING)),
        ("second()->get()", Pointer(THING)),
        ("(*o->get)()", Pointer(THING)),
        ("p->handler(p)", Base("int")),
        ("h(p)", Base("int")),
        ("sizeof(*p)", Base("unsigned long")),
        ("({ struct inner *p = i; p; })", Pointer(Base("struct inner"))),
        ("(struct inner){ 1 }", Base("struct inner")),
        ("container_of(i, struct outer, inner)", Pointer(Base("struct outer"))),
        ("to_outer(i)", Pointer(Base("struct outer"))),
        ("container_of(&p->x, thing_t, x)", Pointer(Base("thing_t"))),
        ("container_of(&p->x, __typeof__(*p), x)", Pointer(THING)),
        ("min(p, q)", Pointer(THING)),
        ("min(min(p, q), min(q, p))", Pointer(THING)),
        ("alias(1)", Pointer(THING)),
        ("alias_with(1)", Pointer(THING)),
        ("per(own, n)", THING),
        ("made.next", Pointer(THING)),
        ("with_local(__t->next)", Pointer(THING)),
        ("STRUCT(inner)", Pointer(Base("struct inner"))),
        ("__builtin_expect(p->next, 0)", Pointer(THING)),
        ('"text"', Pointer(Base("char"))),
        ("RED", Base("int")),
    ],
)
def test_types(type_of: Callable[[str], Type], expression: str, expected: Type) -> None:
    assert type_of(expression) == expected


@pytest.mark.parametrize(
    "expression",
    ["nowhere", "nowhere(p)", "p->nothing", "itself", "n->next", "pick(own)", "*n", "v->x"],
)
def test_what_is_not_known_is_said(type_of: Callable[[str], Type], expression: str) -> None:
    assert isinstance(type_of(expression), UnknownType)


def test_arrays_and_functions_keep_their_type(type_of: Callable[[str], Type]) -> None:
    assert isinstance(type_of("local"), Array)
    assert isinstance(type_of("first"), FunctionType)
    assert not isinstance(type_of("o->inner"), Record)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("word", UnknownType()),  # the typedef in the nearer header
        ("odd", UnknownType()),  # the macro there, for nothing that has a type
        ("itself", Pointer(THING)),  # a macro for itself tells nothing
        ("__func__", Pointer(Base("char"))),
        ("__LINE__", Base("int")),
    ],
)
def test_the_nearest_header_settles_what_a_name_is(
    tmp_path: Path, expression: str, expected: Type
) -> None:
    (tmp_path / "near.h").write_text(
        "typedef unsigned long word;\n#define odd nowhere_to_be_found\n#define itself itself\n"
    )
    (tmp_path / "next.h").write_text(
        "extern struct thing *word;\nextern struct thing *odd;\nextern struct thing *itself;\n"
    )
    path = tmp_path / "a.c"
    path.write_text(
        f'#include "near.h"\n#include "next.h"\nvoid f(void)\n{{\n\treturn {expression};\n}}\n'
    )
    program = Program.load([str(path)])
    (shown,) = program.files
    ((_, function),) = program.functions("f", shown)
    last = function.body.body[-1]
    assert isinstance(last, Return)
    assert last.value is not None
    assert Typer(program, shown, function).type_of(last.value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "typedef struct thing *name_t;",
        "typedef struct thing { int x; } *name_t;",
        "typedef struct thing {\n\tint x;\n} __packed *name_t, other_t;",
        "typedef struct thing {\n\tint x;\n} *\nname_t;",
        "typedef /* see below; } */ struct thing *name_t;",
    ],
)
def test_a_typedef_is_found_however_it_is_written(tmp_path: Path, text: str) -> None:
    # The header in front uses the name and does not say what it is.
    (tmp_path / "before.h").write_text("extern name_t *made;\nvoid f(name_t a);\n")
    (tmp_path / "x.h").write_text(f"{text}\n")
    path = tmp_path / "a.c"
    path.write_text('#include "before.h"\n#include "x.h"\n')
    program = Program.load([str(path)])
    (shown,) = program.files
    found = program.strip(Base("name_t"), shown)
    assert isinstance(found, Pointer)
    assert isinstance(found.to, Base | Record)
    assert found.to.name == "struct thing"
