"""DuckDB as an engine: a database in memory, statements by PREPARE, definitions by EXPLAIN.

Both bind every name and type and run nothing. No file and no extension can be reached.
"""

from __future__ import annotations

from types import ModuleType

from servers.engine import EngineMissing

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 1,
}
DEFINITIONS = ("CREATE", "ALTER", "DROP")  # types of statement that PREPARE does not take


class DuckDB:
    """A database in memory, a new one for each schema."""

    def __init__(self) -> None:
        try:
            import duckdb
        except ImportError as error:
            message = "DuckDB is not installed: pip install 'sqlstrict[duckdb]'"
            raise EngineMissing(message) from error
        self._duckdb: ModuleType = duckdb
        self._database = duckdb.connect(":memory:", config=SETTINGS)
        self.name = f"DuckDB {duckdb.__version__}"

    def load(self, ddl: str) -> None:
        """Replace the schema by what the DDL makes. Raises ValueError with the complaint."""
        self._database.close()
        self._database = self._duckdb.connect(":memory:", config=SETTINGS)
        try:
            self._database.execute(ddl)
        except self._duckdb.Error as error:
            raise ValueError(_words(error)) from error

    def prepare(self, statement: str) -> str:
        """Return the complaint about a statement, empty where it prepares."""
        try:
            statements = self._database.extract_statements(statement)
            if len(statements) != 1:
                return f"{len(statements)} statements"
            if statements[0].named_parameters:
                return f"the statement has {len(statements[0].named_parameters)} parameters"
            if statements[0].type.name in DEFINITIONS:
                self._database.execute(f"EXPLAIN {statement}")
            else:
                self._database.execute(f"PREPARE checked AS {statement}")
                self._database.execute("DEALLOCATE checked")
        except self._duckdb.Error as error:
            return _words(error)
        return ""

    def try_definition(self, statement: str) -> str:
        """Return the complaint about CREATE or ALTER, empty where it works; undo it."""
        complaint = self.prepare(statement)  # which also says that it is one statement
        if complaint:
            return complaint
        self._database.execute("BEGIN")
        try:
            self._database.execute(statement)
        except self._duckdb.Error as error:
            return _words(error)
        finally:
            self._database.execute("ROLLBACK")
        return ""

    def close(self) -> None:
        """Drop the database."""
        self._database.close()


def _words(error: Exception) -> str:
    return str(error).split("\n")[0]
