"""Views of DDL: tables that can only be read, with the columns of their query, or left out."""

from __future__ import annotations

import json

import pytest
from sqlstrictd.errors import SchemaError
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema import plain
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import create_statements, render, render_definitions
from sqlstrictd.schema.types import Column, Schema
from sqlstrictd.schema.views import MAX_QUERY_CHARACTERS
from sqlstrictd.verify import check_statement, infer_columns

DIALECTS = ("sqlite", "postgres", "duckdb", "mysql", "ansi")
TABLES = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name VARCHAR(40), level VARCHAR(9) CHECK (level IN ('low', 'high')));
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
    price DECIMAL(10,2), bought TIMESTAMP);
"""
EVERYTHING = Policy(frozenset(KINDS), allows_unfiltered=True)


def read(views: str, dialect: str = "sqlite") -> Schema:
    return parse_schema(TABLES + views, dialect, infer_columns)


def columns(schema: Schema, name: str) -> list[tuple[str, str]]:
    table = schema.table(name)
    assert table is not None and table.is_view
    assert not table.primary_key and not table.foreign_keys
    return [(column.name, column.type) for column in table.columns]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_view_has_the_columns_of_its_query(dialect: str) -> None:
    schema = read(
        "CREATE VIEW a AS SELECT * FROM customers;\n"
        "CREATE VIEW b AS SELECT c.name AS who, o.price FROM orders AS o "
        "JOIN customers AS c ON c.id = o.customer_id WHERE o.price > 3;\n"
        "CREATE VIEW c (level, n) AS SELECT level, COUNT(*) FROM a GROUP BY level;\n"
        "CREATE VIEW d AS WITH q AS (SELECT MAX(bought) AS last FROM orders) SELECT last FROM q;\n"
        "CREATE VIEW e AS SELECT id FROM customers UNION SELECT customer_id FROM orders;\n",
        dialect,
    )
    assert schema.warnings == ()
    assert columns(schema, "a") == [
        *(("id", "INTEGER"), ("name", "VARCHAR(40)"), ("level", "VARCHAR(9)"))
    ]
    assert columns(schema, "b") == [("who", "VARCHAR(40)"), ("price", "DECIMAL(10,2)")]
    whole = {"postgres": "INT8", "duckdb": "BIGINT", "mysql": "BIGINT"}.get(dialect, "INTEGER")
    assert columns(schema, "c") == [("level", "VARCHAR(9)"), ("n", whole)]
    assert columns(schema, "d") == [("last", "TIMESTAMP")]
    assert [name for name, _ in columns(schema, "e")] == ["id"]
    found = schema.table("c")
    assert found is not None and found.columns[0].values == ("low", "high")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_view_can_be_read_and_nothing_else(dialect: str) -> None:
    schema = read("CREATE VIEW cheap AS SELECT id, price FROM orders WHERE price < 3;", dialect)
    good = (
        "SELECT c.price, o.bought FROM cheap AS c JOIN orders AS o ON o.id = c.id",
        "CREATE VIEW other AS SELECT price FROM cheap",
        "INSERT INTO orders (id) SELECT id FROM cheap WHERE price = 1",
        "DELETE FROM customers WHERE id IN (SELECT id FROM cheap)",
    )
    for statement in good:
        assert not check_statement(statement, schema, dialect, EVERYTHING).problems, statement
    bad = (
        "INSERT INTO cheap (id) VALUES (1)",
        "UPDATE cheap SET price = 1 WHERE id = 1",
        "DELETE FROM cheap WHERE id = 1",
        "CREATE INDEX i ON cheap (id)",
        "ALTER TABLE cheap RENAME TO dear",
        "ALTER TABLE cheap ADD COLUMN x INTEGER",
        "ALTER TABLE cheap DROP COLUMN price",
        "CREATE TABLE t (o INTEGER REFERENCES cheap (id))",
    )
    for statement in bad:
        (problem,) = check_statement(statement, schema, dialect, EVERYTHING).problems
        assert (problem.check, problem.message) == (
            *("scope", "cheap is a view: it can be read only."),
        )
    for statement in ("CREATE TABLE cheap (id INTEGER)", "CREATE VIEW cheap AS SELECT 1 AS x"):
        assert check_statement(statement, schema, dialect, EVERYTHING).problems
    assert check_statement("SELECT bought FROM cheap", schema, dialect).problems


def test_views_of_views_in_any_order_and_in_a_circle() -> None:
    schema = read(
        "CREATE VIEW c AS SELECT name FROM b; CREATE VIEW b AS SELECT name FROM a;"
        "CREATE VIEW a AS SELECT name FROM customers; CREATE VIEW x AS SELECT id FROM y;"
        "CREATE VIEW y AS SELECT id FROM x;"
    )
    assert [table.name for table in schema.tables if table.is_view] == ["a", "b", "c"]
    assert [warning.partition(": ")[2] for warning in schema.warnings] == [
        "view x left out: There is no table y in the schema",
        "view y left out: There is no table x in the schema",
    ]


LEFT_OUT = [
    ("CREATE VIEW v AS SELECT missing FROM orders", "There is no column missing in orders"),
    ("CREATE VIEW v AS SELECT id FROM gone", "There is no table gone in the schema"),
    ("CREATE VIEW v AS SELECT MAX(id) + 1 FROM orders",
     "a column has no name; give it one with AS"),
    ("CREATE VIEW v AS SELECT id, id FROM orders", "two of its columns have the same name"),
    ("CREATE VIEW v (a) AS SELECT id, price FROM orders",
     "its list of columns is not as long as what it names"),
    ("CREATE VIEW v AS DELETE FROM orders", "its query cannot be read"),
    ("CREATE VIEW v AS SELECT FROM WHERE", "its query cannot be read"),
    ("CREATE VIEW v AS SELECT 1 AS x; SELECT (", None),
    ("CREATE VIEW v AS", "it is not made of a query"),
    ("CREATE VIEW v", "it is not made of a query"),
    ("CREATE VIEW v (a, ", "it is not made of a query"),
    ("CREATE VIEW v AS " + "SELECT * FROM (" * 300 + "SELECT 1 AS x" + ")" * 300, ""),
    ("CREATE VIEW v AS SELECT " + "(" * 3000 + "1" + ")" * 3000 + " AS x", ""),
    ('CREATE VIEW v AS SELECT id AS "a\u202eb" FROM orders',
     "a column's name has a character that cannot stand there"),
    ("CREATE VIEW orders AS SELECT 1 AS x", "there is a table of its name"),
    ("CREATE RECURSIVE VIEW v (n) AS SELECT n FROM v", "There is no table v in the schema"),
]  # fmt: skip


@pytest.mark.parametrize(("view", "reason"), LEFT_OUT)
def test_a_view_that_cannot_be_followed_is_left_out_by_name(view: str, reason: str | None) -> None:
    for dialect in DIALECTS:
        schema = read(view, dialect)
        if reason is None:
            assert schema.table("v") is not None
            continue
        assert not any(table.is_view for table in schema.tables)
        (warning,) = schema.warnings
        assert warning.startswith("line 7: view ") and reason in warning


def test_without_anybody_to_ask_views_are_left_out_unless_they_say_their_types() -> None:
    schema = parse_schema(
        TABLES + "CREATE VIEW v AS SELECT id FROM orders;"
        "CREATE VIEW w AS SELECT CAST(NULL AS DECIMAL(10,2)) AS price, NULL AS x;"
    )
    assert schema.warnings == ("line 7: view v left out",)
    assert columns(schema, "w") == [("price", "DECIMAL(10,2)"), ("x", "")]


def test_a_schema_of_views_alone() -> None:
    schema = parse_schema("CREATE VIEW v (a, b) AS SELECT CAST(NULL AS INT), NULL", "mysql")
    assert columns(schema, "v") == [("a", "INT"), ("b", "")]
    schema = parse_schema("CREATE VIEW v AS SELECT 1 AS a", "sqlite", infer_columns)
    assert columns(schema, "v") == [("a", "")]
    with pytest.raises(SchemaError, match="No table is left to ask about: line 1: view v left out"):
        parse_schema("CREATE VIEW v AS SELECT 1 AS a")


def test_views_that_come_again_or_go() -> None:
    schema = read(
        "CREATE VIEW v AS SELECT id FROM orders;"
        "CREATE OR REPLACE VIEW v AS SELECT price FROM orders;"
        "CREATE TEMP VIEW IF NOT EXISTS t AS SELECT bought FROM orders;"
        "DROP VIEW IF EXISTS w; CREATE VIEW w AS SELECT id FROM orders; DROP VIEW w;"
    )
    assert [table.name for table in schema.tables if table.is_view] == ["v", "t"]
    assert columns(schema, "v") == [("price", "DECIMAL(10,2)")]
    assert schema.warnings == ()


def test_words_around_a_query_and_namespaces() -> None:
    schema = parse_schema(
        "CREATE TABLE public.orders (id INT, price INT);\n"
        "CREATE MATERIALIZED VIEW public.m AS SELECT o.id FROM public.orders o WITH NO DATA;\n"
        "CREATE VIEW public.v WITH (security_invoker='true') AS\n"
        " SELECT orders.price FROM public.orders WITH LOCAL CHECK OPTION;\n"
        "CREATE VIEW other.x AS SELECT 1 AS a;\n"
        "COMMENT ON VIEW public.v IS 'not kept: its columns were not known yet';\n",
        "postgres",
        infer_columns,
    )
    assert columns(schema, "m") == [("id", "INT")]
    assert columns(schema, "v") == [("price", "INT")]
    assert schema.warnings == ("line 5: view of another namespace left out: other.x",)


def test_views_in_the_comments_of_a_mysql_dump() -> None:
    schema = parse_schema(
        "CREATE TABLE `orders` (`id` int(11), `price` int(11)) ENGINE=InnoDB;\n"
        "/*!50001 CREATE VIEW `v` AS SELECT 1 AS `id` */;\n"
        "/*!50001 DROP VIEW IF EXISTS `v`*/;\n"
        "/*!50001 CREATE ALGORITHM=UNDEFINED */\n"
        "/*!50013 DEFINER=`me`@`%` SQL SECURITY DEFINER */\n"
        "/*!50001 VIEW `v` AS select `orders`.`price` AS `price` from `orders` */;\n"
        "CREATE VIEW w AS SELECT x FROM v;\n",
        "mysql",
        infer_columns,
    )
    assert columns(schema, "v") == [("price", "INT(11)")]
    assert schema.warnings == ("line 7: view w left out: There is no column x in v",)


def test_a_view_with_check_option_in_the_comments_of_a_mysql_dump() -> None:
    schema = parse_schema(
        "CREATE TABLE `orders` (`id` int(11), `price` int(11)) ENGINE=InnoDB;\n"
        "/*!50001 CREATE ALGORITHM=UNDEFINED */\n"
        "/*!50013 DEFINER=`me`@`%` SQL SECURITY DEFINER */\n"
        "/*!50001 VIEW `v` AS select `orders`.`price` AS `price` from `orders` */\n"
        "/*!50002 WITH CASCADED CHECK OPTION */;\n",
        "mysql",
        infer_columns,
    )
    assert columns(schema, "v") == [("price", "INT(11)")]
    assert schema.warnings == ()


def test_a_recursive_view_as_postgres_dumps_it() -> None:
    schema = parse_schema(
        "CREATE TABLE public.parts (id integer, parent_id integer);\n"
        "CREATE VIEW public.tree AS\n WITH RECURSIVE t AS (\n"
        "         SELECT parts.id, 0 AS depth FROM public.parts\n        UNION ALL\n"
        "         SELECT p.id, (t_1.depth + 1)\n"
        "           FROM (public.parts p JOIN t t_1 ON ((p.parent_id = t_1.id)))\n"
        "        )\n SELECT t.id, t.depth FROM t;\n",
        "postgres",
        infer_columns,
    )
    assert columns(schema, "tree") == [("id", "INT4"), ("depth", "INT4")]
    assert schema.warnings == ()


def test_long_queries_of_all_views_together_are_not_followed() -> None:
    long = "SELECT id FROM orders WHERE price IN (" + ", ".join(["1"] * 50_000) + ")"
    n_views = MAX_QUERY_CHARACTERS // len(long) + 1
    schema = read("".join(f"CREATE VIEW v{n} AS {long};\n" for n in range(n_views)))
    assert len(schema.tables) == 2 + n_views - 1
    (warning,) = schema.warnings
    assert warning.endswith("left out: the queries of all views together are too long")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_views_are_shown_as_views_and_read_again_as_the_same_schema(dialect: str) -> None:
    schema = read(
        'CREATE VIEW w AS SELECT CAST(NULL AS INTEGER) AS "a b";'
        if dialect != "mysql"
        else "CREATE VIEW w AS SELECT CAST(NULL AS INTEGER) AS `a b`;",
        dialect,
    )
    view = schema.tables[2]
    assert view.columns == (Column("a b", "INTEGER"),)
    schema = read("CREATE VIEW v AS SELECT level, price AS p, 'x' AS lit FROM customers, orders;"
                  "CREATE VIEW u AS SELECT p FROM v;", dialect)  # fmt: skip
    shown = render_definitions(schema)
    assert "CREATE VIEW v AS SELECT CAST(NULL AS VARCHAR(9)) AS" in shown
    again = parse_schema(shown, dialect)
    assert again.warnings == ()
    assert again.tables == schema.tables
    assert again.fingerprint == schema.fingerprint
    assert plain.from_plain(json.loads(json.dumps(plain.to_plain(schema)))) == schema


def test_comments_of_views_come_through() -> None:
    text = (
        "CREATE VIEW v COMMENT 'all that is open' AS SELECT CAST(NULL AS INT) AS id COMMENT"
        " 'its number', CAST(NULL AS TEXT) AS state CHECK (state IN ('a', 'b')) COMMENT 'how far';"
    )
    schema = parse_schema(text)
    (view,) = schema.tables
    assert view.comment == "all that is open"
    assert [column.comment for column in view.columns] == ["its number", "how far"]
    assert view.columns[1].values == ("a", "b")
    assert parse_schema(render_definitions(schema)).tables == schema.tables
    later = parse_schema(
        "CREATE VIEW v AS SELECT CAST(NULL AS INT) AS id; COMMENT ON VIEW v IS 'open';"
        "COMMENT ON COLUMN v.id IS 'its number';",
        "postgres",
    )
    assert (later.tables[0].comment, later.tables[0].columns[0].comment) == ("open", "its number")


def test_views_stand_in_the_prompt_and_in_the_engines_as_tables() -> None:
    schema = read("CREATE VIEW cheap AS SELECT id, price FROM orders;")
    assert "Table 'cheap' (id, price)" in render(schema, "compact")
    assert "CREATE TABLE cheap (id INTEGER, price DECIMAL(10,2));" in render(schema, "ddl")
    assert create_statements(schema)[-1].startswith('CREATE TABLE "cheap" (')


def test_a_view_has_another_fingerprint_than_a_table_and_tables_keep_theirs() -> None:
    table = parse_schema("CREATE TABLE v (a INT)")
    view = parse_schema("CREATE VIEW v AS SELECT CAST(NULL AS INT) AS a")
    assert table.tables[0].columns == view.tables[0].columns
    assert table.fingerprint != view.fingerprint
    # What was written before there were views has no word of them.
    old = plain.to_plain(table)
    del old["tables"][0]["is_view"]
    assert plain.from_plain(old) == table
    old["tables"][0]["is_view"] = "no"
    with pytest.raises(ValueError, match="true or false"):
        plain.from_plain(old)


def test_what_stands_on_columns_is_kept_and_shown_again() -> None:
    schema = parse_schema(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, tags TEXT[], grid INT[3][], UNIQUE (a),"
        " CHECK (a > id));"
        "CREATE UNIQUE INDEX i ON t (id, lower(tags));"
        "CREATE VIEW v (x, y) AS SELECT id, tags FROM t WHERE a > 1;"
        "CREATE VIEW w AS SELECT y FROM v;",
        "postgres",
        infer_columns,
    )
    uses = [(use.kind, use.name, use.columns) for use in schema.tables[0].uses]
    assert uses == [
        ("unique", "", ("a",)),
        ("check", "", ("id", "a")),
        ("unique index", "i", ("id", "tags")),
        ("view", "v", ("id", "a", "tags")),
    ]
    assert columns(schema, "v") == [("x", "INT"), ("y", "TEXT[]")]
    assert columns(schema, "w") == [("y", "TEXT[]")]
    shown = render_definitions(schema)
    assert "tags TEXT[], grid INT[3][], UNIQUE (a)" in shown
    again = parse_schema(shown, "postgres")
    kept = [use for use in schema.tables[0].uses if use.kind != "check"]
    assert list(again.tables[0].uses) == kept
    assert again.tables[0].columns == schema.tables[0].columns
    assert again.tables[1:] == schema.tables[1:]
    assert plain.from_plain(json.loads(json.dumps(plain.to_plain(schema)))) == schema


def test_a_view_of_a_table_that_is_not_there_takes_its_readers_with_it() -> None:
    schema = read(
        "CREATE VIEW w AS SELECT x FROM v; CREATE VIEW v (x) AS SELECT a FROM gone;"
        "CREATE VIEW u (x) AS SELECT id FROM customers; CREATE VIEW s AS SELECT id FROM u;"
    )
    assert [table.name for table in schema.tables if table.is_view] == ["u"]
    assert sorted(schema.unread_views) == ["s", "v", "w"]
    assert [warning.partition("left out: ")[2] for warning in schema.warnings] == [
        "There is no table v in the schema",
        "There is no table gone in the schema",
        "There is no column id in u",
    ]


def test_names_of_what_is_no_table_are_kept() -> None:
    schema = parse_schema(
        TABLES + "CREATE SEQUENCE public.counter; CREATE TYPE mood AS ENUM ('a');"
        "CREATE TABLE part PARTITION OF orders DEFAULT;",
        "postgres",
    )
    assert schema.other_names == ("counter", "mood", "part")
    for name in schema.other_names:
        statement = f"CREATE TABLE {name} (a INTEGER)"
        (problem,) = check_statement(statement, schema, "postgres", EVERYTHING).problems
        assert problem.message == f"{name} is the name of something else already."


def test_columns_in_arrays_and_deep_brackets_are_seen() -> None:
    schema = parse_schema(
        'CREATE TABLE t (a INT, "b c" INT, d INT, CHECK (1 = ANY (ARRAY[a, "b c"])));', "postgres"
    )
    assert schema.tables[0].uses[0].columns == ("a", "b c")
    deep = "[" * 20_000 + "a" + "]" * 20_000
    schema = parse_schema(f"CREATE TABLE t (a INT); CREATE VIEW v AS SELECT ARRAY{deep} FROM t")
    assert schema.tables[0].uses[0].columns == ("a",)
