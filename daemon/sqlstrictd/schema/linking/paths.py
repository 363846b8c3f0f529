"""The tables between tables: what must stand in FROM beside two tables so that keys link them.

A question names students and courses, and the statement needs enrolments. Called by `part.py` and
`sets.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlstrictd.schema.linking.ranking import Ranking

TIED: Final = 6  # tables that are tied together along keys
_LIKELY: Final = 0.6  # of the best score: tables from there on are tied
_MAX_BRIDGES: Final = 2  # tables between two others
_SEEN: Final = 600  # tables looked at for one bridge; hubs link hundreds


def with_bridges(ranking: Ranking) -> list[int]:
    """Order all tables: the nearest first, those that tie them right after them, then the others.

    Tables that the question has nothing to do with come last, in the schema's order.
    """
    tables = list(dict.fromkeys([*ranking.tables, *range(len(ranking.index.schema.tables))]))
    scores = ranking.scores
    least = _LIKELY * scores.get(tables[0], 0.0)
    nearest = [table for table in tables[:TIED] if scores.get(table, 0.0) >= least]
    tied = bridges(nearest, ranking.index.links, scores)
    return list(dict.fromkeys([*nearest, *tied, *tables]))


def bridges(
    tables: Sequence[int], links: Callable[[int], Sequence[int]], scores: dict[int, float]
) -> list[int]:
    """List the tables that the shortest paths between the given ones lead over.

    `tables` come most important first; each is tied to those before it. Of paths of the same length
    the one over the tables with the higher scores is taken.
    """
    found: list[int] = []
    held = set(tables[:1])
    for table in tables[1:]:
        if table not in held:
            for bridge in _path(table, held, links, scores):
                if bridge not in held and bridge not in tables:
                    found.append(bridge)
                held.add(bridge)
        held.add(table)
    return found


def _path(
    start: int, goals: set[int], links: Callable[[int], Sequence[int]], scores: dict[int, float]
) -> list[int]:
    """Return the tables between the start and the nearest goal; none where no short path is."""
    came_from = {start: start}
    row = [start]
    for _ in range(_MAX_BRIDGES + 1):
        following: list[int] = []
        for table in row:
            for other in links(table):
                if other not in came_from:
                    came_from[other] = table
                    following.append(other)
        ends = [table for table in following if table in goals]
        if ends:
            return _between(
                max(ends, key=lambda table: (scores.get(table, 0.0), -table)), came_from
            )
        if len(came_from) > _SEEN:
            return []
        row = sorted(following, key=lambda table: (-scores.get(table, 0.0), table))
    return []


def _between(end: int, came_from: dict[int, int]) -> list[int]:
    path = []
    table = came_from[end]
    while came_from[table] != table:
        path.append(table)
        table = came_from[table]
    return path
