"""Does everything that leaves prepare, when the model writes noise?

    python bench/soundness.py --schemas DIR [--schemas DIR...] --n N --seed S
        [--dialect sqlite|postgres|duckdb|mysql] [--gate on|off] [--kinds select,insert,...]
        [--model FILE.gguf] [--temperature 1] [--max-tokens 512] [--failures FILE]

DIR holds one NAME.sql of SQLite's DDL per schema; `portable.py` makes it DDL of another dialect. A
random-weights model (made on the spot unless --model names one) is asked questions made of each
schema's names, and `noise.py` writes as the daemon does: draft, then exact. Every returned
statement is then prepared on the real engine (a server of our own for PostgreSQL and MariaDB).
With --gate on, statements that the daemon's last check refuses are not returned; with --gate off,
what the exact grammar let through goes straight to the engine.

The last line is one JSON object: `n`, `returned`, `prepared`, `refused` by reason, `complaints` of
the engine by kind, `stages` that the returned ones left by, `schemas` that were asked.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from make_model import make_model
from noise import Case, Question, Writer, Written
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.settings import Settings
from sqlstrictd.policy import Policy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the package `servers`

from servers.engine import EngineMissing, RealEngine
from servers.start import ENGINES, start

BATCH = 64  # questions handed to the engine at a time
SCHEMAS_A_BATCH = 8  # few, so that their prefixes stay resident
# A tiny model is the faster the fewer threads wait for each other; many statements share a step.
SETTINGS = Settings(context_tokens=16384, threads=1, slots=16, max_prefixes=8, max_prompts=32)
SHOWN = 20
DEFINES = re.compile(r"\s*(CREATE|ALTER)\b", re.IGNORECASE)
# What differs between complaints of one kind: names, numbers, what stands in quotes.
PARTICULARS = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|\(.*\)|\b\w*[\d_.]\w*\b")


class Tally:
    """What became of the statements. Failures are written down as they come."""

    def __init__(self, failures: Path | None) -> None:
        self._file = failures
        self.n = self.returned = self.prepared = 0
        self.refused: Counter[str] = Counter()
        self.complaints: Counter[str] = Counter()
        self.stages: Counter[str] = Counter()
        self.schemas: set[str] = set()
        self.lengths: list[int] = []
        self.failures: list[dict[str, object]] = []

    def add(self, case: Case, one: Written, complaint: str) -> None:
        """Count one statement, with the engine's complaint where it was returned."""
        self.n += 1
        self.schemas.add(case.name)
        self.lengths.append(one.n_tokens)
        if one.refusal:
            self.refused[one.refusal.split(":")[0]] += 1
        else:
            self.returned += 1
            self.stages[one.stage] += 1
            self.prepared += not complaint
        if complaint:
            self.complaints[PARTICULARS.sub("_", complaint)] += 1
        what = complaint or one.refusal
        if what and what != "BUDGET":
            self.failures.append({"schema": case.name, "what": what, **asdict(one)})
            if self._file:
                with self._file.open("a") as lines:
                    lines.write(json.dumps(self.failures[-1]) + "\n")

    def result(self) -> dict[str, object]:
        """Return the figures."""
        return {
            "n": self.n,
            "returned": self.returned,
            "prepared": self.prepared,
            "refused": dict(self.refused),
            "complaints": dict(self.complaints.most_common()),
            "stages": dict(self.stages),
            "schemas": len(self.schemas),
        }


def main() -> int:
    """Run; print what failed, how long statements were, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", type=Path, required=True, action="append")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dialect", choices=sorted(ENGINES), default="sqlite")
    parser.add_argument("--gate", choices=("on", "off"), default="on")
    parser.add_argument("--kinds", default="select", help="statement kinds, commas between")
    parser.add_argument("--model", type=Path, help="default: a tiny random model, made here")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--failures", type=Path, help="write what failed here, as JSON Lines")
    arguments = parser.parse_args()
    paths = [path for folder in arguments.schemas for path in sorted(folder.glob("*.sql"))]
    if not paths:
        parser.error(f"no .sql files in {', '.join(map(str, arguments.schemas))}")
    try:
        judge = start(arguments.dialect)
    except EngineMissing as error:
        parser.error(str(error))
    try:
        cases = [case for path in paths if (case := read(path, arguments.dialect, judge))]
        with tempfile.TemporaryDirectory() as folder:
            model = arguments.model or make_model("tiny", Path(folder, "tiny.gguf"))
            tally = measure(arguments, cases, model, judge)
    finally:
        judge.close()
    return report(tally, judge)


def read(path: Path, dialect: str, judge: RealEngine) -> Case | None:
    """Read a schema; say so and return None where the engine does not take it."""
    case = Case.read(path, dialect)
    try:
        judge.load(case.ddl)
    except ValueError as error:
        print(f"left out {path.name}: {error}", file=sys.stderr)
        return None
    return case


def measure(
    arguments: argparse.Namespace, cases: list[Case], model: Path, judge: RealEngine
) -> Tally:
    """Ask the questions in batches and count what comes back.

    Every schema has its turn before any is asked again.
    """
    order = random.Random(arguments.seed)
    tally = Tally(arguments.failures)
    if arguments.failures:
        arguments.failures.write_text("")
    waiting: list[Case] = []
    with Engine(model, SETTINGS) as engine:
        writer = Writer(
            engine,
            arguments.dialect,
            Policy(frozenset(arguments.kinds.split(","))),
            arguments.gate == "on",
            arguments.max_tokens,
            arguments.temperature,
        )
        while tally.n < arguments.n:
            if not waiting:
                waiting = order.sample(cases, len(cases))
            chosen, waiting = waiting[:SCHEMAS_A_BATCH], waiting[SCHEMAS_A_BATCH:]
            size = min(BATCH, arguments.n - tally.n)
            questions = [
                Question.about(chosen[number * len(chosen) // size], order)
                for number in range(size)
            ]
            loaded = None
            for question, one in zip(questions, writer.write(questions), strict=True):
                complaint = ""
                if not one.refusal:
                    if loaded is not question.case:
                        loaded = question.case
                        judge.load(loaded.ddl)
                    complaint = prepare(judge, one.statement)
                tally.add(question.case, one, complaint)
            figures = f"{tally.returned} returned, {tally.prepared} prepare"
            print(f"{tally.n} of {arguments.n}: {figures}", file=sys.stderr, flush=True)
    return tally


def prepare(judge: RealEngine, statement: str) -> str:
    """Return the engine's complaint; definitions are tried, for preparing says little of them."""
    if DEFINES.match(statement):
        return judge.try_definition(statement)
    return judge.prepare(statement)


def report(tally: Tally, judge: RealEngine) -> int:
    """Print everything; return 1 where a returned statement does not prepare."""
    for failure in tally.failures[:SHOWN]:
        print(f"{failure['schema']}: {failure['what']}\n    {failure['statement']}")
    lengths = sorted(tally.lengths)
    shares = {f"p{part}": lengths[len(lengths) * part // 100] for part in (50, 90, 95, 99)}
    print(f"{judge.name}; {len(tally.schemas)} schemas; tokens a statement: {shares}")
    print(json.dumps(tally.result()))
    return 0 if tally.prepared == tally.returned else 1


if __name__ == "__main__":
    sys.exit(main())
