"""Rules: loading with clear errors, and patterns against expressions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pagefix.c import ast, parse_pattern
from pagefix.errors import PagefixError
from pagefix.finding import Access, Applicability, Kind, Severity
from pagefix.rulebook import (
    Bound,
    OpsSpec,
    Scope,
    Stage,
    Template,
    Variable,
    load_models,
    load_rule,
    load_rules,
    match,
    rules_folder,
)

RULE = """\
summary = "an index"
severity = "warning"
status = "stable"
since = "0.1"

[metavars]
PAGE = "struct page *"

[[match]]
pattern = '$PAGE->index'
access = ["read", "write"]
requires = "swapcache"
message = "$PAGE->index is read"

[[fix]]
access = ["read"]
replace = 'page_index($PAGE)'
needs = "page_index"
without = ["page_private"]
applicability = "safe"
message = "page_index() of $PAGE"

[[fix]]
message = "there is no wrapper"

[doc]
what = '''
What
it is.
'''
why = "why"
example = "example"
instead = "instead"
safety = "safety"
references = ["one", "two"]
"""


def load(folder: Path, text: str) -> PagefixError:
    path = folder / "some-rule.toml"
    path.write_text(text)
    with pytest.raises(PagefixError) as caught:
        load_rule(path)
    return caught.value


def test_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "some-rule.toml"
    path.write_text(RULE)
    rule = load_rule(path)
    assert (rule.name, rule.path, rule.kind) == ("some-rule", str(path), Kind.FLOW)
    assert (rule.severity, rule.stage, rule.scope) == (Severity.WARNING, Stage.STABLE, Scope.ALL)
    assert rule.metavar("PAGE").type == ast.Pointer(ast.Base("struct page"))
    (matched,) = rule.matches
    assert (matched.anchor, matched.field, matched.requires) == ("index", True, "swapcache")
    assert matched.access == {Access.READ, Access.WRITE}
    assert matched.severity is Severity.WARNING
    assert matched.message.fill({"PAGE": "p"}) == "p->index is read"
    first, second = rule.fixes
    assert first.replace == Template(("page_index(", Variable("PAGE"), ")"))
    assert (first.needs, first.without) == ("page_index", ("page_private",))
    assert first.applicability is Applicability.SAFE
    assert (second.replace, second.access) == (None, frozenset(Access))
    assert second.applicability is Applicability.SUGGEST
    assert rule.doc.what == "What\nit is."
    assert rule.doc.references == ("one", "two")


# What is changed, into what, the line it is said of with what is marked there, the title.
WRONG: list[tuple[str, str, int | None, str, str]] = [
    (
        '"$PAGE->index is read"',
        '"$PAGE->index\\nis read"',
        13,
        '"$PAGE->index\\nis read"',
        "'message' is more than one line",
    ),
    (
        "severity = ",
        "severty = ",
        2,
        "severty",
        r"unknown key 'severty' \(did you mean 'severity'\?",
    ),
    ('summary = "an index"\n', "", None, "", "no 'summary'"),
    ('"warning"', '"fatal"', 2, '"fatal"', "'severity' cannot be 'fatal'"),
    ('"warning"', "3", 2, "3", "'severity' is not text"),
    ('"an index"', '" "', 1, '" "', "'summary' is not text"),
    ('"stable"', '"stabel"', 3, '"stabel"', r"'status' cannot be 'stabel' \(did you mean 'stable'"),
    (
        '"0.1"',
        '"0.1"\nkind = "flwo"',
        5,
        '"flwo"',
        r"'kind' cannot be 'flwo' \(did you mean 'flow'",
    ),
    ('"0.1"', '"0.1"\noptional = "no"', 5, '"no"', "'optional' is neither true nor false"),
    ('"0.1"', '"0.1"\ntree = 3', 5, "3", "'tree' is not a table"),
    ("[metavars]", '[tree]\nhas = "f"\n[metavars]', 7, '"f"', "'has' is not a list"),
    ("[metavars]", '[tree]\nsymbol = "f"\n[metavars]', 6, "[tree]", "`symbol` and `mentions` go"),
    ("PAGE = ", "page = ", 7, "page", "metavariable page is not upper case"),
    ('"struct page *"', '"struct page * *("', 7, '"struct page * *("', "is not C"),
    ('PAGE = "struct page *"', "PAGE = 3", 7, "3", "'PAGE' is not text"),
    (
        'PAGE = "struct page *"',
        'PAGE = "struct page *"\nOTHER = "int"',
        8,
        "OTHER",
        r"\$OTHER is in no pattern",
    ),
    ("'$PAGE->index'", "'$PAGE->'", 10, "'", r"'\$PAGE->' is not C"),
    ("'page_index($PAGE)'", "'f($PAGE, , 1)'", 17, " ", "is not C"),
    ("'$PAGE->index'", "'$PAGE + 1'", 10, "'$PAGE + 1'", "names no field, no function"),
    ("'$PAGE->index'", "'$PAGE(1)'", 10, "'$PAGE(1)'", "names no field, no function"),
    ("'$PAGE->index'", "'$PGAE->index'", 10, "$PGAE", r"\$PGAE is not declared in \[metavars\]"),
    ("'$PAGE->index'", "'page_offset($PAGE)'", 11, "access", "only a field has an access"),
    ('["read", "write"]', '["reed"]', 11, '["reed"]', r"'access' cannot be 'reed' \(did you mean"),
    ('["read", "write"]', "[]", 11, "[]", "'access' is not a list"),
    (
        '"swapcache"',
        '"swapcash"',
        12,
        '"swapcash"',
        "'requires' cannot be 'swapcash' .did you mean",
    ),
    ('"$PAGE->index is', '"$PAEG->index is', 13, "$PAEG", r"\$PAEG is not bound by the pattern"),
    ("'page_index($PAGE)'", "'page_index($OTHER)'", 17, "$OTHER", r"\$OTHER is not bound by every"),
    ("'page_index($PAGE)'", "'page_index($PAGE'", 17, "'", "is not C"),
    ('"page_index"\n', '"page_index"\nneed = "x"\n', 19, "need", "unknown key 'need'"),
    ('needs = "page_index"\n', "", 18, "without", "`without` has no `needs`"),
    ('["page_private"]', '"page_private"', 19, '"page_private"', "'without' is not a list"),
    ('"safe"', '"sure"', 20, '"sure"', "'applicability' cannot be 'sure'"),
    ('applicability = "safe"\n', "", 15, "[[fix]]", "a fix that replaces has no applicability"),
    ('why = "why"\n', "", 26, "[doc]", r"heading 'why' \(Why it matters\) is missing"),
    ('"why"', '""', 31, '""', "'why' is not text"),
    ('["one", "two"]', '"one"', 35, '"one"', "'references' is not a list"),
    ("[[match]]", "[match]", 9, "[match]", "'match' is not a list of tables"),
    # A pattern that can match nothing.
    ("->index'", "->indx'", 10, "'$PAGE->indx'", r"match nothing: 'indx' .*did you mean 'index'"),
    ('"struct page *"', '"struct inode *"', 10, "'$PAGE->index'", "match nothing: 'struct inode"),
    ('"swapcache"', '"range"', 12, '"range"', "match nothing: no page carries the label 'range'"),
    ('["read", "write"]', '["unevaluated"]', 12, '"swapcache"', "match nothing: what is not eval"),
    (
        "[[fix]]",
        (
            "[[match]]\npattern = '$PAGE -> index'\nrequires = \"swapcache\"\n"
            'access = ["read"]\nmessage = "x"\n[[fix]]'
        ),
        16,
        "'$PAGE -> index'",
        "match nothing: one above takes all",
    ),
    # A fix that is never offered.
    (
        'access = ["read"]\nrep',
        'access = ["address"]\nrep',
        16,
        '["address"]',
        "never be offered: no match has",
    ),
    (
        "[doc]",
        '[[fix]]\naccess = ["read"]\nmessage = "never"\n[doc]',
        26,
        "[[fix]]",
        "never be offered: one above always is",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "marked", "title"), WRONG, ids=[each[4] for each in WRONG]
)
def test_a_wrong_rule_is_refused(
    tmp_path: Path, old: str, new: str, line: int | None, marked: str, title: str
) -> None:
    assert old in RULE
    error = load(tmp_path, RULE.replace(old, new, 1))
    place = re.escape(f"{tmp_path}/some-rule.toml") + (rf":{line}:\d+" if line else "")
    assert re.match(f"{place}: .*{title}", error.title), error.title
    assert error.remedy
    if line:
        text, carets = error.why.splitlines()[-2:]
        start, end = carets.index("^"), carets.rindex("^") + 1
        assert text[start:end] == marked
        column = start - text.index("|") - 1
        assert f":{line}:{column}: " in error.title


CALL = RULE.replace("'$PAGE->index'", "'f($PAGE)'").replace('access = ["read", "write"]\n', "")

WRONG_CALLS = [
    ('"struct page *"', '"struct inode *"', "match nothing: no metavariable in it is a page"),
    ('"swapcache"', '"range"', "match nothing: no metavariable in it can be a range"),
    ('"swapcache"', '"flags"', "match nothing: a comparison goes with the label 'flags'"),
    ("'f($PAGE)'", "'$PAGE == WRITE'", "match nothing: a comparison goes with the label 'flags'"),
]


@pytest.mark.parametrize(("old", "new", "title"), WRONG_CALLS)
def test_a_call_that_can_match_nothing(tmp_path: Path, old: str, new: str, title: str) -> None:
    assert old in CALL
    assert title in load(tmp_path, CALL.replace(old, new, 1)).title


OPS = """\
summary = "a pair"
kind = "ops"
severity = "error"
status = "preview"
since = "0.1"

record = "struct foo_operations"
slot = "open"

[[called]]
files = ["mm/foo.c"]
asks = ["FOO_ASKS"]
message = "$TABLE has no $SLOT, which $CALLER() calls"

""" + RULE[RULE.index("[doc]") :]

WRONG_OPS = [
    ("record = ", "recrd = ", 7, "recrd", "unknown key 'recrd'"),
    ('"struct foo_operations"', '"foo *"', 7, '"foo *"', "'foo \\*' is not a record type"),
    ('"open"', '"x->open"', 8, '"x->open"', "'x->open' is not the name of a member"),
    ('["mm/foo.c"]', "[]", 11, "[]", "'files' is not a list"),
    ("$CALLER", "$FUNCTION", 13, "$FUNCTION", r"\$FUNCTION is not one of an ops rule's words"),
    ("asks = [", "extents = 'X'\nask = [", 13, "ask", "unknown key 'ask' .did you mean 'asks'"),
    ('asks = ["FOO_ASKS"]', 'extents = "X"', 12, "extents", "`extents` has no `asks`"),
    ('"ops"', '"flow"', 7, "record", "unknown key 'record'"),
]


def test_an_ops_rule(tmp_path: Path) -> None:
    path = tmp_path / "some-rule.toml"
    path.write_text(OPS)
    rule = load_rule(path)
    assert isinstance(rule.spec, OpsSpec)
    assert (rule.kind, rule.spec.record, rule.spec.slot) == (
        Kind.OPS,
        "struct foo_operations",
        "open",
    )
    assert (rule.matches, rule.fixes) == ((), ())


@pytest.mark.parametrize(
    ("old", "new", "line", "marked", "title"), WRONG_OPS, ids=[each[4] for each in WRONG_OPS]
)
def test_a_wrong_ops_rule_is_refused(
    tmp_path: Path, old: str, new: str, line: int, marked: str, title: str
) -> None:
    assert old in OPS
    error = load(tmp_path, OPS.replace(old, new, 1))
    assert re.search(rf"some-rule.toml:{line}:\d+: {title}", error.title), error.title
    text, carets = error.why.splitlines()[-2:]
    assert text[carets.index("^") : carets.rindex("^") + 1] == marked


def test_an_ops_rule_that_can_find_nothing(tmp_path: Path) -> None:
    start, end = OPS.index("[[called]]"), OPS.index("[doc]")
    assert "the rule can find nothing" in load(tmp_path, OPS[:start] + OPS[end:]).title


def test_a_wrong_pattern_is_marked_where_it_goes_wrong(tmp_path: Path) -> None:
    error = load(tmp_path, RULE.replace("'$PAGE->index'", "'$PAGE->index +'"))
    text, carets = error.why.splitlines()[-2:]
    assert text == "  10 | pattern = '$PAGE->index +'"
    assert carets == "     | " + 25 * " " + "^"  # below the closing quote


def test_a_name_is_the_file_s(tmp_path: Path) -> None:
    path = tmp_path / "Some_Rule.toml"
    path.write_text(RULE)
    with pytest.raises(PagefixError, match="'Some_Rule' cannot be the name of a rule"):
        load_rule(path)


def test_two_rules_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "raw-page-index.toml").write_text(RULE)
    with pytest.raises(PagefixError, match="there are two rules of the name") as caught:
        load_rules(more=[tmp_path])
    assert str(rules_folder() / "raw-page-index.toml") in caught.value.why


def test_a_project_s_own_rules_come_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "an-index.toml").write_text(RULE)
    rules = {rule.name: rule for rule in load_rules(more=[tmp_path])}
    assert not rules["an-index"].own
    assert rules["raw-page-index"].own
    assert list(rules) == sorted(rules)


def test_not_toml(tmp_path: Path) -> None:
    error = load(tmp_path, RULE + "]\n")
    assert error.title.endswith("some-rule.toml:36:1: not TOML")
    assert error.why.endswith("\n  36 | ]\n     | ^")
    # What is never closed is told of the end.
    error = load(tmp_path, RULE + "x = '")
    assert error.title.endswith("some-rule.toml:36:6: not TOML")


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "some-rule.toml"
    path.write_bytes(b"summary = '\xff'")
    with pytest.raises(PagefixError, match="the rule cannot be read"):
        load_rule(path)


def test_a_folder_without_rules(tmp_path: Path) -> None:
    with pytest.raises(PagefixError, match="no rules in"):
        load_rules(tmp_path)


def test_own_rules_load_by_name() -> None:
    names = [rule.name for rule in load_rules(optional=True)]
    assert names == sorted(path.stem for path in rules_folder().glob("*.toml"))
    assert set(names) - {rule.name for rule in load_rules()} == {
        "bare-page-field",
        "needless-swap-wrapper",
    }
    assert "raw-page-mapping" in names


# --- models

MODEL = """\
summary = "a model"
fresh = ["kmalloc"]

[[guard]]
call = "PageFoo"
argument = 1
drops_when = "true"
"""

WRONG_MODELS = [
    ("fresh = ", "frsh = ", r":2:1: unknown key 'frsh' \(did you mean 'fresh'\?\)"),
    ('["kmalloc"]', '"kmalloc"', ":2:9: 'fresh' is not a list"),
    ('call = "PageFoo"\n', "", ":4:1: no 'call'"),
    ("argument = 1", 'argument = "1"', ":6:12: 'argument' is not a number"),
    ('"true"', '"yes"', ":7:14: 'drops_when' cannot be 'yes'"),
    ('"a model"', '"a model', ": not TOML"),
]


@pytest.mark.parametrize(("old", "new", "title"), WRONG_MODELS)
def test_a_wrong_model_is_refused(tmp_path: Path, old: str, new: str, title: str) -> None:
    (tmp_path / "models").mkdir()
    path = tmp_path / "models/pages.toml"
    path.write_text(MODEL)
    assert load_models(tmp_path).guards["PageFoo"].argument == 1
    path.write_text(MODEL.replace(old, new, 1))
    with pytest.raises(PagefixError, match=title):
        load_models(tmp_path)


# --- templates


def test_template() -> None:
    template = Template.of("f($A, $B_2) + $$A $x")
    assert list(template.variables()) == ["A", "B_2", "A"]
    assert template.fill({"A": "1", "B_2": "2"}) == "f(1, 2) + $1 $x"


# --- matching


def bound(pattern: str, text: str) -> dict[str, str] | None:
    """Return the text of each metavariable, with what must stand before it."""
    one, other = parse_pattern(pattern), parse_pattern(text)
    assert isinstance(one, ast.Expr)
    assert isinstance(other, ast.Expr)
    found = match(one, other)
    if found is None:
        return None
    return {
        name: each.prefix + text[each.expr.start : each.expr.end] for name, each in found.items()
    }


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("$P->index", "page->index", {"P": "page"}),
        ("$P->index", "page->mapping", None),
        ("$P->index", "(*page).index", {"P": "page"}),
        ("$P->index", "folio->page.index", {"P": "&folio->page"}),
        ("$P.index", "page->index", None),
        ("$P.index", "page.index", {"P": "page"}),
        ("a->$P", "a->b", None),
        ("f($P)", "f(x + 1)", {"P": "x + 1"}),
        ("f($P)", "f(x, y)", None),
        ("f($P)", "g(x)", None),
        ("f($P)", "(f)(x)", {"P": "x"}),
        ("f($P, $P)", "f(a->b[1], a->b[1])", {"P": "a->b[1]"}),
        ("f($P, $P)", "f(a->b[1], a->b[2])", None),
        ("f($P, $P)", "f(*x, *x)", {"P": "*x"}),
        ("f($P, $P)", 'f("a", "a")', None),
        ("f($P, 0)", "f(x, 0)", {"P": "x"}),
        ("f($P, 0)", "f(x, 1)", None),
        ("f($P, FLAG)", "f(x, A | (B | FLAG))", {"P": "x"}),
        ("f($P, FLAG)", "f(x, A & FLAG)", None),
        ("f($P, FLAG)", "f(x, A | FLAGS)", None),
        ("$P == FLAG", "x == (A | FLAG)", None),
        ("f($P & MASK)", "f(a & MASK)", {"P": "a"}),
        ("f($P & MASK)", "f(a | MASK)", None),
        ("f((struct page *)$P)", "f((struct page *)v)", {"P": "v"}),
        ("f((struct page *)$P)", "f((struct folio *)v)", None),
        ("$P->a->index", "x->a->index", {"P": "x"}),
    ],
)
def test_match(pattern: str, text: str, wanted: dict[str, str] | None) -> None:
    assert bound(pattern, text) == wanted


def test_a_local_is_not_the_kernel_s_function() -> None:
    pattern, call = parse_pattern("f($P)"), parse_pattern("f(x)")
    assert isinstance(pattern, ast.Call)
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    assert match(pattern, call) == {"P": Bound(call.args[0])}
    assert match(pattern, call._replace(func=call.func._replace(decl=7))) is None


def test_two_variables_of_one_name_are_two() -> None:
    pattern, call = parse_pattern("f($P, $P)"), parse_pattern("f(x, x)")
    assert isinstance(pattern, ast.Call)
    assert isinstance(call, ast.Call)
    one, other = call.args
    assert isinstance(other, ast.Name)
    assert match(pattern, call) is not None
    assert match(pattern, call._replace(args=(one, other._replace(decl=7)))) is None
