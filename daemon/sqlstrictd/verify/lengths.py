"""The numbers in parentheses after a type: how many it takes, and how large they may be.

Engines read them when they prepare: DECIMAL(99, 2) fails there and then in MySQL. `types_forms.py`
asks for casts, `declared.py` for the columns of new tables. SQLite takes any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

Bounds = tuple[tuple[int, int], ...]

_TEXT: Final = ((1, 10_485_760),)
_BITS: Final = ((1, 83_886_080),)
_SECONDS: Final = ((0, 6),)
_EXACT: Final = ((1, 1000), (0, 1000))
_POSTGRES: Final[Mapping[str, Bounds]] = {
    **dict.fromkeys(("NUMERIC", "DECIMAL", "DEC"), _EXACT),
    **dict.fromkeys(("VARCHAR", "CHARACTER VARYING", "CHAR VARYING"), _TEXT),
    **dict.fromkeys(("CHAR", "CHARACTER", "BPCHAR", "NCHAR", "NATIONAL CHARACTER"), _TEXT),
    "NATIONAL CHARACTER VARYING": _TEXT,
    **dict.fromkeys(("BIT", "BIT VARYING", "VARBIT"), _BITS),
    "FLOAT": ((1, 53),),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "TIME", "TIMETZ", "INTERVAL"), _SECONDS),
    **{
        f"{name} {zone} TIME ZONE": _SECONDS
        for name in ("TIMESTAMP", "TIME")
        for zone in ("WITH", "WITHOUT")
    },
}
_WIDTH: Final = ((1, 255),)
_MYSQL: Final[Mapping[str, Bounds]] = {
    **dict.fromkeys(("DECIMAL", "DEC", "NUMERIC", "FIXED"), ((1, 65), (0, 30))),
    **dict.fromkeys(("FLOAT", "DOUBLE", "REAL", "DOUBLE PRECISION"), ((1, 53), (0, 30))),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR", "BINARY"), ((0, 255),)),
    **dict.fromkeys(("VARCHAR", "NVARCHAR", "VARBINARY", "CHARACTER VARYING"), ((0, 16_383),)),
    **dict.fromkeys(("TEXT", "BLOB"), ((0, 65_535),)),
    **dict.fromkeys(("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT"), _WIDTH),
    **dict.fromkeys(("DATETIME", "TIMESTAMP", "TIME"), _SECONDS),
    "YEAR": ((4, 4),),
    "BIT": ((1, 64),),
}
_BOUNDS: Final = {"postgres": _POSTGRES, "mysql": _MYSQL}
# Words after a type's name that say nothing of its numbers.
_AFTER: Final = re.compile(r" (UNSIGNED|SIGNED|ZEROFILL|CHARACTER SET \w+)\b.*")
# Types that cannot do without, where a column is declared.
_NEEDS: Final = {"mysql": frozenset({"VARCHAR", "NVARCHAR", "VARBINARY", "CHARACTER VARYING"})}
_LISTS: Final = frozenset({"ENUM", "SET"})


def explain_lengths(name: str, lengths: Sequence[str], dialect: str, *, declares: bool) -> str:
    """Say what is wrong with the numbers after a type; empty where nothing is.

    `name` is the type's in upper case, without its numbers; `lengths` are those as they stand.
    """
    known = _BOUNDS.get(dialect)
    bare = _AFTER.sub("", name)
    if known is None or bare in _LISTS:
        return ""
    if not lengths:
        is_needed = declares and bare in _NEEDS.get(dialect, ())
        return f"{bare} needs a length: {bare}(255)." if is_needed else ""
    bounds = known.get(bare, ())
    if len(lengths) > len(bounds):
        taken = ("no length", "one number", "two numbers")[len(bounds)]
        return f"{bare} takes {taken} in parentheses."
    for length, (low, high) in zip(lengths, bounds, strict=False):
        if not length.isdecimal() or len(length) > 9 or not low <= int(length) <= high:
            return f"A number after {bare} is a whole one from {low} to {high}."
    if len(lengths) == 2 and dialect == "mysql" and int(lengths[1]) > int(lengths[0]):
        return f"The second number after {bare} is not above the first."
    return ""


def cut_type(written: str) -> tuple[str, list[str]]:
    """Cut a type as written into its name in upper case and the numbers in its parentheses."""
    found = re.search(r"\(([^()]*)\)", written)
    lengths = [part.strip() for part in found[1].split(",")] if found else []
    name = re.sub(r"\([^()]*\)|\[[^\]]*\]|\bARRAY\b", " ", written.upper())
    return " ".join(name.split()), lengths
