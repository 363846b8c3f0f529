"""How names are compared, and how they are written in SQL.

Every part of the daemon that matches or writes a name uses these functions, so that schema, prompt,
grammar and checks agree. It knows nothing of any particular schema.
"""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TO_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

# Words that SQLite does not take as a bare name somewhere in a query (tried on SQLite 3.40), those
# that are values to it (CURRENT_DATE, TRUE), and those that other parsers of SQL read as syntax.
RESERVED_WORDS: Final = frozenset(
    """
    ADD ALL ALTER AND ANY AS ASC AUTOINCREMENT BETWEEN BY CASE CAST CHECK COLLATE COMMIT
    CONNECT_BY_ROOT CONSTRAINT CREATE CROSS CUBE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
    CURRENT_USER DEFAULT DEFERRABLE DELETE DESC DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT
    EXISTS FALSE FETCH FILTER FOR FOREIGN FROM FULL GLOB GRANT GROUP HAVING IF ILIKE IN INDEX
    INDEXED INNER INSERT INTERSECT INTERVAL INTO IS ISNULL JOIN LATERAL LEFT LIKE LIMIT LOCK MATCH
    NATURAL NOT NOTHING NOTNULL NULL OFFSET ON OR ORDER OUTER OVER PARTITIONED_BY PRIMARY QUALIFY
    RAISE REFERENCES REGEXP RETURNING REVOKE RIGHT RLIKE ROLLBACK ROLLUP SELECT SET TABLE
    TABLESAMPLE THEN TO TRANSACTION TRUE UNCACHE UNION UNIQUE UPDATE USING VALUES WHEN WHERE WINDOW
    WITH XOR
    """.split()
)


def fold(name: str) -> str:
    """Return the form under which two names are the same: ASCII letters in lower case.

    SQLite folds nothing else: "É" and "é" are two names to it.
    """
    return name.translate(_TO_LOWER)


def quote_name(name: str, always: bool = False) -> str:
    """Write a name as SQL: bare where that is safe, else (or if always) in double quotes."""
    if not always and _PLAIN.fullmatch(name) and name.upper() not in RESERVED_WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def quote_string(value: str) -> str:
    """Write a string as SQL, in single quotes."""
    return "'" + value.replace("'", "''") + "'"
