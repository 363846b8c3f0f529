"""A MySQL or MariaDB database -> the CREATE statements of its tables, as the server has them.

`source.py` calls it for `mysql://user:password@host:port/database` addresses; a socket is named by
`?unix_socket=/path`. The session is read only; no table's rows are read. Of a view its columns and
types are told, and not its query, which may hold data.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sqlstrict.errors import SourceError
from sqlstrict.introspect import (
    Introspection,
    create_view,
    left_out,
    missing_extra,
    without_password,
)

TIMEOUT_S = 10

_PORT = 3306
_VIEW_COLUMNS = """
    SELECT column_name, column_type FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position"""
# How many rows there have been so far.
_COUNTER = re.compile(r" AUTO_INCREMENT=\d+(?=[^\n]*\Z)")


def read_mysql_schema(address: str) -> Introspection:
    """Read the tables of a database. Raises `SourceError`: no driver, no connection, no table."""
    try:
        import pymysql
    except ImportError as error:
        raise missing_extra("MySQL", "mysql") from error
    place = without_password(address)
    arguments = _arguments(address, place)
    try:
        connection = pymysql.connect(
            **arguments, charset="utf8mb4", connect_timeout=TIMEOUT_S, read_timeout=60
        )
        try:
            with connection.cursor() as cursor:
                return _describe(cursor, place)
        finally:
            connection.close()
    except (pymysql.MySQLError, UnicodeError, RuntimeError) as error:
        # A RuntimeError says that a way to authenticate needs another package.
        message = " ".join(str(error.args[-1] if error.args else error).split())
        raise SourceError(f"{place}: {message}", reason="DATABASE_UNREADABLE") from error


def _arguments(address: str, place: str) -> dict[str, Any]:
    """The parts of an address as the driver's arguments."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORT
    except ValueError as error:
        raise SourceError(f"{place}: {error}", reason="SOURCE_NAME") from error
    database = unquote(parts.path.removeprefix("/"))
    options = parse_qs(parts.query)
    unknown = sorted(set(options) - {"unix_socket"})
    if not database or unknown:
        problem = f"{unknown[0]} is not known in an address" if unknown else "names no database"
        raise SourceError(
            f"{place}: {problem}; write mysql://user:password@host:3306/database",
            reason="SOURCE_NAME",
        )
    arguments: dict[str, Any] = {"database": database, "port": port}
    if parts.hostname:
        arguments["host"] = unquote(parts.hostname)
    if parts.username:
        arguments["user"] = unquote(parts.username)
    if parts.password:
        arguments["password"] = unquote(parts.password)
    if "unix_socket" in options:
        arguments["unix_socket"] = options["unix_socket"][-1]
    return arguments


def _describe(cursor: Any, place: str) -> Introspection:
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.execute("START TRANSACTION")
    # Names in backticks and strings with backslashes, whatever the server's mode is.
    cursor.execute("SET SESSION sql_mode = '', sql_quote_show_create = 1")
    cursor.execute("SHOW FULL TABLES")
    kinds = [(row[0], row[1]) for row in cursor.fetchall()]
    tables = [name for name, kind in kinds if kind in ("BASE TABLE", "SYSTEM VERSIONED")]
    statements = []
    for name in tables:
        cursor.execute(f"SHOW CREATE TABLE {_quote(name)}")
        statements.append(_COUNTER.sub("", cursor.fetchone()[1]))
    unknown = []
    for name in (name for name, kind in kinds if kind.endswith("VIEW")):
        cursor.execute(_VIEW_COLUMNS, [name])
        columns = [(_quote(column), declared) for column, declared in cursor.fetchall()]
        if columns:
            statements.append(create_view(_quote(name), columns))
        else:
            unknown.append(name)  # it reads what is not there
    others = {
        "view": unknown,
        "sequence": [name for name, kind in kinds if kind == "SEQUENCE"],
    }
    return Introspection.of(place, statements, left_out(place, others))


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
