"""`sqlstrict ask`: one question -> SQL on stdout, and on request its rows."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlstrict.cli import batch, connection, numbers, policy, schemas
from sqlstrict.cli.console import Console, read_stdin
from sqlstrict.cli.exits import Exit
from sqlstrict.errors import QueryError, SourceError
from sqlstrict.run import run_read_only
from sqlstrict.source import SchemaSource

if TYPE_CHECKING:
    from sqlstrict.answers import Answer, Refusal
    from sqlstrict.calls import QuestionOptions
    from sqlstrict.client import Client


def add_parser(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "ask",
        help="turn a question into SQL",
        description="Turn a question into one SQL statement that prepares on the schema.",
        parents=[connection.flags()],
        allow_abbrev=False,
    )
    parser.add_argument(
        "question", nargs="*", metavar="QUESTION", help="in your words; - reads standard input"
    )
    parser.add_argument(
        "--batch",
        metavar="FILE",
        help="ask each line of a file (- for standard input); one line of output for each",
    )
    schemas.add_flags(parser)
    policy.add_flags(parser)
    parser.add_argument(
        "-n",
        type=numbers.whole(1, 8),
        default=0,
        metavar="N",
        help="up to N statements, 1 to 8 (default: 1)",
    )
    parser.add_argument("--stream", action="store_true", help="show the draft while it is written")
    parser.add_argument(
        "--run",
        action="store_true",
        dest="runs",
        help="run the SQL, read only, and show its rows; a query, never another statement",
    )
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="the SQLite file for --run (default: that of --schema)",
    )
    parser.add_argument(
        "--max-rows",
        type=numbers.whole(1),
        default=100,
        metavar="N",
        help="rows that --run shows (default: 100)",
    )
    parser.add_argument(
        "--max-tokens",
        type=numbers.whole(8, 512),
        default=0,
        metavar="N",
        help="token budget of each statement, 8 to 512 (default: 256)",
    )
    parser.add_argument(
        "--temperature",
        type=numbers.temperature,
        default=0.0,
        metavar="T",
        help="0 to 2 (default: 0, greedy)",
    )
    parser.add_argument(
        "--seed",
        type=numbers.whole(0, 2**64 - 1),
        default=0,
        metavar="N",
        help="seed of the sampling (default: 0)",
    )
    parser.add_argument(
        "--min-confidence",
        type=numbers.share,
        default=0.0,
        metavar="P",
        help="refuse statements that the model is less sure of, 0 to 1 (default: 0, none)",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    """Ask, and write SQL, rows, or why there is none."""
    question = " ".join(arguments.question)
    refuse_usage(arguments, question)
    source = schemas.resolve(arguments.schema, console)
    database: Path | None = arguments.database or source.database
    if arguments.runs and database is None:
        arguments.parser.error("--run needs a SQLite file: as --schema, or with --database FILE")
    options = question_options(arguments, source)
    if arguments.batch:
        questions = batch.read_questions(arguments.batch)
        with schemas.explained(source, console), connection.connect(arguments) as client:
            return batch.ask_all(client, questions, options, arguments.timeout, console)
    question = batch.on_one_line(read_question() if question == "-" else question)
    if not question:
        arguments.parser.error("the question on standard input is empty")
    with schemas.explained(source, console), connection.connect(arguments) as client:
        if arguments.stream:
            answer = follow(client, question, options, console)
        else:
            answer = client.translate(question, **options)
    if answer.refusal is not None:
        return refuse(answer, answer.refusal, arguments.stream, console)
    if database is not None and arguments.runs:
        return show_rows(answer, database, arguments, console)
    return show_sql(answer, arguments.stream, console)


def refuse_usage(arguments: argparse.Namespace, question: str) -> None:
    """End with a usage error where flags do not go together."""
    if arguments.question and arguments.batch:
        arguments.parser.error("QUESTION and --batch do not go together")
    if not arguments.question and not arguments.batch:
        arguments.parser.error("give a QUESTION, - to read it from standard input, or --batch FILE")
    if arguments.question and not batch.on_one_line(question):
        arguments.parser.error("the QUESTION is empty")
    if arguments.batch and (arguments.stream or arguments.runs):
        arguments.parser.error("--batch goes with neither --stream nor --run")
    if arguments.schema == "-" and "-" in (question, arguments.batch):
        arguments.parser.error("standard input cannot be both the question and the schema")


def read_question() -> str:
    """Return the question on standard input. Raises `SourceError` unless it is text."""
    try:
        return read_stdin().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("the question on standard input is not UTF-8 text") from error


def question_options(arguments: argparse.Namespace, source: SchemaSource) -> QuestionOptions:
    """Return the flags as the client's options."""
    return {
        **schemas.options(arguments, source),
        **policy.options(arguments),
        "n": arguments.n,
        "max_tokens": arguments.max_tokens,
        "temperature": arguments.temperature,
        "seed": arguments.seed,
        "min_confidence": arguments.min_confidence,
    }


def follow(client: Client, question: str, options: QuestionOptions, console: Console) -> Answer:
    """Ask with progress: the draft on a terminal's stderr, or one JSON object an event."""
    from sqlstrict.answers import Answer, Progress

    shown = ""
    for event in client.stream(question, include_draft=True, **options):
        if console.is_json:
            console.json({"event": type(event).__name__.lower(), **dataclasses.asdict(event)})
        elif isinstance(event, Progress):
            # A draft may be taken back where the model has to start again.
            if not event.draft.startswith(shown):
                console.draft("\n")
                shown = ""
            console.draft(event.draft[len(shown) :])
            shown = event.draft
        if isinstance(event, Answer):
            if shown:
                console.draft("\n")
            return event
    raise AssertionError("Client.stream ends with an Answer or raises")


def refuse(answer: Answer, refusal: Refusal, is_streamed: bool, console: Console) -> Exit:
    """Say why there is no SQL, and which names of the schema come near."""
    if console.is_json:
        if not is_streamed:
            console.json(answer)
        return Exit.REFUSED
    console.note(f"sqlstrict: no SQL: {refusal.message}")
    for near in refusal.nearest:
        if near.word.casefold() == near.name.casefold():
            continue
        console.note(f"    {near.word!r} resembles {near.name}")
    return Exit.REFUSED


def show_sql(answer: Answer, is_streamed: bool, console: Console) -> Exit:
    """Write the statement and its alternatives, one a line."""
    if not console.is_json:
        for sql in (answer.sql, *(other.sql for other in answer.alternatives)):
            console.result(sql or "")
    elif not is_streamed:
        console.json(answer)
    return Exit.ANSWER


def show_rows(
    answer: Answer, database: Path, arguments: argparse.Namespace, console: Console
) -> Exit:
    """Run the statement on the user's database, read only, and write what it returns.

    Raises `QueryError` for one that is no query, whatever --allow says.
    """
    assert answer.sql is not None
    if not console.is_json:
        console.note(answer.sql)
    if answer.kind != "select":
        raise QueryError(
            f"not run: --run runs queries alone, and this is {answer.kind}; leave out --run to get"
            " the SQL, and run it where you mean to",
            reason="QUERY_REFUSED",
        )
    rows = run_read_only(
        database, answer.sql, max_rows=arguments.max_rows, timeout_s=arguments.timeout
    )
    if console.is_json:
        console.json({**dataclasses.asdict(answer), "result": rows})
        return Exit.ANSWER
    console.table(rows.columns, rows.rows)
    if rows.is_truncated:
        console.note(f"sqlstrict: there are more rows; --max-rows {arguments.max_rows} cut them")
    return Exit.ANSWER
