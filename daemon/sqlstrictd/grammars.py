"""Grammars, each built once for what it depends on, in a thread.

`translate.py` and `check.py` ask for them. Building is string work of milliseconds (a second for
ten thousand tables), which a thread may do: it gives way to the event loop every few milliseconds.
Drafts' grammars serve every question on a schema; exact ones mostly one, so they are kept apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from sqlstrictd.attempt import Rules
from sqlstrictd.cache import Cache
from sqlstrictd.constraint import (
    FromSet,
    Grammar,
    Skeleton,
    draft_grammar,
    exact_grammar,
    skeleton_of_sets,
)
from sqlstrictd.constraint.sets import sorted_set
from sqlstrictd.dialects import get

MAX_DRAFTS, MAX_EXACT = 256, 64
MAX_CHARACTERS = 64 * 2**20  # of each of the two


# Where that is too large for the matcher all the same: tables of a thousand columns and more.
FEW_CLAUSES = 1


def enough_clauses(dialect: str) -> int:
    """Return how many FROM clauses an exact grammar has, unless the draft itself has more.

    So many compile in about 100 ms for a vocabulary of 65,536 tokens: a clause takes SQLite 20 ms,
    and more where its rules are told apart by what is grouped, or by classes of values.
    """
    facts = get(dialect)
    if facts.is_typed:
        return 2
    return 3 if facts.has_strict_group_by else 4


def with_linked(draft: Skeleton, from_sets: Sequence[FromSet], dialect: str) -> Skeleton:
    """Return the skeleton of a draft, and of sets chosen for its question while there is room."""
    own = {sorted_set(tuple(one.name for one in clause.sources)) for clause in draft.clauses}
    others = [names for names in from_sets if names not in own]
    room = max(0, enough_clauses(dialect) - len(draft.clauses))
    return draft.and_also(skeleton_of_sets(others[:room]))


def with_few(draft: Skeleton, from_sets: Sequence[FromSet]) -> Skeleton:
    """Return less of a draft's skeleton, or of the likeliest set where it reads from nothing."""
    if not draft.clauses:
        return draft.and_also(skeleton_of_sets(from_sets[:FEW_CLAUSES]))
    return replace(draft, clauses=draft.clauses[:FEW_CLAUSES])


class NothingToWrite(Exception):
    """No statement of an allowed kind can be written for the schema or skeleton."""


class Grammars:
    """Holds the grammars that were used last."""

    def __init__(self) -> None:
        self._drafts = _cache(MAX_DRAFTS)
        self._exact = _cache(MAX_EXACT)

    async def draft(self, rules: Rules, tables: tuple[str, ...] | None) -> Grammar:
        """Return the grammar of drafts that name these tables; None is all of the schema's.

        Raises NothingToWrite, and UnsupportedDialect.
        """

        def build() -> Grammar:
            return draft_grammar(rules.schema, rules.dialect, rules.policy, tables)

        return await _built(self._drafts, (*_key(rules), tables), build)

    async def exact(self, rules: Rules, skeleton: Skeleton) -> Grammar:
        """Return the grammar of the statements that read from what the skeleton does.

        Raises NothingToWrite, and UnsupportedDialect.
        """

        def build() -> Grammar:
            return exact_grammar(rules.schema, skeleton, rules.dialect, rules.policy)

        return await _built(self._exact, (*_key(rules), skeleton), build)


def _cache(max_entries: int) -> Cache[Hashable, Grammar]:
    return Cache(max_entries, MAX_CHARACTERS, lambda grammar: len(grammar.text))


def _key(rules: Rules) -> tuple[str, ...]:
    return rules.schema.fingerprint, rules.dialect, rules.policy.key


async def _built(
    cache: Cache[Hashable, Grammar], key: Hashable, build: Callable[[], Grammar]
) -> Grammar:
    async def make() -> Grammar:
        try:
            return await asyncio.to_thread(build)
        except ValueError as error:
            raise NothingToWrite from error

    return await cache.get(key, make)
