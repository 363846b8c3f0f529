"""How many of people's statements the constraint lets the model write.

    python bench/coverage.py --schemas DIR --questions FILE [--limit N] [--executed N]
        [--half first|second]

DIR holds one NAME.sql of DDL per schema; FILE is JSON Lines of {"schema", "question", "sql"}. Each
statement is spelled as the grammar spells (rendering.py: people's aliases and order stay) and fed
byte by byte to the matchers of

    exact   the exact grammar of the statement's own skeleton
    linked  the exact grammar of the FROM sets chosen from the question, under the statement's
            aliases (which a draft would bring) where it reads from such a set
    again   the exact grammar that the daemon makes of a draft that reads from what the statement
            does: its skeleton, then sets chosen from the question while there is room
    draft   the draft grammar of the tables chosen from the question

Why `linked` misses a statement is told apart: one of its sets was not chosen, it reads from a table
of its own, its own skeleton's grammar does not write it either, or what it is made of is not among
what chosen sets may be.

`answered` counts the statements that the daemon returns if the model writes them, given no more
than the question: the draft grammar takes them and the last check lets them pass. A sample is
executed in both spellings on generated rows, to show that they return the same. What is left out is
listed by --misses. `--half` takes one half of the schemas, as in linking.py. The last line is one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import sqlglot
from linking import half_of
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from rendering import CannotRender, render
from sqlglot import exp
from sqlstrictd.constraint import (
    FromSet,
    Grammar,
    Skeleton,
    draft_grammar,
    exact_grammar,
    skeleton_of,
    skeleton_of_sets,
)
from sqlstrictd.grammars import with_linked
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import MAX_SETS, choose_from_sets, choose_part
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement

READ_ONLY = Policy()


class Bytes:
    """A vocabulary of the 256 bytes, so that the cut into tokens plays no part."""

    eos_token_id = 256
    bos_token_id = None
    tokens = [bytes([value]) for value in range(256)] + [b"</s>"]
    special_token_ids = [256]

    def __call__(self, text: str | bytes) -> list[int]:
        """Return the bytes of a text."""
        return list(text.encode() if isinstance(text, str) else text)


class Matchers:
    """Compiles grammars and tells how far they let a statement be written."""

    def __init__(self) -> None:
        self._tokenizer = LLTokenizer(TokenizerWrapper(Bytes()))
        self._compiled: dict[str, LLMatcher] = {}

    def written(self, statement: str, make: Callable[[], Grammar]) -> int:
        """Return -1 where the grammar writes the whole statement, else how many bytes it does."""
        try:
            grammar = make()
        except ValueError:
            return 0
        if grammar.key not in self._compiled:
            if len(self._compiled) > 50:
                self._compiled.clear()
            limits = LLParserLimits(max_items_in_row=20_000)
            compiled = LLMatcher(self._tokenizer, grammar.text, limits=limits)
            if compiled.is_error():
                raise RuntimeError(compiled.get_error())
            self._compiled[grammar.key] = compiled
        matcher = self._compiled[grammar.key].deep_copy()
        data = statement.encode()
        done = matcher.try_consume_tokens(list(data))
        return -1 if done == len(data) and matcher.is_accepting() else done


def main() -> int:
    """Measure, and print reasons and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="statements to take, 0 for all")
    parser.add_argument("--half", choices=("first", "second", "both"), default="both")
    parser.add_argument("--executed", type=int, default=500, help="statements to execute")
    parser.add_argument("--misses", type=Path, help="write the statements left out here")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines()]
    names = [path.stem for path in sorted(arguments.schemas.glob("*.sql"))]
    asked = half_of(names, arguments.half, random.Random(arguments.seed))
    rows = [row for row in rows if row["schema"] in asked]
    order = random.Random(arguments.seed)
    if arguments.limit:
        rows = order.sample(rows, min(arguments.limit, len(rows)))
    schemas = {
        name: parse_schema((arguments.schemas / f"{name}.sql").read_text())
        for name in sorted({row["schema"] for row in rows})
    }
    matchers = Matchers()
    counts: Counter[str] = Counter(
        dict.fromkeys(("exact", "draft", "linked", "again", "answered"), 0)
    )
    causes: Counter[str] = Counter()
    misses: list[dict[str, str]] = []
    rendered = []
    for number, row in enumerate(sorted(rows, key=lambda row: row["schema"]), 1):
        if number % 250 == 0:
            print(f"{number} of {len(rows)}: {dict(counts)}", file=sys.stderr, flush=True)
        schema = schemas[row["schema"]]
        try:
            statement = render(row["sql"], schema)
        except CannotRender as error:
            misses.append({"by": "rendering", "reason": str(error), "sql": row["sql"]})
            continue
        rendered.append((row, schema, statement))
        cause = measure(matchers, row["question"], statement, schema, counts, misses)
        causes.update([cause] if cause else [])
    for reason, count in Counter(f"{m['by']}: {m['reason']}" for m in misses).most_common(30):
        print(f"{count:6d}  {reason}")
    if arguments.misses:
        arguments.misses.write_text("".join(json.dumps(miss) + "\n" for miss in misses))
    sample = order.sample(rendered, min(arguments.executed, len(rendered)))
    same = Counter(executes_alike(row["sql"], new, schema, order) for row, schema, new in sample)
    print(f"executed in both spellings: {dict(same)}")
    total = len(rows)
    result: dict[str, object] = {"total": total}
    for name, count in counts.items():
        result |= {name: count, f"{name}_rate": round(count / total, 4)}
    result["linked_misses"] = dict(causes.most_common())
    print(json.dumps(result | {"executed": len(sample), "same_rows": same["same"]}))
    return 0


def measure(
    matchers: Matchers,
    question: str,
    statement: str,
    schema: Schema,
    counts: Counter[str],
    misses: list[dict[str, str]],
) -> str:
    """Hold one statement against the grammars and the last check; tell why `linked` misses it."""
    dialect = schema.dialect
    own = skeleton_of(statement, schema, dialect)
    part = choose_part(schema, question)
    chosen = choose_from_sets(schema, question)
    linked = linked_skeleton(own, chosen)
    again = with_linked(own, chosen, dialect)
    makers: dict[str, Callable[[], Grammar]] = {
        "exact": lambda: exact_grammar(schema, own, dialect, READ_ONLY),
        "draft": lambda: draft_grammar(schema, dialect, READ_ONLY, part.tables),
        "linked": lambda: exact_grammar(schema, linked, dialect, READ_ONLY, max_scopes=MAX_SETS),
        "again": lambda: exact_grammar(schema, again, dialect, READ_ONLY),
    }
    done = {name: matchers.written(statement, make) for name, make in makers.items()}
    for name, length in done.items():
        counts[name] += length < 0
        if length >= 0:
            spot = statement[:length] + "⟦" + statement[length:]
            misses.append({"by": name, "reason": repr(statement[length : length + 8]), "sql": spot})
    verdict = check_statement(statement, schema, dialect)
    passes = verdict.prepares and not verdict.problems
    if not passes:
        message = "; ".join(problem.message for problem in verdict.problems)
        misses.append({"by": "check", "reason": message[:60], "sql": statement})
    counts["answered"] += passes and done["draft"] < 0
    if done["linked"] < 0:
        return ""
    if done["exact"] >= 0:
        return "not exact"
    if own.defined:
        return "table of its own"
    needed = {tuple(sorted(one.name for one in clause.sources)) for clause in own.clauses}
    return "set not chosen" if needed - set(chosen) else "grammar"


def linked_skeleton(own: Skeleton, chosen: list[FromSet]) -> Skeleton:
    """Return a skeleton of chosen sets, as a statement spells those of them that it reads from."""
    sets = set(chosen)
    among = [c for c in own.clauses if tuple(sorted(one.name for one in c.sources)) in sets]
    return Skeleton(tuple(among)).and_also(skeleton_of_sets(chosen))


def executes_alike(old: str, new: str, schema: Schema, order: random.Random) -> str:
    """Run both spellings of a statement on generated rows; tell whether the rows are the same."""
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
