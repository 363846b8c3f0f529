"""What a question is drawn on: a schema with its rows, a split, and the source of chance.

Made by `questions.py` for every schema; the `ask_*` files draw their tables, conditions,
numbers and wordings from it. No SQL is written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sqlstrict_train.filters import Condition, draw_condition, literal
from sqlstrict_train.rows import Filled
from sqlstrict_train.schemas import ColumnSpec, SchemaSpec, TableSpec
from sqlstrict_train.wording import AGGREGATES, say

GROUPS = ("category", "place", "country", "year")
NUMBERS = ("count", "amount")
Drawn = tuple[str, str] | None  # a question and its statement


@dataclass(frozen=True)
class Scene:
    """What questions are drawn on: a schema, its rows, the split, and the source of chance."""

    random: Random
    spec: SchemaSpec
    filled: Filled
    split: str

    def conditions(self, table: TableSpec, weights: tuple[int, ...] = (3, 5, 2)) -> list[Condition]:
        """Draw 0, 1 or 2 conditions on different columns of a table, by these weights."""
        count = self.random.choices(range(len(weights)), weights)[0]
        drawn: list[Condition] = []
        for _ in range(count * 4):
            condition = draw_condition(self.random, table, self.rows(table), self.split)
            is_new = condition and all(condition.column != other.column for other in drawn)
            if condition and is_new and not (condition.before and any(o.before for o in drawn)):
                drawn.append(condition)
            if len(drawn) == count:
                break
        return drawn

    def rows(self, table: TableSpec) -> list[list[str | int | float | None]]:
        """The rows of a table."""
        return self.filled.rows[self.index(table)]

    def index(self, table: TableSpec) -> int:
        """Where the table stands in the schema."""
        return next(i for i, other in enumerate(self.spec.tables) if other is table)

    def linked(self) -> list[tuple[TableSpec, TableSpec]]:
        """Every pair of (child, parent) along a key."""
        return [
            (child, self.spec.tables[link.parent])
            for child in self.spec.tables
            for link in child.links
        ]

    def say(self, templates: tuple[str, ...], **slots: str) -> str:
        """Draw one of the templates that belong to the split, and fill its slots."""
        return say(self.random, templates, self.split, **slots)

    def aggregate(self, *functions: str) -> tuple[str, str]:
        """Draw one of the functions and a word for it."""
        function = self.random.choice(functions)
        return function, self.random.choice(AGGREGATES[function])

    def bound(self, table: TableSpec, number: ColumnSpec, factor: int) -> str:
        """A round literal near the mean of a number, times a factor."""
        at = table.columns.index(number)
        values = [v for row in self.rows(table) if isinstance(v := row[at], int | float)]
        middle = sum(values) / max(1, len(values)) * factor
        return literal(float(round(middle, -1 if middle > 50 else 0)))
