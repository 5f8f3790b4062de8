"""Provenance: which pages may be swapcache pages, and the chain that leads there.

In: the program under check, the models, the rules. Out: the places that such a page
reaches (:class:`Reached`). May not know how a finding is reported or fixed.

Floor 4.
"""

from pagefix.flow.entries import Plan, SwapOptions
from pagefix.flow.explain import LIMITS, explain_function, explain_place
from pagefix.flow.reach import Analysis, Reached, analyse
from pagefix.flow.switches import MECHANISMS

__all__ = [
    "LIMITS",
    "MECHANISMS",
    "Analysis",
    "Plan",
    "Reached",
    "SwapOptions",
    "analyse",
    "explain_function",
    "explain_place",
]
