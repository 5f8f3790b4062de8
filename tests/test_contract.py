"""What a contract check must not depend on, and what stands before a filesystem is called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.cli_clauses import other_clauses
from pagefix.cli_contract import contract_lines
from pagefix.contract import Contracts, Verdict, check_contracts
from pagefix.finding import Kind, Severity
from pagefix.flow import SwapOptions
from pagefix.ops import find_ops
from pagefix.rulebook import ContractSpec, load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "contract"
RULES = [rule for rule in load_rules() if rule.kind is Kind.CONTRACT]
PROGRAMS = sorted(FIXTURES.glob("*-*/*.c"))
HEADER = (FIXTURES / "include/linux/fs.h").read_text()

FILESYSTEM = """\
#include <linux/fs.h>
int foo_swap_activate(struct swap_info_struct *sis, struct file *file, sector_t *span);
const struct address_space_operations foo_aops = { .swap_activate = foo_swap_activate };
int foo_share(struct inode *in, loff_t off, struct inode *out, loff_t to, loff_t len);
static loff_t foo_remap(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			loff_t len, unsigned int flags)
{
	return foo_share(file_inode(in), pos_in, file_inode(out), pos_out, len);
}
const struct file_operations foo_fops = { .remap_file_range = foo_remap };
"""

VFS = """\
#include <linux/fs.h>
loff_t do_clone_file_range(const struct file_operations *op, struct file *in, struct file *out)
{
	loff_t ret;

	lock_two_nondirectories(file_inode(in), file_inode(out));
	%s
	ret = op->remap_file_range(in, 0, out, 0, 0, 0);
	unlock_two_nondirectories(file_inode(in), file_inode(out));
	return ret;
}
"""

GUARD = "if (IS_SWAPFILE(file_inode(in)) || IS_SWAPFILE(file_inode(out))) return -ETXTBSY;"


def words() -> set[str]:
    """Return what the rules call by name: all else may be called anything."""
    found: set[str] = set()
    for rule in RULES:
        assert isinstance(rule.spec, ContractSpec)
        for role in rule.spec.roles:
            found.update((*role.commands, role.slot, *role.vfs))
        for effect in rule.spec.effects:
            found.update(
                (
                    *effect.call,
                    *effect.mentions,
                    *effect.store,
                    *effect.field,
                    *effect.by,
                    effect.of,
                )
            )
        for demand in rule.spec.demands:
            called = (word for each in demand.calls for word in each.split())
            found.update((*demand.names, *demand.where, *demand.under, *demand.taken, *called))
        for pair in rule.spec.pairs:
            found.update((pair.take, *pair.give, *pair.moves))
    return found


def renamed(text: str) -> str:
    """Return a program with other names for all that it, and not its header, introduces."""
    code = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", text, flags=re.S)
    known = words() | set(re.findall(r"\w+", HEADER)) | {"include", "linux", "define"}
    known |= set(
        "break case const continue default do else for goto if return sizeof static struct switch while".split()
    )
    names = set(re.findall(r"\b[A-Za-z_]\w*", code)) - known
    return re.sub(
        r"\b[A-Za-z_]\w*", lambda name: f"zz_{name[0]}" if name[0] in names else name[0], text
    )


def places(folder: Path) -> list[tuple[str, int]]:
    findings = check_contracts(engine.load([str(folder / "fs/foo")]), RULES).findings
    return [(each.rule, each.place.line) for each in findings]


def tree(folder: Path, text: str, vfs: str = "") -> Path:
    files = {"include/linux/fs.h": HEADER, "include/linux/mm.h": "", "fs/foo/file.c": text}
    if vfs:
        files["fs/remap_range.c"] = vfs
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_names_of_a_filesystem_do_not_matter(program: Path, tmp_path: Path) -> None:
    text = program.read_text()
    other = renamed(text)
    assert other != text
    before = places(tree(tmp_path / "before", text))
    assert places(tree(tmp_path / "after", other)) == before


def test_a_test_in_the_vfs_counts(tmp_path: Path) -> None:
    assert places(tree(tmp_path / "untested", FILESYSTEM, VFS % "")) == [("reflink-of-swapfile", 8)]
    assert places(tree(tmp_path / "tested", FILESYSTEM, VFS % GUARD)) == []


def test_a_test_in_the_vfs_that_is_not_heeded_does_not(tmp_path: Path) -> None:
    said = GUARD.replace("return -ETXTBSY", 'pr_warn("swap")')
    assert places(tree(tmp_path, FILESYSTEM, VFS % said)) == [("reflink-of-swapfile", 8)]


def test_each_filesystem_has_a_contract_of_its_own(tmp_path: Path) -> None:
    folder = tree(tmp_path, FILESYSTEM, VFS % "")
    other = folder / "fs/bar/file.c"
    other.parent.mkdir()

    def found() -> list[tuple[str, int]]:
        findings = check_contracts(engine.load([str(folder / "fs")]), RULES).findings
        return [(each.place.path, each.place.line) for each in findings]

    other.write_text(re.sub(r"const struct address_space_operations.*\n", "\n", FILESYSTEM))
    assert found() == [("fs/foo/file.c", 8)]
    other.write_text(FILESYSTEM.replace("foo", "bar"))
    assert found() == [("fs/bar/file.c", 8), ("fs/foo/file.c", 8)]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_without_a_function_changes_nothing(program: Path, tmp_path: Path) -> None:
    folder = tree(tmp_path, program.read_text())
    alone = places(folder)
    (folder / "fs/foo/empty.c").write_text("")
    (folder / "fs/foo/only.c").write_text("#include <linux/fs.h>\nstruct foo_only;\n")
    assert places(folder) == alone


def test_nothing_is_asked_where_no_table_has_swap_activate(tmp_path: Path) -> None:
    text = re.sub(r"const struct address_space_operations.*\n", "", FILESYSTEM)
    assert places(tree(tmp_path, text)) == []


def contracts(name: str) -> Contracts:
    return check_contracts(engine.load([str(FIXTURES / name)]), RULES)


def test_what_is_kept_is_said_with_its_place() -> None:
    found = contracts("device-removal-under-swapfile/ok.c")
    (kept,) = (each for each in found.outcomes if each.verdict is Verdict.KEPT)
    assert (kept.clause, kept.role) == ("O13", "foo_ioctl_ok")
    assert kept.where is not None
    text = (FIXTURES / "device-removal-under-swapfile/ok.c").read_text().splitlines()
    assert "btrfs_pinned_by_swapfile(NULL, device)" in text[kept.where.line - 1]


def test_the_trace_leads_from_the_user_to_the_effect() -> None:
    (finding,) = contracts("defrag-of-swapfile/result_ignored.c").findings
    assert [(step.depth, step.message) for step in finding.trace] == [
        (0, "the user defragments the file: foo_ioctl_bad() gets the ioctl"),
        (1, "calls defrag_bad()"),
        (2, "no test of IS_SWAPFILE() stands before this"),
    ]
    assert finding.place == finding.trace[-1].place
    assert "btrfs_defrag_file()" in finding.fixes[0].message


def test_the_table_lists_every_clause_once_for_each_role() -> None:
    lines = list(contract_lines(contracts("defrag-of-swapfile/no_test.c")))
    (missing,) = (line for line in lines if line.startswith("O9"))
    assert missing.split()[1:3] == ["missing", "defrag-of-swapfile:"]
    assert lines[-1] == "1 missing."
    assert [line.split()[0] for line in lines[:2]] == ["A1", "A2"]


def test_a_swap_activate_that_is_to_come_has_a_list(tmp_path: Path) -> None:
    text = (FIXTURES / "cow-swapfile/ok.c").read_text().replace(".swap_activate = activate_ok,", "")
    program = engine.load([str(tree(tmp_path, text) / "fs/foo")])
    outcomes = check_contracts(program, RULES, "foo_aops").outcomes
    todo = [(each.clause, each.reason) for each in outcomes if each.verdict is Verdict.TODO]
    cow, most = (
        f"a swap_activate must ask for {name}, as fs/btrfs/inode.c:btrfs_"
        for name in (
            "BTRFS_INODE_NODATACOW",
            "sis->max",
        )
    )
    back = "a swap_activate that fails must give back every lock, count and reference that it took"
    assert sorted(todo) == [
        ("A1", f"{cow}swap_activate() does"),
        ("A13", f"{back}: swap_deactivate is not called then"),
        ("A9", f"{most}add_swap_extent() does"),
    ]


def test_what_is_kept_names_the_test_that_is_needed(tmp_path: Path) -> None:
    # foo_next() looks at holes too, but it is the test in swap_activate that refuses them.
    text = """\
#include <linux/fs.h>
#define EXTENT_MAP_HOLE 4
struct map { u64 block_start; };
static int foo_next(struct map *em)
{
	return em->block_start == EXTENT_MAP_HOLE ? 1 : 2;
}
static int activate(struct swap_info_struct *sis, struct file *file, sector_t *span)
{
	struct map em;

	foo_next(&em);
	if (em.block_start == EXTENT_MAP_HOLE)
		return -EINVAL;
	return add_swap_extent(sis, 0, sis->max, em.block_start);
}
const struct address_space_operations foo_aops = { .swap_activate = activate };
"""
    program = engine.load([str(tree(tmp_path, text) / "fs/foo")])
    kept = [
        (each.where.line, each.reason)
        for each in check_contracts(program, RULES, places=True).outcomes
        if each.clause == "A5" and each.verdict is Verdict.KEPT and each.where is not None
    ]
    words = "the user activates a swap file (swapon): activate() tests"
    assert kept == [(13, f"{words} em.block_start == EXTENT_MAP_HOLE")]


def test_a_test_outside_the_lock_is_a_line_of_its_own() -> None:
    lines = list(contract_lines(contracts("defrag-of-swapfile/before_the_lock.c")))
    (line,) = (each for each in lines if each.startswith("O9"))
    assert line.split()[1:3] == ["outside", "lock"]
    assert lines[-1] == "1 tested outside the lock."


def test_what_a_role_does_not_take_it_need_not_give_back() -> None:
    (line,) = (each for each in contract_lines(contracts("cow-swapfile/ok.c")) if "A13" in each)
    assert line.split()[1:3] == ["not", "applicable"]
    found = list(contract_lines(contracts("leak-in-swap-activate/moved.c")))
    assert [line.split()[1] for line in found if line.startswith("A13")] == ["kept", "missing"]


def test_a_method_that_swap_activate_tests_for_is_a_note() -> None:
    program = engine.load([str(FIXTURES.parent / "unpaired-swap-activate/tables.c")])
    found = {each.message.split()[0]: each for each in find_ops(program, load_rules())[0]}
    asking, lacking = found["foofs_asking_bad"], found["foofs_no_real_direct_IO_bad"]
    assert (asking.severity, lacking.severity) == (Severity.NOTE, Severity.ERROR)
    assert asking.message.endswith("; swap_activate itself tests for it, and so refuses every file")


def test_pairing_and_direct_io_are_clauses_of_the_table() -> None:
    rules = [rule for rule in load_rules() if rule.clause or rule.kind is Kind.OPS]
    program = engine.load([str(FIXTURES.parent / "unpaired-swap-activate/tables.c")])
    found = {(each.clause, each.role): str(each.verdict) for each in other_clauses(program, rules)}
    assert found["P1", "foofs_whole_ok"] == found["P2", "foofs_whole_ok"] == "kept"
    assert found["P1", "foofs_no_deactivate_bad"] == "missing"
    assert found["P2", "foofs_no_deactivate_bad"] == "kept"
    planned = other_clauses(program, rules, SwapOptions("foofs_btree_ok"))
    todo = {each.clause: each.reason for each in planned if each.role == "foofs_btree_ok"}
    assert todo["P1"].startswith("foofs_btree_ok must get swap_deactivate")
    assert todo["P2"].startswith("foofs_btree_ok must get direct_IO and readpage")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: f"{each.parent.name}-{each.stem}")
def test_a_hurried_check_finds_what_a_whole_one_finds(program: Path) -> None:
    loaded = engine.load([str(program)])
    hurried, whole = (check_contracts(loaded, RULES, places=each) for each in (False, True))
    assert hurried.findings == whole.findings
    assert [each.verdict for each in hurried.outcomes] == [each.verdict for each in whole.outcomes]
