"""What the second attempt reads from: what the draft does, and linked sets while there is room."""

from __future__ import annotations

import pytest
from sqlstrictd.constraint import FromClause, Skeleton, Source, skeleton_of_sets
from sqlstrictd.grammars import enough_clauses, with_few, with_linked

DIALECTS = ("sqlite", "mysql", "postgres")
SETS = [("orders",), ("customers",), ("customers", "orders"), ("items",), ("products",)]


def clause(*names: str) -> FromClause:
    return FromClause(tuple(Source(name, alias=f"T{at}") for at, name in enumerate(names)))


def tables(skeleton: Skeleton) -> list[tuple[str, ...]]:
    return [tuple(source.name for source in one.sources) for one in skeleton.clauses]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_drafts_clauses_come_first_and_linked_sets_fill_up(dialect: str) -> None:
    draft = Skeleton((clause("orders", "customers"), clause("items")))
    found = with_linked(draft, SETS, dialect)
    assert found.clauses[:2] == draft.clauses
    # Its own sets are not taken once more in other words.
    room = enough_clauses(dialect) - 2
    assert tables(found)[2:] == [("orders",), ("customers",)][:room]


def test_a_draft_of_many_clauses_keeps_them_all() -> None:
    draft = Skeleton(tuple(clause(f"t{number}") for number in range(6)))
    assert with_linked(draft, SETS, "sqlite").clauses == draft.clauses


def test_a_draft_that_reads_from_nothing_leaves_it_to_the_linker() -> None:
    found = with_linked(Skeleton(()), SETS, "sqlite")
    assert tables(found) == SETS[: enough_clauses("sqlite")]
    assert with_few(Skeleton(()), SETS) == skeleton_of_sets(SETS[:1])


def test_few_are_the_first_of_the_drafts_own() -> None:
    draft = Skeleton((clause("orders"), clause("items")), members=("n",))
    assert with_few(draft, SETS) == Skeleton((clause("orders"),), members=("n",))
