"""What there is to know of a SQL dialect: the shape in which `sqlite.py` and its like say it.

Facts alone: `constraint/` makes grammar rules of them, `verify/` checks of its own, `schema/` reads
types by them. Every call and form here is prepared on the real engine by a test.

Expressions belong to value classes, one letter each:

    X  exact numbers: integers and decimals      N  any number: X or floating point
    T  text       B  booleans                    D  dates       S  timestamps (with or without zone)
    J  JSON that operators and functions take    O  anything else that can be compared and sorted
    U  what cannot be compared, grouped or sorted (PostgreSQL's json and xml, points)
    L  as an argument: an array (a list), beside a K one of elements of that class; columns of
       arrays are of class O

Where `is_typed` is false the engine converts between all of them but those in `apart`, and they
count as one.

The arguments of a call are codes: a class letter for an expression of that class; `K` for one of
any comparable class, the same for every K of the call (as a result: that class); `E` for one of any
class at all; a terminal's name in capitals (two letters and more) for what that terminal matches.
`?` after a code says that the argument may be left out, with all after it; `*` that it may be given
again, up to three times. A `K` beside another in the same call is never of class O or U: two such
expressions need not have a type in common.

Terminals that all grammars have and no dialect repeats: INT, a small integer (maybe negative),
and SHORT, a short string.

In typed dialects a literal alone says little of its type: every call has at least one argument that
is no bare string literal, and literals of dates and times are written as `literals` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# Words that begin or turn a statement. A reader would take them for that, so they are no aliases
# even where the dialect takes them; names of the schema stay what they are.
STATEMENT_WORDS: Final = frozenset(
    """
    ALTER ANALYZE ATTACH BEGIN CALL COMMIT COPY CREATE DELETE DETACH DO DROP EXECUTE EXPLAIN EXPORT
    GRANT HANDLER IMPORT INSERT INSTALL INTO KILL LOAD LOCK MERGE PRAGMA PREPARE REINDEX RENAME
    REPLACE RESET RETURNING REVOKE ROLLBACK SAVEPOINT SET SHOW TABLE TRUNCATE UPDATE USE VACUUM
    """.split()
)

# Bare names that the checks and their parser take for types (before "<") or for frames.
TYPE_WORDS: Final = frozenset("ARRAY GROUPS LIST MAP NULLABLE OBJECT RANGE ROW ROWS STRUCT".split())

VALUE_CLASSES = "XNTDSBJOU"

# The kinds of statements that all dialects here have.
KINDS = frozenset(
    "select insert update delete create_table create_view create_index alter_table".split()
)


@dataclass(frozen=True)
class Call:
    """Functions that take the same arguments: `Call("LOWER UPPER", "T", "T")`."""

    names: str  # one or several, in the spelling to write, blanks between
    arguments: str  # codes, blanks between; empty for a call with empty parentheses
    result: str  # a class letter, or K
    is_window: bool = True  # of an aggregate: may OVER follow


@dataclass(frozen=True)
class Form:
    """An expression that is no plain call: `Form('"EXTRACT(" FIELD " FROM " {S} ")"', "X")`.

    The text is the body of a Lark rule: string literals, names of terminals, and `{C}` for an
    expression of class C. It never starts with a column. No literal in it begins like another
    lexeme that may stand in its place and then goes on: llguidance's lexer takes the longer one and
    does not come back.
    """

    text: str
    result: str


@dataclass(frozen=True)
class Dialect:
    """One dialect. Names of functions and keywords are in the case that the grammar writes them."""

    name: str  # "postgres"
    parser: str  # sqlglot's name for it
    engine: str  # the engine that the facts are of, "PostgreSQL 15"
    is_typed: bool
    # Scalar functions and forms, aggregates, and functions that need OVER.
    calls: tuple[Call, ...]
    forms: tuple[Form, ...]
    aggregates: tuple[Call, ...]
    # In aggregates: expressions that hold a column and no aggregate.
    aggregate_forms: tuple[Form, ...]
    windows: tuple[Call, ...]
    # Bodies of Lark terminals that arguments and forms name: {"FIELD": '"YEAR" | "MONTH"'}.
    terminals: Mapping[str, str]
    # What may be written in CAST(x AS ...), by the class of the result.
    cast_types: Mapping[str, tuple[str, ...]]
    # Declared types by class, as regular expressions that must match the whole type in upper case
    # and without its arguments ("VARCHAR", "DOUBLE PRECISION"); what none matches is "O".
    column_types: Mapping[str, str]
    # Words that cannot be written as a bare name somewhere in a statement, in upper case; and those
    # that can, but not as an alias without AS.
    reserved_words: frozenset[str]
    alias_words: frozenset[str]
    # Functions between whose names and parentheses no blank may stand.
    close_calls: frozenset[str] = frozenset()
    # Untyped dialects: the classes that the engine does not convert to others everywhere.
    apart: str = ""
    # Where not all can: the classes of what can be cast to a class: {"D": "TDS"}. A bare string
    # literal is never cast, since the engine reads it at once.
    cast_sources: Mapping[str, str] = field(default_factory=dict)
    # Bodies of rules for literals of a class, for classes whose literals are no numbers or strings.
    # Beside a column of class D or S, DATE_STRING and TIMESTAMP_STRING alone are literals too. The
    # first word of a literal ("DATE ") hides a column spelled like it from the lexer.
    literals: Mapping[str, str] = field(default_factory=dict)
    name_quote: str = '"'
    has_backslash_escapes: bool = False  # in string literals
    # How names are compared, and what an unquoted name becomes: "lower" (PostgreSQL) or "" (as is).
    folds_unquoted: str = ""
    # Comparison and other operators beyond the common ones: {"T": ("ILIKE", "~")} by operand class;
    # the right side is text.
    matching_operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # The same for operators whose right side is a regular expression, the terminal REGEX.
    regex_operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Other infix operators by operand class, with both sides of it: {"X": ("%",)}; the result too.
    operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    division_result: str = "X"  # of two exact numbers
    # Date and time arithmetic: what may be added to or subtracted from a D or S expression, as the
    # body of a Lark rule ('"INTERVAL \'" INT " " UNIT "\'"'), and the class that results.
    interval: str = ""
    interval_result: Mapping[str, str] = field(default_factory=dict)  # {"D": "S", "S": "S"}
    # Operators on J: the bodies of rules that follow an expression of class J, by class of result:
    # {"T": '/ ?->> ?/ SHORT', "J": '/ ?-> ?/ SHORT'}.
    json_access: Mapping[str, str] = field(default_factory=dict)
    json_test: str = ""  # what may follow one to make it a condition: 'HOLDS JSON_LITERAL'
    # What an array is written with, "ARRAY["; empty where there are none. Then `x[1]` and
    # `1 = ANY(x)` may be written, and operators between two arrays.
    array_start: str = ""
    array_operators: tuple[str, ...] = ()
    # What may follow an expression and binds like a cast, by its class: the result is of it too.
    suffixes: Mapping[str, str] = field(default_factory=dict)  # {"S": '" AT TIME ZONE " ZONE'}
    # Declared types of class O, and the terminal of their literals: {"UUID": "UUID_STRING"}.
    other_literals: Mapping[str, str] = field(default_factory=dict)
    null_safe: tuple[str, ...] = ()  # comparisons that take NULL for a value, blanks around
    collations: tuple[str, ...] = ()  # x COLLATE NOCASE
    has_bare_join: bool = False  # a JOIN b, without a condition
    joins: frozenset[str] = frozenset({"JOIN", "LEFT JOIN"})  # "FULL JOIN", "NATURAL JOIN", "USING"
    set_operators: tuple[str, ...] = ("UNION", "UNION ALL", "INTERSECT", "EXCEPT")
    has_strict_group_by: bool = False
    groups_by_primary_key: bool = False  # GROUP BY key lets the table's other columns stand
    has_filter: bool = False  # FILTER (WHERE ...) after an aggregate
    has_nulls_order: bool = False  # NULLS FIRST / LAST
    has_values_statement: bool = True
    has_parenthesised_members: bool = True  # (SELECT ...) UNION (SELECT ...)
    has_limit_in_subquery: bool = True  # x IN (SELECT ... LIMIT 1)
    has_boolean_columns: bool = True  # WHERE active
    has_recursive_cte: bool = True
    has_text_concatenation: bool = True  # T || T
    has_colon_cast: bool = False  # x::TYPE
    has_try_cast: bool = False  # TRY_CAST(x AS TYPE)
    has_quantifiers: bool = False  # x > ALL (SELECT ...)
    has_boolean_numbers: bool = False  # SUM(x = 1)
    has_symmetric_between: bool = False
    has_ordered_aggregates: bool = False  # STRING_AGG(x, ',' ORDER BY y)
    has_distinct_with_separator: bool = False  # STRING_AGG(DISTINCT x, ',')
    kinds: frozenset[str] = KINDS
