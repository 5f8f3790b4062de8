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
    Scope,
    Stage,
    Template,
    Variable,
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


# What is wrong, the change that makes it so, the line it is said of, the title.
WRONG = [
    ("severity = ", "severty = ", 2, r"unknown key 'severty' \(did you mean 'severity'\?\)"),
    ('summary = "an index"\n', "", None, "no 'summary'"),
    ('"warning"', '"fatal"', 2, "'severity' cannot be 'fatal'"),
    ('"warning"', "3", 2, "'severity' is not text"),
    ('"an index"', '" "', 1, "'summary' is not text"),
    ('"stable"', '"stabel"', 3, r"'status' cannot be 'stabel' \(did you mean 'stable'\?\)"),
    ("PAGE = ", "page = ", 7, "metavariable page is not upper case"),
    ('"struct page *"', '"struct page * *("', 7, "is not C"),
    ('PAGE = "struct page *"', "PAGE = 3", 7, r"the type of \$PAGE is not text"),
    (
        'PAGE = "struct page *"',
        'PAGE = "struct page *"\nOTHER = "int"',
        8,
        r"\$OTHER is in no pattern",
    ),
    ("'$PAGE->index'", "'$PAGE->'", 10, r"'\$PAGE->' is not C"),
    ("'$PAGE->index'", "'$PAGE + 1'", 10, "names no field and no function"),
    ("'$PAGE->index'", "'$PAGE(1)'", 10, "names no field and no function"),
    ("'$PAGE->index'", "'$PGAE->index'", 10, r"\$PGAE is not declared in \[metavars\] \(did you"),
    ("'$PAGE->index'", "'page_offset($PAGE)'", 11, "a call has no access"),
    ('["read", "write"]', '["reed"]', 11, r"there is no access 'reed' \(did you mean 'read'\?\)"),
    ('["read", "write"]', "[]", 11, "'access' is not a list"),
    ('"swapcache"', '"swapcash"', 12, r"there is no label 'swapcash' \(did you mean"),
    ('"$PAGE->index is', '"$PAEG->index is', 13, r"\$PAEG is not bound by the pattern"),
    ("'page_index($PAGE)'", "'page_index($OTHER)'", 17, r"\$OTHER is not bound by every pattern"),
    ("'page_index($PAGE)'", "'page_index($PAGE'", 17, "is not C"),
    ('"page_index"\n', '"page_index"\nneed = "x"\n', 19, "unknown key 'need'"),
    ('needs = "page_index"\n', "", 18, "`without` has no `needs`"),
    ('["page_private"]', '"page_private"', 19, "`without` is not a list of names"),
    ('"safe"', '"sure"', 20, "'applicability' cannot be 'sure'"),
    ('applicability = "safe"\n', "", 15, "a fix that replaces has no applicability"),
    ('why = "why"\n', "", 26, "heading 'why' is missing"),
    ('"why"', '""', 31, "'why' is not text"),
    ('["one", "two"]', '"one"', 35, "`references` is not a list of texts"),
    ("[[match]]", "[match]", 9, "'match' is not a list of tables"),
]


@pytest.mark.parametrize(("old", "new", "line", "title"), WRONG, ids=[each[3] for each in WRONG])
def test_a_wrong_rule_is_refused(
    tmp_path: Path, old: str, new: str, line: int | None, title: str
) -> None:
    assert old in RULE
    error = load(tmp_path, RULE.replace(old, new, 1))
    place = re.escape(f"{tmp_path}/some-rule.toml") + (f":{line}" if line else "")
    assert re.match(f"{place}: .*{title}", error.title), error.title
    assert error.why
    assert error.remedy


def test_a_wrong_pattern_is_marked(tmp_path: Path) -> None:
    error = load(tmp_path, RULE.replace("'$PAGE->index'", "'$PAGE->index +'"))
    assert error.why.splitlines()[1] == "    $PAGE->index +"
    assert error.why.splitlines()[2].strip() == "^"


def test_not_toml(tmp_path: Path) -> None:
    error = load(tmp_path, RULE + "]\n")
    assert error.title.endswith("some-rule.toml: not TOML")
    assert "line 36" in error.why


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "some-rule.toml"
    path.write_bytes(b"summary = '\xff'")
    with pytest.raises(PagefixError, match="the rule cannot be read"):
        load_rule(path)


def test_a_folder_without_rules(tmp_path: Path) -> None:
    with pytest.raises(PagefixError, match="no rules in"):
        load_rules(tmp_path)


def test_own_rules_load_by_name() -> None:
    names = [rule.name for rule in load_rules()]
    assert names == sorted(path.stem for path in rules_folder().glob("*.toml"))
    assert "raw-page-mapping" in names


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
