"""What could be written instead in a script: edits of bytes, imports by LibCST's visitors.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import NamedTuple

import libcst as cst

from pagefix.finding import Edit
from pagefix.script.helper import HELPER, HELPER_IMPORTS, HELPER_NAME
from pagefix.script.tree import Script
from pagefix.source import SourceFile

__all__ = ["Needs", "needed_edits", "needs_of", "with_needs"]


class Needs(NamedTuple):
    """What a script must have for a fix.

    :param imports: (module, name).
    :param helper: whether the helper is inserted.
    """

    imports: tuple[tuple[str, str], ...] = ()
    helper: bool = False


def needs_of(script: Script, imported: str, *, inserted: bool) -> Needs | None:
    """Return what a fix needs that the script has not; ``None`` if a name is taken there.

    :param imported: a function with its module, empty if none.
    """
    wanted = [(imported.rpartition(".")[0], imported.rpartition(".")[2])] if imported else []
    names = _Names()
    script.module.visit(names)
    helper = False
    if inserted and HELPER_NAME not in names.helpers:
        if HELPER_NAME in names.bound or HELPER_NAME in names.imported:
            return None
        wanted += HELPER_IMPORTS
        helper = True
    missing = []
    for module, name in wanted:
        if name in names.bound:
            return None
        if name in names.imported:
            if not names.imported[name].startswith("drgn"):
                return None
        elif module not in names.stars:
            missing.append((module, name))
    return Needs(tuple(missing), helper)


def with_needs(data: bytes, needs: Iterable[Needs]) -> bytes:
    """Return a script with what fixes need in it."""
    found = list(needs)
    imports = list(dict.fromkeys(each for need in found for each in need.imports))
    helper = any(need.helper for need in found)
    if not imports and not helper:
        return data
    # Imported here: the visitors cost more than reading a script that needs none.
    from libcst.codemod import CodemodContext
    from libcst.codemod.visitors import AddImportsVisitor, ImportItem

    module = cst.parse_module(data)
    if helper:
        module = _insert(module)
    items = [ImportItem(module_name, name) for module_name, name in imports]
    module = AddImportsVisitor(CodemodContext(), items).transform_module(module)
    return module.bytes


def _insert(module: cst.Module) -> cst.Module:
    function = cst.parse_module(HELPER, module.config_for_parsing).body[0]
    function = function.with_changes(
        leading_lines=[cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
    )
    at = 0
    for number, each in enumerate(module.body):
        if isinstance(each, cst.SimpleStatementLine):
            first = each.body[0]
            string = isinstance(first, cst.Expr) and isinstance(
                first.value, cst.SimpleString | cst.ConcatenatedString
            )
            if isinstance(first, cst.Import | cst.ImportFrom) or (string and number == 0):
                at = number + 1
                continue
        if not _guards_imports(each):
            break
        at = number + 1
    rest = list(module.body[at:])
    if rest:
        lines = [each for each in rest[0].leading_lines if each.comment is not None]
        empty = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
        rest[0] = rest[0].with_changes(leading_lines=[*empty, *lines])
    return module.with_changes(body=[*module.body[:at], function, *rest])


def _guards_imports(node: cst.CSTNode) -> bool:
    # try: import x / except ImportError: ..., if TYPE_CHECKING: import x
    if not isinstance(node, cst.Try | cst.If):
        return False
    lines = [each for each in node.body.body if isinstance(each, cst.SimpleStatementLine)]
    return bool(lines) and all(
        isinstance(each.body[0], cst.Import | cst.ImportFrom) for each in lines
    )


def needed_edits(source: SourceFile, needs: Iterable[Needs]) -> tuple[Edit, ...]:
    """Return the edits that give a script what fixes need: whole lines."""
    after = with_needs(source.data, needs)
    if after == source.data:
        return ()
    old, new = source.data.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    return tuple(
        Edit(
            source.path, starts[a], starts[b], b"".join(new[c:d]).decode("utf-8", "surrogateescape")
        )
        for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal"
    )


class _Names(cst.CSTVisitor):
    # What a script binds, anywhere, and what it imports.

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.helpers: set[str] = set()
        self.imported: dict[str, str] = {}
        self.stars: set[str] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: N802
        text = cst.Module([]).code_for_node(node.with_changes(leading_lines=[])).strip()
        ours = node.name.value == HELPER_NAME and text == HELPER.strip()
        (self.helpers if ours else self.bound).add(node.name.value)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802
        self.bound.add(node.name.value)

    def visit_Param(self, node: cst.Param) -> None:  # noqa: N802
        self.bound.add(node.name.value)

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:  # noqa: N802
        self._targets(node.target)

    def visit_For(self, node: cst.For) -> None:  # noqa: N802
        self._targets(node.target)

    def visit_CompFor(self, node: cst.CompFor) -> None:  # noqa: N802
        self._targets(node.target)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:  # noqa: N802
        self._targets(node.target)

    def _targets(self, node: cst.BaseExpression) -> None:
        if isinstance(node, cst.Name):
            self.bound.add(node.value)
        elif isinstance(node, cst.Tuple | cst.List):
            for each in node.elements:
                self._targets(each.value)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:  # noqa: N802
        module = cst.Module([]).code_for_node(node.module) if node.module is not None else "."
        if isinstance(node.names, cst.ImportStar):
            self.stars.add(module)
            if module == "drgn.helpers.linux":
                self.stars.add("drgn.helpers.linux.mm")
            return
        for each in node.names:
            self.imported[each.evaluated_alias or each.evaluated_name] = module
