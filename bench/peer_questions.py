"""What the peers are asked: schemas of 5, 15 and 40 tables, and questions nobody was asked before.

Every question is about the five tables that all three schemas have, and comes with a statement that
answers it, spelled as the grammar spells. A question ends with a number of its own: no two are
alike, and a planted model (`planted_model.py`) knows by it which statement to write. Used by
`peers.py` and `engine.py`; the same seed gives the same questions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from large_schemas import distractors
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render_ddl
from sqlstrictd.schema.types import Schema

SHARED_TABLES = 5
# Numbers that no statement and no schema here holds, so that they stand for the question alone.
FIRST_NUMBER, LAST_NUMBER = 101, 999

# Table, its texts and its numbers, each with the words that people ask for it with.
_TABLES = {
    "countries": (("name", "iso_code", "continent"), ("id",)),
    "cities": (("name",), ("population", "country_id", "id")),
    "warehouses": (("name",), ("capacity", "city_id", "id")),
    "suppliers": (("company_name",), ("rating", "country_id", "id")),
    "categories": (("title",), ("parent_id", "id")),
}
_JOINS = (
    ("cities", "country_id", "countries", ("population",), ("continent", "iso_code")),
    ("suppliers", "country_id", "countries", ("company_name", "rating"), ("name", "continent")),
    ("warehouses", "city_id", "cities", ("capacity",), ("population", "country_id")),
)
_WORDS = {"DESC": "largest", "ASC": "smallest", "MAX": "highest", "MIN": "lowest", "AVG": "average"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and a statement that answers it."""

    number: int
    question: str
    sql: str


def schema_of(n_tables: int) -> str:
    """Return the DDL of a schema of so many tables, 5 at least; the first five never change."""
    fifteen = parse_schema((Path(__file__).parent / "schemas" / "fifteen_tables.sql").read_text())
    tables = list(fifteen.tables[:n_tables])
    tables += distractors(list(fifteen.tables), n_tables - len(tables), random.Random(0))
    return render_ddl(Schema("sqlite", tuple(tables)))


def questions(seed: int = 0) -> Iterator[Asked]:
    """Yield questions, each with a number of its own, until there are no more numbers."""
    order = random.Random(seed)
    numbers = list(range(FIRST_NUMBER, LAST_NUMBER + 1))
    order.shuffle(numbers)
    for number in numbers:
        kind = order.choice((_filtered, _grouped, _joined, _nested))
        question, sql = kind(order)
        yield Asked(number, f"{question} This is case {number}.", sql)


def _filtered(order: random.Random) -> tuple[str, str]:
    table = order.choice(list(_TABLES))
    texts, numbers = _TABLES[table]
    shown, counted, limit = order.choice(texts), order.choice(numbers), order.randint(2, 99)
    down = order.choice(("DESC", "ASC"))
    word = order.choice(("north", "green", "old", "market", "river", "union", "stone", "light"))
    sql = (
        f"SELECT DISTINCT {shown} FROM {table} WHERE {counted} >= {order.randint(2, 99)}"
        f" AND {order.choice(texts)} LIKE '%{word}%' ORDER BY id {down} LIMIT {limit};"
    )
    return f"Which {limit} {table} with {word} in a text have the {_WORDS[down]} id?", sql


def _grouped(order: random.Random) -> tuple[str, str]:
    table = order.choice(("cities", "warehouses", "suppliers", "categories"))
    texts, numbers = _TABLES[table]
    by, counted, least = order.choice(texts), numbers[0], order.randint(2, 99)
    how, down = order.choice(("MAX", "MIN", "AVG")), order.choice(("DESC", "ASC"))
    sql = (
        f"SELECT {by}, {how}({counted}) FROM {table} WHERE id <> {order.randint(2, 99)}"
        f" GROUP BY {by} HAVING COUNT(*) > {least} ORDER BY {by} {down};"
    )
    return f"What is the {_WORDS[how]} {counted} of {table} by {by}, of more than {least}?", sql


def _joined(order: random.Random) -> tuple[str, str]:
    table, key, other, own, theirs = order.choice(_JOINS)
    shown, second, limit = order.choice(own), order.choice(theirs), order.randint(2, 99)
    down = order.choice(("DESC", "ASC"))
    sql = (
        f"SELECT {shown}, {second} FROM {table} JOIN {other} ON {key} = {other}.id"
        f" WHERE {second} IS NOT NULL ORDER BY {shown} {down} LIMIT {limit};"
    )
    return f"Show {shown} of {limit} {table} and the {second} of their {other}.", sql


def _nested(order: random.Random) -> tuple[str, str]:
    table, key, other, own, theirs = order.choice(_JOINS)
    least, more = order.randint(2, 49), order.randint(50, 99)
    sql = (
        f"SELECT COUNT(DISTINCT {order.choice(own)}) FROM {table} WHERE {key} IN"
        f" (SELECT id FROM {other} WHERE {order.choice(theirs)} BETWEEN {least} AND {more})"
        f" ORDER BY 1 DESC;"
    )
    return f"How many {table} are there for {other} between {least} and {more}?", sql
