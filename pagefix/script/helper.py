"""The helper that a script gets where the swap cache takes three steps.

Floor 5.
"""

from __future__ import annotations

__all__ = ["HELPER", "HELPER_IMPORTS", "HELPER_NAME"]

HELPER_NAME = "swapcache_file_position"

#: What it needs, by module.
HELPER_IMPORTS = (
    ("drgn", "Object"),
    ("drgn", "TypeKind"),
    ("drgn", "cast"),
    ("drgn.helpers.linux.mm", "PageSwapBacked"),
    ("drgn.helpers.linux.mm", "compound_head"),
    ("drgn.helpers.linux.mm", "page_flags"),
    ("drgn.helpers.linux.mm", "page_index"),
)

HELPER = '''\
def swapcache_file_position(page):
    """
    Get the mapping and the index of a page in its file, or in the swap file.

    Both bits are needed for the swap cache: PG_swapcache is PG_owner_priv_1
    since Linux kernel commit 6326fec1122c ("mm: Use owner_priv bit for
    PageSwapCache, valid when PageSwapBacked") (in v4.10).

    :param page: ``struct page *`` or ``struct folio *``
    :return: (``struct address_space *``, ``unsigned long``); NULL for the
        mapping of a page that has none or is anonymous.
    """
    prog = page.prog_
    if page.type_.kind != TypeKind.POINTER:
        page = page.address_of_()
    # A folio begins with its first page.
    page = cast("struct page *", page)
    head = compound_head(page)
    nth = (page.value_() - head.value_()) // page.type_.type.size
    if PageSwapBacked(head) and page_flags(head).value_() >> prog["PG_swapcache"].value_() & 1:
        try:
            # Since "mm/swap: use dedicated entry for swap in folio" (in v6.6).
            entry = cast("struct folio *", head).swap.val.value_()
        except (AttributeError, LookupError):
            entry = head.private.value_()
        bits = 8 * prog.type("unsigned long").size
        try:
            # The XArray (since v4.20) left one bit more to swap entries.
            prog.type("struct xarray")
            shift = bits - 6
        except LookupError:
            shift = bits - 7
        mapping = prog["swap_info"][entry >> shift].swap_file.f_mapping
        index = (entry & ((1 << shift) - 1)) + nth
    else:
        mapping = head.mapping
        if mapping.value_() & 3:
            mapping = Object(prog, mapping.type_, 0)
        index = page_index(head).value_() + nth
    return mapping, Object(prog, "unsigned long", index)
'''
