"""What the interpreter asks of everything around one function.

Names are looked up in the program under check and in the models; what is asked twice is
remembered. The solver hands itself in as :attr:`World.enter`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pagefix.c import ast, walk
from pagefix.flow.contexts import Callee, Context, Edge, Kind, Summary
from pagefix.flow.globals import Globals
from pagefix.flow.record import Record
from pagefix.flow.steps import Steps
from pagefix.flow.syntax import Shape, shape_of, substitute
from pagefix.flow.values import Pointer, Value
from pagefix.program import Program, Typer
from pagefix.rulebook import Models

__all__ = ["World"]


Typed = tuple[Typer, dict[int, tuple[ast.Expr, ast.Type]]]
Enter = Callable[[ast.Function, str, tuple[Value, ...], Edge], Summary]


class World(Globals):
    """Services to the interpreter."""

    def __init__(
        self,
        program: Program,
        models: Models,
        record: Record,
        without: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(program, record)
        #: Mechanisms that are switched off.
        self.without = without
        self.heap.by_record = "objects" in without
        self.models = models
        self.sinks = record.sinks
        self.page_fields = record.sinks.fields
        #: Tables installed together with the entry's, by their record.
        self.family: Mapping[str, tuple[int, ...]] = {}
        self.enter: Enter = _nowhere
        self._stores: dict[tuple[str, int], bool] = {}
        self._mentions: dict[str, frozenset[str]] = {}
        self._leads: dict[str, bool] = {}
        self._reached: dict[str, frozenset[str]] = {}
        self._shapes: dict[tuple[str, int, int], Shape] = {}
        self._steps: dict[tuple[str, int, int], Steps] = {}
        self._records: dict[str, dict[str, str]] = {}
        self._typers: dict[tuple[str, int, int], Typed] = {}
        self._callees: dict[tuple[str, str, int], Callee] = {}
        self._expansions: dict[tuple[str, int, int, str], ast.Expr | ast.Block | None] = {}
        self._named: dict[tuple[str, str, int], frozenset[int]] = {}
        self._fresh: dict[tuple[str, int], bool] = {}
        self._made: dict[tuple[str, int, str], ast.Type | None] = {}
        self._gives: dict[tuple[str, int], bool] = {}
        self.coverage_unresolved: dict[str, None] = {}
        self.coverage_unmodelled: dict[str, None] = {}

    # --- functions ------------------------------------------------------------

    def shape(self, context: Context) -> Shape:
        """Return the shape of a context's function."""
        return self.shape_at(context.path, context.function)

    def shape_at(self, path: str, function: ast.Function) -> Shape:
        """Return the shape of a function."""
        key = (path, function.start, function.variant)
        if key not in self._shapes:
            self._shapes[key] = shape_of(function.params, function.body)
        return self._shapes[key]

    def steps(self, context: Context) -> Steps:
        """Return what is known of the expressions of a context's function."""
        function = context.function
        return self._steps.setdefault((context.path, function.start, function.variant), Steps())

    def forget_steps(self) -> None:
        """Forget the steps of all functions: nothing is run any more."""
        self._steps.clear()
        self.heap.forget_steps()

    def typer(self, context: Context) -> Typed:
        """Return the typer of a context's function, and the types that it has found."""
        function = context.function
        key = (context.path, function.start, function.variant)
        if key not in self._typers:
            self._typers[key] = (Typer(self.program, context.path, function), {})
        return self._typers[key]

    def records_by_type(self, path: str) -> dict[str, str]:
        """Return the records that types' names stand for in a file, as far as was asked."""
        return self._records.setdefault(path, {})

    def made_by_macro(self, context: Context, typer: Typer, expr: ast.Name) -> ast.Type | None:
        """Return the type of a name that a macro in a context's function declares."""
        key = (context.path, context.function.start, expr.name)
        if key not in self._made:
            model = context.path.startswith("<")
            self._made[key] = None if model else typer.declared_by_macro(expr)
        return self._made[key]

    def callee(self, name: str, path: str, arguments: int) -> Callee:
        """Return what a called name stands for in a file.

        A model comes first: it is what pagefix was told. Bodies are read only from the
        directories under check; the rest of the kernel is API.
        """
        key = (name, path, arguments)
        if key not in self._callees:
            # A name that stands for itself, by way of others, is nobody's.
            self._callees[key] = Callee(Kind.BEYOND)
            self._callees[key] = self._callee(name, path, arguments)
        return self._callees[key]

    def _callee(self, name: str, path: str, arguments: int) -> Callee:
        own = self._own_functions(name, path)
        if own:
            return Callee(Kind.FUNCTIONS, own)
        models = self.models.functions.get(name, ())
        for function in models:
            if len(function.params) == arguments or len(models) == 1:
                shown = self._model_path(function)
                return Callee(Kind.FUNCTIONS, ((shown, function),))
        if name in self.models.macros:
            return Callee(Kind.MACRO, (), "", self.models.macros[name])
        if self.known_beyond(name):
            return Callee(Kind.BEYOND)
        found = self.program.near_macros(name, path)
        if found and found[0][1].params is not None:
            return self._macro(found)
        # A name may stand for another, for one or the other under an #if.
        names = [each.body.name for _, each in found if isinstance(each.body, ast.Name)]
        meant = [] if name in names else [self.callee(each, path, arguments) for each in names]
        if any(each.functions for each in meant):
            return Callee(Kind.FUNCTIONS, tuple(one for each in meant for one in each.functions))
        if self.global_object(name, path):
            return Callee(Kind.VARIABLE)
        return Callee(Kind.BEYOND)

    def _macro(self, found: tuple[tuple[str, ast.Macro], ...]) -> Callee:
        # Both sides of an #if count: of headers beyond the frontier the first definition will do.
        (path, macro), *rest = found
        others = tuple(
            Callee(Kind.MACRO, (), where, each)
            for where, each in rest
            if where == path in self.program.files and each.params is not None
        )
        return Callee(Kind.MACRO, (), path, macro, others)

    def known_beyond(self, name: str) -> bool:
        """Return whether the models say all there is to say of a name."""
        models = self.models
        return name in models.sources or name in models.harmless or name in models.helpers

    def function_callee(self, name: str, path: str) -> Callee:
        """Return what a function constant stands for."""
        own = self._own_functions(name, path)
        if own:
            return Callee(Kind.FUNCTIONS, own)
        models = self.models.functions.get(name, ())
        if models:
            return Callee(Kind.FUNCTIONS, ((self._model_path(models[0]), models[0]),))
        return Callee(Kind.BEYOND)

    def _own_functions(self, name: str, path: str) -> tuple[tuple[str, ast.Function], ...]:
        self.program.asked.names.add(name)
        if path.startswith("<") or name not in self.callable:
            return ()
        return tuple(
            (where, function)
            for where, function in self.program.functions(name, path)
            if self.inside(where)
        )

    def _model_path(self, function: ast.Function) -> str:
        for shown, text in self.models.texts.items():
            at = function.at
            if text.encode()[at : at + len(function.name)].decode() == function.name:
                return shown
        return "<model>"

    def expanded(self, path: str, expr: ast.Call, callee: Callee) -> ast.Expr | ast.Block | None:
        """Return a macro's body with this call's arguments, ``None`` if it has no use."""
        macro = callee.macro
        assert macro is not None
        key = (path, expr.start, expr.end, f"{macro.name} {macro.at}")
        if key not in self._expansions:
            self._expansions[key] = self._expansion(expr, callee, macro)
        return self._expansions[key]

    def _expansion(
        self, expr: ast.Call, callee: Callee, macro: ast.Macro
    ) -> ast.Expr | ast.Block | None:
        body = macro.body
        if body is None or not hasattr(body, "_fields"):
            return None
        params = macro.params or ()
        given = list(zip(params, expr.args, strict=False))
        arguments = {param.at: arg for param, arg in given}
        types: dict[str, ast.Type] = {}
        fields = {param.name: arg for param, arg in given if isinstance(arg, ast.Name)}
        for param, arg in given:
            if isinstance(arg, ast.TypeArg):
                types[param.name] = arg.type
            elif isinstance(arg, ast.Name) and arg.decl == ast.GLOBAL:
                types[param.name] = ast.Base(arg.name)
        self.record.locate(callee.path, body)
        named = len(params) - 1 if params and params[-1].name.endswith("...") else len(params)
        return substitute(body, arguments, types, fields, expr.args[named:])  # type: ignore[return-value]

    def unused(self, callee: Callee, expr: ast.Call) -> list[ast.Expr]:
        """Return the arguments that a macro's body does not name: they are read all the same."""
        macro = callee.macro
        if macro is None or not macro.params:
            return []
        named = self._names_in(callee.path, macro)
        params = macro.params
        fixed = len(params) - 1 if params[-1].name.endswith("...") else len(params)
        return [
            arg
            for index, arg in enumerate(expr.args)
            if index >= fixed or params[index].at not in named
        ]

    def _names_in(self, path: str, macro: ast.Macro) -> frozenset[int]:
        key = (path, macro.name, macro.at)
        if key not in self._named:
            names = (node for node in walk(macro.body) if isinstance(node, ast.Name))
            self._named[key] = frozenset(name.decl for name in names)
        return self._named[key]

    def returns_fresh(self, path: str, function: ast.Function) -> bool:
        """Return whether a function gives back what it has allocated, seen by its text."""
        key = (path, function.start)
        if key not in self._fresh:
            self._fresh[key] = False
            self._fresh[key] = self._is_fresh(path, function)
        return self._fresh[key]

    def gives_function(self, path: str, function: ast.Function) -> bool:
        """Return whether a function gives back a function, or a table at file scope."""
        key = (path, function.start)
        if key not in self._gives:
            type_ = self.program.strip(function.ret, path)
            to = self.program.strip(type_.to, path) if isinstance(type_, ast.Pointer) else None
            self._gives[key] = isinstance(to, ast.FunctionType) or (
                isinstance(to, ast.Base | ast.Record) and self._gives_table(path, function)
            )
        return self._gives[key]

    def _gives_table(self, path: str, function: ast.Function) -> bool:
        named = {
            part.name
            for node in walk(function.body)
            if isinstance(node, ast.Return)
            for part in walk(node.value)
            if isinstance(part, ast.Name) and part.decl == ast.GLOBAL
        }
        self.program.asked.names.update(named)
        return any(
            isinstance(atom, Pointer) and self.is_table(atom.target)
            for name in sorted(named & self.outermost)
            for atom in self.global_object(name, path)
        )

    def _is_fresh(self, path: str, function: ast.Function) -> bool:
        if not isinstance(function.ret, ast.Pointer):
            return False
        sources: dict[int, list[ast.Expr]] = {}
        returned: set[int] = set()
        for node in walk(function.body):
            if isinstance(node, ast.Declare) and node.init is not None:
                sources.setdefault(node.at, []).append(node.init)
            elif isinstance(node, ast.Assign) and isinstance(node.target, ast.Name):
                sources.setdefault(node.target.decl, []).append(node.value)
            elif isinstance(node, ast.Return) and node.value is not None:
                if isinstance(node.value, ast.Name):
                    returned.add(node.value.decl)
                elif self._allocates(path, node.value):
                    returned.add(-2)
        return any(
            decl == -2 or any(self._allocates(path, each) for each in sources.get(decl, ()))
            for decl in returned
        )

    def _allocates(self, path: str, expr: ast.Expr) -> bool:
        while isinstance(expr, ast.Cast):
            expr = expr.value
        if not isinstance(expr, ast.Call) or not isinstance(expr.func, ast.Name):
            return False
        if expr.func.name in self.models.fresh:
            return True
        own = self._own_functions(expr.func.name, path)
        return any(self.returns_fresh(where, function) for where, function in own)

    def reaches_range(self, callee: Callee) -> bool:
        """Return whether offsets handed to a function may matter to a rule.

        They do where a function that a rule asks for is called, here or in what is called
        by name from here, or where this very function stores into a member.
        """
        for path, function in callee.functions:
            if path.startswith("<") or self._stores_member(path, function):
                return True
            if self._leads_to_sink(function.name):
                return True
        return False

    def _stores_member(self, path: str, function: ast.Function) -> bool:
        key = (path, function.start)
        if key not in self._stores:
            self._stores[key] = any(
                isinstance(node, ast.Assign) and isinstance(node.target, ast.Member)
                for node in walk(function.body)
            )
        return self._stores[key]

    def _leads_to_sink(self, name: str) -> bool:
        known = self._leads.get(name)
        if known is not None:
            return known
        seen: set[str] = set()
        todo = [name]
        while todo:
            current = todo.pop()
            if current in self.sinks.range_calls or self._leads.get(current):
                self._leads[name] = True
                return True
            if current not in seen:
                seen.add(current)
                todo.extend(self._called(current))
        self._leads.update(dict.fromkeys(seen, False))
        return False

    def _called(self, name: str) -> frozenset[str]:
        # Names that a function's text calls, without lowering it.
        known = self._mentions.get(name)
        if known is None:
            words: set[str] = set()
            if name in self.callable:
                for code in self.program.bodies(name):
                    words.update(word.decode() for word in _CALLED.findall(code))
            self.program.asked.names.update(words, (name,))
            known = self._mentions[name] = frozenset(
                word for word in words if word in self.callable or word in self.sinks.range_calls
            )
        return known

    def reads_carrier(self, callee: Callee, reader: int) -> bool:
        """Return whether a callee names a global that holds something tracked."""
        holding = self.heap.tainted_for(reader)
        if not holding:
            return False
        return any(
            not holding.isdisjoint(self._mentioned(function.name))
            for path, function in callee.functions
            if not path.startswith("<")
        )

    def _mentioned(self, name: str) -> frozenset[str]:
        # The names at the left margin that a function mentions, or what it calls by name.
        known = self._reached.get(name)
        if known is None:
            found: set[str] = set()
            seen = {name}
            todo = [name]
            while todo:
                current = todo.pop()
                if current != name and current in self._reached:
                    found |= self._reached[current]
                    continue
                for code in self.program.bodies(current):
                    words = {word.decode() for word in _WORD.findall(code)}
                    self.program.asked.names |= words
                    found |= words & self.outermost
                called = self._called(current) - seen
                seen |= called
                todo.extend(called)
            known = self._reached[name] = frozenset(found)
        return known

    # --- tests ----------------------------------------------------------------

    def transparent(self, expr: ast.Expr) -> ast.Expr | None:
        """Return what a wrapper such as ``likely()`` wraps, ``None`` for anything else."""
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name):
            if expr.func.name in self.models.transparent and expr.args:
                return expr.args[0]
        return None

    # --- coverage -------------------------------------------------------------

    def unresolved(self, path: str, start: int) -> None:
        """Note a call through a pointer of which nothing is known."""
        line = self.program.unit(path).source.line_of(start)
        self.coverage_unresolved[f"{path}:{line}"] = None

    def unmodelled(self, name: str) -> None:
        """Note a function beyond the frontier that was handed something tracked."""
        self.coverage_unmodelled[name] = None


_WORD = re.compile(rb"[A-Za-z_]\w*")
_CALLED = re.compile(rb"\b([A-Za-z_]\w*+)\s*+\(")


def _nowhere(function: ast.Function, path: str, args: tuple[Value, ...], edge: Edge) -> Summary:
    raise NotImplementedError
