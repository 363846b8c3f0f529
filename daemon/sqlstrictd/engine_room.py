"""What the main line asks of the engine: statements, matches, and how its model reads a schema.

`translate.py`, `check.py` and `service/` use it; it puts `dispatch.py` and `supervisor.py` behind
one narrow door, with nothing of llama.cpp in it. It also remembers which schemas were used last, so
that a new engine can read them before they are asked for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from sqlstrictd.constraint import Grammar
from sqlstrictd.counters import Counters
from sqlstrictd.dispatch import Dispatch
from sqlstrictd.engine import wire
from sqlstrictd.errors import EngineFault, ShuttingDown
from sqlstrictd.model_file import ModelFile
from sqlstrictd.prompt import schema_pieces
from sqlstrictd.question import Usage
from sqlstrictd.schema.link import Part
from sqlstrictd.schema.linking.part import MAX_PROMPT_CHARACTERS, fits
from sqlstrictd.schema.render import Rendering, render
from sqlstrictd.schema.types import Schema

KEPT_SCHEMAS = 8
# Of a schema, per token of the context that all requests share. Tokenizers of small vocabularies
# make a token of two characters (65,536 entries: of three and more), and a quarter of the context
# is left for questions and answers even then.
CHARACTERS_PER_TOKEN = 1.5


@dataclass(frozen=True, slots=True)
class Reading:
    """How the model that is loaded reads schemas, and how much of one it can be given."""

    rendering: Rendering
    max_characters: int


class EngineRoom:
    """The engine, whichever process it is at the moment."""

    def __init__(self, dispatch: Dispatch, counters: Counters, model_file: ModelFile) -> None:
        self._dispatch = dispatch
        self._counters = counters
        self._model_file = model_file
        self._model: wire.Ready | None = None
        self._has_model = asyncio.Event()
        self._recent: OrderedDict[str, Schema] = OrderedDict()
        self._renderings: OrderedDict[str, str] = OrderedDict()

    @property
    def model(self) -> wire.Ready | None:
        """What is known of the model; None until it was loaded for the first time."""
        return self._model

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model's file, 64 hexadecimal digits."""
        return self._model_file.sha256

    @property
    def model_identity(self) -> str:
        """The model's name and the SHA-256 of its file, as name@digest."""
        name = self._model.name if self._model else self._model_file.path.stem
        return f"{name}@{self._model_file.sha256}"

    def engine_is_ready(self, model: wire.Ready) -> None:
        """Take note of the model of an engine that came up, and have it read the last schemas."""
        self._model = model
        self._has_model.set()
        for schema in list(self._recent.values()):
            self._prefill(schema, model)

    def give_up(self) -> None:
        """Tell those who wait for the first model that there will be none, if there is none yet."""
        self._has_model.set()

    async def reading(self) -> Reading:
        """Return how schemas are read; waits for the first model.

        Raises ShuttingDown where there will be none.
        """
        await self._has_model.wait()
        if self._model is None:
            raise ShuttingDown("the daemon stops before it has a model")
        return _reading(self._model)

    async def render(self, part: Part) -> str:
        """Return a part of a schema as the model reads it; waits for the first model.

        Raises ShuttingDown where there will be none.
        """
        reading = await self.reading()
        if not part.is_whole:
            return await asyncio.to_thread(render, part.schema, reading.rendering)
        self._note_use(part.schema)
        key = f"{part.schema.fingerprint} {reading.rendering}"
        if key not in self._renderings:
            self._renderings[key] = await asyncio.to_thread(render, part.schema, reading.rendering)
            while len(self._renderings) > 4 * KEPT_SCHEMAS:
                self._renderings.popitem(last=False)
        return self._renderings[key]

    def prefill(self, schema: Schema) -> None:
        """Have the engine read the schema when it has nothing better to do.

        One that is too large for the prompt is left: every question reads its own part of it.
        """
        self._note_use(schema)
        if self._model is not None:
            self._prefill(schema, self._model)

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

        result = await self._dispatch.run(order, deadline, on_event, goes_first=before.attempts > 0)
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
        result = await self._dispatch.run(work, deadline)
        if not isinstance(result, wire.Matched):
            raise EngineFault("the engine answered a match with something else")
        return result

    def _prefill(self, schema: Schema, model: wire.Ready) -> None:
        reading = _reading(model)
        if fits(schema, reading.max_characters, reading.rendering):
            pieces = schema_pieces(render(schema, reading.rendering))
            self._dispatch.send(wire.Prefill(id=0, schema=pieces))

    def _note_use(self, schema: Schema) -> None:
        self._recent[schema.fingerprint] = schema
        self._recent.move_to_end(schema.fingerprint)
        while len(self._recent) > KEPT_SCHEMAS:
            self._recent.popitem(last=False)


def _reading(model: wire.Ready) -> Reading:
    # The engine has checked the word; it stands for a Literal, which the wire does not carry.
    rendering: Rendering = "compact" if model.schema_rendering == "compact" else "ddl"
    max_characters = int(CHARACTERS_PER_TOKEN * model.context_tokens)
    return Reading(rendering, min(MAX_PROMPT_CHARACTERS, max_characters))
