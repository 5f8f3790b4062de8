"""What a contract rule demands, as checked values.

A rule names *roles* (functions that do something for a user), *effects* (what must not
happen to an active swap file, or what a ``swap_activate`` must not reach with a file it
cannot take) and *demands* (tests, one of which must stand on every path between the two).

Floor 3: imports nothing of pagefix.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ContractSpec", "Demand", "Effect", "Pair", "Role"]


@dataclass(frozen=True, slots=True)
class Role:
    """A function in a role, and what is asked of it.

    :param clause: the clause of the contract, ``O9``.
    :param commands: commands of an ioctl, one of whose cases the role begins at.
    :param record: the record whose ``slot`` holds the function.
    :param swap: whether only the table counts that the swap file goes through.
    :param subject: records; the parameters of the first that there are must have been tested.
        None: whatever is tested counts.
    :param locked: whether the VFS calls it with the inode locked, as far as its code is
        not at hand to tell.
    :param vfs: functions of the VFS that lead to the slot; those that call it if left out.
    :param story: what the user does, as the beginning of a sentence.
    """

    clause: str
    story: str
    commands: tuple[str, ...] = ()
    record: str = ""
    slot: str = ""
    swap: bool = False
    subject: tuple[str, ...] = ()
    locked: bool = False
    vfs: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Names by which a role is looked for."""
        return self.commands or (self.slot,)


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that must not happen without a test before it.

    :param call: functions whose call it is.
    :param mentions: names, one of which the call's arguments must mention.
    :param store: constants that are or'ed into something.
    :param field: members that are assigned or counted up.
    :param passes: whether a call is one that is handed all the role's subjects (at least
        two) and another parameter of it.
    :param subject: argument of the call (for a member: any number) that must have been
        tested.
    :param of: member of the first argument (for a member: of what is put into it) that holds
        what the effect is done on: what the function put there must have been tested.
    :param bound: argument that is harmless if it depends on one of ``by``.
    :param message: what can go wrong.
    """

    message: str
    call: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    store: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    passes: bool = False
    subject: int | None = None
    of: str = ""
    bound: int | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """Tests, one of which must stand before every effect.

    :param where: names, one of which the files under check must define; none: always.
    :param zero: what must have been tested and found zero or false.
    :param nonzero: what must have been found other than zero.
    :param positive: what must have been found greater than zero.
    :param equal: constants: who finds something equal to one is not in the role's way.
    :param calls: functions whose mere call is enough; a second word is a constant that the
        call must be handed.
    :param counts: members whose count must have been raised.
    :param taken: members: a variable that is given one needs no comparison with one.
    :param held: whether it is enough that the inode's lock has been taken.
    :param lock: whether the test must be made under a lock: the inode's,
    :param under: unless it is one of these members.
    :param missing: sentence about the missing test.
    :param guard: a test in C as it should be, for the suggestion.
    :param reference: the mainline function that has it.
    """

    missing: str
    guard: str
    reference: str
    where: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    nonzero: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    lock: bool = False
    under: tuple[str, ...] = ()
    held: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names by which functions that may test it are found."""
        called = (each.split()[0] for each in self.calls)
        return (*self.zero, *self.nonzero, *self.positive, *called, *self.counts)


@dataclass(frozen=True, slots=True)
class Pair:
    """What takes something, and what gives it back.

    :param good: on which result the former has taken: ``any``, ``zero`` or ``nonzero``.
    :param moves: functions that have taken it over where they return 0.
    """

    take: str
    give: tuple[str, ...]
    good: str
    moves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractSpec:
    """What a contract rule says beside its words.

    :param through: whether it means something only where the VM swaps through the
        filesystem's methods, not to a device.
    :param depth: how many calls below the role it is about, if it is about few.
    """

    roles: tuple[Role, ...]
    effects: tuple[Effect, ...]
    demands: tuple[Demand, ...]
    pairs: tuple[Pair, ...] = ()
    through: bool = False
    depth: int | None = None
