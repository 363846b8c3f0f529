"""Words of questions compared with words of schemas: one small schema a way of being alike."""

from __future__ import annotations

import pytest
from sqlstrictd.schema.linking.alike import alike
from sqlstrictd.schema.linking.groups import copies, prefix_groups, shared_beginnings
from sqlstrictd.schema.linking.index import SchemaIndex
from sqlstrictd.schema.linking.ranking import Ranking
from sqlstrictd.schema.linking.terms import MAX_TERMS, terms_of
from sqlstrictd.schema.types import Column, Schema, Table
from sqlstrictd.schema.words import name_words


def make_index(*tables: str) -> SchemaIndex:
    """Index tables written as `name: column column`."""
    return SchemaIndex(
        Schema(
            "sqlite",
            tuple(
                Table(name, tuple(Column(part) for part in columns.split()))
                for name, _, columns in (table.partition(":") for table in tables)
            ),
        )
    )


OTHERS = ("voucher: id amount", "pallet: id weight", "turbine: id power")


@pytest.mark.parametrize(
    ("table", "question"),
    [
        ("customers: id", "How many customers are there?"),
        ("customer: id", "How many customers are there?"),
        ("CUSTOMERS: id", "How many customers are there?"),
        ("cust: id", "How many customers are there?"),  # shortened in the schema
        ("departments: id", "Which dept is the largest?"),  # shortened in the question
        ("employees: id", "List the employes"),  # misspelt
        ("order_items: id", "List the order items"),
        ("orderitems: id", "List the order items"),  # one word in the schema
        ("order_items: id", "List the orderitems"),  # one word in the question
        ("OrderItems: id", "List the order_items"),
        ("tblOrderItems: id", "List the order items"),
        ("enrolments: id", "Who is enrolled?"),  # a verb for its noun
        ("registrations: id", "Who registered?"),
        ("teaches: id", "Who taught it?"),  # a form that no ending tells
        ("teachers: id", "Who taught it?"),
        ("studentcourses: id", "courses of a student"),
        ("kennels: id surname", "What are the last names?"),  # said in other words
        ("kennels: id birth_date", "Which of them is the oldest?"),
        ("kennels: id qty", "What quantity is there?"),
        ("kennels: id start_station_name", "the start station names"),
        ("2019_results: id", "results of 2019"),
        ("people: id", "How many persons are there?"),
        ("Städte: id", "Welche Städte gibt es?"),
    ],
)
def test_the_table_that_resembles_the_question_comes_first(table: str, question: str) -> None:
    ranking = Ranking(make_index(*OTHERS, table), question)
    assert ranking.tables[0] == len(OTHERS)
    assert all(ranking.scores[other] < ranking.scores[len(OTHERS)] for other in ranking.tables[1:])


@pytest.mark.parametrize("question", ["Is it so?", "how many are there", "What were the most of"])
def test_words_without_content_resemble_nothing(question: str) -> None:
    assert not any(alike(terms_of(question), make_index("is_it: so are how", "most: were")))


def test_words_side_by_side_are_joined_and_others_are_not() -> None:
    index = make_index("orderitems: id", *OTHERS)
    assert {"orderitem"} == set(alike(terms_of("order items"), index)[0])
    assert "orderitem" not in alike(terms_of("border, items"), index)[1]


def test_comments_and_values_count_less_than_names_and_more_than_nothing() -> None:
    named = Table("kennels", (Column("id"),))
    said = Table("t1", (Column("c1", comment="Kennels of the shelter"),))
    closed = Table("t2", (Column("c2", values=("kennel", "garden")),))
    silent = Table("t3", (Column("c3"),))
    index = SchemaIndex(Schema("sqlite", (silent, closed, said, named)))
    scores = Ranking(index, "How many kennels are there?").scores
    assert scores[3] > max(scores[2], scores[1])
    assert min(scores[2], scores[1]) > scores.get(0, 0.0)


def test_the_copy_of_a_table_comes_after_it_unless_it_is_asked_for() -> None:
    index = make_index("stg_orders: id", "orders_archive: id", "orders: id", "orders_2019: id")
    assert Ranking(index, "How many orders?").tables[0] == 2
    assert Ranking(index, "How many orders are in the archive?").tables[0] == 1
    assert Ranking(index, "How many orders of 2019?").tables[0] == 3
    names = [name_words(name) for name in ("audit_log", "orders", "orders_v2")]
    assert copies(names) == [frozenset(), frozenset(), frozenset({"v", "2"})]


def test_the_surroundings_decide_between_tables_called_alike() -> None:
    def shop(prefix: str, other: str) -> tuple[str, ...]:
        return (f"{prefix}_customers: id name", f"{prefix}_{other}: id code", f"{prefix}_x: id")

    index = make_index(*shop("zoo", "giraffes"), *shop("farm", "tractors"))
    assert (
        Ranking(index, "customers of the tractors").scores[3]
        > Ranking(index, "customers of the tractors").scores[0]
    )
    assert Ranking(index, "customers of giraffes").tables[0] in (0, 1)


def test_groups_are_tables_with_the_same_beginning() -> None:
    names = [name_words(name) for name in ("crm_a", "crm_b", "crm_c_one", "crm_c_two", "lone")]
    groups, members = prefix_groups(names)
    assert [sorted(members[group]) for group in groups[2]] == [[2, 3], [0, 1, 2, 3]]
    assert groups[4] == ()
    assert shared_beginnings(names) == [1, 1, 1, 1, 0]


def test_values_are_told_from_words() -> None:
    text = "Which 'green' tractors from Ohio weigh 300? Farmers know."
    values = {term.word for term in terms_of(text) if term.is_value}
    assert values == {"green", "ohio", "300"}


def test_a_question_has_so_many_terms_and_no_more() -> None:
    terms = terms_of(" ".join(f"word{'x' * number}" for number in range(200)))
    assert sum(term.is_content for term in terms) == MAX_TERMS
