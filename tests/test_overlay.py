"""Texts laid over the disk: what is read, listed and noted while they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import MM, tree

from pagefix import engine, reads
from pagefix.overlay import Overlay

READ = "#include <linux/mm.h>\nint f(struct page *p)\n{\n\treturn p->index;\n}\n"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tree(tmp_path / "t", {"fs/a.c": "int a;\n", "fs/b.c": "int b;\n"}, MM)


def over(top: Path, **texts: bytes | None) -> Overlay:
    return Overlay({str(top / name.replace("_", "/")) + ".c": text for name, text in texts.items()})


def test_reading_and_listing(top: Path) -> None:
    with reads.laid_over(over(top, fs_a=b"new", fs_b=None, fs_sub_c=b"x", far_d=b"")):
        assert reads.read(str(top / "fs/a.c")) == b"new"
        assert reads.names(str(top / "fs")) == ["a.c", "sub"]
        assert dict(reads.entries(str(top / "fs")))["sub"] == "directory"
        assert reads.names(str(top / "far")) == ["d.c"]
        assert "far" in reads.names(str(top))
        assert reads.kind(str(top / "fs/b.c")) == ""
        assert reads.kind(str(top / "fs/sub")) == "directory"
        assert reads.kind(str(top / "include")) == "directory"
        with pytest.raises(FileNotFoundError):
            reads.read(str(top / "fs/b.c"))
    assert reads.read(str(top / "fs/a.c")) == b"int a;\n"
    assert reads.names(str(top / "fs")) == ["a.c", "b.c"]


def test_a_folder_reached_by_a_link(top: Path) -> None:
    (top / "link").symlink_to("fs")
    with reads.laid_over(over(top, fs_a=b"new")):
        assert reads.read(str(top / "link" / "a.c")) == b"new"


def test_of_such_a_text_only_its_place_is_noted(top: Path) -> None:
    # The text itself is a part of the question (test_cache_answers.py).
    with reads.laid_over(over(top, fs_a=b"new")), reads.recorded() as log:
        reads.read(str(top / "fs/b.c"))
        reads.read(str(top / "fs/a.c"))
    assert list(log.files) == [str(top / "fs/b.c")]
    assert log.links == {str(top / "fs"): str((top / "fs").resolve())}
    assert not log.torn


def test_a_program_of_such_texts(top: Path) -> None:
    with reads.laid_over(over(top, fs_a=READ.encode(), fs_b=None, fs_c=READ.encode())):
        program = engine.load([str(top / "fs")])
        assert program.files == ("fs/a.c", "fs/c.c")
        sites = engine.find_sites(program, ()).sites
        assert [(each.place.path, each.place.line) for each in sites] == [
            ("fs/a.c", 4),
            ("fs/c.c", 4),
        ]
