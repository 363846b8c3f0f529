"""MySQL: what a query may call and write in MySQL 8 and MariaDB 10.11 alike.

So what only one of them has is not here: JSON operators, ANY_VALUE and VALUES ROW are MySQL's,
MEDIAN is MariaDB's. Groups are strict, as MySQL's are unless its settings say otherwise; a key in
GROUP BY lets no other column stand, since MariaDB with that setting does not know keys.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.dialects.facts import TYPE_WORDS, Call, Dialect, Form
from sqlstrictd.dialects.literals import DATES, NUMBERS, PADDING, REGEX
from sqlstrictd.dialects.mysql_words import ALIAS_WORDS, CLOSE_CALLS, RESERVED_WORDS

_CALLS: Final = (
    # Numbers.
    # EXP and high powers of constants are out of range as soon as they are prepared.
    Call("ABS CEIL CEILING FLOOR SIGN SQRT LN LOG LOG10 LOG2", "N", "N"),
    Call("SIN COS TAN ASIN ACOS ATAN RADIANS DEGREES", "N", "N"),
    Call("ROUND", "N PLACES?", "N"),
    Call("TRUNCATE", "N PLACES", "N"),
    Call("POWER POW", "N PLACES", "N"),
    Call("MOD ATAN2", "N N", "N"),
    Call("PI RAND", "", "N"),
    Call("FORMAT", "N PLACES", "T"),
    # Text.
    Call("LOWER UPPER LCASE UCASE REVERSE MD5 SHA1 HEX SOUNDEX", "T", "T"),
    Call("LENGTH CHAR_LENGTH CHARACTER_LENGTH OCTET_LENGTH ASCII", "T", "X"),
    Call("TRIM LTRIM RTRIM", "T", "T"),
    Call("SUBSTRING SUBSTR", "T X X?", "T"),
    Call("MID", "T X X", "T"),
    Call("LEFT RIGHT", "T X", "T"),
    Call("LPAD RPAD", "T WIDTH PAD", "T"),
    Call("REPLACE", "T T T", "T"),
    Call("INSTR LOCATE", "T T", "X"),
    Call("STRCMP", "T T", "X"),
    Call("SUBSTRING_INDEX", "T SHORT INT", "T"),
    Call("FIND_IN_SET", "T T", "B"),
    Call("FIND_IN_SET", "SHORT T", "B"),
    Call("LOCATE", "SHORT T", "X"),
    Call("CONCAT", "E E*", "T"),
    Call("CONCAT", "SHORT E E*", "T"),
    Call("CONCAT_WS", "SHORT E*", "T"),
    Call("FIELD", "K K*", "X"),
    Call("REGEXP_REPLACE", "T REGEX SHORT", "T"),
    Call("REGEXP_SUBSTR", "T REGEX", "T"),
    Call("REGEXP_INSTR", "T REGEX", "X"),
    # Choice.
    Call("COALESCE GREATEST LEAST", "K K*", "K"),
    Call("IFNULL NULLIF", "K K", "K"),
    Call("IF", "B K K", "K"),
    Call("IF", "B K NOTHING", "K"),
    # Dates and times.
    Call("NOW CURRENT_TIMESTAMP", "", "S"),
    Call("CURDATE CURRENT_DATE", "", "D"),
    Call("CURTIME", "", "O"),
    Call("DATE LAST_DAY", "S", "D"),
    Call("YEAR MONTH DAY DAYOFMONTH DAYOFWEEK DAYOFYEAR WEEKDAY WEEK WEEKOFYEAR", "S", "X"),
    Call("WEEK YEARWEEK", "S WEEK_MODE", "X"),
    Call("YEARWEEK QUARTER HOUR MINUTE SECOND TO_DAYS UNIX_TIMESTAMP TO_SECONDS", "S", "X"),
    Call("DAYNAME MONTHNAME", "S", "T"),
    Call("TIME", "S", "O"),
    Call("TIME_TO_SEC", "O", "X"),
    Call("SEC_TO_TIME", "X", "O"),
    Call("DATEDIFF", "S S", "X"),
    Call("TIMEDIFF", "S S", "O"),
    Call("TIMESTAMPDIFF", "UNIT S S", "X"),
    Call("TIMESTAMPADD", "UNIT INT S", "S"),
    Call("DATE_FORMAT", "S TIME_FORMAT", "T"),
    Call("STR_TO_DATE", "T TIME_FORMAT", "S"),
    Call("FROM_UNIXTIME", "N TIME_FORMAT?", "S"),
    Call("MAKEDATE", "X X", "D"),
    # JSON.
    Call("JSON_EXTRACT", "J JSON_PATH", "J"),
    Call("JSON_VALUE", "J JSON_PATH", "T"),
    Call("JSON_UNQUOTE JSON_TYPE", "J", "T"),
    Call("JSON_LENGTH", "J JSON_PATH?", "X"),
    Call("JSON_KEYS", "J JSON_PATH?", "J"),
    Call("JSON_VALID", "T", "B"),
    Call("JSON_CONTAINS", "J JSON_VALUE JSON_PATH?", "B"),
)

_FORMS: Final = (
    Form('"CURRENT_DATE"', "D"),
    Form('"CURRENT_TIMESTAMP"', "S"),
    Form('"EXTRACT(" UNIT " FROM " {S} ")"', "X"),
    Form('"CAST(" DATE_STRING " AS DATE)"', "D"),
    Form('("DATE_ADD(" | "DATE_SUB(") {S} ", INTERVAL " AMOUNT " " UNIT ")"', "S"),
    Form('"POSITION(" ({T} | SHORT) " IN " {T} ")"', "X"),
    Form('"TRIM(" ("BOTH " | "LEADING " | "TRAILING ") SHORT " FROM " {T} ")"', "T"),
    Form('"SUBSTRING(" {T} " FROM " WIDTH (" FOR " WIDTH)? ")"', "T"),
)

_AGGREGATES: Final = (
    Call("SUM AVG STD STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP", "N", "N"),
    Call("MIN MAX", "K", "K"),
    Call("BIT_AND BIT_OR", "X", "X"),
    Call("GROUP_CONCAT", "E", "T", is_window=False),
    Call("JSON_ARRAYAGG", "E", "J", is_window=False),
)

_AGGREGATE_FORMS: Final = (
    Form(
        '"GROUP_CONCAT(" ("DISTINCT ")? {T} (" ORDER BY " {T} (" ASC" | " DESC")?)?'
        ' (" SEPARATOR " SHORT)? ")"',
        "T",
    ),
)

_WINDOWS: Final = (
    Call("ROW_NUMBER RANK DENSE_RANK", "", "X"),
    Call("PERCENT_RANK CUME_DIST", "", "N"),
    Call("NTILE", "WIDTH", "X"),
    Call("LAG LEAD", "K WIDTH?", "K"),
    Call("FIRST_VALUE LAST_VALUE", "K", "K"),
    Call("NTH_VALUE", "K WIDTH", "K"),
)

_PATTERN: Final = "%[aBbcDdeHhIijkMmprSsTUuVvWwYy]"

_TERMINALS: Final = {
    **DATES,
    **NUMBERS,
    **PADDING,
    "REGEX": REGEX,
    "UNIT": '"SECOND" | "MINUTE" | "HOUR" | "DAY" | "WEEK" | "MONTH" | "QUARTER" | "YEAR"',
    "AMOUNT": "/-?[1-9][0-9]{0,3}/",
    "TIME_FORMAT": rf"/'{_PATTERN}([-:\/., ]{{0,2}}{_PATTERN}){{0,6}}(-01){{0,2}}'/",
    "NOTHING": '"NULL"',
    "JSON_VALUE": r"/'(-?[1-9][0-9]{0,5}|0|true|false|\"[A-Za-z0-9 _.@-]{0,24}\")'/",
    "WEEK_MODE": "/[0-7]/",
    "JSON_PATH": r"/'\$(\.[A-Za-z_][A-Za-z0-9_]{0,27}|\[[0-9]{1,3}\]){1,5}'/",
}

MYSQL: Final = Dialect(
    name="mysql",
    parser="mysql",
    engine="MariaDB 10.11",
    is_typed=False,
    apart="JU",
    calls=_CALLS,
    forms=_FORMS,
    aggregates=_AGGREGATES,
    aggregate_forms=_AGGREGATE_FORMS,
    windows=_WINDOWS,
    terminals=_TERMINALS,
    literals={
        "B": '"TRUE" | "FALSE"',
        "D": '("DATE ")? DATE_STRING',
        "S": '"TIMESTAMP " MOMENT_STRING',
    },
    cast_types={
        "X": ("SIGNED", "UNSIGNED", "SIGNED INTEGER", "DECIMAL", "DECIMAL(10, 2)"),
        "N": ("DOUBLE", "FLOAT"),
        "T": ("CHAR", "CHAR(10)"),
        "D": ("DATE",),
        "S": ("DATETIME",),
        "O": ("TIME",),
    },
    column_types={
        "B": r"BOOL(EAN)?",
        "X": r"(TINY|SMALL|MEDIUM|BIG)?INT( UNSIGNED)?( ZEROFILL)?|INTEGER( UNSIGNED)?|SERIAL|BIT"
        r"|YEAR|(NUMERIC|DECIMAL|DEC|FIXED)( UNSIGNED)?( ZEROFILL)?",
        "N": r"(FLOAT|DOUBLE( PRECISION)?|REAL)( UNSIGNED)?( ZEROFILL)?",
        "T": r"(NATIONAL )?(VAR)?CHAR(ACTER)?( VARYING)?|NCHAR|NVARCHAR|(TINY|MEDIUM|LONG)?TEXT"
        r"|ENUM|SET",
        "D": r"DATE",
        "S": r"DATETIME|TIMESTAMP",
        "J": r"JSON",
        "U": r"GEOMETRY|POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON"
        r"|GEOMETRYCOLLECTION",
    },
    reserved_words=RESERVED_WORDS | TYPE_WORDS,
    alias_words=ALIAS_WORDS,
    close_calls=CLOSE_CALLS,
    name_quote="`",
    has_backslash_escapes=True,
    regex_operators={"T": ("REGEXP", "NOT REGEXP", "RLIKE", "NOT RLIKE")},
    operators={"N": ("%", "DIV", "MOD")},
    null_safe=("<=>",),
    has_quantifiers=True,
    has_boolean_numbers=True,
    division_result="N",
    interval='"INTERVAL " WIDTH " " UNIT',
    interval_result={"D": "S", "S": "S"},
    has_bare_join=True,
    joins=frozenset({"JOIN", "LEFT JOIN", "RIGHT JOIN", "CROSS JOIN", "NATURAL JOIN", "USING"}),
    set_operators=(
        "UNION",
        "UNION ALL",
        "INTERSECT",
        "INTERSECT ALL",
        "EXCEPT",
        "EXCEPT ALL",
    ),
    has_strict_group_by=True,
    has_values_statement=False,
    has_limit_in_subquery=False,
    has_text_concatenation=False,
)
