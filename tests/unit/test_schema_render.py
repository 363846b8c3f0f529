"""Names and renderings: what the model reads, and what SQLite is given."""

import pytest
from sqlstrictd.errors import UnsupportedDialect
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.engine_types import engine_type
from sqlstrictd.schema.names import fold, quote_name, quote_string
from sqlstrictd.schema.plain import from_plain, to_plain
from sqlstrictd.schema.render import (
    RENDERINGS,
    create_statements,
    render,
    render_compact,
    render_ddl,
)
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

FIRST_FINGERPRINT = "def05f56c8864f907839e6acea825c96f2de26594bee9079b50c64d47d1bda16"
SHOP = Schema(
    "sqlite",
    (
        Table(
            "orders",
            (
                Column("id", "INT"),
                Column("price", "DECIMAL(10,2)", not_null=True),
                Column("order", "VARCHAR(20)"),
                Column("customer id"),
            ),
            ("id",),
            (ForeignKey(("customer id",), "cust'omers", ("id",)),),
        ),
        Table(
            "cust'omers",
            (Column("id", "ENUM('a')"), Column('say "hi"', "TEXT")),
            ("id", 'say "hi"'),
        ),
    ),
)


def test_the_compact_rendering_is_the_model_cards() -> None:
    assert render_compact(SHOP) == (
        'Table \'orders\' (id, price, "order", "customer id")\n'
        'Table \'cust\'\'omers\' (id, "say ""hi""")'
    )


def test_the_ddl_rendering_has_types_and_keys() -> None:
    assert render_ddl(SHOP) == (
        'CREATE TABLE orders (id INT PRIMARY KEY, price DECIMAL(10,2), "order" VARCHAR(20), '
        '"customer id", FOREIGN KEY ("customer id") REFERENCES "cust\'omers"(id));\n'
        'CREATE TABLE "cust\'omers" (id, "say ""hi""" TEXT, PRIMARY KEY (id, "say ""hi"""));'
    )


def test_renderings_are_chosen_by_name() -> None:
    assert RENDERINGS == ("compact", "ddl")
    assert render(SHOP, "compact") == render_compact(SHOP)
    assert render(SHOP, "ddl") == render_ddl(SHOP)
    with pytest.raises(ValueError, match="compact, ddl"):
        render(SHOP, "xml")  # type: ignore[arg-type]


def test_the_engines_tables_hold_no_text_but_quoted_names() -> None:
    assert create_statements(SHOP) == [
        'CREATE TABLE "orders" ("id" INTEGER, "price" NUMERIC, "order" TEXT, "customer id")',
        'CREATE TABLE "cust\'omers" ("id" NUMERIC, "say ""hi""" TEXT)',
    ]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("price", "price"),
        ("Price_2", "Price_2"),
        ("_x", "_x"),
        ("2x", '"2x"'),
        ("a b", '"a b"'),
        ("a$b", '"a$b"'),
        ("order", '"order"'),
        ("Order", '"Order"'),
        ("TRUE", '"TRUE"'),
        ("current_date", '"current_date"'),
        ("key", "key"),
        ("name", "name"),
        ("É", '"É"'),
        ("x²", '"x²"'),
        ('a"b', '"a""b"'),
        ("", '""'),
    ],
)
def test_a_name_is_quoted_only_where_it_must_be(name: str, written: str) -> None:
    assert quote_name(name) == written
    assert quote_name(name, always=True).startswith('"')


def test_a_string_doubles_its_quotes() -> None:
    assert quote_string("it's") == "'it''s'"


def test_folding_is_ascii_only() -> None:
    assert fold("MixedÉß") == "mixedÉß"
    assert fold("\u212a") != fold("k")  # the Kelvin sign, which str.casefold makes a k


HINTED = Schema(
    "mysql",
    (
        Table(
            "orders",
            (
                Column("Id", "INT", has_number_values=True, values=("1", "2")),
                Column("state", "ENUM", values=("it's", "a\\b")),
                Column("key", "VARCHAR(9)", values=("x",), comment="what it's about"),
                Column("many", "ENUM", values=tuple(map(str, range(100)))),
                Column("tags", "SET", values=("p", "q")),
                Column("long", "TEXT", comment="word " * 40),
            ),
            ("Id",),
            comment="all orders",
        ),
    ),
)


def test_values_and_comments_stand_behind_their_columns_while_they_are_short() -> None:
    long = ("word " * 40)[:77].rstrip() + "..."
    assert render_ddl(HINTED) == (
        "CREATE TABLE orders (Id INT PRIMARY KEY CHECK (Id IN (1, 2)), "
        "state ENUM('it''s', 'a\\\\b'), `key` VARCHAR(9) CHECK (`key` IN ('x')) "
        "COMMENT 'what it''s about', many ENUM, tags SET('p', 'q'), "
        f"`long` TEXT COMMENT '{long}') COMMENT 'all orders';"
    )


def test_the_compact_rendering_has_no_place_for_them() -> None:
    assert render_compact(HINTED) == ("Table 'orders' (Id, state, `key`, many, tags, `long`)")


def test_names_are_quoted_as_the_schemas_dialect_does() -> None:
    table = Table("Orders", (Column("Total", "INT"), Column("id", "INT")), ("Total", "id"))
    assert render_ddl(Schema("postgres", (table,))) == (
        'CREATE TABLE "Orders" ("Total" INT, id INT, PRIMARY KEY ("Total", id));'
    )
    assert render_compact(Schema("duckdb", (table,))) == "Table 'Orders' (Total, id)"


def test_what_is_not_known_leaves_prompt_and_fingerprint_as_they_were() -> None:
    """The text and the digest of a schema without hints, as the first version made them."""
    schema = parse_schema(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, n NUMERIC(10, 2), g GEOMETRY(POINT, 4326), "
        "t TEXT[], m NVARCHAR(MAX), x CHECK (x > 0)); -- the end"
    )
    assert render_ddl(schema) == (
        "CREATE TABLE a (id INTEGER PRIMARY KEY, n NUMERIC(10,2), g GEOMETRY, t, m NVARCHAR, x);"
    )
    plain_schema = parse_schema("CREATE TABLE t (a INT)")
    assert plain_schema.fingerprint == FIRST_FINGERPRINT


def test_files_of_the_first_version_are_read() -> None:
    plain_schema = to_plain(SHOP)
    for table in plain_schema["tables"]:
        del table["comment"]
        for column in table["columns"]:
            for name in ("values", "comment", "has_number_values", "is_generated"):
                del column[name]
    assert from_plain(plain_schema) == SHOP
    assert from_plain(to_plain(HINTED)) == HINTED
    wrong = to_plain(HINTED)
    wrong["tables"][0]["columns"][0]["values"] = "12"
    with pytest.raises(ValueError, match="a list"):
        from_plain(wrong)


@pytest.mark.parametrize(
    ("dialect", "declared", "expected"),
    [
        ("postgres", "CHARACTER VARYING(20)", "CHARACTER VARYING"),
        ("postgres", "TIMESTAMP(3) WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"),
        ("postgres", "BIGSERIAL", "BIGINT"),
        ("postgres", "INTEGER[][]", "INTEGER[][]"),
        ("postgres", "TEXT); DROP TABLE X; --", "TEXT"),
        ("postgres", "", "TEXT"),
        ("mysql", "INT(11) UNSIGNED", "INT UNSIGNED"),
        ("mysql", "VARCHAR(255)", "TEXT"),
        ("mysql", "JSON", "JSON"),
        ("duckdb", "STRUCT(A INTEGER,\"B C\" VARCHAR(9)[])[]",
         'STRUCT("A" INTEGER, "B C" VARCHAR[])[]'),
        ("duckdb", "MAP(VARCHAR,STRUCT(X SOMETHING))", 'MAP(VARCHAR, STRUCT("X" VARCHAR))'),
        ("duckdb", "STRUCT(", "VARCHAR"),
        ("duckdb", "DECIMAL(10,2)[3]", "DECIMAL[3]"),
        ("sqlite", "VARCHAR(20)", "TEXT"),
        ("ansi", "DOUBLE PRECISION", "REAL"),
    ],
)  # fmt: skip
def test_a_declared_type_becomes_one_of_the_engines(
    dialect: str, declared: str, expected: str
) -> None:
    assert engine_type(Column("a", declared), dialect) == expected


def test_enums_are_made_for_the_engine() -> None:
    table = Table(
        "t",
        (
            Column("a", "MOOD", values=("sad", "it's")),
            Column("b", "MOOD", values=("sad", "ok")),
            Column("c", "TEXT", values=("x",)),
            Column("d", "INT", is_generated=True),
        ),
        ("a",),
    )
    schema = Schema("postgres", (table,))
    assert create_statements(schema, "postgres") == [
        "CREATE TYPE \"mood\" AS ENUM ('sad', 'it''s', 'ok')",
        'CREATE TABLE "t" ("a" "mood", "b" "mood", "c" TEXT, '
        '"d" INT GENERATED ALWAYS AS (NULL) STORED, PRIMARY KEY ("a"))',
    ]
    assert create_statements(schema, "duckdb") == [
        "CREATE TABLE \"t\" (\"a\" ENUM('sad', 'it''s'), \"b\" ENUM('sad', 'ok'), \"c\" TEXT, "
        '"d" INT GENERATED ALWAYS AS (NULL))'
    ]
    with pytest.raises(UnsupportedDialect):
        create_statements(schema, "oracle")
