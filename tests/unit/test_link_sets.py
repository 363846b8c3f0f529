"""FROM sets chosen from questions, and the tables that stand between others."""

from __future__ import annotations

import random

import pytest
from sqlstrictd.schema.link import MAX_SETS, choose_from_sets, choose_part
from sqlstrictd.schema.linking.paths import bridges
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table
from sqlstrictd.schema.words import name_words


def make_table(name: str, columns: str = "label", *referenced: str) -> Table:
    keys = [ForeignKey((f"{other}_ref",), other, ("id",)) for other in referenced]
    names = ["id", *columns.split(), *(key.columns[0] for key in keys)]
    return Table(name, tuple(map(Column, names)), ("id",), tuple(keys))


def test_tables_that_no_key_links_stand_apart_unless_the_question_names_both() -> None:
    schema = Schema("sqlite", (make_table("engines"), make_table("sailors"), make_table("ports")))
    singles = [("engines",), ("ports",), ("sailors",)]
    assert choose_from_sets(schema, "How many are there?") == singles
    assert choose_from_sets(schema, "How many sailors are there?") == singles
    assert ("engines", "sailors") in choose_from_sets(schema, "engines and sailors")


def test_tables_that_keys_link_over_others_are_never_joined_without_them() -> None:
    schema = Schema(
        "sqlite",
        (make_table("actors"), make_table("films"), make_table("roles", "x", "actors", "films")),
    )
    chosen = choose_from_sets(schema, "actors and films")
    assert ("actors", "films") not in chosen
    assert ("actors", "films", "roles") in chosen


def test_a_hub_of_hundreds_does_not_hide_the_tables_asked_for() -> None:
    spokes = [make_table(f"thing_{number}", f"field_{number}", "hub") for number in range(400)]
    wanted = [make_table("lanterns", "brightness", "hub"), make_table("ropes", "length", "hub")]
    schema = Schema("sqlite", (*spokes, make_table("hub"), *wanted))
    chosen = choose_from_sets(schema, "brightness of lanterns and length of ropes")
    assert len(chosen) <= MAX_SETS
    assert {("lanterns",), ("ropes",), ("hub", "lanterns", "ropes")} <= set(chosen)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [([0, 4], []), ([0, 2], [1]), ([0, 3], [1, 2]), ([1, 0, 3], [2]), ([0, 1], []), ([5, 0], [])],
)
def test_bridges_are_the_tables_of_the_shortest_path(
    tables: list[int], expected: list[int]
) -> None:
    links = {0: [1], 1: [0, 2], 2: [1, 3], 3: [2, 4], 4: [3], 5: []}  # 0 - 1 - 2 - 3 - 4, and 5
    assert bridges(tables, links.__getitem__, {}) == expected


def test_of_two_bridges_the_one_nearer_to_the_question_is_taken() -> None:
    links = {0: [1, 2], 1: [0, 3], 2: [0, 3], 3: [1, 2]}
    assert bridges([0, 3], links.__getitem__, {1: 0.1, 2: 0.7}) == [2]
    assert bridges([0, 3], links.__getitem__, {1: 0.7, 2: 0.1}) == [1]


def make_company(n_tables: int, seed: int) -> Schema:
    """Make a large schema as companies have them: departments, things, and kinds of tables."""
    order = random.Random(seed)
    departments = "hr crm fin wms web mfg edu med fleet sport media travel".split()
    things = (
        "employee position invoice payment warehouse shipment session visitor machine shift course "
        "exam patient visit vehicle trip player match article author flight booking budget lead"
    ).split()
    kinds = "detail type status note summary history archive request plan event review".split()
    names = {
        f"{department}_{thing}_{kind}_{number}" if number else f"{department}_{thing}_{kind}"
        for department in departments
        for thing in things
        for kind in kinds
        for number in (0, 2019)
    }
    tables = [
        make_table(name, " ".join(order.sample([*things, *kinds], 8)))
        for name in order.sample(sorted(names), n_tables)
    ]
    return Schema("sqlite", tuple(tables))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_table_named_plainly_is_shown_among_two_thousand(seed: int) -> None:
    schema = make_company(2000, seed)
    asked = random.Random(seed).sample(schema.tables, 40)
    for table in asked:
        said = " ".join(name_words(table.name))
        shown = choose_part(schema, f"How many {said}s are there?").schema
        assert shown.table(table.name) is not None, said
        assert (table.name,) in choose_from_sets(schema, f"List the labels of each {said}"), said
