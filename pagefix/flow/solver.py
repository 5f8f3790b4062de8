"""The fixpoint: contexts are run until nothing that one of them read grows any more."""

from __future__ import annotations

from collections.abc import Sequence

from pagefix.c import ast
from pagefix.flow.contexts import Context, Edge, Kind, Summary
from pagefix.flow.entries import Table
from pagefix.flow.family import companions
from pagefix.flow.frame import Frame
from pagefix.flow.heap import Store
from pagefix.flow.outcomes import merged, predicate
from pagefix.flow.record import Record, Sinks
from pagefix.flow.values import (
    UNKNOWN,
    Const,
    Func,
    Ident,
    Page,
    Pointer,
    Value,
    const,
    pointers,
)
from pagefix.flow.world import World
from pagefix.program import Program
from pagefix.rulebook import Entry, Models

__all__ = ["Solver"]

#: Deepest chain of calls that is run at once; deeper contexts wait for their turn.
_MAX_DEPTH = 40

#: Contexts of one function; further ones are joined.
_MAX_CONTEXTS = 8

#: Runs in all: a safety net, far above what any filesystem needs.
_MAX_RUNS = 60_000


class Solver:
    """The analysis of one table: its entries, and all that they lead to."""

    def __init__(
        self,
        program: Program,
        models: Models,
        sinks: Sinks,
        table: Table,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.record = Record(sinks, () if "clauses" in without else models.clauses)
        self.world = World(program, models, self.record, without)
        self.world.enter = self.enter
        self.table = table
        self.contexts: list[Context] = []
        self.widened: dict[str, None] = {}
        self._signatures: dict[object, int] = {}
        #: Slots with a function beyond the frontier, which gets the page itself.
        self.handed_on: list[tuple[Entry, str, ast.Name]] = []
        self._owners: dict[object, tuple[object, ...]] = {}
        self._by_key: dict[object, Context] = {}
        #: Of what a function is handed: the context, where that cannot change any more.
        self._settled: dict[object, Context] = {}
        self._per_function: dict[tuple[str, int, int], int] = {}
        self._queue: dict[int, None] = {}
        self._running: dict[int, None] = {}
        self._runs = 0

    def solve(self) -> None:
        """Run everything that the table's entries lead to."""
        self._install_family()
        for entry, slot, name in self.table.slots:
            callee = self.world.function_callee(name.name, self.table.path)
            if callee.kind is not Kind.FUNCTIONS:
                self._beyond(entry, slot, name)
                continue
            for path, function in callee.functions:
                args = self._entry_arguments(entry, function, path)
                sentence = entry.sentence.format(
                    slot=f"{self.table.name}.{slot}", function=name.name
                )
                self.enter(
                    function,
                    path,
                    args,
                    Edge(-1, self.table.path, name.start, name.end, sentence, False, None),
                )
        self._drain()
        self.world.forget_steps()

    def _beyond(self, entry: Entry, slot: str, name: ast.Name) -> None:
        # The slot holds a function of the kernel's own: nothing of the filesystem runs.
        self.world.unmodelled(name.name)
        if not entry.store:
            self.handed_on.append((entry, slot, name))

    def _install_family(self) -> None:
        family: dict[str, list[int]] = {}
        own = companions(self.world.program, self.table.name, self.table.path)
        for name, path in [(self.table.name, self.table.path), *own]:
            for one in pointers(self.world.global_object(name, path)):
                record = self.world.heap.info(one.target).record
                if record and self.world.is_table(one.target):
                    known = family.setdefault(record, [])
                    if one.target not in known:
                        known.append(one.target)
        self.world.family = {record: tuple(each) for record, each in family.items()}

    # --- entries --------------------------------------------------------------

    def _entry_arguments(
        self, entry: Entry, function: ast.Function, path: str
    ) -> tuple[Value, ...]:
        args: list[Value] = []
        given = False
        for index, param in enumerate(function.params):
            type_ = self.world.program.strip(param.type, path)
            record = _pointee(type_)
            text = entry.constants.get(_spelled(type_))
            if not given and record and record == entry.carrier:
                args.append(self._carrier(entry, index, record))
                given = True
            elif text is not None and not isinstance(type_, ast.Pointer):
                args.append(self._flags(text, path))
            elif record:
                number = self.world.heap.make("param", (entry.slot, index), record)
                args.append(frozenset((Pointer("pointer", number, False, False),)))
            else:
                args.append(UNKNOWN)
        return tuple(args)

    def _flags(self, text: str, path: str) -> Value:
        # The word that the VM passes; its last part is the direction.
        value = self._constant(text, path)
        direction = self._constant(text.split("|")[-1], path)
        for one, other in zip(value, direction, strict=False):
            if isinstance(one, Const) and isinstance(other, Const) and one != other:
                self.record.flags[one.value] = other.value
        return value

    def _carrier(self, entry: Entry, index: int, record: str) -> Value:
        heap = self.world.heap
        if not entry.store:
            ident: Ident = ("arg", index)
            return frozenset((Page("page", frozenset((ident,)), False),))
        number = heap.make("param", (entry.slot, index), record)
        page: Value = frozenset((Page("page", frozenset(), False),))
        for way in entry.store:
            at, parts = number, way.split(".")
            for field in parts[:-1]:
                below = heap.pointee(at, field, "struct bio_vec")
                heap.store((at, field), frozenset((Pointer("pointer", below, False, False),)), _VM)
                at = below
            heap.store((at, parts[-1]), page, _VM)
        return frozenset((Pointer("pointer", number, False, False),))

    def _constant(self, text: str, path: str) -> Value:
        number = 0
        for word in text.split("|"):
            value = self.world.number(ast.Name(0, 0, word.strip(), ast.GLOBAL), path)
            if value is None:
                return UNKNOWN
            number |= value
        return const(number)

    # --- contexts -------------------------------------------------------------

    def enter(
        self, function: ast.Function, path: str, args: tuple[Value, ...], edge: Edge
    ) -> Summary:
        """Return what is known of a function in a context, running it if it is new."""
        context = self._context(function, path, args)
        context.edges[edge] = None
        if edge.caller >= 0:
            context.callers[edge.caller] = None
            self.contexts[edge.caller].entered[context.number] = None
        if context.runs == 0 and context.number not in self._running:
            if len(self._running) < _MAX_DEPTH:
                self._run(context, waiting=edge.caller)
            else:
                self._queue[context.number] = None
        return context.summary

    def _context(self, function: ast.Function, path: str, args: tuple[Value, ...]) -> Context:
        place = (path, function.start, function.variant)
        if "contexts" in self.world.without:
            return self._joined(place, function, path, args)
        known = self._settled.get((place, args))
        if known is not None:
            return known
        offsets = not any(self._hands_page(value) for value in args)
        context = self._told_apart(place, function, path, args, offsets)
        if not offsets:
            # What is handed a page is handed it for ever: no look-up will tell otherwise.
            self._settled[(place, args)] = context
        return context

    def _told_apart(
        self,
        place: tuple[str, int, int],
        function: ast.Function,
        path: str,
        args: tuple[Value, ...],
        offsets: bool,
    ) -> Context:
        key: object = (place, args, offsets)
        context = self._by_key.get(key)
        if context is not None:
            return context
        if self._per_function.get(place, 0) >= _MAX_CONTEXTS:
            return self._joined(place, function, path, args)
        self._per_function[place] = self._per_function.get(place, 0) + 1
        context = self._new(key, function, path, args)
        context.offsets_only = offsets
        return context

    def _hands_page(self, value: Value) -> bool:
        world = self.world
        for atom in value:
            if isinstance(atom, Pointer):
                if world.is_table(atom.target) or world.heap.holds_page(atom.target, _NOBODY):
                    return True
            elif atom.tag in ("page", "func"):
                return True
        return False

    def _new(
        self, key: object, function: ast.Function, path: str, args: tuple[Value, ...]
    ) -> Context:
        signature = self._signature(function, path, args)
        carrier = self._carrier_of(args)[1]
        context = Context(len(self.contexts), path, function, args, signature, carrier)
        self.contexts.append(context)
        self._by_key[key] = context
        return context

    def _signature(self, function: ast.Function, path: str, args: tuple[Value, ...]) -> int:
        shape: list[object] = [path, function.start, function.variant]
        for index, value in enumerate(args):
            for atom in value:
                if isinstance(atom, Func):
                    shape.append((index, atom.name))
                elif isinstance(atom, Page):
                    shape.append((index, atom.tag))
        carrier = () if "owners" in self.world.without else self._carrier_of(args)[0]
        shape.append(carrier)
        key = tuple(sorted(map(str, shape)))
        number = self._signatures.setdefault(key, len(self._signatures))
        if carrier and carrier[0] == "alloc":
            self._owners.setdefault(number, carrier)
        return number

    def _carrier_of(self, args: tuple[Value, ...]) -> tuple[tuple[object, ...], str]:
        # The first argument that was allocated somewhere: what a callee allocates belongs
        # to it (a completion's record to its bio). A local that is to take the result
        # stands for what its own function belongs to.
        heap = self.world.heap
        locals_: list[tuple[object, ...]] = []
        for value in args:
            for one in pointers(value):
                site = heap.site(one.target)
                if site[0] == "alloc":
                    return site, heap.info(one.target).record
                if site[0] == "var":
                    owner = heap.root(one.target).key[0]
                    locals_.append((*site, *self._owners.get(owner, ())))
        return (locals_[0], "") if locals_ else ((), "")

    def _joined(
        self, place: object, function: ast.Function, path: str, args: tuple[Value, ...]
    ) -> Context:
        self.widened[f"{function.name}(): more than {_MAX_CONTEXTS} contexts"] = None
        # One for each object that is handed over first: two carriers never mix.
        carrier = next((one.target for value in args for one in pointers(value)), None)
        if "contexts" in self.world.without:
            carrier = None
        key = (place, carrier, None)
        context = self._by_key.get(key)
        if context is None:
            return self._new(key, function, path, args)
        if all(new <= old for old, new in zip(context.args, args, strict=True)):
            return context
        wider = tuple(old | new for old, new in zip(context.args, args, strict=True))
        if wider != context.args:
            context.args = wider
            self._queue[context.number] = None
        return context

    def _run(self, context: Context, waiting: int = -1) -> None:
        # Who is waiting for the result needs not be told that there is one.
        self._runs += 1
        context.runs += 1
        self._queue.pop(context.number, None)
        self._running[context.number] = None
        self._forget(context)
        try:
            new = Frame(self.world, context).execute()
        except RecursionError:
            self.widened[f"{context.function.name}(): nested too deeply"] = None
            return
        finally:
            del self._running[context.number]
        old = context.summary
        if context.runs > 1:
            new = Summary(
                old.value | new.value,
                predicate(merged(dict(old.outcome.cases), dict(new.outcome.cases))),
                old.gone | new.gone,
            )
        if new != old or context.runs == 1:
            context.summary = new
            if new != old:
                told = (caller for caller in context.callers if caller != waiting)
                self._queue.update(dict.fromkeys(told))

    def _forget(self, context: Context) -> None:
        # What an earlier run saw, and where it led, may rest on what was not known then.
        self.record.forget(context.number)
        for number in context.entered:
            edges = self.contexts[number].edges
            for edge in [edge for edge in edges if edge.caller == context.number]:
                del edges[edge]
        context.entered.clear()

    def _drain(self) -> None:
        heap = self.world.heap
        while self._runs < _MAX_RUNS:
            heap.dirty.pop(_NOBODY, None)
            self._queue.update(heap.dirty)
            heap.dirty.clear()
            if not self._queue:
                heap.recheck()
                if not heap.dirty:
                    return
                continue
            context = self.contexts[next(iter(self._queue))]
            if context.edges:
                self._run(context)
            else:
                self._bury(context)
        self.widened[f"stopped after {_MAX_RUNS} runs"] = None

    def _bury(self, context: Context) -> None:
        # Nobody leads here any more: what was known when somebody did has been replaced.
        # If it is entered again, it begins anew.
        self._queue.pop(context.number, None)
        self._forget(context)
        context.runs = 0

    def functions(self) -> Sequence[str]:
        """Return the names of the functions that were read, in order."""
        return sorted({context.function.name for context in self.contexts})


#: Asks the heap without waiting for an answer that may change.
_NOBODY = -1

_VM = Store(-1, "", 0, 0)


def _pointee(type_: ast.Type) -> str:
    if isinstance(type_, ast.Pointer) and isinstance(type_.to, ast.Base | ast.Record):
        return type_.to.name
    return ""


def _spelled(type_: ast.Type) -> str:
    return type_.name if isinstance(type_, ast.Base) else ""
