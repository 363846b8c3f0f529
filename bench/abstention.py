"""What the signs are worth that a schema cannot answer a question.

    python bench/abstention.py --set DIR [--n N] [--seed S] [--address unix:///...]

DIR holds `schemas/NAME.sql` and `questions.jsonl`, lines of `{"schema", "question"}`. N questions
are drawn; a running daemon is asked each of them twice: of its own schema, and of another one of
the folder. Each signal orders the answers from sure to unsure. Its AUC is how often an answer on
the right schema is surer than one on a wrong schema (0.5 is chance, 1 is perfect); its curve says,
for shares of right answers that are kept, which share of the wrong ones is declined. A refusal
counts as less sure than any answer. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlstrict import Answer, Client, Confidence, InvalidRequest
from sqlstrictd.errors import SchemaError
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import unmatched_words

REFUSED = float("-inf")
SHARES_KEPT = tuple(share / 10 for share in range(10, 0, -1))


@dataclass(frozen=True)
class Asked:
    """One question asked of one schema; every signal is higher where it is surer."""

    is_right: bool
    attempts: int
    is_refused: bool
    signals: dict[str, float]


def main() -> int:
    """Ask, and print what each signal is worth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, help="folder of schemas and questions")
    parser.add_argument("--n", type=int, default=250, help="questions (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: %(default)s)")
    parser.add_argument("--address", help="of the daemon; default as for every client")
    parser.add_argument("--answers", type=Path, help="write each answer's signals here, JSON Lines")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    schemas = read_schemas(arguments.set / "schemas")
    lines = (arguments.set / "questions.jsonl").read_text().splitlines()
    questions = [row for row in map(json.loads, lines) if row["schema"] in schemas]
    drawn = chance.sample(questions, min(arguments.n, len(questions)))
    asked: list[Asked] = []
    with Client(arguments.address, timeout_s=120) as client:
        client.wait_for_ready()
        for number, row in enumerate(drawn, 1):
            wrong = chance.choice([name for name in sorted(schemas) if name != row["schema"]])
            for name in (row["schema"], wrong):
                found = ask(client, row["question"], schemas[name], name == row["schema"])
                asked += [found] if found else []
            if number % 25 == 0:
                print(f"{number} of {len(drawn)}", file=sys.stderr)
    if arguments.answers:
        rows = [json.dumps({"is_right": one.is_right, **one.signals}) for one in asked]
        arguments.answers.write_text("\n".join(rows) + "\n")
    report(asked)
    return 0


def read_schemas(folder: Path) -> dict[str, str]:
    """Return the DDL of each schema that the daemon can read, by name."""
    found = {}
    for path in sorted(folder.glob("*.sql")):
        ddl = path.read_text()
        try:
            parse_schema(ddl)
        except SchemaError as error:
            print(f"{path.name} left out: {error.message}", file=sys.stderr)
        else:
            found[path.stem] = ddl
    return found


def ask(client: Client, question: str, ddl: str, is_right: bool) -> Asked | None:
    """Ask one question and return its signals; None where the request itself cannot be served."""
    try:
        answer = client.translate(question, ddl=ddl)
    except InvalidRequest as error:
        print(f"not asked: {error}", file=sys.stderr)
        return None
    # What the daemon's confidence says too; a refusal has none.
    matched = 1.0 - unmatched_words(parse_schema(ddl), question).share
    return Asked(is_right, answer.usage.attempts, answer.sql is None, signals_of(answer, matched))


def signals_of(answer: Answer, matched: float) -> dict[str, float]:
    """Return every signal of an answer."""
    sure = answer.confidence
    if sure is None:
        return {name: REFUSED for name in SIGNALS} | {"matched_words": matched}
    return {name: signal(answer, sure) for name, signal in SIGNALS.items()}


SIGNALS: dict[str, Callable[[Answer, Confidence], float]] = {
    "mean_log_probability": lambda _, sure: sure.mean_log_probability,
    "min_log_probability": lambda _, sure: sure.min_log_probability,
    "draft_stood": lambda answer, _: -float(answer.usage.attempts),
    "matched_words": lambda _, sure: sure.matched_words,
    "score": lambda _, sure: sure.score,
}


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """How often a right answer is surer than a wrong one; a tie is half of that."""
    wins = sum((one > other) + 0.5 * (one == other) for one in right for other in wrong)
    return wins / (len(right) * len(wrong))


def curve(right: Sequence[float], wrong: Sequence[float]) -> list[tuple[float, float]]:
    """For each share of right answers to keep: (the share kept, the share of wrong declined).

    Ties at the threshold are kept, so that more may be kept than was asked for.
    """
    surest = sorted(right, reverse=True)
    points = []
    for share in SHARES_KEPT:
        threshold = surest[max(1, round(share * len(surest))) - 1]
        kept = sum(signal >= threshold for signal in right) / len(right)
        declined = sum(signal < threshold for signal in wrong) / len(wrong)
        points.append((kept, declined))
    return points


def report(asked: Sequence[Asked]) -> None:
    """Print a table for people and one line for programs."""
    right = [one for one in asked if one.is_right]
    wrong = [one for one in asked if not one.is_right]
    result: dict[str, object] = {"n_right": len(right), "n_wrong": len(wrong)}
    for name, those in (("right", right), ("wrong", wrong)):
        result[f"refused_{name}"] = sum(one.is_refused for one in those)
        result[f"written_again_{name}"] = sum(one.attempts == 2 for one in those)
    signals = {}
    for name in SIGNALS:
        of_right = [one.signals[name] for one in right]
        of_wrong = [one.signals[name] for one in wrong]
        points = curve(of_right, of_wrong)
        area = auc(of_right, of_wrong)
        signals[name] = {
            "auc": round(area, 3),
            "curve": [[round(kept, 3), round(declined, 3)] for kept, declined in points],
        }
        shown = " ".join(f"{kept:.0%}:{declined:.0%}" for kept, declined in points)
        print(f"{name:24} AUC {area:.3f}  kept:declined {shown}")
    print(json.dumps({**result, "signals": signals}))


if __name__ == "__main__":
    sys.exit(main())
