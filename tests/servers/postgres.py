"""PostgreSQL as an engine: a server of our own, statements by the extended protocol's Parse.

Parse takes one statement, resolves every name and type, and plans and runs nothing.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from servers.engine import EngineMissing
from servers.process import ServerProcess
from servers.programs import find_postgres

if TYPE_CHECKING:
    import psycopg

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Nothing in here is to be kept.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "8",
    "shared_buffers": "32MB",
    # Thousands of tables are dropped in one transaction.
    "max_locks_per_transaction": "8192",
}
STATEMENT = b"checked"


class Postgres:
    """A running server with one connection, whose only schema is `public`."""

    def __init__(self) -> None:
        try:
            import psycopg
        except ImportError as error:
            message = "psycopg is not installed: pip install 'sqlstrict[dev]'"
            raise EngineMissing(message) from error
        programs = find_postgres()
        self._psycopg: Any = psycopg
        self._server = ServerProcess("PostgreSQL", signal.SIGQUIT, "postgres")
        data = self._server.folder / "data"
        self._server.run(
            [
                *(str(programs / "initdb"), "--pgdata", str(data), "--username", "sqlstrict"),
                *("--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
                "--no-instructions",
            ]
        )
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        options.append(f"--unix_socket_directories={self._server.folder}")
        command = [str(programs / "postgres"), "-D", str(data), *options]
        self._connection = self._server.start(
            command, self._server.folder / ".s.PGSQL.5432", self._connect
        )
        number = self._connection.info.server_version
        self.name = f"PostgreSQL {number // 10000}.{number % 10000}"

    def load(self, ddl: str) -> None:
        """Replace the schema by what the DDL makes. Raises ValueError with the complaint."""
        self._connection.close()  # and all that the last DDL may have set in it
        self._connection = self._connect()
        schemas = self._connection.execute(
            "SELECT quote_ident(nspname) FROM pg_namespace"
            " WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'"
        ).fetchall()
        drops = "".join(f"DROP SCHEMA {name} CASCADE;" for (name,) in schemas)
        self._connection.execute(f"SET client_min_messages = error; {drops} CREATE SCHEMA public")
        try:
            self._connection.execute(ddl.encode())
        except self._psycopg.Error as error:
            raise ValueError(_words(error)) from error

    def prepare(self, statement: str) -> str:
        """Return the complaint about a statement, empty where it prepares."""
        if not statement.strip(" \t\r\n;"):
            return "the statement is empty"  # which PostgreSQL takes
        connection = self._connection.pgconn
        ok = self._psycopg.pq.ExecStatus.COMMAND_OK
        parsed = connection.prepare(STATEMENT, statement.encode())
        if parsed.status != ok:
            complaint = parsed.error_field(self._psycopg.pq.DiagnosticField.MESSAGE_PRIMARY)
            return complaint.decode() if complaint else "it does not prepare"
        n_parameters = connection.describe_prepared(STATEMENT).nparams
        connection.exec_(b"DEALLOCATE " + STATEMENT)
        return f"the statement has {n_parameters} parameters" if n_parameters else ""

    def try_definition(self, statement: str) -> str:
        """Return the complaint about CREATE or ALTER, empty where it works; undo it."""
        complaint = self.prepare(statement)  # which also says that it is one statement
        if complaint:
            return complaint
        self._connection.execute("BEGIN")
        try:
            self._connection.execute(statement.encode())
        except self._psycopg.Error as error:
            return _words(error)
        finally:
            self._connection.execute("ROLLBACK")
        return ""

    def close(self) -> None:
        """Stop the server and remove its files."""
        self._connection.close()
        self._server.stop()

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        try:
            connection: psycopg.Connection[tuple[object, ...]] = self._psycopg.connect(
                host=str(self._server.folder), user="sqlstrict", dbname="postgres", autocommit=True
            )
        except self._psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from error
        return connection


def _words(error: Exception) -> str:
    return str(error).split("\n")[0]
