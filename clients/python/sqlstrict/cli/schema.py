"""`sqlstrict schema add|list|show|rm`: the schemas that the daemon keeps under a name."""

from __future__ import annotations

import argparse
from typing import Any

from sqlstrict.cli import connection, schemas
from sqlstrict.cli.console import Console
from sqlstrict.cli.exits import Exit
from sqlstrict.errors import SourceError
from sqlstrict.source import means_file


def add_parser(commands: Any) -> None:
    """Describe the commands to argparse."""
    flags = connection.flags()
    parser = commands.add_parser("schema", help="keep schemas under a name", allow_abbrev=False)
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)

    add = acts.add_parser("add", help="keep a schema", parents=[flags], allow_abbrev=False)
    add.add_argument("name", metavar="NAME", help="what questions will call it")
    add.add_argument(
        "source",
        metavar="SOURCE",
        help="a .sql file, a SQLite or DuckDB file, postgresql://..., mysql://..., or - for "
        "standard input",
    )
    schemas.add_dialect_flag(add, "default: the database's, else sqlite")
    add.set_defaults(run=run_add, parser=add)

    listing = acts.add_parser(
        "list", aliases=["ls"], help="list them", parents=[flags], allow_abbrev=False
    )
    listing.set_defaults(run=run_list, parser=listing)

    show = acts.add_parser("show", help="write one as DDL", parents=[flags], allow_abbrev=False)
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=run_show, parser=show)

    remove = acts.add_parser("rm", help="forget them", parents=[flags], allow_abbrev=False)
    remove.add_argument("names", nargs="+", metavar="NAME")
    remove.set_defaults(run=run_remove, parser=remove)


def run_add(arguments: argparse.Namespace, console: Console) -> Exit:
    """Register a schema."""
    if means_file(arguments.name):
        arguments.parser.error(
            f"{arguments.name!r} would mean a file wherever a schema is asked for;"
            " give a name without its ending or folder"
        )
    source = schemas.resolve(arguments.source, console)
    if source.ddl is None:
        raise SourceError(
            f"{arguments.source!r} is a name; a schema is added from a .sql file, a SQLite file or"
            f" standard input (a file is written ./{arguments.source})",
            reason="SOURCE_NAME",
        )
    with schemas.explained(source, console), connection.connect(arguments) as client:
        added = client.register_schema(
            arguments.name, source.ddl, dialect=arguments.dialect or source.dialect
        )
    for warning in added.info.warnings:
        console.note(f"sqlstrict: {source.place}: {warning}")
    if console.is_json:
        console.json(added)
        return Exit.ANSWER
    info = added.info
    console.result(
        f"{info.name}: {count(info.table_count, 'table')}, {count(info.column_count, 'column')},"
        f" {info.dialect}{', replaced' if added.is_replaced else ''}"
    )
    return Exit.ANSWER


def run_list(arguments: argparse.Namespace, console: Console) -> Exit:
    """List the registered schemas."""
    with connection.connect(arguments) as client:
        found = client.list_schemas()
    if console.is_json:
        for info in found:
            console.json(info)
        return Exit.ANSWER
    if not found:
        console.note("sqlstrict: no schema is registered; `sqlstrict schema add` keeps one")
        return Exit.ANSWER
    console.table(
        ("name", "tables", "columns", "dialect", "fingerprint"),
        [
            (info.name, info.table_count, info.column_count, info.dialect, info.fingerprint[:12])
            for info in found
        ],
    )
    return Exit.ANSWER


def run_show(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write a registered schema as the daemon's own DDL."""
    with schemas.listed(), connection.connect(arguments) as client:
        schema = client.get_schema(arguments.name)
    for warning in schema.info.warnings:
        console.note(f"sqlstrict: {arguments.name}: {warning}")
    if console.is_json:
        console.json(schema)
    else:
        console.result(schema.ddl.rstrip("\n"))
    return Exit.ANSWER


def run_remove(arguments: argparse.Namespace, console: Console) -> Exit:
    """Forget schemas, in the order given; the first that fails ends it."""
    with schemas.listed(), connection.connect(arguments) as client:
        for name in arguments.names:
            client.delete_schema(name)
            if console.is_json:
                console.json({"deleted": name})
            else:
                console.note(f"sqlstrict: forgot {name}")
    return Exit.ANSWER


def count(number: int, thing: str) -> str:
    """Return how many there are of something, in words."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
