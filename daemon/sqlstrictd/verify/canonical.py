"""A statement's form on the syntax tree, to tell whether two statements are the same."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlstrictd import dialects
from sqlstrictd.schema.names import fold

# Here a name in quotes keeps its case, and is another one than the same letters in another case.
_HAS_CASE = frozenset({"postgres"})


def canonical(sql: str, dialect: str = "sqlite") -> str:
    """Return the same text for statements that differ in blanks, keyword case or quotes alone.

    A statement that cannot be parsed is returned as it is.

    Raises:
        UnsupportedDialect: there is no such dialect.
    """
    parser = dialects.get(dialect).parser
    try:
        tree = sqlglot.parse_one(sql, read=parser)
        for identifier in list(tree.find_all(exp.Identifier)):
            if dialect not in _HAS_CASE or not identifier.args.get("quoted"):
                identifier.set("this", fold(identifier.this))
            identifier.set("quoted", True)
        for call in list(tree.find_all(exp.Anonymous)):
            call.set("this", str(call.this).upper())
        return tree.sql(parser)
    except (SqlglotError, RecursionError):
        return sql
