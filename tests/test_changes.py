"""What is staged, and what has changed since a revision; what of a check it concerns."""

from __future__ import annotations

from pathlib import Path

import pytest
from repository import BY_CALL, CALL, GUARD, LOOKUP, SIZE, Repository, found, refused

from pagefix.cli import main

# --- since a revision


def test_a_finding_on_a_new_line(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit(*SIZE)
    assert found(capsys, "--since", "HEAD") == [(59, "line")]


def test_findings_whose_chain_runs_through_a_new_line(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit(*CALL)
    assert found(capsys, "--since", "HEAD") == BY_CALL


def test_a_script_that_changes(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    script = repository.top / "tools" / "walk.py"
    script.parent.mkdir()
    head = "from drgn.helpers.linux.mm import for_each_page\n\nfor page in for_each_page(prog):\n"
    script.write_text(head + "    host = page.mapping.host\n    print(page)\n")
    (script.parent / "more.py").write_text("import os\n")
    repository.commit("scripts")
    repository.edit("print(page)", "print(page, host, page.index)", script)
    (script.parent / "more.py").write_text("import sys\n")
    # Line 4 was there before.
    assert found(capsys, "--since", "HEAD") == [(5, "line"), (5, "line")]
    repository.git("add", "--all")
    script.unlink()
    assert found(capsys, "--staged") == [(5, "line"), (5, "line")]


def test_a_script_without_a_suffix(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    script = repository.top / "tools" / "walk"
    script.parent.mkdir()
    text = "#!/usr/bin/env drgn\nfor page in for_each_page(prog):\n    print(page)\n"
    script.write_text(text)
    (script.parent / "other").write_text("#!/bin/sh\n")
    repository.commit("scripts")
    repository.edit("print(page)", "print(page.mapping.host)", script)
    (script.parent / "other").write_text("#!/bin/sh\necho page.mapping.host\n")
    assert found(capsys, "--since", "HEAD") == [(3, "line")]
    repository.git("add", "--all")
    script.write_text(text)
    assert found(capsys, "--staged") == [(3, "line")]


def test_they_are_said_apart(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.edit(*SIZE)
    repository.edit(*CALL)
    assert main(["check", "--since", "HEAD"]) == 1
    out = capsys.readouterr().out
    before, after = out.split("Elsewhere, by what has changed:\n")
    assert "--> demo/foofs.c:59:" in before
    assert before.count("-->") == 1
    assert after.count("  = its chain runs through a change: demo/foofs.c:66\n") == 4
    assert "\n1 finding more, elsewhere.\n" in after


def test_a_guard_that_is_taken_out(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit(LOOKUP, GUARD + LOOKUP)
    repository.commit("guarded")
    repository.edit(GUARD, "")
    # No line is new, and no chain runs through one.
    assert found(capsys, "--since", "HEAD") == [(line, "new") for line, _ in BY_CALL]
    assert main(["check", "--since", "HEAD"]) == 1
    assert capsys.readouterr().out.count("  = it is not there without the change\n") == 4


def test_a_table_that_becomes_swap_capable(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    slot = "\t.swap_activate = foofs_swap_activate,\n"
    # Without it the table is only assumed to be one of swap files.
    repository.edit(slot, "")
    repository.commit("none")
    at = "\t.swap_deactivate = "
    repository.edit(at, slot + at)
    concerned = found(capsys, "--since", "HEAD")
    assert {by for _, by in concerned} == {"new"}
    assert [line for line, _ in concerned] == [28, 45, 45, 49, 59, 61]


def test_a_deleted_file_that_had_kept_pages_away(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    # The lookup in another file did not return for such a page.
    repository.edit(LOOKUP, "\tif (foofs_is_swap(page))\n\t\treturn -EIO;\n" + LOOKUP)
    other = repository.top / "demo" / "other.c"
    other.write_text(
        "#include <linux/mm.h>\nint foofs_is_swap(struct page *page)\n{\n"
        "\treturn PageSwapCache(page);\n}\n"
    )
    repository.commit("guarded")
    assert [line for line, _ in found(capsys, "--only-named", "demo/foofs.c")] == [61, 63]
    other.unlink()
    assert {by for _, by in found(capsys, "--since", "HEAD")} == {"new"}


def test_what_is_taken_out_and_decides_nothing(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit("\tbio->bi_iter.bi_sector = extent.disk >> 9;\n", "")
    assert found(capsys, "--since", "HEAD") == []


def test_a_file_that_git_does_not_know(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("rm", "--quiet", "--cached", "demo/foofs.c")
    repository.git("commit", "--quiet", "-m", "gone")
    assert [by for _, by in found(capsys, "--since", "HEAD")] == ["line"] * 6


def test_a_script_that_git_does_not_know(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    script = repository.top / "tools" / "walk.py"
    script.parent.mkdir()
    script.write_text(
        "from drgn.helpers.linux.mm import for_each_page\n"
        "for page in for_each_page(prog):\n"
        "    print(page.mapping.host)\n"
    )
    assert found(capsys, "--since", "HEAD") == [(3, "line")]
    # The index does not have it, and the directory is read for another one.
    (script.parent / "more.py").write_text("import drgn\n")
    repository.git("add", "tools/more.py")
    assert found(capsys, "--staged", "tools") == []


def test_what_another_branch_has_changed_does_not_count(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("branch", "topic")
    repository.edit(*CALL)
    repository.commit("theirs")
    repository.git("checkout", "--quiet", "topic")
    repository.edit(*SIZE)
    repository.commit("ours")
    assert found(capsys, "--since", "main") == [(59, "line")]


def test_nothing_has_changed(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys, "--since", "HEAD") == []
    assert main(["check", "--since", "HEAD"]) == 0
    assert capsys.readouterr().out == "\n0 files read, nothing found.\n"


def test_paths_narrow_what_has_changed(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit(*SIZE)
    assert found(capsys, "--since", "HEAD", "include") == []
    assert found(capsys, "--since", "HEAD", "demo") == [(59, "line")]


def test_from_below_and_from_outside(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit(*SIZE)
    monkeypatch.chdir(repository.top / "demo")
    assert found(capsys, "--since", "HEAD") == [(59, "line")]
    monkeypatch.chdir(repository.top.parent)
    assert found(capsys, "--since", "HEAD", "tree/demo/foofs.c") == [(59, "line")]


def test_a_work_tree_within_another(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = repository.top / "modules" / "one"
    repository.git("clone", "--quiet", str(repository.top), str(inner))
    repository.edit(*SIZE, path=inner / "demo" / "foofs.c")
    assert found(capsys, "--since", "HEAD") == []
    assert found(capsys, "--since", "HEAD", "modules/one/demo") == [(59, "line")]
    repository.git("add", "--all", cwd=inner)
    assert found(capsys, "--staged", "modules/one") == [(59, "line")]


def test_a_revision_that_is_none(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "--since", "nowhere")[0] == "pagefix: there is no revision 'nowhere'"
    # As a variable that is not set leaves it: to look at nothing would pass for clean.
    assert refused(capsys, "--since", "")[0] == "pagefix: there is no revision ''"


def test_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "there is no git repository" in refused(capsys, "--staged")[0]


def test_no_git(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(repository.top))
    assert refused(capsys, "--staged")[0] == "pagefix: there is no git"


# --- staged


def test_staged_is_what_is_checked(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit(*SIZE)
    repository.git("add", "--all")
    # On disk it is mended again, and something else is wrong.
    repository.edit("i_size_read(page->mapping->host)", "i_size_read(inode)")
    repository.edit(*CALL)
    assert found(capsys, "--staged") == [(59, "line")]
    assert found(capsys, "--since", "HEAD") == BY_CALL


def test_a_first_commit(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.git("update-ref", "-d", "HEAD")
    assert [by for _, by in found(capsys, "--staged")] == ["line"] * 6


def test_a_file_deleted_on_disk_is_still_staged(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit(*SIZE)
    repository.git("add", "--all")
    repository.foofs.unlink()
    assert found(capsys, "--staged") == [(59, "line")]


def test_a_deleted_file(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.git("rm", "--quiet", "demo/foofs.c")
    assert found(capsys, "--staged") == []


def test_a_renamed_file(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.git("mv", "demo/foofs.c", "demo/barfs.c")
    assert found(capsys, "--staged") == []
    repository.edit(*SIZE, path=repository.top / "demo" / "barfs.c")
    repository.git("add", "--all")
    assert found(capsys, "--staged") == [(59, "line")]


def test_what_is_not_staged_is_not_there(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.edit("READ, foofs_end_read", "READ, other_end")
    repository.git("add", "--all")
    # Who ends the read is a file that the commit does not have.
    (repository.top / "demo" / "other.c").write_text(
        "#include <linux/bio.h>\nvoid other_end(struct bio *bio, int error)\n{\n"
        "\tuse(bio->bi_io_vec->bv_page->mapping);\n}\n"
    )
    assert found(capsys, "--staged") == BY_CALL[1:]
    repository.git("add", "--all")
    assert (4, "line") in found(capsys, "--staged")


def test_staged_in_a_second_worktree(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("worktree", "add", "--quiet", "../second", "-b", "second")
    second = repository.top.parent / "second"
    repository.edit(*SIZE, path=second / "demo" / "foofs.c")
    repository.git("add", "--all", cwd=second)
    assert found(capsys, "--staged") == []
    monkeypatch.chdir(second)
    assert found(capsys, "--staged") == [(59, "line")]


def test_unmerged_files_are_refused(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("branch", "topic")
    repository.edit(*SIZE)
    repository.commit("theirs")
    repository.git("checkout", "--quiet", "topic")
    repository.edit("u64 size = i_size_read", "s64 size = i_size_read")
    repository.commit("ours")
    with pytest.raises(Exception, match="merge"):
        repository.git("merge", "--quiet", "main")
    assert refused(capsys, "--staged")[0] == "pagefix: demo/foofs.c is not merged"


# --- named files


def test_named_files_are_all_that_is_spoken_of(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    # Alone, the file has no table: where its page comes from is told by the directory.
    (repository.top / "demo" / "end.c").write_text(
        "#include <linux/bio.h>\n#include <linux/mm.h>\nvoid other_end(struct bio *bio, int error)"
        "\n{\n\tstruct page *page = bio->bi_io_vec->bv_page;\n\n\tuse(page->mapping);\n}\n"
    )
    repository.edit("READ, foofs_end_read", "READ, other_end")
    repository.commit("two")
    assert found(capsys, "demo/end.c") == []
    assert found(capsys, "--only-named", "demo/end.c") == [(7, "")]
    assert len(found(capsys, "--only-named", "demo/foofs.c")) == 5
    assert found(capsys, "--only-named") == []


def test_named_and_staged(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.edit(*SIZE)
    repository.git("add", "--all")
    assert found(capsys, "--staged", "--only-named", "demo/foofs.c") == [
        (28, ""),
        (45, ""),
        (45, ""),
        (49, ""),
        (59, "line"),
        (61, ""),
    ]


# --- with a baseline


def test_a_baseline_of_more_than_is_read(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    other = repository.top / "other"
    other.mkdir()
    text = repository.foofs.read_text()
    (other / "barfs.c").write_text(text.replace("foofs", "barfs"))
    repository.commit("two")
    assert main(["check", "--baseline", "known", "--write-baseline", "demo", "other"]) == 0
    capsys.readouterr()
    repository.edit(*SIZE)
    assert main(["check", "--baseline", "known", "--since", "HEAD"]) == 0
    # Those of the other directory are not gone: they were not looked for.
    assert capsys.readouterr().err == ""
    lines = refused(capsys, "--since", "HEAD", "--baseline", "known", "--write-baseline")
    assert lines[0] == "pagefix: a baseline is not written of a part"
