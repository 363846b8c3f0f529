"""Forbidden statements in five dialects, and 10,000 mutations of good ones: none is let through.

`fixtures/forbidden/statements.jsonl` holds what must be refused when only queries are allowed,
`allowed.jsonl` what must not. A mutation that is let through must be harmless by a judgement that
shares nothing with the checks: this test's own reading of its characters, and for SQLite a prepare
under this test's own authorizer.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections import Counter
from pathlib import Path
from unicodedata import normalize

import pytest
from sqlstrictd import dialects
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify import check_statement

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
DDL = (FIXTURES / "schemas" / "shop.sql").read_text("utf-8")
SHOP = parse_schema(DDL)
DIALECTS = ("sqlite", "postgres", "duckdb", "mysql", "ansi")
N_MUTATIONS = 2000  # of each dialect


def read(name: str) -> list[dict[str, str]]:
    lines = (FIXTURES / "forbidden" / name).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


FORBIDDEN = read("statements.jsonl")
ALLOWED = read("allowed.jsonl")


def test_the_corpus_is_large_and_says_everything_once() -> None:
    assert len({row["sql"] for row in FORBIDDEN}) >= 500
    keys = [(row["dialect"], row["sql"]) for row in FORBIDDEN]
    assert len(set(keys)) == len(keys)
    assert min(Counter(row["dialect"] for row in FORBIDDEN).values()) >= 300
    assert {row["dialect"] for row in ALLOWED} == set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_none_is_let_through(dialect: str) -> None:
    for row in FORBIDDEN:
        if row["dialect"] != dialect:
            continue
        # Where names have case, another case may make a good statement.
        lowered = row["sql"] if dialect in ("postgres", "mysql") else row["sql"].lower()
        for sql in (row["sql"], row["sql"] + ";", lowered, f"\n{row['sql']}\t"):
            verdict = check_statement(sql, SHOP, dialect)
            assert verdict.problems, (dialect, sql, row["why"])
            assert not verdict.prepares
            # It needs no engine to see it.
            assert verdict.problems[0].check in ("syntax", "kind", "scope"), verdict.problems


@pytest.mark.parametrize("dialect", DIALECTS)
def test_good_statements_are_let_through(dialect: str) -> None:
    for row in ALLOWED:
        if row["dialect"] == dialect:
            verdict = check_statement(row["sql"], SHOP, dialect)
            assert verdict.problems == (), row
            assert verdict.kind == "select"
            assert verdict.checks[:3] == ("syntax", "kind", "scope")


PIECES = (
    "'", '"', "`", ";", "--", "/*", "*/", "#", "(", ")", " ", ",", "*", ".", "=", "0", "\n", "\t",
    "/*!50000 ", "\\", "$$", "::", "->", "@", ":=", "?", "{", "[", "]", "E'", "U&'", "N'", "x'",
    "\u00a0", "\u200b", "\u202e", "\u037e", "\0", "\uff1b", " INTO t", " FOR UPDATE",
    " INTO OUTFILE 'x'", " UNION SELECT name FROM sqlite_master", "; DROP TABLE orders",
    "pg_sleep(1)", "load_extension('x')", "nextval('s')", "sleep(1)", "DELETE FROM orders",
    " OR 1 = 1", "1e9", " RETURNING id",
)  # fmt: skip
LOOK_ALIKES = str.maketrans("aeopcxyiAEOPCXI", "аеорсхуіАЕОРСХІ")


def mutate(good: list[str], bad: list[str], draw: random.Random) -> str:
    """Change a good statement in one of the ways in which something slips in."""
    sql = draw.choice(good)
    words = sql.split(" ")
    place = draw.randrange(len(words))
    kind = draw.randrange(10)
    if kind == 0:  # a fragment of a forbidden statement between two words
        words.insert(place, fragment(draw.choice(bad), draw))
    elif kind == 1:  # ... instead of some words
        words[place : place + draw.randrange(1, 4)] = [fragment(draw.choice(bad), draw)]
    elif kind == 2:  # two words in each other's place
        other = draw.randrange(len(words))
        words[place], words[other] = words[other], words[place]
    elif kind == 3:  # a piece anywhere
        at = draw.randrange(len(sql) + 1)
        return sql[:at] + draw.choice(PIECES) + sql[at:]
    elif kind == 4:  # letters of another script
        words[place] = words[place].translate(LOOK_ALIKES)
    elif kind == 5:  # full-width letters, or a bend in case
        words[place] = "".join(
            chr(ord(c) + 0xFEE0) if c.isalpha() and draw.random() < 0.3 else c.swapcase()
            for c in words[place]
        )
    elif kind == 6:  # other blanks
        return draw.choice(("\n", "\t", "  ", "\u00a0", "/**/", "\f", "")).join(words)
    elif kind == 7:  # one statement after or inside another
        glue = draw.choice((" ", "; ", " UNION ", " WHERE ", ", ", " -- ", " ("))
        return sql + glue + draw.choice([*bad, *good])
    elif kind == 8:  # a forbidden statement, with a good word in it
        words = draw.choice(bad).split(" ")
        words.insert(draw.randrange(len(words) + 1), draw.choice(sql.split(" ")))
    else:  # a word doubled or left out
        words[place : place + 1] = [words[place]] * draw.choice((0, 2))
    return " ".join(words)


def fragment(sql: str, draw: random.Random) -> str:
    words = sql.split(" ")
    start = draw.randrange(len(words))
    return " ".join(words[start : start + draw.randrange(1, 5)])


@pytest.fixture(scope="module")
def shop() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", cached_statements=0)
    connection.executescript(DDL)
    for name in ROW_FUNCTIONS:  # whose tables are made at their first use
        connection.execute(f"SELECT 1 FROM {name}('[]')").close()
    connection.set_authorizer(authorize)
    return connection


ROW_FUNCTIONS = ("json_each", "json_tree")


def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Let SQLite read three tables and call functions that compute; nothing else."""
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
        return sqlite3.SQLITE_OK
    tables = ("customers", "orders", "items", *ROW_FUNCTIONS)
    if action == sqlite3.SQLITE_READ and (not second or first in tables):
        return sqlite3.SQLITE_OK
    computes = (second or "").upper() in FUNCTIONS["sqlite"] | {"LIKE", "GLOB", "->", "->>"}
    if action == sqlite3.SQLITE_FUNCTION and computes:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def names_of_functions(dialect: str) -> frozenset[str]:
    facts = dialects.get(dialect)
    calls = (*facts.calls, *facts.aggregates, *facts.windows)
    named = {name.upper() for call in calls for name in call.names.split()}
    forms = " ".join(form.text for form in (*facts.forms, *facts.aggregate_forms))
    named |= {name.upper() for name in re.findall(r"(\w+)\(", forms)}
    return frozenset(named | {"COUNT", "CAST"} | set(MORE_FUNCTIONS.get(dialect, "").split()))


# What computes from its arguments alone, and no grammar writes.
MORE_FUNCTIONS = {
    "sqlite": "JSON_EACH JSON_TREE JSON_OBJECT JSON_ARRAY JSON_GROUP_ARRAY JSON_GROUP_OBJECT",
    "postgres": "GENERATE_SERIES JSON_EACH JSONB_AGG JSONB_BUILD_OBJECT ROW_TO_JSON UNNEST",
    "duckdb": "GENERATE_SERIES RANGE UNNEST",
    "mysql": "JSON_OBJECT",
}


FUNCTIONS = {dialect: names_of_functions(dialect) for dialect in DIALECTS}
# No statement that only reads has one of these outside quotes; no name of the schema is one.
NEVER = frozenset(
    """
    INSERT UPDATE DELETE DROP CREATE ALTER TRUNCATE MERGE COPY INTO OUTFILE DUMPFILE ATTACH DETACH
    PRAGMA VACUUM REINDEX ANALYZE BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE SET USE SHOW DESCRIBE
    EXPLAIN CALL EXECUTE PREPARE DEALLOCATE DO HANDLER LOAD INSTALL LOCK UNLOCK GRANT REVOKE LISTEN
    NOTIFY RETURNING SHARE TABLE TABLESAMPLE PROCEDURE TRIGGER FUNCTION DATABASE
    """.split()
)
# Words that may stand before a parenthesis without being a function.
BEFORE_PARENTHESIS = frozenset(
    """
    ALL AND ANY AS BETWEEN BY DISTINCT DIV ELSE EXCEPT EXISTS FILTER FROM GROUP HAVING IN INTERSECT
    JOIN LATERAL LIKE LIMIT MATERIALIZED NOT OFFSET ON OR OVER QUALIFY REGEXP SELECT SOME THEN UNION
    USING VALUES WHEN WHERE EXCLUDE CASE ILIKE GLOB IS XOR MOD RLIKE TO ESCAPE
    """.split()
)
TYPES = frozenset("INTEGER VARCHAR CHAR DECIMAL NUMERIC FLOAT DOUBLE INT CHARACTER".split())
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`")


def is_harmless(sql: str, dialect: str) -> bool:
    """Whether a statement, read character by character, is one query of listed functions alone."""
    bare = QUOTED.sub(lambda match: "0" if match.group()[0] == "'" else '"', sql)
    body = bare.rstrip().removesuffix(";")
    if any(mark in body for mark in (";", "--", "/*", "*/", "#", "@", "?", "$", "\\", "{", ":=")):
        return False
    if any(ord(c) < 32 and c not in "\t\n\r\f" for c in bare):
        return False
    if any(ord(c) > 126 and not (c.isalpha() and normalize("NFKC", c) == c) for c in bare):
        return False
    words = re.findall(r"[^\W\d]\w*", bare)
    if not words or words[0].upper() not in ("SELECT", "WITH", "VALUES"):
        return False
    if any(word.upper() in NEVER for word in words):
        return False
    for word in re.findall(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(", bare):
        is_listed = word.upper() in FUNCTIONS[dialect] | BEFORE_PARENTHESIS | TYPES
        # Otherwise it is the statement's own: WITH n (x) AS (...), or AS v (a, b).
        own = rf"(\bWITH(\s+RECURSIVE)?|,|\)|\bAS)\s+{word}\s*\([\w,\s]*\)"
        if not is_listed and not re.search(own, bare, re.IGNORECASE):
            return False
    own = re.sub(r"\b(main|public)\s*\.", "", bare, flags=re.IGNORECASE)
    return re.search(r"\w\s*\.\s*\w+\s*\.", own) is None  # no name with two before it


@pytest.mark.parametrize("dialect", DIALECTS)
def test_mutations_that_are_let_through_are_harmless(
    dialect: str, shop: sqlite3.Connection
) -> None:
    draw = random.Random(f"mutations of {dialect}")
    good = [row["sql"] for row in ALLOWED if row["dialect"] == dialect]
    bad = [row["sql"] for row in FORBIDDEN if row["dialect"] == dialect]
    n_let_through = 0
    for _ in range(N_MUTATIONS):
        sql = mutate(good, bad, draw)
        verdict = check_statement(sql, SHOP, dialect)
        if verdict.problems:
            assert not verdict.prepares
            continue
        n_let_through += 1
        assert is_harmless(sql, dialect), (dialect, sql)
        if dialect == "sqlite":
            shop.execute(f"EXPLAIN {sql}").close()
    # Some mutations, such as other blanks, are good statements; most are not.
    assert 0 < n_let_through < N_MUTATIONS / 2


# What would do harm if it were run; the others are refused for being wrong or unclear.
HARMFUL = ("more than one", "it ", "a function", "a table function", "a parameter")


@pytest.mark.parametrize(
    "sql",
    [
        row["sql"]
        for row in FORBIDDEN
        if row["dialect"] == "sqlite"
        and row["why"].startswith(HARMFUL)
        and "main." not in row["sql"]  # refused, though SQLite means its own table by it
    ],
)
def test_the_judge_of_mutations_sees_what_is_forbidden(sql: str) -> None:
    """Were the checks to let everything through, the test above would fail."""
    assert not is_harmless(sql, "sqlite") or not prepares(sql)


def prepares(sql: str) -> bool:
    connection = sqlite3.connect(":memory:")
    connection.executescript(DDL)
    connection.set_authorizer(authorize)
    try:
        connection.execute(f"EXPLAIN {sql}").close()
    except (sqlite3.Error, ValueError):
        return False
    finally:
        connection.close()
    return True
