"""The addresses of the test run's own servers, as a user would write them for the client."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from servers.engine import RealEngine


def postgres_address(engine: RealEngine, database: str = "postgres", more: str = "") -> str:
    """Return the address of a database of the PostgreSQL server."""
    host = quote(_folder_of(engine), safe="")
    return f"postgresql://sqlstrict@/{database}?host={host}{more}"


def mysql_address(engine: RealEngine, database: str = "loaded") -> str:
    """Return the address of a database of the MariaDB server."""
    return f"mysql://root@localhost/{database}?unix_socket={_folder_of(engine)}/socket"


def _folder_of(engine: RealEngine) -> str:
    server: Any = engine._server  # type: ignore[attr-defined]
    return str(server.folder)
