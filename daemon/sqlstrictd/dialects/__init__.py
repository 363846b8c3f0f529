"""The dialects that the daemon writes and checks: facts in one place for grammar, checks, schema.

`constraint/` makes grammars of them, `verify/` checks by them, `schema/names.py` quotes by them.
Each dialect has a file of facts and one of words; `facts.py` says what shape facts have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sqlstrictd.dialects.ansi import ANSI
from sqlstrictd.dialects.duckdb import DUCKDB
from sqlstrictd.dialects.facts import Dialect
from sqlstrictd.dialects.mysql import MYSQL
from sqlstrictd.dialects.postgres import POSTGRES
from sqlstrictd.dialects.sqlite import SQLITE
from sqlstrictd.errors import UnsupportedDialect

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (SQLITE, POSTGRES, DUCKDB, MYSQL, ANSI)}
)

_ARGUMENTS: Final = re.compile(r"\((?:[^()']|'(?:[^']|'')*')*\)")


def get(name: str) -> Dialect:
    """Return the facts of a dialect.

    Raises:
        UnsupportedDialect: there is no dialect of that name.
    """
    dialect = DIALECTS.get(name)
    if dialect is None:
        written = ", ".join(sorted(DIALECTS))
        raise UnsupportedDialect(
            f"dialect {name!r} is not written; choose one of {written}", "dialect"
        )
    return dialect


def value_class(column_type: str, dialect: Dialect) -> str:
    """Return the class of what a column of this declared type holds, a letter of VALUE_CLASSES.

    The type is in upper case with its arguments, "DECIMAL(10,2)" or "ENUM('a','b')"; empty where
    none is declared.
    """
    return _class_of(column_type, dialect.name)


@lru_cache(maxsize=4096)
def _class_of(column_type: str, dialect: str) -> str:
    bare, count = column_type, 1
    while count:  # STRUCT(a DECIMAL(10,2)): from the inside out
        bare, count = _ARGUMENTS.subn(" ", bare)
    bare = " ".join(bare.split()).replace(" [", "[")
    for letter, pattern in DIALECTS[dialect].column_types.items():
        if re.fullmatch(pattern, bare):
            return letter
    return "O"
