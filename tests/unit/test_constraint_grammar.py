"""The grammars' text: the same for the same input, another for another, bounded in size."""

from __future__ import annotations

import hashlib

import pytest
from sqlstrictd.constraint import (
    FromClause,
    Skeleton,
    Source,
    all_from_sets,
    draft_grammar,
    exact_grammar,
    skeleton_of_sets,
)
from sqlstrictd.constraint.exact import MAX_SCOPES
from sqlstrictd.constraint.skeleton import Defined, Output
from sqlstrictd.dialects import DIALECTS
from sqlstrictd.errors import UnsupportedDialect
from sqlstrictd.policy import Policy
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

READ_ONLY = Policy()


def chain(n_tables: int, prefix: str = "table_number") -> Schema:
    """Tables of which each refers to the one before it."""
    tables = []
    for number in range(n_tables):
        columns = (Column("id", "INTEGER"), Column("name", "TEXT"), Column("previous", "INTEGER"))
        key = ForeignKey(("previous",), f"{prefix}_{max(0, number - 1)}", ("id",))
        tables.append(Table(f"{prefix}_{number}", columns, ("id",), (key,) if number else ()))
    return Schema("sqlite", tuple(tables))


def skeleton_of_all(schema: Schema) -> Skeleton:
    return skeleton_of_sets(all_from_sets(schema))


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_same_input_gives_the_same_text_and_the_key_is_its_hash(dialect: str) -> None:
    for one, other in (
        (
            exact_grammar(chain(3), skeleton_of_all(chain(3)), dialect, READ_ONLY),
            exact_grammar(chain(3), skeleton_of_all(chain(3)), dialect, READ_ONLY),
        ),
        (
            draft_grammar(chain(3), dialect, READ_ONLY),
            draft_grammar(chain(3), dialect, READ_ONLY),
        ),
    ):
        assert one == other
        assert one.key == hashlib.sha256(one.text.encode()).hexdigest()


def test_other_sets_dialects_and_policies_give_other_grammars() -> None:
    schema = chain(3)
    keys = {
        exact_grammar(schema, skeleton_of_sets(sets), dialect, policy).key
        for sets in (all_from_sets(schema), [(schema.tables[0].name,)])
        for dialect in DIALECTS
        for policy in (READ_ONLY, Policy(frozenset({"select", "delete"})))
    }
    assert len(keys) == 4 * len(DIALECTS)


def test_the_order_of_names_in_a_set_does_not_count() -> None:
    schema = chain(2)
    one, other = (table.name for table in schema.tables)
    assert skeleton_of_sets([(one, other)]) == skeleton_of_sets([(other, one)])


def test_an_unknown_dialect_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedDialect, match="'oracle'.*sqlite") as caught:
        draft_grammar(chain(1), "oracle", READ_ONLY)
    assert caught.value.field == "dialect"


def test_a_draft_names_the_tables_it_is_given_and_no_others() -> None:
    schema = chain(4)
    text = draft_grammar(schema, "sqlite", READ_ONLY, {"table_number_1", "TABLE_NUMBER_2"}).text
    assert "table_number_1" in text and "table_number_2" in text
    assert "table_number_0" not in text and "table_number_3" not in text
    with pytest.raises(ValueError, match="at least one table"):
        draft_grammar(schema, "sqlite", READ_ONLY, {"nowhere"})


def test_clauses_that_cannot_be_are_left_out() -> None:
    schema = chain(2)
    nowhere = FromClause((Source("table_number_0"), Source("nowhere")))
    twice = FromClause((Source("table_number_0"), Source("table_number_0")))
    good = FromClause((Source("table_number_1", "t"),))
    one = exact_grammar(schema, Skeleton((nowhere, twice, good)), "sqlite", READ_ONLY)
    assert one == exact_grammar(schema, Skeleton((good,)), "sqlite", READ_ONLY)


def test_a_skeleton_without_any_source_still_has_constants_to_select() -> None:
    text = exact_grammar(chain(1), Skeleton(()), "sqlite", READ_ONLY).text
    assert '"SELECT "' in text and '" FROM "' not in text


def test_no_more_scopes_than_the_limit_are_written() -> None:
    schema = chain(30)
    text = exact_grammar(schema, skeleton_of_all(schema), "sqlite", READ_ONLY).text
    labels = {line.split(":")[0] for line in text.splitlines() if line.startswith("query_0_s")}
    assert labels == {f"query_0_s{number}" for number in range(MAX_SCOPES)}


def test_a_table_of_the_statement_must_not_hide_one_of_the_schema() -> None:
    schema = chain(2)
    clause = FromClause((Source("table_number_1"),))
    hiding = Defined("table_number_0", (Output("name", "T"),), clause, is_cte=True)
    skeleton = Skeleton((FromClause((Source("table_number_0"),)),), (hiding,))
    assert '"WITH "' not in exact_grammar(schema, skeleton, "sqlite", READ_ONLY).text


def test_skeletons_go_over_a_pipe_and_back() -> None:
    clause = FromClause(
        (Source("a", "x"), Source("b", "", "cross")),
        outer=(Source("c"),),
        keys=("x.k",),
        order_aliases=("n",),
        pairs=(("x.k", "b.k"),),
        is_free=True,
    )
    defined = Defined("d", (Output("n", "N", True),), clause, is_cte=False)
    skeleton = Skeleton((clause,), (defined,), ("NT",))
    assert Skeleton.from_json(skeleton.to_json()) == skeleton
