"""How many questions a running daemon answers rightly.

    python -m sqlstrict_train questions --n 500 --split eval --out DIR
    python bench/accuracy.py --set DIR [--address unix:///...] [--limit N] [--wrong FILE]

DIR holds schemas, questions and databases, as the first command writes them. Each question is asked
through the client; its answer is right if, on every database of its schema, it returns the rows
that the question's own statement returns (in order only where that statement asks for one). The
last line is one JSON object: `n`, `correct`, `valid`, `refused`, and figures by class, which
overlap.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from sqlstrict import Client
from sqlstrict_train.question_set import Asked, open_databases, read_question_set
from sqlstrict_train.questions import classes
from sqlstrict_train.scoring import Score, run, same_answer


def main() -> int:
    """Ask, score, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, help="folder of questions")
    parser.add_argument("--address", help="of the daemon; default as for every client")
    parser.add_argument("--limit", type=int, help="ask the first N only")
    parser.add_argument("--wrong", type=Path, help="write what was wrong here, as JSON Lines")
    arguments = parser.parse_args()
    questions = read_question_set(arguments.set)[: arguments.limit]
    score = Score()
    wrong: list[dict[str, str]] = []
    with Client(arguments.address) if arguments.address else Client() as client:
        client.wait_for_ready()
        for number, asked in enumerate(questions, 1):
            wrong += ask(client, arguments.set, asked, score)
            if number % 50 == 0:
                print(f"{number} of {len(questions)}: {score.correct} right", file=sys.stderr)
    if arguments.wrong:
        arguments.wrong.write_text("".join(json.dumps(row) + "\n" for row in wrong))
    for name, (right, total) in sorted(score.by_class.items()):
        print(f"{name:8} {right}/{total} {right / total:.1%}")
    print(json.dumps(score.as_json()))
    return 0


def ask(client: Client, folder: Path, asked: Asked, score: Score) -> list[dict[str, str]]:
    """Ask one question and count its answer; return it where it is wrong."""
    ddl = (folder / "schemas" / f"{asked.schema}.sql").read_text()
    answer = client.translate(asked.question, ddl=ddl)
    sql = answer.sql or ""
    with ExitStack() as stack:
        databases = open_databases(folder, asked.schema)
        for database in databases:
            stack.enter_context(closing(database))
        is_valid = bool(sql) and run(databases[0], sql) is not None
        is_right = is_valid and same_answer(databases, asked.sql, sql)
    score.add(classes(asked.sql), is_right, is_valid, refused=not sql)
    if is_right:
        return []
    row = {"schema": asked.schema, "question": asked.question, "expected": asked.sql}
    return [row | {"written": sql or answer.refusal.reason.name}]


if __name__ == "__main__":
    sys.exit(main())
