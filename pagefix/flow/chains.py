"""Chains: from the VM's call to a site, as steps.

Of all the ways that lead to a context the best is shown: one that no contract clause would
forbid before one that some would, one that is known before one that is assumed, one whose
callbacks were installed on the way from its own entry before one that borrows another's, a
short one before a long one.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator
from typing import NamedTuple

from pagefix.finding import Step
from pagefix.flow.contexts import Context, Edge
from pagefix.flow.heap import Store
from pagefix.flow.solver import Solver
from pagefix.flow.values import pages, pointers
from pagefix.source import Place

__all__ = ["Chains", "Rank", "Way"]


#: Rounds of marking callbacks as forbidden: each may forbid what it installs in turn.
_MAX_ROUNDS = 6


#: A context that the VM's call enters, with that call.
Start = tuple[int, Edge]


class Rank(NamedTuple):
    """What makes a chain better than another: smaller is better.

    :param borrowed: whether it goes through a callback that only other entries install.
    """

    forbidden: bool
    assumed: bool
    borrowed: bool
    length: int


class Way(NamedTuple):
    """The best chain to a context, up to its last edge.

    :param clause: the first clause that would forbid it, ``None`` if none would.
    :param entry: the context and the edge that it starts with.
    """

    rank: Rank
    edge: Edge
    clause: str | None
    entry: Start


class Chains:
    """The best way to each context of one analysis."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self.ways: dict[int, Way] = {}
        self._ways: dict[Start, dict[int, Way]] = {}
        #: Functions that become callbacks only where a clause would forbid to be.
        self._forbidden: dict[str, str] = {}
        self._leaving: dict[int, list[tuple[int, Edge]]] = {}
        for context in solver.contexts:
            for edge in context.edges:
                self._leaving.setdefault(edge.caller, []).append((context.number, edge))
        self._own = {start: self._installed_from(start[0]) for start in self._leaving.get(-1, ())}
        for _ in range(_MAX_ROUNDS):
            self.ways = {}
            self._search()
            found = self._only_forbidden()
            if found == self._forbidden:
                break
            self._forbidden = found

    def _only_forbidden(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, places in sorted(self._solver.record.addresses.items()):
            clauses = [
                clause or self.ways[number].clause
                for number, clause in places.items()
                if number in self.ways
            ]
            first = clauses[0] if clauses and -1 not in places else None
            if first is not None and all(clauses):
                found[name] = first
        return found

    def _clause(self, number: int, edge: Edge) -> str | None:
        if edge.clause is None and edge.indirect:
            return self._forbidden.get(self._solver.contexts[number].function.name)
        return edge.clause

    def _installed_from(self, entry: int) -> frozenset[str]:
        # The callbacks that are installed on some way from an entry, a way through a callback
        # counting only when that one is.
        taken: dict[int, list[str]] = {}
        own: set[str] = set()
        for name, places in self._solver.record.addresses.items():
            for number in places:
                taken.setdefault(number, []).append(name)
        own.update(taken.get(-1, ()))
        seen: set[int] = set()
        waiting: dict[str, list[int]] = {}
        todo = [entry]
        while todo:
            number = todo.pop()
            if number in seen:
                continue
            seen.add(number)
            for name in taken.get(number, ()):
                own.add(name)
                todo += waiting.pop(name, ())
            for following, edge in self._leaving.get(number, ()):
                name = self._solver.contexts[following].function.name
                if edge.indirect and name not in own:
                    waiting.setdefault(name, []).append(following)
                else:
                    todo.append(following)
        return frozenset(own)

    def _is_borrowed(self, entry: Start, number: int, edge: Edge) -> bool:
        name = self._solver.contexts[number].function.name
        return edge.indirect and name not in self._own[entry]

    def _rank(self, before: Way | None, number: int, edge: Edge) -> Rank:
        old = before.rank if before is not None else Rank(False, False, False, 0)
        entry = before.entry if before is not None else (number, edge)
        return Rank(
            old.forbidden or self._clause(number, edge) is not None,
            old.assumed or edge.assumed,
            old.borrowed or self._is_borrowed(entry, number, edge),
            old.length + 1,
        )

    def _search(self) -> None:
        # From each entry by itself: the best way to a caller need not be part of the best
        # way to what it calls, once a callback counts only on the ways that install it.
        for start in self._leaving.get(-1, ()):
            found = self._from_entry(start)
            self._ways[start] = found
            for reached, way in found.items():
                best = self.ways.get(reached)
                if best is None or way.rank < best.rank:
                    self.ways[reached] = way

    def _from_entry(self, entry: Start) -> dict[int, Way]:
        ways: dict[int, Way] = {}
        edges = [entry]
        queue = [(self._rank(None, *entry), entry[0], 0)]
        while queue:
            rank, number, at = heapq.heappop(queue)
            if number in ways:
                continue
            edge = edges[at][1]
            before = ways.get(edge.caller)
            clause = (before.clause if before is not None else None) or self._clause(number, edge)
            ways[number] = Way(rank, edge, clause, entry)
            for following, out in self._leaving.get(number, ()):
                if following not in ways:
                    edges.append((following, out))
                    ranked = self._rank(ways[number], following, out)
                    heapq.heappush(queue, (ranked, following, len(edges) - 1))
        return ways

    def entry(self, number: int) -> str:
        """Return the sentence of the entry that the best way to a context starts at."""
        return self._edges(number)[0].sentence

    def steps(self, number: int) -> tuple[Step, ...]:
        """Return the chain that leads to a context."""
        steps: list[Step] = []
        pending: Edge | None = None
        carried = False
        depth = 0
        contexts = self._contexts(number)
        for at, (edge, context) in enumerate(zip(self._edges(number), contexts, strict=True)):
            if _is_model(context.path):
                pending = pending or edge
                continue
            place, text = edge, edge.sentence
            if pending is not None:
                model = pending.sentence.removeprefix("calls ")
                place, text = pending, f"{model} {edge.sentence}"
                pending = None
            carries = not any(pages(value) for value in context.args)
            if carries and (not carried or (edge.assumed and self._by_record(context))):
                put = self._put(context, contexts[at:], depth)
                if put is not None:
                    steps.append(put)
            carried = carries
            if not _is_model(place.path):
                note = " (assumed)" if edge.assumed else ""
                steps.append(
                    Step(depth, self._place(place.path, place.start, place.end), text + note)
                )
            depth += 1
        return tuple(steps)

    def _by_record(self, context: Context) -> bool:
        # Whether a carrier was only guessed by its record: where it got the page must be told.
        info = self._solver.world.heap.info
        return any(info(one.target).kind == "any" for v in context.args for one in pointers(v))

    def _put(self, context: Context, rest: list[Context], depth: int) -> Step | None:
        # A carrier may hold the page in more than one place: the one that is read on this way.
        found = list(self._puts(context))
        numbers = [each.number for each in rest]
        best = max(found, key=lambda each: _last_of(numbers, each[2]), default=None)
        if best is None:
            return None
        store, record, _readers = best
        return self._stored(store.context, store.path, store.start, store.end, record, depth)

    def _puts(self, context: Context) -> Iterator[tuple[Store, str, Container[int]]]:
        # Where the page was put into what a context was handed, and who took it from there.
        heap = self._solver.world.heap
        seen: set[int] = set()
        todo = [one.target for value in context.args for one in pointers(value)]
        while todo:
            number = todo.pop(0)
            if number in seen:
                continue
            seen.add(number)
            for field, value in heap.fields(number):
                store = heap.stored_at((number, field))
                if pages(value) and store is not None:
                    record = heap.info(number).record
                    record = f"a {record}" if record else "an array"
                    yield store, record, heap.readers((number, field))
                todo += [one.target for one in pointers(value)]
            todo[:0] = heap.parts(number)

    def _stored(
        self, context: int, path: str, start: int, end: int, record: str, depth: int
    ) -> Step | None:
        if _is_model(path) and context >= 0:
            # The store is in a model: the place is where the filesystem calls it.
            edge = self.ways[context].edge if context in self.ways else None
            if edge is None or _is_model(edge.path):
                return None
            path, start, end = edge.path, edge.start, edge.end
        if not path or _is_model(path):
            return None
        text = f"the page is put into {record} here, and travels on in it"
        return Step(depth, self._place(path, start, end), text)

    def _edges(self, number: int) -> list[Edge]:
        return [way.edge for _, way in self._way(number)]

    def _contexts(self, number: int) -> list[Context]:
        return [self._solver.contexts[at] for at, _ in self._way(number)]

    def _way(self, number: int) -> list[tuple[int, Way]]:
        ways = self._ways[self.ways[number].entry]
        found: list[tuple[int, Way]] = []
        while number >= 0:
            found.append((number, ways[number]))
            number = ways[number].edge.caller
        return found[::-1]

    def _place(self, path: str, start: int, end: int) -> Place:
        return self._solver.world.program.unit(path).source.place(start, end)


def _last_of(numbers: list[int], readers: Container[int]) -> int:
    # How far down the way the last of its contexts among some readers is.
    return max((at for at, number in enumerate(numbers) if number in readers), default=-1)


def _is_model(path: str) -> bool:
    return path.startswith("<")
