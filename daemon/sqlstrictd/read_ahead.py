"""What a client is typing: its schema and the beginning of its question, read before it is asked.

`service/translation.py` calls it. A guess costs idle time of the model and nothing else: nobody
waits for it, and no answer depends on it.
"""

from __future__ import annotations

from sqlstrictd.catalog import Catalog
from sqlstrictd.counters import Counters
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.question import SchemaRef


class ReadAhead:
    """Passes guesses on to the model that answers."""

    def __init__(self, catalog: Catalog, engine: EngineRoom, counters: Counters) -> None:
        self._catalog = catalog
        self._engine = engine
        self._counters = counters

    async def take(self, schema: SchemaRef, beginning: str) -> None:
        """Take a guess; it may not have been read on return.

        Raises SchemaNotFound or SchemaError.
        """
        self._counters.add("beginnings")
        await self._engine.read_ahead(await self._catalog.find(schema), beginning)
