"""MariaDB as an engine: a server of our own, statements by PREPARE in the text protocol.

PREPARE takes one statement and resolves every name in it; it runs nothing. SQL mode is MariaDB's
default and ONLY_FULL_GROUP_BY, which is MySQL's default.
"""

from __future__ import annotations

import signal
from typing import Any

from servers.engine import EngineMissing
from servers.process import ServerProcess
from servers.programs import find_mariadb

SQL_MODE = (
    "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION,"
    "ONLY_FULL_GROUP_BY"
)
SYSTEM_DATABASES = ("mysql", "information_schema", "performance_schema", "sys")
SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")


class MariaDB:
    """A running server with one connection, whose only database is `loaded`."""

    def __init__(self) -> None:
        try:
            import pymysql  # type: ignore[import-untyped]
        except ImportError as error:
            message = "PyMySQL is not installed: pip install 'sqlstrict[dev]'"
            raise EngineMissing(message) from error
        program, share = find_mariadb()
        self._pymysql: Any = pymysql
        self._server = ServerProcess("MariaDB", signal.SIGKILL, "mysql")
        data = self._server.folder
        options = [
            *(str(program), "--no-defaults", f"--datadir={data}", f"--lc-messages-dir={share}"),
            *(f"--tmpdir={data}", f"--plugin-dir={data}", "--skip-log-error"),
            # Nothing in here is to be kept.
            *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"),
            *("--innodb-doublewrite=0", "--innodb-file-per-table=0"),
            *("--innodb-buffer-pool-size=32M", "--innodb-use-native-aio=0"),
        ]
        system = "".join((share / name).read_text() for name in SYSTEM_TABLES)
        start = "SET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n"
        bootstrap = f"CREATE DATABASE mysql;\nUSE mysql;\n{start}{system}"
        self._server.run([*options, "--bootstrap"], bootstrap)
        command = [
            *(*options, "--skip-networking", f"--socket={data / 'socket'}"),
            *(f"--sql-mode={SQL_MODE}", "--max-connections=8", f"--pid-file={data / 'pid'}"),
            *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"),
        ]
        self._connection = self._server.start(command, data / "socket", self._connect)
        self._ddl = ""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            self.name = f"MariaDB {cursor.fetchone()[0].split('-')[0]}"

    def load(self, ddl: str) -> None:
        """Replace the schema by what the DDL makes. Raises ValueError with the complaint."""
        self._connection.close()  # and all that the last DDL may have set in it
        self._connection = self._connect()
        with self._connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute("SHOW DATABASES")
            for (name,) in cursor.fetchall():
                if name not in SYSTEM_DATABASES:
                    quoted = name.replace("`", "``")
                    cursor.execute(f"DROP DATABASE `{quoted}`")
            cursor.execute("SET foreign_key_checks = 1")
            cursor.execute("CREATE DATABASE loaded")
        self._connection.select_db("loaded")
        try:
            self._run(ddl)
        except self._pymysql.MySQLError as error:
            raise ValueError(_words(error)) from error
        self._ddl = ddl

    def prepare(self, statement: str) -> str:
        """Return the complaint about a statement, empty where it prepares, even with `?` in it."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"PREPARE checked FROM {self._connection.escape(statement)}")
                cursor.execute("DEALLOCATE PREPARE checked")
        except self._pymysql.MySQLError as error:
            return _words(error)
        return ""

    def try_definition(self, statement: str) -> str:
        """Return the complaint about CREATE or ALTER, empty where it works; undo it.

        It commits by itself in MariaDB, so the schema is loaded again.
        """
        complaint = self.prepare(statement)  # which also says that it is one statement
        if complaint:
            return complaint
        try:
            self._run(statement)
        except self._pymysql.MySQLError as error:
            return _words(error)
        finally:
            self.load(self._ddl)
        return ""

    def close(self) -> None:
        """Stop the server and remove its files."""
        self._connection.close()
        self._server.stop()

    def _run(self, statements: str) -> None:
        """Run several statements; the first that fails raises."""
        with self._connection.cursor() as cursor:
            cursor.execute(statements)
            while cursor.nextset():
                pass

    def _connect(self) -> Any:
        try:
            return self._pymysql.connect(
                unix_socket=str(self._server.folder / "socket"),
                user="root",
                charset="utf8mb4",
                autocommit=True,
                client_flag=self._pymysql.constants.CLIENT.MULTI_STATEMENTS,
            )
        except self._pymysql.OperationalError as error:
            raise ConnectionError(str(error)) from error


def _words(error: Exception) -> str:
    return str(error.args[-1])
