"""The part of a schema that one question is given."""

from __future__ import annotations

import random

import pytest
from sqlstrictd.schema.link import choose_part
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table


def make_table(name: str, columns: str, *keys: ForeignKey) -> Table:
    return Table(name, tuple(Column(part) for part in columns.split()), ("id",), keys)


def key(column: str, table: str) -> ForeignKey:
    return ForeignKey((column,), table, ("id",))


# A university among many tables of no matter; only `takes` ties students to courses.
UNIVERSITY = (
    make_table("student", "id full_name city"),
    make_table("course", "id title credits"),
    make_table(
        "takes", "id student_id course_id", key("student_id", "student"), key("course_id", "course")
    ),
)


def make_large(n_fillers: int, tables: tuple[Table, ...] = UNIVERSITY, seed: int = 0) -> Schema:
    order = random.Random(seed)
    words = "ledger pallet turbine parcel voucher permit asset sensor tariff depot".split()
    fillers = [
        make_table(
            f"{order.choice(words)}_{order.choice(words)}_{number}",
            " ".join(["id", *(f"{word}_{number % 7}" for word in order.sample(words, 5))]),
        )
        for number in range(n_fillers)
    ]
    found = [*fillers, *tables]
    order.shuffle(found)
    return Schema("sqlite", tuple(found))


def test_a_schema_that_fits_is_its_own_part() -> None:
    schema = make_large(5)
    part = choose_part(schema, "Which students are there?")
    assert part.schema is schema
    assert part.is_whole
    assert part.tables == tuple(table.name for table in schema.tables)


@pytest.mark.parametrize("rendering", ["ddl", "compact"])
def test_whole_is_what_the_rendering_says(rendering: str) -> None:
    schema = make_large(30)
    size = len(render(schema, rendering))  # type: ignore[arg-type]
    assert choose_part(schema, "x", size, rendering=rendering).is_whole  # type: ignore[arg-type]
    assert not choose_part(schema, "x", size - 1, rendering=rendering).is_whole  # type: ignore[arg-type]


@pytest.mark.parametrize("n_fillers", [400, 2000])
@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How many students live in Rome?", {"student"}),
        ("List the titles of the courses", {"course"}),
        ("Which students take which courses?", {"student", "course", "takes"}),
        ("Names of studnets per coures", {"student", "course", "takes"}),
    ],
)
def test_a_question_that_names_its_tables_finds_them(
    n_fillers: int, question: str, wanted: set[str]
) -> None:
    part = choose_part(make_large(n_fillers), question)
    assert not part.is_whole
    shown = {table.name for table in part.schema.tables}
    assert wanted <= shown <= set(part.tables)
    assert len(shown) <= 16
    assert len(part.tables) <= 40


def test_a_part_keeps_the_order_and_only_keys_within_it() -> None:
    schema = make_large(400)
    part = choose_part(schema, "How many students are there?", max_tables=1)
    assert [table.name for table in part.schema.tables] == ["student"]
    names = [table.name for table in schema.tables]
    assert [names.index(name) for name in part.tables] == sorted(map(names.index, part.tables))
    assert {"takes", "student"} <= set(part.tables)
    lone = choose_part(schema, "Which takes are there?", max_tables=1).schema.tables[0]
    assert (lone.name, lone.foreign_keys) == ("takes", ())
    whole = choose_part(schema, "Which students take which courses?").schema.table("takes")
    assert whole is not None and len(whole.foreign_keys) == 2


def test_a_part_does_not_depend_on_when_it_is_chosen() -> None:
    schema = make_large(400)
    first = choose_part(schema, "Which students take which courses?")
    for question in ("voucher", "pallet depots", ""):
        choose_part(schema, question)
    again = choose_part(make_large(400), "Which students take which courses?")
    assert again == first


@pytest.mark.parametrize("question", ["", "???", "zzz qqq", "日本の都市", "the of and"])
def test_a_question_that_names_nothing_still_gets_a_part(question: str) -> None:
    part = choose_part(make_large(400), question)
    assert part.schema.tables
    assert set(part.tables) >= {table.name for table in part.schema.tables}


def test_a_very_wide_table_keeps_its_keys_and_what_the_question_names() -> None:
    columns = ["id", *(f"measure_{number}" for number in range(300)), "harvest_date", "student_id"]
    wide = make_table("reading", " ".join(columns), key("student_id", "student"))
    schema = make_large(300, (*UNIVERSITY, wide))
    part = choose_part(schema, "harvest date of each reading by student")
    shown = part.schema.table("reading")
    assert shown is not None
    assert {"id", "student_id", "harvest_date"} <= set(shown.column_names)
    assert len(shown.columns) <= 40
    assert shown.foreign_keys == wide.foreign_keys
    assert [name for name in columns if name in shown.column_names] == list(shown.column_names)


def test_the_prompt_of_a_part_stays_within_its_characters() -> None:
    schema = make_large(400)
    part = choose_part(schema, "Which students take which courses?", 600)
    assert part.schema.tables
    assert len(render(part.schema, "ddl")) <= 600
