"""The `--schema` flag: what the user names -> what the client is told, with friendly failures."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlstrict import errors
from sqlstrict.cli.console import Console, point, read_stdin
from sqlstrict.source import SchemaSource, resolve_source

if TYPE_CHECKING:
    from sqlstrict.calls import SchemaOptions

# Those of the contract, repeated because reading it would load protobuf for `--help`.
DIALECTS = ("sqlite", "ansi", "postgres", "duckdb", "mysql")

_LIST = "; `sqlstrict schema list` shows which there are"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what a question or statement is about."""
    parser.add_argument(
        "--schema",
        required=True,
        metavar="SCHEMA",
        help="a registered name, a .sql file, a SQLite or DuckDB file, postgresql://..., "
        "mysql://..., or - for DDL on standard input",
    )
    add_dialect_flag(parser, "default: the schema's")


def add_dialect_flag(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the flag that names a dialect."""
    parser.add_argument(
        "--dialect", default="", choices=DIALECTS, help=f"{', '.join(DIALECTS)} ({default})"
    )


def options(arguments: argparse.Namespace, source: SchemaSource) -> SchemaOptions:
    """Return the flags of `add_flags` as the client's options."""
    return {
        "schema": source.name,
        "ddl": source.ddl,
        "dialect": arguments.dialect,
        # Whatever the answer is to be in, what was read from a database is in that one's dialect.
        "ddl_dialect": source.dialect,
    }


def resolve(text: str, console: Console) -> SchemaSource:
    """Read the schema, and say what was left out of it. Raises `SourceError`."""
    source = resolve_source(text, read_stdin)
    for warning in source.warnings:
        console.note(f"sqlstrict: {warning}")
    return source


@contextmanager
def explained(source: SchemaSource, console: Console) -> Iterator[None]:
    """Say of errors about the schema where in the user's own text they are, or what to do."""
    try:
        yield
    except errors.SchemaError as error:
        if not console.is_json:
            for line in point(source.ddl or "", error.line, error.column):
                console.note(line)
        error.message = f"{source.place or source.name}: {error.message}"
        raise
    except errors.NotFound as error:
        if source.name and os.path.exists(source.name):
            error.message += f"; for the file of that name write ./{source.name}"
        else:
            error.message += _LIST
        raise


@contextmanager
def listed() -> Iterator[None]:
    """Say of errors about a name where the names are."""
    try:
        yield
    except errors.NotFound as error:
        error.message += _LIST
        raise
