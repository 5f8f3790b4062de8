"""Whether a swap_activate() asks the VM for the other methods of its table."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefix.program import Program, swaps_through_methods

_HEAD = "static int f_activate(struct swap_info_struct *sis, struct file *file, sector_t *span)\n"

# What the function does, and whether the VM may call the other methods of the table.
_CASES = {
    "returns 0": ("{ *span = sis->pages; return 0; }", True),
    "returns what another says": ("{ *span = 1; return rpc_clnt_swap_activate(clnt); }", True),
    "returns a variable": ("{ int ret = pin(file); return ret; }", True),
    "sets the flag": ("{ sis->flags |= SWP_FS_OPS; return add_swap_extent(sis, 0, 1, 0); }", True),
    "sets the old flag": ("{ sis->flags |= SWP_FS; return -EINVAL; }", True),
    "refuses": ("{ return -EOPNOTSUPP; }", False),
    "refuses in two ways": ("{ if (file) return - EINVAL; return -EPERM; }", False),
    "gives extents": ("{ return add_swap_extent(sis, 0, sis->max, 0); }", False),
    "gives extents by another": ("{ return f_extents(sis); }", False),
    "gives iomap's extents": ("{ return iomap_swapfile_activate(sis, file, span, 0); }", False),
}
_BESIDE = """
static int f_extents(struct swap_info_struct *sis)
{
	int ret = add_swap_extent(sis, 0, 1, 0);

	return ret < 0 ? ret : f_extents(sis);
}
"""


def load(folder: Path, body: str) -> Program:
    (folder / "fs").mkdir()
    (folder / "fs" / "f.c").write_text(_BESIDE + _HEAD + body + "\n")
    return Program.load([str(folder / "fs")])


@pytest.mark.parametrize("case", _CASES)
def test_what_a_function_asks_for(tmp_path: Path, case: str) -> None:
    body, asks = _CASES[case]
    program = load(tmp_path, body)
    path = program.files[0]
    assert swaps_through_methods(program, "f_activate", path) is asks


def test_since_swap_rw_only_the_flag_counts(tmp_path: Path) -> None:
    program = load(tmp_path, "{ *span = sis->pages; return 0; }")
    path = program.files[0]
    assert not swaps_through_methods(program, "f_activate", path, by_return=False)


def test_a_stub_beside_it_does_not_hide_it(tmp_path: Path) -> None:
    body = "{ return -EOPNOTSUPP; }\n#ifdef CONFIG_SWAP\n" + _HEAD + "{ return 0; }\n#endif"
    program = load(tmp_path, body)
    path = program.files[0]
    assert swaps_through_methods(program, "f_activate", path)
