"""What must never be written: forbidden statements, mutations of good ones, odd names."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest
from byte_matcher import ByteMatcher
from sqlstrictd.constraint import (
    all_from_sets,
    draft_grammar,
    exact_grammar,
    skeleton_of,
    skeleton_of_sets,
)
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PIECES = ("'", '"', ";", "--", "/*", "(", ")", " ", ",", "*", ".", "=", "0", "-", " OR 1 = 1", "\n")


def read_schema(*parts: str) -> Schema:
    return parse_schema(FIXTURES.joinpath(*parts).read_text("utf-8"))


def open_database(schema: Schema) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    for create in create_statements(schema):
        database.execute(create)
    return database


DIALECTS = ("sqlite", "postgres", "duckdb", "mysql", "ansi")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_forbidden_statement_can_be_written(dialect: str) -> None:
    schema = parse_schema(FIXTURES.joinpath("schemas", "shop.sql").read_text("utf-8"), dialect)
    draft = ByteMatcher(draft_grammar(schema, dialect, Policy()).text)
    sets = skeleton_of_sets(all_from_sets(schema)[:4])
    lines = (FIXTURES / "forbidden" / "statements.jsonl").read_text("utf-8").splitlines()
    forbidden = [row["sql"] for row in map(json.loads, lines) if row["dialect"] == dialect]
    assert len(forbidden) > 100
    compiled: dict[str, ByteMatcher] = {}
    for statement in forbidden:
        skeleton = skeleton_of(statement, schema, dialect).and_also(sets)
        reads = json.dumps(skeleton.to_json(), sort_keys=True)
        if reads not in compiled:
            grammar = exact_grammar(schema, skeleton, dialect, Policy())
            compiled[reads] = ByteMatcher(grammar.text)
        exact = compiled[reads]
        for text in (statement, f"{statement.rstrip()};"):
            assert not exact.accepts(text), statement
            if draft.accepts(text):  # it may misplace names, which the last check sees
                assert text.startswith(("SELECT ", "WITH ")), text
                assert check_statement(text, schema, dialect).problems, text


def test_a_mutation_of_a_good_statement_is_refused_or_good_itself() -> None:
    schema = read_schema("constraint", "shop.sql")
    matcher = ByteMatcher.of(schema, all_from_sets(schema))
    good = (FIXTURES / "constraint" / "written.sql").read_text("utf-8").splitlines()
    database = open_database(schema)
    draw = random.Random(1)
    n_written = 0
    for _ in range(10_000):
        statement = mutate(draw.choice(good), draw, good)
        if matcher.accepts(statement):
            n_written += 1
            database.execute(f"EXPLAIN {statement}")
            assert statement.count(";") == 1 or "'" in statement
    database.close()
    assert 0 < n_written < 5000  # some mutations, such as another number, are good statements


def mutate(statement: str, draw: random.Random, good: list[str]) -> str:
    """Change, drop, double or insert a piece, or go on in the middle of another statement."""
    start = draw.randrange(len(statement))
    end = min(len(statement), start + draw.randrange(1, 12))
    kind = draw.randrange(5)
    if kind == 0:
        return statement[:start] + draw.choice(PIECES) + statement[start:]
    if kind == 1:
        return statement[:start] + statement[end:]
    if kind == 2:
        return statement[:end] + statement[start:]
    if kind == 3:
        return statement[:start] + draw.choice(PIECES) + statement[end:]
    other = draw.choice(good)
    return statement[:start] + other[draw.randrange(len(other)) :]


def test_noise_on_odd_names_prepares() -> None:
    schema = read_schema("schemas", "odd_names.sql")
    matcher = ByteMatcher.of(schema, all_from_sets(schema))
    database = open_database(schema)
    for seed in range(150):
        statement = matcher.write_noise(seed)
        if statement is not None:
            database.execute(f"EXPLAIN {statement}")
    database.close()
