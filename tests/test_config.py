"""Settings: where they are found, what they say, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from trees import tree, write

from pagefix.cli import main
from pagefix.config import Settings, choose, find_settings
from pagefix.errors import ExitCode, PagefixError
from pagefix.finding import Severity
from pagefix.rulebook import Scope, load_rules

ALL = """\
select = ["raw-page-index", "raw-page-mapping"]
ignore = ["raw-page-mapping"]
severity = "warning"
baseline = "known"
rules = ["lint"]
scope = "all"
strict = true
swap-ops = "foo_aops"
swap-in = "readpage"
swap-out = "direct_IO"
"""


def test_every_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {".pagefix.toml": ALL, "lint/a.toml": ""})
    assert find_settings(".") == Settings(
        path=str(tmp_path / ".pagefix.toml"),
        select=("raw-page-index", "raw-page-mapping"),
        ignore=("raw-page-mapping",),
        severity=Severity.WARNING,
        baseline="known",
        rules=(str(tmp_path / "lint"),),
        scope=Scope.ALL,
        strict=True,
        swap_ops="foo_aops",
        swap_in="readpage",
        swap_out="direct_IO",
    )


def test_the_nearest_above_the_path_holds(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[tool.pagefix]\nselect = ["outer"]\n',
        "a/pyproject.toml": "[tool.other]\nx = 1\n",
        "a/b/.pagefix.toml": 'select = ["own"]\n',
        "a/b/pyproject.toml": '[tool.pagefix]\nselect = ["project"]\n',
        "a/b/c/d.c": "",
    }
    write(tmp_path, files)
    assert find_settings(str(tmp_path / "a/b/c/d.c")).select == ("own",)
    assert find_settings(str(tmp_path / "a/b")).select == ("own",)
    # A pyproject.toml that does not speak of pagefix is passed by.
    assert find_settings(str(tmp_path / "a")).select == ("outer",)


def test_no_settings(tmp_path: Path) -> None:
    write(tmp_path, {".pagefix.toml": ""})
    assert find_settings(str(tmp_path)) == Settings(path=str(tmp_path / ".pagefix.toml"))


WRONG = [
    ('selct = ["x"]\n', ":1: unknown key 'selct' (did you mean 'select'?)"),
    ('# x\nswap_ops = "x"\n', ":2: unknown key 'swap_ops' (did you mean 'swap-ops'?)"),
    ("zzz = 1\n", ":1: unknown key 'zzz'"),
    ('select = "x"\n', ":1: 'select' is not a list of texts"),
    ("select = [1]\n", ":1: 'select' is not a list of texts"),
    ('strict = "yes"\n', ":1: 'strict' is neither true nor false"),
    ("baseline = 3\n", ":1: 'baseline' is not text"),
    ('severity = "warn"\n', ":1: 'severity' cannot be 'warn' (did you mean 'warning'?)"),
    ('scope = "every"\n', ":1: 'scope' cannot be 'every'"),
    ("select = [\n", ": the settings cannot be read"),
    ('# x\nrules = ["lint"]\n', ":2: 'rules' names 'lint', which is no folder"),
]


@pytest.mark.parametrize(("text", "title"), WRONG)
def test_a_wrong_setting_is_refused(tmp_path: Path, text: str, title: str) -> None:
    write(tmp_path, {".pagefix.toml": text})
    with pytest.raises(PagefixError) as caught:
        find_settings(str(tmp_path))
    assert caught.value.title.endswith(".pagefix.toml" + title)


def test_a_wrong_setting_in_a_project_has_its_line(tmp_path: Path) -> None:
    text = '[project]\nselct = "not ours"\n[tool.pagefix]\nselect = []\nselct = []\n'
    write(tmp_path, {"pyproject.toml": text})
    with pytest.raises(PagefixError, match=r"pyproject.toml:5: unknown key 'selct'"):
        find_settings(str(tmp_path))


def test_a_rule_that_there_is_not_is_said_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(PagefixError, match=r"some.toml: select: there is no rule 'raw-page-indx'"):
        choose(load_rules(), ["raw-page-indx"], [], {"select": "some.toml"})


# --- what settings do

BAD = """\
#include <linux/mm.h>
int foo(struct page *page)
{
	return page->mapping && page->index && sizeof(page->index);
}
"""


def rules_of(
    capsys: pytest.CaptureFixture[str], fs: Path, *options: str
) -> list[tuple[str, str | None]]:
    main(["check", "--format", "json", *options, str(fs)])
    found = json.loads(capsys.readouterr().out)["findings"]
    return [(each["rule"], each["suppressed"]) for each in found]


def test_settings_choose_and_the_command_line_goes_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fs = tree(tmp_path, {"fs/a.c": BAD}) / "fs"
    write(tmp_path, {".pagefix.toml": 'scope = "all"\nselect = ["raw-page-index"]\n'})
    assert rules_of(capsys, fs) == [("raw-page-index", None)] * 2
    assert rules_of(capsys, fs, "--select", "raw-page-mapping") == [("raw-page-mapping", None)]
    assert rules_of(capsys, fs, "--scope", "swapcache") == []
    assert rules_of(capsys, fs, "--severity", "error") == [("raw-page-index", None)]


@pytest.mark.parametrize("place", ["fs/a.c", "fs/deeper/b.c"])
def test_settings_hold_when_a_file_is_renamed_or_formatted_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    tree(tmp_path, {place: BAD.replace(" && ", "\n\t\t&&  ")})
    write(tmp_path, {".pagefix.toml": 'scope = "all"\nselect = ["raw-page-mapping"]\n'})
    assert rules_of(capsys, tmp_path / "fs") == [("raw-page-mapping", None)]


def test_settings_hold_when_a_function_moves_and_a_branch_is_merged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # One branch moves the function to another file, the other one has changed it.
    ours = BAD.replace("int foo", "int bar")
    theirs = BAD.replace("sizeof(page->index)", "page->mapping")
    other = ours + theirs.partition("\n")[2]
    tree(tmp_path, {"fs/a.c": '#include "b.h"\n', "fs/b.c": other, "fs/b.h": ""})
    write(tmp_path, {".pagefix.toml": 'scope = "all"\nselect = ["raw-page-mapping"]\n'})
    assert rules_of(capsys, tmp_path / "fs") == [("raw-page-mapping", None)] * 3


def test_a_baseline_of_the_settings_is_found_from_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = tree(tmp_path, {"fs/a.c": BAD}) / "fs"
    write(tmp_path, {".pagefix.toml": 'scope = "all"\nbaseline = "known"\n'})
    assert main(["check", "--write-baseline", str(fs)]) == ExitCode.CLEAN
    assert "3 findings written to" in capsys.readouterr().err
    assert (tmp_path / "known").is_file()
    for where in (tmp_path, fs):
        monkeypatch.chdir(where)
        assert main(["check", str(fs)]) == ExitCode.CLEAN
        assert "nothing found (3 in the baseline)" in capsys.readouterr().out


def test_gone_findings_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fs = tree(tmp_path, {"fs/a.c": BAD}) / "fs"
    arguments = ["check", "--scope", "all", "--baseline", "known", str(fs)]
    main([*arguments, "--write-baseline"])
    (fs / "a.c").write_text(BAD.replace("page->mapping && ", ""))
    capsys.readouterr()
    assert main(arguments) == ExitCode.CLEAN
    assert "1 finding of known is gone" in capsys.readouterr().err


def test_exit_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fs = tree(tmp_path, {"fs/a.c": BAD}) / "fs"
    assert main(["check", "--scope", "all", str(fs)]) == ExitCode.FINDINGS
    assert main(["check", "--scope", "all", "--exit-zero", str(fs)]) == ExitCode.CLEAN
    assert "error[raw-page-index]" in capsys.readouterr().out


def test_a_baseline_needs_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fs = tree(tmp_path, {"fs/a.c": BAD}) / "fs"
    assert main(["check", "--write-baseline", str(fs)]) == ExitCode.ERROR
    assert "there is no baseline to write" in capsys.readouterr().err
