"""Keeps one engine running: starts it, watches its heartbeat, starts it again when it ends.

`server.py` runs it for the life of the daemon. What a crash means for the requests is the business
of `dispatch.py`; this file only tells it when an engine came and when it went. Readiness is the
heartbeat's, never "a process exists".
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlstrictd.counters import Counters
from sqlstrictd.dispatch import Dispatch
from sqlstrictd.engine import wire
from sqlstrictd.engine_process import EngineLink
from sqlstrictd.errors import CannotStart, EngineUnstable, ModelUnusable, ShuttingDown

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits for what. Tests shorten it."""

    load_s: float = 120.0
    heartbeat_s: float = 10.0
    # Longer than the silence: one step of a large prompt takes its time on a very slow machine, and
    # an engine killed for that would be killed again over the same step.
    stall_s: float = 30.0
    watch_s: float = 0.5
    stop_s: float = 2.0
    backoff_s: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    first_tries: int = 3
    circuit_crashes: int = 5
    circuit_window_s: float = 60.0
    circuit_retry_s: float = 30.0


class Supervisor:
    """Runs engines, one after the other."""

    def __init__(
        self,
        spawn: Callable[[], Awaitable[EngineLink]],
        dispatch: Dispatch,
        counters: Counters,
        patience: Patience | None = None,
        on_ready: Callable[[wire.Ready], None] = lambda _: None,
        is_intact: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_intact`: whether the file is what it was, asked when an engine has loaded it."""
        self._spawn = spawn
        self._dispatch = dispatch
        self._counters = counters
        self._patience = patience or Patience()
        self._on_ready = on_ready
        self._is_intact = is_intact
        self._link: EngineLink | None = None
        self._ready: wire.Ready | None = None
        self._heartbeat: wire.Heartbeat | None = None
        self._heard_at = self._spawned_at = 0.0
        self._crashes: deque[float] = deque()
        self._n_in_a_row = 0
        self._is_circuit_open = False
        self._is_on_trial = False
        self.is_stopping = False
        self._stop_asked = asyncio.Event()
        self._first: asyncio.Future[wire.Ready] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def model(self) -> wire.Ready | None:
        """The model that is loaded; None while there is none."""
        return self._ready

    @property
    def heartbeat(self) -> wire.Heartbeat | None:
        """The engine's last heartbeat; None while there is no engine."""
        return self._heartbeat

    @property
    def pid(self) -> int:
        """The engine's process number; 0 while there is none."""
        return self._link.pid if self._link else 0

    @property
    def is_ready(self) -> bool:
        """Whether a question would be answered now: loaded, and its heartbeat is fresh."""
        if self._ready is None or self.is_stopping:
            return False
        age_s = asyncio.get_running_loop().time() - self._heard_at
        return age_s < self._patience.heartbeat_s and self._stalled_s < self._patience.stall_s

    @property
    def _stalled_s(self) -> float:
        return self._heartbeat.stalled_s if self._heartbeat else 0.0

    async def start(self) -> wire.Ready:
        """Start the first engine and wait until its model is loaded.

        Raises CannotStart where the model cannot be used, or the engine ends again and again.
        """
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())
        return await self._first

    async def stop(self) -> None:
        """Stop the engine: ask it, then end it. Requests must have been drained or aborted."""
        self.is_stopping = True
        self._stop_asked.set()
        if self._link is not None:
            self._link.send(wire.Stop())
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=self._patience.stop_s)
            if not done and self._link is not None:
                self._link.kill()
                done, _ = await asyncio.wait({self._task}, timeout=self._patience.stop_s)
            if not done:
                self._task.cancel()
                await asyncio.wait({self._task})

    def resume(self) -> None:
        """Go on after `stop`, or after a `stop` that was cancelled, as after a crash."""
        self.is_stopping = False
        self._stop_asked.clear()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """One engine after the other, until the daemon stops."""
        while not self.is_stopping:
            reason = await self._live_once()
            if self.is_stopping:
                break
            self._note_crash(reason)
            if self._first is not None and self._gives_up(self._first, reason):
                return
            await self._wait_for_next_start()
        if self._first is not None and not self._first.done():
            self._first.set_exception(ShuttingDown("the daemon is stopping"))

    async def _live_once(self) -> str:
        """Start an engine, serve until it ends, and say how it ended."""
        self._counters.add("engine_starts")
        try:
            self._link = link = await self._spawn()
        except OSError as error:
            return f"it could not be started: {error.strerror or type(error).__name__}"
        except ModelUnusable as error:
            return self._cannot_load(error.message)
        loop = asyncio.get_running_loop()
        self._spawned_at = self._heard_at = loop.time()
        watch = asyncio.create_task(self._watch(link))
        failure = ""
        try:
            failure = await self._listen(link)
        finally:
            watch.cancel()
            self._ready = self._heartbeat = None
            self._dispatch.detach(has_crashed=not self.is_stopping)
            link.close()
            # Its end of the socketpair may be closed while the process still is.
            killer = loop.call_later(self._patience.stop_s, link.kill)
            try:
                end = await link.wait()
            finally:
                killer.cancel()
                link.kill()
                self._link = None
        return failure or end

    async def _listen(self, link: EngineLink) -> str:
        """Take the engine's messages until it ends. Returns why, where it said so."""
        while True:
            try:
                message = await link.receive()
            except wire.FrameError as error:
                link.kill()
                return f"it broke the protocol: {error}"
            if message is None:
                return ""
            self._heard_at = asyncio.get_running_loop().time()
            if isinstance(message, wire.Heartbeat):
                before = self._heartbeat.counts if self._heartbeat else {}
                self._counters.add_difference(before, message.counts)
                self._heartbeat = message
            elif isinstance(message, wire.Ready):
                if not self._is_intact():
                    link.kill()
                    return "the model's file was written to while it was loaded"
                self._became_ready(link, message)
            elif isinstance(message, wire.LoadFailed):
                return self._cannot_load(message.message)
            else:
                if isinstance(message, wire.Finished):
                    self._note_success()
                self._dispatch.receive(message)

    def _cannot_load(self, why: str) -> str:
        """Tell all who wait for the model that it cannot be used, and return the reason."""
        if self._first is not None and not self._first.done():
            self._first.set_exception(CannotStart(why))
        self._dispatch.refuse(ModelUnusable(why))
        return f"the model cannot be used: {why}"

    async def _watch(self, link: EngineLink) -> None:
        """End an engine that says nothing, or has had work at hand undone, for too long."""
        patience, loop = self._patience, asyncio.get_running_loop()
        while True:
            slept_from = loop.time()
            await asyncio.sleep(patience.watch_s)
            if loop.time() - slept_from > patience.watch_s + patience.heartbeat_s / 2:
                # The front itself was stopped (suspended, say): the engine's silence means nothing.
                self._heard_at = loop.time()
                continue
            if self._ready is None:
                limit_s, waited_s = patience.load_s, loop.time() - self._spawned_at
            elif self._stalled_s > patience.stall_s:
                limit_s, waited_s = patience.stall_s, self._stalled_s
            else:
                limit_s, waited_s = patience.heartbeat_s, loop.time() - self._heard_at
            if waited_s > limit_s:
                self._counters.add("engine_hangs")
                self._counters.note_error("the engine did not answer and was killed")
                log.error("the engine pid=%d did not answer for %g s: killed", link.pid, limit_s)
                link.kill()
                return

    def _became_ready(self, link: EngineLink, ready: wire.Ready) -> None:
        self._ready = ready
        if self.is_stopping:
            return
        log.info("engine ready: pid=%d model=%s slots=%d", link.pid, ready.name, ready.slots)
        self._is_on_trial, self._is_circuit_open = self._is_circuit_open, False
        self._dispatch.refuse(None)
        self._dispatch.attach(link.send, ready.slots)
        if self._first is not None and not self._first.done():
            self._first.set_result(ready)
        self._on_ready(ready)

    def _note_success(self) -> None:
        self._n_in_a_row = 0
        if self._is_on_trial:
            self._is_on_trial = False
            self._crashes.clear()

    def _note_crash(self, reason: str) -> None:
        patience, now = self._patience, asyncio.get_running_loop().time()
        self._counters.add("engine_crashes")
        self._counters.note_error(f"the engine ended: {reason}")
        log.error("the engine ended: %s", reason)
        self._n_in_a_row += 1
        self._crashes.append(now)
        while self._crashes[0] < now - patience.circuit_window_s:
            self._crashes.popleft()
        # One crash after a pause is enough to pause again; an answer ends the trial.
        if self._is_on_trial or len(self._crashes) >= patience.circuit_crashes:
            self._is_circuit_open = True
            self._is_on_trial = False
        if self._is_circuit_open:
            log.error("the engine is not started again for %g s", patience.circuit_retry_s)
            self._dispatch.refuse(
                EngineUnstable(
                    f"the engine crashed {patience.circuit_crashes} times in"
                    f" {patience.circuit_window_s:g} s; it is tried again every"
                    f" {patience.circuit_retry_s:g} s. See the daemon's log"
                )
            )

    def _gives_up(self, first: asyncio.Future[wire.Ready], reason: str) -> bool:
        """Whether the first model ever is not to be tried again; says so to `start`."""
        if first.done():
            return first.cancelled() or first.exception() is not None
        if self._n_in_a_row < self._patience.first_tries:
            return False
        first.set_exception(
            CannotStart(
                f"the engine ended {self._n_in_a_row} times while it loaded the model"
                f" ({reason}); its file may be broken"
            )
        )
        return True

    async def _wait_for_next_start(self) -> None:
        patience = self._patience
        if self._is_circuit_open:
            delay_s = patience.circuit_retry_s
        else:
            delay_s = patience.backoff_s[min(self._n_in_a_row, len(patience.backoff_s)) - 1]
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stop_asked.wait()
