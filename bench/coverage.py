"""How many of people's statements the constraint lets the model write.

    python bench/coverage.py --schemas DIR --questions FILE [--limit N] [--executed N]

DIR holds one NAME.sql of DDL per schema; FILE is JSON Lines of {"schema", "question", "sql"}. Each
statement is rendered into the model's style (canonical.py) and fed byte by byte to the matcher:
once under the grammar of the FROM sets that it names itself (oracle), once under those chosen from
the question (linked). A sample is executed in both forms on generated rows, to show that the
rendering returns the same. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import sqlglot
from canonical import CannotRender, render
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from sqlglot import exp
from sqlstrictd.constraint import FromSet, build_grammar, from_sets_of
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_from_sets
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Schema


class Bytes:
    """A vocabulary of the 256 bytes, so that the cut into tokens plays no part."""

    eos_token_id = 256
    bos_token_id = None
    tokens = [bytes([value]) for value in range(256)] + [b"</s>"]
    special_token_ids = [256]

    def __call__(self, text: str | bytes) -> list[int]:
        """Return the bytes of a text."""
        return list(text.encode() if isinstance(text, str) else text)


class Coverage:
    """Compiles grammars and tells how far they let a statement be written."""

    def __init__(self) -> None:
        self._tokenizer = LLTokenizer(TokenizerWrapper(Bytes()))
        self._compiled: dict[str, LLMatcher] = {}

    def written(self, statement: str, schema: Schema, sets: list[FromSet]) -> int:
        """Return -1 where the grammar writes the whole statement, else how many bytes it does."""
        grammar = build_grammar(schema, sets, schema.dialect)
        if grammar.key not in self._compiled:
            if len(self._compiled) > 50:
                self._compiled.clear()
            compiled = LLMatcher(self._tokenizer, grammar.text)
            if compiled.is_error():
                raise RuntimeError(compiled.get_error())
            self._compiled[grammar.key] = compiled
        matcher = self._compiled[grammar.key].deep_copy()
        data = statement.encode()
        done = matcher.try_consume_tokens(list(data))
        return -1 if done == len(data) and matcher.is_accepting() else done


def main() -> int:
    """Measure, and print reasons, samples and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="statements to take, 0 for all")
    parser.add_argument("--executed", type=int, default=500, help="statements to execute")
    parser.add_argument("--misses", type=Path, help="write the statements left out here")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines()]
    order = random.Random(arguments.seed)
    if arguments.limit:
        rows = order.sample(rows, min(arguments.limit, len(rows)))
    schemas = {
        name: parse_schema((arguments.schemas / f"{name}.sql").read_text())
        for name in sorted({row["schema"] for row in rows})
    }
    coverage = Coverage()
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    misses = []
    rendered = []
    for number, row in enumerate(sorted(rows, key=lambda row: row["schema"]), 1):
        if number % 250 == 0:
            print(f"{number} of {len(rows)}: {dict(counts)}", file=sys.stderr, flush=True)
        schema = schemas[row["schema"]]
        try:
            statement = render(row["sql"], schema)
        except CannotRender as error:
            reasons[str(error)] += 1
            misses.append({"reason": str(error), "sql": row["sql"]})
            continue
        rendered.append((row, schema, statement))
        own = from_sets_of(statement, schema)
        done = coverage.written(statement, schema, own)
        if done >= 0:
            reason = f"at {statement[done : done + 12]!r}"
            reasons["the grammar stops"] += 1
            misses.append(
                {
                    "reason": reason,
                    "sql": row["sql"],
                    "rendered": statement[:done] + "⟦" + statement[done:],
                }
            )
            continue
        counts["oracle"] += 1
        chosen = choose_from_sets(schema, row["question"])
        if set(own) <= set(chosen):
            counts["sets_chosen"] += 1
        if coverage.written(statement, schema, chosen) == -1:
            counts["linked"] += 1
        else:
            reasons["not linked"] += 1
            misses.append(
                {
                    "reason": "not linked",
                    "sql": statement,
                    "question": row["question"],
                    "own": own,
                    "schema": row["schema"],
                }
            )
    for reason, count in reasons.most_common():
        print(f"{count:6d}  {reason}")
    if arguments.misses:
        arguments.misses.write_text("".join(json.dumps(miss) + "\n" for miss in misses))
    sample = order.sample(rendered, min(arguments.executed, len(rendered)))
    same = Counter(executes_alike(row["sql"], new, schema, order) for row, schema, new in sample)
    print(f"executed in both forms: {dict(same)}")
    total = len(rows)
    result = {
        "total": total,
        "oracle": counts["oracle"],
        "linked": counts["linked"],
        "oracle_rate": round(counts["oracle"] / total, 4),
        "linked_rate": round(counts["linked"] / total, 4),
        "executed": len(sample),
        "same_rows": same["same"],
    }
    print(json.dumps(result))
    return 0


def executes_alike(old: str, new: str, schema: Schema, order: random.Random) -> str:
    """Run both forms of a statement on generated rows; tell whether the rows are the same."""
    connection = sqlite3.connect(":memory:")
    for create in create_statements(schema):
        connection.execute(create)
    tree = sqlglot.parse_one(new, dialect="sqlite")
    values: list[object] = [1, 2, 3, None, "a"]
    for literal in tree.find_all(exp.Literal):
        values += [literal.this.strip("%")] if literal.is_string else [float(literal.this)]
    for table in schema.tables:
        marks = ", ".join("?" * len(table.columns))
        name = table.name.replace('"', '""')
        for _ in range(12):
            row = [order.choice(values) for _ in table.columns]
            connection.execute(f'INSERT OR IGNORE INTO "{name}" VALUES ({marks})', row)
    before = sorted(map(repr, connection.execute(old).fetchall()))
    after = sorted(map(repr, connection.execute(new).fetchall()))
    connection.close()
    if before == after:
        return "same"
    if len(before) == len(after) and " LIMIT " in new:
        return "other rows of a tie at LIMIT"
    return "different"


if __name__ == "__main__":
    sys.exit(main())
