"""How names are compared, and how they are written in SQL.

Every part of the daemon that matches or writes a name uses these functions, so that schema, prompt,
grammar and checks agree. It knows nothing of any particular schema.
"""

from __future__ import annotations

import re
from typing import Final

from sqlstrictd import dialects

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TO_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

# What no part of a SQLite statement takes bare.
RESERVED_WORDS: Final = (
    dialects.DIALECTS["sqlite"].reserved_words | dialects.DIALECTS["sqlite"].alias_words
)


def fold(name: str) -> str:
    """Return the form under which two names are the same: ASCII letters in lower case.

    SQLite folds nothing else: "É" and "é" are two names to it.
    """
    return name.translate(_TO_LOWER)


def quote_name(name: str, dialect: str = "sqlite", always: bool = False) -> str:
    """Write a name as SQL of a dialect: bare where that is safe, else (or if always) in quotes.

    Raises:
        UnsupportedDialect: there is no dialect of that name.
    """
    facts = dialects.get(dialect)
    # Where the engine turns a bare name into lower case, only such a name is itself when bare.
    is_kept = not facts.folds_unquoted or name == fold(name)
    if not always and is_kept and _PLAIN.fullmatch(name):
        if name.upper() not in facts.reserved_words:
            return name
    quote = facts.name_quote
    return quote + name.replace(quote, quote * 2) + quote


def quote_string(value: str, dialect: str = "sqlite") -> str:
    """Write a string as SQL of a dialect, in single quotes.

    Raises:
        UnsupportedDialect: there is no dialect of that name.
    """
    if dialects.get(dialect).has_backslash_escapes:
        value = value.replace("\\", "\\\\")
    return "'" + value.replace("'", "''") + "'"
