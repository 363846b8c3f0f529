"""Standard SQL: the small common part that most engines take, for those that have no file here.

Judged by PostgreSQL, the strictest of the engines at hand. Types are left unchecked, since the
engine that the statement is for is not known.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.dialects.ansi_words import ALIAS_WORDS, RESERVED_WORDS
from sqlstrictd.dialects.facts import TYPE_WORDS, Call, Dialect, Form
from sqlstrictd.dialects.literals import DATES, NUMBERS

_CALLS: Final = (
    Call("ABS", "X", "X"),
    Call("ABS CEIL CEILING FLOOR SQRT EXP LN SIGN", "N", "N"),
    Call("POWER", "N N", "N"),
    Call("MOD", "X X", "X"),
    Call("ROUND", "X PLACES", "X"),
    Call("ROUND", "N", "N"),
    Call("LOWER UPPER TRIM LTRIM RTRIM", "T", "T"),
    Call("LENGTH CHAR_LENGTH CHARACTER_LENGTH OCTET_LENGTH", "T", "X"),
    Call("SUBSTR SUBSTRING", "T INT WIDTH?", "T"),
    Call("REPLACE", "T T T", "T"),
    Call("CONCAT", "T T*", "T"),
    Call("COALESCE", "K K*", "K"),
    Call("NULLIF", "K K", "K"),
)

_FORMS: Final = (
    Form('"CURRENT_DATE"', "D"),
    Form('"CURRENT_TIMESTAMP"', "S"),
    Form('"EXTRACT(" FIELD " FROM " {S} ")"', "X"),
    Form('"EXTRACT(" DATE_FIELD " FROM " {D} ")"', "X"),
    Form('"CAST(" DATE_STRING " AS DATE)"', "D"),
    Form('"POSITION(" ({T} | SHORT) " IN " {T} ")"', "X"),
    Form('"SUBSTRING(" {T} " FROM " WIDTH (" FOR " WIDTH)? ")"', "T"),
    Form('"TRIM(" ("BOTH " | "LEADING " | "TRAILING ") (SHORT " ")? "FROM " {T} ")"', "T"),
)

_AGGREGATES: Final = (
    Call("SUM AVG", "X", "X"),
    Call("SUM AVG STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP", "N", "N"),
    Call("MIN MAX", "X", "X"),
    Call("MIN MAX", "N", "N"),
    Call("MIN MAX", "T", "T"),
    Call("MIN MAX", "D", "D"),
    Call("MIN MAX", "S", "S"),
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
    "FIELD": '"YEAR" | "MONTH" | "DAY" | "HOUR" | "MINUTE" | "SECOND"',
    "UNIT": '"SECOND" | "MINUTE" | "HOUR" | "DAY" | "MONTH" | "YEAR"',
    "DATE_FIELD": '"YEAR" | "MONTH" | "DAY"',
}

ANSI: Final = Dialect(
    name="ansi",
    parser="",
    engine="PostgreSQL 15",
    is_typed=False,
    apart="U",
    calls=_CALLS,
    forms=_FORMS,
    aggregates=_AGGREGATES,
    aggregate_forms=(),
    windows=_WINDOWS,
    terminals=_TERMINALS,
    literals={
        "B": '"TRUE" | "FALSE"',
        "D": '"DATE " DATE_STRING',
        "S": '"TIMESTAMP " TIMESTAMP_STRING',
    },
    cast_types={
        "X": ("INTEGER", "INT", "BIGINT", "SMALLINT", "NUMERIC", "DECIMAL", "DECIMAL(10, 2)"),
        "N": ("REAL", "FLOAT", "DOUBLE PRECISION"),
        "T": ("VARCHAR", "VARCHAR(20)", "CHAR(10)"),
        "D": ("DATE",),
        "S": ("TIMESTAMP",),
        "B": ("BOOLEAN",),
    },
    cast_sources={
        "X": "XNT",
        "N": "XNT",
        "T": "XNTDSBO",
        "D": "TDS",
        "S": "TDS",
        "B": "TB",
    },
    column_types={
        "X": r"(SMALL|BIG|TINY|MEDIUM)?INT(EGER)?|NUMERIC|DECIMAL|DEC|NUMBER|(BIG|SMALL)?SERIAL",
        "N": r"REAL|DOUBLE( PRECISION)?|FLOAT",
        "T": r"(NATIONAL )?(CHARACTER|CHAR|NCHAR)( VARYING| LARGE OBJECT)?|N?VARCHAR2?|TEXT|N?CLOB",
        "D": r"DATE",
        "S": r"TIMESTAMP( WITH(OUT)? TIME ZONE)?|DATETIME",
        "B": r"BOOL(EAN)?",
        "U": r"JSON|XML",
    },
    interval='"INTERVAL \'" WIDTH "\' " UNIT',
    interval_result={"D": "S", "S": "S"},
    null_safe=("IS DISTINCT FROM", "IS NOT DISTINCT FROM"),
    reserved_words=RESERVED_WORDS | TYPE_WORDS,
    alias_words=ALIAS_WORDS,
    joins=frozenset(
        {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "NATURAL JOIN", "USING"}
    ),
    has_strict_group_by=True,
    has_nulls_order=True,
)
