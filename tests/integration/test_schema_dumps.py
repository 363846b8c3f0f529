"""Dumps that the engines' own tools wrote, parsed, against what the engines say they hold.

`fixtures/written/` is what users declare; `fixtures/dumps/` is the same as pg_dump, mariadb-dump
and DuckDB's EXPORT DATABASE wrote it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from servers.engine import RealEngine
from sqlstrictd.schema import plain
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import create_statements, render_ddl
from sqlstrictd.schema.types import Column, ForeignKey, Schema

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
DUMPS = {"postgres": "pg_dump", "mysql": "mariadb_dump", "duckdb": "duckdb_export"}
FIXTURE_OF = {"postgres": "postgres_engine", "mysql": "mariadb_engine", "duckdb": "duckdb_engine"}


def written(dialect: str) -> str:
    return (FIXTURES / "written" / f"{dialect}.sql").read_text(encoding="utf-8")


def dumped(dialect: str) -> str:
    return (FIXTURES / "dumps" / f"{DUMPS[dialect]}.sql").read_text(encoding="utf-8")


@pytest.fixture(params=list(DUMPS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(dialect: str, request: pytest.FixtureRequest) -> RealEngine:
    engine: RealEngine = request.getfixturevalue(FIXTURE_OF[dialect])
    return engine


def connection(engine: RealEngine) -> Any:
    """The engine's own connection, to ask it for its catalog."""
    return getattr(engine, "_connection", None) or getattr(engine, "_database", None)


def column(schema: Schema, table: str, name: str) -> Column:
    found = schema.table(table)
    assert found is not None
    column = found.column(name)
    assert column is not None
    return column


def names(schema: Schema) -> dict[str, list[str]]:
    return {table.name: list(table.column_names) for table in schema.tables}


def in_catalog(engine: RealEngine, dialect: str) -> list[tuple[Any, ...]]:
    """(table, column, type in words, whether it may be NULL) of every column, from the engine."""
    namespace = {"postgres": "public", "mysql": "loaded", "duckdb": "main"}[dialect]
    query = f"""SELECT c.table_name, c.column_name, c.data_type, c.is_nullable
        FROM information_schema.columns AS c JOIN information_schema.tables AS t
          ON t.table_schema = c.table_schema AND t.table_name = c.table_name
        WHERE c.table_schema = '{namespace}' AND t.table_type = 'BASE TABLE'
        ORDER BY c.table_name, c.ordinal_position"""
    cursor = connection(engine).cursor()
    cursor.execute(query)
    return [tuple(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("text_of", [written, dumped], ids=["written", "dumped"])
def test_tables_and_columns_are_those_of_the_engine(
    engine: RealEngine, dialect: str, text_of: Any
) -> None:
    engine.load(written(dialect))
    schema = parse_schema(text_of(dialect), dialect)
    theirs: dict[str, list[str]] = {}
    for table, name, _, _ in in_catalog(engine, dialect):
        theirs.setdefault(table, []).append(name)
    theirs.pop("events_2026", None)  # a partition, which is left out
    assert names(schema) == theirs
    # The key columns of a DuckDB table are NOT NULL without saying so.
    nullable = {(table, name): is_null for table, name, _, is_null in in_catalog(engine, dialect)}
    for table in schema.tables:
        for one in table.columns:
            if one.name not in table.primary_key and one.type not in ("NUMERIC(10,2)",):
                assert one.not_null == (nullable[table.name, one.name] == "NO"), one


def test_types_are_those_of_the_engine(engine: RealEngine, dialect: str) -> None:
    engine.load(written(dialect))
    schema = parse_schema(dumped(dialect), dialect)
    for table, name, declared, _ in in_catalog(engine, dialect):
        if table == "events_2026":
            continue
        ours = column(schema, table, name)
        if declared == "ARRAY":
            assert ours.type.endswith("[]")
        elif declared == "USER-DEFINED":
            assert ours.values or name == "home"
        elif dialect == "duckdb":
            theirs = declared.upper().replace(", ", ",").replace('"', "")
            if ours.type != "ENUM":
                assert ours.type.replace('"', "") == theirs
        else:
            bare = ours.type.partition("(")[0] + ours.type.partition(")")[2]
            assert bare.removesuffix(" UNSIGNED") == declared.upper()


def test_keys_and_values_of_what_users_wrote(dialect: str) -> None:
    """The same of the text and of the dump: keys, closed lists, comments, generated columns."""
    for text in (written(dialect), dumped(dialect)):
        schema = parse_schema(text, dialect)
        customers = "customers" if dialect == "postgres" else "Customers"
        orders = schema.table("orders")
        assert orders is not None
        assert orders.primary_key == ("id", "customer_id")
        assert orders.foreign_keys == (ForeignKey(("customer_id",), customers, ("id",)),)
        priority = column(schema, "orders", "priority")
        assert (priority.values, priority.has_number_values) == (("-1", "0", "1"), True)
        assert column(schema, "orders", "vat").is_generated
        assert not column(schema, "orders", "amount").is_generated


def test_values_and_comments_of_a_postgres_dump() -> None:
    for text in (written("postgres"), dumped("postgres")):
        schema = parse_schema(text, "postgres")
        status = column(schema, "orders", "status")
        assert status.type == "ORDER_STATUS"
        assert sorted(status.values) == ["archived", "it's lost", "open", "paid", "sent back"]
        assert column(schema, "orders", "history").values == ()
        stars = column(schema, "orders", "stars")
        assert (stars.type, stars.values) == ("SMALLINT", ("1", "2", "3", "4", "5"))
        assert stars.has_number_values
        assert column(schema, "orders", "size").values == ("S", "M", "L")
        assert column(schema, "orders", "price").type == "NUMERIC(10,2)"
        assert column(schema, "orders", "code").values == ("a", "b")
        assert column(schema, "customers", "tier").values == ("gold", "silver", "a]b", "it's")
        assert column(schema, "customers", "country").values == ("DE", "FR", "GB")
        assert column(schema, "customers", "mood").values == ("sad", "ok")
        assert column(schema, "customers", "id").is_generated
        table = schema.table("customers")
        assert table is not None
        assert table.comment == 'People who bought something; more than "once".'
        assert table.column("Full Name") is not None
        assert column(schema, "customers", "tier").comment == "How much they buy, it's a word"
        assert any("audit.entries" in warning for warning in schema.warnings)
    warnings = parse_schema(dumped("postgres"), "postgres").warnings
    assert any("partition events_2026 left out" in warning for warning in warnings)


def test_values_and_comments_of_a_mysql_dump() -> None:
    for text in (written("mysql"), dumped("mysql")):
        schema = parse_schema(text, "mysql")
        tier = column(schema, "Customers", "tier")
        assert tier.values == ("gold", "silver", "it's", "back\\slash", "a,b)")
        assert column(schema, "Customers", "likes").values == ("tea", "coffee")
        assert column(schema, "Customers", "country").values == ("DE", "FR", "GB")
        assert column(schema, "orders", "status").values == ("open", "paid")
        assert column(schema, "orders", "label").is_generated
        assert column(schema, "Customers", "id").comment == 'it\'s the "id"; yes'
        assert schema.tables[0].comment == 'People who\'ve bought "once"'


def test_values_and_comments_of_a_duckdb_export() -> None:
    for text in (written("duckdb"), dumped("duckdb")):
        schema = parse_schema(text, "duckdb")
        assert column(schema, "customers", "feels").values == ("sad", "ok", "it's fine")
        assert column(schema, "customers", "kind").values == ("firm", "person")
        assert column(schema, "customers", "tier").values == ("gold", "silver", "a]b")
        assert column(schema, "orders", "price").type == "INTEGER"
    commented = parse_schema(written("duckdb"), "duckdb")
    assert commented.tables[0].comment == "People who bought something"


def test_our_own_statements_make_the_same_columns_on_the_engine(
    engine: RealEngine, dialect: str
) -> None:
    schema = parse_schema(dumped(dialect), dialect)
    engine.load(";\n".join(create_statements(schema, dialect)))
    theirs: dict[str, list[str]] = {}
    for table, name, _, _ in in_catalog(engine, dialect):
        theirs.setdefault(table, []).append(name)
    assert names(schema) == theirs


def test_the_engine_refuses_to_write_what_it_generates(engine: RealEngine, dialect: str) -> None:
    schema = parse_schema(dumped(dialect), dialect)
    for ddl in (written(dialect), ";\n".join(create_statements(schema, dialect))):
        engine.load(ddl)
        assert engine.prepare("SELECT vat, amount FROM orders") == ""
        assert engine.prepare("UPDATE orders SET amount = 1 WHERE id = 1") == ""
        if dialect != "mysql":  # which says so when the statement runs
            assert engine.prepare("UPDATE orders SET vat = 1 WHERE id = 1") != ""


@pytest.mark.parametrize("dialect_of_text", list(DUMPS))
def test_any_dump_makes_tables_on_any_engine(
    engine: RealEngine, dialect: str, dialect_of_text: str
) -> None:
    """Types that the engine does not have become ones of their class."""
    schema = parse_schema(dumped(dialect_of_text), dialect)
    engine.load(";\n".join(create_statements(schema, dialect)))
    for table in schema.tables:
        quote = "`" if dialect == "mysql" else '"'
        assert engine.prepare(f"SELECT * FROM {quote}{table.name}{quote}") == ""


def test_renderings_and_plain_values_keep_hints(dialect: str) -> None:
    schema = parse_schema(dumped(dialect), dialect)
    assert plain.from_plain(plain.to_plain(schema)) == schema
    again = parse_schema(render_ddl(schema), dialect)
    for table in schema.tables:
        found = again.table(table.name)
        assert found is not None
        assert found.comment == table.comment
        for one in table.columns:
            other = found.column(one.name)
            assert other is not None
            assert (other.values, other.comment) == (one.values, one.comment)
            assert other.has_number_values == one.has_number_values
