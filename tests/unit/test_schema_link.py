"""Questions linked to tables."""

from __future__ import annotations

import pytest
from sqlstrictd.constraint import all_from_sets
from sqlstrictd.schema.link import MAX_SETS, choose_from_sets, nearest_names
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table
from sqlstrictd.schema.words import name_words, singular


def make_schema(n_fillers: int = 0) -> Schema:
    def table(name: str, columns: str, *keys: ForeignKey) -> Table:
        return Table(name, tuple(Column(part) for part in columns.split()), ("id",), keys)

    real = (
        table("customers", "id full_name city"),
        table(
            "orders", "id customer_id status", ForeignKey(("customer_id",), "customers", ("id",))
        ),
        table(
            "order_items",
            "id order_id product_id quantity",
            ForeignKey(("order_id",), "orders", ("id",)),
            ForeignKey(("product_id",), "products", ("id",)),
        ),
        table("products", "id title price"),
    )
    fillers = tuple(
        table(f"archive_{number}", f"id customer_id field_{number}") for number in range(n_fillers)
    )
    return Schema("sqlite", fillers + real)


def test_a_small_schema_gives_all_its_sets() -> None:
    schema = make_schema()
    chosen = choose_from_sets(schema, "How many orders are there?")
    assert set(all_from_sets(schema)) <= set(chosen)
    assert chosen == choose_from_sets(schema, "Which products are dear?")  # one grammar for all


def test_a_large_schema_gives_the_likeliest_set_first() -> None:
    chosen = choose_from_sets(make_schema(n_fillers=60), "How many orders are there?")
    assert chosen[0] == ("orders",)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How many orders are open?", ("orders",)),
        ("Which customer has the most orders?", ("customers", "orders")),
        ("What quantity of each product was sold?", ("order_items", "products")),
        (
            "Which products did each customer order?",
            ("customers", "order_items", "orders", "products"),
        ),
        ("List the full names of customers without orders", ("customers",)),
    ],
)
def test_a_large_schema_gives_the_sets_that_the_question_names(
    question: str, wanted: tuple[str, ...]
) -> None:
    chosen = choose_from_sets(make_schema(n_fillers=60), question)
    assert wanted in chosen
    assert len(chosen) <= MAX_SETS


@pytest.mark.parametrize("question", ["", "???", "zzz", "日本の都市"])
def test_a_question_that_names_nothing_still_gets_sets(question: str) -> None:
    assert choose_from_sets(make_schema(), question)
    assert choose_from_sets(make_schema(n_fillers=30), question)


def test_two_keys_into_one_table_let_it_stand_twice() -> None:
    keys = tuple(ForeignKey((name,), "airport", ("id",)) for name in ("from_id", "to_id"))
    columns = (Column("from_id"), Column("to_id"))
    airport = Table("airport", (Column("id"), Column("city")), ("id",))
    schema = Schema("sqlite", (airport, Table("flight", columns, (), keys)))
    assert ("airport", "airport", "flight") in choose_from_sets(schema, "flights between cities")


def test_nearest_names_come_with_the_word_they_match() -> None:
    found = nearest_names(make_schema(), "the prise of prodcuts", limit=3)
    assert (found[0].name, found[0].word) == ("products", "prodcuts")
    assert {(near.name, near.word) for near in found[1:]} == {
        ("products.price", "prise"),
        ("order_items.product_id", "prodcuts"),
    }
    assert all(0.6 <= near.score < 1 for near in found)
    assert nearest_names(make_schema(), "weather") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("order_items", ("order", "item")),
        ("OrderItems", ("order", "item")),
        ("HTTPServerName", ("http", "server", "name")),
        ("STUDENT_ID2", ("student", "id", "2")),
        ("Ärzte", ("arzte",)),
        ("prénomÉlève", ("prenom", "eleve")),
        ("STRASSE_groß", ("strasse", "gross")),
        ("客户编号", ("客户", "户编", "编号")),
        ("订单ID", ("订单", "id")),
        ("id订单", ("id", "订单")),
        ("がく", ("がく",)),  # marks that make other letters stay
        ("年", ("年",)),
        ("categories", ("category",)),
    ],
)
def test_names_are_cut_into_words(name: str, words: tuple[str, ...]) -> None:
    assert name_words(name) == words


def test_singular_leaves_what_is_no_plural() -> None:
    assert [singular(word) for word in ("status", "class", "bus", "analysis")] == [
        "status",
        "class",
        "bus",
        "analysis",
    ]


def test_only_so_many_words_of_a_question_count() -> None:
    schema = make_schema()
    fillers = ["q" * (3 + number) for number in range(64)]
    assert nearest_names(schema, " ".join([*fillers[1:], "product"]))[0].name == "products"
    assert nearest_names(schema, " ".join([*fillers, "product"])) == []
