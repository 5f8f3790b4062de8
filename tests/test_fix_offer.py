"""What is offered for a finding: an edit, or the reason why there is none.

The forms of accesses are in fixtures/; here is what depends on the tree around them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import INDEX, MAPPING, MM, checked, tree

from pagefix import engine
from pagefix.finding import Applicability

READ = """\
#include <linux/mm.h>
int foo(struct page *page)
{
	return page->mapping != 0;
}
"""


def offered(*paths: Path, path: str = "") -> list[tuple[Applicability, str, bool]]:
    """Return applicability, message and whether there are edits, of each finding's fix."""
    _, report = checked(*paths)
    return [
        (fix.applicability, fix.message, bool(fix.edits))
        for finding in report.findings
        if finding.span.path.startswith(path)
        for fix in finding.fixes
    ]


def held(*paths: Path, unsafe: bool = False) -> list[str]:
    """Return why findings are held back."""
    program, report = checked(*paths)
    return [each.reason for each in engine.rewrite(program, report, unsafe=unsafe).held]


def test_a_wrapper_in_the_tree(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/a.c": READ})
    ((applicability, message, edits),) = offered(tmp_path / "fs")
    assert (applicability, edits) == (Applicability.SAFE, True)
    assert message.startswith("page_file_mapping() gives")


def test_no_wrapper_in_the_tree(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/a.c": READ}, MM + INDEX)
    assert offered(tmp_path / "fs") == [
        (Applicability.SUGGEST, "not rewritten: this tree has no page_file_mapping()", False)
    ]


def test_no_tree(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(
        "struct page { int *mapping; };\nint *f(struct page *p) { return p->mapping; }\n"
    )
    _, report = checked(tmp_path / "a.c")
    assert report.tree.root is None
    assert report.tree.wrappers == ()
    assert [sentence.split(":")[0] for sentence in report.assumptions] == [
        "no kernel tree around the paths"
    ]
    (finding,) = report.findings
    assert [bool(fix.edits) for fix in finding.fixes] == [False]


PAGE_INDEX = """\
static inline pgoff_t page_index(struct page *page)
{
	if (PageSwapCache(page))
		return %s(page);
	return page->index;
}
"""


@pytest.mark.parametrize(
    ("headers", "wrapper"),
    [
        # 3.6 to 4.8: page_index() is there, and means something else.
        (INDEX + PAGE_INDEX % "page_private", "page_file_index"),
        # 4.9 to 6.10
        (PAGE_INDEX % "__page_file_index", "page_index"),
        # before 3.6
        (PAGE_INDEX % "page_private", ""),
        ("", ""),
    ],
    ids=["3.6", "4.9", "before 3.6", "none"],
)
def test_the_tree_decides_on_the_index(tmp_path: Path, headers: str, wrapper: str) -> None:
    tree(tmp_path, {"fs/a.c": READ.replace("mapping", "index")}, MM + headers)
    program, report = checked(tmp_path / "fs")
    changes = engine.rewrite(program, report).changes
    if wrapper:
        (change,) = changes
        assert f"return {wrapper}(page) != 0;" in change.after.decode()
        assert report.tree.wrappers == (wrapper,)
    else:
        assert changes == ()
        assert report.tree.wrappers == ()


def test_a_comment_does_not_decide(tmp_path: Path) -> None:
    header = PAGE_INDEX % "/* not page_private */ __page_file_index"
    tree(tmp_path, {"fs/a.c": READ.replace("mapping", "index")}, MM + header)
    assert [edits for _, _, edits in offered(tmp_path / "fs")] == [True]


def test_the_wrapper_goes_on_reading_the_field(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/a.c": READ})
    assert held(tmp_path / "include") == [
        "not rewritten: this is the definition of page_file_mapping() itself",
        "not rewritten: this is the definition of page_file_index() itself",
    ]


def test_so_does_what_the_wrapper_calls(tmp_path: Path) -> None:
    swapfile = """\
#include <linux/mm.h>
struct address_space *swap_mapping_of(struct page *page)
{
	return page->mapping;
}
struct address_space *__page_file_mapping(struct page *page)
{
	return swap_mapping_of(page);
}
struct address_space *another(struct page *page)
{
	return page->mapping;
}
"""
    tree(tmp_path, {"mm/swapfile.c": swapfile})
    assert held(tmp_path / "mm") == [
        "not rewritten: page_file_mapping() itself comes through swap_mapping_of()"
    ]


def test_a_local_hides_the_wrapper(tmp_path: Path) -> None:
    text = READ.replace("\treturn", "\tint page_file_mapping = 0;\n\n\treturn page_file_mapping +")
    tree(tmp_path, {"fs/a.c": text})
    assert held(tmp_path / "fs") == [
        "not rewritten: a local named page_file_mapping hides the function"
    ]


def test_a_local_type_hides_the_wrapper(tmp_path: Path) -> None:
    text = READ.replace("\treturn", "\ttypedef int page_file_mapping;\n\n\treturn")
    tree(tmp_path, {"fs/a.c": text})
    assert held(tmp_path / "fs") == [
        "not rewritten: a local named page_file_mapping hides the function"
    ]


def test_a_function_of_the_file_hides_the_wrapper(tmp_path: Path) -> None:
    text = READ.replace("int foo", "static int page_file_mapping(int x) { return x; }\nint foo")
    tree(tmp_path, {"fs/a.c": text})
    assert held(tmp_path / "fs") == ["not rewritten: this file has a page_file_mapping of its own"]


def test_a_wrapper_may_take_a_const_page(tmp_path: Path) -> None:
    text = READ.replace("struct page *page", "const struct page *page")
    tree(tmp_path, {"fs/a.c": text})
    assert [edits for _, _, edits in offered(tmp_path / "fs")] == [False]
    tree(tmp_path, {}, MM + MAPPING.replace("ping(struct page", "ping(const struct page") + INDEX)
    assert [edits for _, _, edits in offered(tmp_path / "fs")] == [True]


def test_a_const_pointer_to_a_page_is_a_page(tmp_path: Path) -> None:
    tree(tmp_path, {"fs/a.c": READ.replace("struct page *page", "struct page *const page")})
    assert [edits for _, _, edits in offered(tmp_path / "fs")] == [True]


def test_a_header_that_is_not_included_needs_a_look(tmp_path: Path) -> None:
    types = (
        "#include <linux/types.h>\nint foo(struct page *page)\n{\n\treturn page->mapping != 0;\n}\n"
    )
    tree(tmp_path, {"include/linux/types.h": MM, "fs/a.c": types}, MAPPING)
    ((applicability, message, edits),) = offered(tmp_path / "fs")
    assert (applicability, edits) == (Applicability.UNSAFE, True)
    assert message.endswith("needs #include <linux/mm.h>")
    assert held(tmp_path / "fs") == [f"needs a look (--unsafe makes it): {message}"]
    assert held(tmp_path / "fs", unsafe=True) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#include <linux/types.h>\n", "#include <linux/types.h>\n#include <linux/mm.h>\n"),
        (
            '#include <linux/types.h>\n#ifdef X\n#include <x.h>\n#endif\n#include "a.h"\n',
            (
                "#include <linux/types.h>\n#include <linux/mm.h>\n#ifdef X\n#include <x.h>\n#endif\n"
                '#include "a.h"\n'
            ),
        ),
        (
            "/* x */\n#ifndef A_H\n#define A_H\n#include <linux/types.h>\n",
            "/* x */\n#ifndef A_H\n#define A_H\n#include <linux/types.h>\n#include <linux/mm.h>\n",
        ),
        ('#include "types.h"\n', None),
    ],
)
def test_the_header_is_included_where_others_are(
    tmp_path: Path, before: str, after: str | None
) -> None:
    body = "int foo(struct page *page)\n{\n\treturn page->mapping && page->mapping->host;\n}\n"
    ending = "#endif\n" if "A_H" in before else ""
    files = {"include/linux/types.h": MM, "fs/types.h": MM, "fs/a.c": before + body + ending}
    tree(tmp_path, files, MAPPING)
    program, report = checked(tmp_path / "fs")
    changes = engine.rewrite(program, report, unsafe=True).changes
    if after is None:
        assert changes == ()
        assert held(tmp_path / "fs") == ["not rewritten: needs #include <linux/mm.h>"] * 2
    else:
        wanted = after + body.replace("page->mapping", "page_file_mapping(page)") + ending
        assert changes[0].after.decode() == wanted


@pytest.mark.parametrize(
    ("others", "level"),
    [
        ({"fs/a.c": '#include <linux/mm.h>\n#include "a.h"\n'}, Applicability.SAFE),
        ({"fs/a.c": '#include "a.h"\n'}, Applicability.UNSAFE),
        (
            {"fs/a.c": '#include <linux/mm.h>\n#include "a.h"\n', "fs/b.c": '#include "a.h"\n'},
            Applicability.UNSAFE,
        ),
        ({"fs/a.c": "#include <linux/mm.h>\n"}, Applicability.UNSAFE),
    ],
    ids=["all", "none", "one of two", "not used"],
)
def test_a_header_may_leave_it_to_those_that_include_it(
    tmp_path: Path, others: dict[str, str], level: Applicability
) -> None:
    header = READ.replace("linux/mm.h", "linux/types.h").replace("int foo", "static int foo")
    files = {"include/linux/types.h": MM, "fs/a.h": header, **others}
    tree(tmp_path, files, "#include <linux/types.h>\n" + MAPPING)
    ((found, _, edits),) = offered(tmp_path / "fs", path="fs/a.h")
    assert (found, edits) == (level, True)


@pytest.mark.parametrize(
    ("macro", "made"),
    [
        ("#define SAY(a, b) say(#a, b)", False),
        ("#define SAY(a, b) say(#b, a)", True),
        ("#define SAY(a, b) say(x_ ## a, b)", False),
        ("#define SAY(a, b) say(a ## _x, b)", False),
        ("#define SAY(a, args...) say(a, ##args)", True),
        ("#define SAY(args...) say(0, ##args)", True),
        ("#define SAY(...) say(0, ## __VA_ARGS__)", True),
        ("#define SAY(...) say(#__VA_ARGS__)", False),
        ("#define SAY(b, ...) say(#__VA_ARGS__, b)", True),
    ],
)
def test_only_an_argument_that_becomes_text_is_left_alone(
    tmp_path: Path, macro: str, made: bool
) -> None:
    text = READ.replace("int foo", f"int say();\n{macro}\nint foo")
    text = text.replace("return page->mapping != 0", "return SAY(page->mapping, 1)")
    tree(tmp_path, {"fs/a.c": text})
    ((_, message, edits),) = offered(tmp_path / "fs")
    assert edits == made
    assert ("SAY() makes a string or a name of its argument" in message) != made


def test_a_header_that_the_wrapper_s_header_includes_is_too_early(tmp_path: Path) -> None:
    inline = "static inline int foo(struct page *p)\n{\n\treturn p->mapping != 0;\n}\n"
    files = {
        "include/linux/types.h": MM,
        "include/linux/flags.h": "#include <linux/types.h>\n" + inline,
    }
    includes = '#include <linux/types.h>\n#include "flags.h"\n'
    tree(tmp_path, files, includes + MAPPING)
    assert held(tmp_path / "include" / "linux" / "flags.h") == [
        "not rewritten: page_file_mapping() is declared further on"
    ]
    # Included the other way round, it can be used.
    (tmp_path / "include" / "linux" / "flags.h").write_text("#include <linux/mm.h>\n" + inline)
    tree(tmp_path, {}, "#include <linux/types.h>\n" + MAPPING)
    assert held(tmp_path / "include" / "linux" / "flags.h") == []


def test_above_its_definition_a_wrapper_is_not_there_yet(tmp_path: Path) -> None:
    use = "static inline int %s(struct page *p)\n{\n\treturn p->mapping != 0;\n}\n"
    tree(tmp_path, {}, MM + use % "before" + MAPPING + use % "after")
    assert held(tmp_path / "include") == [
        "not rewritten: page_file_mapping() is declared further on",
        "not rewritten: this is the definition of page_file_mapping() itself",
    ]


def test_a_macro_may_evaluate_its_argument_twice(tmp_path: Path) -> None:
    header = MM + "#define page_file_mapping(p) (PageSwapCache(p) ? 0 : (p)->mapping)\n"
    text = READ.replace("return page->", "return page->mapping != 0 || (page++)->")
    tree(tmp_path, {"fs/a.c": text}, header)
    plain, effect = offered(tmp_path / "fs")
    assert plain[0] is Applicability.SAFE
    assert effect[0] is Applicability.UNSAFE
    assert effect[1].endswith("page_file_mapping is a macro, and its argument has side effects")


def test_an_operand_of_assembly_stays(tmp_path: Path) -> None:
    text = READ.replace("\treturn", '\tasm("" : : "r"(page->mapping));\n\treturn 0 &&')
    tree(tmp_path, {"fs/a.c": text})
    assert held(tmp_path / "fs") == ["not rewritten: it is an operand of inline assembly"]
