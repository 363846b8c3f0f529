"""What CHECK conditions leave to a column, and what users say of it in comments."""

import pytest
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.scan import scan
from sqlstrictd.schema.types import Column
from sqlstrictd.schema.values import MAX_VALUES, ClosedList, Literals, closed_lists


def lists(condition: str, *, has_double_quotes: bool = False) -> list[ClosedList]:
    literals = Literals(lambda token: token.value, has_double_quotes)
    return closed_lists(tuple(scan(condition)), literals)


@pytest.mark.parametrize(
    ("condition", "column", "values"),
    [
        ("status IN ('a', 'b', 'a')", "status", ("a", "b")),
        ("((Status IN ('a')))", "status", ("a",)),
        ("\"my col\" IN ('it''s')", "my col", ("it's",)),
        ("t.x IN ('a', NULL)", "x", ("a",)),
        ("x = 'a' OR 'b' = x OR x IS NULL", "x", ("a", "b")),
        ("x == 'a' OR x IN ('b', 'c')", "x", ("a", "b", "c")),
        ("x IN ('a', 'b') AND length(x) > 3", "x", ("a", "b")),
        ("(x = 'a' AND y > 1) OR (x = 'b' AND y < 1)", "x", ("a", "b")),
        ("(x = ANY (ARRAY['a'::text, 'b]'::text]))", "x", ("a", "b]")),
        (
            "(x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])",
            "x",
            ("a", "b"),
        ),
        ("`x` in (_utf8mb4'a',_utf8mb4'b')", "x", ("a", "b")),
        ("[x]='a' OR [x]='b'", "x", ("a", "b")),
    ],
)
def test_closed_lists(condition: str, column: str, values: tuple[str, ...]) -> None:
    assert lists(condition) == [ClosedList(column, values)]


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("x IN (1, -2, +3, 1.5)", ("1", "-2", "3", "1.5")),
        ("x = ANY (ARRAY['-1'::integer, 0, (1)::numeric])", ("-1", "0", "1")),
    ],
)
def test_closed_lists_of_numbers(condition: str, values: tuple[str, ...]) -> None:
    assert lists(condition) == [ClosedList("x", values, is_numbers=True)]


@pytest.mark.parametrize(
    "condition",
    [
        "x > 1",
        "x NOT IN ('a')",
        "NOT x IN ('a')",
        "x <> 'a'",
        "x = 'a' OR y = 'b'",
        "x = 'a' OR y > 1",
        "x IN ('a', 1)",
        "x IN ('a', lower('B'))",
        "x IN (SELECT 'a')",
        "x IN ()",
        "lower(x) IN ('a')",
        "x IN ('a') COLLATE nocase",
        "x || 'a' = 'b'",
        "x = y",
        "x = ANY (y)",
        "x = 'a' = 'b'",
        "y BETWEEN 1 AND x = 'a'",
        "CASE WHEN y AND x = 'a' THEN 1 END",
        "x IN (x'61')",
        "x = true",
        "x IN ('a\x07b')",
        f"x IN ({', '.join(map(repr, map(str, range(MAX_VALUES + 1))))})",
        f"x IN ('{'a' * 201}')",
        "",
        "(((",
        "x IN",
        "= 'a'",
    ],
)
def test_conditions_that_list_no_values(condition: str) -> None:
    assert lists(condition) == []


def test_long_and_deep_conditions_cost_little() -> None:
    assert lists("(" * 1000 + "x = 'a'" + ")" * 1000) == [ClosedList("x", ("a",))]
    assert lists("(" * 100_000 + "x = 'a'" + ")" * 100_000) == []
    assert lists("(x = 'a') OR " * 700 + "x = 'b'") == []
    nested = "x = 'a'"
    for _ in range(100):
        nested = f"({nested}) AND (y = 1)"
    assert all(found.column in ("x", "y") for found in lists(nested))


def columns(text: str, dialect: str = "sqlite") -> dict[str, Column]:
    schema = parse_schema(text, dialect)
    return {column.name: column for table in schema.tables for column in table.columns}


def test_checks_inside_and_beside_columns() -> None:
    found = columns(
        "CREATE TABLE t (a TEXT CHECK (a IN ('x', 'y')) NOT NULL, b INT, c, "
        "CONSTRAINT k CHECK (b IN (1, 2)) CHECK (c = \"p\" OR c = 'q') UNIQUE (a))"
    )
    assert found["a"] == Column("a", "TEXT", not_null=True, values=("x", "y"))
    assert found["b"] == Column("b", "INT", values=("1", "2"), has_number_values=True)
    assert found["c"].values == ("p", "q")
    assert columns("CREATE TABLE t (c, CHECK (c = \"p\" OR c = 'q'))", "postgres")["c"].values == ()


def test_later_statements_change_the_list() -> None:
    base = "CREATE TABLE t (a TEXT CHECK (a IN ('x', 'y')));"
    assert columns(f"{base} ALTER TABLE t ADD CHECK (a IN ('y', 'z'))")["a"].values == ("y",)
    assert columns(f"{base} ALTER TABLE t DROP CONSTRAINT k")["a"].values == ()
    changed = columns(f"{base} ALTER TABLE t MODIFY COLUMN A ENUM('p') NOT NULL", "mysql")
    assert list(changed) == ["a"]
    assert changed["a"].type == "ENUM"
    assert changed["a"].not_null


def test_types_that_have_names() -> None:
    text = (
        "CREATE TABLE t (a public.mood, b mood[], c small_mood, d celsius, e ring, f point2);"
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TYPE mood ADD VALUE 'great' AFTER 'ok';"
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'; CREATE DOMAIN small_mood AS mood;"
        "CREATE DOMAIN celsius numeric(4,1) DEFAULT 0 CONSTRAINT c CHECK (VALUE > -273);"
        "CREATE DOMAIN ring AS ring; CREATE TYPE point2 AS (x int, y int);"
    )
    found = columns(text, "postgres")
    assert found["a"].values == ("low", "ok", "great")
    assert (found["b"].type, found["b"].values) == ("MOOD[]", ())
    assert (found["c"].type, found["c"].values) == ("MOOD", ("low", "ok", "great"))
    assert found["d"].type == "NUMERIC(4,1)"
    assert found["e"].type == "RING"
    assert found["f"].type == "POINT2"


def test_a_comment_belongs_to_the_column_before_it_on_its_line() -> None:
    schema = parse_schema(
        "-- all about shops\n"
        "CREATE TABLE t ( -- one row a shop\n"
        "  -- the key\n"
        "  id INTEGER PRIMARY KEY, -- a number;\tnever \x07 reused\n"
        "  a INT, b TEXT, --b only\n"
        "  c TEXT /* not this */,\n"
        "  d TEXT DEFAULT '-- no' -- yes\n"
        "  , e TEXT\n"
        ") -- the end\n"
    )
    assert schema.tables[0].comment == "one row a shop"
    assert {column.name: column.comment for column in schema.tables[0].columns} == {
        "id": "a number; never reused",
        "a": "",
        "b": "b only",
        "c": "",
        "d": "yes",
        "e": "",
    }


def test_comments_are_one_short_visible_line() -> None:
    text = "CREATE TABLE t (a INT COMMENT 'x\n\ty\u202ez\u200b' , b INT) COMMENT = '{}';"
    schema = parse_schema(text.format("long " * 100), "mysql")
    assert schema.tables[0].columns[0].comment == "x yz"
    assert len(schema.tables[0].comment) <= 200
    assert schema.tables[0].comment.endswith("...")


def test_comment_on_tables_and_columns() -> None:
    schema = parse_schema(
        "CREATE TABLE a.T (x INT, -- by hand\n y INT);"
        "COMMENT ON TABLE a.t IS 'of t'; COMMENT ON COLUMN a.t.X IS E'of \\'x\\'';"
        "COMMENT ON COLUMN a.t.y IS 'gone'; COMMENT ON COLUMN a.t.y IS NULL;"
        "COMMENT ON COLUMN a.t.nosuch IS 'x'; COMMENT ON VIEW v IS 'x'; COMMENT ON TABLE v IS 'x';",
        "postgres",
    )
    assert schema.tables[0].name == "t"
    assert schema.tables[0].comment == "of t"
    assert [column.comment for column in schema.tables[0].columns] == ["of 'x'", ""]


def test_values_and_comments_count_in_the_fingerprint() -> None:
    texts = (
        "CREATE TABLE t (a TEXT)",
        "CREATE TABLE t (a TEXT CHECK (a IN ('x')))",
        "CREATE TABLE t (a TEXT CHECK (a IN ('y')))",
        "CREATE TABLE t (a TEXT COMMENT 'x')",
        "CREATE TABLE t (a TEXT) COMMENT 'x'",
        "CREATE TABLE t (a TEXT GENERATED ALWAYS AS ('x'))",
    )
    assert len({parse_schema(text).fingerprint for text in texts}) == len(texts)


def test_postgres_turns_bare_names_into_lower_case() -> None:
    text = 'CREATE TABLE Sales."Orders" (OrderID INT, "Total" INT, PRIMARY KEY (ORDERID));'
    schema = parse_schema(text, "postgres")
    assert [table.name for table in schema.tables] == ["Orders"]
    assert schema.tables[0].column_names == ("orderid", "Total")
    assert schema.tables[0].primary_key == ("orderid",)
    for dialect in ("sqlite", "duckdb", "mysql", "ansi"):
        assert parse_schema(text, dialect).tables[0].column_names == ("OrderID", "Total")


def test_tables_of_other_namespaces_are_named_and_left_out() -> None:
    schema = parse_schema(
        "CREATE TABLE public.a (x INT); CREATE TABLE hr.b (y INT REFERENCES public.a (x));"
        "CREATE TABLE c (z INT REFERENCES hr.b (y));",
        "postgres",
    )
    assert [table.name for table in schema.tables] == ["a", "c"]
    assert schema.warnings == (
        "line 1: tables of other namespaces left out: hr.b",
        "line 1: foreign key of c left out: there is no table b",
    )
    alone = parse_schema("CREATE TABLE hr.b (y INT)", "postgres")
    assert alone.warnings[0].startswith("tables of hr are named without it")
