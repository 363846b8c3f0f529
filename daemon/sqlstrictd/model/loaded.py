"""One model in use: its file, the engine that runs it, and the requests that were given to it.

`engine_room.py` hands it to each request for as long as that runs, so that all of an answer comes
from one model and the certificate names it. It puts `dispatch.py` and `supervisor.py` behind one
narrow door, with nothing of llama.cpp in it. While a model is changed there are two of these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

from sqlstrictd.constraint import Grammar
from sqlstrictd.counters import Counters
from sqlstrictd.dispatch import Dispatch
from sqlstrictd.engine import wire
from sqlstrictd.engine_process import EngineLink
from sqlstrictd.errors import EngineFault, ShuttingDown, SqlstrictError
from sqlstrictd.model.file import ModelFile
from sqlstrictd.prompt import beginning_pieces, schema_pieces
from sqlstrictd.quarantine import Quarantine
from sqlstrictd.question import Usage
from sqlstrictd.recent_schemas import RecentSchemas
from sqlstrictd.schema.link import Part
from sqlstrictd.schema.linking.part import MAX_PROMPT_CHARACTERS, fits
from sqlstrictd.schema.render import Rendering, render
from sqlstrictd.schema.types import Schema
from sqlstrictd.supervisor import Patience, Supervisor

# Of a schema, per token of the context that all requests share. Tokenizers of small vocabularies
# make a token of two characters (65,536 entries: of three and more), and a quarter of the context
# is left for questions and answers even then.
CHARACTERS_PER_TOKEN = 1.5

Spawn = Callable[[ModelFile], Awaitable[EngineLink]]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the model reads schemas, and how much of one it can be given."""

    rendering: Rendering
    max_characters: int


class LoadedModel:
    """A model and whichever engine process runs it at the moment."""

    def __init__(
        self,
        file: ModelFile,
        spawn: Spawn,
        counters: Counters,
        recent: RecentSchemas,
        patience: Patience | None = None,
    ) -> None:
        self.file = file
        # What killed an engine of one model may be nothing to another.
        self.dispatch = Dispatch(counters, Quarantine())
        self.supervisor = Supervisor(
            self._spawn_verified,
            self.dispatch,
            counters,
            patience,
            self._engine_is_ready,
            lambda: self.file.is_unchanged,
        )
        self._spawn = spawn
        self._counters = counters
        self._recent = recent
        self._info: wire.Ready | None = None
        self._has_info = asyncio.Event()
        self._obstacle: SqlstrictError | None = None
        self._n_inside = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    @property
    def info(self) -> wire.Ready | None:
        """What is known of the model; None until it was loaded for the first time."""
        return self._info

    @property
    def identity(self) -> str:
        """The model's name and the SHA-256 of its file, as name@digest."""
        return f"{self._info.name if self._info else self.file.name}@{self.file.sha256}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Hold the model in use, so that its engine is not stopped under a request."""
        self._n_inside += 1
        self._is_empty.clear()
        try:
            yield
        finally:
            self._n_inside -= 1
            if not self._n_inside:
                self._is_empty.set()

    async def wait_until_empty(self) -> None:
        """Return when no request uses the model."""
        await self._is_empty.wait()

    def give_up(self, error: SqlstrictError | None = None) -> None:
        """Tell those who wait for the model that it will not come, if it is not there yet."""
        self._obstacle = self._obstacle or error
        self._has_info.set()

    async def close(self) -> None:
        """Stop the engine and close the file."""
        await self.supervisor.stop()
        self.give_up()
        self.file.close()

    async def reading(self) -> Reading:
        """Return how schemas are read; waits for the model. Raises ModelUnusable, ShuttingDown."""
        await self._has_info.wait()
        if self._info is None:
            raise self._obstacle or ShuttingDown("the daemon stops before it has a model")
        return _reading(self._info)

    async def render(self, part: Part) -> str:
        """Return a part of a schema as the model reads it; waits for the model.

        Raises ModelUnusable or ShuttingDown where it will not come.
        """
        reading = await self.reading()
        if not part.is_whole:
            return await asyncio.to_thread(render, part.schema, reading.rendering)
        return await self._recent.text(part.schema, reading.rendering)

    def prefill(self, schema: Schema) -> None:
        """Have the engine read the schema when it has nothing better to do.

        One that is too large for the prompt is left: every question reads its own part of it.
        """
        if self._info is None:
            return
        reading = _reading(self._info)
        if fits(schema, reading.max_characters, reading.rendering):
            pieces = schema_pieces(render(schema, reading.rendering))
            self.dispatch.send(wire.Prefill(id=0, schema=pieces))

    async def read_ahead(self, schema: Schema, beginning: str) -> None:
        """Have the engine read the schema and the beginning of a question, if there is room."""
        if self._info is None:
            return
        reading = _reading(self._info)
        if fits(schema, reading.max_characters, reading.rendering):
            schema_text = await self._recent.text(schema, reading.rendering)
            guess = wire.Prefill(
                id=0,
                schema=schema_pieces(schema_text),
                is_guess=True,
                question=beginning_pieces(beginning),
            )
            self.dispatch.send(guess)

    async def generate(
        self,
        order: wire.Generate,
        deadline: float,
        usage: Usage,
        on_progress: Callable[[wire.Progress], None],
    ) -> tuple[wire.Output, ...]:
        """Have the statements of an order written, best first; what it cost is added to `usage`.

        Further attempts at a question do not wait behind questions that came after it.
        """
        loop = asyncio.get_running_loop()
        submitted_at = loop.time()
        before = copy(usage)

        def on_event(event: wire.Started | wire.Progress) -> None:
            if isinstance(event, wire.Started):
                usage.attempts = before.attempts + 1
                usage.queue_us = before.queue_us + int((loop.time() - submitted_at) * 1e6)
                usage.prompt_tokens = before.prompt_tokens + event.prompt_tokens
                usage.cached_tokens = before.cached_tokens + event.cached_tokens
            else:
                usage.output_tokens = before.output_tokens + event.output_tokens
                on_progress(event)

        result = await self.dispatch.run(order, deadline, on_event, goes_first=before.attempts > 0)
        if not isinstance(result, wire.Finished):
            raise EngineFault("the engine answered a question with something else")
        usage.prefill_us = before.prefill_us + result.prefill_us
        usage.decode_us = before.decode_us + result.decode_us
        usage.output_tokens = before.output_tokens + sum(
            output.n_tokens for output in result.outputs
        )
        self._counters.add("prompt_tokens", usage.prompt_tokens - before.prompt_tokens)
        self._counters.add("cached_tokens", usage.cached_tokens - before.cached_tokens)
        self._counters.add("output_tokens", usage.output_tokens - before.output_tokens)
        return result.outputs

    async def match(self, grammar: Grammar, text: str, deadline: float) -> wire.Matched:
        """Ask whether the grammar could write the text, byte by byte."""
        work = wire.Match(id=0, grammar_key=grammar.key, grammar=grammar.text, text=text)
        result = await self.dispatch.run(work, deadline)
        if not isinstance(result, wire.Matched):
            raise EngineFault("the engine answered a match with something else")
        return result

    async def _spawn_verified(self) -> EngineLink:
        """Start an engine on the file, if that is still what its digest says."""
        await asyncio.to_thread(self.file.verify)
        return await self._spawn(self.file)

    def _engine_is_ready(self, info: wire.Ready) -> None:
        """Take note of the model of an engine that came up, and have it read the last schemas."""
        self._info = info
        self._has_info.set()
        for schema in self._recent:
            self.prefill(schema)


def _reading(info: wire.Ready) -> Reading:
    # The engine has checked the word; it stands for a Literal, which the wire does not carry.
    rendering: Rendering = "compact" if info.schema_rendering == "compact" else "ddl"
    max_characters = int(CHARACTERS_PER_TOKEN * info.context_tokens)
    return Reading(rendering, min(MAX_PROMPT_CHARACTERS, max_characters))
