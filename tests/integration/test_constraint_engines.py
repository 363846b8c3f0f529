"""What the exact grammar lets through prepares on the real engines, without any further check."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from byte_matcher import ByteMatcher
from servers.engine import RealEngine
from sqlstrictd.constraint import (
    FromClause,
    Skeleton,
    Source,
    exact_grammar,
    skeleton_of,
    skeleton_of_sets,
)
from sqlstrictd.constraint.skeleton import Defined, Output
from sqlstrictd.policy import Policy
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

# Statements of noise for each skeleton.
N = 40
JSON_TYPES = {"postgres": "JSONB", "duckdb": "JSON", "mysql": "JSON", "sqlite": "TEXT"}
JOINED = FromClause(
    (Source("customers", "c"), Source("orders", "o")),
    keys=("c.name", "city"),
    order_aliases=("total",),
    pairs=(("c.id", "o.customer_id"),),
)
INSIDE = FromClause((Source("orders", "x"),), outer=(Source("customers", "c"),))
OUTPUTS = (Output("name", "T"), Output("n", "N", is_total=True))
SKELETONS = {
    "joins, groups and correlated queries": Skeleton(
        (JOINED, INSIDE, *skeleton_of_sets([("orders",), ("customers", "orders")]).clauses),
        members=("TN", "DT"),
    ),
    "WITH": Skeleton(
        (
            FromClause((Source("q"),)),
            JOINED,
            FromClause((Source("q", "z"), Source("customers"))),
        ),
        (Defined("q", OUTPUTS, JOINED, is_cte=True),),
    ),
    "queries in FROM": Skeleton(
        (FromClause((Source("q"),)), FromClause((Source("q"), Source("customers")))),
        (Defined("q", OUTPUTS, JOINED, is_cte=False),),
    ),
}
# Each is one slip away from a statement that prepares.
WRONG = {
    "postgres": (
        "SELECT name FROM customers WHERE id = 'x';",
        "SELECT name FROM customers WHERE born > 'soon';",
        "SELECT name, COUNT(*) FROM customers;",
        "SELECT name, COUNT(*) FROM customers GROUP BY city;",
        "SELECT ROUND(weight, 2) FROM orders;",
        "SELECT SUM(name) FROM customers;",
        "SELECT UPPER(id) FROM customers;",
        "SELECT name FROM customers UNION SELECT id FROM customers;",
        "SELECT CASE WHEN id > 1 THEN 'a' ELSE 2 END FROM customers;",
        "SELECT DISTINCT name FROM customers ORDER BY city;",
        "SELECT name FROM customers WHERE SUM(id) > 2;",
        "SELECT name FROM customers HAVING name = 'a';",
        "SELECT name FROM customers ORDER BY 2;",
        "SELECT a.price FROM orders AS a, orders AS b JOIN customers AS c ON a.customer_id = c.id;",
    ),
    "mysql": (
        "SELECT a.price FROM orders AS a, orders AS b JOIN customers AS c ON a.customer_id = c.id;",
        "SELECT name, COUNT(*) FROM customers GROUP BY city;",
        "SELECT name FROM customers FULL JOIN orders ON customers.id = orders.customer_id;",
        "SELECT COUNT(*) FILTER (WHERE id > 1) FROM customers;",
        "SELECT name FROM customers ORDER BY name NULLS LAST;",
        "SELECT name FROM customers WHERE SUM(id) > 2;",
    ),
    "duckdb": (
        "SELECT name, COUNT(*) FROM customers;",
        "SELECT name, COUNT(*) FROM customers GROUP BY city;",
        "SELECT SUM(name) FROM customers;",
        "SELECT name FROM customers WHERE born > id;",
        "SELECT name FROM customers WHERE SUM(id) > 2;",
        "SELECT name FROM customers ORDER BY 2;",
        "SELECT price FROM customers;",
    ),
    "sqlite": (
        "SELECT price FROM customers;",
        "SELECT id FROM customers JOIN orders ON customers.id = orders.customer_id;",
        "SELECT name FROM customers WHERE SUM(id) > 2;",
        "SELECT name FROM customers UNION SELECT id, name FROM customers;",
    ),
}


def shop(dialect: str) -> Schema:
    """Columns of every value class, one with a closed list of values."""
    double = "DOUBLE" if dialect == "mysql" else "DOUBLE PRECISION"
    customers = (
        Column("id", "INTEGER"),
        Column("name", "TEXT"),
        Column("city", "VARCHAR(20)"),
        Column("born", "DATE"),
        Column("data", JSON_TYPES[dialect]),
    )
    orders = (
        Column("id", "INTEGER"),
        Column("customer_id", "INTEGER"),
        Column("price", "NUMERIC(10,2)"),
        Column("weight", double),
        Column("status", "TEXT", values=("open", "closed")),
        Column("created", "TIMESTAMP"),
        Column("paid", "BOOLEAN"),
        Column("t", "TIME"),
    )
    key = ForeignKey(("customer_id",), "customers", ("id",))
    tables = (Table("customers", customers, ("id",)), Table("orders", orders, ("id",), (key,)))
    return Schema(dialect, tables)


@pytest.fixture(params=["sqlite", "postgres", "duckdb", "mysql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def prepare(dialect: str, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The complaint of the dialect's own engine about a statement on the shop."""
    name = "mariadb" if dialect == "mysql" else dialect
    engine: RealEngine = request.getfixturevalue(f"{name}_engine")
    engine.load(";\n".join(create_statements(shop(dialect), dialect)))
    return engine.prepare


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_noise_prepares(dialect: str, prepare: Callable[[str], str], skeleton: str) -> None:
    grammar = exact_grammar(shop(dialect), SKELETONS[skeleton], dialect, Policy())
    matcher = ByteMatcher(grammar.text)
    n_whole = 0
    for seed in range(N):
        statement = matcher.write_noise(seed)
        if statement is not None:
            n_whole += 1
            assert prepare(statement) == "", statement
    assert n_whole > N / 2


def test_what_an_engine_refuses_cannot_be_written(
    dialect: str, prepare: Callable[[str], str]
) -> None:
    schema = shop(dialect)
    for statement in WRONG[dialect]:
        assert prepare(statement), f"the engine takes it: {statement}"
        skeleton = skeleton_of(statement, schema, dialect)
        grammar = exact_grammar(schema, skeleton, dialect, Policy())
        assert not ByteMatcher(grammar.text).accepts(statement), statement


def test_a_value_outside_a_closed_list_is_not_compared_with(dialect: str) -> None:
    schema = shop(dialect)
    grammar = exact_grammar(schema, skeleton_of_sets([("orders",)]), dialect, Policy())
    matcher = ByteMatcher(grammar.text)
    assert matcher.accepts("SELECT id FROM orders WHERE status = 'open';")
    assert matcher.accepts("SELECT id FROM orders WHERE status IN ('open', 'closed');")
    assert matcher.accepts("SELECT id FROM orders WHERE status LIKE 'op%';")
    assert not matcher.accepts("SELECT id FROM orders WHERE status = 'Open';")
    assert not matcher.accepts("SELECT id FROM orders WHERE status IN ('open', 'shut');")
