"""Writing: all files or none, and nothing beside them is left or lost."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from pagefix.errors import PagefixError
from pagefix.finding import Edit
from pagefix.fix import FileChange, apply, apply_edits
from pagefix.source import SourceFile


def change(path: Path, old: bytes = b"old\n", new: str = "new") -> FileChange:
    path.write_bytes(old)
    return of(path, new)


def of(path: Path, new: str = "new") -> FileChange:
    source = SourceFile(path.name, str(path), path.read_bytes())
    edits = (Edit(path.name, 0, 3, new),)
    return FileChange(source, edits, apply_edits(source.data, edits))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_file_is_written(tmp_path: Path) -> None:
    changes = [change(tmp_path / "a.c"), change(tmp_path / "b.c", b"old\r\n\xff")]
    assert apply(changes, [str(tmp_path)]) == 2
    assert (tmp_path / "a.c").read_bytes() == b"new\n"
    assert (tmp_path / "b.c").read_bytes() == b"new\r\n\xff"
    assert names(tmp_path) == ["a.c", "b.c"]


def test_nothing_to_do(tmp_path: Path) -> None:
    assert apply([], [str(tmp_path)]) == 0


def test_mode_is_kept(tmp_path: Path) -> None:
    made = change(tmp_path / "a.c")
    (tmp_path / "a.c").chmod(0o640)
    apply([made], [str(tmp_path)])
    assert stat.S_IMODE((tmp_path / "a.c").stat().st_mode) == 0o640


def test_a_file_that_changed_stops_the_whole(tmp_path: Path) -> None:
    changes = [change(tmp_path / "a.c"), change(tmp_path / "b.c")]
    (tmp_path / "b.c").write_bytes(b"other\n")
    with pytest.raises(PagefixError, match=r"b\.c has changed since it was read"):
        apply(changes, [str(tmp_path)])
    assert (tmp_path / "a.c").read_bytes() == b"old\n"
    assert (tmp_path / "b.c").read_bytes() == b"other\n"
    assert names(tmp_path) == ["a.c", "b.c"]


def test_a_file_that_went_away_stops_the_whole(tmp_path: Path) -> None:
    changes = [change(tmp_path / "a.c"), change(tmp_path / "b.c")]
    (tmp_path / "b.c").unlink()
    with pytest.raises(PagefixError, match="nothing was written"):
        apply(changes, [str(tmp_path)])
    assert (tmp_path / "a.c").read_bytes() == b"old\n"
    assert names(tmp_path) == ["a.c"]


def test_a_link_inside_the_tree_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.c").write_bytes(b"old\n")
    (tmp_path / "a.c").symlink_to("real/a.c")
    apply([of(tmp_path / "a.c")], [str(tmp_path)])
    assert (tmp_path / "a.c").is_symlink()
    assert (tmp_path / "real" / "a.c").read_bytes() == b"new\n"


def test_a_link_out_of_the_tree_is_not(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    outside = tmp_path / "outside.c"
    outside.write_bytes(b"old\n")
    (tree / "a.c").symlink_to(outside)
    with pytest.raises(PagefixError, match=r"a\.c is a link that leaves the tree"):
        apply([change(tree / "b.c"), of(tree / "a.c")], [str(tree)])
    assert outside.read_bytes() == b"old\n"
    assert (tree / "b.c").read_bytes() == b"old\n"
    assert names(tree) == ["a.c", "b.c"]


def test_a_folder_beside_with_the_same_beginning_is_outside(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree-2").mkdir()
    (tmp_path / "tree-2" / "a.c").write_bytes(b"old\n")
    (tmp_path / "tree" / "a.c").symlink_to(tmp_path / "tree-2" / "a.c")
    with pytest.raises(PagefixError, match="leaves the tree"):
        apply([of(tmp_path / "tree" / "a.c")], [str(tmp_path / "tree")])


def test_a_failed_replacement_puts_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [change(tmp_path / f"{name}.c") for name in "abc"]
    before = {name: os.stat(tmp_path / name).st_ino for name in names(tmp_path)}
    real = os.replace

    def replace(source: str, target: str) -> None:
        if target.endswith("c.c") and source.endswith("-new"):
            raise OSError(errno.EIO, "Input/output error", target)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(PagefixError, match="nothing was written"):
        apply(changes, [str(tmp_path)])
    assert names(tmp_path) == ["a.c", "b.c", "c.c"]
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old\n"}
    # Not only the text: the very files.
    assert {name: os.stat(tmp_path / name).st_ino for name in names(tmp_path)} == before


def test_an_interrupt_puts_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [change(tmp_path / f"{name}.c") for name in "ab"]
    real = os.replace

    def replace(source: str, target: str) -> None:
        real(source, target)
        if target.endswith("a.c") and source.endswith("-new"):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        apply(changes, [str(tmp_path)])
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old\n"}
    assert names(tmp_path) == ["a.c", "b.c"]


def test_a_full_disk_leaves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [change(tmp_path / f"{name}.c") for name in "ab"]
    calls = []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(PagefixError, match="No space left on device"):
        apply(changes, [str(tmp_path)])
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old\n"}
    assert names(tmp_path) == ["a.c", "b.c"]


@pytest.mark.parametrize("ending", ["new", "old"])
def test_what_another_run_left_is_not_overwritten(tmp_path: Path, ending: str) -> None:
    made = change(tmp_path / "a.c")
    left = tmp_path / f".a.c.pagefix-{ending}"
    left.write_bytes(b"left\n")
    with pytest.raises(PagefixError, match="is in the way"):
        apply([made], [str(tmp_path)])
    assert left.read_bytes() == b"left\n"
    assert (tmp_path / "a.c").read_bytes() == b"old\n"
    assert names(tmp_path) == [left.name, "a.c"]


def test_hard_links_below_the_tree_stay_one_file(tmp_path: Path) -> None:
    made = change(tmp_path / "a.c")
    (tmp_path / "sub").mkdir()
    os.link(tmp_path / "a.c", tmp_path / "sub" / "b.c")
    assert apply([made], [str(tmp_path)]) == 1
    assert (tmp_path / "sub" / "b.c").read_bytes() == b"new\n"
    assert os.path.samefile(tmp_path / "a.c", tmp_path / "sub" / "b.c")
    assert names(tmp_path) == ["a.c", "sub"]
    assert names(tmp_path / "sub") == ["b.c"]


def test_both_names_may_be_asked_for(tmp_path: Path) -> None:
    made = change(tmp_path / "a.c")
    os.link(tmp_path / "a.c", tmp_path / "b.c")
    assert apply([made, of(tmp_path / "b.c")], [str(tmp_path)]) == 2
    assert os.path.samefile(tmp_path / "a.c", tmp_path / "b.c")
    assert (tmp_path / "b.c").read_bytes() == b"new\n"


def test_two_names_that_want_different_texts_stop_the_whole(tmp_path: Path) -> None:
    made = change(tmp_path / "a.c")
    os.link(tmp_path / "a.c", tmp_path / "b.c")
    with pytest.raises(PagefixError, match=r"a\.c and b\.c are one file"):
        apply([made, of(tmp_path / "b.c", "other")], [str(tmp_path)])
    assert (tmp_path / "b.c").read_bytes() == b"old\n"


def test_a_hard_link_out_of_the_tree_stops_the_whole(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    made = [change(tmp_path / "tree" / "a.c"), change(tmp_path / "tree" / "b.c")]
    os.link(tmp_path / "tree" / "b.c", tmp_path / "b.c")
    with pytest.raises(PagefixError, match=r"b\.c has a name outside of the tree"):
        apply(made, [str(tmp_path / "tree")])
    assert (tmp_path / "tree" / "a.c").read_bytes() == b"old\n"
    assert (tmp_path / "b.c").read_bytes() == b"old\n"
    assert names(tmp_path / "tree") == ["a.c", "b.c"]


def test_attributes_are_kept(tmp_path: Path) -> None:
    made = change(tmp_path / "a.c")
    try:
        os.setxattr(tmp_path / "a.c", "user.note", b"mine")
    except OSError:
        pytest.skip("no extended attributes here")
    apply([made], [str(tmp_path)])
    assert os.getxattr(tmp_path / "a.c", "user.note") == b"mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owner_is_kept(tmp_path: Path) -> None:
    made = change(tmp_path / "a.c")
    os.chown(tmp_path / "a.c", 12, 34)
    (tmp_path / "a.c").chmod(0o4755)
    apply([made], [str(tmp_path)])
    about = (tmp_path / "a.c").stat()
    assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) == (12, 34, 0o4755)


def test_no_hard_links_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [change(tmp_path / "a.c"), change(tmp_path / "b.c")]
    (tmp_path / "a.c").chmod(0o640)

    def link(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert apply(made, [str(tmp_path)]) == 2
    assert names(tmp_path) == ["a.c", "b.c"]
    assert stat.S_IMODE((tmp_path / "a.c").stat().st_mode) == 0o640
