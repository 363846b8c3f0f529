"""Puts another model in the place of the one that answers, without failing a request.

`follower.py` calls it with a file that is worth trying. The new model's engine is started
beside the old one; only when it is loaded, has answered a probe and has read the schemas that were
used last does the room hand it out. Where memory is short for two, the old one ends its requests
and is stopped first, and newcomers wait. Whatever goes wrong, the old one goes on.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from sqlstrictd.engine import wire
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import CannotStart, EngineFault, ModelRejected, SqlstrictError
from sqlstrictd.model.choice import Choice
from sqlstrictd.model.file import ModelFile
from sqlstrictd.model.free_memory import free_memory_bytes
from sqlstrictd.model.loaded import LoadedModel
from sqlstrictd.prompt import build_prompt
from sqlstrictd.supervisor import Patience

log = logging.getLogger(__name__)

# One end may be somebody else's doing; two while nothing was asked of it are the file's.
TRIES = 2
PROBE_S = 60.0
READ_S = 60.0
# What an engine takes beside its weights, where none has said it yet.
USUAL_OVERHEAD_BYTES = 256 * 2**20
SPARE_BYTES = 64 * 2**20
PROBE = wire.Generate(
    id=0,
    schema=build_prompt("Table 'probe' (id, name)", "").schema,
    question=build_prompt("", "How many?").question,
    grammar_key="probe",
    grammar="start: /[ -~]{1,64}/",
    max_tokens=4,
    keep_schema=False,
)

Confirm = Callable[[], Awaitable[None]]


class ModelSwap:
    """Changes the current model of a room; one change at a time."""

    def __init__(
        self,
        room: EngineRoom,
        patience: Patience | None = None,
        free_memory: Callable[[], int | None] = free_memory_bytes,
    ) -> None:
        self._room = room
        self._patience = replace(patience or Patience(), first_tries=TRIES)
        self._free_memory = free_memory

    async def bring_in(self, choice: Choice, file: ModelFile, confirm: Confirm) -> None:
        """Have the file's model answer from now on; takes the file over.

        `confirm` is the last step before that, and may still object. May be cancelled.

        Raises ModelRejected, or what `confirm` raises; the model before goes on then.
        """
        candidate = self._room.make(file, self._patience)
        is_beside = True
        try:
            if not await self._has_memory_for(file):
                is_beside = False
                await self._stop_current()
            await self._start(candidate)
            await confirm()
        except BaseException:
            await candidate.close()
            if not is_beside:
                self._room.current.supervisor.resume()
                self._room.reopen()
            raise
        self._room.switch(candidate, choice)

    async def _start(self, candidate: LoadedModel) -> None:
        """Load the model, have it write a few tokens and read the last schemas."""
        name = candidate.file.name
        try:
            await candidate.supervisor.start()
        except CannotStart as error:
            raise ModelRejected(error.message) from error
        await probe(candidate)
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_S):
                await candidate.dispatch.wait_until_read()
        if not candidate.supervisor.is_ready:
            raise ModelRejected(f"the engine of {name} ended while it read schemas")

    async def _has_memory_for(self, file: ModelFile) -> bool:
        """Whether the model may be loaded beside the one that answers."""
        needed = self._needed_bytes(file)
        if self._is_free(needed):
            return True
        await self._room.wait_until_only_one()
        return self._is_free(needed)

    def _is_free(self, needed: int) -> bool:
        free = self._free_memory()
        return free is None or free >= needed

    def _needed_bytes(self, file: ModelFile) -> int:
        size = file.look.size if file.look else 0
        current = self._room.current
        heartbeat, look = current.supervisor.heartbeat, current.file.look
        overhead = USUAL_OVERHEAD_BYTES
        if heartbeat is not None and look is not None:
            overhead = max(heartbeat.memory_bytes - look.size, 0)
        return size + overhead + SPARE_BYTES

    async def _stop_current(self) -> None:
        """Let the current model end its requests and stop its engine; newcomers wait."""
        log.warning(
            "memory is short for two models: questions wait until the one before is stopped"
            " and the other is loaded"
        )
        self._room.shut()
        await self._room.current.wait_until_empty()
        await self._room.current.supervisor.stop()


async def probe(candidate: LoadedModel) -> None:
    """Have the model write a few tokens. Raises ModelRejected."""
    name = candidate.file.name
    try:
        result = await candidate.dispatch.run(PROBE, asyncio.get_running_loop().time() + PROBE_S)
    except EngineFault as error:
        # Nothing but the weights is new, and numbers that are none end here too.
        raise ModelRejected(
            f"the engine cannot compute with the model {name}: its weights may be broken"
        ) from error
    except SqlstrictError as error:
        raise ModelRejected(f"the model {name} does not answer: {error.message}") from error
    outputs = result.outputs if isinstance(result, wire.Finished) else ()
    if not outputs or not outputs[0].n_tokens:
        raise ModelRejected(f"the model {name} writes nothing")
    if not math.isfinite(outputs[0].mean_log_probability):
        raise ModelRejected(f"the model {name} writes no numbers: its weights are broken")
