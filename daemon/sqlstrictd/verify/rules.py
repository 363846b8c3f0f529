"""What the checks read from a dialect's facts: functions, node types, words and operators.

A function that the facts list may be called; what sqlglot's parser makes of such a call may stand
in the tree. All of it is worked out once per dialect, from the facts and the lists below, which say
what is allowed and not what is forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

import sqlglot
from sqlglot.errors import SqlglotError

from sqlstrictd import dialects
from sqlstrictd.dialects.facts import Call, Dialect
from sqlstrictd.verify import row_functions

_COMMON_OPERATORS: Final = frozenset("= <> != < <= > >= + - * / %".split())
_OPERATORS: Final = {
    "sqlite": frozenset("== || & | ~ << >> -> ->>".split()),
    "postgres": frozenset("|| ^ & | ~ ~* !~ !~* << >> -> ->> #> #>> @> <@ && ::".split()),
    "duckdb": frozenset("|| ^ ** // & | ~ !~ << >> -> ->> @> <@ && ::".split()),
    "mysql": frozenset("<=> & | ^ ~ << >> -> ->>".split()),
    "ansi": frozenset(["||"]),
}
# Words of queries that are no names, functions or types, beside those in the facts' own forms.
QUERY_WORDS: Final = frozenset(
    """
    ALL AND ANY AS ASC BETWEEN BY CASE CAST COLLATE CROSS CURRENT CURRENT_DATE CURRENT_TIME
    CURRENT_TIMESTAMP DESC DISTINCT ELSE END ESCAPE EXCEPT EXCLUDE EXISTS FALSE FETCH FILTER FIRST
    FOLLOWING FROM FULL GROUP GROUPS HAVING IN INNER INTERSECT IS JOIN LAST LEFT LIKE LIMIT
    MATERIALIZED NATURAL NEXT NOT NULL NULLS OFFSET ON ONLY OR ORDER OUTER OVER PARTITION PRECEDING
    RANGE RECURSIVE RIGHT ROW ROWS SELECT SOME THEN TRUE UNBOUNDED UNION USING VALUES WHEN WHERE
    WINDOW WITH
    """.split()
)
_MORE_WORDS: Final = {
    "sqlite": "GLOB ISNULL NOTNULL NOCASE BINARY RTRIM PRECISION VARYING TIES OTHERS NO",
    "postgres": "ILIKE SIMILAR TO LATERAL ARRAY ISNULL NOTNULL UNKNOWN AT TIME ZONE INTERVAL DATE"
    " TIMESTAMP TIMESTAMPTZ WITHIN ROLLUP CUBE GROUPING SETS VARYING PRECISION WITHOUT SYMMETRIC"
    " TIES OTHERS NO LOCALTIMESTAMP LOCALTIME",
    "duckdb": "ILIKE SIMILAR TO LATERAL ARRAY ISNULL NOTNULL AT TIME ZONE INTERVAL DATE TIMESTAMP"
    " TIMESTAMPTZ WITHIN ROLLUP CUBE GROUPING SETS QUALIFY GLOB IGNORE RESPECT VARYING PRECISION"
    " WITHOUT TIES OTHERS NO TRY_CAST",
    "mysql": "REGEXP RLIKE DIV MOD XOR INTERVAL DATE TIME TIMESTAMP SEPARATOR UNKNOWN ROLLUP"
    " SIGNED UNSIGNED",
    "ansi": "INTERVAL DATE TIME TIMESTAMP VARYING PRECISION WITHOUT ZONE ROLLUP CUBE GROUPING SETS",
}
# Words of the statements that write, and of nothing that reads.
KIND_WORDS: Final = {
    "insert": "INSERT INTO DEFAULT",
    "update": "UPDATE SET",
    "delete": "DELETE",
    "create_table": "CREATE TABLE IF PRIMARY KEY UNIQUE CHECK DEFAULT REFERENCES FOREIGN CONSTRAINT"
    " AUTOINCREMENT AUTO_INCREMENT DELETE UPDATE CASCADE RESTRICT SET NO ACTION ENGINE INNODB"
    " MYISAM MEMORY CHARSET CHARACTER COLLATE COMMENT UTF8MB4 LATIN1 ASCII UTF8MB4_GENERAL_CI"
    " UTF8MB4_UNICODE_CI UTF8MB4_BIN",
    "create_view": "CREATE REPLACE VIEW IF",
    "create_index": "CREATE UNIQUE INDEX IF",
    "alter_table": "ALTER TABLE ADD DROP RENAME COLUMN TO UNIQUE CHECK DEFAULT REFERENCES PRIMARY"
    " KEY DELETE UPDATE CASCADE RESTRICT SET NO ACTION",
}
# Functions that the facts leave out since no grammar writes them, and people do. They compute from
# their arguments or the clock alone, like the others.
_MORE_CALLS: Final = {
    "sqlite": (
        Call("UNIXEPOCH", "S", "X"),
        Call("CHAR", "INT INT?", "T"),
        Call("JSON_OBJECT JSON_GROUP_OBJECT", "T E", "J"),
        Call("JSON_ARRAY JSON_GROUP_ARRAY JSON_QUOTE JSON", "E", "J"),
        Call("JSON_SET JSON_INSERT JSON_REPLACE", "J T E", "J"),
        Call("JSON_REMOVE JSON_PATCH", "J T", "J"),
    ),
    "postgres": (
        Call("TO_JSON TO_JSONB JSON_AGG JSONB_AGG ROW_TO_JSON", "E", "J"),
        Call("JSON_BUILD_ARRAY JSONB_BUILD_ARRAY", "E E*", "J"),
        Call("JSON_BUILD_OBJECT JSONB_BUILD_OBJECT JSON_OBJECT_AGG JSONB_OBJECT_AGG", "T E", "J"),
        Call("JSONB_SET JSONB_INSERT", "J T J", "J"),
        Call("JSONB_PATH_EXISTS JSONB_PATH_QUERY JSONB_PATH_QUERY_FIRST", "J T", "J"),
        Call("JSON_TYPEOF JSON_ARRAY_LENGTH JSON_OBJECT_KEYS JSONB_OBJECT_KEYS", "J", "T"),
        Call("JSON_EXTRACT_PATH_TEXT JSONB_EXTRACT_PATH JSON_EXTRACT_PATH", "J T T*", "J"),
        Call("JSON_EACH JSONB_EACH JSON_EACH_TEXT JSONB_EACH_TEXT", "J", "J"),
        Call("JSON_ARRAY_ELEMENTS JSONB_ARRAY_ELEMENTS", "J", "J"),
        Call("JSON_ARRAY_ELEMENTS_TEXT JSONB_ARRAY_ELEMENTS_TEXT", "J", "T"),
        Call("UNNEST GENERATE_SUBSCRIPTS", "E", "K"),
        Call("GENERATE_SERIES", "X X X?", "X"),
        Call("REGEXP_MATCHES REGEXP_SPLIT_TO_TABLE STRING_TO_TABLE", "T T", "T"),
        Call("FORMAT", "T E*", "T"),
        Call("MAKE_DATE", "INT INT INT", "D"),
        Call("GEN_RANDOM_UUID", "", "O"),
        Call("WIDTH_BUCKET", "N N N INT", "X"),
        Call("GROUPING", "E", "X"),
    ),
    "duckdb": (
        Call("UNNEST", "L", "K"),
        Call("GENERATE_SERIES RANGE", "X X? X?", "X"),
        Call("GROUPING", "E", "X"),
    ),
    "mysql": (
        Call("JSON_OBJECT JSON_OBJECTAGG", "T E", "J"),
        Call("JSON_ARRAY", "E", "J"),
        Call("ADDDATE SUBDATE", "D X", "D"),
    ),
}
# Types beside those of the facts that a length may follow.
_SIZED_TYPES: Final = "CHAR CHARACTER VARCHAR NVARCHAR DECIMAL NUMERIC FLOAT DOUBLE INT INTEGER"

_READ_NODES: Final = frozenset(
    """
    Select Union Except Intersect Subquery Values With CTE From Join Where Group Having Order
    Ordered Limit Offset Distinct Column Identifier Table TableAlias Alias Star Literal Null Boolean
    Paren Tuple And Or Not EQ NEQ GT GTE LT LTE Is In Between Like Escape Exists Any All
    Case If Cast DataType DataTypeParam Collate Var Add Sub Mul Div Mod Neg DPipe Window WindowSpec
    Filter Coalesce Count CurrentDate CurrentTime CurrentTimestamp NullSafeEQ NullSafeNEQ Anonymous
    """.split()
)
_BITS: Final = "BitwiseAnd BitwiseOr BitwiseNot BitwiseLeftShift BitwiseRightShift"
_JSON: Final = "JSONExtract JSONExtractScalar JSONPath JSONPathRoot JSONPathKey JSONPathSubscript"
_MORE_NODES: Final = {
    "sqlite": f"{_BITS} {_JSON} Glob",
    "postgres": f"{_BITS} {_JSON} JSONBExtract JSONBExtractScalar ILike SimilarTo RegexpLike"
    " RegexpILike Lateral Fetch LimitOptions Interval AtTimeZone Extract Array Bracket Slice"
    " ArrayContainsAll ArrayContainedBy ArrayOverlaps WithinGroup Rollup Cube GroupingSets"
    " IntervalSpan Pow Localtimestamp Localtime Unnest ExplodingGenerateSeries",
    "duckdb": f"{_BITS} {_JSON} ILike SimilarTo RegexpLike RegexpFullMatch Lateral Interval"
    " AtTimeZone Extract Array Bracket Slice WithinGroup Rollup Cube GroupingSets Qualify Glob"
    " IntDiv Pow ArrayContainsAll ArrayContainedBy ArrayOverlaps IgnoreNulls RespectNulls TryCast"
    " Concat ConcatWs DateTrunc Unnest GenerateSeries",
    "mysql": f"{_BITS} BitwiseXor {_JSON} RegexpLike IntDiv Xor Interval Extract Rollup StrToTime",
    "ansi": "Extract Interval Fetch LimitOptions Rollup Cube GroupingSets",
}
_FORM_CALLS: Final = {
    "sqlite": (),
    "postgres": (
        "POSITION('a' IN x)", "TRIM(BOTH 'a' FROM x)", "SUBSTRING(x FROM 1 FOR 2)",
        "EXTRACT(YEAR FROM x)", "x AT TIME ZONE 'UTC'", "ARRAY[x]",
        "MODE() WITHIN GROUP (ORDER BY x)", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x)",
        "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x)",
    ),
    "duckdb": (
        "POSITION('a' IN x)", "TRIM(BOTH 'a' FROM x)", "SUBSTRING(x FROM 1 FOR 2)",
        "EXTRACT(YEAR FROM x)", "DATE_ADD(x, INTERVAL 1 DAY)", "[x]",
    ),
    "mysql": (
        "POSITION('a' IN x)", "TRIM(BOTH 'a' FROM x)", "SUBSTRING(x FROM 1 FOR 2)",
        "DATE_ADD(x, INTERVAL 1 DAY)", "DATE_SUB(x, INTERVAL 1 DAY)",
        "GROUP_CONCAT(DISTINCT x ORDER BY x SEPARATOR ', ')", "x REGEXP 'a'",
        "TIMESTAMPDIFF(DAY, x, x)", "TIMESTAMPADD(DAY, 1, x)",
    ),
    "ansi": ("POSITION('a' IN x)", "TRIM(BOTH 'a' FROM x)", "SUBSTRING(x FROM 1 FOR 2)"),
}  # fmt: skip

_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CALLED: Final = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)\(")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_TERMINAL: Final = re.compile(r"/.*/", re.DOTALL)
_QUOTED: Final = re.compile(r"'[^']*'")


@dataclass(frozen=True)
class Rules:
    """What one dialect allows. All words, functions and types are in upper case."""

    facts: Dialect
    functions: frozenset[str]
    words: frozenset[str]
    types: frozenset[str]
    nodes: frozenset[str]
    operators: frozenset[str]

    @property
    def joins(self) -> frozenset[str]:
        """The joins that the dialect has, as "LEFT JOIN"."""
        return self.facts.joins


@cache
def rules_of(dialect: str) -> Rules:
    """Return the rules of a dialect.

    Raises:
        UnsupportedDialect: there is no such dialect.
    """
    facts = dialects.get(dialect)
    calls = (*facts.calls, *facts.aggregates, *facts.windows, *_MORE_CALLS.get(dialect, ()))
    forms = [form.text for form in (*facts.forms, *facts.aggregate_forms)]
    written = " ".join(_literals([*forms, facts.interval, *facts.json_access.values()]))
    operators = [
        operator
        for group in (facts.matching_operators, facts.regex_operators, facts.operators)
        for named in group.values()
        for operator in named
    ]
    terminals = " ".join(_literals(facts.terminals.values()))
    literals = " ".join(_literals(facts.literals.values()))
    functions = {name.upper() for call in calls for name in call.names.split()} | {"COUNT"}
    functions |= {name.upper() for name in _CALLED.findall(written)}
    functions |= {name.upper() for name in row_functions.names_of(dialect)}
    words = QUERY_WORDS | set(_MORE_WORDS[dialect].split())
    words |= {
        word.upper()
        for text in (written, terminals, literals, *operators)
        for word in _WORD.findall(_QUOTED.sub(" ", text))
    }
    cast_types = [name for names in facts.cast_types.values() for name in names]
    types = {word.upper() for word in _WORD.findall(" ".join(cast_types))}
    return Rules(
        facts,
        frozenset(functions),
        frozenset(words),
        frozenset(types | set(_SIZED_TYPES.split())),
        _READ_NODES | set(_MORE_NODES[dialect].split()) | _call_nodes(calls, facts),
        _COMMON_OPERATORS | _OPERATORS[dialect],
    )


def _literals(texts: Iterable[str]) -> list[str]:
    """Return the string literals of Lark rules; regular expressions between slashes are none."""
    return [
        literal
        for text in texts
        if not _TERMINAL.fullmatch(text.strip())
        for literal in _STRING.findall(text)
    ]


def _call_nodes(calls: Iterable[Call], facts: Dialect) -> frozenset[str]:
    """Return the names of the nodes that sqlglot makes of the facts' calls and forms."""
    examples = list(_FORM_CALLS[facts.name])
    for call in calls:
        codes = call.arguments.split()
        least = sum(code[-1] not in "?*" for code in codes)
        for name in call.names.split():
            examples += [
                f"{name}({', '.join(_example(code) for code in codes[:count])})"
                for count in range(least, len(codes) + 1)
            ]
    found: set[str] = set()
    for example in examples:
        try:
            tree = sqlglot.parse_one(f"SELECT {example}", read=facts.parser)
        except SqlglotError:
            continue  # it can then not be written in a statement that is checked either
        found.update(type(node).__name__ for node in tree.walk())
    return frozenset(found)


def _example(code: str) -> str:
    name = code.rstrip("?*")
    if name == "UNIT":
        return "DAY"
    return "x" if len(name) == 1 else "1" if name in ("INT", "PLACES", "WIDTH", "SHARE") else "'a'"
