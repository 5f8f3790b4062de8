"""The program under check: kernel tree, headers, definitions by name, types.

Floor 2.
"""

from pagefix.program.activation import swaps_through_methods
from pagefix.program.bindings import Bound
from pagefix.program.discover import STDIN
from pagefix.program.locals import visible
from pagefix.program.margins import Margin, margin
from pagefix.program.program import Program, invoked
from pagefix.program.shapes import UNKNOWN, element, find_member, owned, tag
from pagefix.program.text import possible_names
from pagefix.program.tree import Tree
from pagefix.program.typer import Typer

__all__ = [
    "STDIN",
    "UNKNOWN",
    "Bound",
    "Margin",
    "Program",
    "Tree",
    "Typer",
    "element",
    "find_member",
    "invoked",
    "margin",
    "owned",
    "possible_names",
    "swaps_through_methods",
    "tag",
    "visible",
]
