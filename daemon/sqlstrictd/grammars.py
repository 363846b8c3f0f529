"""Grammars, each built once for its schema, FROM sets and dialect, in a thread.

`translate.py` and `check.py` ask for them. Building is string work of milliseconds (a second for
ten thousand tables), which a thread may do: it gives way to the event loop every few milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlstrictd.cache import Cache
from sqlstrictd.constraint import FromSet, Grammar, build_grammar
from sqlstrictd.schema.types import Schema

MAX_ENTRIES = 256
MAX_CHARACTERS = 64 * 2**20

_Key = tuple[str, str, tuple[FromSet, ...]]


class Grammars:
    """Holds the grammars that were used last."""

    def __init__(self) -> None:
        self._cache: Cache[_Key, Grammar] = Cache(
            MAX_ENTRIES, MAX_CHARACTERS, lambda grammar: len(grammar.text)
        )

    async def get(self, schema: Schema, from_sets: Sequence[FromSet], dialect: str) -> Grammar:
        """Return the grammar of the statements on these FROM sets of the schema."""
        key = (schema.fingerprint, dialect, tuple(from_sets))

        async def build() -> Grammar:
            return await asyncio.to_thread(build_grammar, schema, from_sets, dialect)

        return await self._cache.get(key, build)
