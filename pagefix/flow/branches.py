"""What a test shows: the states in which it is true, and those in which it is false.

Third part of the interpreter (see :class:`pagefix.flow.frame.Frame`).
"""

from __future__ import annotations

from pagefix.c import ast
from pagefix.flow.heap import ALWAYS_THERE
from pagefix.flow.outcomes import told
from pagefix.flow.places import Places
from pagefix.flow.state import State, join
from pagefix.flow.values import NULL, Atom, Const, Pointer, Value

__all__ = ["Branches"]

Sides = tuple[State | None, State | None]


class Branches(Places):
    """Evaluation of conditions."""

    # --- branches -------------------------------------------------------------

    def branch(self, test: ast.Expr) -> Sides:
        """Return the states in which a test is true and false; ``None`` is: never."""
        if isinstance(test, ast.Unary) and test.op == "!":
            yes, no = self.branch(test.operand)
            return no, yes
        if isinstance(test, ast.Binary) and test.op in ("&&", "||"):
            return self._short_circuit(test)
        wrapped = self.run.transparent(test)
        if wrapped is not None:
            return self.branch(wrapped)
        if isinstance(test, ast.Binary) and test.op in ("==", "!=") and _is_null(test.right):
            yes, no = self.branch(test.left)
            return (yes, no) if test.op == "!=" else (no, yes)
        if isinstance(test, ast.Conditional):
            return self._chosen_side(test)
        value = self.value(test)
        yes, no = self._decide(value)
        return self._by_clause(test, self._refine(test, value, yes, no))

    def _short_circuit(self, test: ast.Binary) -> Sides:
        yes, no = self.branch(test.left)
        first, other = (yes, no) if test.op == "&&" else (no, yes)
        if first is None:
            return yes, no
        self.state = first
        inner_yes, inner_no = self.branch(test.right)
        if test.op == "&&":
            return inner_yes, join(other, inner_no)
        return join(other, inner_yes), inner_no

    def _chosen_side(self, test: ast.Conditional) -> Sides:
        yes, no = self.branch(test.test)
        true: State | None = yes if test.then is None else None
        false: State | None = None
        for state, side in ((yes, test.then), (no, test.other)):
            if state is None or side is None:
                continue
            self.state = state
            one, other = self.branch(side)
            true, false = join(true, one), join(false, other)
        return true, false

    def _decide(self, value: Value) -> Sides:
        yes: State | None = self.state
        no: State | None = self.state.copy()
        if "branches" in self.run.without:
            return yes, no
        outcome = told(value)
        if outcome is not None:
            return (
                None if outcome.if_true is None else yes,
                None if outcome.if_false is None else no,
            )
        if value and all(isinstance(atom, Const) for atom in value):
            if all(atom.value == 0 for atom in value):  # type: ignore[union-attr]
                return None, no
            if all(atom.value != 0 for atom in value):  # type: ignore[union-attr]
                return yes, None
        elif value and all(self._is_address(atom) for atom in value):
            return yes, None
        return yes, no

    def _is_address(self, atom: Atom) -> bool:
        # What cannot be null: a function, a variable, a member of something, what the VM passes.
        if isinstance(atom, Pointer):
            return self.heap.info(atom.target).kind in ALWAYS_THERE
        return atom.tag == "func"

    def _refine(self, test: ast.Expr, value: Value, yes: State | None, no: State | None) -> Sides:
        outcome = told(value)
        if outcome is not None:
            if yes is not None:
                yes.drop(outcome.if_true or frozenset())
            if no is not None:
                no.drop(outcome.if_false or frozenset())
        if isinstance(test, ast.Assign):
            test = test.target
        if isinstance(test, ast.Name) and test.decl != ast.GLOBAL:
            if test.decl not in self.shape.boxed and test.decl in self.shape.types:
                self._null_test(test.decl, value, yes, no)
        return yes, no

    def _null_test(self, decl: int, value: Value, yes: State | None, no: State | None) -> None:
        if yes is not None and any(isinstance(atom, Const) for atom in value):
            kept: set[Atom] = {a for a in value if not (isinstance(a, Const) and a.value == 0)}
            if kept:
                yes.env[decl] = frozenset(kept)
        if no is not None and isinstance(self.shape.types.get(decl), ast.Pointer):
            no.env[decl] = NULL

    def _by_clause(self, test: ast.Expr, states: Sides) -> Sides:
        clause = self.run.record.excluded(self, test)
        if clause is None:
            return states
        side, name = clause
        state = states[0 if side else 1]
        if state is not None and state.clause is None:
            state.clause = name
        return states


def _is_null(expr: ast.Expr) -> bool:
    return (isinstance(expr, ast.Name) and expr.name == "NULL") or (
        isinstance(expr, ast.Number) and expr.value == 0
    )
