"""Any word the parser knows may be a name: where it needs quotes, our writing quotes it."""

from __future__ import annotations

import re

import pytest
from sqlglot.dialects.sqlite import SQLite
from sqlstrictd.schema.names import quote_name
from sqlstrictd.schema.types import Column, Schema, Table
from sqlstrictd.verify import check_statement

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORDS = sorted(
    {
        word.lower()
        for word in (*SQLite.Tokenizer.KEYWORDS, *SQLite.Parser.FUNCTIONS)
        if WORD.fullmatch(word) and not word.lower().startswith("sqlite_")
    }
)
STATEMENTS = (
    "SELECT {w} FROM {w};",
    "SELECT {w}.{w} FROM {w} JOIN other_one ON {w}.key_1 = other_one.key_1 ORDER BY {w}.{w};",
    "SELECT COUNT({w}), MAX({w}) FROM {w} GROUP BY {w} HAVING COUNT(DISTINCT {w}) > 1;",
    "SELECT key_1 FROM {w} WHERE {w} LIKE 'a' AND {w} IS NULL OR {w} BETWEEN 1 AND 2;",
    "SELECT T1.{w} FROM {w} AS T1 JOIN other_one AS T2 ON T1.key_1 = T2.key_1 GROUP BY T1.{w};",
    "SELECT CASE WHEN {w} = 1 THEN {w} ELSE {w} END, {w} || 'x', LOWER({w}) FROM {w};",
)


@pytest.mark.parametrize("word", WORDS)
def test_a_keyword_as_a_name_passes(word: str) -> None:
    columns = (Column(word, "TEXT"), Column("key_1", "INTEGER"))
    schema = Schema("sqlite", (Table(word, columns), Table("other_one", columns)))
    for statement in STATEMENTS:
        verdict = check_statement(statement.format(w=quote_name(word)), schema)
        assert verdict.in_scope and verdict.prepares, (statement, verdict.problems)
