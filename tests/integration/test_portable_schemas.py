"""The bench's schemas in other dialects: the engines take them, and they say the same."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from servers.engine import RealEngine
from sqlstrictd import dialects
from sqlstrictd.dialects import value_class
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.names import quote_name

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted(
    [
        *(REPOSITORY / "tests" / "fixtures" / "schemas").glob("*.sql"),
        *(REPOSITORY / "bench" / "schemas").glob("*.sql"),
    ]
)
ENGINES = {"postgres": "postgres_engine", "duckdb": "duckdb_engine", "mysql": "mariadb_engine"}
# MariaDB takes É and é, which one of the files has, for one name.
CASES = [
    pytest.param(path, dialect, id=f"{path.stem}-{dialect}")
    for path in FILES
    for dialect in ENGINES
    if (path.stem, dialect) != ("odd_names", "mysql")
]
CIRCLE = """
CREATE TABLE heads (id INTEGER PRIMARY KEY, team_id INTEGER REFERENCES teams (id));
CREATE TABLE teams (id INTEGER PRIMARY KEY, head_id INTEGER REFERENCES heads (id), code TEXT,
  lead_code TEXT REFERENCES teams (code), mood TEXT CHECK (mood IN ('it''s fine', 'a\\b')));
CREATE TABLE members (name TEXT, team_id INTEGER REFERENCES TEAMS (ID), born TIMESTAMP);
"""


@pytest.fixture(scope="module")
def portable() -> ModuleType:
    spec = importlib.util.spec_from_file_location("portable", REPOSITORY / "bench/portable.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["portable"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("path", "dialect"), CASES)
def test_every_table_and_column_is_there(
    portable: ModuleType, path: Path, dialect: str, request: pytest.FixtureRequest
) -> None:
    engine: RealEngine = request.getfixturevalue(ENGINES[dialect])
    schema = parse_schema(path.read_text())
    ddl = portable.port(schema, dialect)
    engine.load(ddl)
    ported = parse_schema(ddl, dialect)
    assert {one.name: one.column_names for one in ported.tables} == {
        one.name: one.column_names for one in schema.tables
    }
    for table in schema.tables:
        columns = ", ".join(quote_name(name, dialect) for name in table.column_names)
        assert engine.prepare(f"SELECT {columns} FROM {quote_name(table.name, dialect)}") == ""


@pytest.mark.parametrize("dialect", ENGINES)
def test_keys_and_values_that_the_engine_takes_stay(
    portable: ModuleType, dialect: str, request: pytest.FixtureRequest
) -> None:
    engine: RealEngine = request.getfixturevalue(ENGINES[dialect])
    ddl = portable.port(parse_schema(CIRCLE), dialect)
    engine.load(ddl)
    ported = parse_schema(ddl, dialect)
    keys = {
        (table.name, key.columns, key.referenced_table, key.referenced_columns)
        for table in ported.tables
        for key in table.foreign_keys
    }
    assert ("members", ("team_id",), "teams", ("id",)) in keys
    # Of a circle one key stays; a key to what is no primary key does not.
    assert len(keys) == 2
    mood = ported.table("teams").column("mood")  # type: ignore[union-attr]
    assert mood is not None and mood.values == ("it's fine", "a\\b")


@pytest.mark.parametrize("dialect", ENGINES)
def test_columns_are_spread_over_the_types_of_their_class(
    portable: ModuleType, dialect: str
) -> None:
    columns = ", ".join(f"n{number} INTEGER, t{number} TEXT" for number in range(60))
    schema = parse_schema(f"CREATE TABLE t ({columns});")
    ddl = portable.port(schema, dialect)
    assert ddl == portable.port(schema, dialect)
    facts = dialects.get(dialect)
    classes = {
        value_class(column.type, facts)
        for table in parse_schema(ddl, dialect).tables
        for column in table.columns
    }
    assert {"X", "N", "T", "J"} <= classes
