"""What the main line asks of the engine: statements, matches, and how its model reads a schema.

`translate.py`, `check.py` and `service/` use it; it puts `dispatch.py` and `supervisor.py` behind
one narrow door, with nothing of llama.cpp in it. It also remembers which schemas were used last, so
that a new engine can read them before they are asked for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from sqlstrictd.constraint import Grammar
from sqlstrictd.counters import Counters
from sqlstrictd.dispatch import Dispatch
from sqlstrictd.engine import wire
from sqlstrictd.errors import EngineFault, ShuttingDown
from sqlstrictd.model_file import ModelFile
from sqlstrictd.prompt import schema_pieces
from sqlstrictd.question import Usage
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Schema

KEPT_SCHEMAS = 8


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

    async def render(self, schema: Schema) -> str:
        """Return the schema as the model reads it; waits for the first model.

        Raises ShuttingDown where there will be none.
        """
        await self._has_model.wait()
        if self._model is None:
            raise ShuttingDown("the daemon stops before it has a model")
        self._note_use(schema)
        key = f"{schema.fingerprint} {self._model.schema_rendering}"
        if key not in self._renderings:
            self._renderings[key] = await asyncio.to_thread(_render, schema, self._model)
            while len(self._renderings) > 4 * KEPT_SCHEMAS:
                self._renderings.popitem(last=False)
        return self._renderings[key]

    def prefill(self, schema: Schema) -> None:
        """Have the engine read the schema when it has nothing better to do."""
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
        """Have the statements of an order written, best first; what it cost goes into `usage`."""
        loop = asyncio.get_running_loop()
        submitted_at = loop.time()

        def on_event(event: wire.Started | wire.Progress) -> None:
            if isinstance(event, wire.Started):
                usage.queue_us = int((loop.time() - submitted_at) * 1e6)
                usage.prompt_tokens = event.prompt_tokens
                usage.cached_tokens = event.cached_tokens
            else:
                usage.output_tokens = event.output_tokens
                on_progress(event)

        result = await self._dispatch.run(order, deadline, on_event)
        if not isinstance(result, wire.Finished):
            raise EngineFault("the engine answered a question with something else")
        usage.prefill_us = result.prefill_us
        usage.decode_us = result.decode_us
        usage.output_tokens = sum(output.n_tokens for output in result.outputs)
        self._counters.add("prompt_tokens", usage.prompt_tokens)
        self._counters.add("cached_tokens", usage.cached_tokens)
        self._counters.add("output_tokens", usage.output_tokens)
        return result.outputs

    async def match(self, grammar: Grammar, text: str, deadline: float) -> wire.Matched:
        """Ask whether the grammar could write the text, byte by byte."""
        work = wire.Match(id=0, grammar_key=grammar.key, grammar=grammar.text, text=text)
        result = await self._dispatch.run(work, deadline)
        if not isinstance(result, wire.Matched):
            raise EngineFault("the engine answered a match with something else")
        return result

    def _prefill(self, schema: Schema, model: wire.Ready) -> None:
        pieces = schema_pieces(_render(schema, model))
        self._dispatch.send(wire.Prefill(id=0, schema=pieces))

    def _note_use(self, schema: Schema) -> None:
        self._recent[schema.fingerprint] = schema
        self._recent.move_to_end(schema.fingerprint)
        while len(self._recent) > KEPT_SCHEMAS:
            self._recent.popitem(last=False)


def _render(schema: Schema, model: wire.Ready) -> str:
    # The engine has checked the word; it stands for a Literal, which the wire does not carry.
    return render(schema, "compact" if model.schema_rendering == "compact" else "ddl")
