"""A dialect's name to the running engine that judges it."""

from __future__ import annotations

from collections.abc import Callable

from servers.duckdb_engine import DuckDB
from servers.engine import RealEngine
from servers.mariadb import MariaDB
from servers.postgres import Postgres
from servers.sqlite_engine import SQLite

ENGINES: dict[str, Callable[[], RealEngine]] = {
    "sqlite": SQLite,
    "postgres": Postgres,
    "duckdb": DuckDB,
    "mysql": MariaDB,
}


def start(dialect: str) -> RealEngine:
    """Start the engine of a dialect; the caller closes it.

    Raises:
        EngineMissing: it is not installed or does not start here.
    """
    return ENGINES[dialect]()
