"""Definitions by name: which file's is meant, and what is never read for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pagefix.c.ast import Base, Macro, Pointer
from pagefix.errors import PagefixError
from pagefix.finding import Unread
from pagefix.program import STDIN, Program
from pagefix.program.text import Text

Build = Callable[[dict[str, str]], Program]

MM = """
struct page { unsigned long flags; struct address_space *mapping; };
static inline int shared(void) { return 1; }
int prototype(struct page *page);
#define PAGE_SHIFT 12
"""


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def make(files: dict[str, str]) -> Program:
        for name, text in {"include/linux/mm.h": MM, "Makefile": "", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Program.load([f"{tmp_path}/fs"])

    return make


def paths(found: tuple[tuple[str, object], ...]) -> list[str]:
    return [path for path, _ in found]


def test_paths_are_shown_relative_to_the_tree(build: Build, tmp_path: Path) -> None:
    program = build({"fs/a.c": "int a;", "fs/b.h": ""})
    assert program.files == ("fs/a.c", "fs/b.h")
    assert program.disk("fs/a.c") == f"{tmp_path}/fs/a.c"
    assert program.disk("include/linux/mm.h") == f"{tmp_path}/include/linux/mm.h"
    assert program.unit("fs/a.c").source.path == "fs/a.c"


def test_static_function_hides_all_others(build: Build) -> None:
    program = build(
        {
            "fs/a.c": "static int f(void) { return 1; }",
            "fs/b.c": "int f(void) { return 2; }",
            "fs/c.c": "static int f(void) { return 3; }",
            "fs/d.c": "int g(void) { return f(); }",
        }
    )
    assert paths(program.functions("f", "fs/a.c")) == ["fs/a.c"]
    assert paths(program.functions("f", "fs/c.c")) == ["fs/c.c"]
    assert paths(program.functions("f", "fs/d.c")) == ["fs/b.c"]


def test_function_of_a_header(build: Build) -> None:
    program = build({"fs/a.c": "#include <linux/mm.h>\n"})
    assert paths(program.functions("shared", "fs/a.c")) == ["include/linux/mm.h"]
    assert paths(program.prototype("prototype", "fs/a.c")) == ["include/linux/mm.h"]
    assert program.functions("prototype", "fs/a.c") == ()
    assert program.functions("nowhere", "fs/a.c") == ()


def test_both_sides_of_an_if_are_definitions(build: Build) -> None:
    program = build(
        {
            "fs/a.c": "#ifdef A\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\n#endif\n"
        }
    )
    assert paths(program.functions("f", "fs/a.c")) == ["fs/a.c", "fs/a.c"]


def test_nearest_header_wins(build: Build) -> None:
    program = build(
        {
            "fs/one/a.c": '#include "x.h"\n#include <linux/mm.h>\n',
            "fs/one/x.h": "#define PAGE_SHIFT 13\nstruct page { int own; };\n",
            "fs/two/a.c": "#include <linux/mm.h>\n",
        }
    )
    assert paths(program.macro("PAGE_SHIFT", "fs/one/a.c")) == ["fs/one/x.h"]
    assert paths(program.macro("PAGE_SHIFT", "fs/two/a.c")) == ["include/linux/mm.h"]
    (record,) = program.record("struct page", "fs/one/a.c")
    assert [field.name for field in record.fields] == ["own"]


def test_headers_are_seen_through_others(build: Build) -> None:
    program = build(
        {
            "include/linux/deep.h": '#include "deeper.h"\n',
            "include/linux/deeper.h": "struct deep { int x; };\n",
            "fs/a.c": "#include <linux/deep.h>\n",
        }
    )
    assert len(program.record("struct deep", "fs/a.c")) == 1


def test_includes(build: Build) -> None:
    program = build(
        {
            "include/linux/a.h": "#include <linux/b.h>\n#include <linux/missing.h>\n",
            "include/linux/b.h": "#include <linux/a.h>\n",
            "fs/a.c": '#include <linux/a.h>\n#include "a.c"\n',
        }
    )
    assert program.includes("fs/a.c") == {"include/linux/a.h", "include/linux/b.h"}
    assert program.includes("include/linux/mm.h") == frozenset()


def test_a_header_is_read_through_the_source_that_includes_it(build: Build) -> None:
    program = build(
        {
            "fs/a.c": '#include <linux/mm.h>\n#include "late.h"\n',
            "fs/late.h": "static inline void f(struct page *page) { }\n",
        }
    )
    assert len(program.record("struct page", "fs/late.h")) == 1


def test_what_no_include_leads_to_is_found_at_last(build: Build) -> None:
    program = build({"include/linux/lost.h": "struct lost { int x; };\n", "fs/a.c": "int a;"})
    assert len(program.record("struct lost", "fs/a.c")) == 1
    assert program.record("struct nowhere", "fs/a.c") == ()


LOST = {"include/linux/lost.h": "struct lost { int x; };\n", "include/linux/a.h": "int known;\n"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("#include <linux/a.h>\n", False, id="its includes are all there"),
        pytest.param("#include <linux/a.h>\n#include <asm/x.h>\n", False, id="not configured"),
        pytest.param("#include <linux/a.h>\n#include <stdarg.h>\n", False, id="the compiler's"),
        pytest.param("#include <linux/a.h>\n#include <linux/gone.h>\n", True, id="one is missing"),
        pytest.param('#include <linux/a.h>\n#include "gone.h"\n', True, id="its own is missing"),
        pytest.param("#include <linux/b.h>\n", True, id="one is missing further on"),
    ],
)
def test_a_source_that_lacks_no_include_sees_nothing_else(
    build: Build, text: str, found: bool
) -> None:
    program = build({**LOST, "include/linux/b.h": "#include <linux/gone.h>\n", "fs/a.c": text})
    assert bool(program.record("struct lost", "fs/a.c")) is found


def test_what_is_known_nearby_is_not_sought_everywhere(build: Build) -> None:
    program = build(
        {
            "include/linux/lost.h": "static inline int twice(int x) { return x; }\n",
            "fs/a.h": "int twice(int x);\n",
        }
    )
    assert not program.functions("twice", "fs/a.h")
    assert paths(program.prototype("twice", "fs/a.h")) == ["fs/a.h"]


def test_a_model_sees_the_headers_of_the_vm_first(build: Build) -> None:
    program = build(
        {
            "include/acpi/own.h": "struct vm { int other; };\n",
            "include/linux/fs.h": "#include <linux/vm.h>\n",
            "include/linux/vm.h": "struct vm { int x; };\n",
            "fs/a.c": "int a;\n",
        }
    )
    assert [field.name for field in program.record("struct vm", "<model a>")[0].fields] == ["x"]


def test_near_macros_do_not_search_everywhere(build: Build) -> None:
    program = build({"include/linux/lost.h": "#define LOST 1\n", "fs/a.c": "int a;"})
    assert program.near_macros("LOST", "fs/a.c") == ()
    assert len(program.macro("LOST", "fs/a.c")) == 1


def test_macro_is_not_taken_from_a_comment(build: Build) -> None:
    program = build({"fs/a.c": "/*\n#define GONE 1\n*/\nint a;\n"})
    assert program.macro("GONE", "fs/a.c") == ()
    assert program.near_macros("GONE", "fs/a.c") == ()


def test_variables(build: Build) -> None:
    program = build(
        {
            "fs/a.c": "int counted = 1;\nstatic int own;\n",
            "fs/b.c": "extern int counted;\nint use(void) { return counted; }\n",
        }
    )
    assert paths(program.variable("counted", "fs/b.c")) == ["fs/a.c"]
    assert paths(program.variable("own", "fs/a.c")) == ["fs/a.c"]
    assert program.variable("own", "fs/b.c") == ()


@pytest.mark.parametrize(
    "text",
    [
        "static struct { struct page *page; } state;",
        "struct { struct page *page; } *other, state = { 0 };",
        "int first = 1, state;",
        "struct tagged { int i; } state;",
    ],
)
def test_variables_behind_something_else_on_the_line(build: Build, text: str) -> None:
    assert paths(build({"fs/a.c": text}).variable("state", "fs/a.c")) == ["fs/a.c"]


def test_constants(build: Build) -> None:
    program = build(
        {
            "fs/x.h": "enum kind {\n\tFIRST, /* one */\n\tSECOND = 5,\n\tTHIRD\n};\n",
            "fs/a.c": '#include "x.h"\nint a = FIRST;\n',
        }
    )
    for name in ("FIRST", "SECOND", "THIRD"):
        ((path, constant),) = program.enumerator(name, "fs/a.c")
        assert (path, constant.name) == ("fs/x.h", name)
    assert program.enumerator("FOURTH", "fs/a.c") == ()


def test_tables(build: Build) -> None:
    text = """
    struct ops { int (*open)(void); };
    static struct ops declared;
    static const struct ops first = { .open = 0 };
    struct ops *pointer = 0;
    """
    program = build({"fs/a.c": text, "fs/b.c": "struct ops several[] = { { 0 }, { 0 } };"})
    assert [table.name for _, table in program.tables("struct ops")] == ["first", "several"]


def test_symbols_of_the_tree(build: Build) -> None:
    program = build({"fs/a.c": "int only_here(void) { return 0; }"})
    assert program.has_symbol("shared")
    assert program.has_symbol("PAGE_SHIFT")
    assert not program.has_symbol("page")  # a parameter's name declares nothing
    assert not program.has_symbol("only_here")


def test_callers(build: Build) -> None:
    program = build(
        {
            "fs/a.c": "int f(void) { return 1; } /* f */",
            "fs/b.c": 'int g(void) { return f() + "f"[0]; }',
        }
    )
    assert [path for path, _ in program.callers("f")] == ["fs/a.c", "fs/b.c"]


def test_typedefs_are_followed(build: Build) -> None:
    program = build(
        {
            "fs/a.c": "typedef struct page page_t;\ntypedef page_t *page_p;\n"
            "typedef struct { int x; struct { int y; } in; } no_tag;\n"
        }
    )
    stripped = program.strip(Base("page_p"), "fs/a.c")
    assert stripped == Pointer(Base("page_t"))
    assert program.strip(Base("page_t"), "fs/a.c") == Base("struct page")
    assert program.strip(Base("unknown_t"), "fs/a.c") == Base("unknown_t")
    (record,) = program.record("no_tag", "fs/a.c")
    assert record.name == "no_tag"
    inner = program.member(record, "in", "fs/a.c")
    assert getattr(inner, "name", None) == "no_tag"


def test_typedef_of_itself_ends(build: Build) -> None:
    program = build({"fs/a.c": "typedef a_t b_t;\ntypedef b_t a_t;\n"})
    assert isinstance(program.strip(Base("a_t"), "fs/a.c"), Base)


def test_members(build: Build) -> None:
    text = """
    struct inner { long tagged; };
    struct outer {
        int plain;
        union { short small; struct { char *deep; }; };
        struct inner;
        struct { int x; } *named;
    };
    """
    program = build({"fs/a.c": text})
    outer = Base("struct outer")

    def member(name: str) -> object:
        return program.member(outer, name, "fs/a.c")

    assert member("plain") == Base("int")
    assert member("small") == Base("short")
    assert member("deep") == Pointer(Base("char"))
    assert member("nothing") is None
    named = member("named")
    assert isinstance(named, Pointer)
    assert getattr(named.to, "name", None) == "struct outer"


def test_members_of_several_definitions(build: Build) -> None:
    text = "#ifdef A\nstruct s { int a; };\n#else\nstruct s { long b; };\n#endif\n"
    program = build({"fs/a.c": text})
    assert program.member(Base("struct s"), "a", "fs/a.c") == Base("int")
    assert program.member(Base("struct s"), "b", "fs/a.c") == Base("long")


def test_released_files_are_read_again(build: Build) -> None:
    program = build({"fs/a.c": "#define ONE 1\n"})
    first = program.unit("fs/a.c")
    assert program.unit("fs/a.c") is first
    program.release("fs/a.c")
    assert program.unit("fs/a.c") is not first
    ((_, macro),) = program.macro("ONE", "fs/a.c")
    assert isinstance(macro, Macro)


def test_standard_input(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build({"fs/a.c": ""})
    monkeypatch.chdir(tmp_path / "fs")
    program = Program.load(["-"], stdin=b"#include <linux/mm.h>\nint x;\n")
    assert program.files == (STDIN,)
    assert program.tree.root == ".."
    assert program.unit(STDIN).source.disk == ""
    assert len(program.record("struct page", STDIN)) == 1


def test_files_that_are_no_text_are_refused(build: Build, tmp_path: Path) -> None:
    program = build({"fs/a.c": "int a;"})
    (tmp_path / "fs/a.c").write_bytes(b"int a;\0")
    with pytest.raises(PagefixError, match="not C source"):
        program.data("fs/a.c")


def test_empty_file(build: Build) -> None:
    program = build({"fs/a.c": ""})
    assert program.unit("fs/a.c").chunks == ()
    assert program.unread == ()


def test_unread_is_kept(build: Build, tmp_path: Path) -> None:
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs/gone.c").symlink_to("nowhere.c")
    program = build({"fs/a.c": ""})
    reason = "cannot be read: no such file or directory"
    assert program.unread == (Unread("fs/gone.c", 1, 1, reason),)


@pytest.mark.parametrize(
    ("text", "tag", "held"),
    [
        ("struct foo {\n\tint x;\n};", "struct foo", True),
        ("typedef struct\nfoo\n{ int x; } foo_t;", "struct foo", True),
        ("union __packed foo { int x; };", "union foo", True),
        ("struct foo;\nstruct bar { struct foo *x; };", "struct foo", False),
        ("struct bar { int foo; };", "struct foo", False),
        ("struct foo *make(void)\n{\n}", "struct foo", False),
        ("union foo { int x; };", "struct foo", False),
    ],
)
def test_which_text_may_hold_the_body_of_a_tag(text: str, tag: str, held: bool) -> None:
    assert Text("a.h", text.encode()).may_define(tag) is held
