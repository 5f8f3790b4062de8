"""Why a place is, or is not, a finding; and in which contexts a function was analysed."""

from __future__ import annotations

from collections.abc import Container, Iterator

from pagefix.c import ChunkKind, ast
from pagefix.finding import Step
from pagefix.flow.chains import Chains
from pagefix.flow.contexts import Context
from pagefix.flow.reach import Analysis
from pagefix.flow.sights import Seen
from pagefix.flow.solver import Solver
from pagefix.flow.values import Const, Func, Pointer, Value, ordered
from pagefix.program import Program
from pagefix.source import SourceFile

__all__ = ["LIMITS", "explain_function", "explain_place"]

_LABELS = {
    "pagecache": "the page comes from the page cache: a look-up there never gives a swapcache page",
    "fresh": "the page is allocated by the filesystem itself",
    "metadata": "the page belongs to the filesystem's metadata",
    "guarded": "a test on the way here shows that the page is not in the swap cache",
    "unknown": "where the page comes from is not known here: it is counted as undecided",
}

#: How many places that name a function are listed.
_MAX_CALLERS = 10

LIMITS = """\
What pagefix trusts, and what it leaves out by choice

Trusted
  - The models of kernel functions (rules/models): what they say a function does to pages is all it does.
  - A function without body or model uses its arguments, keeps none, and calls back only what it is handed.
  - What a test of a page flag says, until the page is unlocked.
  - Types: a void pointer that becomes a pointer to a record leads to objects of that record only.

Left out
  - Pointers kept in numbers that are changed on the way: low bits, page frame numbers, addresses.
  - Inline assembly, races between threads, interrupts.
  - The members of a union are taken as separate members; a record taken for its first member by
    a cast is not known by it.
  - Numbers stored as a page's offset in memory that is read through another type.
  - Offsets handed to a function from which no rule's call can be reached by name.
  - Function pointers that only code outside the checked paths stores.
  - What is left in an object that is not known (current->journal_info) for a function that is
    handed nothing.
  - More than one element of an array: all elements hold what any of them holds.
  - Guards told in other ways than by the result of a test or by a variable that has it or is set
    where it leads: a flag kept in memory, IS_SWAPFILE() of the inode.
  - Tables that a macro with arguments defines.

Where a bound is hit (contexts of one function, depth of a call chain) contexts are joined, and the
report's coverage says so. A chain is a way the code allows, not a proof that it is ever taken.
"""


def explain_place(program: Program, analysis: Analysis, path: str, line: int) -> list[str]:
    """Return what is known of each page field and each call of a rule on a line."""
    source = program.unit(path).source
    told: list[str] = []
    for each in analysis.reached:
        if each.path == path and source.line_of(each.start) == line:
            text = source.text(each.node.start, each.node.end)
            told.append(
                f"{text}: a swapcache page reaches it, from {each.entry} ({each.confidence})"
            )
            if each.unless is not None:
                told.append(f"  but only where the clause {each.unless!r} is not kept")
            told += [f"  {_step(step)}" for step in each.trace]
            if each.alternatives:
                told.append(f"  and {each.alternatives} more ways like it")
    known = {(each.path, each.start) for each in analysis.reached}
    for solver in analysis.solvers:
        for (where, start), seen in solver.record.fields.items():
            if where == path and (where, start) not in known and source.line_of(start) == line:
                told += _not_reported(source.text(seen.node.start, seen.node.end), seen)
        told += _calls(solver, path, line, known)
    return told or _of_table(analysis, source, path, line) or _unseen(program, analysis, path, line)


def _calls(
    solver: Solver, path: str, line: int, known: Container[tuple[str, int]]
) -> Iterator[str]:
    # Calls that are given the page, or a page, and are no finding.
    source = solver.world.program.unit(path).source
    for (where, start), seen in solver.record.calls.items():
        if where != path or (where, start) in known or source.line_of(start) != line:
            continue
        if not isinstance(seen.node, ast.Call):
            continue
        text = source.text(seen.node.start, seen.node.end)
        if any("swapcache" in sight.labels for sight in seen.sights.values()):
            yield f"{text}: is given a swapcache page, and not reported"
            yield "  no rule speaks of it, and it is not known to use what is another thing in the swap cache"
        else:
            yield from _not_reported(text, seen)


def _of_table(analysis: Analysis, source: SourceFile, path: str, line: int) -> list[str]:
    # A slot of a table whose methods the VM calls.
    told: list[str] = []
    for solver in analysis.solvers:
        for entry, slot, name in solver.table.slots:
            if solver.table.path != path or source.line_of(name.start) != line:
                continue
            of = f"{solver.table.name}.{slot}"
            told.append(entry.sentence.format(slot=of, function=name.name))
            if not any(c.function.name == name.name for c in solver.contexts):
                told.append(
                    f"  {name.name}() is shared code: nothing of the checked files runs there"
                )
    return told


def _step(step: Step) -> str:
    place = step.place
    return f"{'  ' * step.depth}{place.path}:{place.line}: {step.message}"


def _not_reported(text: str, seen: Seen) -> Iterator[str]:
    labels = sorted({label for sight in seen.sights.values() for label in sight.labels})
    yield f"{text}: reached in {len(seen.sights)} contexts, and not reported"
    for label in labels:
        yield f"  {_LABELS.get(label, label)}"


def _unseen(program: Program, analysis: Analysis, path: str, line: int) -> list[str]:
    unit = program.unit(path)
    lines = unit.source.lines()
    if not 0 < line <= len(lines):
        return [f"{path} has no line {line}"]
    chunk = unit.chunk_at(lines[line - 1]) or unit.chunk_at(
        lines[line] - 1 if line < len(lines) else len(unit.source.data) - 1
    )
    if chunk is None or chunk.kind is not ChunkKind.FUNCTION or not chunk.names:
        return [f"{path}:{line} lies in no function: nothing is analysed there"]
    name = chunk.names[0]
    if any(
        c.function.name == name and c.path == path for s in analysis.solvers for c in s.contexts
    ):
        return [
            f"{name}() is analysed, but none of its contexts uses a page on this line, save in a test:",
            "  a test shows that the page is not in the swap cache, another kind of value stands there,",
            "  or a constant steers past it",
            f"  pagefix explain {name} lists the contexts",
        ]
    told = [f"no entry reaches {name}() with a page, a carrier or a callback; it is named in"]
    places = [
        f"  {where}:{program.unit(where).source.line_of(at)}"
        for where, at in program.callers(name)
        if not (where == path and chunk.start <= at < chunk.end)
    ]
    told += places[:_MAX_CALLERS] or ["  no other place of the checked paths"]
    if len(places) > _MAX_CALLERS:
        told.append(f"  and {len(places) - _MAX_CALLERS} more")
    return told


def explain_function(program: Program, analysis: Analysis, name: str) -> list[str]:
    """Return the contexts in which functions of a name were analysed."""
    told: list[str] = []
    for solver in analysis.solvers:
        chains = Chains(solver)
        for context in solver.contexts:
            if context.function.name == name and not context.path.startswith("<"):
                told += _context(solver, chains, context)
    if not told:
        told.append(f"{name}() was not analysed: no entry leads to it with something to follow")
    return told


def _context(solver: Solver, chains: Chains, context: Context) -> Iterator[str]:
    yield f"{context.path}: {context.function.name}(), context {context.number} of {solver.table.name}"
    for param, value in zip(context.function.params, context.args, strict=False):
        yield f"  {param.name or '(unnamed)'}: {_described(solver, value)}"
    if context.number in chains.ways:
        for step in chains.steps(context.number):
            yield f"    {_step(step)}"


def _described(solver: Solver, value: Value) -> str:
    words = []
    for atom in ordered(value):
        if isinstance(atom, Pointer):
            record = solver.world.heap.info(atom.target).record or "memory"
            words.append(f"{record} ({'/'.join(map(str, solver.world.heap.site(atom.target)))})")
        elif isinstance(atom, Const):
            words.append(str(atom.value))
        elif isinstance(atom, Func):
            words.append(f"{atom.name}()")
        else:
            words.append(_ATOMS.get(atom.tag, atom.tag))
    return ", ".join(words) or "nothing"


_ATOMS = {
    "page": "a page that may be in the swap cache",
    "range": "an offset of that page",
    "size": "the file's size",
    "unit": "counted in pages",
    "top": "not tracked",
    "labelled": "another page",
    "predicate": "the result of a test of the page",
}
