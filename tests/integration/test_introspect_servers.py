"""Schemas read from running servers: the same schema as the text that was loaded into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from servers.addresses import mysql_address, postgres_address
from servers.engine import RealEngine
from sqlstrict.errors import SourceError
from sqlstrict.source import SchemaSource, resolve_source
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import infer_columns

WRITTEN = Path(__file__).resolve().parents[1] / "fixtures" / "written"


def no_stdin() -> bytes:
    raise AssertionError("standard input was read")


def resolve(text: str) -> SchemaSource:
    return resolve_source(text, no_stdin)


def written(dialect: str) -> str:
    return (WRITTEN / f"{dialect}.sql").read_text(encoding="utf-8")


def described(schema: Schema) -> dict[str, Any]:
    """All that a schema says, in an order that does not depend on the text's."""
    return {
        table.name: (
            table.columns,
            table.primary_key,
            sorted(table.foreign_keys, key=str),
            table.comment,
        )
        for table in schema.tables
    }


def test_a_postgres_database(postgres_engine: RealEngine) -> None:
    postgres_engine.load(written("postgres"))
    source = resolve(postgres_address(postgres_engine))
    assert (source.dialect, source.place) == ("postgres", "postgresql://sqlstrict@/postgres")
    assert source.ddl is not None
    dump = (WRITTEN.parent / "dumps" / "pg_dump.sql").read_text(encoding="utf-8")
    read = parse_schema(source.ddl, "postgres")
    assert described(read) == described(parse_schema(dump, "postgres", infer_columns))
    assert "DEFAULT" not in source.ddl
    assert [warning.partition(": ")[2] for warning in source.warnings] == [
        "partition left out: events_2026",
        "table of another schema left out: audit.entries",
    ]


def test_the_ddl_of_a_postgres_database_loads_again(postgres_engine: RealEngine) -> None:
    postgres_engine.load("CREATE TABLE a (x int PRIMARY KEY, y text NOT NULL);")
    ddl = resolve(postgres_address(postgres_engine)).ddl
    assert ddl is not None
    postgres_engine.load(ddl)
    assert resolve(postgres_address(postgres_engine)).ddl == ddl


def test_another_schema_of_a_postgres_database(postgres_engine: RealEngine) -> None:
    postgres_engine.load(written("postgres"))
    more = "&options=-csearch_path%3Daudit"
    source = resolve(postgres_address(postgres_engine, more=more))
    assert source.ddl is not None
    assert [table.name for table in parse_schema(source.ddl, "postgres").tables] == ["entries"]


def test_a_mysql_database(mariadb_engine: RealEngine) -> None:
    mariadb_engine.load(written("mysql"))
    source = resolve(mysql_address(mariadb_engine))
    assert (source.dialect, source.place) == ("mysql", "mysql://root@localhost/loaded")
    assert source.ddl is not None
    dump = (WRITTEN.parent / "dumps" / "mariadb_dump.sql").read_text(encoding="utf-8")
    dumped = parse_schema(dump, "mysql", infer_columns)
    assert described(parse_schema(source.ddl, "mysql")) == described(dumped)
    assert "AUTO_INCREMENT=" not in source.ddl
    assert source.warnings == ()


def test_a_duckdb_file(tmp_path: Path, duckdb_engine: RealEngine) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "shop.duckdb"
    made = duckdb.connect(str(path))
    made.execute(written("duckdb"))
    made.execute("CREATE SCHEMA audit; CREATE TABLE audit.entries (id INTEGER)")
    made.close()
    before = path.read_bytes()
    for text in (str(path), f"duckdb:///{path}"):
        source = resolve(text)
        assert (source.dialect, source.place) == ("duckdb", text)
        assert source.ddl is not None
        read = parse_schema(source.ddl, "duckdb")
        export = (WRITTEN.parent / "dumps" / "duckdb_export.sql").read_text(encoding="utf-8")
        without_comments = parse_schema(export, "duckdb", infer_columns)
        assert [table.column_names for table in read.tables] == [
            table.column_names for table in without_comments.tables
        ]
        tables = described(read)
        assert tables["Customers"][3] == "People who bought something"
        assert tables["orders"] == described(without_comments)["orders"]
        duckdb_engine.load(source.ddl)
        assert source.warnings == ("shop.duckdb: table of another schema left out: audit.entries",)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_servers_that_do_not_answer(
    postgres_engine: RealEngine, mariadb_engine: RealEngine, tmp_path: Path
) -> None:
    for address, problem in (
        (postgres_address(postgres_engine, "nosuch"), "nosuch"),
        (mysql_address(mariadb_engine, "nosuch"), "nosuch"),
        (f"postgresql://me:secret@/x?host={quote(str(tmp_path), safe='')}", "postgresql://me@/x"),
        ("mysql://me:secret@127.0.0.1:1/x", "mysql://me@127.0.0.1:1/x"),
    ):
        with pytest.raises(SourceError, match=problem) as caught:
            resolve(address)
        assert caught.value.reason == "DATABASE_UNREADABLE"
        assert "secret" not in caught.value.message


def test_databases_without_tables(
    postgres_engine: RealEngine, mariadb_engine: RealEngine, tmp_path: Path
) -> None:
    postgres_engine.load("CREATE SCHEMA other; CREATE TABLE other.t (x int)")
    mariadb_engine.load("CREATE TABLE t (x int); CREATE VIEW v AS SELECT x FROM t; DROP TABLE t")
    for address, left in (
        (postgres_address(postgres_engine), "table of another schema left out: other.t"),
        (mysql_address(mariadb_engine), "view left out: v"),
    ):
        with pytest.raises(SourceError, match=f"no table to ask about.*{left}"):
            resolve(address)
