"""Functions in a role: found in tables and in the ``switch`` of an ioctl."""

from __future__ import annotations

from collections.abc import Iterator

from pagefix.c import ast, walk
from pagefix.contract.capability import OPS, Capable
from pagefix.contract.run import Start
from pagefix.contract.sources import Sources
from pagefix.rulebook import Role

__all__ = ["starts", "subject_of"]


def starts(sources: Sources, role: Role, able: Capable) -> list[Start]:
    """Return where a role begins in the program."""
    found = _handlers(sources, role) if role.commands else _methods(sources, role, able)
    return list({(each.path, each.function.start): each for each in found}.values())


def subject_of(role: Role, function: ast.Function) -> tuple[int, ...]:
    """Return the parameters that a role is about: those of the first record there is."""
    for record in role.subject:
        indexes = tuple(
            index
            for index, param in enumerate(function.params)
            if isinstance(param.type, ast.Pointer)
            and isinstance(param.type.to, ast.Base)
            and param.type.to.name == record
        )
        if indexes:
            return indexes
    return ()


def _methods(sources: Sources, role: Role, able: Capable) -> Iterator[Start]:
    program = sources.program
    for path, item in program.tables(role.record):
        if role.record == OPS and role.swap and item.name not in able.tables:
            continue
        methods = program.methods(item, path).get(role.slot, ())
        for name in dict.fromkeys(each.name for each in methods):
            for where, function in program.functions(name, path):
                if where in program.files and not (role.swap and _refuses_all(function)):
                    yield Start(where, function, frozenset(), subject_of(role, function))


def _refuses_all(function: ast.Function) -> bool:
    # The stub of a configuration without swap: return -EOPNOTSUPP.
    body = function.body.body
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return False
    value = body[0].value
    return isinstance(value, ast.Unary) and value.op == "-"


def _handlers(sources: Sources, role: Role) -> Iterator[Start]:
    program = sources.program
    for command in role.commands:
        for path, offset in sources.places(command):
            unit = program.unit(path)
            chunk = unit.chunk_at(offset)
            for item in unit.items(chunk) if chunk is not None else ():
                if isinstance(item, ast.Function) and _has_case(item, command):
                    subject = subject_of(role, item)
                    yield Start(path, item, frozenset(role.commands), subject)


def _has_case(function: ast.Function, command: str) -> bool:
    return any(
        isinstance(name, ast.Name) and name.name == command
        for node in walk(function.body)
        if isinstance(node, ast.Case) and node.value is not None
        for name in walk(node.value)
    )
