"""SQLite: what a query may call and write, as SQLite 3.40 prepares it without options.

Its mathematical functions are there only where it was compiled with them, so they are not here;
nor is what came after 3.40 (CONCAT, STRING_AGG, ORDER BY within an aggregate).
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.dialects.facts import TYPE_WORDS, Call, Dialect, Form
from sqlstrictd.dialects.literals import DATES, NUMBERS
from sqlstrictd.dialects.sqlite_words import ALIAS_WORDS, RESERVED_WORDS

_CALLS: Final = (
    Call("ABS SIGN", "N", "N"),
    Call("ROUND", "N PLACES?", "N"),
    Call("RANDOM", "", "X"),
    Call("LOWER UPPER", "T", "T"),
    Call("LENGTH UNICODE", "T", "X"),
    Call("TRIM LTRIM RTRIM", "T SHORT?", "T"),
    Call("SUBSTR SUBSTRING", "T X X?", "T"),
    Call("REPLACE", "T T T", "T"),
    Call("INSTR", "T T", "X"),
    Call("HEX TYPEOF QUOTE", "E", "T"),
    Call("PRINTF", "PRINTF_NUMBER N", "T"),
    Call("PRINTF", "PRINTF_TEXT E", "T"),
    Call("COALESCE MIN MAX", "K K K?", "K"),
    Call("IFNULL NULLIF", "K K", "K"),
    Call("IIF", "B K K", "K"),
    Call("IIF", "B K NOTHING", "K"),
    Call("DATE", "S", "D"),
    Call("DATE", "S MODIFIER*", "D"),
    Call("DATE", "NOW", "D"),
    Call("DATE", "NOW MODIFIER*", "D"),
    Call("TIME DATETIME", "S", "S"),
    Call("TIME DATETIME", "S MODIFIER*", "S"),
    Call("TIME DATETIME", "NOW", "S"),
    Call("TIME DATETIME", "NOW MODIFIER*", "S"),
    Call("JULIANDAY", "S", "N"),
    Call("JULIANDAY", "S MODIFIER*", "N"),
    Call("JULIANDAY", "NOW", "N"),
    Call("JULIANDAY", "NOW MODIFIER*", "N"),
    Call("STRFTIME", "TIME_FORMAT S", "T"),
    Call("STRFTIME", "TIME_FORMAT S MODIFIER*", "T"),
    Call("STRFTIME", "TIME_FORMAT NOW", "T"),
    Call("STRFTIME", "TIME_FORMAT NOW MODIFIER*", "T"),
    Call("JSON_EXTRACT", "J JSON_PATH", "T"),
    Call("JSON_ARRAY_LENGTH", "J JSON_PATH?", "X"),
    Call("JSON_TYPE", "J JSON_PATH?", "T"),
    Call("JSON_VALID", "T", "B"),
)

_FORMS: Final = (
    Form('"CURRENT_DATE"', "D"),
    Form('"CURRENT_TIMESTAMP" | "CURRENT_TIME"', "S"),
)

_AGGREGATES: Final = (
    Call("SUM TOTAL AVG", "N", "N"),
    Call("MIN MAX", "K", "K"),
    Call("GROUP_CONCAT", "T SHORT?", "T"),
)

_WINDOWS: Final = (
    Call("ROW_NUMBER RANK DENSE_RANK", "", "X"),
    Call("PERCENT_RANK CUME_DIST", "", "N"),
    Call("NTILE", "WIDTH", "X"),
    Call("LAG LEAD", "K WIDTH? K?", "K"),
    Call("FIRST_VALUE LAST_VALUE", "K", "K"),
    Call("NTH_VALUE", "K WIDTH", "K"),
)

_TERMINALS: Final = {
    **DATES,
    **NUMBERS,
    "NOTHING": '"NULL"',
    "NOW": "\"'now'\"",
    "TIME_FORMAT": r"/'%[dfHjJmMsSwWY]([-:\/., T]{0,2}%[dfHjJmMsSwWY]){0,6}'/",
    "MODIFIER": r"/'(start of (month|year|day)"
    r"|[-+]?[1-9][0-9]{0,3} (second|minute|hour|day|month|year)s?"
    r"|weekday [0-6]|localtime|utc|unixepoch)'/",
    "PRINTF_NUMBER": r"/'[A-Za-z$ ]{0,8}%(0?[1-9])?(\.[0-9])?[df]( ?%%)?'/",
    "PRINTF_TEXT": "/'[A-Za-z: ]{0,16}%(-?[1-9][0-9]?)?s[A-Za-z. ]{0,16}'/",
    "JSON_PATH": r"/'\$(\.[A-Za-z_][A-Za-z0-9_]{0,27}|\[[0-9]{1,3}\]){1,5}'/",
    "JSON_STEP": r"/'\$(\.[A-Za-z_][A-Za-z0-9_]{0,27}|\[[0-9]{1,3}\]){1,5}'"
    "|'[A-Za-z_][A-Za-z0-9_]{0,27}'|[0-9]|[1-9][0-9]/",
}

SQLITE: Final = Dialect(
    name="sqlite",
    parser="sqlite",
    engine="SQLite 3.40",
    is_typed=False,
    calls=_CALLS,
    forms=_FORMS,
    aggregates=_AGGREGATES,
    aggregate_forms=(),
    windows=_WINDOWS,
    terminals=_TERMINALS,
    literals={"B": '"TRUE" | "FALSE"'},
    cast_types={
        "X": ("INTEGER", "INT", "NUMERIC", "DECIMAL"),
        "N": ("REAL", "FLOAT"),
        "T": ("TEXT", "VARCHAR"),
        "D": ("DATE",),
    },
    # SQLite takes any words as a type and looks for parts of them; the first match counts here.
    column_types={
        "X": r".*INT.*|NUMERIC.*|NUMBER.*|DEC(IMAL)?.*|SERIAL|MONEY",
        "T": r".*(CHAR|CLOB|TEXT|STRING).*",
        "N": r".*(REAL|FLOA|DOUB).*",
        "B": r"BOOL(EAN)?|LOGICAL",
        "D": r"DATE",
        "S": r"DATETIME|TIMESTAMP.*",
        "J": r"JSONB?",
    },
    reserved_words=RESERVED_WORDS | TYPE_WORDS,
    alias_words=ALIAS_WORDS,
    matching_operators={"T": ("GLOB", "NOT GLOB")},
    operators={"N": ("%",)},
    json_access={"T": "/ ?->> ?/ JSON_STEP", "J": "/ ?-> ?/ JSON_STEP"},
    null_safe=("IS DISTINCT FROM", "IS NOT DISTINCT FROM"),
    collations=("NOCASE", "BINARY", "RTRIM"),
    has_boolean_numbers=True,
    has_bare_join=True,
    joins=frozenset(
        {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "NATURAL JOIN", "USING"}
    ),
    has_filter=True,
    has_nulls_order=True,
    has_parenthesised_members=False,
)
