"""The statements of `fixtures/types`, each with what its engine says when it prepares it.

`+` it prepares; `-` it does not; `~` MariaDB takes it, and MySQL 8 does not or it fails when run.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema

FOLDER = Path(__file__).parent / "fixtures" / "types"
DIALECTS = tuple(sorted(path.name.split(".")[1] for path in FOLDER.glob("shop.*.sql")))


class Marked(NamedTuple):
    """One statement and its mark."""

    mark: str
    sql: str


def read_ddl(dialect: str) -> str:
    """Return the schema that the statements of a dialect read from."""
    return (FOLDER / f"shop.{dialect}.sql").read_text()


def read_schema(dialect: str) -> Schema:
    """Return the same, parsed."""
    return parse_schema(read_ddl(dialect), dialect)


def read_marked(dialect: str) -> list[Marked]:
    """Return the statements of a dialect in order."""
    lines = (FOLDER / f"{dialect}.sql").read_text().splitlines()
    return [Marked(line[0], line[2:]) for line in lines if line and not line.startswith("#")]
