"""Small changes of a C program's text, some of which change what it means."""

from __future__ import annotations

import random
import re

WORDS = ("page", "index", "inode", "mapping", "PageSwapCache", "readpage", "list_add", "0")


def edited(text: str, chance: random.Random) -> str:
    """Return a text with one small change."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    statements = [n for n, line in enumerate(lines) if re.match(r"\t+.*;$", line)] or [0]
    inside = chance.choice(statements)
    word = chance.choice([*WORDS, *re.findall(r"[A-Za-z_]\w+", text)])
    changes = [
        (at, [f"/* {word} */", lines[at]]),
        (at, ["", lines[at]]),
        (at, []),
        (at, ["/*", lines[at]]),
        (at, [f"static int {word}_new(int a)", "{", "\treturn a;", "}", "", lines[at]]),
        (inside, [f"\t{word}({word});", lines[inside]]),
        (inside, [re.sub(r"[a-z_]\w{2,}", word, lines[inside], count=1)]),
        (inside, []),
        (inside, [lines[inside], lines[inside]]),
        (inside, [f"\tif ({word})", f"\t{lines[inside]}"]),
    ]
    line, instead = chance.choice(changes)
    return "\n".join([*lines[:line], *instead, *lines[line + 1 :]])
