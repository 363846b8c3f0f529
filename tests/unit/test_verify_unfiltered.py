"""Conditions that hold for every row, told from those that do not, in all dialects."""

from __future__ import annotations

import pytest
from sqlstrictd.policy import Policy
from sqlstrictd.schema.types import Column, Schema, Table
from sqlstrictd.verify import check_statement

DIALECTS = ("sqlite", "postgres", "duckdb", "mysql", "ansi")
SHOP = Schema(
    "sqlite",
    (
        Table(
            "orders",
            (
                Column("id", "INTEGER"),
                Column("status", "TEXT"),
                Column("price", "INTEGER"),
                Column("paid", "BOOLEAN"),
            ),
        ),
    ),
)
WRITES = Policy(frozenset({"update", "delete"}))
ALL_ROWS = Policy(frozenset({"update", "delete"}), allows_unfiltered=True)

ALWAYS = [
    "1 = 1",
    "1 <> 2",
    "2 > 1",
    "-1 < 2 * 3",
    "1 + 1 = 2",
    "'a' = 'a'",
    "'a' <> 'b'",
    "TRUE",
    "NOT FALSE",
    "NOT (1 = 0)",
    "(((1 = 1)))",
    "id = id",
    "id >= id",
    "orders.id = id",
    "ID = Id",
    "(id) = id",
    "price + 1 = price + 1",
    "NOT id <> id",
    "id BETWEEN id AND id",
    "id IN (1, id)",
    "3 IN (1, 2, 3)",
    "2 BETWEEN 1 AND 3",
    "status LIKE '%'",
    "id = 3 OR 1 = 1",
    "id = 3 OR id = id",
    "id = 3 OR (status = 'open' OR 2 = 2)",
    "1 = 1 AND id = id",
    "NOT (id = 3 AND 1 = 0)",
    "status IS NULL OR status IS NOT NULL",
    "status IS NOT NULL OR id = 1 OR status IS NULL",
    "NOT (status IS NULL) OR status IS NULL",
    "id = 3 OR id <> 3",
    "id < 3 OR id >= 3",
    "paid OR NOT paid",
    "NOT (status IS NULL AND status IS NOT NULL)",
    "1 IS NOT NULL",
    "NULL IS NULL",
    "EXISTS (SELECT 1)",
    "1 = (SELECT 1)",
    "CASE WHEN 1 = 1 THEN TRUE ELSE FALSE END",
    "COALESCE(NULL, 1) = 1",
    "CAST(1 AS INTEGER) = 1",
    "NOT (status NOT LIKE '%')",
]
SOMETIMES = [
    "id = 1",
    "id = price",
    "id = -id",
    "id <> 1 OR price <> 1",
    "id < 3 OR id > 3",
    "status = 'open' OR status IS NULL",
    "status IS NULL OR price IS NOT NULL",
    "paid",
    "NOT paid",
    "1 = 0",
    "FALSE",
    "id <> id",
    "1 = 1 AND id = 3",
    "id = 1 OR 1 = 0",
    "NOT (id = id)",
    "NULL IS NOT NULL",
    "status LIKE '%n%'",
    "status LIKE '_%'",
    "status NOT LIKE '%'",
    "id IN (1, 2)",
    "id NOT IN (1, id)",
    "id BETWEEN 1 AND 5",
    "EXISTS (SELECT 1 FROM orders AS other WHERE other.price > 3)",
    "EXISTS (SELECT 1 WHERE 1 = 0)",
    "id = (SELECT MIN(id) FROM orders AS other)",
    "CASE WHEN id = 1 THEN TRUE ELSE FALSE END",
    "COALESCE(paid, TRUE)",
]
# Conditions that are no such in every dialect.
OWN_ALWAYS = [
    ("sqlite", "1"),
    ("mysql", "1"),
    ("sqlite", "1 + 1"),
    ("mysql", "'1' = 1"),
    ("mysql", "'1x' OR 1"),
    ("mysql", "id <=> id"),
    ("sqlite", "id IS id"),
    ("sqlite", "price ISNULL OR price NOTNULL"),
    ("postgres", "id IS NOT DISTINCT FROM id"),
    ("duckdb", "id IS NOT DISTINCT FROM id"),
    ("postgres", "paid IS NULL OR paid IS NOT NULL"),
]
OWN_SOMETIMES = [
    ("sqlite", "'1' = 1"),
    ("sqlite", "0"),
    ("mysql", "0"),
    ("mysql", "price"),
    ("postgres", 'id = 1 OR "id" = 2'),
]


def problems(condition: str, dialect: str, policy: Policy = WRITES) -> list[tuple[str, str]]:
    found = []
    for statement in ("DELETE FROM orders", "UPDATE orders SET price = 3"):
        verdict = check_statement(f"{statement} WHERE {condition}", SHOP, dialect, policy)
        found += [(problem.check, problem.message) for problem in verdict.problems]
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("condition", ALWAYS)
def test_what_holds_for_every_row_is_no_condition(condition: str, dialect: str) -> None:
    message = "A WHERE that holds for every row is none, and is not allowed here."
    assert problems(condition, dialect) == [("policy", message)] * 2
    assert "policy" not in dict(problems(condition, dialect, ALL_ROWS))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("condition", SOMETIMES)
def test_what_may_not_hold_is_one(condition: str, dialect: str) -> None:
    assert problems(condition, dialect) == []


@pytest.mark.parametrize(("dialect", "condition"), OWN_ALWAYS)
def test_conditions_of_one_dialect(dialect: str, condition: str) -> None:
    assert [check for check, _ in problems(condition, dialect)] == ["policy"] * 2


@pytest.mark.parametrize(("dialect", "condition"), OWN_SOMETIMES)
def test_conditions_of_one_dialect_that_may_not_hold(dialect: str, condition: str) -> None:
    assert "policy" not in dict(problems(condition, dialect))


def test_queries_may_take_every_row() -> None:
    assert not check_statement("SELECT id FROM orders WHERE 1 = 1", SHOP).problems
