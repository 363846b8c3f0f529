"""A statement to the text of its terms: what stands between commas after SELECT and GROUP BY.

`reading.py` asks for the term that a node of the tree was read from, for the tree itself does not
keep how it was written. It reads brackets, commas and a few words, and judges nothing.
"""

from __future__ import annotations

import re

from sqlglot import exp

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\w+|\S")
_BEGINS = frozenset({"SELECT", "DISTINCT", "BY"})
_ENDS = frozenset("AS FROM WHERE GROUP HAVING ORDER LIMIT UNION INTERSECT EXCEPT WINDOW".split())


class Spelling:
    """The terms of one statement, found by the names in them."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._terms: list[tuple[int, int]] = []
        lists: list[tuple[bool, int]] = [(False, -1)]  # is it a list; where its term begins
        for token in _TOKEN.finditer(sql):
            word = token.group().upper()
            is_list, start = lists[-1]
            if word in _ENDS or word in "),;":
                if start >= 0:
                    self._terms.append((start, token.start()))
                lists[-1] = (is_list and word in ("AS", ","), token.end() if word == "," else -1)
                if not is_list:
                    lists[-1] = (False, -1)
            elif word in _BEGINS:
                lists[-1] = (True, token.end())
            if word == "(":
                lists.append((False, -1))
            elif word == ")" and len(lists) > 1:
                lists.pop()

    def of(self, node: exp.Expr) -> str:
        """Return the term that holds a node; empty where it has no name in it, or none is found."""
        places = [
            (one.meta["start"], one.meta["end"])
            for one in node.find_all(exp.Identifier)
            if "start" in one.meta
        ]
        if not places:
            return ""
        first, last = min(places)[0], max(end for _, end in places)
        held = [(a, b) for a, b in self._terms if a <= first and last < b]
        start, end = min(held, key=lambda term: term[1] - term[0], default=(0, 0))
        return self._sql[start:end].strip()
