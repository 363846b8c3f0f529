"""Write questions as files that any bench can ask a daemon: schemas, databases, questions.

Called by the `questions` command; `read_question_set` is for `evaluate.py`. A set is a folder:
`schemas/NAME.sql` with CREATE TABLE statements, `databases/NAME-K.sqlite` with rows that fit them
(K counts the seeds), and `questions.jsonl` with one {"schema", "question", "sql"} a line.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sqlstrict_train.questions import Sheet, draw_sheet
from sqlstrict_train.rows import create_statements, fill
from sqlstrict_train.scoring import run

SEEDS = 3
_PER_SCHEMA = 5


@dataclass(frozen=True)
class Asked:
    """A question of a set and its schema's name."""

    schema: str
    question: str
    sql: str


def write_question_set(folder: Path, count: int, split: str, seed: int) -> None:
    """Draw that many questions of the split and write them; `folder` must not exist yet.

    Raises:
        FileExistsError: the folder exists.
    """
    random = Random(f"{split} {seed}")
    (folder / "schemas").mkdir(parents=True)
    (folder / "databases").mkdir()
    lines: list[str] = []
    number = 0
    while len(lines) < count:
        sheet = draw_sheet(random, split, min(_PER_SCHEMA, count - len(lines)))
        if not sheet.questions:
            continue
        number += 1
        name = f"{sheet.spec.domain}_{number:03}"
        ddl = "\n".join(create_statements(sheet.spec)) + "\n"
        (folder / "schemas" / f"{name}.sql").write_text(ddl)
        _write_databases(folder, name, sheet)
        for question in sheet.questions:
            row = {"schema": name, "question": question.text, "sql": question.sql}
            lines.append(json.dumps(row, ensure_ascii=False))
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n")


def read_question_set(folder: Path) -> list[Asked]:
    """The questions of a set, in order."""
    text = (folder / "questions.jsonl").read_text()
    return [Asked(**json.loads(line)) for line in text.splitlines()]


def open_databases(folder: Path, schema: str) -> list[sqlite3.Connection]:
    """Open a schema's databases, read only; the caller closes them.

    Raises:
        FileNotFoundError: the set has none for this schema.
    """
    paths = sorted((folder / "databases").glob(f"{schema}-*.sqlite"))
    if not paths:
        raise FileNotFoundError(f"no databases for {schema} in {folder / 'databases'}")
    return [sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) for path in paths]


def _write_databases(folder: Path, name: str, sheet: Sheet) -> None:
    for number in range(SEEDS):
        path = folder / "databases" / f"{name}-{number}.sqlite"
        filled = fill(sheet.spec, sheet.rows_seed + number)
        with closing(filled.database) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
            for question in sheet.questions:
                if run(target, question.sql) is None:
                    raise ValueError(f"{name}: SQLite refuses {question.sql!r}")
