"""The grammar's text: the same for the same input, another for another, bounded in size."""

from __future__ import annotations

import hashlib

import pytest
from sqlstrictd.constraint import all_from_sets, build_grammar
from sqlstrictd.constraint.grammar import MAX_SCOPES
from sqlstrictd.constraint.sets import JoinKeys
from sqlstrictd.constraint.styles import Style, choose_scopes
from sqlstrictd.errors import UnsupportedDialect
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table


def chain(n_tables: int, prefix: str = "table_number") -> Schema:
    """Tables of which each refers to the one before it."""
    tables = []
    for number in range(n_tables):
        columns = (Column("id"), Column("name"), Column("previous"))
        key = ForeignKey(("previous",), f"{prefix}_{max(0, number - 1)}", ("id",))
        tables.append(Table(f"{prefix}_{number}", columns, ("id",), (key,) if number else ()))
    return Schema("sqlite", tuple(tables))


def test_the_same_input_gives_the_same_text_and_the_key_is_its_hash() -> None:
    schema = chain(3)
    one = build_grammar(schema, all_from_sets(schema))
    other = build_grammar(chain(3), all_from_sets(chain(3)))
    assert one == other
    assert one.key == hashlib.sha256(one.text.encode()).hexdigest()


def test_other_sets_and_dialects_give_other_grammars() -> None:
    schema = chain(3)
    keys = {
        build_grammar(schema, sets, dialect).key
        for sets in (all_from_sets(schema), [(schema.tables[0].name,)])
        for dialect in ("sqlite", "ansi")
    }
    assert len(keys) == 4


def test_the_order_of_names_in_a_set_does_not_count() -> None:
    schema = chain(2)
    one, other = (table.name for table in schema.tables)
    assert build_grammar(schema, [(one, other)]) == build_grammar(schema, [(other, one)])


def test_a_dialect_without_functions_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedDialect, match="'oracle'.*sqlite") as caught:
        build_grammar(chain(1), [("table_number_0",)], "oracle")
    assert caught.value.field == "dialect"


@pytest.mark.parametrize("sets", [[], [()], [("table_number_0", "nowhere")]])
def test_sets_that_cannot_be_are_refused(sets: list[tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="FROM set"):
        build_grammar(chain(1), sets)


def test_every_set_gets_its_canonical_style_and_the_first_get_more() -> None:
    schema = chain(30)
    keys, sets = JoinKeys(schema), all_from_sets(schema)[:40]
    scopes = choose_scopes(schema, keys, sets, MAX_SCOPES)
    plain = [scope for scope in scopes if scope.style is Style.PLAIN]
    assert len(plain) == len(sets) == len(scopes)
    scopes = choose_scopes(schema, keys, all_from_sets(schema)[29:33], MAX_SCOPES)
    assert {scope.style for scope in scopes} == set(Style)
    assert len(scopes) <= MAX_SCOPES


def test_aliases_are_distinct_and_neither_tables_nor_reserved() -> None:
    names = ("order_number", "ox_north", "o", "if_name", "Is", "on")
    tables = tuple(Table(name, (Column("id"), Column("on_id"))) for name in names)
    schema = Schema("sqlite", tables)
    for scope in choose_scopes(schema, JoinKeys(schema), [names[:3], names[2:]], 10):
        aliases = [instance.alias for instance in scope.instances if instance.alias]
        assert len(set(aliases)) == len(aliases)
        assert not {alias.lower() for alias in aliases} & {"o", "on", "is", "if", "as", "or"}
