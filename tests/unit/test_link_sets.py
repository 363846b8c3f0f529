"""FROM sets chosen from questions, and the tables that stand between others."""

from __future__ import annotations

import random

import pytest
from sqlstrictd.constraint import FromSet
from sqlstrictd.schema.link import MAX_SETS, choose_from_sets, choose_part
from sqlstrictd.schema.linking.paths import bridges
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table
from sqlstrictd.schema.words import name_words


def make_table(name: str, columns: str = "label", *referenced: str) -> Table:
    keys = [ForeignKey((f"{other}_ref",), other, ("id",)) for other in referenced]
    names = ["id", *columns.split(), *(key.columns[0] for key in keys)]
    return Table(name, tuple(map(Column, names)), ("id",), tuple(keys))


def test_tables_that_no_key_links_stand_apart_unless_the_question_names_both() -> None:
    wanted = {"engines": "power", "sailors": "rank", "ports": "depth"}
    # So many that not all of the sets are taken, whatever the question is.
    further = {f"shed_{number}": f"plot_{number}" for number in range(20)}
    schema = Schema(
        "sqlite",
        tuple(make_table(name, columns) for name, columns in (wanted | further).items()),
    )
    assert pairs_of(choose_from_sets(schema, "How many are there?")) == set()
    assert pairs_of(choose_from_sets(schema, "How many sailors are there?")) == set()
    assert ("engines", "sailors") in choose_from_sets(schema, "engines and sailors")


def pairs_of(sets: list[FromSet]) -> set[FromSet]:
    return {names for names in sets if len(set(names)) > 1}


def test_a_small_schema_gives_all_its_sets_whatever_the_question_is() -> None:
    stations = make_table("stations", "city")
    trips = make_table("trips", "minutes", "stations")
    weather = make_table("weather", "city rain")
    staff = make_table("staff", "wage")
    schema = Schema("sqlite", (stations, trips, weather, staff))
    chosen = choose_from_sets(schema, "trips")
    assert chosen == choose_from_sets(schema, "wages of the staff")
    assert chosen[:5] == [
        ("staff",),
        ("stations",),
        ("trips",),
        ("weather",),
        ("stations", "trips"),
    ]
    # Then what no key suggests: tables that share a column, and tables joined with themselves.
    assert pairs_of(chosen) == {("stations", "trips"), ("stations", "weather")}
    assert ("staff", "staff") in chosen


def test_two_tables_are_a_set_though_they_have_nothing_in_common() -> None:
    schema = Schema("sqlite", (make_table("engines", "power"), make_table("ports", "depth")))
    assert ("engines", "ports") in choose_from_sets(schema, "How many are there?")


def make_shop(n_further: int) -> Schema:
    """Make a schema with a hub, and so many further tables that not all sets can be taken."""
    further = [make_table(f"shelf_{number}", f"colour_{number}") for number in range(n_further)]
    hub = make_table("addresses", "city")
    spokes = [
        make_table("customers", "nickname", "addresses"),
        make_table("performers", "stage", "addresses"),
        make_table("couriers", "vehicle", "addresses"),
    ]
    bosses = Table(
        "bosses",
        tuple(map(Column, ("id", "nickname", "boss_ref"))),
        ("id",),
        (ForeignKey(("boss_ref",), "bosses", ("id",)),),
    )
    return Schema("sqlite", (hub, *spokes, bosses, *further))


def test_the_parts_of_the_best_set_are_taken_for_the_members_of_set_operations() -> None:
    chosen = choose_from_sets(make_shop(20), "cities with a customer but without performers")
    assert ("addresses", "customers", "performers") in chosen
    assert {("addresses", "customers"), ("addresses", "performers")} <= set(chosen)
    assert {("addresses",), ("customers",), ("performers",)} <= set(chosen)


def test_tables_that_refer_to_the_same_column_stand_together_without_it() -> None:
    chosen = choose_from_sets(make_shop(20), "nicknames of customers and stages of performers")
    assert ("customers", "performers") in chosen


def test_a_table_that_refers_to_itself_stands_twice() -> None:
    assert ("bosses", "bosses") in choose_from_sets(make_shop(20), "nicknames of bosses")


def test_tables_that_share_a_column_stand_together_though_no_key_says_so() -> None:
    schools = make_table("schools", "district pupils")
    votes = make_table("votes", "district turnout")
    further = [make_table(f"shelf_{number}", f"colour_{number}") for number in range(20)]
    schema = Schema("sqlite", (schools, votes, *further))
    # Neither is called what the question calls it: by their columns alone it is about them.
    assert ("schools", "votes") in choose_from_sets(schema, "turnout and pupils of each district")


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
