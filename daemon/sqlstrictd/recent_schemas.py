"""The schemas that were used last, and their texts, so that a new engine can read them in advance.

`engine_room.py` keeps one for the life of the daemon; every `model/loaded.py` reads and notes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator

from sqlstrictd.schema.render import Rendering, render
from sqlstrictd.schema.types import Schema

KEPT_SCHEMAS = 8


class RecentSchemas:
    """At most KEPT_SCHEMAS schemas, the least recently used first."""

    def __init__(self) -> None:
        self._schemas: OrderedDict[str, Schema] = OrderedDict()
        self._texts: OrderedDict[tuple[str, Rendering], str] = OrderedDict()

    def __iter__(self) -> Iterator[Schema]:
        return iter(list(self._schemas.values()))

    def note_use(self, schema: Schema) -> None:
        """Keep a schema as the last one that was used."""
        self._schemas[schema.fingerprint] = schema
        self._schemas.move_to_end(schema.fingerprint)
        while len(self._schemas) > KEPT_SCHEMAS:
            self._schemas.popitem(last=False)

    async def text(self, schema: Schema, rendering: Rendering) -> str:
        """Return a schema as a model reads it, rendered once, and note its use."""
        self.note_use(schema)
        key = (schema.fingerprint, rendering)
        if key not in self._texts:
            self._texts[key] = await asyncio.to_thread(render, schema, rendering)
            while len(self._texts) > 4 * KEPT_SCHEMAS:
                self._texts.popitem(last=False)
        return self._texts[key]
