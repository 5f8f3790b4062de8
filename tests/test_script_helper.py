"""The inserted helper, run by drgn itself on small programs made here.

drgn is in the `dev` extra, so this runs wherever the tests do. Two shapes of the kernel:
v3.18's (an own bit, the entry in page->private, radix tree) and v6.12's (the entry in
folio->swap, XArray). Expected values were worked out by hand.
"""

from __future__ import annotations

from typing import Any

import pytest

from pagefix.script.helper import HELPER, HELPER_IMPORTS

drgn = pytest.importorskip("drgn")

PAGES, SWAP_MAPPING, FILE_MAPPING = 0x1000, 0x9000, 0xA000
BITS = {"PG_swapcache": 3, "PG_swapbacked": 5, "PG_head": 6}
HEAD, SWAPBACKED, SWAPCACHE = 1 << 6, 1 << 5, 1 << 3
SIZE = 40


def _helper() -> Any:
    names: dict[str, Any] = {}
    for module, name in HELPER_IMPORTS:
        exec(f"from {module} import {name}", names)
    exec(HELPER, names)
    return names["swapcache_file_position"]


def _program(*, new: bool, renamed: bool = False) -> Any:
    prog = drgn.Program(drgn.Platform(drgn.Architecture.X86_64))
    memory = bytearray(0x10000)
    prog.add_memory_segment(
        0,
        len(memory),
        lambda address, count, offset, physical: bytes(memory[address : address + count]),
    )
    ulong = prog.int_type("unsigned long", 8, False)
    char = prog.int_type("char", 1, True)
    member = drgn.TypeMember
    space = prog.struct_type("address_space", 8, (member(ulong, "host"),))
    file = prog.struct_type("file", 8, (member(prog.pointer_type(space), "f_mapping", 0),))
    info = prog.struct_type("swap_info_struct", 8, (member(prog.pointer_type(file), "swap_file"),))
    index = "__folio_index" if renamed else "index"
    page = prog.struct_type(
        "page",
        SIZE,
        (
            member(ulong, "flags", 0),
            member(prog.pointer_type(space), "mapping", 64),
            member(ulong, index, 128),
            member(ulong, "private", 192),
            member(ulong, "compound_head", 256),
        ),
    )
    types = {"page": page, "address_space": space, "unsigned long": ulong, "char": char}
    if new:
        entry = prog.struct_type("swp_entry_t", 8, (member(ulong, "val"),))
        types["folio"] = prog.struct_type(
            "folio", SIZE, (member(page, "page", 0), member(entry, "swap", 192))
        )
        types["xarray"] = prog.struct_type("xarray", 8, (member(ulong, "xa_head"),))
    flags = prog.enum_type(
        "pageflags",
        prog.int_type("unsigned int", 4, False),
        tuple(drgn.TypeEnumerator(name, number) for name, number in BITS.items()),
    )

    def find_type(_: Any, kinds: Any, name: str, filename: Any) -> Any:
        found = types.get(name)
        return found if found is not None and found.kind in kinds else None

    def find_object(_: Any, name: str, which: Any, filename: Any) -> Any:
        if name in BITS:
            return drgn.Object(prog, flags, BITS[name])
        if name == "swap_info":
            # One pointer for each of the kernel's swap files; ours is the third.
            return drgn.Object(prog, prog.array_type(prog.pointer_type(info), 4), address=0x8000)
        return None

    prog.register_type_finder("test", find_type, enable_index=0)
    prog.register_object_finder("test", find_object, enable_index=0)

    def put(address: int, value: int) -> None:
        memory[address : address + 8] = value.to_bytes(8, "little")

    put(0x8000 + 2 * 8, 0x8100)  # swap_info[2]
    put(0x8100, 0x8200)  # ->swap_file
    put(0x8200, SWAP_MAPPING)  # ->f_mapping
    return prog, page, put


def _page(
    put: Any, nth: int, flags: int, mapping: int, index: int, private: int, head: int = 0
) -> None:
    at = PAGES + nth * SIZE
    for number, value in enumerate((flags, mapping, index, private, head)):
        put(at + 8 * number, value)


def _asked(prog: Any, page: Any, nth: int) -> tuple[int, int]:
    found = _helper()(drgn.Object(prog, prog.pointer_type(page), PAGES + nth * SIZE))
    return found[0].value_(), found[1].value_()


def _asked_of(prog: Any, thing: Any) -> tuple[int, int]:
    found = _helper()(thing)
    return found[0].value_(), found[1].value_()


SHAPES = [
    pytest.param({"new": False}, 57, id="v3.18"),
    pytest.param({"new": True}, 58, id="v6.12"),
    pytest.param({"new": True, "renamed": True}, 58, id="v6.16"),
]


@pytest.mark.parametrize(("shape", "shift"), SHAPES)
def test_page_cache(shape: dict[str, bool], shift: int) -> None:
    prog, page, put = _program(**shape)
    # PG_checked of a filesystem is the bit of PG_swapcache since v4.10.
    _page(put, 0, SWAPCACHE, FILE_MAPPING, 77, 0)
    assert _asked(prog, page, 0) == (FILE_MAPPING, 77)


@pytest.mark.parametrize(("shape", "shift"), SHAPES)
def test_anonymous(shape: dict[str, bool], shift: int) -> None:
    prog, page, put = _program(**shape)
    _page(put, 0, SWAPBACKED, 0xB001, 12, 0)
    assert _asked(prog, page, 0) == (0, 12)


@pytest.mark.parametrize(("shape", "shift"), SHAPES)
def test_swapcache_head_and_tail(shape: dict[str, bool], shift: int) -> None:
    prog, page, put = _program(**shape)
    entry = (2 << shift) | 4096
    _page(put, 0, SWAPBACKED | SWAPCACHE | HEAD, 0xB001, 12, entry)
    # A tail page: poison in the mapping, its own flags empty, bit 0 leads to the head.
    _page(put, 1, 0, 0x400, 0, 0, PAGES | 1)
    _page(put, 2, 0, 0x400, 0, 0, PAGES | 1)
    assert _asked(prog, page, 0) == (SWAP_MAPPING, 4096)
    assert _asked(prog, page, 2) == (SWAP_MAPPING, 4098)


@pytest.mark.parametrize(("shape", "shift"), SHAPES)
def test_tail_in_the_page_cache(shape: dict[str, bool], shift: int) -> None:
    prog, page, put = _program(**shape)
    _page(put, 0, HEAD, FILE_MAPPING, 512, 0)
    _page(put, 3, 0, 0x400, 0, 0, PAGES | 1)
    assert _asked(prog, page, 3) == (FILE_MAPPING, 515)


@pytest.mark.parametrize(("shape", "shift"), SHAPES)
def test_a_page_by_value_and_a_folio(shape: dict[str, bool], shift: int) -> None:
    prog, page, put = _program(**shape)
    _page(put, 0, SWAPBACKED | SWAPCACHE | HEAD, 0xB001, 12, (2 << shift) | 4096)
    _page(put, 1, 0, 0x400, 0, 0, PAGES | 1)
    # page[1] of a script: no pointer, but the page itself where it lies.
    assert _asked_of(prog, drgn.Object(prog, page, address=PAGES + SIZE)) == (SWAP_MAPPING, 4097)
    if shape["new"]:
        folio = drgn.Object(prog, prog.pointer_type(prog.type("struct folio")), PAGES)
        assert _asked_of(prog, folio) == (SWAP_MAPPING, 4096)


@pytest.mark.parametrize(("shape", "shift"), SHAPES)
def test_pages_that_are_neither(shape: dict[str, bool], shift: int) -> None:
    prog, page, put = _program(**shape)
    # A page of shared memory that is on its way to swap: the bit is set, the mapping gone.
    _page(put, 0, SWAPBACKED | SWAPCACHE, 0, 12, (2 << shift) | 1)
    assert _asked(prog, page, 0) == (SWAP_MAPPING, 1)
    # One that is in its file: swap backed, and no more.
    _page(put, 1, SWAPBACKED, FILE_MAPPING, 3, 0)
    assert _asked(prog, page, 1) == (FILE_MAPPING, 3)
    # A page of nobody, and one with KSM's two bits.
    _page(put, 2, 0, 0, 0, 0)
    assert _asked(prog, page, 2) == (0, 0)
    _page(put, 3, SWAPBACKED, 0xB003, 9, 0)
    assert _asked(prog, page, 3) == (0, 9)
