"""Fill a drawn schema with rows, in an SQLite database in memory.

Called by `questions.py` and by the evaluation, with a seed: the same schema and seed give the same
rows. Numbers and dates spread, categories repeat, some parents have no children, nullable columns
hold NULLs: so that a wrong statement tends to return something else.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from random import Random

from sqlstrictd.schema.names import quote_name

from sqlstrict_train.schemas import SQL_TYPES, ColumnSpec, SchemaSpec, TableSpec
from sqlstrict_train.words import ADJECTIVES, CITIES, COUNTRIES, NOUNS, invented_word, person_name

Value = str | int | float | None


@dataclass
class Filled:
    """A database and the rows in it, by table index: lists of values in the columns' order."""

    database: sqlite3.Connection
    rows: list[list[list[Value]]]


def create_statements(spec: SchemaSpec) -> list[str]:
    """Write the CREATE TABLE statements of a drawn schema."""
    statements = []
    for table in spec.tables:
        lines = [f"{quote_name(c.name)} {SQL_TYPES[c.kind]}" for c in table.columns]
        lines[0] += " PRIMARY KEY"
        for link in table.links:
            parent = spec.tables[link.parent]
            target = f"{quote_name(parent.name)} ({quote_name(parent.key.name)})"
            lines.append(f"FOREIGN KEY ({quote_name(link.column)}) REFERENCES {target}")
        statements.append(f"CREATE TABLE {quote_name(table.name)} ({', '.join(lines)});")
    return statements


def fill(spec: SchemaSpec, seed: int) -> Filled:
    """Make the tables and their rows; the caller closes the database."""
    random = Random(seed)
    database = sqlite3.connect(":memory:", check_same_thread=False)
    for statement in create_statements(spec):
        database.execute(statement)
    all_rows: list[list[list[Value]]] = []
    for table in spec.tables:
        rows = _table_rows(random, table, all_rows)
        places = ", ".join("?" for _ in table.columns)
        database.executemany(f"INSERT INTO {quote_name(table.name)} VALUES ({places})", rows)
        all_rows.append(rows)
    database.commit()
    return Filled(database, all_rows)


def _table_rows(
    random: Random, table: TableSpec, earlier: list[list[list[Value]]]
) -> list[list[Value]]:
    count = random.randint(18, 36) if table.links else random.randint(8, 14)
    parents = {link.column: earlier[link.parent] for link in table.links}
    # Some parents keep no children, so that NOT IN and outer joins have something to find.
    parents = {
        name: rows[: max(1, len(rows) - random.randint(1, 3))] for name, rows in parents.items()
    }
    pools = {
        c.name: _pool(random, c, table)
        for c in table.columns
        if c.kind in ("place", "country", "year")
    }
    labels: set[str] = set()
    rows: list[list[Value]] = []
    for number in range(1, count + 1):
        row: list[Value] = []
        for column in table.columns:
            if column.kind == "key":
                row.append(number)
            elif column.kind == "link":
                row.append(random.choice(parents[column.name])[0])
            elif column.is_nullable and random.random() < 0.2:
                row.append(None)
            elif column.kind == "label":
                row.append(_label(random, table, column, labels))
            elif column.name in pools:
                row.append(random.choice(pools[column.name]))
            else:
                row.append(_value(random, column))
        rows.append(row)
    return rows


def _pool(random: Random, column: ColumnSpec, table: TableSpec) -> list[Value]:
    if column.kind == "year":
        start = random.randint(1960, 2018)
        return [start + offset for offset in range(random.randint(4, 9))]
    names = CITIES if column.kind == "place" else COUNTRIES
    drawn = random.sample(names, random.randint(4, 6))
    return [name if random.random() < 0.85 else invented_word(random, 2).title() for name in drawn]


def _value(random: Random, column: ColumnSpec) -> Value:
    if column.kind == "count":
        return random.randint(column.low, max(column.low + 1, column.high))
    if column.kind == "amount":
        value = random.uniform(column.low, max(column.low + 1, column.high))
        return float(round(value)) if random.random() < 0.3 else round(value, 2)
    if column.kind == "date":
        year = random.choice((2019, 2020, 2021, 2022, 2023, 2024))
        return f"{year}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
    if column.kind == "category":
        return random.choice(column.values)
    return f"{invented_word(random)} {random.choice(NOUNS)}"


def _label(random: Random, table: TableSpec, column: ColumnSpec, used: set[str]) -> str:
    while True:
        if table.kind == "person" or column.base == "manager name":
            name = person_name(random)
            name = name.split(" ")[0] if random.random() < 0.4 else name
        elif random.random() < 0.5:
            name = f"{random.choice(ADJECTIVES).title()} {random.choice(NOUNS).title()}"
        else:
            name = invented_word(random, 2).title()
        if name not in used:
            used.add(name)
            return name
