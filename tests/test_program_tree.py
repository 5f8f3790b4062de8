"""The tree around the paths, and the files below them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pagefix.errors import PagefixError
from pagefix.program.discover import discover
from pagefix.program.tree import Tree


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    folders = ("include/linux", "include/asm-generic", "include/uapi/linux", "fs/one/inner")
    for name in (*folders, "include/uapi/asm-generic"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "Makefile").touch()
    (tmp_path / "include/linux/mm.h").write_text("struct page;\n")
    (tmp_path / "include/asm-generic/page.h").touch()
    (tmp_path / "include/uapi/asm-generic/errno.h").touch()
    (tmp_path / "include/uapi/linux/fs.h").touch()
    (tmp_path / "fs/one/a.c").write_text('#include "one.h"\n')
    (tmp_path / "fs/one/one.h").touch()
    (tmp_path / "fs/one/inner/b.c").touch()
    (tmp_path / "fs/one/notes.txt").touch()
    return tmp_path


def test_root_is_spelt_as_the_path_is(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Tree.around([f"{kernel}/fs/one"]).root == str(kernel)
    monkeypatch.chdir(kernel)
    assert Tree.around(["fs/one/a.c"]).root == "."
    monkeypatch.chdir(kernel / "fs/one")
    assert Tree.around(["."]).root == "../.."
    assert Tree.around(["inner/b.c"]).root == "../.."
    assert Tree.around(["../one/a.c"]).root == "../.."
    assert Tree.around(["-"]).root == "../.."


def test_root_is_not_resolved(kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "k"
    link.symlink_to(kernel)
    tree = Tree.around([f"{link}/fs/one"])
    assert tree.root == str(link)
    assert tree.show(f"{link}/fs/one/a.c") == "fs/one/a.c"


def test_no_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/x.c").touch()
    monkeypatch.chdir(tmp_path)
    tree = Tree.around(["sub/x.c"])
    assert tree.root is None
    assert tree.show("sub/x.c") == "sub/x.c"
    assert tree.show(str(tmp_path / "sub/x.c")) == "sub/x.c"


def test_headers_of_the_system_are_no_tree(tmp_path: Path) -> None:
    (tmp_path / "include/linux").mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    assert Tree.around([str(tmp_path)]).root is None


def test_two_trees(kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "include/linux").mkdir(parents=True)
    (other / "Kconfig").touch()
    with pytest.raises(PagefixError, match="two kernel trees") as caught:
        Tree.around([str(kernel / "fs"), str(other)])
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "quoted", "found"),
    [
        pytest.param("one.h", True, "fs/one/one.h", id="beside"),
        pytest.param("linux/mm.h", False, "include/linux/mm.h", id="include"),
        pytest.param("linux/fs.h", False, "include/uapi/linux/fs.h", id="uapi"),
        pytest.param("asm/page.h", False, "include/asm-generic/page.h", id="asm-generic"),
        pytest.param("asm/errno.h", False, "include/uapi/asm-generic/errno.h", id="uapi"),
        pytest.param("linux/none.h", False, None, id="missing"),
        pytest.param("one.h", False, "fs/one/one.h", id="found by a -I of the Makefile"),
    ],
)
def test_includes(kernel: Path, name: str, quoted: bool, found: str | None) -> None:
    tree = Tree(str(kernel))
    hit = tree.resolve(name, quoted, f"{kernel}/fs/one")
    assert hit == (None if found is None else f"{kernel}/{found}")


def test_another_architecture_where_x86_is_missing(kernel: Path) -> None:
    (kernel / "arch/arm64/include/asm").mkdir(parents=True)
    (kernel / "arch/arm64/include/asm/page.h").touch()
    tree = Tree(str(kernel))
    assert tree.resolve("asm/page.h", False, str(kernel)) == (
        f"{kernel}/arch/arm64/include/asm/page.h"
    )


def test_files_below_a_directory(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kernel / "fs/one/loop").symlink_to(kernel / "fs/one")
    tree = Tree(str(kernel))
    found = discover([f"{kernel}/fs/one", f"{kernel}/fs/one/a.c"], tree)
    assert found.files == {
        "fs/one/a.c": f"{kernel}/fs/one/a.c",
        "fs/one/inner/b.c": f"{kernel}/fs/one/inner/b.c",
        "fs/one/one.h": f"{kernel}/fs/one/one.h",
    }
    assert found.unread == ()
    monkeypatch.chdir(kernel)
    assert list(discover(["."], Tree.around(["."])).files)[:2] == ["fs/one/a.c", "fs/one/inner/b.c"]


def test_what_version_control_keeps_is_no_source(kernel: Path) -> None:
    (kernel / "fs/one/.git/refs/heads").mkdir(parents=True)
    (kernel / "fs/one/.git/refs/heads/fix.c").write_text("0123\n")
    found = discover([f"{kernel}/fs/one"], Tree(str(kernel)))
    assert list(found.files) == ["fs/one/a.c", "fs/one/inner/b.c", "fs/one/one.h"]


def test_what_cannot_be_read_below_a_directory_is_listed(kernel: Path) -> None:
    (kernel / "fs/one/gone.c").symlink_to("nowhere")
    os.mkfifo(kernel / "fs/one/pipe.c")
    found = discover([f"{kernel}/fs/one"], Tree(str(kernel)))
    assert [(each.path, each.reason) for each in found.unread] == [
        ("fs/one/gone.c", "cannot be read: no such file or directory"),
        ("fs/one/pipe.c", "not a file: a device, a pipe or a socket"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_directory_is_listed(kernel: Path) -> None:
    (kernel / "fs/one/inner").chmod(0)
    found = discover([f"{kernel}/fs/one"], Tree(str(kernel)))
    (kernel / "fs/one/inner").chmod(0o755)
    assert [each.path for each in found.unread] == ["fs/one/inner"]


@pytest.mark.parametrize("name", ["missing.c", "missing"])
def test_a_named_path_must_exist(tmp_path: Path, name: str) -> None:
    with pytest.raises(PagefixError, match="cannot be read") as caught:
        discover([str(tmp_path / name)], Tree(None))
    assert caught.value.why == "no such file or directory"


def test_a_named_path_must_be_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.c")
    with pytest.raises(PagefixError, match="not a file"):
        discover([str(tmp_path / "pipe.c")], Tree(None))


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(PagefixError, match="no C file"):
        discover([str(tmp_path)], Tree(None))


def test_names_that_are_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open(b"\xe4.c", "wb") as stream:
        stream.write(b"int x;\n")
    assert list(discover(["."], Tree(None)).files) == ["\udce4.c"]
