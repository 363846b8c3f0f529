"""Does everything that leaves prepare, when the model writes noise?

    python bench/soundness.py --schemas DIR --n N --seed S
        [--model FILE.gguf] [--temperature 1] [--max-tokens 512] [--failures FILE]

DIR holds one NAME.sql of DDL per schema. A random-weights model (made on the spot unless --model
names one) is asked questions made of each schema's names, through the same steps as in the daemon:
FROM sets from the question, grammar, engine, last check. Every returned statement is prepared once
more, in an SQLite database that this script makes from the DDL file itself. The last line is one
JSON object: `n`, `returned`, `refused` by reason, `prepared`, `errors`.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from make_model import make_model
from sqlstrictd.constraint import build_grammar
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.settings import Settings
from sqlstrictd.engine.wire import Failed, Finished, Generate
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_from_sets
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement

QUESTIONS = (
    "How many {table} are there?",
    "List the {column} of all {table}.",
    "What is the highest {column} of the {table}?",
    "Show the {column} of each {table} together with the {other}.",
    "For each {other}, how many {table} have a {column}?",
    "Which {table} have no {other}?",
    "Give the {column} and the number of {table}, the largest first.",
)
BATCH = 64  # requests handed to the engine at a time


@dataclass
class Case:
    """A schema of the folder: parsed as the daemon does, and a database of the bench's own."""

    name: str
    schema: Schema
    database: sqlite3.Connection

    @classmethod
    def read(cls, path: Path) -> Case:
        """Read a DDL file."""
        text = path.read_text()
        database = sqlite3.connect(":memory:")
        database.executescript(text)
        return cls(path.stem, parse_schema(text), database)

    def question(self, order: random.Random) -> str:
        """Make a question out of names of the schema."""
        table = order.choice(self.schema.tables)
        return order.choice(QUESTIONS).format(
            table=table.name,
            column=order.choice(table.column_names),
            other=order.choice(self.schema.tables).name,
        )

    def prepares(self, statement: str) -> str:
        """Return SQLite's complaint about a statement; empty where there is none."""
        try:
            self.database.execute(f"EXPLAIN {statement}")
        except (sqlite3.Error, sqlite3.Warning) as error:
            return str(error)
        return ""


def main() -> int:
    """Run, and print what failed, how long statements were, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="default: a tiny random model, made here")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--failures", type=Path, help="write what failed here, as JSON Lines")
    arguments = parser.parse_args()
    paths = sorted(arguments.schemas.glob("*.sql"))
    if not paths:
        parser.error(f"no .sql files in {arguments.schemas}")
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or make_model("tiny", Path(folder, "tiny.gguf"))
        return measure(arguments, [Case.read(path) for path in paths], model)


def measure(arguments: argparse.Namespace, cases: list[Case], model: Path) -> int:
    """Ask the questions in batches and count what comes back."""
    order = random.Random(arguments.seed)
    refused: Counter[str] = Counter()
    returned = prepared = 0
    used = set()
    lengths = []
    errors: list[dict[str, str]] = []
    with Engine(model, Settings(context_tokens=16384)) as engine:
        rendering = engine.describe().schema_rendering
        for start in range(0, arguments.n, BATCH):
            # Few schemas a batch, so that their prefixes stay resident.
            chosen = order.sample(cases, min(8, len(cases)))
            batch = [
                (chosen[number % len(chosen)], start + number)
                for number in range(min(BATCH, arguments.n - start))
            ]
            requests = [ask(case, number, order, rendering, arguments) for case, number in batch]
            for (case, _), answer in zip(batch, engine.generate(requests), strict=True):
                used.add(case.name)
                outcome, statement = judge(answer, case)
                if isinstance(answer, Finished):
                    lengths.append(answer.outputs[0].n_tokens)
                if outcome:
                    refused[outcome.split(":")[0]] += 1
                    if not outcome.startswith("BUDGET"):
                        errors.append({"schema": case.name, "what": outcome, "sql": statement})
                    continue
                returned += 1
                complaint = case.prepares(statement)
                prepared += not complaint
                if complaint:
                    errors.append({"schema": case.name, "what": complaint, "sql": statement})
            done = start + len(batch)
            print(f"{done} of {arguments.n}: {returned} returned", file=sys.stderr, flush=True)
    for error in errors[:20]:
        print(f"{error['schema']}: {error['what']}\n    {error['sql']}")
    if arguments.failures:
        arguments.failures.write_text("".join(json.dumps(error) + "\n" for error in errors))
    lengths.sort()
    shares = {f"p{part}": lengths[len(lengths) * part // 100] for part in (50, 90, 95, 99)}
    print(f"{len(used)} schemas; tokens a statement: {shares if lengths else 'none'}")
    result = {
        "n": arguments.n,
        "returned": returned,
        "refused": dict(refused),
        "prepared": prepared,
        "errors": len(errors),
        "schemas": len(used),
    }
    print(json.dumps(result))
    return 0 if prepared == returned else 1


def ask(
    case: Case, number: int, order: random.Random, rendering: str, arguments: argparse.Namespace
) -> Generate:
    """Make the request that the daemon would make of a question."""
    question = case.question(order)
    prompt = build_prompt(render(case.schema, rendering), question)
    grammar = build_grammar(case.schema, choose_from_sets(case.schema, question))
    return Generate(
        id=number,
        schema=prompt.schema,
        question=prompt.question,
        grammar_key=grammar.key,
        grammar=grammar.text,
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        seed=order.randrange(2**31),
    )


def judge(answer: Finished | Failed, case: Case) -> tuple[str, str]:
    """Return why the daemon would refuse the answer (empty where it would not), and its text."""
    if isinstance(answer, Failed):
        return f"{answer.reason}: {answer.message}", ""
    output = answer.outputs[0]
    if output.finish != "stop":
        return "BUDGET", output.text
    verdict = check_statement(output.text, case.schema)
    is_kept = verdict.in_scope and verdict.prepares and not verdict.problems
    if is_kept and verdict.is_single and verdict.kind == "select":
        return "", output.text
    messages = "; ".join(problem.message for problem in verdict.problems)
    return f"VERIFY_FAILED: {messages}", output.text


if __name__ == "__main__":
    sys.exit(main())
