"""Every place in the checked files where a rule's pattern matches, whatever its page is.

In: the program, checked rules, the inventory's sites. Out: hits. What is known of the
page in a hit is not asked here.

Floor 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pagefix.c import Chunk, Unit, ast
from pagefix.finding import Access, Site, Status
from pagefix.program import Program, Typer
from pagefix.rulebook import Bindings, Hit, Match, Rule, match

__all__ = ["find_hits"]


def find_hits(
    program: Program,
    rules: Sequence[Rule],
    sites: Iterable[Site],
    asked: Callable[[Rule, Match], bool] = lambda rule, each: True,
) -> tuple[Hit, ...]:
    """Return all matches, by path and place.

    :param sites: the inventory: it knows every field access and the record it is of.
    :param asked: of which patterns, where not of all: each costs reading where it may match.
    """
    pairs = [(rule, each) for rule in rules for each in rule.matches if asked(rule, each)]
    fields = {each.anchor for _, each in pairs if each.field}
    calls = {each.anchor for _, each in pairs if not each.field}
    by_path: dict[str, dict[int, Site]] = {}
    for site in sites:
        if site.status is Status.PAGE and site.field in fields:
            by_path.setdefault(site.span.path, {})[site.span.start] = site
    found: list[Hit] = []
    for path in program.files:
        wanted: dict[int, Site | None] = {**by_path.get(path, {})}
        wanted.update(dict.fromkeys(_calls(program, path, calls)))
        if wanted:
            found += _FileScan(program, path, pairs, wanted).hits()
    return tuple(found)


def _calls(program: Program, path: str, names: Iterable[str]) -> Iterator[int]:
    names = tuple(names)
    program.asked.words.update(names)
    data = program.data(path)
    for name in names:
        key = name.encode()
        if key in data:
            # A pattern that begins with plain text is found much quicker than one that looks
            # behind, or has a choice.
            code = program.unit(path).code
            for found in re.finditer(re.escape(key) + rb"(?=\s*\()", code):
                before = code[found.start() - 1 : found.start()]
                if not (before.isalnum() or before == b"_"):
                    yield found.start()


_HANDED = "a macro is handed the field's name: what it does with it is for you to see"


class _FileScan:
    # The wanted offsets of one file, and what stands there.

    def __init__(
        self,
        program: Program,
        path: str,
        pairs: Sequence[tuple[Rule, Match]],
        wanted: Mapping[int, Site | None],
    ) -> None:
        self.program = program
        self.path = path
        self.pairs = pairs
        self.wanted = wanted
        self.typers: dict[int, Typer] = {}

    def hits(self) -> list[Hit]:
        unit = self.program.unit(self.path)
        found: dict[tuple[str, int], Hit] = {}
        for chunk in _chunks(unit, self.wanted):
            for item in unit.items(chunk):
                for node, parents in _walk(item, ()):
                    for hit in self.at(node, parents, item):
                        # An #if may lower one text twice: it is still one place.
                        found.setdefault((hit.rule.name, hit.start), hit)
        return sorted(found.values(), key=lambda hit: (hit.start, hit.rule.name))

    def at(self, node: object, parents: tuple[object, ...], item: ast.Item) -> Iterator[Hit]:
        if isinstance(node, ast.Call):
            for member in self.handed(node, item):
                for hit in self.at(member, (node, *parents), item):
                    yield hit._replace(reason=_HANDED)
        if isinstance(node, ast.Member):
            start, anchor, field = node.at, node.field, True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            start, anchor, field = node.func.start, node.func.name, False
        else:
            return
        if start not in self.wanted:
            return
        site = self.wanted[start]
        access = site.access if site is not None else _access(parents)
        for rule, each in self.pairs:
            if each.anchor != anchor or each.field != field or access not in each.access:
                continue
            if isinstance(item, ast.Function) and rule.names(item.name):
                continue
            bindings = match(each.tree, node)
            if bindings is None:
                continue
            doubt = self.typed(rule, each, bindings, site, item)
            if doubt is None:
                continue
            remark = site.reason if site is not None else ""
            yield Hit(
                rule=rule,
                match=each,
                path=self.path,
                start=start,
                end=start + len(anchor),
                expr=node,
                bindings=bindings,
                parents=parents,
                item=item,
                access=access,
                reason=doubt or remark,
                # A remark on a macro's body is that its uses disagree.
                certain=not doubt and not (remark and isinstance(item, ast.Macro)),
            )

    def handed(self, call: ast.Call, item: ast.Item) -> Iterator[ast.Member]:
        # The members that a macro makes of a field's name among its arguments.
        for arg in call.args:
            site = self.wanted.get(arg.start) if isinstance(arg, ast.Name) else None
            if site is None or not isinstance(arg, ast.Name) or arg.name != site.field:
                continue
            for base in call.args:
                type_ = self.stripped(self.typer(item).type_of(base))
                if base is not arg and _spelled(type_) == f"{site.record} *":
                    yield ast.Member(call.start, call.end, base, arg.name, True, arg.start)
                    break

    def typed(
        self, rule: Rule, each: Match, bindings: Bindings, site: Site | None, item: ast.Item
    ) -> str | None:
        # Whether the metavariables have their types: "" yes, a reason for perhaps, None no.
        verdict = ""
        for name, bound in bindings.items():
            metavar = rule.metavar(name)
            if not isinstance(metavar.type, ast.Pointer):
                continue  # C converts numbers: their types tell nothing
            if site is not None and _is_base(each.tree, name):
                if _spelled(metavar.type) != f"{site.record} *":
                    return None
                continue
            try:
                type_ = self.typer(item).type_of(bound.expr)
            except RecursionError:
                type_ = ast.UnknownType()
            if bound.prefix:
                type_ = type_ if isinstance(type_, ast.UnknownType) else ast.Pointer(type_)
            spelled = _spelled(self.stripped(type_))
            if spelled is None:
                verdict = f"the type of the argument for ${name} is not known"
            elif spelled not in (_spelled(metavar.type), "void *") and not _is_null(bound.expr):
                return None
        return verdict

    def typer(self, item: ast.Item) -> Typer:
        key = id(item)
        if key not in self.typers:
            self.typers[key] = Typer(self.program, self.path, item)
        return self.typers[key]

    def stripped(self, type_: ast.Type) -> ast.Type:
        type_ = self.program.strip(type_, self.path)
        if isinstance(type_, ast.Pointer):
            return ast.Pointer(self.stripped(type_.to))
        return type_


def _chunks(unit: Unit, offsets: Iterable[int]) -> Iterator[Chunk]:
    seen: set[tuple[int, int]] = set()
    for offset in sorted(offsets):
        chunk = unit.chunk_at(offset)
        if chunk is not None and (chunk.start, chunk.end) not in seen:
            seen.add((chunk.start, chunk.end))
            yield chunk


def _walk(node: object, parents: tuple[object, ...]) -> Iterator[tuple[object, tuple[object, ...]]]:
    # Every node with what it stands in, innermost first.
    if isinstance(node, ast.Member | ast.Call):
        yield node, parents
    if isinstance(node, tuple):
        inside = (node, *parents) if hasattr(node, "_fields") else parents
        for part in node:
            if isinstance(part, tuple):
                yield from _walk(part, inside)


def _access(parents: Iterable[object]) -> Access:
    if any(isinstance(parent, ast.SizeOf | ast.TypeOf) for parent in parents):
        return Access.UNEVALUATED
    return Access.READ


def _is_base(tree: ast.Expr, name: str) -> bool:
    return (
        isinstance(tree, ast.Member)
        and isinstance(tree.base, ast.Name)
        and tree.base.name == f"${name}"
    )


def _is_null(expr: ast.Expr) -> bool:
    return isinstance(expr, ast.Number) and expr.value == 0


def _spelled(type_: ast.Type) -> str | None:
    # "struct page *"; None for a type that is not known.
    if isinstance(type_, ast.Pointer):
        inner = _spelled(type_.to)
        return None if inner is None else f"{inner}*" if inner.endswith("*") else f"{inner} *"
    if isinstance(type_, ast.Base | ast.Record):
        return type_.name
    if isinstance(type_, ast.Array):
        return _spelled(ast.Pointer(type_.of))
    return None if isinstance(type_, ast.UnknownType) else "?"
