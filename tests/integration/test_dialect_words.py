"""Which words may stand bare: every keyword that is not reserved, in every place, on every engine.

The places are those where a grammar writes names. The parser must read each statement as it reads
the same statement with an ordinary name, so that no check mistakes a name for syntax.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from servers.engine import RealEngine
from sqlglot import exp
from sqlstrictd import dialects
from sqlstrictd.schema.names import quote_name

FIXTURES = Path(__file__).parents[1] / "fixtures"
KEYWORDS = {
    "sqlite": ("sqlite_keywords.txt",),
    "postgres": ("keywords/postgres.txt",),
    "duckdb": ("keywords/duckdb.txt",),
    "mysql": ("keywords/mysql.txt",),
    "ansi": ("keywords/postgres.txt", "sqlite_keywords.txt"),
}
ORDINARY = "zzname"
STATEMENTS = """
SELECT {0}, {0}.{0}, LOWER({0}), {0} FROM {0} WHERE {0} = 'a' OR NOT {0} LIKE 'b' ORDER BY {0} DESC
SELECT {0}, COUNT({0}), MAX({0}) FROM {0} WHERE {0} IS NULL GROUP BY {0} HAVING COUNT({0}) > 2
SELECT CASE WHEN {0} = 'a' THEN {0} ELSE {0} END, MAX({0}) OVER (PARTITION BY {0}) FROM {0}
SELECT {0}.a FROM other JOIN {0} ON {0}.{0} = other.{0} WHERE other.{0} IN (SELECT {0} FROM {0})
SELECT x.{0} FROM {0} AS x LEFT JOIN other AS y ON x.{0} = y.{0} AND (x.a = 1 OR y.{0} IS NULL)
SELECT {0}.a FROM other AS {0} WHERE {0}.{0} BETWEEN 'a' AND 'b' AND EXISTS (SELECT {0}.{0} AS z)
WITH {0} AS (SELECT a AS {0} FROM third), fourth AS (SELECT {0} FROM {0}) SELECT {0} FROM fourth
SELECT {0}.{0} FROM (SELECT a AS {0} FROM other) AS {0} UNION SELECT a FROM {0} ORDER BY {0} LIMIT 1
SELECT a AS {0}, RANK() OVER (ORDER BY {0}, a) AS z FROM {0} ORDER BY a
INSERT INTO {0} (a, {0}) VALUES (1, 'x')
UPDATE {0} SET {0} = 'b' WHERE {0} = 'a'
DELETE FROM {0} WHERE {0} = 'a'
CREATE TABLE fifth ({0} INTEGER PRIMARY KEY, z VARCHAR(10))
CREATE INDEX sixth ON {0} ({0})
CREATE VIEW seventh AS SELECT {0} FROM {0}
ALTER TABLE {0} ADD COLUMN z INTEGER
""".strip().splitlines()
WITHOUT_AS = """
SELECT a + 1 {0}, a {0}, COUNT(*) {0}, a FROM other {0} WHERE {0}.{0} = 'a' GROUP BY a
SELECT {0}.a FROM other {0} JOIN third ON {0}.a = third.a
SELECT {0}.{0} FROM third JOIN (SELECT a AS {0} FROM other) {0} ON third.a = {0}.{0} LIMIT 1
""".strip().splitlines()
AT_ONCE = 150  # words in one schema: MariaDB's rows are no longer than that many columns


@pytest.fixture(scope="module", autouse=True)
def quiet_parser() -> Iterator[None]:
    """Sqlglot warns where it takes a statement for a command, which is looked at here anyway."""
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)


def keywords(dialect: str) -> list[str]:
    """The engine's keywords, and the parser's own, in lower case."""
    found = {
        word for name in KEYWORDS[dialect] for word in (FIXTURES / name).read_text().lower().split()
    }
    parser = sqlglot.Dialect.get_or_raise(dialects.get(dialect).parser)
    own = (parser.tokenizer_class.KEYWORDS, parser.parser_class.NO_PAREN_FUNCTION_PARSERS)
    for text in (keyword for table in own for keyword in table):
        found.update(re.findall(r"[a-z_][a-z0-9_]*", text.lower()))
    return sorted(found - {"a", "z", "x", "y", "other", "third"})


def tables(words: list[str], dialect: str) -> str:
    """A table named like each word, with a column named so; and one with all the columns."""
    names = [(quote_name(word, dialect, always=True)) for word in words]
    own = "".join(f"CREATE TABLE {name} (a INTEGER, {name} VARCHAR(4));" for name in names)
    every = ", ".join(f"{name} VARCHAR(4)" for name in names)
    return f"{own}CREATE TABLE third (a INTEGER);CREATE TABLE other (a INTEGER, {every});"


@cache
def ordinary_tree(statement: str, parser: str) -> exp.Expression:
    """The tree of a statement about an ordinary name."""
    return sqlglot.parse_one(statement.format(ORDINARY), read=parser)


def misread(statement: str, word: str, parser: str) -> str:
    """Say if the parser reads a statement otherwise than with an ordinary name for the word."""
    try:
        tree = sqlglot.parse_one(statement.format(word), read=parser)
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        return f"not parsed: {error}"
    for identifier in tree.find_all(exp.Identifier):
        if identifier.this == word:
            identifier.set("this", ORDINARY)
    return "" if tree == ordinary_tree(statement, parser) else "the parser reads it otherwise"


def ask(dialect: str, engine: RealEngine) -> None:
    facts = dialects.get(dialect)
    words = [word for word in keywords(dialect) if word.upper() not in facts.reserved_words]
    assert len(words) > 40
    wrong = []
    for first in range(0, len(words), AT_ONCE):
        some = [w for w in words[first : first + AT_ONCE] if not w.startswith("sqlite_")]
        engine.load(tables(some, dialect))
        for word in some:
            places = STATEMENTS
            if word.upper() not in facts.alias_words:
                places = [*STATEMENTS, *WITHOUT_AS]
            for statement in places:
                complaint = engine.prepare(statement.format(word))
                complaint = complaint or misread(statement, word, facts.parser)
                if complaint:
                    wrong.append(f"{word}: {statement}: {complaint}")
    assert not wrong, "\n".join(wrong)


def test_words_of_sqlite(sqlite_engine: RealEngine) -> None:
    ask("sqlite", sqlite_engine)


def test_words_of_postgres(postgres_engine: RealEngine) -> None:
    ask("postgres", postgres_engine)


def test_words_of_duckdb(duckdb_engine: RealEngine) -> None:
    ask("duckdb", duckdb_engine)


def test_words_of_mysql(mariadb_engine: RealEngine) -> None:
    ask("mysql", mariadb_engine)


def test_words_of_the_standard(postgres_engine: RealEngine) -> None:
    ask("ansi", postgres_engine)


@pytest.mark.parametrize("dialect", sorted(dialects.DIALECTS))
def test_common_words_are_not_quoted(dialect: str) -> None:
    """Names that people's schemas are full of stay as people write them."""
    for name in "id name date year status type count address level rank_ city title price".split():
        assert quote_name(name, dialect) == name
