"""What the grammar lets be written, held against a matcher of bytes: real llguidance, no model."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from byte_matcher import ByteMatcher
from sqlstrictd.constraint import (
    Skeleton,
    all_from_sets,
    draft_grammar,
    exact_grammar,
    skeleton_of,
    skeleton_of_sets,
)
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_from_sets
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Schema

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "constraint"


def read_lines(name: str) -> list[str]:
    """The statements of a fixture, one a line; in refused.sql each is one slip away from good."""
    return (FIXTURES / f"{name}.sql").read_text("utf-8").splitlines()


def read_schema(name: str) -> Schema:
    return parse_schema((FIXTURES / f"{name}.sql").read_text("utf-8"))


def exact_matcher(schema: Schema, skeleton: Skeleton, dialect: str = "sqlite") -> ByteMatcher:
    return ByteMatcher(exact_grammar(schema, skeleton, dialect, Policy()).text)


@pytest.mark.parametrize("statement", read_lines("written"))
def test_a_good_statement_can_be_written(statement: str) -> None:
    schema = read_schema("shop")
    database = open_database(schema)
    database.execute(f"EXPLAIN {statement}")
    database.close()
    assert exact_matcher(schema, skeleton_of(statement, schema, "sqlite")).accepts(statement)
    assert ByteMatcher(draft_grammar(schema, "sqlite", Policy()).text).accepts(statement)


@pytest.mark.parametrize("statement", read_lines("refused"))
def test_a_bad_statement_cannot(statement: str) -> None:
    schema = read_schema("shop")
    skeleton = skeleton_of(statement, schema, "sqlite")
    skeleton = skeleton.and_also(skeleton_of_sets(all_from_sets(schema)))
    assert not exact_matcher(schema, skeleton).accepts(statement)


def open_database(schema: Schema) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    for create in create_statements(schema):
        database.execute(create)
    return database


@pytest.mark.parametrize("name", ["shop", "hostile"])
def test_noise_prepares_and_comes_to_an_end(name: str) -> None:
    schema = read_schema(name)
    sets = [*all_from_sets(schema)[:7], tuple(sorted(table.name for table in schema.tables[:2]))]
    matcher = ByteMatcher.of(schema, sets)
    database = open_database(schema)
    n_written = 0
    for seed in range(120):
        statement = matcher.write_noise(seed)
        if statement is not None:
            n_written += 1
            database.execute(f"EXPLAIN {statement}")
            assert statement.endswith(";")
    assert n_written > 100
    database.close()


def test_odd_names_are_written_as_they_are() -> None:
    schema = read_schema("hostile")
    sets = [("order",), ("T1",), ("Größe/[x]*",), ("T1", "order"), ("T1", "T1")]
    matcher = ByteMatcher.of(schema, sets)
    database = open_database(schema)
    for statement in (
        'SELECT "select", "a ""b""" FROM "order" WHERE "naïve name" = \'Zoë\';',
        'SELECT "日本" FROM "Größe/[x]*" WHERE "100%" > 5 ORDER BY "it\'s";',
        "SELECT COUNT FROM T1 WHERE COUNT IS NOT NULL;",
        "SELECT COUNT(COUNT), MAX(MAXIMUM) FROM T1;",
        'SELECT "order"."x.y", T1."order id" FROM "order" JOIN T1 ON "order".T1 = T1."order";',
    ):
        database.execute(f"EXPLAIN {statement}")
        assert matcher.accepts(statement), statement
    database.close()
    for statement in (
        'SELECT select FROM "order";',
        'SELECT naïve name FROM "order";',
        'SELECT "COUNT" FROM T1;',
        "SELECT 日本 FROM T1;",
    ):
        assert not matcher.accepts(statement), statement


def test_a_string_may_hold_any_script_but_no_control_character() -> None:
    schema = read_schema("shop")
    matcher = ByteMatcher.of(schema, [("customers",)])
    for text in ("Zoë", "東京", "O''Brien", "😀", "%_%", "--", "<|im_end|>"):
        assert matcher.accepts(f"SELECT id FROM customers WHERE name = '{text}';"), text
    for text in ("a\nb", "a\0b", "a\u202eb", "a\u2028b", "\x1b[2J", "a'b"):
        assert not matcher.accepts(f"SELECT id FROM customers WHERE name = '{text}';"), text


def test_what_a_dialect_lacks_is_not_written() -> None:
    schema = read_schema("shop")
    ansi = ByteMatcher.of(schema, [("orders",)], "ansi")
    assert ansi.accepts("SELECT COALESCE(status, 'none') FROM orders;")
    assert not ansi.accepts("SELECT IFNULL(status, 'none') FROM orders;")
    assert not ansi.accepts("SELECT GROUP_CONCAT(status) FROM orders;")
    assert not ansi.accepts("SELECT STRFTIME('%Y', placed_on) FROM orders;")


def test_the_sets_chosen_for_a_question_are_enough_for_its_answer() -> None:
    schema = read_schema("shop")
    sets = choose_from_sets(schema, "Which customers have open orders for a product over 5?")
    statement = (
        "SELECT DISTINCT customers.name FROM customers JOIN orders ON customers.id ="
        " orders.customer_id JOIN order_items ON orders.id = order_items.order_id JOIN products ON"
        " order_items.product_id = products.id WHERE orders.status = 'open' AND"
        " products.price > 5;"
    )
    assert ByteMatcher.of(schema, sets).accepts(statement)


def test_a_draft_names_any_column_behind_the_usual_names_of_a_query_in_from() -> None:
    matcher = ByteMatcher(draft_grammar(read_schema("shop"), "sqlite", Policy()).text)
    inner = "(SELECT status, COUNT(*) AS n FROM orders GROUP BY status)"
    for name in ("t", "sub", "counts"):
        assert matcher.accepts(f"SELECT {name}.n FROM {inner} AS {name} WHERE {name}.n > 1;")
    for name in ("T1", "o", "p", "orders", "Orders", "ord"):
        assert not matcher.accepts(f"SELECT {name}.n FROM {inner} AS {name};"), name
    assert not matcher.accepts(f"SELECT n FROM {inner} AS t;")
