"""The part of a schema that one question needs: what the prompt shows and the grammar may name.

`translate.py` calls `choose_part` first. A schema that fits is taken whole, so that its resident
prefix serves all questions; of a larger one the nearest tables are, with those that join them, and
of very wide tables the columns that keys or the question name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlstrictd.schema.linking.index import index_of
from sqlstrictd.schema.linking.paths import TIED, with_bridges
from sqlstrictd.schema.linking.ranking import Ranking
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.render import Rendering, render
from sqlstrictd.schema.types import Schema, Table

# About 4,000 tokens: what stays resident for every question on the schema.
MAX_PROMPT_CHARACTERS: Final = 16_000
# A part is read anew for most questions, at some 5 ms a token on two cores.
MAX_PROMPT_TABLES: Final = 16
PART_CHARACTERS: Final = 5_000
MAX_GRAMMAR_TABLES: Final = 40

_WIDE: Final = 40  # columns from which a table of a part may lose some
_KEPT_COLUMNS: Final = 24
_FAR: Final = 0.5  # of the best score: tables below it are not shown
_AT_LEAST: Final = 6  # tables that are shown however far they are


@dataclass(frozen=True)
class Part:
    """What one question is given of a schema.

    `schema` is rendered into the prompt: the very object that was given where `is_whole`, else a
    schema of fewer tables, and of wide ones fewer columns. `tables` are the names that a grammar
    over the given schema may use: those tables and more near them.
    """

    schema: Schema
    tables: tuple[str, ...]
    is_whole: bool


def choose_part(
    schema: Schema,
    question: str,
    max_prompt_characters: int = MAX_PROMPT_CHARACTERS,
    *,
    rendering: Rendering = "ddl",
    max_tables: int = MAX_PROMPT_TABLES,
    max_grammar_tables: int = MAX_GRAMMAR_TABLES,
) -> Part:
    """Choose what a question needs of a schema; the same for the same arguments, never empty.

    The schema is whole where its rendering has at most `max_prompt_characters`; else a part has at
    most `max_tables` tables in the prompt, fewer where they are long.
    """
    if fits(schema, max_prompt_characters, rendering):
        return Part(schema, tuple(table.name for table in schema.tables), is_whole=True)
    index = index_of(schema)
    ranking = Ranking(index, question)
    order = with_bridges(ranking)
    budget = min(PART_CHARACTERS, max_prompt_characters)
    shown: dict[int, Table] = {}
    best = ranking.scores.get(order[0], 0.0) if order else 0.0
    for number in order:
        if len(shown) == max_tables:
            break
        if len(shown) >= _AT_LEAST and ranking.scores.get(number, 0.0) < _FAR * best:
            break
        table = _narrow(schema.tables[number], ranking, number)
        budget -= len(render(Schema(schema.dialect, (table,)), rendering)) + 1
        if budget < 0 and shown:
            break
        shown[number] = table
    named = list(shown)
    for number in _further(ranking, named):
        if len(named) >= max_grammar_tables:
            break
        named.append(number)
    return Part(
        schema=replace(schema, tables=_without_dangling(shown), warnings=()),
        tables=tuple(schema.tables[number].name for number in sorted(named)),
        is_whole=False,
    )


def fits(schema: Schema, max_characters: int, rendering: Rendering = "ddl") -> bool:
    """Whether the rendering of a schema has at most so many characters."""
    # Names alone, so that the rendering of a very large schema is not written out for nothing.
    n_least = sum(
        len(table.name) + sum(map(len, table.column_names)) + 2 * len(table.columns)
        for table in schema.tables
    )
    return n_least <= max_characters and len(render(schema, rendering)) <= max_characters


def _further(ranking: Ranking, shown: list[int]) -> Iterable[int]:
    """Yield tables that the prompt does not show and a statement may still need."""
    seen = set(shown)
    following = [
        *(other for table in shown[:TIED] for other in ranking.index.declared[table]),
        *ranking.tables,
    ]
    for table in following:
        if table not in seen:
            seen.add(table)
            yield table


def _narrow(table: Table, ranking: Ranking, number: int) -> Table:
    """Take columns out of a very wide table: keys stay, and what the question names, then more."""
    if len(table.columns) <= _WIDE:
        return table
    in_keys = {fold(name) for name in table.primary_key}
    in_keys.update(fold(name) for key in table.foreign_keys for name in key.columns)
    worth = ranking.column_worth(number)
    order = sorted(
        range(len(table.columns)),
        key=lambda at: (
            fold(table.columns[at].name) not in in_keys,
            -worth.get(at, 0.0),
            at,
        ),
    )
    kept = set(order[:_KEPT_COLUMNS])
    kept.update(at for at in order[_KEPT_COLUMNS:_WIDE] if worth.get(at, 0.0) > 0.5)
    columns = tuple(column for at, column in enumerate(table.columns) if at in kept)
    held = {fold(column.name) for column in columns}
    has_key = all(fold(name) in held for name in table.primary_key)
    return replace(table, columns=columns, primary_key=table.primary_key if has_key else ())


def _without_dangling(shown: dict[int, Table]) -> tuple[Table, ...]:
    """Return the tables in the schema's order, without keys to what is not among them."""
    held = {fold(table.name): table for table in shown.values()}
    return tuple(
        replace(
            table,
            foreign_keys=tuple(
                key
                for key in table.foreign_keys
                if all(table.column(name) for name in key.columns)
                and (other := held.get(fold(key.referenced_table))) is not None
                and all(other.column(name) for name in key.referenced_columns)
            ),
        )
        for _, table in sorted(shown.items())
    )
