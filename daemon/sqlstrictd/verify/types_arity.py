"""How many arguments the functions of a dialect take, and of which kind they are.

Read from the facts of the dialect, where an argument is a code: `?` may be left out with all after
it, `*` may be given again. For the engines that convert every type to every other, this is all
that there is to check of a call.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sqlstrictd import dialects
from sqlstrictd.dialects.facts import Call


@dataclass(frozen=True, slots=True)
class Arity:
    """The fewest and the most arguments; `kinds` holds f (scalar), a (aggregate), w (window)."""

    least: int
    most: float
    kinds: str = "f"

    def __str__(self) -> str:
        if self.most == math.inf:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most:g}"


# COUNT(*) is no call among the facts.
_COUNT: Final = {"COUNT": Arity(0, math.inf, "a")}
# Calls with words between their arguments are forms among the facts.
_WORDED: Final = {"POSITION": Arity(2, 2), "TRIM": Arity(1, 2), "SUBSTRING": Arity(2, 3)}
# What the facts leave out since no grammar writes it, and people do.
_MORE: Final[Mapping[str, Mapping[str, Arity]]] = {
    "mysql": {
        "NOW": Arity(0, 1),
        "CURRENT_TIMESTAMP": Arity(0, 1),
        "CURTIME": Arity(0, 1),
        "UNIX_TIMESTAMP": Arity(0, 1),
        "LOG": Arity(1, 2),
        "LOCATE": Arity(2, 3),
        "RAND": Arity(0, 1),
        "ROUND": Arity(1, 2),
        "WEEK": Arity(1, 2),
        "YEARWEEK": Arity(1, 2),
        "DATE_ADD": Arity(2, 2),
        "DATE_SUB": Arity(2, 2),
        "ADDDATE": Arity(2, 2),
        "SUBDATE": Arity(2, 2),
        "GROUP_CONCAT": Arity(1, math.inf, "a"),
        "JSON_OBJECT": Arity(0, math.inf),
        "JSON_ARRAY": Arity(0, math.inf),
        "JSON_OBJECTAGG": Arity(2, 2, "a"),
        "LAG": Arity(1, 3, "w"),
        "LEAD": Arity(1, 3, "w"),
    },
}


@lru_cache(maxsize=8)
def arities(dialect: str) -> Mapping[str, Arity]:
    """Return the functions of a dialect by name in upper case."""
    facts = dialects.get(dialect)
    found: dict[str, Arity] = {**_COUNT, **_WORDED, **_MORE.get(dialect, {})}
    for calls, kind in ((facts.calls, "f"), (facts.aggregates, "a"), (facts.windows, "w")):
        for call in calls:
            for name in call.names.split():
                _add(found, name.upper(), call, kind)
    return found


def _add(found: dict[str, Arity], name: str, call: Call, kind: str) -> None:
    codes = call.arguments.split()
    required = [code for code in codes if not code.endswith(("?", "*"))]
    most = math.inf if any(code.endswith("*") for code in codes) else len(codes)
    old = found.get(name)
    if old is None:
        found[name] = Arity(len(required), most, kind)
        return
    both = old.kinds if kind in old.kinds else old.kinds + kind
    found[name] = Arity(min(old.least, len(required)), max(old.most, most), both)
