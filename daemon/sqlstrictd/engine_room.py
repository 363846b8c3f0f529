"""Which model answers: each request is handed the one that is current when it begins.

`translate.py`, `check.py` and `service/` come in here; `model/swap.py` changes the current model.
The one before is kept until the last request that it was handed to has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlstrictd.counters import Counters
from sqlstrictd.engine import wire
from sqlstrictd.errors import SqlstrictError
from sqlstrictd.model.choice import Choice
from sqlstrictd.model.file import ModelFile
from sqlstrictd.model.loaded import LoadedModel, Spawn
from sqlstrictd.recent_schemas import RecentSchemas
from sqlstrictd.schema.types import Schema
from sqlstrictd.supervisor import Patience

log = logging.getLogger(__name__)


class EngineRoom:
    """The model that answers, and those before it that still have requests to end."""

    def __init__(
        self,
        choice: Choice,
        file: ModelFile,
        spawn: Spawn,
        counters: Counters,
        patience: Patience | None = None,
    ) -> None:
        self._spawn = spawn
        self._counters = counters
        self._patience = patience
        self._recent = RecentSchemas()
        self._ends: dict[LoadedModel, asyncio.Task[None]] = {}
        self._is_open = asyncio.Event()
        self._is_open.set()
        self.choice = choice
        self.current = self.make(file)

    @property
    def model(self) -> wire.Ready | None:
        """What is known of the model that answers; None until one was loaded."""
        return self.current.info

    @property
    def all_models(self) -> list[LoadedModel]:
        """The model that answers, first, and those that have requests to end."""
        return [self.current, *self._ends]

    @property
    def is_ready(self) -> bool:
        """Whether a question would be answered now."""
        return self.current.supervisor.is_ready and self._is_open.is_set()

    @asynccontextmanager
    async def enter(self, deadline: float) -> AsyncIterator[LoadedModel]:
        """Hand out the current model until the request is done with it.

        Raises TimeoutError where no model is there before the deadline, in the loop's time.
        """
        if not self._is_open.is_set():
            async with asyncio.timeout_at(deadline):
                await self._is_open.wait()
        model = self.current
        with model.inside():
            yield model

    def make(self, file: ModelFile, patience: Patience | None = None) -> LoadedModel:
        """Return a model of a file, not started."""
        return LoadedModel(
            file, self._spawn, self._counters, self._recent, patience or self._patience
        )

    def prefill(self, schema: Schema) -> None:
        """Have the schema read, by this model and by those that come after it."""
        self._recent.note_use(schema)
        self.current.prefill(schema)

    async def read_ahead(self, schema: Schema, beginning: str) -> None:
        """Have a schema read, and the beginning of a question, which may be asked soon."""
        await self.current.read_ahead(schema, beginning)

    def switch(self, model: LoadedModel, choice: Choice) -> None:
        """Hand out another model from now on; the one before ends when its requests have."""
        before, self.current, self.choice = self.current, model, choice
        self._is_open.set()
        if before is not model:
            self._ends[before] = asyncio.create_task(self._end(before))

    def shut(self) -> None:
        """Let newcomers wait, until `switch` or `reopen`."""
        self._is_open.clear()

    def reopen(self) -> None:
        """Hand the current model out again."""
        self._is_open.set()

    async def wait_until_only_one(self) -> None:
        """Return when no model but the current one takes memory."""
        while self._ends:
            await asyncio.wait(list(self._ends.values()))

    def refuse(self, error: SqlstrictError) -> None:
        """End what waits for a slot, and whatever comes, with the error."""
        self._is_open.set()
        for model in self.all_models:
            model.dispatch.refuse(error)
            model.give_up()

    def abort(self, error: SqlstrictError) -> None:
        """End what waits and what runs with the error."""
        for model in self.all_models:
            model.dispatch.abort(error)

    async def close(self) -> None:
        """Stop every engine."""
        models, ends = self.all_models, list(self._ends.values())
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await asyncio.gather(*(model.close() for model in models))

    async def _end(self, model: LoadedModel) -> None:
        try:
            await model.wait_until_empty()
            log.info("the last request of the model before has ended: %s", model.file.name)
            await model.close()
        finally:
            del self._ends[model]
