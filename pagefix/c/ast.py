"""Kernel C as plain values: what the reader makes of the text, and all that others see.

Every node is a ``NamedTuple``: frozen, picklable, quick to make. ``start`` and ``end``
are byte offsets into the file *as it is on disk*, whatever masking was needed to parse
it. Nothing here knows tree-sitter.

Names of locals are resolved where they are lowered: :attr:`Name.decl` is the offset of
the declaration that is in scope (so an inner variable that shadows an outer one is
another variable), or :data:`GLOBAL`.

Floor 1, below the rest of :mod:`pagefix.c`: imports nothing of pagefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self, dataclass_transform

if TYPE_CHECKING:
    # Named tuples that hold each other are structural types without end to a type checker,
    # which then compares them for minutes. To it a node is a class like any other.
    @dataclass_transform(frozen_default=True)
    class Node:
        """A node of the syntax."""

        def __iter__(self) -> Iterator[Any]: ...
        def __getitem__(self, place: Any) -> Any: ...
        def __len__(self) -> int: ...
        def _replace(self, **changes: Any) -> Self: ...

else:
    Node = NamedTuple

#: ``Name.decl`` of a name that no declaration of the function introduces.
GLOBAL = -1

# --- types -----------------------------------------------------------------


class Base(Node):
    """A named type: ``struct page``, ``unsigned long``, or a typedef's name."""

    name: str


class Pointer(Node):
    """A pointer."""

    to: Type


class Array(Node):
    """An array; ``size`` is its length as written, ``None`` where none is."""

    of: Type
    size: Expr | None = None


class FunctionType(Node):
    """A function (not the pointer to it)."""

    ret: Type
    params: tuple[Type, ...]


class TypeOf(Node):
    """``typeof(expr)`` or ``__auto_type`` with its initializer."""

    value: Expr


class Field(Node):
    """A member of a record; ``name`` is empty for an anonymous struct or union.

    A macro that makes members (``DECLARE_FOO(x, 4);``) and is not known to the reader is
    a member without a name whose type is :class:`TypeOf` its call.

    :param width: of a bit-field, as written.
    """

    name: str
    type: Type
    at: int
    width: Expr | None = None


class Record(Node):
    """A struct or union with its members in the text.

    :param name: ``struct foo`` / ``union foo``; ``struct`` or ``union`` alone when it
        has no tag.
    """

    name: str
    fields: tuple[Field, ...]
    start: int
    end: int


class UnknownType(Node):
    """A type that could not be read."""


Type = Base | Pointer | Array | FunctionType | TypeOf | Record | UnknownType

# --- expressions -----------------------------------------------------------


class Name(Node):
    """An identifier used as a value."""

    start: int
    end: int
    name: str
    decl: int


class Number(Node):
    """A number or character constant; ``value`` is ``None`` where it is not an integer."""

    start: int
    end: int
    value: int | None


class String(Node):
    """A string literal, or several in a row."""

    start: int
    end: int


class Member(Node):
    """``base->field`` or ``base.field``; ``at`` is the offset of the field token."""

    start: int
    end: int
    base: Expr
    field: str
    arrow: bool
    at: int


class Subscript(Node):
    """``base[index]``."""

    start: int
    end: int
    base: Expr
    index: Expr


class Call(Node):
    """A call, or a macro's invocation: the text does not tell them apart."""

    start: int
    end: int
    func: Expr
    args: tuple[Expr, ...]


class Unary(Node):
    """``op`` is one of ``* & ! - + ~ ++_ --_ _++ _--`` (the underscore is the operand)."""

    start: int
    end: int
    op: str
    operand: Expr


class Binary(Node):
    """A binary operator, ``&&``, ``||`` and the comma among them."""

    start: int
    end: int
    op: str
    left: Expr
    right: Expr


class Assign(Node):
    """``target op value``; ``op`` is ``=`` or a compound operator (``+=``)."""

    start: int
    end: int
    op: str
    target: Expr
    value: Expr


class Conditional(Node):
    """``test ? then : other``; ``then`` is ``None`` for GNU's ``test ?: other``."""

    start: int
    end: int
    test: Expr
    then: Expr | None
    other: Expr


class Cast(Node):
    """``(type)value``."""

    start: int
    end: int
    type: Type
    value: Expr


class CompoundLiteral(Node):
    """``(type){ ... }``."""

    start: int
    end: int
    type: Type
    value: InitList


class Designator(Node):
    """``.field`` or ``[index]`` of an initializer; one of the two is set.

    ``at`` is the offset of the field token (of the bracket for an index).
    """

    at: int
    field: str | None
    index: Expr | None


class Init(Node):
    """One item of an initializer list."""

    designators: tuple[Designator, ...]
    value: Expr


class InitList(Node):
    """``{ ... }`` as an initializer."""

    start: int
    end: int
    items: tuple[Init, ...]


class SizeOf(Node):
    """``sizeof``, ``alignof`` and the like: one of ``operand`` and ``type`` is set."""

    start: int
    end: int
    operand: Expr | None
    type: Type | None


class OffsetOf(Node):
    """``offsetof(type, a.b[i].c)``: ``path`` holds the fields with their offsets.

    :param indexes: what stands in the brackets of the path.
    """

    start: int
    end: int
    type: Type
    path: tuple[tuple[str, int], ...]
    indexes: tuple[Expr, ...] = ()


class StatementExpr(Node):
    """GNU ``({ ... })``."""

    start: int
    end: int
    body: Block


class TypeArg(Node):
    """A type given as a macro argument: ``struct foo`` in ``container_of(p, struct foo, m)``."""

    start: int
    end: int
    type: Type


class Opaque(Node):
    """An expression that was not understood, with the parts that were."""

    start: int
    end: int
    parts: tuple[Expr, ...]


Expr = (
    Name
    | Number
    | String
    | Member
    | Subscript
    | Call
    | Unary
    | Binary
    | Assign
    | Conditional
    | Cast
    | CompoundLiteral
    | InitList
    | SizeOf
    | OffsetOf
    | StatementExpr
    | TypeArg
    | Opaque
)

# --- statements ------------------------------------------------------------


class ExprStmt(Node):
    """An expression as a statement."""

    start: int
    end: int
    value: Expr


class Declare(Node):
    """One declared variable of a function.

    :param at: offset of the name: what :attr:`Name.decl` refers to.
    :param static: whether it is ``static`` (it outlives the call).
    """

    start: int
    end: int
    name: str
    at: int
    type: Type
    init: Expr | None
    static: bool


class Block(Node):
    """``{ ... }``."""

    start: int
    end: int
    body: tuple[Stmt, ...]


class If(Node):
    """``if``."""

    start: int
    end: int
    test: Expr
    then: Stmt
    other: Stmt | None


class While(Node):
    """``while``, or ``do ... while`` when ``first`` is true."""

    start: int
    end: int
    test: Expr
    body: Stmt
    first: bool


class For(Node):
    """``for``; ``init`` holds declarations or one expression statement."""

    start: int
    end: int
    init: tuple[Stmt, ...]
    test: Expr | None
    step: Expr | None
    body: Stmt


class ForEach(Node):
    """A macro that heads a loop: ``list_for_each_entry(pos, head, member) body``."""

    start: int
    end: int
    head: Call
    body: Stmt


class Switch(Node):
    """``switch``; the cases are :class:`Case` marks in ``body``, in the text's order."""

    start: int
    end: int
    value: Expr
    body: Stmt


class Case(Node):
    """``case value:``, ``case value ... last:`` or ``default:`` (``value`` is ``None``)."""

    start: int
    end: int
    value: Expr | None
    last: Expr | None


class Label(Node):
    """``name:``."""

    start: int
    end: int
    name: str


class Goto(Node):
    """``goto label``; ``label`` is ``None`` for a computed one."""

    start: int
    end: int
    label: str | None


class Break(Node):
    """``break``."""

    start: int
    end: int


class Continue(Node):
    """``continue``."""

    start: int
    end: int


class Return(Node):
    """``return``."""

    start: int
    end: int
    value: Expr | None


class Alternatives(Node):
    """``#if ... #elif ... #else ... #endif`` around whole statements.

    :param complete: whether there is an ``#else``: if not, none of them may stand.
    """

    start: int
    end: int
    branches: tuple[Block, ...]
    complete: bool


class Asm(Node):
    """Inline assembly with the C expressions it names."""

    start: int
    end: int
    operands: tuple[Expr, ...]


Stmt = (
    ExprStmt
    | Declare
    | Block
    | If
    | While
    | For
    | ForEach
    | Switch
    | Case
    | Label
    | Goto
    | Break
    | Continue
    | Return
    | Alternatives
    | Asm
)

# --- what a file holds -----------------------------------------------------


class Param(Node):
    """A parameter; ``name`` is empty where a prototype gives none."""

    name: str
    at: int
    type: Type


class Function(Node):
    """A function with its body.

    A function whose text an ``#if`` splits is lowered once for each way through; the
    results share ``name`` and ``at`` and have increasing ``variant``.

    :param at: offset of the name.
    :param static: storage class ``static`` (``static inline`` too).
    :param notes: what annotations of its head name and nobody evaluates:
        ``__releases(x->lock)``.
    """

    start: int
    end: int
    name: str
    at: int
    ret: Type
    params: tuple[Param, ...]
    body: Block
    static: bool
    variant: int
    notes: tuple[TypeOf, ...] = ()


class Prototype(Node):
    """A function without a body."""

    start: int
    end: int
    name: str
    at: int
    ret: Type
    params: tuple[Param, ...]


class Global(Node):
    """A variable at file scope."""

    start: int
    end: int
    name: str
    at: int
    type: Type
    init: Expr | None
    static: bool


class Typedef(Node):
    """A typedef."""

    start: int
    end: int
    name: str
    at: int
    type: Type


class RecordDef(Node):
    """A struct or union defined at file scope (also one inside a typedef or a variable)."""

    start: int
    end: int
    record: Record


class Enumerator(Node):
    """A constant of an enum; ``value`` as written, ``None`` if it is counted on."""

    start: int
    end: int
    name: str
    at: int
    value: Expr | None


class Macro(Node):
    """A ``#define``.

    ``Name.decl`` of a parameter's use in ``body`` is that parameter's ``at``.

    :param params: ``None`` for an object-like macro; a variadic one ends in ``...``.
    :param body: what its replacement text was read as: an expression, a block of
        statements, the items it defines (functions, variables), or ``None`` where it
        has no body or could not be read (then :attr:`read` is false).
    :param pasted: parameters that stand behind ``->`` or ``.``, or as the field of an
        ``offsetof``-like macro, in the body: an argument there is a field name.
    """

    start: int
    end: int
    name: str
    at: int
    params: tuple[Param, ...] | None
    body: Expr | Block | tuple[Item, ...] | None
    read: bool
    pasted: tuple[int, ...]


class Invocation(Node):
    """A macro used at file scope (``MODULE_LICENSE(..)``, ``TRACE_EVENT(..)``).

    :param scope: declarations found among its arguments (``TP_PROTO``).
    :param body: code found among its arguments, as statements.
    """

    start: int
    end: int
    name: str
    at: int
    args: tuple[Expr, ...]
    scope: tuple[Param, ...]
    body: Block


Item = Function | Prototype | Global | Typedef | RecordDef | Enumerator | Macro | Invocation


class Broken(Node):
    """A stretch of text that the reader could not make sense of."""

    start: int
    end: int
    reason: str
