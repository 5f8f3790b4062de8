"""The hooks, run by the real pre-commit in a real repository, and by git alone.

pre-commit takes them from a repository that holds the manifest as it is. What it would
install from there is on the PATH already: tests ask no package index for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import QUIET, Repository

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
README = ROOT / "README.md"
CONFIG = """\
repos:
- repo: {manifest}
  rev: v1
  hooks:
  - id: {hook}
    language: system
"""
# A page on the swap-in path that nobody had thought of.
OLD, NEW = (
    "\treturn foofs_submit(page, READ",
    "\tuse(page->mapping);\n\treturn foofs_submit(page, READ",
)


class Hooked:
    """A repository with hooks, whose commits are made as a user makes them."""

    def __init__(self, repository: Repository, tmp_path: Path) -> None:
        self.repository = repository
        self.environment = {**os.environ, **QUIET, "PRE_COMMIT_HOME": str(tmp_path / "home")}
        bin_ = tmp_path / "bin"
        bin_.mkdir()
        (bin_ / "pagefix").write_text(f'#!/bin/sh\nexec {sys.executable} -m pagefix "$@"\n')
        (bin_ / "pagefix").chmod(0o755)
        self.environment["PATH"] = f"{bin_}:{self.environment['PATH']}"
        self.environment["PYTHONPATH"] = str(ROOT)
        # What the demo has is known; the hooks are to speak of what is new.
        self.run("pagefix", "rewrite", "--apply", "demo", check=True)
        repository.commit("converted")

    def run(
        self, *arguments: str, check: bool = False, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the user's shell would."""
        return subprocess.run(
            arguments,
            cwd=cwd or self.repository.top,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=check,
            timeout=120,
        )

    def install(self, tmp_path: Path, hook: str) -> None:
        """Let pre-commit install a hook, from a repository with the manifest."""
        source = tmp_path / "source"
        source.mkdir()
        shutil.copy(MANIFEST, source)
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v1"]):
            self.run("git", *words, cwd=source, check=True)
        config = self.repository.top / ".pre-commit-config.yaml"
        config.write_text(CONFIG.format(manifest=source, hook=hook))
        self.repository.commit("configured")
        self.run(sys.executable, "-m", "pre_commit", "install", check=True)

    def commit(self, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Commit what is staged."""
        return self.run("git", "commit", "-m", "change", cwd=cwd)

    def stage(self, cwd: Path | None = None) -> None:
        """Stage all there is."""
        self.run("git", "add", "--all", cwd=cwd, check=True)


@pytest.fixture
def hooked(repository: Repository, tmp_path: Path) -> Hooked:
    pytest.importorskip("pre_commit")
    return Hooked(repository, tmp_path)


def test_a_commit_is_stopped_mended_and_passes(hooked: Hooked, tmp_path: Path) -> None:
    hooked.install(tmp_path, "pagefix-check")
    hooked.repository.edit(OLD, NEW)
    hooked.stage()
    stopped = hooked.commit()
    assert stopped.returncode == 1
    assert "- hook id: pagefix-check" in stopped.stdout
    assert "error[raw-page-mapping]" in stopped.stdout
    assert "the VM swaps a page in" in stopped.stdout

    config = hooked.repository.top / ".pre-commit-config.yaml"
    first = "  - id: pagefix-rewrite\n    language: system\n  - id: pagefix-check"
    config.write_text(config.read_text().replace("  - id: pagefix-check", first))
    hooked.stage()
    mended = hooked.commit()
    assert mended.returncode == 1
    assert "files were modified by this hook" in mended.stdout
    assert "use(page_file_mapping(page));" in hooked.repository.foofs.read_text()

    hooked.stage()
    passed = hooked.commit()
    assert passed.returncode == 0, passed.stdout
    assert re.search(r"pagefix rewrite\.+Passed\npagefix check\.+Passed", passed.stdout)


def test_a_partially_staged_file(hooked: Hooked, tmp_path: Path) -> None:
    hooked.install(tmp_path, "pagefix-check")
    hooked.repository.edit(
        "\treturn foofs_submit(page, WRITE", "\n\treturn foofs_submit(page, WRITE"
    )
    hooked.stage()
    # The fault is on disk only: it is not what is committed.
    hooked.repository.edit(OLD, NEW)
    passed = hooked.commit()
    assert passed.returncode == 0, passed.stdout
    assert "use(page->mapping);" in hooked.repository.foofs.read_text()
    # And the other way round.
    hooked.stage()
    hooked.repository.edit("\tuse(page->mapping);\n", "")
    assert hooked.commit().returncode == 1


def test_a_renamed_and_a_deleted_file(hooked: Hooked, tmp_path: Path) -> None:
    hooked.install(tmp_path, "pagefix-check")
    hooked.run("git", "mv", "demo/foofs.c", "demo/barfs.c", check=True)
    assert hooked.commit().returncode == 0
    hooked.repository.edit(OLD, NEW, hooked.repository.top / "demo" / "barfs.c")
    hooked.run("git", "mv", "demo/barfs.c", "demo/bazfs.c", check=True)
    hooked.stage()
    stopped = hooked.commit()
    assert stopped.returncode == 1
    assert "demo/bazfs.c" in stopped.stdout
    hooked.run("git", "reset", "-q", "--hard", check=True)
    hooked.run("git", "rm", "-q", "demo/barfs.c", check=True)
    assert hooked.commit().returncode == 0


def test_a_second_worktree(hooked: Hooked, tmp_path: Path) -> None:
    hooked.install(tmp_path, "pagefix-check")
    second = tmp_path / "second"
    hooked.run("git", "worktree", "add", "-q", str(second), "-b", "second", check=True)
    hooked.repository.edit(OLD, NEW, second / "demo" / "foofs.c")
    hooked.stage(second)
    assert hooked.commit(second).returncode == 1
    hooked.repository.edit("\tuse(page->mapping);\n", "", second / "demo" / "foofs.c")
    (second / "demo" / "new.c").write_text("int x;\n")
    hooked.stage(second)
    assert hooked.commit(second).returncode == 0


def test_git_commit_of_named_files(hooked: Hooked, tmp_path: Path) -> None:
    # git makes an index of its own for it, and tells the hook by the environment.
    hooked.install(tmp_path, "pagefix-check")
    (hooked.repository.top / "demo" / "new.c").write_text("int x;\n")
    hooked.stage()
    hooked.commit()
    hooked.repository.edit(OLD, NEW)
    (hooked.repository.top / "demo" / "new.c").write_text("int y;\n")
    assert hooked.run("git", "commit", "-m", "y", "demo/new.c").returncode == 0
    assert hooked.run("git", "commit", "-m", "y", "demo/foofs.c").returncode == 1


def test_all_files(hooked: Hooked, tmp_path: Path) -> None:
    hooked.install(tmp_path, "pagefix-check")
    words = (sys.executable, "-m", "pre_commit", "run", "--all-files")
    assert hooked.run(*words).returncode == 0
    hooked.repository.edit(OLD, NEW)
    hooked.stage()
    hooked.run("git", "commit", "-qnm", "past the hook", check=True)
    assert hooked.run(*words).returncode == 1


SCRIPT = """\
from drgn.helpers.linux.mm import for_each_page

for page in for_each_page(prog):
    print(page)
"""


def test_scripts(hooked: Hooked, tmp_path: Path) -> None:
    hooked.install(tmp_path, "pagefix-scripts")
    tools = hooked.repository.top / "tools"
    tools.mkdir()
    (tools / "walk.py").write_text(SCRIPT)
    # What is no script of ours is passed over, whatever it names.
    (tools / "other.py").write_text("print(page.mapping.host)\n")
    hooked.stage()
    passed = hooked.commit()
    assert passed.returncode == 0, passed.stdout
    assert re.search(r"pagefix scripts\.+Passed", passed.stdout)

    raw = SCRIPT.replace("print(page)", "print(page.mapping.host)")
    (tools / "walk.py").write_text(raw)
    hooked.stage()
    # Staged is what counts.
    (tools / "walk.py").write_text(SCRIPT)
    stopped = hooked.commit()
    assert stopped.returncode == 1
    assert "error[script-page-mapping]" in stopped.stdout
    assert "--> tools/walk.py:4:" in stopped.stdout
    hooked.run("git", "mv", "-f", "tools/walk.py", "tools/walker.py", check=True)
    hooked.stage()
    assert hooked.commit().returncode == 0
    hooked.run("git", "rm", "-q", "tools/walker.py", check=True)
    assert hooked.commit().returncode == 0
    # No C is looked at for it, and no script for C.
    hooked.repository.edit(OLD, NEW)
    hooked.stage()
    assert hooked.commit().returncode == 0


# --- without pre-commit


def test_the_hook_of_the_readme(hooked: Hooked) -> None:
    match = re.search(r"```sh\n(#!/bin/sh\n.*?)```", README.read_text(), re.DOTALL)
    assert match is not None
    hook = hooked.repository.top / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(match[1])
    hook.chmod(0o755)
    hooked.repository.edit(OLD, NEW)
    hooked.stage()
    stopped = hooked.commit()
    assert stopped.returncode == 1
    assert "demo/foofs.c:67:" in stopped.stdout
    # Staged is what counts.
    hooked.repository.edit("\tuse(page->mapping);\n", "")
    assert hooked.commit().returncode == 1
    hooked.stage()
    (hooked.repository.top / "x").write_text("")
    hooked.stage()
    assert hooked.commit().returncode == 0


def test_the_manifest_names_what_there_is() -> None:
    from pagefix.cli_arguments import parser

    entries = re.findall(r"^  entry: pagefix (.*)$", MANIFEST.read_text(), re.MULTILINE)
    assert len(entries) == 3
    for entry in entries:
        options = parser().parse_args([*entry.split(), "a.c"])
        assert options.paths == ["a.c"]
        assert options.only_named
