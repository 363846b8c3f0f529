"""What people write beside plain queries: the check says what the engine says, of every statement.

`fixtures/checked` holds them, `+` where the engine prepares a statement and `-` where it does not:
names with a namespace, functions in FROM, JSON, arrays, casts to enums, options of definitions. The
schema is that of the type checks' tests (`fixtures/types`), and what `checked/more.*` adds.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.engine import RealEngine
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify import check_statement

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FOLDER = FIXTURES / "checked"
ENGINES = {
    "sqlite": "sqlite_engine",
    "postgres": "postgres_engine",
    "duckdb": "duckdb_engine",
    "mysql": "mariadb_engine",
}
EVERYTHING = Policy(frozenset(KINDS), True)
DEFINITIONS = ("CREATE", "ALTER")


def read(dialect: str) -> list[tuple[str, str]]:
    lines = (FOLDER / f"{dialect}.sql").read_text("utf-8").splitlines()
    return [(line[0], line[2:]) for line in lines]


def ddl_of(dialect: str) -> str:
    name = f"{dialect}.sql"
    parts = (FIXTURES / "types" / f"shop.{name}", FOLDER / f"more.{name}")
    return "\n".join(part.read_text("utf-8") for part in parts if part.exists())


@pytest.mark.parametrize("dialect", ENGINES)
def test_the_check_says_what_the_engine_says(dialect: str, request: pytest.FixtureRequest) -> None:
    engine: RealEngine = request.getfixturevalue(ENGINES[dialect])
    ddl = ddl_of(dialect)
    engine.load(ddl)
    schema = parse_schema(ddl, dialect)
    wrong = []
    statements = read(dialect)
    assert len(statements) > 50
    for mark, sql in statements:
        is_definition = sql.startswith(DEFINITIONS)
        complaint = engine.try_definition(sql) if is_definition else engine.prepare(sql)
        problems = check_statement(sql, schema, dialect, EVERYTHING).problems
        if (mark == "+", not complaint) != (not problems, mark == "+"):
            wrong.append((mark, sql, complaint, problems))
    assert wrong == []
