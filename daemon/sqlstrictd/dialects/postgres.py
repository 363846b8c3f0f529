"""PostgreSQL: what a query may call and write, as PostgreSQL 15 prepares it.

Its integers are of several sizes and it widens a small one to a large one but never back. So where
a function takes an `integer`, only a literal stands here, or a cast.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.dialects.facts import TYPE_WORDS, Call, Dialect, Form
from sqlstrictd.dialects.literals import DATES, JSON_LITERAL, NUMBERS, OTHERS, PADDING, REGEX
from sqlstrictd.dialects.postgres_words import ALIAS_WORDS, RESERVED_WORDS

_CALLS: Final = (
    # Numbers. ROUND and TRUNC to places take exact numbers only.
    Call("ROUND TRUNC", "X PLACES", "X"),
    Call("ROUND TRUNC CEIL CEILING FLOOR SIGN SQRT CBRT EXP LN LOG", "N", "N"),
    Call("RADIANS DEGREES SIN COS TAN ASIN ACOS ATAN", "N", "N"),
    Call("ABS", "X", "X"),
    Call("ABS", "N", "N"),
    Call("MOD DIV", "X X", "X"),
    Call("POWER ATAN2", "N N", "N"),
    Call("PI RANDOM", "", "N"),
    # Text.
    Call("LOWER UPPER INITCAP REVERSE MD5", "T", "T"),
    Call("LENGTH CHAR_LENGTH CHARACTER_LENGTH OCTET_LENGTH ASCII", "T", "X"),
    Call("TRIM LTRIM RTRIM BTRIM", "T SHORT?", "T"),
    Call("SUBSTR SUBSTRING", "T INT WIDTH?", "T"),
    Call("LEFT RIGHT", "T INT", "T"),
    Call("LPAD RPAD", "T WIDTH PAD?", "T"),
    Call("REPLACE TRANSLATE", "T T T", "T"),
    Call("STRPOS", "T T", "X"),
    Call("STARTS_WITH", "T T", "B"),
    Call("SPLIT_PART", "T SHORT WIDTH", "T"),
    Call("CONCAT", "E E*", "T"),
    Call("CONCAT", "SHORT E E*", "T"),
    Call("CONCAT_WS", "SHORT E*", "T"),
    Call("REGEXP_REPLACE", "T REGEX SHORT REGEX_FLAGS?", "T"),
    Call("STRING_TO_ARRAY", "T SHORT", "O"),
    # Choice.
    Call("COALESCE GREATEST LEAST", "K K*", "K"),
    Call("NULLIF", "K K", "K"),
    # Dates and times.
    Call("NOW", "", "S"),
    Call("DATE_TRUNC", "PART S", "S"),
    Call("DATE_TRUNC", "DATE_PART D", "S"),
    Call("DATE_PART", "FIELD_STRING S", "N"),
    Call("DATE_PART", "DATE_FIELD_STRING D", "N"),
    Call("TO_CHAR", "S TIME_FORMAT", "T"),
    Call("TO_CHAR", "D DATE_FORMAT", "T"),
    Call("TO_CHAR", "N NUMBER_FORMAT", "T"),
    Call("TO_DATE", "T READ_DATE_FORMAT", "D"),
    Call("TO_TIMESTAMP", "T READ_TIME_FORMAT", "S"),
    Call("TO_TIMESTAMP", "N", "S"),
    Call("DATE", "S", "D"),
    Call("AGE", "S S?", "O"),
    Call("AGE", "D D?", "O"),
    # Arrays.
    Call("CARDINALITY", "L", "X"),
    Call("ARRAY_LENGTH", "L DIMENSION", "X"),
    Call("ARRAY_TO_STRING", "L SHORT", "T"),
    # JSON, stored as jsonb.
    Call("JSONB_ARRAY_LENGTH", "J", "X"),
    Call("JSONB_TYPEOF JSONB_PRETTY", "J", "T"),
    Call("JSONB_EXTRACT_PATH_TEXT", "J SHORT*", "T"),
    Call("JSONB_EXTRACT_PATH", "J SHORT*", "J"),
)

_FORMS: Final = (
    Form('"CURRENT_DATE"', "D"),
    Form('"CURRENT_TIMESTAMP" | "LOCALTIMESTAMP"', "S"),
    Form('"EXTRACT(" FIELD " FROM " {S} ")"', "X"),
    Form('"EXTRACT(" DATE_FIELD " FROM " {D} ")"', "X"),
    Form('"EXTRACT(" SPAN_FIELD " FROM " "(" {S} " - " {S} ")" ")"', "X"),
    Form('"EXTRACT(" SPAN_FIELD " FROM " {S} " - " {S} ")"', "X"),
    Form('"CAST(" DATE_STRING " AS DATE)"', "D"),
    Form('"EXTRACT(" SPAN_FIELD " FROM " "AGE(" {S} (", " {S})? ")" ")"', "X"),
    Form('"EXTRACT(" SPAN_FIELD " FROM " "AGE(" {D} (", " {D})? ")" ")"', "X"),
    Form('"DATE_PART(" SPAN_FIELD_STRING ", " {S} " - " {S} ")"', "N"),
    Form('"DATE_PART(" SPAN_FIELD_STRING ", " "AGE(" {S} (", " {S})? ")" ")"', "N"),
    Form('"DATE_PART(" SPAN_FIELD_STRING ", " "AGE(" {D} (", " {D})? ")" ")"', "N"),
    Form('"(" {D} " - " {D} ")"', "X"),
    Form('"(" {D} (" + " | " - ") WIDTH ")"', "D"),
    Form('"(" {S} " - " {S} ")"', "O"),
    Form('"(" {S} " AT TIME ZONE " ZONE ")"', "S"),
    Form('"POSITION(" ({T} | SHORT) " IN " {T} ")"', "X"),
    Form('"TRIM(" ("BOTH " | "LEADING " | "TRAILING ") (SHORT " ")? "FROM " {T} ")"', "T"),
    Form('"SUBSTRING(" {T} " FROM " WIDTH (" FOR " WIDTH)? ")"', "T"),
    Form('"SUBSTRING(" {T} " FROM " REGEX ")"', "T"),
    Form(
        '("SUBSTR(" | "SUBSTRING(") {T} ", " ("STRPOS(" {T} ", " {T} ")" | "LENGTH(" {T} ")")'
        ' ((" + " | " - ") WIDTH)? (", " WIDTH)? ")"',
        "T",
    ),
    Form('"LEFT(" {T} ", " ("STRPOS(" {T} ", " {T} ")" | "LENGTH(" {T} ")") " - " WIDTH ")"', "T"),
)

_AGGREGATES: Final = (
    Call("SUM", "X", "X"),
    Call("SUM", "N", "N"),
    Call("AVG", "X", "X"),
    Call("AVG", "N", "N"),
    Call("MIN MAX", "X", "X"),
    Call("MIN MAX", "N", "N"),
    Call("MIN MAX", "T", "T"),
    Call("MIN MAX", "D", "D"),
    Call("MIN MAX", "S", "S"),
    Call("STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP", "N", "N"),
    Call("CORR COVAR_POP COVAR_SAMP REGR_SLOPE REGR_INTERCEPT", "N N", "N"),
    Call("BOOL_AND BOOL_OR EVERY", "B", "B"),
    Call("STRING_AGG", "T SHORT", "T"),
    Call("ARRAY_AGG", "K", "O"),
    Call("JSONB_AGG", "E", "J"),
)

_AGGREGATE_FORMS: Final = (
    Form('"PERCENTILE_CONT(" SHARE ") WITHIN GROUP (ORDER BY " {N} (" DESC")? ")"', "N"),
    Form('"PERCENTILE_DISC(" SHARE ") WITHIN GROUP (ORDER BY " {N} (" DESC")? ")"', "N"),
    Form('"MODE() WITHIN GROUP (ORDER BY " {T} ")"', "T"),
    Form('"STRING_AGG(" {T} ", " SHORT " ORDER BY " ({T} | {N} | {D} | {S}) (" DESC")? ")"', "T"),
    Form('"STRING_AGG(DISTINCT " {T} ", " SHORT ")"', "T"),
    Form('"ARRAY_AGG(" ({T} | {N}) " ORDER BY " ({T} | {N} | {D} | {S}) (" DESC")? ")"', "O"),
    Form('"MODE() WITHIN GROUP (ORDER BY " {N} ")"', "N"),
)

_WINDOWS: Final = (
    Call("ROW_NUMBER RANK DENSE_RANK", "", "X"),
    Call("PERCENT_RANK CUME_DIST", "", "N"),
    Call("NTILE", "WIDTH", "X"),
    Call("LAG LEAD", "K WIDTH? K?", "K"),
    Call("FIRST_VALUE LAST_VALUE", "K", "K"),
    Call("NTH_VALUE", "K WIDTH", "K"),
)

_DATE_PARTS: Final = "millennium century decade year quarter month week day".split()
_TIME_PARTS: Final = "hour minute second milliseconds microseconds".split()
_DATE_FIELDS: Final = "YEAR QUARTER MONTH WEEK DAY DOW DOY ISODOW ISOYEAR DECADE CENTURY".split()
_TIME_FIELDS: Final = "HOUR MINUTE SECOND EPOCH".split()
_SPAN_FIELDS: Final = "YEAR MONTH DAY HOUR MINUTE SECOND EPOCH".split()


def _words(words: list[str]) -> str:
    return " | ".join(f'"{word}"' for word in words)


def _strings(words: list[str]) -> str:
    return _words([f"'{word.lower()}'" for word in words])


_DATE_PATTERN: Final = "YYYY|YY|MM|DD|DDD|MON|Mon|Month|FMMonth|DY|Dy|Day|FMDay|D|Q|WW|IW|IYYY"
_TIME_PATTERN: Final = f"{_DATE_PATTERN}|HH24|HH12|HH|MI|SS|MS|AM|PM"
# What is read must name every field once, so these are whole formats.
_READ_DATE: Final = (
    r"(YYYY[-\/.]?MM[-\/.]?DD|(DD[-\/.]MM|MM[-\/.]DD)[-\/.]YYYY|DD (Mon|Month) YYYY"
    r"|(Mon|Month) DD, YYYY|YYYY[-\/.]?MM|YYYY)"
)
_BETWEEN: Final = r"[-\/:., ]{1,2}"

_TERMINALS: Final = {
    **DATES,
    **NUMBERS,
    **PADDING,
    **OTHERS,
    "REGEX": REGEX,
    "REGEX_FLAGS": "\"'g'\" | \"'i'\" | \"'gi'\"",
    "PART": _strings(_DATE_PARTS + _TIME_PARTS),
    "DATE_PART": _strings(_DATE_PARTS),
    "FIELD": _words(_DATE_FIELDS + _TIME_FIELDS),
    "DATE_FIELD": _words(_DATE_FIELDS),
    "SPAN_FIELD": _words(_SPAN_FIELDS),
    "FIELD_STRING": _strings(_DATE_FIELDS + _TIME_FIELDS),
    "DATE_FIELD_STRING": _strings(_DATE_FIELDS),
    "SPAN_FIELD_STRING": _strings(_SPAN_FIELDS),
    "DATE_FORMAT": f"/'({_DATE_PATTERN})({_BETWEEN}({_DATE_PATTERN})){{0,3}}'/",
    "TIME_FORMAT": f"/'({_TIME_PATTERN})({_BETWEEN}({_TIME_PATTERN})){{0,6}}'/",
    "READ_DATE_FORMAT": f"/'{_READ_DATE}'/",
    "READ_TIME_FORMAT": f"/'{_READ_DATE}( HH24:MI(:SS)?)?'/",
    "NUMBER_FORMAT": r"/'(FM)?[90]{1,9}(,[90]{3}){0,2}(\.[90]{1,4})?%?'/",
    "ZONE": "\"'UTC'\" | \"'Europe/London'\" | \"'Europe/Berlin'\" | \"'America/New_York'\""
    " | \"'America/Los_Angeles'\" | \"'Asia/Tokyo'\"",
    "UNIT": '"second" | "seconds" | "minute" | "minutes" | "hour" | "hours" | "day" | "days"'
    ' | "week" | "weeks" | "month" | "months" | "year" | "years"',
    "HOLDS": '" @> "',
    "JSON_LITERAL": JSON_LITERAL,
    "DIMENSION": '"1"',
    "JSON_STEP": "/'[A-Za-z_][A-Za-z0-9_]{0,27}'|[0-9]|[1-9][0-9]/",
    "JSON_PATH": r"/'\{[A-Za-z0-9_]{1,28}(,[A-Za-z0-9_]{1,28}){0,3}\}'/",
}

POSTGRES: Final = Dialect(
    name="postgres",
    parser="postgres",
    engine="PostgreSQL 15",
    is_typed=True,
    calls=_CALLS,
    forms=_FORMS,
    aggregates=_AGGREGATES,
    aggregate_forms=_AGGREGATE_FORMS,
    windows=_WINDOWS,
    terminals=_TERMINALS,
    literals={
        "B": '"TRUE" | "FALSE"',
        "D": '"DATE " DATE_STRING',
        "S": '"TIMESTAMP " TIMESTAMP_STRING',
        "O": '"INTERVAL \'" WIDTH " " UNIT "\'"',
    },
    cast_types={
        "X": ("INTEGER", "INT", "BIGINT", "SMALLINT", "NUMERIC", "DECIMAL", "NUMERIC(10, 2)"),
        "N": ("REAL", "DOUBLE PRECISION", "FLOAT"),
        "T": ("TEXT", "VARCHAR", "CHAR(10)"),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "TIMESTAMPTZ"),
        "B": ("BOOLEAN",),
        "J": ("JSONB",),
        "O": ("TIME", "INTERVAL"),
    },
    cast_sources={
        "X": "XNT",
        "N": "XNT",
        "T": "XNTDSBJO",
        "D": "TDS",
        "S": "TDS",
        "B": "TB",
        "J": "TJ",
        "O": "T",
    },
    column_types={
        "X": r"(SMALL|BIG)?INT(EGER)?|INT[248]|(SMALL|BIG)?SERIAL|SERIAL[248]|NUMERIC|DECIMAL|DEC",
        "N": r"REAL|DOUBLE PRECISION|FLOAT[48]?",
        "T": r"TEXT|(CHARACTER|CHAR|NATIONAL CHAR(ACTER)?|NCHAR)( VARYING)?|VARCHAR|BPCHAR|CITEXT"
        r"|NAME",
        "D": r"DATE",
        "S": r"TIMESTAMP(TZ)?( WITH(OUT)? TIME ZONE)?",
        "B": r"BOOL(EAN)?",
        "J": r"JSONB",
        "U": r"(JSON|XML|JSONPATH|POINT|LINE|LSEG|BOX|PATH|POLYGON|CIRCLE|XID|CID)(\[\])*",
    },
    reserved_words=RESERVED_WORDS | TYPE_WORDS,
    alias_words=ALIAS_WORDS,
    folds_unquoted="lower",
    matching_operators={"T": ("ILIKE", "NOT ILIKE")},
    regex_operators={"T": ("~", "~*", "!~", "!~*", "SIMILAR TO", "NOT SIMILAR TO")},
    operators={"X": ("%",)},
    interval='"INTERVAL \'" WIDTH " " UNIT "\'"',
    interval_result={"D": "S", "S": "S"},
    json_access={
        "T": "/ ?->> ?/ JSON_STEP | / ?#>> ?/ JSON_PATH",
        "J": "/ ?-> ?/ JSON_STEP | / ?#> ?/ JSON_PATH",
    },
    json_test="HOLDS JSON_LITERAL",
    array_start="ARRAY[",
    array_operators=("@>", "&&"),
    suffixes={"S": '" AT TIME ZONE " ZONE'},
    other_literals={"UUID": "UUID_STRING", "TIME": "CLOCK_STRING"},
    null_safe=("IS DISTINCT FROM", "IS NOT DISTINCT FROM"),
    has_quantifiers=True,
    has_symmetric_between=True,
    joins=frozenset(
        {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "NATURAL JOIN", "USING"}
    ),
    set_operators=(
        "UNION",
        "UNION ALL",
        "INTERSECT",
        "INTERSECT ALL",
        "EXCEPT",
        "EXCEPT ALL",
    ),
    has_strict_group_by=True,
    groups_by_primary_key=True,
    has_filter=True,
    has_nulls_order=True,
    has_colon_cast=True,
    has_ordered_aggregates=True,
    has_distinct_with_separator=True,
)
