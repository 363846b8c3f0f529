"""What the constraint costs: the time of every mask along people's statements, and of compiling.

    python bench/masks.py --model FILE.gguf --schemas DIR --questions FILE
        [--grammar draft|exact|linked|again] [--dialect D] [--limit N] [--tables N ...]

DIR holds one NAME.sql of DDL per schema; FILE is JSON Lines of {"schema", "question", "sql"}. Each
statement, spelled as the grammar spells (rendering.py), is fed token by token to the matcher of the
grammar that the daemon would use: the draft grammar of its schema, or the exact grammar of its own
skeleton, or that of FROM sets chosen from its question (`linked`, `again`: see coverage.py). A mask
is timed wherever the engine would ask for one; forced tokens are gone past
without, as the engine does. A grammar is new for the first statement on it only. `--tables`: also
schemas of so many tables, put together from all of DIR. Of the model only the vocabulary counts.
`--dialect`: the schemas are ported to another dialect (portable.py), where compiling is what is
measured: a statement is gone along only as far as people's SQLite is that dialect too.
Times are of the thread's own processor time, in milliseconds, so that other programs do not count.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

from coverage import linked_skeleton
from noise import Case
from portable import TYPES
from rendering import CannotRender, render
from sqlstrictd.constraint import (
    Grammar,
    draft_grammar,
    exact_grammar,
    skeleton_of,
)
from sqlstrictd.constraint.exact import MAX_SCOPES
from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.llama import Model
from sqlstrictd.engine.matcher import Grammars, Matcher
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.grammars import with_linked
from sqlstrictd.policy import Policy
from sqlstrictd.schema.link import MAX_SETS, choose_from_sets
from sqlstrictd.schema.types import Schema

GRAMMARS = ("draft", "exact", "linked", "again")


class Times:
    """Milliseconds of one kind."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def add(self, start_s: float) -> None:
        """Note what has passed since."""
        self.values.append((time.thread_time() - start_s) * 1e3)

    def summary(self) -> dict[str, float]:
        """Return count, mean, median, 99th percentile and largest."""
        ordered = sorted(self.values) or [0.0]
        return {
            "n": len(self.values),
            "mean": round(sum(ordered) / len(ordered), 3),
            "p50": round(ordered[len(ordered) // 2], 3),
            "p99": round(ordered[int(len(ordered) * 0.99)], 3),
            "max": round(ordered[-1], 3),
        }


class Bench:
    """Compiles grammars, walks statements, and keeps the times."""

    def __init__(self, vocabulary: Vocabulary, kind: str) -> None:
        self._vocabulary = vocabulary
        self._kind = kind
        self._grammars = Grammars(vocabulary)
        self._seen: set[str] = set()
        self.build, self.compile, self.mask = Times(), Times(), Times()
        self.n_whole = self.n_statements = self.n_tokens = self.n_failed = 0

    def grammar(self, schema: Schema, statement: str, question: str = "") -> Grammar:
        """Return the grammar that the daemon would use for the statement's question."""
        skeleton = skeleton_of(statement, schema, schema.dialect)
        start_s = time.thread_time()
        max_scopes = MAX_SCOPES
        if self._kind in ("linked", "again"):
            chosen = choose_from_sets(schema, question)
            if self._kind == "linked":
                skeleton, max_scopes = linked_skeleton(skeleton, chosen), MAX_SETS
            else:
                skeleton = with_linked(skeleton, chosen, schema.dialect)
        if self._kind == "draft":
            grammar = draft_grammar(schema, schema.dialect, Policy())
        else:
            grammar = exact_grammar(schema, skeleton, schema.dialect, Policy(), max_scopes)
        self.build.add(start_s)
        return grammar

    def matcher(self, grammar: Grammar) -> Matcher:
        """Return a matcher at the grammar's start, compiling it where it is new."""
        start_s = time.thread_time()
        matcher = self._grammars.matcher(grammar.key, grammar.text)
        if grammar.key not in self._seen:
            self._seen.add(grammar.key)
            self.compile.add(start_s)
        return matcher

    def walk(self, schema: Schema, statement: str, question: str = "") -> None:
        """Go along a statement as far as the grammar lets it be written."""
        self.n_statements += 1
        try:
            matcher = self.matcher(self.grammar(schema, statement, question))
            self._walk(matcher, self._vocabulary.tokenize(statement, parse_special=False))
        except RequestFailed as failure:
            self.n_failed += 1
            print(f"{failure.reason}: {failure.message}", file=sys.stderr)

    def _walk(self, matcher: Matcher, tokens: list[int]) -> None:
        n_written = 0
        while not matcher.is_whole:
            forced = matcher.consume_forced()
            if tokens[n_written : n_written + len(forced)] != forced:
                return
            n_written += len(forced)
            self.n_tokens += len(forced)
            if matcher.is_whole:
                break
            start_s = time.thread_time()
            matcher.mask()
            self.mask.add(start_s)
            next_token = tokens[n_written : n_written + 1]
            if not next_token or not matcher.consume_while_allowed(next_token):
                return
            n_written += 1
            self.n_tokens += 1
        self.n_whole += n_written == len(tokens)


def wide_schema(schemas: list[Schema], n_tables: int) -> Schema:
    """Return a schema of so many tables, taken from all schemas in turn, each with a new name."""
    every = itertools.cycle(table for schema in schemas for table in schema.tables)
    tables = [
        replace(table, name=f"{table.name}_{number}", foreign_keys=())
        for number, table in enumerate(itertools.islice(every, n_tables))
    ]
    return replace(schemas[0], tables=tuple(tables))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--grammar", choices=GRAMMARS, default="draft")
    parser.add_argument("--dialect", choices=("sqlite", *TYPES), default="sqlite")
    parser.add_argument("--limit", type=int, default=1000, help="statements, drawn at random")
    parser.add_argument("--tables", type=int, nargs="*", default=[], help="sizes of large schemas")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines()]
    rows = random.Random(arguments.seed).sample(rows, min(arguments.limit, len(rows)))
    schemas = {
        name: Case.read(arguments.schemas / f"{name}.sql", arguments.dialect).schema
        for name in sorted({row["schema"] for row in rows})
    }
    model = Model(arguments.model)
    bench = Bench(model.vocabulary, arguments.grammar)
    for row in rows:
        try:
            statement = render(row["sql"], schemas[row["schema"]])
        except CannotRender:
            continue
        bench.walk(schemas[row["schema"]], statement, row["question"])
    result: dict[str, object] = {
        "grammar": arguments.grammar,
        "dialect": arguments.dialect,
        "vocabulary": model.vocabulary.size,
        "statements": bench.n_statements,
        "whole": bench.n_whole,
        "failed": bench.n_failed,
        "tokens": bench.n_tokens,
        "mask_ms": bench.mask.summary(),
        "build_ms": bench.build.summary(),
        "compile_ms": bench.compile.summary(),
    }
    for n_tables in arguments.tables:
        schema = wide_schema(list(schemas.values()), n_tables)
        wide = Bench(model.vocabulary, arguments.grammar)
        for table in schema.tables[:: max(1, n_tables // 20)]:
            column = table.columns[0].name
            wide.walk(schema, f"SELECT {column} FROM {table.name} WHERE {column} = 1;")
        result[f"tables_{n_tables}"] = {
            "whole": wide.n_whole,
            "statements": wide.n_statements,
            "grammar_kb": round(len(wide.grammar(schema, "").text) / 1024)
            if arguments.grammar == "draft"
            else None,
            "mask_ms": wide.mask.summary(),
            "build_ms": wide.build.summary(),
            "compile_ms": wide.compile.summary(),
        }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
