"""`sqlstrict check`: does a statement keep the promise on a schema? No model is asked."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from sqlstrict.cli import connection, policy, schemas
from sqlstrict.cli.console import Console, point, read_stdin
from sqlstrict.cli.exits import Exit
from sqlstrict.errors import SourceError

if TYPE_CHECKING:
    from sqlstrict.answers import CheckReport


def add_parser(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "check",
        help="judge a statement without the model",
        description="Say whether a statement is one of an allowed kind (by default a query that"
        " only reads), with every name in scope, and prepares on the schema. Exits with 6 where it"
        " is not.",
        parents=[connection.flags()],
        allow_abbrev=False,
    )
    parser.add_argument("statement", metavar="SQL", help="the statement; - reads standard input")
    schemas.add_flags(parser)
    policy.add_flags(parser)
    parser.add_argument(
        "--no-writable",
        action="store_true",
        help="do not ask whether the model's grammar could write it",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    """Check, and write what was found."""
    if arguments.statement == "-" and arguments.schema == "-":
        arguments.parser.error("standard input cannot be both the statement and the schema")
    source = schemas.resolve(arguments.schema, console)
    statement = read_statement() if arguments.statement == "-" else arguments.statement
    with schemas.explained(source, console), connection.connect(arguments) as client:
        report = client.check(
            statement,
            check_writable=not arguments.no_writable,
            **schemas.options(arguments, source),
            **policy.options(arguments),
        )
    code = Exit.ANSWER if report.is_valid else Exit.NOT_VALID
    if console.is_json:
        console.json({"is_valid": report.is_valid, **dataclasses.asdict(report)})
        return code
    console.result(f"valid     {yes(report.is_valid)}")
    console.result(f"kind      {report.kind or 'unknown'}")
    console.result(f"in scope  {yes(report.in_scope)}")
    if report.types != "not_run":
        console.result(f"types     {report.types}")
    console.result(f"prepares  {yes(report.prepares)}{judge(report)}")
    if report.writable is not None:
        console.result(f"writable  {yes(report.writable)}")
    for problem in report.problems:
        where = f" (line {problem.line}, column {problem.column})" if problem.line else ""
        near = f"; near: {', '.join(problem.nearest)}" if problem.nearest else ""
        console.result(f"{problem.check}: {problem.message}{where}{near}")
        for line in point(statement, problem.line, problem.column):
            console.result(line)
    return code


def read_statement() -> str:
    """Return the statement on standard input. Raises `SourceError` unless it is text."""
    try:
        return read_stdin().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("the statement on standard input is not UTF-8 text") from error


def judge(report: CheckReport) -> str:
    """Say who judged that a statement prepares: an engine, or the daemon's own checks alone."""
    if report.engine:
        return f" ({report.engine})"
    types = "types" if report.types == "passed" else "groups"
    return f" (no engine asked; by scope and {types})" if report.prepares else ""


def yes(value: bool) -> str:
    """Return a truth in a word."""
    return "yes" if value else "no"
