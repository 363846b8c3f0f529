"""How often the check without an engine and the engine itself say the same of a statement.

    python bench/agreement.py --schemas DIR --questions FILE --dialect postgres|mysql|duckdb
        [--limit N] [--mutations N] [--seed S] [--shown N]

DIR holds one NAME.sql of SQLite's DDL per schema; FILE is JSON Lines of {"schema", "question",
"sql"}. Schemas are made those of the dialect by `portable.py`, statements by sqlglot. Each is
prepared on the real engine and judged by `check_types`; then so are N statements made of them by
`tests/statement_mutations.py`. What the scope check refuses before is left out on both sides.
False passes (passed, and the engine refuses) and false refusals are printed as they come, at most
--shown of each; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlglot
from portable import port
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.verify import check_statement
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.types import check_types

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # `servers` and mutations

from servers.engine import RealEngine
from servers.start import start
from statement_mutations import mutate

# Complaints of the scope check's kind: names, not types.
BEFORE_TYPES = {"syntax", "kind", "scope"}


@dataclass
class Tally:
    """How statements of one sort fared."""

    n: int = 0
    prepared: int = 0
    agree: int = 0
    false_pass: int = 0
    false_refusal: int = 0
    before_types: int = 0


def translate(sql: str, schema: Schema, dialect: str) -> str:
    """Write a statement of SQLite for another dialect, every name as the schema spells it."""
    tree = sqlglot.parse_one(sql, read="sqlite")
    spelled = {fold(name): name for table in schema.tables for name in table.column_names}
    for column in list(tree.find_all(exp.Column)):
        # SQLite reads an unknown name in double quotes as a string.
        is_name = fold(column.name) in spelled or not isinstance(column.this, exp.Identifier)
        if not is_name and column.this.args.get("quoted") and not column.table:
            column.replace(exp.Literal.string(column.name))
    read = {fold(t.alias_or_name): schema.table(t.name) for t in tree.find_all(exp.Table)}
    aliases = {fold(alias.name) for alias in tree.find_all(exp.TableAlias)}
    for identifier in tree.find_all(exp.Identifier):
        name = _spell(identifier, schema, spelled, read, aliases)
        identifier.replace(exp.to_identifier(name, quoted=True))
    return tree.sql(dialect)


def _spell(
    identifier: exp.Identifier,
    schema: Schema,
    spelled: dict[str, str],
    read: dict[str, Table | None],
    aliases: set[str],
) -> str:
    """Return a name as the schema spells it; what the statement defines itself, in lower case."""
    key, parent = fold(identifier.name), identifier.parent
    if isinstance(parent, exp.Table) or identifier.arg_key == "table":
        table = schema.table(identifier.name)
        return table.name if table is not None and key not in aliases else key
    if isinstance(parent, exp.Alias | exp.TableAlias):
        return key
    label = fold(parent.table) if isinstance(parent, exp.Column) else ""
    owners = [read.get(label)] if label else list(read.values())
    columns = [owner.column(identifier.name) for owner in owners if owner is not None]
    return next((column.name for column in columns if column is not None), spelled.get(key, key))


def judge(
    statements: Iterable[str], schema: Schema, dialect: str, engine: RealEngine, shown: int
) -> Tally:
    """Ask both of each statement."""
    tally = Tally()
    for sql in statements:
        verdict = check_statement(sql, schema, dialect)
        if any(problem.check in BEFORE_TYPES for problem in verdict.problems):
            tally.before_types += 1
            continue
        tally.n += 1
        complaint = engine.prepare(sql)
        problems = check_types(sql, schema, dialect, Reporter(sql))
        tally.prepared += not complaint
        if bool(complaint) == bool(problems):
            tally.agree += 1
        elif complaint:
            tally.false_pass += 1
            if tally.false_pass <= shown:
                print(f"FALSE PASS: {sql}\n    {complaint}", file=sys.stderr)
        else:
            tally.false_refusal += 1
            if tally.false_refusal <= shown:
                print(f"FALSE REFUSAL: {sql}\n    {problems[0].message}", file=sys.stderr)
    return tally


def read(arguments: argparse.Namespace, engine: RealEngine) -> Iterator[tuple[Schema, list[str]]]:
    """Yield each schema in the dialect, loaded into the engine, with its statements."""
    by_schema: dict[str, dict[str, None]] = {}
    with open(arguments.questions) as lines:
        for line in lines:
            row = json.loads(line)
            by_schema.setdefault(row["schema"], {})[row["sql"]] = None
    left = arguments.limit
    for name, statements in sorted(by_schema.items()):
        text = Path(arguments.schemas, f"{name}.sql").read_text()
        ddl = port(parse_schema(text, "sqlite"), arguments.dialect)
        try:
            engine.load(ddl)
        except ValueError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        schema = parse_schema(ddl, arguments.dialect)
        translated = []
        for sql in list(statements)[:left]:
            try:
                translated.append(translate(sql, schema, arguments.dialect))
            except SqlglotError:
                continue
        left -= len(translated)
        yield schema, translated
        if left <= 0:
            return


def main() -> None:
    """Print the figures of people's statements and of mutated ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemas", required=True)
    parser.add_argument("--questions", required=True)
    parser.add_argument("--dialect", required=True, choices=("postgres", "mysql", "duckdb"))
    parser.add_argument("--limit", type=int, default=1_000_000)
    parser.add_argument("--mutations", type=int, default=0, help="in all, over the schemas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=3, help="of each kind and schema")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    people, mutated = Tally(), Tally()
    engine = start(arguments.dialect)
    try:
        n_files = len(list(Path(arguments.schemas).glob("*.sql"))) or 1
        for schema, statements in read(arguments, engine):
            _add(people, judge(statements, schema, arguments.dialect, engine, arguments.shown))
            share = -(-arguments.mutations // n_files) if statements else 0
            changed = [
                mutate(rng.choice(statements), schema, arguments.dialect, rng) for _ in range(share)
            ]
            _add(mutated, judge(changed, schema, arguments.dialect, engine, arguments.shown))
        name = engine.name
    finally:
        engine.close()
    figures = {"dialect": arguments.dialect, "engine": name, "people": asdict(people)}
    print(json.dumps({**figures, "mutated": asdict(mutated), "seed": arguments.seed}))


def _add(total: Tally, part: Tally) -> None:
    for key, value in asdict(part).items():
        setattr(total, key, getattr(total, key) + value)


if __name__ == "__main__":
    main()
