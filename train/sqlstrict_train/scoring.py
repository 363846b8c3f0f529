"""Whether a statement answers a question: it returns what the question's own statement returns.

Called by `evaluate.py` and `bench/accuracy.py`, on databases that the caller opened. Order counts
only where the expected statement asks for one. Column names never count.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from dataclasses import dataclass, field

_STEPS = 20_000_000  # SQLite operations after which a statement is given up
_ROWS = 5_000


@dataclass
class Score:
    """How many questions were asked, and how their answers fared."""

    n: int = 0
    correct: int = 0
    valid: int = 0
    refused: int = 0
    by_class: dict[str, list[int]] = field(default_factory=dict)

    def add(self, names: tuple[str, ...], correct: bool, valid: bool, refused: bool) -> None:
        """Count one answer under its classes."""
        self.n += 1
        self.correct += correct
        self.valid += valid
        self.refused += refused
        for name in names:
            counts = self.by_class.setdefault(name, [0, 0])
            counts[0] += correct
            counts[1] += 1

    def as_json(self) -> dict[str, object]:
        """The last line that the benches print."""
        shares = {
            name: {"correct": right, "n": total}
            for name, (right, total) in sorted(self.by_class.items())
        }
        return {
            "n": self.n,
            "correct": self.correct,
            "valid": self.valid,
            "refused": self.refused,
            "by_class": shares,
        }


def run(database: sqlite3.Connection, sql: str) -> list[tuple[object, ...]] | None:
    """The rows that a statement returns; None where SQLite refuses it or it takes too long."""
    database.set_progress_handler(lambda: 1, _STEPS)
    try:
        return database.execute(sql).fetchmany(_ROWS)
    except sqlite3.Error:
        return None
    finally:
        database.set_progress_handler(None, 0)


def same_answer(databases: list[sqlite3.Connection], expected: str, written: str) -> bool:
    """Whether both statements return the same rows on every database."""
    is_ordered = " ORDER BY " in expected
    for database in databases:
        right, got = run(database, expected), run(database, written)
        if right is None or got is None or len(right) != len(got):
            return False
        left = [tuple(map(_comparable, row)) for row in right]
        other = [tuple(map(_comparable, row)) for row in got]
        if left != other if is_ordered else Counter(left) != Counter(other):
            return False
    return True


def _comparable(value: object) -> object:
    """Numbers as seven significant digits: sums of floats differ by their order."""
    if isinstance(value, int | float) and math.isfinite(value):
        return f"{value:.7g}"
    return value
