"""One new question on a schema already read: sqlstrict through its socket, beside llama-cpp-python.

    python bench/warm.py --model FILE.gguf [--schema FILE.sql] [--rounds N] [--tokens N]

Both get the same GGUF, the same prompt, the same threads and the same token budget. The peer is
`Llama` with a `LlamaGrammar` that knows the schema's names, and `Llama` without a grammar. The
runs are interleaved and medians are printed; the last line is one JSON object. Answers of a
random-weights model have no end of their own, so a budget that runs out is no failure here: the
time of that many tokens is what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import llama_cpp
from sqlstrict import Client
from sqlstrictd.engine.repacking import set_layouts
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Schema

QUESTIONS = (
    "What is the average price of all completed orders?",
    "How many customers registered in 2024?",
    "List the names of the five heaviest products.",
    "Which suppliers have a rating above 4?",
    "Show the number of shipments of each carrier.",
    "What is the highest salary among the managers?",
    "Which products have never been reviewed?",
    "Show the total amount of payments by method.",
    "How many support tickets are still open?",
    "Which cities have more than a million people?",
)


def names_grammar(schema: Schema) -> str:
    """A GBNF of single queries that knows the schema's names but not which belong together."""
    tables = " | ".join(json.dumps(table.name) for table in schema.tables)
    columns = " | ".join(
        json.dumps(name)
        for name in sorted({column.name for table in schema.tables for column in table.columns})
    )
    return f"""
root ::= "SELECT " ("DISTINCT ")? item (", " item)* " FROM " table join* where? group? order? ";"
item ::= expr | aggregate
aggregate ::= "COUNT(*)" | ("COUNT" | "SUM" | "AVG" | "MIN" | "MAX") "(" expr ")"
expr ::= (table ".")? column
join ::= " JOIN " table " ON " table "." column " = " table "." column
where ::= " WHERE " condition ((" AND " | " OR ") condition)*
condition ::= expr comparison value | expr " IN (SELECT " expr " FROM " table ")"
comparison ::= " = " | " <> " | " < " | " > " | " LIKE "
group ::= " GROUP BY " expr (", " expr)*
order ::= " ORDER BY " item (" ASC" | " DESC")? (" LIMIT " number)?
value ::= number | "'" [A-Za-z0-9 _.-]* "'"
number ::= [0-9]+
table ::= {tables}
column ::= {columns}
"""


def load_peer(model: Path, n_threads: int) -> llama_cpp.Llama:
    """Load the peer with the engine's kernels: engine/repacking.py says why AMX is left out."""
    defaults = llama_cpp.llama_model_default_params
    layouts = []  # must live until the model is loaded

    def params() -> llama_cpp.llama_model_params:
        values = defaults()
        layouts.append(set_layouts(llama_cpp.llama_cpp, values, model))
        return values

    llama_cpp.llama_cpp.llama_model_default_params = params
    return llama_cpp.Llama(str(model), n_ctx=4096, n_threads=n_threads, verbose=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    default = Path(__file__).parent / "schemas" / "fifteen_tables.sql"
    parser.add_argument("--schema", type=Path, default=default)
    parser.add_argument("--rounds", type=int, default=7, help="questions, each asked of every peer")
    parser.add_argument("--tokens", type=int, default=32, help="token budget of an answer")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    arguments = parser.parse_args()
    if not 1 <= arguments.rounds < len(QUESTIONS):
        parser.error(f"--rounds must be 1 to {len(QUESTIONS) - 1}: each question is new")
    ddl = arguments.schema.read_text()
    times: dict[str, list[float]] = {"sqlstrict": [], "grammar": [], "no_grammar": []}
    tokens: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix://{folder}/s.sock"
        command = [sys.executable, "-m", "sqlstrictd", "--model", str(arguments.model)]
        command += ["--address", address, "--data-dir", folder]
        daemon = subprocess.Popen([*command, "--threads", str(arguments.threads)])
        try:
            with Client(address, timeout_s=30) as client:
                client.wait_for_ready(timeout_s=120)
                client.register_schema("bench", ddl)
                rendering = client.status().model.schema_rendering
                schema = parse_schema(ddl)
                peer = load_peer(arguments.model, arguments.threads)
                grammar = llama_cpp.LlamaGrammar.from_string(names_grammar(schema), verbose=False)

                def ask(question: str) -> int:
                    answer = client.translate(question, schema="bench", max_tokens=arguments.tokens)
                    return answer.usage.output_tokens

                def complete(question: str, grammar: llama_cpp.LlamaGrammar | None) -> int:
                    prompt = build_prompt(render(schema, rendering), question).text
                    result = peer.create_completion(
                        prompt,
                        max_tokens=arguments.tokens,
                        temperature=0,
                        grammar=grammar,
                    )
                    return int(result["usage"]["completion_tokens"])

                runs = {
                    "sqlstrict": ask,
                    "grammar": lambda question: complete(question, grammar),
                    "no_grammar": lambda question: complete(question, None),
                }
                # One question each first: the schema is then known to all of them.
                for index in range(arguments.rounds + 1):
                    question = QUESTIONS[index]
                    for name, run in runs.items():
                        start = time.perf_counter()
                        n_tokens = run(question)
                        elapsed = time.perf_counter() - start
                        print(
                            f"{index} {name}: {elapsed:.3f} s, {n_tokens} tokens", file=sys.stderr
                        )
                        if index:
                            times[name].append(elapsed)
                            if name == "sqlstrict":
                                tokens.append(n_tokens)
        finally:
            daemon.terminate()
            daemon.wait()
    median = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in median.items():
        print(f"{name:12} {seconds:7.3f} s   {seconds / median['sqlstrict']:5.1f} x")
    print(
        json.dumps(
            {
                "rounds": arguments.rounds,
                "median_s": {name: round(seconds, 4) for name, seconds in median.items()},
                "output_tokens": statistics.median(tokens),
                "ratio_grammar": round(median["grammar"] / median["sqlstrict"], 2),
                "ratio_no_grammar": round(median["no_grammar"] / median["sqlstrict"], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
