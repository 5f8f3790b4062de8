"""Trees of the reader as short text, so that a table of tests can hold them.

Expressions become lists with the operator first: ``page->index`` is ``(-> page index)``.
Names of locals carry the offset of the declaration they mean: ``page@12``.
"""

from __future__ import annotations

from pagefix.c import MacroTable, NoMacros, Unit, ast, read
from pagefix.source import SourceFile


def unit(text: str | bytes, macros: MacroTable | None = None) -> Unit:
    """Read a file that stands alone."""
    data = text.encode() if isinstance(text, str) else text
    return read(SourceFile("test.c", "", data), macros or NoMacros())


def items(text: str | bytes, macros: MacroTable | None = None) -> list[ast.Item]:
    """Return all items of a text, which must be read without a fault."""
    found: list[ast.Item] = []
    file = unit(text, macros)
    for chunk in file.chunks:
        assert file.broken(chunk) == ()
        found += file.items(chunk)
    return found


def body(text: str, macros: MacroTable | None = None) -> str:
    """Return the statements of a function's body as text; it begins at offset 15."""
    (function,) = [
        item
        for item in items(f"void f(void) {{ {text} }}", macros)
        if isinstance(item, ast.Function)
    ]
    return " ".join(show(stmt) for stmt in function.body.body)


def show(node: object) -> str:
    """Return a node as text."""
    if node is None:
        return "-"
    text = _SHOW[type(node)](node)
    assert isinstance(text, str)
    return text


def show_all(nodes: tuple[object, ...]) -> str:
    """Return nodes as text, each behind a blank."""
    return "".join(" " + show(node) for node in nodes)


def _name(node: ast.Name) -> str:
    return node.name if node.decl == ast.GLOBAL else f"{node.name}@{node.decl}"


def _member(node: ast.Member) -> str:
    return f"({'->' if node.arrow else '.'} {show(node.base)} {node.field})"


def _init(node: ast.Init) -> str:
    where = "".join(show(each) for each in node.designators)
    return f"{where} = {show(node.value)}" if where else show(node.value)


def _sizeof(node: ast.SizeOf) -> str:
    return f"(sizeof {show(node.operand) if node.type is None else show(node.type)})"


def _offsetof(node: ast.OffsetOf) -> str:
    path = ".".join(field for field, _ in node.path)
    return f"(offsetof {show(node.type)} {path}{show_all(node.indexes)})"


def _declare(node: ast.Declare) -> str:
    init = "" if node.init is None else f" = {show(node.init)}"
    return f"{'static ' if node.static else ''}{node.name}: {show(node.type)}{init};"


def _if(node: ast.If) -> str:
    other = "" if node.other is None else f" else {show(node.other)}"
    return f"if {show(node.test)} {show(node.then)}{other}"


def _for(node: ast.For) -> str:
    head = f"[{show_all(node.init)} ] {show(node.test)} {show(node.step)}"
    return f"for {head} {show(node.body)}"


def _case(node: ast.Case) -> str:
    last = "" if node.last is None else f"..{show(node.last)}"
    return "default:" if node.value is None else f"case {show(node.value)}{last}:"


def _function_type(node: ast.FunctionType) -> str:
    return f"{show(node.ret)} ({', '.join(show(param) for param in node.params)})"


def _record(node: ast.Record) -> str:
    found = ""
    for field in node.fields:
        width = "" if field.width is None else f":{show(field.width)}"
        found += f" {field.name}{width}: {show(field.type)};"
    return f"{node.name} {{{found} }}"


def params(found: tuple[ast.Param, ...]) -> str:
    """Return a parameter list as text."""
    return "(" + ", ".join(f"{each.name}: {show(each.type)}" for each in found) + ")"


def _function(node: ast.Function) -> str:
    head = f"{'static ' if node.static else ''}{show(node.ret)} {node.name}{params(node.params)}"
    return f"{head} {show(node.body)}"


def _global(node: ast.Global) -> str:
    init = "" if node.init is None else f" = {show(node.init)}"
    return f"{'static ' if node.static else ''}{node.name}: {show(node.type)}{init}"


def _macro(node: ast.Macro) -> str:
    names = "" if node.params is None else f"({', '.join(each.name for each in node.params)})"
    pasted = "".join(f" #{number}" for number in node.pasted)
    code = node.body
    if isinstance(code, tuple) and type(code) is tuple:
        return f"{node.name}{names}{pasted} [{'; '.join(show(item) for item in code)}]"
    return f"{node.name}{names}{pasted} {show(code)}"


def _invocation(node: ast.Invocation) -> str:
    scope = params(node.scope) if node.scope else ""
    code = f" {show(node.body)}" if node.body.body else ""
    return f"{node.name}{scope}{show_all(node.args)}{code}"


_SHOW = {
    ast.Name: _name,
    ast.Number: lambda node: str(node.value),
    ast.String: lambda node: '""',
    ast.Member: _member,
    ast.Subscript: lambda node: f"([] {show(node.base)} {show(node.index)})",
    ast.Call: lambda node: f"({show(node.func)}{show_all(node.args)})",
    ast.Unary: lambda node: f"({node.op} {show(node.operand)})",
    ast.Binary: lambda node: f"({node.op} {show(node.left)} {show(node.right)})",
    ast.Assign: lambda node: f"({node.op} {show(node.target)} {show(node.value)})",
    ast.Conditional: lambda node: f"(? {show(node.test)} {show(node.then)} {show(node.other)})",
    ast.Cast: lambda node: f"(cast {show(node.type)} {show(node.value)})",
    ast.CompoundLiteral: lambda node: f"(literal {show(node.type)} {show(node.value)})",
    ast.InitList: lambda node: "{" + ", ".join(show(item) for item in node.items) + "}",
    ast.Init: _init,
    ast.Designator: lambda node: (
        f".{node.field}" if node.index is None else f"[{show(node.index)}]"
    ),
    ast.SizeOf: _sizeof,
    ast.OffsetOf: _offsetof,
    ast.StatementExpr: lambda node: f"({show(node.body)})",
    ast.TypeArg: lambda node: f"<{show(node.type)}>",
    ast.Opaque: lambda node: f"(opaque{show_all(node.parts)})",
    ast.ExprStmt: lambda node: f"{show(node.value)};",
    ast.Declare: _declare,
    ast.Block: lambda node: "{" + show_all(node.body) + " }",
    ast.If: _if,
    ast.While: lambda node: f"{'do-' * node.first}while {show(node.test)} {show(node.body)}",
    ast.For: _for,
    ast.ForEach: lambda node: f"each {show(node.head)} {show(node.body)}",
    ast.Switch: lambda node: f"switch {show(node.value)} {show(node.body)}",
    ast.Case: _case,
    ast.Label: lambda node: f"{node.name}:",
    ast.Goto: lambda node: f"goto {node.label};",
    ast.Break: lambda node: "break;",
    ast.Continue: lambda node: "continue;",
    ast.Return: lambda node: f"return {show(node.value)};",
    ast.Alternatives: lambda node: f"#if{'' if node.complete else '?'}{show_all(node.branches)}",
    ast.Asm: lambda node: f"asm{show_all(node.operands)};",
    ast.Base: lambda node: node.name,
    ast.Pointer: lambda node: f"{show(node.to)} *",
    ast.Array: lambda node: f"{show(node.of)} [{'' if node.size is None else show(node.size)}]",
    ast.FunctionType: _function_type,
    ast.TypeOf: lambda node: f"typeof({show(node.value)})",
    ast.Record: _record,
    ast.UnknownType: lambda node: "?",
    ast.Function: _function,
    ast.Prototype: lambda node: f"{show(node.ret)} {node.name}{params(node.params)}",
    ast.Global: _global,
    ast.Typedef: lambda node: f"typedef {node.name}: {show(node.type)}",
    ast.RecordDef: lambda node: f"record {show(node.record)}",
    ast.Enumerator: lambda node: f"enumerator {node.name}: {show(node.value)}",
    ast.Macro: _macro,
    ast.Invocation: _invocation,
}
