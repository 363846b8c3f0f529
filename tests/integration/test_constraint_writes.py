"""What the grammars let be written into tables and schemas: real llguidance, the last check, and
the real engines. Standard SQL has no engine of its own and is held against the last check alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from byte_matcher import ByteMatcher
from servers.engine import RealEngine
from servers.start import ENGINES, start
from sqlstrictd.constraint import (
    Skeleton,
    draft_grammar,
    exact_grammar,
    skeleton_of,
    skeleton_of_sets,
)
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement
from writable_schema import KINDS, MISTAKES, MORE_STATEMENTS, STATEMENTS, ddl

DIALECTS = ("sqlite", "postgres", "duckdb", "mysql", "ansi")
CHANGING = ("insert", "update", "delete")
# Statements of noise for each kind and dialect.
N_NOISE = 40
GOOD = [
    (dialect, kind, statement)
    for dialect in DIALECTS
    for kind in KINDS
    for statement in (*STATEMENTS[kind], *(s for k, s in MORE_STATEMENTS[dialect] if k == kind))
]


@cache
def schema_of(dialect: str) -> Schema:
    schema = parse_schema(ddl(dialect), dialect)
    assert not schema.warnings
    return schema


@cache
def matcher_of(text: str) -> ByteMatcher:
    return ByteMatcher(text)


def policy_of(kind: str) -> Policy:
    return Policy(frozenset({kind}))


def exact_matcher(statement: str, dialect: str, kind: str) -> ByteMatcher:
    skeleton = skeleton_of(statement, schema_of(dialect), dialect)
    return matcher_of(exact_grammar(schema_of(dialect), skeleton, dialect, policy_of(kind)).text)


@cache
def draft_matcher(dialect: str, *kinds: str) -> ByteMatcher:
    return ByteMatcher(draft_grammar(schema_of(dialect), dialect, Policy(frozenset(kinds))).text)


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, RealEngine]]:
    """The engine of each dialect that has one, with the schema loaded."""
    found: dict[str, RealEngine] = {}
    try:
        for dialect in ENGINES:
            found[dialect] = start(dialect)
            found[dialect].load(ddl(dialect))
        yield found
    finally:
        for engine in found.values():
            engine.close()


def complaint(
    engines: dict[str, RealEngine],
    dialect: str,
    kind: str,
    statement: str,
    allows_unfiltered: bool = False,
) -> str:
    """What the last check or the engine says against a statement; empty for nothing."""
    policy = Policy(frozenset({kind}), allows_unfiltered)
    verdict = check_statement(statement, schema_of(dialect), dialect, policy)
    if verdict.problems or verdict.kind != kind:
        return "; ".join(problem.message for problem in verdict.problems) or verdict.kind
    engine = engines.get(dialect)
    if engine is None:
        return ""
    return engine.prepare(statement) if kind in CHANGING else engine.try_definition(statement)


@pytest.mark.parametrize(("dialect", "kind", "statement"), GOOD)
def test_a_good_statement_can_be_written(
    engines: dict[str, RealEngine], dialect: str, kind: str, statement: str
) -> None:
    assert not complaint(engines, dialect, kind, statement)
    assert exact_matcher(statement, dialect, kind).accepts(statement)
    if "GROUP BY 1" not in statement:  # drafts name what they group by
        assert draft_matcher(dialect, kind).accepts(statement)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_cannot(dialect: str, kind: str) -> None:
    schema = schema_of(dialect)
    tables = skeleton_of_sets([(table.name,) for table in schema.tables])
    for statement in MISTAKES[kind]:
        if dialect == "sqlite" and "'2023-02-30" in statement:
            continue  # its dates are what their users make of them
        skeleton = skeleton_of(statement, schema, dialect).and_also(tables)
        text = exact_grammar(schema, skeleton, dialect, policy_of(kind)).text
        assert not matcher_of(text).accepts(statement), statement


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_noise_passes_the_last_check_and_prepares(
    engines: dict[str, RealEngine], dialect: str, kind: str
) -> None:
    drafts = [statement for d, k, statement in GOOD if (d, k) == (dialect, kind)]
    n_written = 0
    for seed in range(N_NOISE * 2):
        draft = drafts[seed % len(drafts)]
        statement = exact_matcher(draft, dialect, kind).write_noise(seed)
        if statement is not None:
            n_written += 1
            # Every WHERE has been written by rule; that one holds for every row (`1 < 2`) is for
            # the last check alone to see.
            assert not complaint(engines, dialect, kind, statement, True), statement
        if n_written == N_NOISE:
            return
    raise AssertionError(f"only {n_written} statements came to an end")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", ["select", *KINDS])
def test_a_policy_of_one_kind_writes_no_other(dialect: str, kind: str) -> None:
    others = [s for d, k, s in GOOD if d == dialect and k != kind]
    if kind != "select":
        others += ["SELECT * FROM orders;", "SELECT 1;", "WITH q AS (SELECT 1) SELECT 1;"]
    draft = draft_matcher(dialect, kind)
    for statement in others:
        assert not draft.accepts(statement), statement
        skeleton = skeleton_of(statement, schema_of(dialect), dialect)
        skeleton = skeleton.and_also(skeleton_of_sets([("orders",), ("logs",)]))
        text = exact_grammar(schema_of(dialect), skeleton, dialect, policy_of(kind)).text
        assert not matcher_of(text).accepts(statement), statement


@pytest.mark.parametrize("dialect", DIALECTS)
def test_kinds_stand_beside_each_other(dialect: str) -> None:
    policy = Policy(frozenset({"select", *KINDS}))
    for kind in KINDS:
        statement = STATEMENTS[kind][0]
        skeleton = skeleton_of(statement, schema_of(dialect), dialect)
        text = exact_grammar(schema_of(dialect), skeleton, dialect, policy).text
        assert matcher_of(text).accepts(statement), statement


@pytest.mark.parametrize("dialect", DIALECTS)
def test_all_rows_are_changed_only_where_that_is_allowed(dialect: str) -> None:
    for kind, statement in (
        ("update", "UPDATE logs SET done = TRUE;"),
        ("delete", "DELETE FROM logs;"),
    ):
        schema = schema_of(dialect)
        for allows, expected in ((False, False), (True, True)):
            policy = Policy(frozenset({kind}), allows_unfiltered=allows)
            exact = exact_grammar(schema, skeleton_of(statement, schema, dialect), dialect, policy)
            draft = draft_grammar(schema, dialect, policy)
            assert matcher_of(exact.text).accepts(statement) is expected
            assert matcher_of(draft.text).accepts(statement) is expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_a_draft_there_is_still_something_to_write(dialect: str) -> None:
    skeleton = skeleton_of_sets([("logs",)])
    for kind, statement in (
        ("insert", "INSERT INTO logs (note) VALUES ('x');"),
        ("update", "UPDATE logs SET note = 'x' WHERE id = 1;"),
        ("create_table", "CREATE TABLE notes (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);"),
        ("create_view", "CREATE VIEW v AS SELECT * FROM logs;"),
    ):
        text = exact_grammar(schema_of(dialect), skeleton, dialect, policy_of(kind)).text
        accepted = matcher_of(text).accepts(statement)
        assert accepted is not (kind == "insert"), statement  # one column alone is no list of it


def test_a_table_that_mysql_writes_is_read_nowhere_inside() -> None:
    statement = "DELETE FROM orders WHERE price > (SELECT AVG(price) FROM orders);"
    assert not exact_matcher(statement, "mysql", "delete").accepts(statement)
    assert exact_matcher(statement, "postgres", "delete").accepts(statement)


def test_what_a_draft_changes_survives_json() -> None:
    schema = schema_of("postgres")
    for statements in STATEMENTS.values():
        for statement in statements:
            skeleton = skeleton_of(statement, schema, "postgres")
            assert skeleton.change is not None
            assert Skeleton.from_json(skeleton.to_json()) == skeleton
