"""Whether the tables that a statement needs are among those chosen for its question.

    python bench/linking.py --schemas DIR --questions FILE [--tables 400] [--half first|second]

DIR holds one NAME.sql of DDL per schema; FILE is JSON Lines of {"schema", "question", "sql"}. The
schemas are put together into one of that many tables (`large_schemas.py`); the questions of those
in it are linked, and the tables that their own SQL names must be in the prompt, or among what the
grammar may name. `--half` asks the questions of one half of the schemas only, so that the other
half can judge what was tried on the first. Times are the processor's, so that a busy machine tells
the same. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import mean, median

import sqlglot
from large_schemas import put_together
from sqlglot import exp
from sqlstrictd.constraint import FromSet
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_from_sets, choose_part
from sqlstrictd.schema.linking.index import index_of
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.render import render


def main() -> int:
    """Measure, and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--tables", type=int, default=400, help="of the schema put together")
    parser.add_argument("--half", choices=("first", "second", "both"), default="both")
    parser.add_argument("--limit", type=int, default=1500, help="questions to take, 0 for all")
    parser.add_argument("--misses", type=Path, help="write the questions that missed a table here")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    order = random.Random(arguments.seed)
    parts = {
        path.stem: parse_schema(path.read_text())
        for path in sorted(arguments.schemas.glob("*.sql"))
    }
    asked = half_of(list(parts), arguments.half, order)
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines()]
    rows = [row for row in rows if row["schema"] in asked]
    others = [name for name in parts if name not in asked]
    first = {name: parts[name] for name in [*asked, *others]}
    large = put_together(first, arguments.tables, arguments.seed)
    rows = [row for row in rows if any(part == row["schema"] for part, _ in large.names)]
    if arguments.limit:
        rows = order.sample(rows, min(arguments.limit, len(rows)))
    began = time.process_time()
    _ = large.schema.fingerprint
    index_of(large.schema)
    index_ms = 1000 * (time.process_time() - began)
    choose_part(large.schema, "warm")
    choose_from_sets(large.schema, "warm")

    counts: Counter[str] = Counter()
    times: list[float] = []
    set_times: list[float] = []
    in_grammar: list[int] = []
    in_prompt: list[int] = []
    characters: list[int] = []
    n_sets: list[int] = []
    misses = []
    for number, row in enumerate(rows, 1):
        if number % 250 == 0:
            print(f"{number} of {len(rows)}: {dict(counts)}", file=sys.stderr, flush=True)
        scopes = from_sets(row["sql"])
        needed = {large.names[row["schema"], fold(name)] for names in scopes for name in names}
        began = time.process_time()
        part = choose_part(large.schema, row["question"])
        times.append(1000 * (time.process_time() - began))
        began = time.process_time()
        sets = choose_from_sets(large.schema, row["question"])
        set_times.append(1000 * (time.process_time() - began))
        shown = {table.name for table in part.schema.tables}
        counts["total"] += 1
        counts["in_grammar"] += needed <= set(part.tables)
        counts["in_prompt"] += needed <= shown
        needed_sets = {
            tuple(sorted(large.names[row["schema"], fold(name)] for name in names))
            for names in scopes
        }
        counts["sets_in"] += needed_sets <= set(sets)
        in_grammar.append(len(part.tables))
        in_prompt.append(len(shown))
        characters.append(len(render(part.schema, "ddl")))
        n_sets.append(len(sets))
        if not needed <= shown:
            misses.append(
                {
                    "question": row["question"],
                    "missing": sorted(needed - shown),
                    "found": sorted(needed & shown),
                    "in_grammar": needed <= set(part.tables),
                    "shown": [table.name for table in part.schema.tables],
                }
            )
    if arguments.misses:
        arguments.misses.write_text("".join(json.dumps(miss) + "\n" for miss in misses))
    total = counts["total"]
    result = {
        "tables": len(large.schema.tables),
        "questions": total,
        "needed_in_grammar": round(counts["in_grammar"] / total, 4),
        "needed_in_prompt": round(counts["in_prompt"] / total, 4),
        "needed_sets_in": round(counts["sets_in"] / total, 4),
        "mean_tables_in_grammar": round(mean(in_grammar), 1),
        "mean_tables_in_prompt": round(mean(in_prompt), 1),
        "mean_prompt_characters": round(mean(characters)),
        "max_prompt_characters": max(characters),
        "mean_sets": round(mean(n_sets), 1),
        "index_cpu_ms": round(index_ms, 1),
        "link_cpu_ms_median": round(median(times), 2),
        "link_cpu_ms_p95": round(_percentile(times, 0.95), 2),
        "sets_cpu_ms_median": round(median(set_times), 2),
        "sets_cpu_ms_p95": round(_percentile(set_times, 0.95), 2),
    }
    print(json.dumps(result))
    return 0


def from_sets(sql: str) -> set[FromSet]:
    """Return the tables of each FROM clause of a statement, without those it defines itself."""
    tree = sqlglot.parse_one(sql, dialect="sqlite")
    defined = {fold(cte.alias) for cte in tree.find_all(exp.CTE)}
    found: set[FromSet] = set()
    for select in tree.find_all(exp.Select):
        clauses = [select.args.get("from_") or select.args.get("from")]
        clauses += select.args.get("joins") or []
        names = tuple(
            clause.this.name
            for clause in clauses
            if clause is not None and isinstance(clause.this, exp.Table)
            if fold(clause.this.name) not in defined
        )
        if names:
            found.add(names)
    return found


def half_of(names: list[str], half: str, order: random.Random) -> list[str]:
    """Return the names in an order drawn at random, or the first or second half of them."""
    order.shuffle(names)
    middle = len(names) // 2
    return {"first": names[:middle], "second": names[middle:], "both": names}[half]


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    sys.exit(main())
