"""Contract rules: what a filesystem must refuse, and exclude, while a file of it is swap.

In: the program under check, the rules. Out: findings, and a table of the clauses. Roles and
effects are found in tables, switches and calls; what a filesystem calls them is in the
rules. May not know how a finding is shown, or any filesystem.

Floor 4, beside :mod:`pagefix.flow`.
"""

from pagefix.contract.capability import OPS, Capable, capable
from pagefix.contract.check import check_contracts
from pagefix.contract.outcomes import Contracts, Outcome, Verdict

__all__ = [
    "OPS",
    "Capable",
    "Contracts",
    "Outcome",
    "Verdict",
    "capable",
    "check_contracts",
]
