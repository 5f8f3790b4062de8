"""Kernel style: what is wrapped, where, and what is left alone."""

from __future__ import annotations

import pytest

from pagefix.c import NoMacros, read
from pagefix.finding import Edit
from pagefix.fix import COLUMNS, Scanned, apply_edits, column_limit, restyle
from pagefix.source import SourceFile


def scan(text: SourceFile) -> Scanned:
    unit = read(text, NoMacros())

    def begin(offset: int) -> int:
        chunk = unit.chunk_at(offset)
        return chunk.start if chunk is not None else 0

    return Scanned(unit.code, begin)


def styled(before: str, limit: int = COLUMNS) -> str:
    """Return the text with each «old|new» edited, wrapped where that is due."""
    edits: list[tuple[int, int, str]] = []
    plain = ""
    while "«" in before:
        head, rest = before.split("«", 1)
        change, before = rest.split("»", 1)
        old, new = change.split("|", 1)
        plain += head
        edits.append((len(plain.encode()), len((plain + old).encode()), new))
        plain += old
    plain += before
    source = SourceFile("a.c", "", plain.encode())
    made = [Edit("a.c", *each) for each in edits]
    done = restyle(source, made, scan, limit)
    result = apply_edits(source.data, done).decode()
    # Only white space, and the backslashes of a macro, differ from the bare edits.
    assert words(result) == words(apply_edits(source.data, made).decode())
    return result


def words(text: str) -> str:
    return "".join(text.replace("\\", " ").split())


def function(body: str) -> str:
    return "int f(struct page *page)\n{\n" + body.lstrip("\n") + "}\n"


CASES = {
    "a comment behind the break goes with what it stands before": (
        """
\tsome_fn(inode, «page->index|page_file_index(page)», /* a */ other, /* b */ an_argument);
""",
        """
\tsome_fn(inode, page_file_index(page), /* a */ other,
\t\t/* b */ an_argument);
""",
    ),
    "the parts of a for stay whole": (
        """
\tfor (b = «page->index|page_file_index(page)»; b < «page->index|page_file_index(page)» && more_of(b); b++)
\t\treturn;
""",
        """
\tfor (b = page_file_index(page); b < page_file_index(page) && more_of(b);
\t     b++)
\t\treturn;
""",
    ),
    "a second statement of a line is none of the first": (
        """
\tb = «page->index|page_file_index(page)»; show("a string that is long enough for it", b);
""",
        """
\tb = page_file_index(page);
\tshow("a string that is long enough for it", b);
""",
    ),
    "a list in braces, below its first item": (
        """
\tstruct pair s = { «page->index|page_file_index(page)», «page->index|page_file_index(page)», an_index };
""",
        """
\tstruct pair s = { page_file_index(page), page_file_index(page),
\t\t\t  an_index };
""",
    ),
    "an item of a list goes on one tab in": (
        """
\tstruct pair s = {
\t\t.a = «page->index|page_file_index(page)» + «page->index|page_file_index(page)» + another_index,
\t};
""",
        """
\tstruct pair s = {
\t\t.a = page_file_index(page) + page_file_index(page) +
\t\t\tanother_index,
\t};
""",
    ),
    "short lines stay": (
        """
\treturn «page->index|page_file_index(page)» + 1;
""",
        """
\treturn page_file_index(page) + 1;
""",
    ),
    "a line that was too wide before stays": (
        """
\treturn «page->index|page_file_index(page)» + some_function_with_a_long_name(argument, other) + 1;
""",
        """
\treturn page_file_index(page) + some_function_with_a_long_name(argument, other) + 1;
""",
    ),
    "at a comma, below the first argument": (
        """
\tret = some_function(«page->mapping->host|page_file_mapping(page)->host», argument, another1234);
""",
        """
\tret = some_function(page_file_mapping(page)->host, argument,
\t\t\t    another1234);
""",
    ),
    "as the statement has its lines": (
        """
\tret = some_function(«page->mapping->host|page_file_mapping(page)->host», argument, another1234,
\t\t\tmore);
""",
        """
\tret = some_function(page_file_mapping(page)->host, argument,
\t\t\tanother1234,
\t\t\tmore);
""",
    ),
    "a line that continues a list": (
        """
\tret = some_function(argument,
\t\t\t    another_argument + «page->mapping|page_file_mapping(page)», third123);
""",
        """
\tret = some_function(argument,
\t\t\t    another_argument + page_file_mapping(page),
\t\t\t    third123);
""",
    ),
    "behind an assignment": (
        """
\tstruct some_inode_of_the_fs *inode = SOME_INODE(«page->mapping|page_file_mapping(page)»->host);
""",
        """
\tstruct some_inode_of_the_fs *inode =
\t\tSOME_INODE(page_file_mapping(page)->host);
""",
    ),
    "a condition, at what binds least": (
        """
\tif («page->mapping|page_file_mapping(page)» != inode->i_mapping || !PageUptodate(page)) {
\t\treturn 1;
\t}
""",
        """
\tif (page_file_mapping(page) != inode->i_mapping ||
\t    !PageUptodate(page)) {
\t\treturn 1;
\t}
""",
    ),
    "what an if heads is a statement of its own": (
        """
\tif (long_enough)
\t\tpage->mapping->some_member_index = «page->index|page_file_index(page)» + number;
""",
        """
\tif (long_enough)
\t\tpage->mapping->some_member_index = page_file_index(page) +
\t\t\tnumber;
""",
    ),
    "so is what stands behind else, and behind a loop's macro": (
        """
\telse
\t\tpage->mapping->some_member_index = «page->index|page_file_index(page)» + number;
\tlist_for_each_entry(page, head, lru)
\t\tpage->mapping->some_member_index = «page->index|page_file_index(page)» + number;
""",
        """
\telse
\t\tpage->mapping->some_member_index = page_file_index(page) +
\t\t\tnumber;
\tlist_for_each_entry(page, head, lru)
\t\tpage->mapping->some_member_index = page_file_index(page) +
\t\t\tnumber;
""",
    ),
    "a for": (
        """
\tfor (index = «page->index|page_file_index(page)»; index < the_end_of_all; index += a_step1)
\t\tg(index);
""",
        """
\tfor (index = page_file_index(page); index < the_end_of_all;
\t     index += a_step1)
\t\tg(index);
""",
    ),
    "the line itself moves left, if it only continues": (
        """
\t\t\t\tif (!some_function_that_tests(&walk,
\t\t\t\t\t\t\t      «page->index|page_file_index(page)»)) {
\t\t\t\t}
""",
        """
\t\t\t\tif (!some_function_that_tests(&walk,
\t\t\t\t\t\tpage_file_index(page))) {
\t\t\t\t}
""",
    ),
    "behind a parenthesis where nothing else helps": (
        """
\t\t\tVM_WARN_ON_ONCE_PAGE(structure->pages[i]«->mapping|->file_mapping_of»);
""",
        """
\t\t\tVM_WARN_ON_ONCE_PAGE(
\t\t\t\t\tstructure->pages[i]->file_mapping_of);
""",
    ),
    "a text is never cut": (
        """
\tpr_err("a text, with commas, and more, and more: %lu\\n", «page->index|page_file_index(page)»);
""",
        """
\tpr_err("a text, with commas, and more, and more: %lu\\n",
\t       page_file_index(page));
""",
    ),
    "two edits of a line, in one list": (
        """
\tret = some_function(«page->mapping|page_file_mapping(page)», «page->index|page_file_index(page)», one);
""",
        """
\tret = some_function(page_file_mapping(page), page_file_index(page),
\t\t\t    one);
""",
    ),
    "an initializer's list": (
        """
\tstruct range range = {
\t\t.start_of_it = «page->index|page_file_index(page)», .the_end_of_it = the_end_of_all1,
\t};
""",
        """
\tstruct range range = {
\t\t.start_of_it = page_file_index(page),
\t\t.the_end_of_it = the_end_of_all1,
\t};
""",
    ),
    "each side of an #if": (
        """
#ifdef CONFIG_A
\tif (some_condition_of_the_tree(a) && «page->index|page_file_index(page)» > the_last_1) {
#else
\tif (some_condition_of_the_tree(a) && «page->index|page_file_index(page)» < the_last_1) {
#endif
\t\treturn 1;
\t}
""",
        """
#ifdef CONFIG_A
\tif (some_condition_of_the_tree(a) &&
\t    page_file_index(page) > the_last_1) {
#else
\tif (some_condition_of_the_tree(a) &&
\t    page_file_index(page) < the_last_1) {
#endif
\t\treturn 1;
\t}
""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_wrapping(name: str) -> None:
    before, wanted = CASES[name]
    result = styled(function(before))
    assert result == function(wanted)
    before_lines = function(before).splitlines()
    if name != "a line that was too wide before stays":
        assert all(len(line.expandtabs(8)) <= 80 for line in result.splitlines()), before_lines


def test_line_endings_are_kept() -> None:
    before = function(
        "\tret = some_function(«page->mapping|page_file_mapping(page)», an_argument, the_other_one1);\n"
    ).replace("\n", "\r\n")
    result = styled(before)
    assert "an_argument,\r\n\t\t\t    the_other_one1);\r\n" in result
    assert result.count("\n") == result.count("\r\n")


def test_a_macro_keeps_its_backslashes_in_line() -> None:
    before = (
        "#define SHOW(page)\t\t\t\t\t\t\t\\\n"
        "\tg(«(page)->index|page_file_index(page)»)\t\t\t\t\t\t\\\n"
        "\n"
    )
    wanted = "#define SHOW(page)\t\t\t\t\t\t\t\\\n\tg(page_file_index(page))\t\t\t\t\t\\\n\n"
    assert styled(before) == wanted


def test_a_wrapped_line_of_a_macro_is_continued() -> None:
    before = (
        "#define SHOW(page)\t\t\t\t\t\t\t\\\n"
        "\tsome_function(«(page)->index|page_file_index(page)», a_long_argument_of_24_ch, another)\t\\\n"
        "\n"
    )
    assert styled(before) == (
        "#define SHOW(page)\t\t\t\t\t\t\t\\\n"
        "\tsome_function(page_file_index(page), a_long_argument_of_24_ch,\t\\\n"
        "\t\t      another)\t\t\t\t\t\t\\\n"
        "\n"
    )


def test_a_macro_of_one_line_gets_its_first_backslash() -> None:
    before = (
        "#define SHOW(page) some_function(«(page)->mapping|page_file_mapping(page)»,"
        " an_argument, the_other_one)\n"
    )
    assert styled(before) == (
        "#define SHOW(page) some_function(page_file_mapping(page), an_argument,\t\\\n"
        "\t\t\t\t the_other_one)\n"
    )


def test_the_limit_is_the_tree_s() -> None:
    before = function(
        "\tret = some_function(«page->mapping|page_file_mapping(page)», an_argument, the_other_one1);\n"
    )
    assert "\n\t\t\t    the_other_one1" not in styled(before, limit=100)
    assert column_limit(None) == 80
    assert column_limit(b"BasedOnStyle: LLVM\nColumnLimit: 100\n") == 100
    assert column_limit(b"# nothing\n") == 80
    assert column_limit(b"ColumnLimit: 0\n") == 80


def test_text_that_is_not_ascii() -> None:
    before = function(
        "\tret = some_function(«page->mapping|page_file_mapping(page)», an_argument, other_1); /* é */\n"
    )
    # A wrapped line keeps the comment; widths are those of characters.
    assert "é" in styled(before)
