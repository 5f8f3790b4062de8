"""A report outlives a change where nothing was asked, and only such a change.

The first tests say of single changes, by hand, whether the answer may stand; the last ones make
any changes at all, and compare what is shown with what is found anew.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from edits import edited
from repository import Repository

from pagefix import cli_kept, engine
from pagefix.asked import Asked
from pagefix.cli import main
from pagefix.still import shifted

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

TEXT = b"""\
#include <linux/mm.h>

/* What is looked at. */
static int seen(struct page *page)
{
	return lower(page);
}

static int unseen(int count)
{
	int found = count;

	lock_it(&found);
	return found;
}

static const struct operations ops = {
	.method = seen,
};
"""
SEEN, UNSEEN, OPS = TEXT.index(b"static int seen"), TEXT.index(b"static int unseen"), 211


def asked(**more: set[str]) -> Asked:
    found = Asked()
    found.items["a.c"] = {SEEN, TEXT.index(b"static const")}
    found.names.update({"lower", "seen", "struct page"}, more.get("names", ()))
    found.words.update({"index"}, more.get("words", ()))
    found.mentioned.update({"lower"}, more.get("mentioned", ()))
    found.forms.add(rb"\n\s*\.(\w+)\s*=")
    return found


def change(old: str, new: str) -> bytes:
    assert TEXT.count(old.encode()) == 1
    return TEXT.replace(old.encode(), new.encode())


STANDS = {
    "a comment between functions": ("/* What is looked at. */", "/* What is\n * looked at. */"),
    "a line between functions": ("}\n\nstatic int unseen", "}\n\n\nstatic int unseen"),
    "a statement in another function": ("return found;", "found += 2;\n\treturn found;"),
    "a call in another function": ("lock_it(&found);", "unlock_it(&found);"),
    "a comment in another function": ("int found = count;", "int found = count; /* all */"),
    "a line in the function that was looked at": (
        "return lower(page);",
        "/* Down there. */\n\treturn lower(page);",
    ),
    "an empty line in it": ("{\n\treturn lower(page);", "{\n\n\treturn lower(page);"),
    "a function is gone": (TEXT[UNSEEN : TEXT.index(b"static const")].decode(), ""),
    "a function is new": (
        "static const struct",
        "static int fresh(int a)\n{\n\treturn a;\n}\n\nstatic const struct",
    ),
    "a function behind all": (
        "\t.method = seen,\n};\n",
        "\t.method = seen,\n};\n\nstatic int fresh(void)\n{\n\treturn 1;\n}\n",
    ),
    "at the end": ("\t.method = seen,\n};\n", "\t.method = seen,\n};\n/* The end. */\n"),
}
FALLS = {
    "the function that was looked at": ("return lower(page);", "return lower(page) + 1;"),
    "a comment in a statement of it": ("lower(page);", "lower(/* this */\n\t\tpage);"),
    "space in it": ("return lower(page);", "return  lower(page);"),
    "a string in it": ("return lower(page);", 'say("a");\n\treturn lower(page);'),
    "a directive": ("static int unseen", "#define COUNT 1\nstatic int unseen"),
    "a table": (".method = seen", ".other = seen"),
    "a variable is new": ("static int unseen", "static int more;\nstatic int unseen"),
    "a word that is searched for": ("found = count", "found = page->index"),
    "a call of a function that is asked about": ("lock_it(&found)", "lower(&found)"),
    "a function of a name that was looked up": ("unseen(int count)", "lower(int count)"),
    "a comment that swallows code": ("}\n\nstatic int unseen", "}\n/*\nstatic int unseen"),
    "a comment that never ends": ("\t.method = seen,\n};\n", "\t.method = seen,\n};\n/* The end"),
    "a brace is gone": ("return found;\n}", "return found;\n"),
    "a record in a function": ("int found = count", "struct own { int a; } b; int found = count"),
    "a slot is set in a function": ("int found = count;", "struct a b = {\n\t\t.c = count };"),
    "a name at the left margin": ("\tlock_it", "lower:\n\tlock_it"),
    "a line that goes on": ("\tint found = count;", "\tint found = \\\n\tcount;"),
    "words to pagefix": ("/* What is looked at. */", "/* pagefix: allow(x): y */"),
}


@pytest.mark.parametrize(("old", "new"), STANDS.values(), ids=STANDS)
def test_what_leaves_an_answer_as_it_is(old: str, new: str) -> None:
    after = change(old, new)
    shift = shifted("a.c", TEXT, after, asked())
    assert shift is not None
    for place in (b"lower(page)", b".method", b"operations"):
        at, line = TEXT.index(place), TEXT[: TEXT.index(place)].count(b"\n") + 1
        assert after[shift.offset(at) :].startswith(place)
        assert after.split(b"\n")[shift.line(line) - 1] == TEXT.split(b"\n")[line - 1]


@pytest.mark.parametrize(("old", "new"), FALLS.values(), ids=FALLS)
def test_what_asks_for_a_new_answer(old: str, new: str) -> None:
    assert shifted("a.c", TEXT, change(old, new), asked()) is None


def test_it_depends_on_what_was_asked() -> None:
    after = change("lock_it(&found);", "unlock_it(&found);")
    assert shifted("a.c", TEXT, after, asked()) is not None
    assert shifted("a.c", TEXT, after, asked(words={"unlock_it"})) is None
    assert shifted("a.c", TEXT, after, asked(mentioned={"lock_it"})) is None
    everything, whole = asked(), asked()
    everything.everything = True
    whole.whole.add("a.c")
    assert shifted("a.c", TEXT, after, everything) is None
    assert shifted("a.c", TEXT, after, whole) is None


def test_what_was_replaced_has_no_place() -> None:
    shift = shifted("a.c", TEXT, change("return found;", "return found + 2;"), asked())
    assert shift is not None
    at = TEXT.index(b"return found")
    with pytest.raises(LookupError):
        shift.offset(at)
    with pytest.raises(LookupError):
        shift.line(TEXT[:at].count(b"\n") + 1)


STRING = TEXT.replace(b"return lower(page);", b'return lower("on", page); /* so */')


@pytest.mark.parametrize(
    ("new", "stands"),
    [
        (b'return lower("on", page); /* or so */', True),
        (b'return lower("off", page); /* so */', False),
        (b'return lower("in", page); /* so */', False),
        (b'return lower("on" , page); /* so */', False),
    ],
)
def test_strings_are_code(new: bytes, stands: bool) -> None:
    after = STRING.replace(b'return lower("on", page); /* so */', new)
    shift = shifted("a.c", STRING, after, asked())
    assert (shift is not None) is stands
    if shift is not None:
        # Nothing is written beside a comment that has changed.
        with pytest.raises(LookupError):
            shift.edit(STRING.index(b"static int seen"))
        assert shift.edit(STRING.index(b"static int unseen")) > 0


# --- the command


class Checks:
    """How often the engine was asked, and what was printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.made = 0
        self.capsys = capsys
        check = engine.check

        def counted(*parts: object, **options: object) -> object:
            self.made += 1
            return check(*parts, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "check", counted)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Run a check and return its status and what it prints."""
        code = main(["check", "--format", "json", *arguments])
        return code, *self.capsys.readouterr()


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checks:
    return Checks(monkeypatch, capsys)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("include", "demo"):
        shutil.copytree(FIXTURES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "demo" / "foofs.c"


def test_places_move_with_the_text(demo: Path, check: Checks) -> None:
    check("demo")
    assert check.made == 1
    demo.write_text("/* One\n * more. */\n" + demo.read_text())
    shown = check("demo")
    assert check.made == 1
    assert shown == check("demo", "--no-cache")
    # What was kept in its place rests on the new text.
    demo.write_text("/* And more. */\n" + demo.read_text())
    shown = check("demo")
    assert check.made == 2
    assert shown == check("demo", "--no-cache")


def test_a_change_on_a_chain_is_looked_at(demo: Path, check: Checks) -> None:
    check("demo")
    text = demo.read_text()
    assert "page->index" in text
    demo.write_text(text.replace("page->index", "page_file_index(page)"))
    shown = check("demo")
    assert check.made == 2
    assert shown == check("demo", "--no-cache")


def test_what_is_kept_may_be_gone(
    demo: Path, check: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_kept, "keep_asked", lambda *parts: None)
    check("demo")
    demo.write_text("/* One more. */\n" + demo.read_text())
    assert check("demo") == check("demo", "--no-cache")
    assert check.made == 3


def test_a_staged_text_need_not_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Checks
) -> None:
    repository = Repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    check("demo")
    text = repository.foofs.read_text()
    repository.foofs.write_text("/* One more. */\n" + text)
    repository.git("add", ".")
    repository.foofs.write_text("/* One. */\n/* Two. */\n" + text)
    code, shown, _ = check("--staged", "--only-named", "demo/foofs.c")
    assert check.made == 1
    anew = check("--staged", "--only-named", "demo/foofs.c", "--no-cache")
    assert (code, shown) == anew[:2]


def test_a_rewrite_begins_with_what_a_check_found(
    demo: Path, check: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    anew = main(["rewrite", "--no-cache", "demo"]), capsys.readouterr()
    assert anew[1].out.startswith("--- a/demo/foofs.c")
    check("demo")
    made = check.made
    assert (main(["rewrite", "demo"]), capsys.readouterr()) == anew
    assert check.made == made
    # Of a text that is not the one that was looked at, nothing is written.
    demo.write_text("/* One more. */\n" + demo.read_text())
    after = main(["rewrite", "demo", "--no-cache"]), capsys.readouterr()
    assert after != anew
    made = check.made
    assert (main(["rewrite", "demo"]), capsys.readouterr()) == after
    assert check.made == made


def test_a_rewrite_notices_what_changes_meanwhile(
    demo: Path, check: Checks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check("demo")
    found_of = cli_kept.found_of

    def slow(*parts: Any, **options: Any) -> Any:
        found = found_of(*parts, **options)
        demo.write_text("/* One more. */\n" + demo.read_text())
        return found

    before = demo.read_text()
    monkeypatch.setattr("pagefix.cli_rewrite.found_of", slow)
    assert main(["rewrite", "--apply", "demo"]) == 2
    assert "changed while it was being" in capsys.readouterr().err
    assert demo.read_text() == "/* One more. */\n" + before


# --- any change

PLACES = ["demo", "guards", "contract/relocation-under-swapfile"]


@pytest.mark.parametrize("place", PLACES)
def test_any_change(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Checks
) -> None:
    for name in ("include", place):
        shutil.copytree(FIXTURES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    chance = random.Random(place)
    files = sorted((tmp_path / place).rglob("*.c"))
    check(place)
    stood = 0
    for _ in range(9):
        file = chance.choice(files)
        file.write_text(edited(file.read_text(), chance))
        made = check.made
        shown = check(place)
        if check.made == made:
            stood += 1
            assert shown == check(place, "--no-cache"), file.read_text()
    assert stood > 1
