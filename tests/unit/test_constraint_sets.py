"""FROM sets: what may stand together, and what a statement names."""

from __future__ import annotations

from sqlstrictd.constraint import all_from_sets
from sqlstrictd.constraint.sets import JoinKey, JoinKeys
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table


def table(name: str, columns: str, *foreign_keys: ForeignKey, key: str = "") -> Table:
    return Table(
        name,
        tuple(Column(column) for column in columns.split()),
        tuple(key.split()),
        foreign_keys,
    )


SHOP = Schema(
    "sqlite",
    (
        table("customers", "id name", key="id"),
        table("orders", "id customer_id", ForeignKey(("customer_id",), "customers", ("id",))),
        table("items", "order_id product_code", ForeignKey(("order_id",), "orders", ("id",))),
        table("products", "product_code name"),
        table("notes", "text"),
    ),
)


def test_declared_keys_are_seen_from_both_sides() -> None:
    keys = JoinKeys(SHOP)
    assert keys.between("orders", "customers") == [JoinKey(("customer_id",), ("id",))]
    assert keys.between("customers", "orders") == [JoinKey(("id",), ("customer_id",))]


def test_columns_called_alike_are_keys_only_if_they_look_like_one() -> None:
    keys = JoinKeys(SHOP)
    assert keys.between("items", "products") == [JoinKey(("product_code",), ("product_code",))]
    assert keys.between("customers", "products") == []  # both have a name
    assert keys.between("customers", "orders") != [JoinKey(("id",), ("id",))]


def test_a_column_called_after_a_table_is_a_key_where_none_is_declared() -> None:
    schema = Schema(
        "sqlite",
        (
            table("stations", "id name"),
            table("trips", "id start_station_id endStationId stationid"),
        ),
    )
    columns = [key.left_columns for key in JoinKeys(schema).between("trips", "stations")]
    assert columns == [("start_station_id",), ("endStationId",)]


def test_a_column_called_after_a_table_and_a_role_is_a_key_either_way_round() -> None:
    schema = Schema(
        "sqlite",
        (
            table("team", "year team_id name"),  # which tells rows apart with the year alone
            table("game", "team_id_winner loser_team_id teamid_of winner_id"),
        ),
    )
    columns = [key.left_columns for key in JoinKeys(schema).between("game", "team")]
    assert columns == [("team_id_winner",), ("loser_team_id",)]


def test_related_tables_hold_columns_that_keys_make_equal() -> None:
    keys = JoinKeys(
        Schema(
            "sqlite",
            (
                table("people", "id", key="id"),
                table("teachers", "key", ForeignKey(("key",), "people", ("id",)), key="key"),
                table("classes", "room by", ForeignKey(("by",), "teachers", ("key",))),
                table("rooms", "room"),
            ),
        )
    )
    assert keys.related == {
        "people": ("classes",),
        "teachers": (),
        "classes": ("people",),
        "rooms": (),
    }
    assert keys.hold(("people", "teachers", "classes"))
    assert not keys.hold(("people", "classes"))  # only with the teachers between them
    assert keys.lead("people", "classes") and keys.lead("classes", "people")
    assert not keys.lead("people", "rooms") and keys.lead("rooms", "rooms")


def test_a_hub_does_not_relate_everything_to_everything() -> None:
    spokes = [
        table(f"spoke_{number}", f"hub_{number}", ForeignKey((f"hub_{number}",), "hub", ("id",)))
        for number in range(100)
    ]
    keys = JoinKeys(Schema("sqlite", (table("hub", "id", key="id"), *spokes)))
    assert not any(keys.related.values())


def test_sets_grow_along_keys_up_to_three_tables() -> None:
    sets = all_from_sets(SHOP)
    assert ("customers", "orders") in sets
    assert ("customers", "items", "orders") in sets
    assert ("customers", "items") not in sets
    assert ("notes",) in sets and not [
        names for names in sets if "notes" in names and len(names) > 1
    ]
    assert max(map(len, sets)) == 3
    assert len(sets) == len(set(sets))


def test_a_table_that_refers_to_itself_joins_itself() -> None:
    boss = ForeignKey(("boss_id",), "staff", ("id",))
    schema = Schema("sqlite", (table("staff", "id boss_id", boss),))
    assert all_from_sets(schema) == [("staff",), ("staff", "staff")]


def test_two_tables_without_any_key_still_are_a_set() -> None:
    schema = Schema("sqlite", (table("a", "x"), table("b", "y")))
    assert ("a", "b") in all_from_sets(schema)
