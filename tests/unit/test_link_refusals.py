"""What a refusal is made of: the nearest names, and the words that the schema has nothing for."""

from __future__ import annotations

import pytest
from sqlstrictd.schema.link import nearest_names, unmatched_words
from sqlstrictd.schema.types import Column, Schema, Table

SHELTER = Schema(
    "sqlite",
    (
        Table("animals", (Column("id"), Column("kind", values=("dog", "cat")), Column("born"))),
        Table(
            "adoptions",
            (Column("animal_id"), Column("fee", comment="Amount paid in euros"), Column("day")),
        ),
    ),
)


def test_values_and_comments_lead_to_their_columns() -> None:
    names = {near.name: near.word for near in nearest_names(SHELTER, "euros paid for dogs")}
    assert names["animals.kind"] == "dogs"
    assert names["adoptions.fee"] in ("euros", "paid")


def test_the_name_itself_is_nearer_than_what_holds_it() -> None:
    found = nearest_names(SHELTER, "the animals")
    assert [near.name for near in found] == ["animals", "adoptions.animal_id"]
    assert found[0].score == 1.0 > found[1].score


def test_the_nearest_are_found_among_thousands() -> None:
    fillers = tuple(
        Table(f"ledger_{number}", (Column(f"entry_{number}"), Column("posted")))
        for number in range(2000)
    )
    schema = Schema("sqlite", fillers + SHELTER.tables)
    found = nearest_names(schema, "fees of adoptoins", limit=2)
    assert {near.name for near in found} == {"adoptions", "adoptions.fee"}
    assert len(nearest_names(schema, "entries posted", limit=5)) == 5


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many animals were adopted?", ()),
        ("What is the average fee per kind of animal?", ()),
        ("How many dogs are there?", ()),
        ("Which animals were born in 'Reykjavik' after 2019?", ()),
        ("Which airports have the longest runway?", ("airports", "runway")),
        ("Which animals won an election?", ("won", "election")),
        ("???", ()),
    ],
)
def test_words_that_the_schema_has_nothing_for(question: str, words: tuple[str, ...]) -> None:
    unmatched = unmatched_words(SHELTER, question)
    assert unmatched.words == words
    assert 0.0 <= unmatched.share <= 1.0
    assert (unmatched.share >= 0.5) == bool(words)


SHOP = Schema(
    "sqlite",
    (
        Table("customers", tuple(map(Column, ("id", "name", "email", "city")))),
        Table("products", tuple(map(Column, ("id", "name", "unit_price")))),
        Table("orders", tuple(map(Column, ("id", "customer_id", "price")))),
    ),
)


@pytest.mark.parametrize(
    ("question", "nearest"),
    [
        ("emails of the clients", [("customers.email", "emails"), ("customers", "clients")]),
        ("Who purchased it?", [("orders", "purchased")]),  # another word for it, in another form
        ("purchases by town", [("orders", "purchases"), ("customers.city", "town")]),
        ("phone numbers of custmers", [("customers", "custmers")]),
        ("Which suppliers are there?", []),  # a few letters in common are no reason to show a name
        ("flights from Berlin", []),
    ],
)
def test_what_is_shown_is_what_may_have_been_meant(
    question: str, nearest: list[tuple[str, str]]
) -> None:
    found = [(near.name, near.word) for near in nearest_names(SHOP, question)]
    assert found[: len(nearest)] == nearest
    # The rest holds the same word within a longer name.
    assert {name for name, _ in found[len(nearest) :]} <= {"orders.customer_id"}
