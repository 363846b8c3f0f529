"""How long a question waits for its first token, on schemas of ten tables and of thousands.

    python bench/first_token.py --model FILE.gguf --schemas DIR --questions FILE
        [--tables 10 400 2000] [--n 8] [--seed S]

The steps are the daemon's: tables are linked to the question, the part of the schema that it needs
is rendered, its draft grammar built, and the engine reads the prompt. A schema that fits the prompt
is resident after its first question, so its first and its later questions are told apart; of a
larger one every question reads a part of its own. DIR holds one NAME.sql of DDL per schema, FILE is
JSON Lines of {"schema", "question", "sql"}. The last line is one JSON object, seconds by size.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path

from large_schemas import put_together
from sqlstrictd.constraint import draft_grammar
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.settings import Settings
from sqlstrictd.engine.wire import Failed, Generate, Progress, Started
from sqlstrictd.policy import Policy
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_part
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Schema


def main() -> int:
    """Measure each size, and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--tables", type=int, nargs="+", default=[10, 400, 2000])
    parser.add_argument("--n", type=int, default=8, help="questions for each size")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    order = random.Random(arguments.seed)
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines()]
    order.shuffle(rows)
    paths = sorted(arguments.schemas.glob("*.sql"))
    order.shuffle(paths)
    parts = {path.stem: parse_schema(path.read_text()) for path in paths}
    result = {}
    with Engine(arguments.model, Settings(context_tokens=16384)) as engine:
        for n_tables in arguments.tables:
            schema, asked = build(parts, rows, n_tables, arguments.n, arguments.seed)
            result[str(n_tables)] = measure(engine, schema, asked)
            print(f"{n_tables} tables: {result[str(n_tables)]}", file=sys.stderr, flush=True)
    print(json.dumps(result))
    return 0


def build(
    parts: dict[str, Schema], rows: list[dict[str, str]], n_tables: int, n: int, seed: int
) -> tuple[Schema, list[str]]:
    """Take the schema nearest to ten tables as it is, or put many together."""
    if n_tables <= 20:
        name = min(parts, key=lambda one: (abs(len(parts[one].tables) - n_tables), one))
        return parts[name], [row["question"] for row in rows if row["schema"] == name][:n]
    chosen, held = {}, 0
    for name, part in parts.items():
        if held >= n_tables:
            break
        chosen[name] = part
        held += len(part.tables)
    schema = put_together(chosen, n_tables, seed).schema
    return schema, [row["question"] for row in rows if row["schema"] in chosen][:n]


def measure(engine: Engine, schema: Schema, asked: list[str]) -> dict[str, float]:
    """Return seconds to the first token: of the first question, and the median of the others."""
    choose_part(schema, asked[0])  # the index of a schema is made once
    waited, n_tokens = [], []
    for number, question in enumerate(asked):
        began = time.perf_counter()
        part = choose_part(schema, question)
        grammar = draft_grammar(schema, schema.dialect, Policy(), part.tables)
        prompt = build_prompt(render(part.schema, "ddl"), question)
        engine.scheduler.submit(
            Generate(
                id=number,
                schema=prompt.schema,
                question=prompt.question,
                grammar_key=grammar.key,
                grammar=grammar.text,
                max_tokens=8,
                wants_text=True,
            )
        )
        is_waiting = True
        while is_waiting:
            engine.wait()
            for message in engine.scheduler.step():
                if isinstance(message, Failed):
                    raise RuntimeError(message.message)
                if isinstance(message, Started):
                    n_tokens.append(message.prompt_tokens)
                is_waiting = is_waiting and not isinstance(message, Progress)
        waited.append(time.perf_counter() - began)
        engine.scheduler.cancel(number)
    return {
        "tables": len(schema.tables),
        "prompt_tokens": statistics.median(n_tokens),
        "first_s": round(waited[0], 3),
        "later_s": round(statistics.median(waited[1:]), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
