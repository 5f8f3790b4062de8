"""The inventory of programs that are not as they should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from trees import tree

from pagefix import engine
from pagefix.finding import Status, Unread
from pagefix.program import STDIN, Program
from pagefix.rulebook import Rule, load_needing, load_rules
from pagefix.sites import Inventory, inventory

Take = Callable[..., Inventory]


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Take:
    # The inventory of one file without a kernel tree.
    def of(text: str | bytes, *, whole: bool = False) -> Inventory:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a.c").write_bytes(text if isinstance(text, bytes) else text.encode())
        return inventory(Program.load(["a.c"]), whole=whole)

    return of


def said(found: Inventory) -> list[tuple[str | None, str, str]]:
    return [(site.record, site.field, site.access.value) for site in found.sites]


def test_without_a_tree_page_is_page(take: Take) -> None:
    found = take("int f(struct page *p) { return p->index + p->private; }")
    assert said(found) == [("struct page", "index", "read"), ("struct page", "private", "read")]
    assert found.sites[0].place.path == "a.c"


def test_without_a_tree_the_kernel_s_macros_are_known(take: Take) -> None:
    found = take(
        "struct foo { int x; struct list_head index; };\n"
        "int f(struct list_head *l, struct page *p)\n"
        "{\n"
        "\tstruct foo *foo = container_of(l, struct foo, index);\n"
        "\tlist_for_each_entry(foo, l, index)\n"
        "\t\tREAD_ONCE(p->mapping);\n"
        "\treturn min(foo->x, 1);\n"
        "}\n"
    )
    assert said(found) == [
        ("struct foo", "index", "unevaluated"),
        ("struct foo", "index", "address"),
        ("struct page", "mapping", "read"),
    ]


def test_own_definition_comes_before_the_kernel_s(take: Take) -> None:
    found = take(
        "#define min(thing, field) ((thing)->field)\n"
        "int f(struct page *p) { return min(p, index); }\n"
    )
    assert said(found) == [("struct page", "index", "read")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("int f(void) { return nowhere->index; }", id="unknown name"),
        pytest.param("int f(void *p) { return p->index; }", id="no record"),
        pytest.param("int f(thing_t *p) { return p->index; }", id="unknown typedef"),
        pytest.param("#define X(p) ((p)->index)\n", id="unused macro"),
        pytest.param("] ) page->index ( [\n", id="no C at all"),
        pytest.param("static x y z = { .index = 1 };", id="no type"),
    ],
)
def test_unresolved_says_why(take: Take, text: str) -> None:
    (site,) = take(text).sites
    assert (site.status, site.record) == (Status.UNRESOLVED, None)
    assert site.reason


def test_annotations_evaluate_nothing(take: Take) -> None:
    found = take("static void f(struct page *p)\n\t__acquires(p->private->lock)\n{\n}\n")
    assert said(found) == [("struct page", "private", "unevaluated")]


def test_nothing_to_find_reads_nothing(take: Take) -> None:
    text = "int f( { ; }\nint index;\n/* page->index */\n"
    assert take(text).sites == ()
    assert take(text).unread == ()
    assert take(text, whole=True).unread != ()


def test_unread_names_the_lines(take: Take) -> None:
    found = take("int a;\nint f(struct page *p)\n{\n\treturn p->index @ 1;\n}\n")
    assert [(site.place.line, site.record) for site in found.sites] == [(4, "struct page")]
    assert [(each.path, each.line, each.end_line) for each in found.unread] == [("a.c", 4, 4)]


def test_fields_may_be_others(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int f(struct page *p) { return p->flags + p->index; }")
    found = inventory(Program.load([str(tmp_path)]), fields=("flags",))
    assert said(found) == [("struct page", "flags", "read")]


def test_standard_input() -> None:
    program = Program.load(["-"], stdin=b"int f(struct page *p) { return p->index; }")
    (site,) = inventory(program).sites
    assert site.place.path == STDIN


def test_binary_below_a_directory_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.c").write_bytes(b"page->index\0")
    (tmp_path / "b.c").write_text("int f(struct page *p) { return p->index; }")
    found = inventory(Program.load(["."]))
    assert found.unread == (Unread("a.c", 1, 1, "it holds NUL bytes"),)
    assert len(found.sites) == 1


def test_empty_file_and_missing_newline(take: Take) -> None:
    assert take("").sites == ()
    assert said(take("#define X ((struct page *)0)->index")) == [("struct page", "index", "read")]


def test_names_do_not_matter(take: Take) -> None:
    text = (
        "struct index { int mapping; struct page *private; };\n"
        "static int page(struct index *mapping, struct page *index)\n"
        "{\n"
        "\treturn mapping->mapping + mapping->private->index + index->private;\n"
        "}\n"
    )
    assert said(take(text)) == [
        ("struct index", "mapping", "read"),
        ("struct index", "private", "read"),
        ("struct page", "index", "read"),
        ("struct page", "private", "read"),
    ]


def test_what_wrappers_there_are_is_asked_of_headers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To look for their definitions in the checked files would be to read all of them again.
    index = (
        "static inline pgoff_t page_index(struct page *page)\n{\n\treturn page_private(page);\n}\n"
    )
    other = index.replace("page_private(page)", "page->index")
    for name, code, wanted in (("old", index, []), ("new", other, ["page_index"])):
        files = {
            "include/linux/pagemap.h": f"#include <linux/mm.h>\n{code}",
            # One of the same name that mentions it, and is not the VM's.
            "fs/a.c": f"#include <linux/pagemap.h>\n{index}",
        }
        (tmp_path / name).mkdir()
        program = engine.load([str(tree(tmp_path / name, files) / "fs")])
        monkeypatch.setattr(program, "_defining", pytest.fail)
        rules = [rule for rule in load_rules() if rule.name == "raw-page-index"]
        found = engine.find_sites(program, rules).tree.wrappers
        assert [each for each in found if each != "page_file_index"] == wanted


def test_the_rules_of_an_inventory_name_all_that_fixes_need() -> None:
    def needs(rules: tuple[Rule, ...]) -> set[str | None]:
        return {spec.needs for rule in rules for spec in rule.fixes}

    few, every = load_needing(), load_rules()
    names = [rule.name for rule in every]
    assert 0 < len(few) < len(every)
    assert all(rule.name in names for rule in few)
    assert needs(few) >= needs(every) - {None}
