"""ALTER TABLE and new names where something stands against them: the real engines have a say.

Each schema is read twice, from its text and from a database that was made of it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from servers.addresses import mysql_address, postgres_address
from servers.engine import RealEngine
from sqlstrict.source import resolve_source
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement, infer_columns
from sqlstrictd.verify.verdict import Problem

ENGINES = {
    "sqlite": "sqlite_engine",
    "postgres": "postgres_engine",
    "duckdb": "duckdb_engine",
    "mysql": "mariadb_engine",
}
EVERYTHING = Policy(frozenset(KINDS), allows_unfiltered=True)
TABLE = "CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER"
ALL = tuple(ENGINES)
NOT_MYSQL = ("sqlite", "postgres", "duckdb")

# The schema, and the dialects that have its form.
SCHEMAS = {
    "nothing": (f"{TABLE});", ALL),
    "index": (f"{TABLE}); CREATE INDEX i ON t (a);", ALL),
    "index of two": (f"{TABLE}); CREATE INDEX i ON t (c, a);", ALL),
    "unique index": (f"{TABLE}); CREATE UNIQUE INDEX i ON t (a);", ALL),
    "unique index of two": (f"{TABLE}); CREATE UNIQUE INDEX i ON t (b, a);", ALL),
    "expression": (f"{TABLE}); CREATE INDEX i ON t ((a + b));", NOT_MYSQL),
    "part": (f"{TABLE}); CREATE INDEX i ON t (c) WHERE a > 1;", ("sqlite", "postgres")),
    "unnamed": (f"{TABLE}); CREATE INDEX ON t (a);", ("postgres",)),
    "mysql keys": (f"{TABLE}, KEY (a), UNIQUE KEY i (b, a), KEY z (c));", ("mysql",)),
    "unique": (f"{TABLE}, UNIQUE (a));", ALL),
    "unique of two": (f"{TABLE}, UNIQUE (b, a));", ALL),
    "named unique": (f"{TABLE}, CONSTRAINT i UNIQUE (a));", ALL),
    "unique column": ("CREATE TABLE t (c INTEGER, a INTEGER UNIQUE, b INTEGER);", ALL),
    "primary": ("CREATE TABLE t (b INTEGER, a INTEGER PRIMARY KEY, c INTEGER);", ALL),
    "named primary": (f"{TABLE}, CONSTRAINT i PRIMARY KEY (a));", ALL),
    "own check": ("CREATE TABLE t (a INTEGER CHECK (a > 0), b INTEGER, c INTEGER);", ALL),
    "check": (f"{TABLE}, CHECK (a > 0));", ALL),
    "check of two": (f"{TABLE}, CONSTRAINT i CHECK (a > b));", ALL),
    "computed": (f"{TABLE}, g INTEGER GENERATED ALWAYS AS (a + 1) STORED);",
                 ("sqlite", "postgres", "mysql")),
    "computed virtually": (f"{TABLE}, g INTEGER GENERATED ALWAYS AS (a + 1));", ("duckdb",)),
    "view": (f"{TABLE}); CREATE VIEW v AS SELECT a FROM t;", ALL),
    "view of all": (f"{TABLE}); CREATE VIEW v AS SELECT * FROM t;", ALL),
    "view and view": (f"{TABLE}); CREATE VIEW v AS SELECT * FROM t;"
                      "CREATE VIEW w (x) AS SELECT a FROM v WHERE b > 1;", ALL),
    "view that joins": (f"{TABLE}); CREATE TABLE u (b INTEGER, z INTEGER);"
                        "CREATE VIEW v AS SELECT t.a, z FROM t JOIN u USING (b);", ALL),
    "natural view": (f"{TABLE}); CREATE TABLE u (a INTEGER, z INTEGER);"
                     "CREATE VIEW v AS SELECT z FROM t NATURAL JOIN u;", ALL),
    "broken view": (f"{TABLE}); CREATE TABLE u (a INTEGER);"
                    "CREATE VIEW v AS SELECT a FROM u; DROP TABLE u;", ("sqlite",)),
    "trigger": (f"{TABLE}); CREATE TRIGGER g AFTER INSERT ON t BEGIN"
                " DELETE FROM t WHERE a = 3 AND b = 'it''s'; END;", ("sqlite",)),
    "trigger on a column": (f"{TABLE}); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                            " $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER g BEFORE UPDATE OF a ON"
                            " t FOR EACH ROW WHEN (NEW.b > 1) EXECUTE FUNCTION f();",
                            ("postgres",)),
    "policy": (f"{TABLE}); CREATE POLICY p ON t USING (a > 1);", ("postgres",)),
    "parts": (f"{TABLE}) PARTITION BY RANGE (a); CREATE TABLE i PARTITION OF t FOR VALUES FROM (1)"
              " TO (9);", ("postgres",)),
    "sequence": (f"{TABLE}); CREATE SEQUENCE i; CREATE TYPE z AS ENUM ('x');", ("postgres",)),
    "serial": ("CREATE TABLE t (a SERIAL, b INTEGER UNIQUE, c INTEGER, PRIMARY KEY (a));",
               ("postgres",)),
    "excluded": (f"{TABLE}, EXCLUDE USING btree (a WITH =));", ("postgres",)),
    "foreign key": ("CREATE TABLE u (id INTEGER PRIMARY KEY, z INTEGER);"
                    f"{TABLE}, CONSTRAINT i FOREIGN KEY (a) REFERENCES u (id));", ALL),
    "unnamed foreign key": ("CREATE TABLE u (id INTEGER PRIMARY KEY, z INTEGER);"
                            f"{TABLE}, FOREIGN KEY (a) REFERENCES u (id));", ALL),
    "referenced": ("CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER, c INTEGER);"
                   "CREATE TABLE u (x INTEGER, FOREIGN KEY (x) REFERENCES t (a));", ALL),
    "virtual": (f"{TABLE}); CREATE VIRTUAL TABLE i USING fts5 (z);", ("sqlite",)),
}  # fmt: skip
STATEMENTS = [
    *(f"ALTER TABLE t DROP COLUMN {column}" for column in "abc"),
    *(f"ALTER TABLE t RENAME COLUMN {column} TO z" for column in "ac"),
    "ALTER TABLE t ADD COLUMN z INTEGER",
    *(f"ALTER TABLE t RENAME TO {name}" for name in "ivyz"),
    *(f"CREATE TABLE {name} (q INTEGER)" for name in ("i", "I", "v", "y", "z", "i_data")),
    *(f"CREATE VIEW {name} AS SELECT 1 AS q" for name in "iz"),
    *(f"CREATE INDEX {name} ON t (b)" for name in ("i", "I", "a", "a_2", "v", "y")),
    *(f"CREATE INDEX t_{name} ON t (b)"
      for name in ("pkey", "a_key", "b_key", "b_a_key", "a_idx", "b_idx", "a_seq", "a_excl")),
    "CREATE TABLE y (q INTEGER, CONSTRAINT i UNIQUE (q))",
    "CREATE TABLE y (q INTEGER, CONSTRAINT y_key UNIQUE (q))",
]  # fmt: skip
# What stands against nothing here, and so must pass: schema, statement, dialects.
FREE = [
    ("index", "ALTER TABLE t DROP COLUMN a", ("postgres", "mysql")),
    ("index", "ALTER TABLE t DROP COLUMN b", ("sqlite", "postgres", "mysql")),
    ("index", "ALTER TABLE t RENAME COLUMN a TO z", ("sqlite", "postgres", "mysql")),
    ("index", "ALTER TABLE t ADD COLUMN z INTEGER", ALL),
    ("index", "CREATE INDEX y ON t (a)", ALL),
    ("unique", "ALTER TABLE t RENAME COLUMN a TO z", ALL),
    ("unique", "ALTER TABLE t DROP COLUMN c", ALL),
    ("check of two", "ALTER TABLE t DROP COLUMN c", ALL),
    ("check of two", "ALTER TABLE t DROP COLUMN a", ("postgres",)),
    ("view", "ALTER TABLE t DROP COLUMN b", ALL),
    ("view", "ALTER TABLE t DROP COLUMN a", ("duckdb", "mysql")),
    ("view", "ALTER TABLE t RENAME COLUMN a TO z", ("postgres", "duckdb", "mysql")),
    ("view", "ALTER TABLE t RENAME TO z", ALL),
    ("view that joins", "ALTER TABLE t DROP COLUMN c", ALL),
    ("foreign key", "ALTER TABLE t DROP COLUMN b", ALL),
]


@pytest.fixture(params=list(ENGINES))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(dialect: str, request: pytest.FixtureRequest) -> RealEngine:
    """The dialect's real engine."""
    engine: RealEngine = request.getfixturevalue(ENGINES[dialect])
    return engine


def introspected(ddl: str, dialect: str, engine: RealEngine, folder: Path) -> Schema:
    """The schema as the client reads it from a database; the engine has it already."""
    place = str(folder / "t.db")
    if dialect == "sqlite":
        connection = sqlite3.connect(place)
        connection.executescript(ddl)
        connection.close()
    elif dialect == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        database = duckdb.connect(place)
        database.execute(ddl)
        database.close()
    else:
        address = postgres_address if dialect == "postgres" else mysql_address
        place = address(engine)
    source = resolve_source(place, lambda: b"")
    assert source.ddl is not None
    return parse_schema(source.ddl, dialect, infer_columns)


@pytest.mark.parametrize("name", SCHEMAS)
def test_definitions_that_pass_work_on_the_real_engine(
    name: str, dialect: str, engine: RealEngine, tmp_path: Path
) -> None:
    ddl, dialects = SCHEMAS[name]
    if dialect not in dialects:
        pytest.skip("the dialect has no such form")
    engine.load(ddl)
    complaints = {statement: complaint(engine, ddl, statement) for statement in STATEMENTS}
    for schema in (read(name, dialect), introspected(ddl, dialect, engine, tmp_path)):
        passed = [
            (statement, complained)
            for statement, complained in complaints.items()
            if complained and not refusals(statement, schema, dialect)
        ]
        assert not passed, dialect


def test_nothing_is_refused_without_reason(dialect: str, engine: RealEngine) -> None:
    ddl, _ = SCHEMAS["nothing"]
    engine.load(ddl)
    schema = read("nothing", dialect)
    for statement in STATEMENTS:
        problems = refusals(statement, schema, dialect)
        if "_seq" not in statement:  # it may be a sequence of PostgreSQL's own
            assert bool(problems) == bool(complaint(engine, ddl, statement)), (statement, problems)


@pytest.mark.parametrize(("name", "statement", "dialects"), FREE)
def test_what_nothing_stands_against_passes(
    name: str, statement: str, dialects: tuple[str, ...]
) -> None:
    for dialect in dialects:
        assert refusals(statement, read(name, dialect), dialect) == ()


def read(name: str, dialect: str) -> Schema:
    """A schema as its text tells it; what the text makes and drops again is not in it."""
    ddl, _ = SCHEMAS[name]
    if name == "broken view":
        ddl = ddl.replace("CREATE TABLE u (a INTEGER);", "")
    return parse_schema(ddl, dialect, infer_columns)


def refusals(statement: str, schema: Schema, dialect: str) -> tuple[Problem, ...]:
    """The problems of a statement, of any kind that there is."""
    return check_statement(statement, schema, dialect, EVERYTHING).problems


def complaint(engine: RealEngine, ddl: str, statement: str) -> str:
    """What the engine says of a definition; in SQLite, not what its views say afterwards."""
    if not engine.name.startswith("SQLite"):
        return engine.try_definition(statement)
    connection = sqlite3.connect(":memory:")
    connection.executescript(ddl)
    try:
        connection.execute(statement)
    except sqlite3.Error as error:
        return str(error)
    finally:
        connection.close()
    return ""
