"""Guards in random statements, run before and after the rewrite.

For a page outside the swap cache nothing changes; for one inside it is as if the calls were
not made. A test of the page after unlock_page() gets a wrong answer here, as it may in a
kernel.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from pagefix import engine
from pagefix.rulebook import Scope, load_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")

_HEAD = """\
#include <linux/cleancache.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

struct extent_state;
struct extent_io_tree {
	struct extent_state *first;
};
int set_extent_uptodate(struct extent_io_tree *tree, u64 start, u64 end,
			struct extent_state **cached, gfp_t gfp);
int cond(int what);
int again(void);
void note(struct page *page, int what);

static void release(struct page *page)
{
	unlock_page(page);
}

"""

_TAIL = """
static ssize_t foofs_direct_IO(int rw, struct kiocb *iocb, struct iov_iter *iter, loff_t offset)
{
	return 0;
}

static int foofs_swap_activate(struct swap_info_struct *sis, struct file *file, sector_t *span)
{
	return 0;
}

static void foofs_swap_deactivate(struct file *file)
{
}

const struct address_space_operations foofs_aops = {
	.readpage = foofs_readpage,
	.set_page_dirty = __set_page_dirty_nobuffers,
	.direct_IO = foofs_direct_IO,
	.swap_activate = foofs_swap_activate,
	.swap_deactivate = foofs_swap_deactivate,
};
"""

# Says what was called, in order. Without PRESENT the kernel's part answers for a swapcache
# page as the program before the rewrite would have to be answered.
_MAIN = """\
#include <stdio.h>
#include <stdlib.h>
struct page;
int swapped, guarded, locked;
unsigned int state;
static unsigned int next(void) { state = state * 1103515245 + 12345; return state >> 16; }
int PageSwapCache(struct page *page) { return locked ? swapped : !swapped; }
int PagePrivate(struct page *page) { return 0; }
int cond(int what) { int x = next() % 3; printf("c%d:%d ", what, x); return x; }
void note(struct page *page, int what) { printf("n%d ", what); }
void unlock_page(struct page *page) { locked = 0; printf("u "); }
static int made(const char *what)
{
	if (swapped && !guarded)
		return 0;
	printf("%s%s ", swapped ? "WRONG" : "", what);
	return 1;
}
static unsigned int calls;
int cleancache_get_page(struct page *page) { return made("g") ? (int)(++calls * 7 % 3) - 1 : -1; }
void cleancache_put_page(struct page *page) { made("p"); }
void SetPagePrivate(struct page *page) { made("s"); }
int set_extent_uptodate(void *tree, unsigned long long start, unsigned long long end, void *c, unsigned int g)
{
	made("e");
	return 0;
}
unsigned long __page_file_index(struct page *page) { return 0; }
void *__page_file_mapping(struct page *page) { return 0; }
int __set_page_dirty_nobuffers(struct page *page) { return 0; }
static int turns;
int again(void) { return turns++ < 20; }
static char page[4096];
"""


class _Program:
    # Random functions; every condition is one that nobody knows.

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self.labels: list[str] = []

    def number(self) -> int:
        self.count += 1
        return self.count

    def function(self, name: str) -> str:
        self.labels = [f"out{n}" for n in range(self.random.randrange(3))]
        body = self.block(1, 5)
        while self.labels:
            # Nothing goes back: every program comes to an end.
            body += f"{self.labels.pop(0)}:\n{self.statement(1, 2)}"
        return (
            f"static int {name}(struct extent_io_tree *tree, struct page *page)\n{{\n"
            f"\tu64 start = page_file_offset(page);\n\tint x = 0;\n\n"
            f"{body}\treturn x;\n}}\n\n"
        )

    def block(self, tabs: int, most: int) -> str:
        return "".join(
            self.statement(tabs, most - 1) for _ in range(self.random.randrange(1, most + 1))
        )

    def statement(self, tabs: int, deep: int) -> str:
        pad = "\t" * tabs
        kinds = ["note", "put", "set", "value", "range", "unlock"]
        kinds += (
            ["if", "if", "ifelse", "braces", "for", "do", "switch", "goto", "comma"]
            if deep > 0
            else []
        )
        kind = self.random.choice(kinds)
        inner = tabs + 1
        match kind:
            case "note":
                return f"{pad}note(page, {self.number()});\n"
            case "put":
                return f"{pad}cleancache_put_page(page);\n"
            case "set":
                return f"{pad}SetPagePrivate(page);\n"
            case "range":
                return f"{pad}set_extent_uptodate(tree, start, start + 4095, NULL, GFP_NOFS);\n"
            case "unlock":
                return f"{pad}{self.random.choice(('unlock_page', 'release'))}(page);\n"
            case "value":
                return f"{pad}x {self.random.choice(('=', '+='))} {self.condition(2)};\n"
            case "comma":
                return f"{pad}note(page, {self.number()}), cleancache_put_page(page);\n"
            case "if":
                return f"{pad}if ({self.condition(2)})\n{self.statement(inner, deep - 1)}"
            case "ifelse":
                return (
                    f"{pad}if ({self.condition(2)})\n{self.statement(inner, deep - 1)}"
                    f"{pad}else\n{self.statement(inner, deep - 1)}"
                )
            case "braces":
                other = self.random.choice(
                    (
                        "}\n",
                        f"}} else {{\n{self.block(inner, deep)}{pad}}}\n",
                        f"}} else if ({self.condition(1)})\n{self.statement(inner, deep - 1)}",
                    )
                )
                return f"{pad}if ({self.condition(2)}) {{\n{self.block(inner, deep)}{pad}{other}"
            case "for":
                return f"{pad}while (again())\n{self.statement(inner, deep - 1)}"
            case "do":
                body = self.statement(inner, deep - 1)
                return f"{pad}do\n{body}{pad}while (again() && ({self.condition(1)}));\n"
            case "switch":
                return (
                    f"{pad}switch ({self.condition(1)}) {{\n{pad}case 0:\n{self.block(inner, 2)}"
                    f"{pad}\tbreak;\n{pad}default:\n{self.block(inner, 2)}{pad}}}\n"
                )
        if self.labels:
            return f"{pad}goto {self.random.choice(self.labels)};\n"
        return f"{pad}return x;\n"

    def condition(self, deep: int) -> str:
        some = [f"cond({self.number()})", "cleancache_get_page(page)", "!cleancache_get_page(page)"]
        some += ["cleancache_get_page(page) == 0", "cleancache_get_page(page) != 0"]
        some += ["cleancache_get_page(page) < 0", "(cleancache_get_page(page))"]
        if deep > 0 and self.random.random() < 0.6:
            one, other = self.condition(deep - 1), self.condition(deep - 1)
            form = self.random.choice(
                ("{} && {}", "{} || {}", "({} || {})", "!({} && {})", "({} ? {} : 1)")
            )
            return form.format(one, other)
        return self.random.choice(some)


def _run(folder: Path, name: str, text: str, guarded: bool) -> list[str]:
    include = FIXTURES / "include"
    source = folder / f"{name}.c"
    source.write_text(text + '#include "main.h"\n')
    flags = ["-std=gnu11", "-w", f"-I{include}", f"-I{folder}"]
    subprocess.run(["gcc", *flags, "-c", "-o", f"{folder}/{name}.o", str(source)], check=True)
    kernel = folder / "kernel.c"
    subprocess.run(
        ["gcc", "-std=gnu11", "-w", "-o", f"{folder}/{name}", f"{folder}/{name}.o", str(kernel)],
        check=True,
    )
    done = subprocess.run(
        [f"{folder}/{name}", str(int(guarded))],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", range(6))
def test_only_the_calls_are_left_out(seed: int, tmp_path: Path) -> None:
    program = _Program(seed)
    names = [f"f{number}" for number in range(40)]
    text = _HEAD + "".join(program.function(name) for name in names)
    text += "static int foofs_readpage(struct file *file, struct page *page)\n{\n"
    text += "\tstruct extent_io_tree *tree = file->private_data;\n\n"
    text += "".join(f"\t{name}(tree, page);\n" for name in names) + "\treturn 0;\n}\n" + _TAIL
    (tmp_path / "include").symlink_to(FIXTURES / "include")
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / "a.c").write_text(text)
    table = ", ".join(names)
    (tmp_path / "main.h").write_text(f"int (*const all[])() = {{ {table} }};\n")
    (tmp_path / "kernel.c").write_text(
        _MAIN + "extern int (*const all[])(void *, void *);\n"
        "int main(int count, char **words)\n{\n\tguarded = atoi(words[1]);\n"
        "\tfor (swapped = 0; swapped < 2; swapped++)\n"
        f"\t\tfor (int f = 0; f < {len(names)}; f++)\n\t\t\tfor (int n = 0; n < 60; n++) {{\n"
        "\t\t\t\tint x;\n\n\t\t\t\tstate = n * 7919 + f;\n\t\t\t\tcalls = n;\n\t\t\t\tturns = 0;\n\t\t\t\tlocked = 1;\n"
        "\t\t\t\tx = all[f](0, page);\n"
        '\t\t\t\tprintf("= %d f%d %d\\n", x, f, swapped);\n\t\t\t}\n\treturn 0;\n}\n'
    )
    loaded = engine.load([str(tmp_path / "fs")])
    report = engine.check(loaded, load_rules(), Scope.SWAPCACHE)
    result = engine.rewrite(loaded, report, unsafe=True)
    (change,) = result.changes
    held = {each.finding.function for each in result.held}
    before = _run(tmp_path, "before", text, guarded=False)
    after = _run(tmp_path, "after", change.after.decode(), guarded=True)
    kept = 0
    for old, new in zip(before, after, strict=True):
        name = old.split()[-2]
        if name not in held or old.endswith(" 0"):
            assert new == old
            kept += 1
    assert kept > len(names) * 60
