"""A PostgreSQL database -> the CREATE statements of its tables and views, as text for the daemon.

`source.py` calls it for `postgresql://` addresses. It asks the catalog alone, in a transaction that
is read only, and writes what it finds the way pg_dump does; no table's rows are read, and defaults
are left out. Of views (materialized ones too) the columns and types are told, and not the query,
which may hold data. Tables of the first schema of the search path are described; others are named
in a warning. `?options=-csearch_path%3DNAME` in the address chooses another schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlstrict.errors import SourceError
from sqlstrict.introspect import (
    Introspection,
    create_view,
    left_out,
    missing_extra,
    name_in_use,
    without_password,
)

if TYPE_CHECKING:
    import psycopg

TIMEOUT_S = 10

# Kinds of relations that can only be read.
_VIEWS = "vm"
_SYSTEM = "('pg_catalog', 'information_schema', 'pg_toast')"
# Types that a column may be of: those of other schemas first, so that our own win.
_TYPES = f"""
    SELECT CASE t.typtype
        WHEN 'e' THEN (
            SELECT format('CREATE TYPE %I AS ENUM (%s)', t.typname,
                          string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder))
            FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid)
        ELSE concat(format('CREATE DOMAIN %I AS %s', t.typname,
                           pg_catalog.format_type(t.typbasetype, t.typtypmod)),
            (SELECT string_agg(' ' || pg_catalog.pg_get_constraintdef(c.oid), '' ORDER BY c.conname)
             FROM pg_catalog.pg_constraint AS c WHERE c.contypid = t.oid AND c.contype = 'c'))
        END
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd') AND n.nspname NOT IN {_SYSTEM}
    ORDER BY n.nspname = pg_catalog.current_schema(), t.typname"""
_TABLES = """
    SELECT c.oid, pg_catalog.quote_ident(c.relname), c.relname, c.relkind, c.relispartition,
           pg_catalog.obj_description(c.oid, 'pg_class')
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = pg_catalog.current_schema() AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
    ORDER BY c.oid"""
_COLUMNS = """
    SELECT a.attrelid, pg_catalog.quote_ident(a.attname),
           pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
           CASE a.attgenerated WHEN 's' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
           pg_catalog.col_description(a.attrelid, a.attnum)
    FROM pg_catalog.pg_attribute AS a
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum"""
_CONSTRAINTS = """
    SELECT c.conrelid, pg_catalog.pg_get_constraintdef(c.oid), c.contype,
           pg_catalog.quote_ident(c.conname)
    FROM pg_catalog.pg_constraint AS c
    WHERE c.conrelid = ANY (%s) AND c.contype IN ('p', 'f', 'c', 'u', 'x')
    ORDER BY c.conrelid, c.contype <> 'p', c.conname"""
# The tables' names stand bare in the DDL.
_INDEXES = """
    SELECT replace(replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '),
                   ' ON ' || pg_catalog.quote_ident(n.nspname) || '.', ' ON ')
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE i.indrelid = ANY (%s) AND c.relkind IN ('r', 'p', 'f') AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_constraint AS k
        WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY i.indexrelid"""
# What keeps a column from being dropped: views by their rules, and all others.
_DEPENDENTS = """
    SELECT DISTINCT r.ev_class, d.refobjid, pg_catalog.quote_ident(a.attname)
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    LEFT JOIN pg_catalog.pg_rewrite AS r
        ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::regclass
    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'n'
      AND d.refobjid = ANY (%s) AND d.classid <> 'pg_catalog.pg_constraint'::regclass
    ORDER BY 1, 2, 3"""
_NAMES = """
    SELECT pg_catalog.quote_ident(c.relname), c.oid, c.relispartition
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = pg_catalog.current_schema()
      AND (c.relkind IN ('S', 'c') OR c.relispartition) ORDER BY 1"""
_PARTED = """
    SELECT c.oid, pg_catalog.pg_get_partkeydef(c.oid) FROM pg_catalog.pg_class AS c
    WHERE c.oid = ANY (%s) AND c.relkind = 'p'"""
_OTHERS = f"""
    SELECT n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN {_SYSTEM}
      AND n.nspname NOT LIKE 'pg\\_temp%' AND n.nspname <> pg_catalog.current_schema()
    ORDER BY 1"""


def read_postgres_schema(address: str) -> Introspection:
    """Read the tables of a database. Raises `SourceError`: no driver, no connection, no table."""
    try:
        import psycopg
    except ImportError as error:
        raise missing_extra("PostgreSQL", "postgres") from error
    place = without_password(address)
    address = re.sub(r"^\w+(\+\w+)?://", "postgresql://", address)
    try:
        with psycopg.connect(address, connect_timeout=TIMEOUT_S) as connection:
            connection.read_only = True
            return _describe(connection, place)
    except psycopg.Error as error:
        message = " ".join(str(error).split())
        raise SourceError(f"{place}: {message}", reason="DATABASE_UNREADABLE") from error


def _describe(connection: psycopg.Connection[Any], place: str) -> Introspection:
    found = connection.execute(_TABLES).fetchall()
    tables = {row[0]: row for row in found if not row[4]}
    items: dict[int, list[str]] = {oid: [] for oid in tables}
    views: dict[int, list[tuple[str, str]]] = {oid: [] for oid in tables}
    comments: list[str] = []
    for _, name, _, kind, _, comment in tables.values():
        if comment:
            called = "VIEW" if kind in _VIEWS else "TABLE"
            comments.append(f"COMMENT ON {called} {name} IS {_quote(comment)}")
    for oid, column, declared, is_set, identity, generated, comment in connection.execute(
        _COLUMNS, [list(tables)]
    ):
        views[oid].append((column, declared))
        always = {"a": " GENERATED ALWAYS AS IDENTITY", "d": " GENERATED BY DEFAULT AS IDENTITY"}
        filled = f" GENERATED ALWAYS AS ({generated}) STORED" if generated else ""
        items[oid].append(
            f"{column} {declared}{always.get(identity, filled)}{' NOT NULL' if is_set else ''}"
        )
        if comment:
            comments.append(f"COMMENT ON COLUMN {tables[oid][1]}.{column} IS {_quote(comment)}")
    for oid, constraint, kind, name in connection.execute(_CONSTRAINTS, [list(tables)]):
        items[oid].append(f"CONSTRAINT {name} {constraint}" if kind in "pux" else constraint)
    reads, others = _dependents(connection, {oid: row[1] for oid, row in tables.items()})
    parted = dict(connection.execute(_PARTED, [list(tables)]).fetchall())
    indexes = [row[0] for row in connection.execute(_INDEXES, [list(tables)])]
    names = [name_in_use(row[0]) for row in connection.execute(_NAMES)]
    types = [row[0] for row in connection.execute(_TYPES)]
    created = [
        create_view(tables[oid][1], views[oid], reads.get(oid))
        if tables[oid][3] in _VIEWS
        else f"CREATE TABLE {tables[oid][1]} ({', '.join(listed)})"
        + (f" PARTITION BY {parted[oid]}" if oid in parted else "")
        for oid, listed in items.items()
        if listed
    ]
    warnings = left_out(
        place,
        {
            "partition": [row[2] for row in found if row[4]],
            "table of another schema": [row[0] for row in connection.execute(_OTHERS)],
        },
    )
    statements = [*types, *created, *indexes, *others, *names, *comments] if created else []
    return Introspection.of(place, statements, warnings)


def _dependents(
    connection: psycopg.Connection[Any], names: dict[int, str]
) -> tuple[dict[int, dict[str, list[str]]], list[str]]:
    """The columns that each view reads by table, and statements for those that others stand on."""
    views: dict[int, dict[str, list[str]]] = {}
    others: dict[str, list[str]] = {}
    for view, table, column in connection.execute(_DEPENDENTS, [list(names)]):
        if view is None:
            others.setdefault(names[table], []).append(column)
        elif view in names and view != table:
            views.setdefault(view, {}).setdefault(names[table], []).append(column)
        elif view not in names:  # a rule of a view in another schema
            others.setdefault(names[table], []).append(column)
    # The shortest statement that names columns of a table; what stands there is not told.
    listed = [
        f"CREATE PUBLICATION dependents FOR TABLE {table} ({', '.join(columns)})"
        for table, columns in others.items()
    ]
    return views, listed


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
