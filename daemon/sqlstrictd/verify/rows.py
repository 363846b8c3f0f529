"""PostgreSQL's rows by the name of their table, and the fields of DuckDB's structs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.names import fold

# PostgreSQL's functions that make JSON of a whole row, given the name of what it is of.
_TAKE_ROWS: Final = frozenset("row_to_json to_json to_jsonb json_agg jsonb_agg".split())
_ARGUMENTS: Final = re.compile(r"\([^()]*\)")


def takes_rows(column: exp.Expr) -> bool:
    """Whether a name stands where the name of a table or query would stand for its row."""
    parent = column.parent
    while isinstance(parent, exp.Order | exp.Distinct):
        parent = parent.parent
    if isinstance(parent, exp.Anonymous):
        return str(parent.this).lower() in _TAKE_ROWS
    return isinstance(parent, exp.JSONArrayAgg)  # the parser's node for json_agg


@lru_cache(maxsize=1024)
def fields_of(type_: str) -> frozenset[str]:
    """Return the folded names of a struct's fields; none for any other type."""
    if not type_.upper().startswith("STRUCT(") or not type_.endswith(")"):
        return frozenset()
    inside, count = type_[len("STRUCT(") : -1], 1
    while count:  # what is inside a field's own type has no field of this one
        inside, count = _ARGUMENTS.subn(" ", inside)
    words = [part.split() for part in inside.split(",")]
    return frozenset(fold(part[0].strip('"')) for part in words if len(part) > 1)
