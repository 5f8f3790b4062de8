"""The form of a rule file: which keys there are, what each may hold, what it is for.

These types are what the checker goes by and what the JSON Schema is made from, so
neither can know a key that the other does not. A form says nothing of what a key's
*content* means: that a pattern is C is checked where it is read.

A kind of rule is a form here and a reader in its own module; :mod:`pagefix.rulebook.load`
brings the two together.

Floor 3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NotRequired, TypedDict

from pagefix.finding import Access, Applicability, Kind, Scope, Severity
from pagefix.rulebook.schema import Label, Stage

__all__ = [
    "FORMS",
    "ContractForm",
    "DemandForm",
    "DocForm",
    "EffectForm",
    "FixForm",
    "FlowForm",
    "GoodResult",
    "MatchForm",
    "ModelForm",
    "OwnForm",
    "PairForm",
    "RoleForm",
    "RuleForm",
    "TreeForm",
]


class DocForm(TypedDict):
    """The rule's words, under the headings that `pagefix explain` shows."""

    what: Annotated[str, "What it reports: one paragraph."]
    why: Annotated[str, "Why it matters: what happens to whom if the finding is left."]
    example: Annotated[str, "Example: C that is reported."]
    instead: Annotated[str, "Instead: the same C as it should be."]
    safety: Annotated[str, "Fix safety: when the fix keeps the meaning, and when not."]
    references: Annotated[list[str], "References: files of the tree, commits, threads."]


class TreeForm(TypedDict):
    """What the tree must be like for the rule to mean anything."""

    has: NotRequired[Annotated[list[str], "Functions or macros that its headers must have."]]
    symbol: NotRequired[Annotated[str, "A function whose definition `mentions` is about."]]
    mentions: NotRequired[
        Annotated[list[str], "Names, one of which the definition of `symbol` must mention."]
    ]
    same: NotRequired[Annotated[list[str], "Constants that must have one value."]]


class RuleForm(TypedDict):
    """What every rule has, whatever its kind."""

    summary: Annotated[str, "One line, without a full stop: what is wrong where it reports."]
    kind: NotRequired[Annotated[Kind, "What the rule is about; `flow` if left out."]]
    severity: Annotated[Severity, "How much a finding matters; notes do not fail a check."]
    status: Annotated[Stage, "Where the rule is in its life."]
    since: Annotated[str, "The version of pagefix that first had it."]
    optional: NotRequired[
        Annotated[bool, "Whether it is used only where it is named (`--select`, settings)."]
    ]
    clause: NotRequired[Annotated[str, "The clause of the swap-file contract: `I2`."]]
    tree: NotRequired[TreeForm]
    doc: DocForm


class MatchForm(TypedDict):
    """A pattern that makes a place a finding."""

    pattern: Annotated[str, "Plain C: `$PAGE->index`, `page_offset($PAGE)`, `$RW == WRITE`."]
    access: NotRequired[
        Annotated[list[Access], "What is done to the field; all but `unevaluated` if left out."]
    ]
    requires: NotRequired[Annotated[Label, "Label that what is matched must carry."]]
    severity: NotRequired[Annotated[Severity, "If it is not the rule's."]]
    except_beside: NotRequired[
        Annotated[
            list[str], "Members: not where a call is handed one of them beside what is matched."
        ]
    ]
    message: Annotated[str, "One sentence; metavariables stand for the text they matched."]


class FixForm(TypedDict):
    """What could be written instead; the first that fits access and tree is offered."""

    access: NotRequired[Annotated[list[Access], "Accesses that it is for; all if left out."]]
    replace: NotRequired[Annotated[str, "The C to write; left out, it is advice only."]]
    needs: NotRequired[Annotated[str, "Function or macro that the tree's headers must have."]]
    without: NotRequired[
        Annotated[list[str], "Names that the definition of `needs` must not mention."]
    ]
    guard: NotRequired[
        Annotated[str, "A test of the page under which the matched call must not be made."]
    ]
    skipped: NotRequired[Annotated[str, "For a guard: the value of a call that is not made."]]
    of: NotRequired[
        Annotated[
            dict[str, str],
            'For a guard: PAGE = "START" where $PAGE is the page whose range $START is.',
        ]
    ]
    together: NotRequired[
        Annotated[
            list[str],
            "For a guard: functions whose calls for the same page, beside it, are of no use"
            " without it, and are guarded with it.",
        ]
    ]
    unlocks: NotRequired[
        Annotated[list[str], "For a guard: functions after which the test says nothing."]
    ]
    used_for: NotRequired[
        Annotated[list[str], "Members that the value must be used for, for the fix to fit."]
    ]
    calls: NotRequired[Annotated[list[str], "Names of the functions that it is for."]]
    applicability: NotRequired[Annotated[Applicability, "Who may apply it."]]
    message: Annotated[str, "One sentence: what the new text does, or why there is none."]


class FlowForm(RuleForm):
    """A flow rule: a place that a page with a label reaches."""

    scope: NotRequired[
        Annotated[Scope, "`swapcache`: the rule says nothing where every page counts."]
    ]
    metavars: Annotated[dict[str, str], 'Metavariables and their C types: PAGE = "struct page *".']
    match: list[MatchForm]
    fix: NotRequired[list[FixForm]]


class CalledForm(TypedDict):
    """Slots that the VM calls through a table without a test: a table must set them."""

    files: Annotated[list[str], "Files of the tree that make the calls."]
    asks: NotRequired[
        Annotated[
            list[str],
            "Constants by which the function in `slot` asks for these calls: only tables whose"
            " function names one, or that the VM gives one to.",
        ]
    ]
    extents: NotRequired[
        Annotated[str, "A constant that trees have where that function asks by returning 0."]
    ]
    clause: NotRequired[Annotated[str, "The clause of the swap-file contract: `P1`."]]
    message: Annotated[str, "One sentence; of $TABLE, $SLOT and $CALLER."]


class RefusedForm(TypedDict):
    """Slots without which the VM refuses a table: `if (!table->slot)`."""

    files: Annotated[list[str], "Files of the tree that make the test."]
    message: Annotated[str, "One sentence; of $TABLE, $SLOT and $CALLER."]


class InstalledForm(TypedDict):
    """Tables that are only ever installed beside another one that rules them out."""

    beside: Annotated[str, "Record type of the other table."]
    slots: Annotated[list[str], "The other table sets one of these slots,"]
    names: NotRequired[Annotated[list[str], "or has one of these names."]]
    message: Annotated[str, "One sentence; of $TABLE, $SLOT (the other table) and $CALLER."]


class OpsForm(RuleForm):
    """An ops rule: what a table must, or must not, have beside a slot that it sets."""

    record: Annotated[str, "Type of the tables."]
    slot: Annotated[str, "Tables that set this slot are looked at."]
    empty: NotRequired[Annotated[list[str], "Functions that count as none in a slot."]]
    called: NotRequired[list[CalledForm]]
    refused: NotRequired[list[RefusedForm]]
    installed: NotRequired[list[InstalledForm]]


class RoleForm(TypedDict):
    """A function in a role: found in a table's slot, or in the cases of an ioctl."""

    clause: Annotated[str, "The clause of the swap-file contract: `O9`."]
    story: Annotated[str, "What the user does, as the beginning of a sentence."]
    commands: NotRequired[Annotated[list[str], "Commands of an ioctl: their `case` is the role."]]
    record: NotRequired[Annotated[str, "Record whose `slot` holds the function."]]
    slot: NotRequired[Annotated[str, "The slot."]]
    swap: NotRequired[Annotated[bool, "Whether only tables of swap files count."]]
    subject: NotRequired[
        Annotated[list[str], "Records: the parameters of the first there is must be tested."]
    ]
    locked: NotRequired[
        Annotated[bool, "Whether the inode is locked on entry, where no code of the VFS tells."]
    ]
    vfs: NotRequired[Annotated[list[str], "Functions of the VFS that lead to the slot."]]


class EffectForm(TypedDict):
    """What must not happen without a test before it."""

    message: Annotated[str, "What can go wrong: the beginning of a finding's message."]
    call: NotRequired[Annotated[list[str], "Functions whose call it is."]]
    mentions: NotRequired[Annotated[list[str], "Names, one of which the arguments must hold."]]
    store: NotRequired[Annotated[list[str], "Constants that are or'ed into something."]]
    field: NotRequired[Annotated[list[str], "Members that are assigned or counted up."]]
    passes: NotRequired[
        Annotated[bool, "A call that is handed all subjects of the role and another parameter."]
    ]
    subject: NotRequired[Annotated[str, "Number of the argument that must have been tested."]]
    of: NotRequired[
        Annotated[str, "Member of the effect's first argument that holds what it is done on."]
    ]
    bound: NotRequired[Annotated[str, "Number of the argument that must depend on `by`."]]
    by: NotRequired[Annotated[list[str], "Names; with one of them in `bound` it is harmless."]]


class DemandForm(TypedDict):
    """Tests, one of which must stand on every path to an effect."""

    missing: Annotated[str, "What is not tested: the end of a finding's message."]
    guard: Annotated[str, "A test in C as it should be."]
    reference: Annotated[str, "The mainline function that has it."]
    where: NotRequired[Annotated[list[str], "Names, one of which the files must use."]]
    zero: NotRequired[Annotated[list[str], "What must have been found zero or false."]]
    nonzero: NotRequired[Annotated[list[str], "What must have been found other than zero."]]
    positive: NotRequired[Annotated[list[str], "What must have been found above zero."]]
    equal: NotRequired[
        Annotated[list[str], "Constants that nothing is equal to where the role comes by."]
    ]
    calls: NotRequired[
        Annotated[list[str], "Functions whose mere call (with a constant: second word) is enough."]
    ]
    counts: NotRequired[Annotated[list[str], "Members whose count must have been raised."]]
    taken: NotRequired[
        Annotated[list[str], "Members: a variable that is given one needs no comparison."]
    ]
    lock: NotRequired[Annotated[bool, "Whether it must be tested under the inode's lock."]]
    under: NotRequired[Annotated[list[str], "Members that are the lock, if not the inode's."]]
    held: NotRequired[Annotated[bool, "Whether it is enough to have taken the inode's lock."]]


class GoodResult(StrEnum):
    """On which result something has been taken."""

    ANY = "any"
    ZERO = "zero"
    NONZERO = "nonzero"
    POINTER = "pointer"


class PairForm(TypedDict):
    """What takes something and what gives it back."""

    take: Annotated[str, "The function that takes."]
    give: Annotated[list[str], "Functions that give it back."]
    good: Annotated[GoodResult, "On which result it has been taken."]
    moves: NotRequired[Annotated[list[str], "Functions that take it over where they return 0."]]


class ContractForm(RuleForm):
    """A contract rule: roles, effects, and the tests that must stand between them."""

    through: NotRequired[
        Annotated[bool, "Whether it is about swapping through the filesystem's methods."]
    ]
    depth: NotRequired[Annotated[str, "How many calls below a role it is about, if few."]]
    role: list[RoleForm]
    effect: NotRequired[list[EffectForm]]
    demand: NotRequired[list[DemandForm]]
    pair: NotRequired[list[PairForm]]


class OwnForm(RuleForm):
    """A rule about pagefix's own comments: its matches are not data."""


# --- models


class Side(StrEnum):
    """A side of a test."""

    TRUE = "true"
    FALSE = "false"


class GuardForm(TypedDict):
    """A test of a page flag."""

    call: Annotated[str, "Name of the test."]
    argument: NotRequired[Annotated[int, "Position of the page; 0 if left out."]]
    bit: NotRequired[Annotated[str, "The flag's bit: `test_bit(BIT, &page->flags)` is the same."]]
    drops_when: Annotated[Side, "On which side of it the page is not in the swap cache."]


class ClauseForm(TypedDict):
    """A branch that `swap_activate` may forbid."""

    name: Annotated[str, "As `unless` shows it."]
    sentence: Annotated[str, "What must be refused for the branch never to be taken."]
    words: NotRequired[Annotated[list[str], "Constants and functions that a test names."]]
    opposite: NotRequired[Annotated[list[str], "Those whose test means that it is not so."]]
    size: NotRequired[Annotated[bool, "Comparing an offset with the file's size is a test."]]


class EntryForm(TypedDict):
    """A method through which the VM hands a filesystem a swapcache page."""

    role: Annotated[str, "swap-in, swap-out or dirty."]
    slot: Annotated[str, "The slot of address_space_operations."]
    carrier: Annotated[str, "Type of the parameter that is the page or holds it."]
    store: NotRequired[Annotated[list[str], "For a carrier, members that lead to its pages."]]
    constants: NotRequired[Annotated[dict[str, str], "By a parameter's type: what it is given."]]
    sentence: Annotated[str, "The chain's first step; of {slot} and {function}."]
    asked_for: NotRequired[Annotated[bool, "It counts only where the user names the slot."]]


class ModelForm(TypedDict):
    """A file of models: every key may be left out, and be in several files."""

    summary: NotRequired[Annotated[str, "What the file is about."]]
    code: NotRequired[Annotated[str, "C: what functions of the kernel do to pages."]]
    sources: NotRequired[Annotated[dict[str, list[str]], "By label: functions that give pages."]]
    fresh: NotRequired[Annotated[list[str], "Allocations: another object for each call."]]
    containers: NotRequired[Annotated[list[str], "Macros like container_of()."]]
    links: NotRequired[Annotated[list[str], "Records in a page whose address stands for it."]]
    silent: NotRequired[Annotated[list[str], "Helpers whose callbacks get no page of theirs."]]
    harmless: NotRequired[Annotated[list[str], "They take a page and do not look into it."]]
    transparent: NotRequired[Annotated[list[str], "They hand on their argument in a test."]]
    helpers: NotRequired[Annotated[list[str], "They take their page for one of the page cache."]]
    sizes: NotRequired[Annotated[list[str], "Members that hold a file's size."]]
    guard: NotRequired[list[GuardForm]]
    clause: NotRequired[list[ClauseForm]]
    entry: NotRequired[list[EntryForm]]


#: The form of a rule file, by the rule's kind.
FORMS: dict[Kind, type] = {
    Kind.FLOW: FlowForm,
    Kind.OPS: OpsForm,
    Kind.CONTRACT: ContractForm,
    Kind.COMMENT: OwnForm,
}
