"""A report outlives a change where nothing was asked, and only such a change.

The first tests say of single changes, by hand, whether the answer may stand; the last ones make
any changes at all, and compare what is shown with what is found anew.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edits import edited
from repository import Repository

from pagefix import cli_kept, cli_still, engine
from pagefix.asked import Asked
from pagefix.cli import main
from pagefix.finding import Coverage, Ledger
from pagefix.report import Report, TreeFacts
from pagefix.report.moved import moved
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
    "a name that a brace stands before": ("\tlock_it(&found);", "\tdo {\n\t} while (lower);"),
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


def test_what_is_between_belongs_to_a_place() -> None:
    # A statement expression has lines of its own, which a message may show.
    old = b"int seen(int a)\n{\n\tstep(({ one();\n\t\t/* A. */\n\t\ttwo(); }));\n}\n"
    found = Asked()
    found.items["a.c"] = {0}
    for more in (b"/* B. */", b"/* A. */\n\t\t/* B. */"):
        shift = shifted("a.c", old, old.replace(b"/* A. */", more), found)
        assert shift is not None
        start, end = old.index(b"step"), old.index(b";\n}\n")
        with pytest.raises(LookupError):
            shift.span(start, end)
        with pytest.raises(LookupError):
            shift.lines(3, 5)
        assert shift.span(start, start + 4) == (start, start + 4)
        assert shift.lines(1, 3) == (1, 3)


# Functions that were not looked at, one behind the other.
BESIDE = """\
static int one(int count)
{
	lower(count);
	/*; upper(count); */
	take(({ fresh(); 1; }), index);
	if (index(count)) { count = one_more; }
	return count;
}

static int two(int count)
{
	step();
	return count;
}
#ifdef lower
#endif
"""
ELSEWHERE = {
    "a call goes to the function behind": ("lower(count);", "", "step();", "lower(count);"),
    "a call becomes a comment": ("lower(count);", "/* lower(count); */", "", ""),
    "what is a comment changes": ("lower(count);\n\t/*; ", "/*;lower(count);\n\t", "", ""),
    "a call over a line that ends in CR LF": ("lower(count)", "lower\r\n\t(count)", "", ""),
    "a call in a string": ("lower(count);", 'take("lower(count);");', "", ""),
    "what is called around a word": ("take((", "give((", "", ""),
    "what stands in the braces behind a word": ("one_more", "one_less", "", ""),
    "a byte that is no letter behind a name": ("lower(count)", "lower\xc2\xa0(count)", "", ""),
    "the function before a directive": ("#ifdef", "static int new(void)\n{\n}\n#ifdef", "", ""),
    "a function is cut in two": ("\tlower(", "}\n\nstatic int new(void)\n{\n\tlower(", "", ""),
}


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
def test_it_matters_whose_a_word_is(changes: tuple[str, str, str, str]) -> None:
    after = BESIDE.replace(*changes[:2], 1)
    after = after.replace(*changes[2:], 1) if changes[2] else after
    assert after != BESIDE
    one, two = BESIDE.encode("latin-1"), after.encode("latin-1")
    assert shifted("a.c", one, two, Asked()) is not None
    assert shifted("a.c", one, two, asked()) is None


def test_a_line_may_go_on_behind_a_carriage_return() -> None:
    old = b"#if A \\\r\n && B\r\n#endif\r\n\r\nint a;\r\n"
    assert shifted("a.c", old, old.replace(b"B", b"C"), Asked()) is None
    assert shifted("a.c", old, old.replace(b"int", b"/* A. */\r\nint"), Asked()) is not None


def test_a_function_becomes_one_at_the_left_margin() -> None:
    # One that is indented is not found by its name, unless a word elsewhere says so.
    old = b"  int lower(void)\n{\n}\n\nint two(int a)\n{\n\tstep();\n}\n"
    new = old.replace(b"\tstep();", b"\tdo {\n\t} while (lower);")
    assert shifted("a.c", old, new, Asked()) is not None
    found = Asked()
    found.names.add("lower")
    assert shifted("a.c", old, new, found) is None


# What lies between a comment to pagefix and the code behind it is that comment's.
SPOKEN = b"""\
/*
 * pagefix: allow(rule): it was
 * looked at.
 */

static int seen(void)
{
}

static int unseen(void)
{
	step();
}
"""


def test_what_a_comment_speaks_of() -> None:
    def stands(old: bytes, new: bytes) -> bool:
        assert SPOKEN.count(old) == 1
        return shifted("a.c", SPOKEN, SPOKEN.replace(old, new), Asked()) is not None

    assert stands(b"step", b"leap")
    assert stands(b"/*\n * p", b"/* One. */\n/*\n * p")
    assert not stands(b"looked at", b"read")
    assert not stands(b" * looked at.\n", b"")
    assert not stands(b"static int seen", b"static int new(void)\n{\n}\n\nstatic int seen")


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


def laid_out(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Copy a folder of fixtures with the headers that they see, and go there."""
    for name in ("include", place):
        shutil.copytree(FIXTURES / name, folder / name)
    monkeypatch.chdir(folder)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    laid_out(tmp_path, monkeypatch, "demo")
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


def test_what_a_rewrite_has_read_is_noted(demo: Path, check: Checks) -> None:
    main(["rewrite", "demo/foofs.c"])
    check.capsys.readouterr()
    text = demo.read_text()
    demo.write_text(text.replace("page->index", "page_file_index(page)"))
    assert check("demo/foofs.c") == check("demo/foofs.c", "--no-cache")


def test_a_comment_decides_if_there_is_something_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Checks
) -> None:
    # No line can be put behind one whose comment goes on.
    laid_out(tmp_path, monkeypatch, "guards")
    file = tmp_path / "guards" / "foofs.c"
    for each in (tmp_path / "guards").glob("*.*.c"):
        each.unlink()
    text = file.read_text()
    old = "set_page_private(page, what); /* of ours */"
    assert text.count(old) == 1
    file.write_text(text.replace(old, "get_page(page); /* of\n\t\tours */"))
    shown = check("guards")
    file.write_text(text.replace(old, "get_page(page); /* of ours */"))
    assert check("guards") == check("guards", "--no-cache") != shown


def test_what_is_kept_may_be_gone(
    demo: Path, check: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_kept, "keep_asked", lambda *parts: None)
    check("demo")
    demo.write_text("/* One more. */\n" + demo.read_text())
    assert check("demo") == check("demo", "--no-cache")
    assert check.made == 3


def test_what_is_kept_may_be_of_another_run(
    demo: Path, check: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    check("demo")
    text = demo.read_text()
    with monkeypatch.context() as during:
        # As where all of every text was asked for, or the run was stopped, or nothing fits in.
        during.setattr(cli_kept, "keep_asked", lambda *parts: None)
        demo.write_text(text.replace("page->index", "page_file_index(page)"))
        shown = check("demo")
    # What was asked is known of the first text, what was found of the second one.
    demo.write_text("/* One more. */\n" + text)
    assert check("demo") == check("demo", "--no-cache") != shown


def test_a_text_may_have_come_between(
    demo: Path, check: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    check("demo")
    text = demo.read_text()
    with monkeypatch.context() as during:
        # The report is kept with its places moved, the text that it rests on is not.
        during.setattr(cli_still.Standing, "keep", lambda *parts: None)
        demo.write_text("/* One. */\n" + text)
        check("demo")
        assert check.made == 1
    demo.write_text("/* One. */\n/* Two. */\n" + text)
    assert check("demo") == check("demo", "--no-cache")


def test_an_effect_goes_to_the_function_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Checks
) -> None:
    laid_out(tmp_path, monkeypatch, "contract/relocation-under-swapfile")
    place = "contract/relocation-under-swapfile"
    file = tmp_path / place / "bad.c"
    does, not_ = "\treturn relocate_block_group(group);\n}\n", "\treturn 0;\n}\n"
    head = "static int {}(struct group *group)\n{{\n"
    other, step = head.format("foo_other"), head.format("foo_step")
    text = file.read_text().replace("ret = relocate_block_group", "ret = foo_step")
    text = text.replace("static int request", "{}static int request", 1)

    def written(between: str) -> str:
        return text.replace("{}", between, 1)

    file.write_text(written(other + does + step + not_))
    none = check(place)
    file.write_text(written(other + not_ + step + does))
    one = check(place)
    assert one == check(place, "--no-cache") != none


def test_a_comment_speaks_of_what_is_behind_it(demo: Path, check: Checks) -> None:
    text = demo.read_text()
    head = "static int foofs_submit("
    allowed = "/* pagefix: allow(raw-page-offset): so it is\n * here. */\n"
    assert text.count(head) == 1
    demo.write_text(text.replace(head, allowed + head))
    shown = check("demo")
    demo.write_text(text.replace(head, allowed.replace("here", "there") + head))
    assert check("demo") == check("demo", "--no-cache") != shown
    demo.write_text(text.replace(head, allowed + "static int foo(void)\n{\n}\n\n" + head))
    assert check("demo") == check("demo", "--no-cache") != shown


def test_a_table_may_be_filled_by_a_function(demo: Path, check: Checks) -> None:
    # Where no table is in sight it is asked if any file of the folder fills the slot.
    file = demo.parent.parent / "alone" / "other.c"
    file.parent.mkdir()
    text = "static int other(void)\n{\n\treturn 0;\n}\n"
    file.write_text(text)
    check("alone")
    file.write_text(text.replace("return", "if (1)\n\t\treturn"))
    check("alone")
    assert check.made == 1
    file.write_text(text.replace("return", "table.swap_activate = activate;\n\treturn"))
    check("alone")
    assert check.made == 2


@pytest.mark.parametrize("place", ["a b", "a,b", "tree@1"])
def test_lines_move_whatever_the_folder_is_called(place: str) -> None:
    report = Report(
        TreeFacts(None, (), ()),
        (),
        (),
        Coverage(unresolved_calls=(f"{place}/a.c:2", "a.c:2", f"x/{place}/a.c:2")),
        (),
        Ledger(0, 0, 0, 0, {}),
        (),
        1,
    )
    shift = shifted(f"{place}/a.c", b"\nint a;\n", b"/* A. */\n\nint a;\n", Asked())
    assert shift is not None
    calls = moved(report, shift).coverage.unresolved_calls
    assert set(calls) == {f"{place}/a.c:3", "a.c:2", f"x/{place}/a.c:2"}
    with pytest.raises(LookupError):
        moved(replace(report, assumptions=(f"see {place}/a.c:2",)), shift)


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
    laid_out(tmp_path, monkeypatch, place)
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
