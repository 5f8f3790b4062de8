"""The reader: every construct that the bare grammar stumbles on is read, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pagefix.c import Chunk, ChunkKind, NoMacros, Unit, ast, read
from pagefix.source import SourceFile

#: What the grammar alone cannot read, each with identifiers of its own.
TEXTS = {
    "type argument": "void f(void)\n{\n\ta = container_of(b, struct tag, member);\n}\n",
    "words as type": "void f(void)\n{\n\ta = min_t(unsigned long, b, c);\n}\n",
    "loop macro": "void f(void)\n{\n\tlist_for_each_entry(pos, head, link) {\n\t\tg(pos);\n\t}\n}\n",
    "loop without braces": "void f(void)\n{\n\tlist_for_each(pos, head)\n\t\tg(pos);\n}\n",
    "annotations": "static noinline int __init f(char __user *buffer)\n{\n\treturn g(buffer);\n}\n",
    "typeof": "void f(void)\n{\n\ttypeof(a->field) b = c;\n\tg(b);\n}\n",
    "offsetof path": "int f(void)\n{\n\treturn offsetof(struct tag, one.two[three]);\n}\n",
    "split statement": (
        "void f(void)\n{\n#ifdef ONE\n\tif (a)\n#else\n\tif (b)\n#endif\n\t\tg(c);\n}\n"
    ),
    "split head": "#ifdef ONE\nint f(int a)\n{\n#else\nint f(long b)\n{\n#endif\n\treturn g();\n}\n",
    "operator argument": "void f(void)\n{\n\tASSERTCMP(a, ==, b);\n}\n",
    "case range": "void f(void)\n{\n\tswitch (a) {\n\tcase B ... C:\n\t\tg(d);\n\t}\n}\n",
    "alignof": "int f(void)\n{\n\treturn __alignof__(a->field);\n}\n",
    "crlf": "int f(void)\r\n{\r\n\treturn a->field;\r\n}\r\n",
    "no last newline": "int f(void) { return a->field; }",
    "macro body": "#define get(p) \\\n\t((p)->field + other)\n",
    "statement macro": "#define put(p, v) do { \\\n\t(p)->field = (v); \\\n} while (0)\n",
}
_WORD = re.compile(r"[A-Za-z_]\w*")
#: Keywords, annotations and type words: what may be blanked, or has a node of its own.
_PLAIN = frozenset(
    "void int long char unsigned struct return if else switch case do while static noinline __init"
    " __user typeof offsetof __alignof__ define ifdef endif ONE".split()
)


def _unit(text: str) -> Unit:
    return read(SourceFile("a.c", "", text.encode()), NoMacros())


def _words(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield from _WORD.findall(node)
    elif isinstance(node, tuple):
        for part in node:
            yield from _words(part)


def _nodes(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield node
        for part in node:
            yield from _nodes(part)


def _items(text: str) -> list[ast.Item]:
    unit = _unit(text)
    return [item for chunk in unit.chunks for item in unit.items(chunk)]


@pytest.mark.parametrize("name", TEXTS)
def test_it_is_read_without_an_error(name: str) -> None:
    unit = _unit(TEXTS[name])
    assert [unit.broken(chunk) for chunk in unit.chunks] == [()] * len(unit.chunks)


@pytest.mark.parametrize("name", TEXTS)
def test_every_identifier_is_in_some_tree(name: str) -> None:
    found = {word for item in _items(TEXTS[name]) for word in _words(item)}
    assert set(_WORD.findall(TEXTS[name])) - _PLAIN <= found


@pytest.mark.parametrize("name", TEXTS)
def test_offsets_are_those_of_the_file(name: str) -> None:
    text = TEXTS[name]
    for item in _items(text):
        for node in _nodes(item):
            if isinstance(node, ast.Member):
                assert text[node.at :].startswith(node.field)
            elif isinstance(node, ast.Name):
                assert text[node.start : node.end] == node.name


def test_code_is_the_text_without_comments_and_strings() -> None:
    text = 'int a; /* b->index */\nchar *c = "d->index"; // e\nint f;\n'
    unit = _unit(text)
    assert len(unit.code) == len(text)
    assert unit.code.count(b"\n") == text.count("\n")
    assert b"index" not in unit.code
    assert unit.code.index(b"int f") == text.index("int f")


def test_an_inner_variable_is_another_one() -> None:
    text = "int f(int a)\n{\n\tg(a);\n\t{\n\t\tint a = 1;\n\t\th(a);\n\t}\n\treturn a;\n}\n"
    (function,) = _items(text)
    uses = [node for node in _nodes(function) if isinstance(node, ast.Name) and node.name == "a"]
    outer, inner = text.index("a)"), text.index("a = 1")
    assert [use.decl for use in uses] == [outer, inner, outer]


def test_chunks_say_what_they_define() -> None:
    text = (
        "struct tag {\n\tint a;\n};\n#define MACRO 1\nstruct tag *make(struct tag *other);\n"
        "static int f(void)\n{\n\treturn 0;\n}\nint table[] = { 1 };\n"
    )
    assert [(chunk.kind, chunk.names) for chunk in _unit(text).chunks] == [
        (ChunkKind.RECORD, ("struct tag",)),
        (ChunkKind.DEFINE, ("MACRO",)),
        (ChunkKind.VARIABLE, ("make",)),
        (ChunkKind.FUNCTION, ("f",)),
        (ChunkKind.VARIABLE, ("table",)),
    ]


@pytest.mark.parametrize(
    "text", ["", "\0\xff", "}", "{", "int f( {", '"', "/*", "#if", "#else\n", "# \n", "((((", "'"]
)
def test_no_text_is_too_odd(text: str) -> None:
    unit = read(SourceFile("a.c", "", text.encode("latin-1")), NoMacros())
    chunks: tuple[Chunk, ...] = unit.chunks
    for chunk in chunks:
        unit.items(chunk)
        assert 0 <= chunk.start <= chunk.end <= len(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("typedef struct __head head_t;", "head_t"),
        ("typedef struct __head *head_p;", "head_p"),
        ("typedef __u32 uint32_t;", "uint32_t"),
        ("typedef __kernel_size_t size_t;", "size_t"),
        ("struct __packed foo *bar;", "bar"),
        ("union __word word;", "word"),
    ],
)
def test_the_scan_and_the_reader_find_one_name(text: str, name: str) -> None:
    unit = read(SourceFile("a.h", "a.h", text.encode()), NoMacros())
    (chunk,) = unit.chunks
    assert chunk.names == (name,)
    (item,) = unit.items(chunk)
    assert getattr(item, "name", None) == name
