"""DuckDB: what a query may call and write, as DuckDB binds it.

It reads a whole number as BIGINT where a function takes one, but never narrows a sum (HUGEINT) or a
decimal to that; so where a function takes a whole number, only a literal stands here.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.dialects.duckdb_words import ALIAS_WORDS, RESERVED_WORDS
from sqlstrictd.dialects.facts import TYPE_WORDS, Call, Dialect, Form
from sqlstrictd.dialects.literals import DATES, NUMBERS, OTHERS, PADDING, REGEX

_CALLS: Final = (
    # Numbers.
    Call("ABS", "X", "X"),
    Call("ABS ROUND CEIL CEILING FLOOR SIGN SQRT CBRT EXP LN LOG LOG2 LOG10 TRUNC", "N", "N"),
    Call("RADIANS DEGREES SIN COS TAN ATAN", "N", "N"),
    Call("ROUND", "N PLACES", "N"),
    Call("POWER POW ATAN2", "N N", "N"),
    Call("MOD", "N N", "N"),
    Call("PI RANDOM", "", "N"),
    # Text.
    Call("LOWER UPPER LCASE UCASE REVERSE MD5", "T", "T"),
    Call("LENGTH STRLEN ASCII UNICODE", "T", "X"),
    Call("TRIM LTRIM RTRIM", "T SHORT?", "T"),
    Call("SUBSTR SUBSTRING", "T INT WIDTH?", "T"),
    Call("LEFT RIGHT", "T INT", "T"),
    Call("LPAD RPAD", "T WIDTH PAD", "T"),
    Call("REPLACE TRANSLATE", "T T T", "T"),
    Call("STRPOS INSTR LEVENSHTEIN", "T T", "X"),
    Call("CONTAINS STARTS_WITH ENDS_WITH PREFIX SUFFIX", "T T", "B"),
    Call("JARO_WINKLER_SIMILARITY", "T T", "N"),
    Call("SPLIT_PART", "T SHORT WIDTH", "T"),
    Call("STRING_SPLIT", "T SHORT", "O"),
    Call("REGEXP_MATCHES REGEXP_FULL_MATCH", "T REGEX", "B"),
    Call("REGEXP_REPLACE", "T REGEX SHORT REGEX_FLAGS?", "T"),
    Call("REGEXP_EXTRACT", "T REGEX WHOLE_MATCH?", "T"),
    # Choice.
    Call("COALESCE GREATEST LEAST", "K K*", "K"),
    Call("IFNULL NULLIF", "K K", "K"),
    Call("IF", "B K K", "K"),
    # Dates and times.
    Call("NOW", "", "S"),
    Call("TODAY", "", "D"),
    Call("DATE_TRUNC", "PART S", "S"),
    Call("DATE_TRUNC", "DATE_PART D", "S"),
    Call("DATE_PART", "FIELD_STRING S", "X"),
    Call("DATE_PART", "DATE_FIELD_STRING D", "X"),
    Call("YEAR QUARTER MONTH WEEK DAY DAYOFWEEK DAYOFMONTH DAYOFYEAR ISODOW WEEKOFYEAR", "S", "X"),
    Call("YEAR QUARTER MONTH WEEK DAY DAYOFWEEK DAYOFMONTH DAYOFYEAR ISODOW WEEKOFYEAR", "D", "X"),
    Call("HOUR MINUTE SECOND", "S", "X"),
    Call("EPOCH", "S", "N"),
    Call("EPOCH", "D", "N"),
    Call("DAYNAME MONTHNAME", "S", "T"),
    Call("DAYNAME MONTHNAME", "D", "T"),
    Call("LAST_DAY", "S", "D"),
    Call("LAST_DAY", "D", "D"),
    Call("DATE_DIFF DATEDIFF DATE_SUB", "PART S S", "X"),
    Call("DATE_DIFF DATEDIFF DATE_SUB", "DATE_PART D D", "X"),
    Call("DATE_DIFF DATEDIFF", "DATE_PART S D", "X"),
    Call("DATE_DIFF DATEDIFF", "DATE_PART D S", "X"),
    Call("AGE", "S S?", "O"),
    Call("AGE", "D D?", "O"),
    Call("STRFTIME", "S TIME_FORMAT", "T"),
    Call("STRFTIME", "D TIME_FORMAT", "T"),
    Call("STRPTIME", "T READ_FORMAT", "S"),
    # JSON and lists.
    Call("LEN ARRAY_LENGTH", "L", "X"),
    Call("LIST_CONTAINS ARRAY_CONTAINS LIST_HAS", "L K", "B"),
    Call("ARRAY_TO_STRING", "L SHORT", "T"),
    Call("JSON_EXTRACT", "J JSON_PATH", "J"),
    Call("JSON_EXTRACT_STRING", "J JSON_PATH", "T"),
    Call("JSON_ARRAY_LENGTH", "J JSON_PATH?", "X"),
    Call("JSON_TYPE", "J JSON_PATH?", "T"),
    Call("JSON_VALID", "T", "B"),
)

# What CONCAT takes together: it takes lists too, but not beside anything else.
_SHOWN: Final = "({T} | {N} | {D} | {S})"

_FORMS: Final = (
    Form(f'"CONCAT(" {_SHOWN} ", " SHORT ", " {_SHOWN} (", " SHORT (", " {_SHOWN})?)? ")"', "T"),
    Form(f'"CONCAT(" {_SHOWN} ", " {_SHOWN} (", " {_SHOWN} (", " {_SHOWN})?)? ")"', "T"),
    Form(f'"CONCAT_WS(" SHORT ", " {_SHOWN} ", " {_SHOWN} (", " {_SHOWN})? ")"', "T"),
    Form('"CURRENT_DATE"', "D"),
    Form('"CURRENT_TIMESTAMP"', "S"),
    Form('"EXTRACT(" FIELD " FROM " {S} ")"', "X"),
    Form('"EXTRACT(" "EPOCH" " FROM " {S} ")"', "N"),
    Form('"EXTRACT(" DATE_FIELD " FROM " {D} ")"', "X"),
    Form('"(" {D} " - " {D} ")"', "X"),
    Form('"(" {D} (" + " | " - ") WIDTH ")"', "D"),
    Form('"(" {S} " - " {S} ")"', "O"),
    Form('"EXTRACT(" SPAN_FIELD " FROM " "(" {S} " - " {S} ")" ")"', "N"),
    Form('"CAST(" DATE_STRING " AS DATE)"', "D"),
    Form('"DATE_ADD(" ({S} | {D}) ", INTERVAL " WIDTH " " UNIT ")"', "S"),
    Form('"(" {S} " AT TIME ZONE " ZONE ")"', "S"),
    Form('"POSITION(" ({T} | SHORT) " IN " {T} ")"', "X"),
    Form('"TRIM(" ("BOTH " | "LEADING " | "TRAILING ") (SHORT " ")? "FROM " {T} ")"', "T"),
    Form('"SUBSTRING(" {T} " FROM " WIDTH (" FOR " WIDTH)? ")"', "T"),
    Form(
        '("SUBSTR(" | "SUBSTRING(") {T} ", " ("STRPOS(" {T} ", " {T} ")" | "LENGTH(" {T} ")")'
        ' ((" + " | " - ") WIDTH)? (", " WIDTH)? ")"',
        "T",
    ),
    Form('"LEFT(" {T} ", " ("STRPOS(" {T} ", " {T} ")" | "LENGTH(" {T} ")") " - " WIDTH ")"', "T"),
)

_AGGREGATES: Final = (
    Call("SUM", "X", "X"),
    Call("SUM AVG MEDIAN", "N", "N"),
    Call("STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP", "N", "N"),
    Call("SKEWNESS KURTOSIS", "N", "N"),
    Call("QUANTILE_CONT QUANTILE_DISC", "N SHARE", "N"),
    Call("CORR COVAR_POP COVAR_SAMP REGR_SLOPE REGR_INTERCEPT", "N N", "N"),
    Call("MIN MAX MODE FIRST LAST ANY_VALUE", "K", "K"),
    Call("BOOL_AND BOOL_OR", "B", "B"),
    Call("COUNT_IF APPROX_COUNT_DISTINCT", "B", "X"),
    Call("APPROX_COUNT_DISTINCT", "K", "X"),
    Call("STRING_AGG GROUP_CONCAT LISTAGG", "T SHORT", "T"),
    Call("ARRAY_AGG LIST", "K", "O"),
    Call("ARG_MAX ARG_MIN MAX_BY MIN_BY", "T N", "T"),
    Call("ARG_MAX ARG_MIN MAX_BY MIN_BY", "N N", "N"),
)

_AGGREGATE_FORMS: Final = (
    Form('"PERCENTILE_CONT(" SHARE ") WITHIN GROUP (ORDER BY " {N} (" DESC")? ")"', "N"),
    Form('"PERCENTILE_DISC(" SHARE ") WITHIN GROUP (ORDER BY " {N} (" DESC")? ")"', "N"),
    Form('"STRING_AGG(" {T} ", " SHORT " ORDER BY " ({T} | {N} | {D} | {S}) (" DESC")? ")"', "T"),
    Form('"STRING_AGG(DISTINCT " {T} ", " SHORT ")"', "T"),
    Form(
        '("LIST(" | "ARRAY_AGG(") ({T} | {N}) " ORDER BY " ({T} | {N} | {D} | {S}) (" DESC")? ")"',
        "O",
    ),
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
_TIME_FIELDS: Final = "HOUR MINUTE SECOND".split()
_SPAN_FIELDS: Final = "YEAR MONTH DAY HOUR MINUTE SECOND EPOCH".split()


def _words(words: list[str]) -> str:
    return " | ".join(f'"{word}"' for word in words)


def _strings(words: list[str]) -> str:
    return _words([f"'{word.lower()}'" for word in words])


_PATTERN: Final = "(%[aAbBdHIjmMpSuUwWyYVG]|%-[dHIjmMSy])"
# What is read must name every field once, so these are whole formats.
_READ_DATE: Final = (
    r"(%Y[-\/.]?%m[-\/.]?%d|(%d[-\/.]%m|%m[-\/.]%d)[-\/.]%Y|%d %[bB] %Y|%[bB] %d, %Y"
    r"|%Y[-\/.]?%m|%Y)"
)

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
    "TIME_FORMAT": rf"/'{_PATTERN}([-:\/., ]{{1,2}}{_PATTERN}){{0,6}}'/",
    "READ_FORMAT": f"/'{_READ_DATE}( %H:%M(:%S)?)?'/",
    "ZONE": "\"'UTC'\" | \"'Europe/London'\" | \"'Europe/Berlin'\" | \"'America/New_York'\""
    " | \"'America/Los_Angeles'\" | \"'Asia/Tokyo'\"",
    "UNIT": '"SECOND" | "SECONDS" | "MINUTE" | "MINUTES" | "HOUR" | "HOURS" | "DAY" | "DAYS"'
    ' | "WEEK" | "WEEKS" | "MONTH" | "MONTHS" | "YEAR" | "YEARS"',
    "SPAN": "/'[1-9][0-9]? (second|minute|hour|day|week|month|year)s?'/",
    "WHOLE_MATCH": '"0"',
    "JSON_PATH": r"/'\$(\.[A-Za-z_][A-Za-z0-9_]{0,27}|\[[0-9]{1,3}\]){1,5}'/",
    "JSON_STEP": r"/'\$(\.[A-Za-z_][A-Za-z0-9_]{0,27}|\[[0-9]{1,3}\]){1,5}'"
    "|'[A-Za-z_][A-Za-z0-9_]{0,27}'|[0-9]|[1-9][0-9]/",
}

DUCKDB: Final = Dialect(
    name="duckdb",
    parser="duckdb",
    engine="DuckDB 2.0",
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
        "O": '"INTERVAL " (WIDTH " " UNIT | SPAN)',
    },
    cast_types={
        "X": ("INTEGER", "INT", "BIGINT", "SMALLINT", "DECIMAL(10, 2)", "DECIMAL", "NUMERIC"),
        "N": ("DOUBLE", "FLOAT", "REAL"),
        "T": ("VARCHAR", "TEXT"),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "TIMESTAMPTZ"),
        "B": ("BOOLEAN",),
        "J": ("JSON",),
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
        "X": r"(TINY|SMALL|BIG|HUGE|UTINY|USMALL|UBIG|UHUGE|U)?INT(EGER)?|INT[1248]|SHORT|LONG"
        r"|SIGNED|NUMERIC|DECIMAL|DEC",
        "N": r"REAL|DOUBLE( PRECISION)?|FLOAT[48]?",
        "T": r"TEXT|VARCHAR|CHARACTER( VARYING)?|CHAR|BPCHAR|STRING",
        "D": r"DATE",
        "S": r"TIMESTAMP(TZ)?(_S|_MS|_NS)?( WITH(OUT)? TIME ZONE)?|DATETIME",
        "B": r"BOOL(EAN)?|LOGICAL",
        "J": r"JSON",
    },
    reserved_words=RESERVED_WORDS | TYPE_WORDS,
    alias_words=ALIAS_WORDS,
    matching_operators={"T": ("ILIKE", "NOT ILIKE", "GLOB")},
    regex_operators={"T": ("SIMILAR TO", "NOT SIMILAR TO", "~", "!~")},
    operators={"N": ("%", "//")},
    division_result="N",
    interval='"INTERVAL " (WIDTH " " UNIT | SPAN)',
    interval_result={"D": "S", "S": "S"},
    json_access={"T": "/ ?->> ?/ JSON_STEP", "J": "/ ?-> ?/ JSON_STEP"},
    array_start="[",
    array_operators=("@>", "&&"),
    suffixes={"S": '" AT TIME ZONE " ZONE'},
    other_literals={"UUID": "UUID_STRING", "TIME": "CLOCK_STRING"},
    null_safe=("IS DISTINCT FROM", "IS NOT DISTINCT FROM"),
    has_quantifiers=True,
    has_try_cast=True,
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
    has_filter=True,
    has_nulls_order=True,
    has_colon_cast=True,
    has_ordered_aggregates=True,
    has_distinct_with_separator=True,
)
