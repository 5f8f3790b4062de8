"""Patches that are checked before they are applied: diffs, mails, series."""

from __future__ import annotations

import base64
import json
import quopri
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repository import BY_CALL, CALL, SIZE, Repository, feed, found, refused

from pagefix.cli import main


def test_a_patch_that_is_to_come(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit(*SIZE)
    diff = repository.git("diff")
    repository.git("checkout", "--quiet", ".")
    text = repository.foofs.read_text()
    feed(monkeypatch, diff)
    assert found(capsys, "--patch", "-") == [(59, "line")]
    assert repository.foofs.read_text() == text


def test_a_patch_that_came_with_other_line_ends(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit(*SIZE)
    diff = repository.git("diff")
    repository.git("checkout", "--quiet", ".")
    feed(monkeypatch, diff.replace("\n", "\r\n"))
    assert found(capsys, "--patch", "-") == [(59, "line")]


def test_a_patch_that_the_tree_has(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit(*SIZE)
    feed(monkeypatch, repository.git("diff"))
    main(["check", "--format", "concise", "--patch", "-"])
    out, err = capsys.readouterr()
    assert [line.split(":")[1] for line in out.splitlines()] == ["59"]
    assert err.startswith("note: the tree has this patch already")


def test_a_patch_without_names_of_contents(
    repository: Repository, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # As diff -u writes it, with the directory before it; the lines have moved.
    repository.edit("static void foofs_end_read", "\n\nstatic void foofs_end_read")
    (tmp_path / "p").write_text(
        "Only in x\n--- linux.orig/demo/foofs.c\t2001-01-01\n+++ linux/demo/foofs.c\t2001-01-01\n"
        "@@ -58,3 +58,3 @@\n {\n-\tu64 size = i_size_read(page->mapping->host);\n"
        "+\tu64  size = i_size_read(page->mapping->host);\n\n"
    )
    assert found(capsys, "--patch", str(tmp_path / "p")) == [(61, "line")]


def mail(subject: str, body: bytes, encoding: str = "8bit") -> bytes:
    head = f"From git@z Thu Jan  1 00:00:00 1970\nFrom: A <a@example.org>\nSubject: {subject}\n"
    kind = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n"
    return (head + kind).encode() + b"\n" + body + b"\n"


def series(repository: Repository) -> tuple[bytes, bytes]:
    """Return two patches, the second of which needs the first, and undo them."""
    repository.edit(*SIZE)
    first = repository.git("diff").encode()
    repository.commit("first")
    repository.edit("u64  size = i_size_read", "u64   size = i_size_read")
    repository.edit(*CALL)
    second = repository.git("diff").encode()
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    return first, second


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_mailbox_in_the_order_of_its_series(
    encoding: str,
    ends: bytes,
    repository: Repository,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = series(repository)
    encode: dict[str, Callable[[bytes], bytes]] = {
        "8bit": bytes,
        "quoted-printable": quopri.encodestring,
        "base64": base64.encodebytes,
    }
    text = b"Words.\n---\n demo/foofs.c | 2 +-\n\n"
    box = [
        mail("[PATCH 0/2] cover", b"Nothing here.\n"),
        mail("[PATCH 2/2] b", encode[encoding](text + second + b"-- \n2.39\n"), encoding),
        mail("Re: [PATCH 2/2] b", b"> " + second.replace(b"\n", b"\n> ") + b"\nFine.\n"),
        mail("[PATCH 1/2] a", encode[encoding](text + first + b"-- \n2.39\n"), encoding),
    ]
    feed(monkeypatch, b"".join(box).replace(b"\n", ends))
    assert found(capsys, "--patch", "-") == [*BY_CALL, (59, "line")]


def test_the_last_version_of_a_series(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = series(repository)
    box = [mail("[PATCH 1/1] a", second), mail("[PATCH v2 1/1] a", first)]
    feed(monkeypatch, b"".join(box))
    assert found(capsys, "--patch", "-") == [(59, "line")]


def test_versions_of_patches_without_a_number(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both change line 59: one after the other they would not apply.
    first, _ = series(repository)
    other = first.replace(b"+\tu64  size", b"+\tu64    size")
    feed(monkeypatch, mail("[PATCH] a", other) + mail("[PATCH v2] a", first))
    assert found(capsys, "--patch", "-") == [(59, "line")]
    feed(monkeypatch, mail("[PATCH] a", other) + mail("[PATCH v2] a", first))
    main(["check", "--patch", "-"])
    assert capsys.readouterr().err == (
        "note: a mail with a diff is left out: answers, and versions before the last\n"
    )
    # Another title is another patch.
    feed(monkeypatch, mail("[PATCH] a", first) + mail("[PATCH v2] b", first))
    assert refused(capsys, "--patch", "-")[0].startswith('pagefix: patch 2 of 2 "b": demo/foofs.c')


def test_what_answers_propose_is_no_part_of_a_series(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = series(repository)
    proposal = mail("Re: [PATCH 2/2] b", b"Rather:\n\n" + first)
    box = [mail("[PATCH 2/2] b", second), proposal, mail("[PATCH 1/2] a", first)]
    # Who is on two lists has one twice.
    box.append(box[0])
    feed(monkeypatch, b"".join(box))
    assert found(capsys, "--patch", "-") == [*BY_CALL, (59, "line")]
    feed(monkeypatch, proposal)
    assert found(capsys, "--patch", "-") == [(59, "line")]


def test_words_that_begin_like_a_mail(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = series(repository)
    words = b"From v5.10 on, that is 2020,\nFixes: nothing.\n---\n"
    box = [mail("[PATCH 5.10/5.15 2/2] b", words + second), mail("[PATCH 5.10/5.15 1/2] a", first)]
    feed(monkeypatch, b"".join(box))
    assert found(capsys, "--patch", "-") == [*BY_CALL, (59, "line")]


def test_diff_of_directories_and_of_a_copy_beside_it(
    repository: Repository, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = repository.foofs.read_text()
    new = tmp_path / "new"
    shutil.copytree(repository.top / "demo", new / "demo")
    (new / "demo" / "foofs.c").unlink()
    # Its findings are those of the demo.
    (new / "demo" / "barfs.c").write_text(text.replace("foofs", "barfs"))

    def diff(*words: str) -> None:
        done = subprocess.run(["diff", *words], cwd=tmp_path, capture_output=True, check=False)
        (tmp_path / "p").write_bytes(done.stdout)

    lines = [28, 45, 45, 49, 59, 61]
    diff("-ruN", "--exclude=.git", "--exclude=include", "tree", "new")
    assert found(capsys, "--patch", str(tmp_path / "p")) == [(each, "line") for each in lines]
    # As patch -R would: the tree that has it.
    repository.foofs.unlink()
    (repository.top / "demo" / "barfs.c").write_text(text.replace("foofs", "barfs"))
    assert found(capsys, "--patch", str(tmp_path / "p")) == [(each, "line") for each in lines]

    (repository.top / "demo" / "barfs.c").unlink()
    repository.foofs.write_text(text)
    (repository.top / "demo" / "foofs.c.orig").write_text(text.replace("u64 size", "u64  size"))
    diff("-u", "tree/demo/foofs.c", "tree/demo/foofs.c.orig")
    (repository.top / "demo" / "foofs.c.orig").unlink()
    assert found(capsys, "--patch", str(tmp_path / "p")) == [(59, "line")]
    # A line at the very beginning, without context, of a file that is there.
    (tmp_path / "p").write_text("--- a/demo/foofs.c\n+++ b/demo/foofs.c\n@@ -0,0 +1 @@\n+/* */\n")
    assert found(capsys, "--patch", str(tmp_path / "p")) == []


def test_format_patch(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit(*SIZE)
    repository.commit("first: ä")
    repository.edit(*CALL)
    repository.commit("second")
    box = repository.git("format-patch", "--stdout", "HEAD~2")
    repository.git("reset", "--quiet", "--hard", "HEAD~2")
    feed(monkeypatch, box)
    assert found(capsys, "--patch", "-") == [*BY_CALL, (59, "line")]


def test_a_hunk_that_does_not_apply(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = series(repository)
    feed(monkeypatch, mail("[PATCH 2/2] more size", second))
    title, why, _ = refused(capsys, "--patch", "-")
    assert title == (
        'pagefix: the patch "more size": demo/foofs.c: hunk 1 (@@ -56,14 +56,14 @@) does not apply'
    )
    assert why == (
        "  why: Line 59 is `u64 size = i_size_read(page->mapping->host);`, and it wants"
        " `u64  size = i_size_read(page->mapping->host);`."
    )


def test_the_second_of_a_series_does_not_apply(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = series(repository)
    feed(monkeypatch, mail("[PATCH 1/2] a", first) + mail("[PATCH 2/2] b", first))
    assert refused(capsys, "--patch", "-")[0].startswith(
        'pagefix: patch 2 of 2 "b": demo/foofs.c: hunk 1 '
    )


def test_new_renamed_and_deleted_files(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("mv", "demo/foofs.c", "demo/barfs.c")
    repository.edit(*SIZE, path=repository.top / "demo" / "barfs.c")
    (repository.top / "new" / "deep").mkdir(parents=True)
    text = (repository.top / "demo" / "barfs.c").read_text()
    (repository.top / "new" / "deep" / "n.c").write_text(text.replace("foofs", "newfs"))
    repository.git("add", "--all")
    diff = repository.git("diff", "--cached", "-M")
    assert "rename to demo/barfs.c" in diff
    repository.git("reset", "--quiet", "--hard")
    feed(monkeypatch, diff)
    main(["check", "--format", "json", "--patch", "-"])
    places = [
        (each["path"], each["line"]) for each in json.loads(capsys.readouterr().out)["findings"]
    ]
    lines = (28, 45, 45, 49, 59, 61)
    assert places == [("demo/barfs.c", 59), *(("new/deep/n.c", line) for line in lines)]
    feed(monkeypatch, repository.git("diff", "HEAD") or "x")
    assert not (repository.top / "new").exists()


def test_a_deleted_file_in_a_patch(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("rm", "--quiet", "demo/foofs.c")
    diff = repository.git("diff", "--cached")
    repository.git("reset", "--quiet", "--hard")
    feed(monkeypatch, diff)
    assert found(capsys, "--patch", "-") == []


def test_a_file_without_a_last_newline(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.foofs.write_text(repository.foofs.read_text().rstrip("\n"))
    repository.commit("no newline")
    repository.foofs.write_text(repository.foofs.read_text() + "\nint x;")
    repository.edit(*SIZE)
    diff = repository.git("diff")
    assert diff.count("\\ No newline") == 2
    repository.git("checkout", "--quiet", ".")
    feed(monkeypatch, diff)
    assert found(capsys, "--patch", "-") == [(59, "line")]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", "there is no patch to check"),
        ("diff --cc a.c\n", "this is the diff of a merge"),
        ("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n", "the patch is damaged"),
        ("--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n a\n", "the patch: x.c: it does not apply"),
        ("--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n a\n", "the patch names ../x.c"),
        (
            "diff --git a/demo/foofs.c b/demo/foofs.c\nindex 12..34 100644\nGIT binary patch\n",
            "the patch: demo/foofs.c: it cannot be applied",
        ),
    ],
)
def test_what_is_no_patch(
    text: str,
    title: str,
    repository: Repository,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed(monkeypatch, text)
    assert refused(capsys, "--patch", "-")[0].startswith(f"pagefix: {title}")


def test_what_does_not_go_together(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, "--patch", "x", "--staged")
    refused(capsys, "--staged", "-")
    assert refused(capsys)[0] == "pagefix: the following arguments are required: PATH"
    assert "no such file" in refused(capsys, "--patch", "gone")[0]


def test_the_commit_of_a_module_is_passed_over(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit(*SIZE)
    module = (
        "diff --git a/module b/module\nindex 1234567..89abcde 160000\n--- a/module\n+++ b/module\n"
        "@@ -1 +1 @@\n-Subproject commit 1234567\n+Subproject commit 89abcde\n"
    )
    diff = module + repository.git("diff")
    repository.git("checkout", "--quiet", ".")
    feed(monkeypatch, diff)
    assert found(capsys, "--patch", "-") == [(59, "line")]
