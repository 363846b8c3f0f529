"""The check that stands for an engine's prepare where none is at hand: types, places, groups.

`check.py` calls it between scope and prepare. A statement that passes prepares on PostgreSQL 15
(dialect postgres), or on MySQL and MariaDB with ONLY_FULL_GROUP_BY (mysql); for DuckDB and SQLite
their own prepare comes after it where they are installed. What it does not know is refused.

    types_parse.py        the tree, with calls as written
    types_queries.py      queries, their clauses and outputs;  types_from.py  their sources
    types_sets.py         set operations and WITH
    types_expressions.py  expressions;  types_forms.py  CASE, casts, intervals, arrays
    types_calls.py        calls and aggregates;  types_windows.py  what follows OVER
    types_postgres.py     PostgreSQL's answers;  types_duckdb.py  DuckDB's
    types_rules.py        what is asked, and the answers of engines that convert
    grouping.py           GROUP BY and DISTINCT
"""

from __future__ import annotations

from sqlglot import exp

from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.types_duckdb import DuckDBRules
from sqlstrictd.verify.types_parse import parse_calls
from sqlstrictd.verify.types_postgres import PostgresRules
from sqlstrictd.verify.types_rules import Loose, Rules
from sqlstrictd.verify.types_scope import Wrong
from sqlstrictd.verify.types_statements import Statements
from sqlstrictd.verify.verdict import Problem


def check_types(sql: str, schema: Schema, dialect: str, reporter: Reporter) -> list[Problem]:
    """Check a statement whose names are known to be in scope; at most one problem is returned."""
    tree = parse_calls(sql, dialect)
    if tree is None:
        return [reporter.problem("types", "The type check cannot parse the statement.", 0)]
    try:
        Statements(schema, rules_of(dialect)).check(tree)
    except Wrong as wrong:
        return [reporter.problem("types", wrong.message, _offset(wrong.node))]
    except RecursionError:
        message = "The statement is nested too deeply for the type check."
        return [reporter.problem("types", message, 0)]
    return []


def rules_of(dialect: str) -> Rules:
    """Return what stands for the engine of a dialect."""
    if dialect == "postgres":
        return PostgresRules()
    return DuckDBRules() if dialect == "duckdb" else Loose(dialect)


def _offset(node: exp.Expr | None) -> int:
    """The place of the first name or literal in a node, or of the nearest one around it."""
    while node is not None:
        starts = [int(inner.meta["start"]) for inner in node.walk() if "start" in inner.meta]
        if starts:
            return min(starts)
        node = node.parent
    return -1
