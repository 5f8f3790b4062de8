"""A step taken from memory does what it did when it was made: no answer depends on the memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefix import engine
from pagefix.c.ast import GLOBAL, Binary, Name, Node, Number, Opaque, String, Unary
from pagefix.finding import Kind
from pagefix.flow import Analysis, SwapOptions, analyse
from pagefix.flow.heap import Heap, Store
from pagefix.flow.repeats import Repeats
from pagefix.flow.state import State, join
from pagefix.flow.steps import Spot, Step, changes
from pagefix.flow.syntax import is_number
from pagefix.flow.values import NULL, UNKNOWN, Page, const
from pagefix.rulebook import load_models, load_rules, rules_folder

FLOW = Path(__file__).resolve().parent.parent / "fixtures" / "flow"
CASES = sorted(path.name for path in FLOW.iterdir() if path.is_dir())

VM = Store(-1, "", 0, 0)


def analysed(case: str) -> Analysis:
    rules = [rule for rule in load_rules() if rule.kind is Kind.FLOW]
    program = engine.load([str(FLOW / case)])
    return analyse(program, load_models(rules_folder()), rules, SwapOptions())


def told(analysis: Analysis) -> list[object]:
    # All that can be seen of an analysis, how it went along included.
    reached = [
        (each.path, each.start, each.rules, each.entry, each.confidence, each.unless, each.trace)
        for each in analysis.reached
    ]
    others = [(each.alternatives, each.helper) for each in analysis.reached]
    contexts = [
        (context.number, context.function.name, context.args, context.runs, list(context.edges))
        for solver in analysis.solvers
        for context in solver.contexts
    ]
    return [reached, others, analysis.unknown, analysis.coverage, contexts]


@pytest.mark.parametrize("case", CASES)
def test_without_memory_the_answer_is_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = told(analysed(case))
    monkeypatch.setattr(Repeats, "_repeated", lambda self, step: False)
    assert told(analysed(case)) == usual


def test_a_place_that_grows_drops_the_steps_that_read_it() -> None:
    heap = Heap()
    number = heap.make("alloc", (0,), "struct bio")
    other = heap.make("alloc", (1,), "struct bio")
    step = heap.step = Step(Spot(Number(0, 1, 1)))
    heap.load((number, "bi_private"), 7)
    heap.step = None
    heap.store((other, "bi_private"), const(1), VM)
    heap.store((number, "bi_end_io"), const(1), VM)
    assert step.valid
    heap.store((number, "bi_private"), const(1), VM)
    assert not step.valid


def test_what_is_held_below_an_object_is_read_too() -> None:
    heap = Heap()
    number = heap.make("alloc", (0,), "struct bio")
    step = heap.step = Step(Spot(Number(0, 1, 1)))
    assert not heap.holds(number, 7)
    heap.step = None
    heap.store((number, "bi_io_vec"), frozenset((Page("page", frozenset(), False),)), VM)
    assert not step.valid


def test_who_takes_a_step_again_is_told_of_what_it_read() -> None:
    heap = Heap()
    number = heap.make("alloc", (0,), "struct bio")
    step = heap.step = Step(Spot(Number(0, 1, 1)))
    heap.load((number, "bi_private"), 7)
    heap.step = None
    heap.asked_again(step.asked, 8)
    heap.store((number, "bi_private"), const(1), VM)
    assert list(heap.dirty) == [7, 8]


def test_a_step_is_kept_for_the_locals_that_it_names() -> None:
    spot = Spot(Name(5, 6, "a", 1))
    one, other = State({1: NULL, 2: NULL}), State({1: NULL, 2: UNKNOWN})
    assert spot.key(one, (0, "", False)) == spot.key(other, (1, "", False))
    assert spot.key(one, (0, "", False)) != spot.key(State({1: UNKNOWN}), (0, "", False))
    assert spot.key(one, (0, "", False)) != spot.key(one, (0, "", True))
    # A macro's local was used as well, and an object named after the context.
    step = Step(spot)
    step.strays = (2,)
    step.signed = True
    signature = (0, "", False)
    spot.keep(step, spot.key(one, signature), one, signature)
    assert spot.key(one, (0, "", False)) != spot.key(other, (0, "", False))
    assert spot.key(one, (0, "", False)) != spot.key(one, (1, "", False))
    assert spot.known == {spot.key(one, (0, "", False)): step}


def test_a_change_is_made_to_another_state() -> None:
    before, after = State({1: NULL, 2: NULL}), State({1: NULL, 2: const(3)}, clause="hole")
    change = changes(before, after)
    assert change is not None
    state = State({1: NULL, 2: NULL, 9: UNKNOWN})
    change.apply(state)
    assert state == State({1: NULL, 2: const(3), 9: UNKNOWN}, clause="hole")
    assert changes(before, None) is None


def test_states_are_joined_local_by_local() -> None:
    # One is not known after the other branch, one is the same, one is either.
    one, other = State({1: NULL, 2: NULL, 3: NULL}), State({2: NULL, 3: const(4), 5: NULL})
    assert join(one, other) == State(
        {1: NULL | UNKNOWN, 2: NULL, 3: NULL | const(4), 5: NULL | UNKNOWN}
    )


@pytest.mark.parametrize(
    ("expr", "number"),
    [
        (Number(0, 1, 1), True),
        (Unary(0, 2, "-", Name(1, 2, "EIO", GLOBAL)), True),
        (Unary(0, 2, "&", Name(1, 2, "x", GLOBAL)), False),
        (Binary(0, 5, "&", Name(0, 1, "a", 1), Name(4, 5, "b", 2)), True),
        (Binary(0, 5, "+", Name(0, 1, "a", 1), Name(4, 5, "b", 2)), False),
        (Opaque(0, 9, (Name(0, 4, "KERN", GLOBAL), String(5, 9))), True),
        (Opaque(0, 9, (Name(0, 4, "a", GLOBAL), Name(5, 9, "b", GLOBAL))), False),
        (Name(0, 1, "a", 1), False),
    ],
)
def test_what_is_a_number_by_its_form(expr: Node, number: bool) -> None:
    assert is_number(expr) is number  # type: ignore[arg-type]
