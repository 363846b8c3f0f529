"""A statement's form on the syntax tree, to tell whether two statements are the same."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlstrictd.schema.names import fold


def canonical(sql: str, dialect: str = "sqlite") -> str:
    """Return the same text for statements that differ in blanks, keyword case or quotes alone.

    A statement that cannot be parsed is returned as it is.
    """
    try:
        tree = sqlglot.parse_one(sql, read="sqlite")
        for identifier in list(tree.find_all(exp.Identifier)):
            identifier.set("this", fold(identifier.this))
            identifier.set("quoted", True)
        for call in list(tree.find_all(exp.Anonymous)):
            call.set("this", str(call.this).upper())
        return tree.sql("sqlite")
    except (SqlglotError, RecursionError):
        return sql
