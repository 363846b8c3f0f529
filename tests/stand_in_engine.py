"""An engine for tests of the front: it speaks `engine.wire` on a real socketpair, as scripted.

It stands at the seam `supervisor.EngineLink`: the front's own `EngineProcess` reads and writes the
socket, and only the child process is replaced, by a task.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable

from sqlstrictd.engine import wire
from sqlstrictd.engine_process import EngineLink, EngineProcess
from sqlstrictd.model.file import ModelFile

READY = wire.Ready(
    name="stand-in",
    architecture="lfm2",
    quantization="F32",
    parameter_count=1,
    vocabulary_size=1,
    context_tokens=1024,
    schema_rendering="compact",
    slots=4,
)
_PIDS = itertools.count(900_001)


def output(text: str, finish: str = "stop") -> wire.Output:
    """One statement as the engine would hand it over."""
    return wire.Output(text, finish, len(text.split()), -0.1, -0.5)


class StandInEngine:
    """One life of an engine. `generates` are the Generate messages that it got."""

    def __init__(self, script: Script, ready: wire.Message | None, beats: bool) -> None:
        self.pid = next(_PIDS)
        self.script = script
        self.generates: list[wire.Generate] = []
        self.prefills: list[wire.Prefill] = []
        self.cancelled: list[int] = []
        self.was_told_to_stop = False
        self._ready = ready
        self.beats = beats
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._work: dict[int, asyncio.Task[None]] = {}

    async def connect(self) -> EngineLink:
        """Begin to live; returns the front's side."""
        ours, theirs = socket.socketpair()
        self._reader, self._writer = await asyncio.open_connection(sock=theirs, limit=2**20)
        self._begin(self._live())
        reader, writer = await asyncio.open_connection(sock=ours, limit=2**20)
        return EngineProcess(self, reader, writer)  # type: ignore[arg-type]

    def send(self, message: wire.Message) -> None:
        """Send a message to the front."""
        if not self._writer.is_closing():
            self._writer.write(wire.encode(message))

    def crash(self, code: int = -11) -> None:
        """End as a process does: the socket closes, whatever was at hand is lost."""
        if not self._ended.done():
            self._ended.set_result(code)
        for task in self._tasks:
            task.cancel()
        self._writer.close()

    # What EngineProcess needs of a process:

    def kill(self) -> None:
        self.crash(-9)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    async def _live(self) -> None:
        if self._ready is not None:
            self.send(self._ready)
        if isinstance(self._ready, wire.LoadFailed):
            self.crash(1)
            return
        self._begin(self._beat())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await self._reader.readexactly(wire.HEADER.size)
                payload = await self._reader.readexactly(wire.payload_length(header))
                self._take(wire.decode(payload))
        self.crash(0)

    async def _beat(self) -> None:
        while self.beats:
            self.send(wire.Heartbeat(0.0, len(self._work), len(self.prefills), 1000))
            await asyncio.sleep(0.02)

    def _take(self, message: wire.Message) -> None:
        match message:
            case wire.Generate() | wire.Match():
                if isinstance(message, wire.Generate):
                    self.generates.append(message)
                self._work[message.id] = self._begin(self.script(self, message))
            case wire.Prefill():
                self.prefills.append(message)
                self.send(wire.Prefilled(message.id, n_tokens=12, prefill_us=100))
            case wire.Cancel():
                self.cancelled.append(message.id)
                if message.id in self._work:
                    self._work.pop(message.id).cancel()
            case wire.Stop():
                self.was_told_to_stop = True
                self.crash(0)

    def _begin(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


Work = wire.Generate | wire.Match
Script = Callable[[StandInEngine, Work], Awaitable[None]]


class StandInEngines:
    """Engines, one life after the other; `spawn` is what the supervisor is given."""

    def __init__(
        self,
        script: Script,
        ready: wire.Message | None = READY,
        beats: bool = True,
    ) -> None:
        self.script = script
        self.ready = ready
        self.beats = beats
        self.lives: list[StandInEngine] = []

    @property
    def last(self) -> StandInEngine:
        """The engine that lives now."""
        return self.lives[-1]

    async def spawn(self) -> EngineLink:
        """Start the next life."""
        self.lives.append(StandInEngine(self.script, self.ready, self.beats))
        return await self.last.connect()

    async def spawn_of(self, file: ModelFile) -> EngineLink:
        """Start the next life, on a file."""
        return await self.spawn()


def answering(*texts: str, finish: str = "stop") -> Script:
    """A script that answers every question with these statements, at once."""

    async def script(engine: StandInEngine, work: Work) -> None:
        if isinstance(work, wire.Match):
            engine.send(wire.Matched(work.id, True, len(work.text.encode())))
            return
        engine.send(wire.Started(work.id, prompt_tokens=20, cached_tokens=12))
        engine.send(wire.Progress(work.id, 1, texts[0][:6] if work.wants_text else ""))
        outputs = tuple(output(text, finish) for text in texts)
        engine.send(wire.Finished(work.id, outputs, prefill_us=100, decode_us=200))

    return script


def answering_in_turn(*turns: tuple[wire.Output, ...]) -> Script:
    """A script that answers one question after the other with these outputs, the last for ever.

    Its progress shows each first text as it would grow.
    """
    left = list(turns)

    async def script(engine: StandInEngine, work: Work) -> None:
        assert isinstance(work, wire.Generate)
        outputs = left.pop(0) if len(left) > 1 else left[0]
        engine.send(wire.Started(work.id, prompt_tokens=20, cached_tokens=12))
        engine.send(wire.Progress(work.id, 1, outputs[0].text[:6] if work.wants_text else ""))
        engine.send(wire.Finished(work.id, outputs, prefill_us=100, decode_us=200))

    return script


async def silent(engine: StandInEngine, work: Work) -> None:
    """A script that begins and never ends."""
    engine.send(wire.Started(work.id, prompt_tokens=20, cached_tokens=12))
    await asyncio.sleep(3600)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that comes true however slow the machine is; fails where it does not."""
    async with asyncio.timeout(120):
        while not condition():
            await asyncio.sleep(0.005)
