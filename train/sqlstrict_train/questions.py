"""Draw questions with their statements on a drawn schema, each tried on rows before it counts.

Called by `examples.py` for training and by the `questions` command for evaluation. A statement
whose result is empty or all NULL is dropped. The same seed draws the same questions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from sqlstrict_train import ask_grouped, ask_join, ask_nested, ask_per_parent, ask_single
from sqlstrict_train.rows import fill
from sqlstrict_train.scene import Scene
from sqlstrict_train.schemas import SchemaSpec, draw_schema

_Ask = Callable[[Scene], tuple[str, str] | None]
# How often each kind of question is drawn where the schema has no keys, and where it has.
_ONE_TABLE: dict[_Ask, int] = {
    ask_single.everything: 2,
    ask_single.columns: 5,
    ask_single.which: 4,
    ask_grouped.distinct: 2,
    ask_single.count: 5,
    ask_grouped.count_distinct: 2,
    ask_single.aggregate: 7,
    ask_single.top: 5,
    ask_grouped.group_count: 4,
    ask_grouped.group_aggregate: 4,
    ask_grouped.having: 2,
    ask_grouped.most_common: 2,
    ask_nested.above_average: 4,
    ask_nested.sets: 2,
}
_LINKED: dict[_Ask, int] = {
    ask_join.with_parent: 4,
    ask_join.of_parent: 4,
    ask_join.parents: 5,
    ask_join.total_of: 7,
    ask_per_parent.per_parent: 9,
    ask_per_parent.most: 5,
    ask_per_parent.having: 3,
    ask_join.three: 7,
    ask_nested.childless: 7,
    ask_nested.among: 1,
    ask_nested.exists: 2,
    ask_nested.of_the_top_parent: 3,
}
# The model card's own example stays out of training, whatever the dice say.
_CARD_COLUMNS = ("id", "price", "status", "created_at")


@dataclass(frozen=True)
class Question:
    """A question, its statement, and the name of the function that drew it."""

    text: str
    sql: str
    shape: str


@dataclass(frozen=True)
class Sheet:
    """A schema, the seed of its rows, and questions on it."""

    spec: SchemaSpec
    rows_seed: int
    questions: tuple[Question, ...]


def classes(sql: str) -> tuple[str, ...]:
    """The classes of a statement, which may overlap: joined, grouped, nested, sets; else single."""
    found = [
        name
        for name, is_one in (
            ("joined", " JOIN " in sql),
            ("grouped", " GROUP BY " in sql),
            ("nested", "(SELECT " in sql),
            ("sets", any(f" {word} SELECT " in sql for word in ("UNION", "EXCEPT", "INTERSECT"))),
        )
        if is_one
    ]
    return tuple(found) or ("single",)


def draw_sheet(random: Random, split: str, count: int) -> Sheet:
    """Draw a schema of the split and that many questions on it, fewer where it yields no more."""
    spec = draw_schema(random, split)
    while any(tuple(c.name for c in table.columns) == _CARD_COLUMNS for table in spec.tables):
        spec = draw_schema(random, split)
    rows_seed = random.getrandbits(32)
    filled = fill(spec, rows_seed)
    try:
        scene = Scene(random, spec, filled, split)
        return Sheet(spec, rows_seed, tuple(_questions(scene, count)))
    finally:
        filled.database.close()


def _questions(scene: Scene, count: int) -> Iterator[Question]:
    seen: set[str] = set()
    has_links = bool(scene.linked())
    for _ in range(count * 6):
        asks = _LINKED if has_links and scene.random.random() < 0.68 else _ONE_TABLE
        ask = scene.random.choices(list(asks), list(asks.values()))[0]
        drawn = ask(scene)
        if drawn is None or drawn[1] in seen or not _is_telling(scene.filled.database, drawn[1]):
            continue
        seen.add(drawn[1])
        yield Question(drawn[0], drawn[1], ask.__name__)
        if len(seen) == count:
            return


def _is_telling(database: sqlite3.Connection, sql: str) -> bool:
    """Whether the statement returns something other than nothing, NULL or a single zero."""
    rows = database.execute(sql).fetchmany(50)
    return any(value not in (None, 0) for row in rows for value in row)
