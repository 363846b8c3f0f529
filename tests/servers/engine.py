"""What an engine is to tests and benches: load a schema, say whether statements prepare on it."""

from __future__ import annotations

from typing import Protocol


class EngineMissing(Exception):
    """An engine cannot be had on this machine. The message says why and what would help."""


class RealEngine(Protocol):
    """An engine with one empty schema at a time, in a process or a server of its own."""

    name: str  # with its version: "PostgreSQL 15.18"

    def load(self, ddl: str) -> None:
        """Replace the schema, with all that earlier ones left behind, by what the DDL makes.

        Raises:
            ValueError: the engine does not take the DDL; the message is its complaint.
        """

    def prepare(self, statement: str) -> str:
        """Return the engine's complaint about a statement, empty where it prepares.

        Exactly one statement prepares, and it is never run. Parameters are a complaint, but in
        MariaDB, which does not tell.
        """

    def try_definition(self, statement: str) -> str:
        """Return the engine's complaint about CREATE or ALTER, empty where it works; undo it.

        Engines look little into definitions while they prepare them, so this one is run, on the
        empty schema, and taken back.
        """

    def close(self) -> None:
        """End the connection, and the server where there is one, and remove its files."""
