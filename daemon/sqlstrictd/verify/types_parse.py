"""A statement's tree with its calls as they are written: the tree that the type check walks.

sqlglot turns the calls it knows into nodes of its own, and moves, drops and rewrites arguments on
the way; here every call keeps its name and its arguments in order (`exp.Anonymous`), but for the
few whose arguments are joined by words (CAST, EXTRACT, ...). Built for `types.py` alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.parsers.mysql import MySQLParser
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.parsers.sqlite import SQLiteParser
from sqlglot.tokenizer_core import TokenType

from sqlstrictd.verify.rewritten import as_written

# Calls with words between their arguments keep sqlglot's nodes.
_WORDED: Final = frozenset("CAST TRY_CAST EXTRACT POSITION OVERLAY SUBSTRING TRIM".split())


def _worded(parsers: dict[str, Any], *more: str) -> dict[str, Any]:
    return {name: parse for name, parse in parsers.items() if name in _WORDED or name in more}


def _operator(node_type: type[exp.Expr]) -> Any:
    return lambda self, this, right: self.expression(node_type(this=this, expression=right))


class PostgresCalls(Postgres):
    """PostgreSQL: calls, types and the right sides of JSON operators as they are written."""

    class Parser(PostgresParser):
        """Keeps what is written."""

        def _parse_types(self, *arguments: Any, **named: Any) -> exp.Expr | None:
            first = self._curr
            found: exp.Expr | None = super()._parse_types(*arguments, **named)
            if isinstance(found, exp.DataType):
                found.meta["written"] = self._find_sql(first, self._prev)
            return found

        def _parse_interval(self, *arguments: Any, **named: Any) -> exp.Add | exp.Interval | None:
            first = self._index
            found = super()._parse_interval(*arguments, **named)
            if isinstance(found, exp.Interval):
                # Of the text, its parser keeps the last number and what follows it.
                tokens = self._tokens[first : self._index]
                strings = [token for token in tokens if token.token_type == TokenType.STRING]
                found.meta["written"] = strings[0].text if strings else None
                found.meta["ends_in_string"] = tokens[-1].token_type == TokenType.STRING
            return found

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS = _worded(PostgresParser.FUNCTION_PARSERS)
        JSON_OPERATORS = {
            TokenType.ARROW: _operator(exp.JSONExtract),
            TokenType.DARROW: _operator(exp.JSONExtractScalar),
            TokenType.HASH_ARROW: _operator(exp.JSONBExtract),
            TokenType.DHASH_ARROW: _operator(exp.JSONBExtractScalar),
            TokenType.PLACEHOLDER: _operator(exp.JSONBContains),
        }


class MySQLCalls(MySQL):
    """MySQL, calls as written; what sqlglot reads of other dialects is marked (`foreign`)."""

    class Parser(MySQLParser):
        """Keeps what is written."""

        def _parse_is(self, this: exp.Expr | None) -> exp.Expr | None:
            found: exp.Expr | None = super()._parse_is(this)
            if isinstance(found, exp.NullSafeEQ | exp.NullSafeNEQ):
                found.meta["foreign"] = "IS DISTINCT FROM; write <=>"
            return found

        def _parse_ordered(self, *arguments: Any, **named: Any) -> exp.Ordered | None:
            found: exp.Ordered | None = super()._parse_ordered(*arguments, **named)
            before = self._tokens[self._index - 2].text.upper() if self._index > 1 else ""
            if found is not None and before == "NULLS":
                found.meta["foreign"] = "NULLS FIRST and NULLS LAST"
            return found

        def _parse_interval(self, *arguments: Any, **named: Any) -> exp.Add | exp.Interval | None:
            found = super()._parse_interval(*arguments, **named)
            if isinstance(found, exp.Interval) and self._prev.token_type == TokenType.STRING:
                found.meta["ends_in_string"] = True
            return found

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS = _worded(
            MySQLParser.FUNCTION_PARSERS, "GROUP_CONCAT", "CONVERT", "MATCH", "CHAR", "VALUES"
        )


class DuckDBCalls(DuckDB):
    """DuckDB, calls as written."""

    class Parser(DuckDBParser):
        """Keeps what is written."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS = _worded(DuckDBParser.FUNCTION_PARSERS)


class SQLiteCalls(SQLite):
    """SQLite and standard SQL, calls as written."""

    class Parser(SQLiteParser):
        """Keeps what is written."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS = _worded(SQLiteParser.FUNCTION_PARSERS)


_READERS: Final = {
    "postgres": PostgresCalls,
    "mysql": MySQLCalls,
    "duckdb": DuckDBCalls,
    "sqlite": SQLiteCalls,
    "ansi": SQLiteCalls,
}


def parse_calls(sql: str, dialect: str) -> exp.Expr | None:
    """Parse one statement; None where it cannot be, or is more than one."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=_READERS[dialect]) if tree is not None]
    except (SqlglotError, RecursionError):
        return None
    return as_written(trees[0]) if len(trees) == 1 else None
