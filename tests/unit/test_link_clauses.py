"""What the second attempt reads from: what the draft does, and linked sets while there is room."""

from __future__ import annotations

from sqlstrictd.constraint import FromClause, Skeleton, Source, skeleton_of_sets
from sqlstrictd.grammars import ENOUGH_CLAUSES, with_few, with_linked

SETS = [("orders",), ("customers",), ("customers", "orders"), ("items",), ("products",)]


def clause(*names: str) -> FromClause:
    return FromClause(tuple(Source(name, alias=f"T{at}") for at, name in enumerate(names)))


def tables(skeleton: Skeleton) -> list[tuple[str, ...]]:
    return [tuple(source.name for source in one.sources) for one in skeleton.clauses]


def test_the_drafts_clauses_come_first_and_linked_sets_fill_up() -> None:
    draft = Skeleton((clause("orders", "customers"), clause("items")))
    found = with_linked(draft, SETS)
    assert found.clauses[:2] == draft.clauses
    # Its own sets are not taken once more in other words.
    assert tables(found)[2:] == [("orders",), ("customers",)]
    assert len(found.clauses) == ENOUGH_CLAUSES


def test_a_draft_of_many_clauses_keeps_them_all() -> None:
    draft = Skeleton(tuple(clause(f"t{number}") for number in range(ENOUGH_CLAUSES + 2)))
    assert with_linked(draft, SETS).clauses == draft.clauses


def test_a_draft_that_reads_from_nothing_leaves_it_to_the_linker() -> None:
    assert tables(with_linked(Skeleton(()), SETS)) == SETS[:ENOUGH_CLAUSES]
    assert with_few(Skeleton(()), SETS) == skeleton_of_sets(SETS[:1])


def test_few_are_the_first_of_the_drafts_own() -> None:
    draft = Skeleton((clause("orders"), clause("items")), members=("n",))
    assert with_few(draft, SETS) == Skeleton((clause("orders"),), members=("n",))
