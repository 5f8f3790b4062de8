"""pagefix as a library: what is exported is documented, typed, and does what it shows."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from trees import tree

import pagefix
from pagefix import api

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("module", [pagefix, api], ids=lambda each: each.__name__)
def test_what_docstrings_show(module: object) -> None:
    name = module.__name__  # type: ignore[attr-defined]
    done = doctest.testmod(importlib.import_module(name), verbose=False)
    assert done.attempted >= 5
    assert done.failed == 0


def test_what_the_readme_shows() -> None:
    shown = re.search(r"```python\n(>>>.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    example = doctest.DocTestParser().get_doctest(shown[1], {}, "README", "README.md", 0)
    assert len(shown[1].splitlines()) <= 11
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0


@pytest.mark.parametrize("name", [each for each in pagefix.__all__ if not each.startswith("__")])
def test_what_is_exported_is_documented(name: str) -> None:
    assert (getattr(pagefix, name).__doc__ or "").strip()
    assert pagefix.__all__ == sorted(pagefix.__all__)


def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    assert (Path(pagefix.__file__).parent / "py.typed").exists()
    program = tmp_path / "use.py"
    program.write_text(
        "import pagefix\n"
        "report = pagefix.check(pagefix.load('x'), scope='all')\n"
        "reveal_type([each.trace for each in report])\n"
        "reveal_type(pagefix.rewrite(pagefix.load(['x']), report).changes)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(program)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout
    assert 'list[tuple[pagefix.finding.Step, ...]]"' in done.stdout
    assert 'tuple[pagefix.fix.change.FileChange, ...]"' in done.stdout


def test_paths_of_every_kind(tmp_path: Path) -> None:
    text = "#include <linux/mm.h>\nint f(struct page *p)\n{\n\treturn p->mapping != 0;\n}\n"
    tree(tmp_path, {"fs/a.c": text})
    one = pagefix.load(tmp_path / "fs" / "a.c")
    assert one.files == pagefix.load([str(tmp_path / "fs")]).files == ("fs/a.c",)
    assert [each.rule for each in pagefix.check(one, scope="all")] == ["raw-page-mapping"]
    assert list(pagefix.check(one)) == []
    piped = pagefix.load("-", stdin=text.encode())
    assert [each.place.line for each in pagefix.check(piped, scope="all")] == [4]


def test_rules_are_chosen_by_the_caller(tmp_path: Path) -> None:
    program = pagefix.load("fixtures/demo")
    rules = [rule for rule in pagefix.load_rules() if rule.name == "raw-page-offset"]
    assert [each.place.line for each in pagefix.check(program, rules=rules)] == [45, 49]


def test_a_file_that_was_not_loaded() -> None:
    with pytest.raises(pagefix.PagefixError, match="not among the checked files"):
        pagefix.explain(pagefix.load("fixtures/demo"), "fixtures/none.c", 1)
