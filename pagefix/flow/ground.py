"""What the run of one context stands on: its function, its locals, and their types.

First part of the interpreter of one function (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefix.c import ast
from pagefix.flow.globals import record_of
from pagefix.flow.state import State
from pagefix.flow.steps import Step
from pagefix.flow.values import UNKNOWN, Value

if TYPE_CHECKING:
    from pagefix.flow.contexts import Context
    from pagefix.flow.world import World

__all__ = ["Ground"]


class Ground:
    """Locals and types of one context's run."""

    #: How many macros the expression at hand lies in.
    expansion = 0

    def __init__(self, run: World, context: Context) -> None:
        self.run = run
        self.heap = run.heap
        self.context = context
        self.path = context.path
        self.shape = run.shape(context)
        self.typer, self.types = run.typer(context)
        #: Names of the records that the types' names stand for.
        self.records = run.records_by_type(context.path)
        self.state = State()
        #: The step that is being made.
        self.step: Step | None = None

    def signature(self) -> int:
        """Return what names the objects that are made here: see :class:`Context`."""
        if self.step is not None:
            self.step.signed = True
        return self.context.signature

    def local(self, decl: int) -> Value:
        """Return what a plain variable may hold."""
        self.uses(decl)
        return self.state.visible(self.state.env.get(decl, UNKNOWN))

    def uses(self, decl: int) -> None:
        """Note that a plain variable is read or set."""
        if self.step is not None and decl not in self.step.spot.decls:
            self.step.strays += (decl,)

    def variable(self, decl: int, type_: ast.Type | None) -> int:
        """Return the object that is a boxed local."""
        record = "" if type_ is None else record_of(self.run.program.strip(type_, self.path))
        if decl in self.shape.static:
            # There is one, whoever calls; known by the function, which alone can name it.
            key = (f"{self.path}:{decl}", self.context.function.name)
            return self.heap.make("global", key, record)
        return self.heap.make("var", (self.signature(), decl), record)

    # --- types ---------------------------------------------------------------

    def type_of(self, expr: ast.Expr) -> ast.Type:
        """Return the static type of an expression, typedefs resolved at the top."""
        known = self.types.get(id(expr))
        if known is None:
            # The expression is kept with its type: its id must not come again.
            known = self.types[id(expr)] = (expr, self._type_of(expr))
        return known[1]

    def _type_of(self, expr: ast.Expr) -> ast.Type:
        if isinstance(expr, ast.Name):
            declared = self.shape.types.get(expr.decl)
            if declared is not None and not isinstance(declared, ast.TypeOf | ast.UnknownType):
                return self.run.program.strip(declared, self.path)
        return self.run.program.strip(self.typer.type_of(expr), self.path)

    def record_behind(self, type_: ast.Type) -> str:
        """Return the record that a pointer or array type leads to, or an empty string."""
        if isinstance(type_, ast.Pointer):
            return self.record_name(type_.to)
        if isinstance(type_, ast.Array):
            return self.record_name(type_.of)
        return ""

    def record_name(self, type_: ast.Type) -> str:
        """Return the name of a record type, or an empty string."""
        if not isinstance(type_, ast.Base):
            return "" if isinstance(type_, ast.Array) else record_of(type_)
        known = self.records.get(type_.name)
        if known is None:
            stripped = self.run.program.strip(type_, self.path)
            known = "" if isinstance(stripped, ast.Array) else record_of(stripped)
            self.records[type_.name] = known
        return known
