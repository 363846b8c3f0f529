"""The real engines of the tests: what each says of statements, and what it leaves behind."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.engine import EngineMissing, RealEngine
from servers.process import ServerProcess

TESTS = Path(__file__).resolve().parents[1]
ENGINES = ("sqlite_engine", "postgres_engine", "duckdb_engine", "mariadb_engine")
SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40));
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id));
"""
BOOKS = "CREATE TABLE books (id INTEGER PRIMARY KEY, title VARCHAR(80));"
# Of engines that look into a statement's groups.
STRICT_ENGINES = ("postgres_engine", "duckdb_engine", "mariadb_engine")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> RealEngine:
    engine: RealEngine = request.getfixturevalue(request.param)
    engine.load(SHOP)
    return engine


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM customers;",
        "SELECT c.name, COUNT(*) FROM customers AS c JOIN orders AS o ON o.customer_id = c.id"
        " GROUP BY c.id, c.name",
        "SELECT 'it''s 100 % {of} ä 😀' FROM customers",
        "INSERT INTO customers VALUES (1, 'Ada')",
        "UPDATE customers SET name = 'Ada' WHERE id = 1",
        "DELETE FROM orders WHERE id = 1",
    ],
)
def test_a_right_statement_prepares(engine: RealEngine, statement: str) -> None:
    assert engine.prepare(statement) == ""


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT nosuch FROM customers",
        "SELECT name FROM nosuch",
        "SELECT c.name FROM customers",
        "SELECT name FROM customers WHERE id IN (SELECT nosuch FROM orders)",
        "SELECT name FROM",
        "SELECT 1; SELECT 2",
        "INSERT INTO customers VALUES (1, 'Ada', 3)",
        "DELETE FROM orders WHERE nosuch = 1",
        "",
    ],
)
def test_a_wrong_statement_is_complained_of(engine: RealEngine, statement: str) -> None:
    assert engine.prepare(statement) != ""
    assert engine.prepare("SELECT name FROM customers") == ""  # the next is no worse for it


@pytest.mark.parametrize("name", STRICT_ENGINES)
def test_groups_are_strict(name: str, request: pytest.FixtureRequest) -> None:
    engine: RealEngine = request.getfixturevalue(name)
    engine.load(SHOP)
    assert engine.prepare("SELECT customer_id, COUNT(*) FROM orders GROUP BY customer_id") == ""
    assert engine.prepare("SELECT customer_id, COUNT(*) FROM orders") != ""


def test_postgres_compares_no_text_with_numbers(postgres_engine: RealEngine) -> None:
    postgres_engine.load(SHOP)
    assert "operator does not exist" in postgres_engine.prepare(
        "SELECT name FROM customers WHERE name = 1"
    )


def test_a_load_replaces_the_schema(engine: RealEngine) -> None:
    engine.load(BOOKS)
    assert engine.prepare("SELECT title FROM books") == ""
    assert engine.prepare("SELECT name FROM customers") != ""
    engine.load(SHOP)
    assert engine.prepare("SELECT title FROM books") != ""


def test_bad_ddl_is_the_callers_error_and_leaves_the_engine_usable(engine: RealEngine) -> None:
    with pytest.raises(ValueError, match="."):
        engine.load("CREATE TABLE broken (id INTEGER;")
    engine.load(BOOKS)
    assert engine.prepare("SELECT title FROM books") == ""


def test_a_load_undoes_settings_and_databases_of_earlier_ddl(
    postgres_engine: RealEngine, mariadb_engine: RealEngine
) -> None:
    elsewhere = BOOKS.replace("books", "other.books")
    postgres_engine.load(f"SET search_path = pg_catalog; CREATE SCHEMA other; {elsewhere}")
    postgres_engine.load(SHOP)
    assert postgres_engine.prepare("SELECT name FROM customers") == ""
    assert postgres_engine.prepare("SELECT title FROM other.books") != ""
    mariadb_engine.load(f"SET sql_mode = ''; CREATE DATABASE other; USE other; {BOOKS}")
    mariadb_engine.load(SHOP)
    assert mariadb_engine.prepare("SELECT customer_id, COUNT(*) FROM orders") != ""
    assert mariadb_engine.prepare("SELECT title FROM other.books") != ""


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE customers",
        "CREATE TABLE extra (id INTEGER)",
        "DELETE FROM customers WHERE id = 1",
    ],
)
def test_nothing_is_run(engine: RealEngine, statement: str) -> None:
    engine.prepare(statement)
    assert engine.prepare("SELECT name FROM customers") == ""
    assert engine.prepare("SELECT id FROM extra") != ""


def test_a_prepared_insert_leaves_the_table_empty(
    postgres_engine: RealEngine, mariadb_engine: RealEngine, duckdb_engine: RealEngine
) -> None:
    """A constraint that no row of a filled table would meet is added to it: it must be empty."""
    for engine in (postgres_engine, mariadb_engine, duckdb_engine):
        engine.load("CREATE TABLE t (id INTEGER)")
        assert engine.prepare("INSERT INTO t VALUES (1), (1)") == ""
        assert engine.try_definition("CREATE UNIQUE INDEX once ON t (id)") == ""


def test_definitions_are_tried_and_undone(engine: RealEngine) -> None:
    for statement in (
        "CREATE TABLE extra (id INTEGER)",
        "CREATE VIEW names AS SELECT name FROM customers",
        "CREATE INDEX by_name ON customers (name)",
        "ALTER TABLE customers ADD COLUMN extra INTEGER",
    ):
        assert engine.try_definition(statement) == "", statement
    for statement in (
        "CREATE TABLE customers (id INTEGER)",
        "CREATE VIEW names AS SELECT nosuch FROM customers",
        "CREATE INDEX by_name ON customers (nosuch)",
        "ALTER TABLE nosuch ADD COLUMN extra INTEGER",
        "CREATE TABLE extra (id INTEGER); DROP TABLE customers",
    ):
        assert engine.try_definition(statement) != "", statement
    assert engine.prepare("SELECT extra FROM customers") != ""
    assert engine.prepare("SELECT id FROM extra") != ""
    assert engine.prepare("SELECT name FROM names") != ""
    assert engine.prepare("SELECT name FROM customers") == ""


STARTER = """
import json, sys
from servers.start import start
engine = start(sys.argv[1])
server = engine._server
keeper = server._keeper.pid
children = open(f"/proc/{keeper}/task/{keeper}/children").read().split()
print(json.dumps({"folder": str(server.folder), "server": int(children[0])}), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_server_and_no_files(
    dialect: str, end: signal.Signals, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue({"postgres": "postgres_engine", "mysql": "mariadb_engine"}[dialect])
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, dialect],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    ) as starter:
        assert starter.stdout is not None
        started = json.loads(starter.stdout.readline())
        server = os.pidfd_open(started["server"])
        keeper = os.pidfd_open(_parent(started["server"]))
        starter.send_signal(end)
    try:
        for ended in (server, keeper):
            assert select.select([ended], [], [], 60)[0], "it still runs"
        assert not Path(started["folder"]).exists()
    finally:
        os.close(server)
        os.close(keeper)


def test_a_server_that_ends_at_its_start_says_why() -> None:
    process = ServerProcess("it", signal.SIGKILL)
    command = ["/bin/sh", "-c", "echo no such data folder >&2; exit 1"]
    with pytest.raises(EngineMissing, match="no such data folder"):
        process.start(command, process.folder / "socket", _unreachable)
    assert not process.folder.exists()


def test_a_server_that_cannot_be_run_says_why() -> None:
    process = ServerProcess("it", signal.SIGKILL)
    with pytest.raises(EngineMissing, match="No such file"):
        process.start(["/nonexistent/server"], process.folder / "socket", _unreachable)
    assert not process.folder.exists()


def test_a_program_that_fails_says_why() -> None:
    process = ServerProcess("it", signal.SIGKILL)
    with pytest.raises(EngineMissing, match="no room"):
        process.run(["/bin/sh", "-c", "echo no room >&2; exit 3"])
    assert not process.folder.exists()


def _unreachable() -> Callable[[], None]:
    raise AssertionError("nothing listens")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
