"""Names and renderings: what the model reads, and what SQLite is given."""

import pytest
from sqlstrictd.schema.names import fold, quote_name, quote_string
from sqlstrictd.schema.render import (
    RENDERINGS,
    create_statements,
    render,
    render_compact,
    render_ddl,
)
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

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
