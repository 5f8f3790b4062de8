"""What could be written instead in a script: edits of bytes, imports by LibCST's visitors.

Floor 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

import libcst as cst

from pagefix.finding import Edit
from pagefix.script.helper import HELPER, HELPER_IMPORTS, HELPER_NAME
from pagefix.script.tree import Script, all_nodes
from pagefix.source import SourceFile

__all__ = ["Needs", "needed_edits", "needs_of"]


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
    names = _names_of(script.module)
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


def needed_edits(script: Script, needs: Iterable[Needs]) -> tuple[Edit, ...]:
    """Return the edits that give a script what fixes need: whole lines."""
    found = list(needs)
    imports = list(dict.fromkeys(each for need in found for each in need.imports))
    helper = any(need.helper for need in found)
    if not imports and not helper:
        return ()
    # Imported here: the visitors cost more than reading a script that needs none.
    from libcst.codemod import CodemodContext
    from libcst.codemod.visitors import AddImportsVisitor, ImportItem

    before = _head(script.module)
    after = _insert(before) if helper else before
    items = [ImportItem(module_name, name) for module_name, name in imports]
    after = AddImportsVisitor(CodemodContext(), items).transform_module(after)
    return tuple(_edits(script.source, before.bytes, after.bytes))


def _head(module: cst.Module) -> cst.Module:
    # What stands before the first statement that is no import; of that, only that it is there.
    # Imports are added nowhere else, and a long script takes no longer than a short one.
    at = _begin(module)
    if at == len(module.body):
        return module
    first = cst.SimpleStatementLine([cst.Pass()], leading_lines=module.body[at].leading_lines)
    return module.with_changes(body=[*module.body[:at], first], footer=[])


def _edits(source: SourceFile, before: bytes, after: bytes) -> Iterator[Edit]:
    shift = 3 if source.data.startswith(b"\xef\xbb\xbf") else 0
    before, after = before[_mark(before) :], after[_mark(after) :]
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [shift]
    for line in old:
        starts.append(starts[-1] + len(line))
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            text = b"".join(new[c:d]).decode("utf-8", "surrogateescape")
            yield Edit(source.path, starts[a], starts[b], text)


def _mark(data: bytes) -> int:
    return 3 if data.startswith(b"\xef\xbb\xbf") else 0


def _insert(module: cst.Module) -> cst.Module:
    function = cst.parse_module(HELPER, module.config_for_parsing).body[0]
    function = function.with_changes(
        leading_lines=[cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
    )
    at = _begin(module)
    rest = list(module.body[at:])
    if rest:
        lines = [each for each in rest[0].leading_lines if each.comment is not None]
        empty = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
        rest[0] = rest[0].with_changes(leading_lines=[*empty, *lines])
    return module.with_changes(body=[*module.body[:at], function, *rest])


def _begin(module: cst.Module) -> int:
    # Where the first statement is that is no import and no documentation.
    for number, each in enumerate(module.body):
        if isinstance(each, cst.SimpleStatementLine):
            first = each.body[0]
            string = isinstance(first, cst.Expr) and isinstance(
                first.value, cst.SimpleString | cst.ConcatenatedString
            )
            if isinstance(first, cst.Import | cst.ImportFrom) or (string and number == 0):
                continue
            return number
        if not _guards_imports(each):
            return number
    return len(module.body)


def _guards_imports(node: cst.CSTNode) -> bool:
    # try: import x / except ImportError: ..., if TYPE_CHECKING: import x
    if not isinstance(node, cst.Try | cst.If):
        return False
    lines = [each for each in node.body.body if isinstance(each, cst.SimpleStatementLine)]
    return bool(lines) and all(
        isinstance(each.body[0], cst.Import | cst.ImportFrom) for each in lines
    )


class _Names:
    # What a script binds, anywhere, and what it imports.

    def __init__(self, module: cst.Module) -> None:
        self.bound: set[str] = set()
        self.helpers: set[str] = set()
        self.imported: dict[str, str] = {}
        self.stars: set[str] = set()
        for node in all_nodes(module):
            match node:
                case cst.FunctionDef():
                    self._function(node)
                case cst.ClassDef() | cst.Param():
                    self.bound.add(node.name.value)
                case cst.AssignTarget() | cst.For() | cst.CompFor() | cst.NamedExpr():
                    self._targets(node.target)
                case cst.AnnAssign() | cst.AugAssign():
                    self._targets(node.target)
                case cst.ImportFrom():
                    self._imports(node)
                case cst.Import():
                    for each in node.names:
                        alias = each.evaluated_alias
                        name = each.evaluated_name
                        self.imported[alias or name.split(".")[0]] = name
                case _:
                    pass

    def _function(self, node: cst.FunctionDef) -> None:
        name = node.name.value
        if name == HELPER_NAME:
            text = cst.Module([]).code_for_node(node.with_changes(leading_lines=[])).strip()
            (self.helpers if text == HELPER.strip() else self.bound).add(name)
        else:
            self.bound.add(name)

    def _targets(self, node: cst.BaseExpression) -> None:
        if isinstance(node, cst.Name):
            self.bound.add(node.value)
        elif isinstance(node, cst.Tuple | cst.List):
            for each in node.elements:
                self._targets(each.value)

    def _imports(self, node: cst.ImportFrom) -> None:
        module = cst.Module([]).code_for_node(node.module) if node.module is not None else "."
        if isinstance(node.names, cst.ImportStar):
            self.stars.add(module)
            if module == "drgn.helpers.linux":
                self.stars.add("drgn.helpers.linux.mm")
            return
        for each in node.names:
            self.imported[each.evaluated_alias or each.evaluated_name] = module


@lru_cache(maxsize=8)
def _names_of(module: cst.Module) -> _Names:
    return _Names(module)
