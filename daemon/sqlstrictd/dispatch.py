"""The requests in the house: which wait, which the engine works on, and what a crash does to them.

`translate.py` and `check.py` give it work; `supervisor.py` attaches an engine, hands it the
engine's messages, and detaches it when it ends. One engine at a time; every call is made on the
event loop's thread.

After a crash, a request that had produced nothing is given to the next engine, once, with what is
left of its time; one that had is ended with ENGINE_CRASHED. Any of them may have been the cause, so
all are suspects, by hash and for ten minutes: a suspect runs alone. One that ends well alone is
cleared; one at whose side nobody else was when the engine crashed again is quarantined.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Callable
from copy import copy
from dataclasses import asdict, dataclass, field, replace

from sqlstrictd.counters import Counters
from sqlstrictd.engine import wire
from sqlstrictd.errors import (
    ENGINE_REASONS,
    DeadlineExceeded,
    EngineCrashed,
    EngineFault,
    GrammarTooLarge,
    PoisonRequest,
    SqlstrictError,
)
from sqlstrictd.quarantine import Quarantine

Work = wire.Generate | wire.Match
Result = wire.Finished | wire.Matched
OnEvent = Callable[[wire.Started | wire.Progress], None]

MAX_TRIES = 2


@dataclass(slots=True, eq=False)
class Job:
    """One request on its way through the engine. Times are the event loop's."""

    work: Work
    digest: str
    submitted_at: float
    on_event: OnEvent
    result: asyncio.Future[Result]
    started_at: float | None = None
    has_produced: bool = False
    tries: int = 0


@dataclass(slots=True)
class Attached:
    """An engine that works, and the jobs that it was given."""

    send: Callable[[wire.Message], None]
    slots: int
    jobs: dict[int, Job] = field(default_factory=dict)
    prefills: dict[int, str] = field(default_factory=dict)  # digests of those not answered yet
    has_read_all: asyncio.Event = field(default_factory=asyncio.Event)  # no prefill is left

    @property
    def n_generating(self) -> int:
        """How many of the jobs take a slot."""
        return sum(isinstance(job.work, wire.Generate) for job in self.jobs.values())


class Dispatch:
    """Gives jobs to the engine in the order in which they came, `slots` at a time."""

    def __init__(self, counters: Counters, quarantine: Quarantine) -> None:
        self._counters = counters
        self._quarantine = quarantine
        self._waiting: deque[Job] = deque()
        self._engine: Attached | None = None
        self._refusal: SqlstrictError | None = None
        self._last_id = 0

    @property
    def n_waiting(self) -> int:
        """How many jobs the engine has not been given."""
        return len(self._waiting)

    @property
    def n_running(self) -> int:
        """How many jobs have a slot of the engine."""
        return self._engine.n_generating if self._engine else 0

    async def run(
        self,
        work: Work,
        deadline: float,
        on_event: OnEvent = lambda _: None,
        goes_first: bool = False,
    ) -> Result:
        """Have the engine do the work, and return its result; `work.id` is chosen here.

        With `goes_first` it waits before all that wait already.

        Raises DeadlineExceeded, the errors of ENGINE_REASONS, EngineCrashed, PoisonRequest, and
        whatever `refuse` was given. Cancelling it frees the slot at the engine's next step.
        """
        if self._refusal is not None:
            raise copy(self._refusal)
        digest = _digest(work)
        if self._quarantine.is_poison(digest):
            self._counters.add("poison_requests")
            raise _poison()
        loop = asyncio.get_running_loop()
        job = Job(self._numbered(work), digest, loop.time(), on_event, loop.create_future())
        if goes_first:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)
        self._pump()
        try:
            async with asyncio.timeout_at(deadline):
                return await job.result
        except TimeoutError as error:
            where = "waiting for a slot" if job.started_at is None else "writing"
            raise DeadlineExceeded(f"the time of the request was over while {where}") from error
        finally:
            self._forget(job)

    def send(self, message: wire.Prefill) -> bool:
        """Have a schema read that nobody waits for; False where it cannot be sent.

        One that the engine was given when it crashed is not sent again for now: whatever it is, it
        must not kill every engine that comes. A question about it reads it as well.
        """
        digest = _digest(message)
        if self._engine is None or self._refusal is not None or self._quarantine.is_suspect(digest):
            return False
        message = replace(message, id=self._next_id())
        try:
            self._engine.send(message)
        except wire.FrameError:
            return False
        self._engine.prefills[message.id] = digest
        self._engine.has_read_all.clear()
        return True

    async def wait_until_read(self) -> None:
        """Return when the engine has read every schema that it was sent, or has ended."""
        engine = self._engine
        if engine is not None and engine.prefills:
            await engine.has_read_all.wait()

    def attach(self, send: Callable[[wire.Message], None], slots: int) -> None:
        """Take an engine that is ready; what waits goes to it at once."""
        self._engine = Attached(send, slots)
        self._pump()

    def receive(self, message: wire.Message) -> None:
        """Take a message of the attached engine's. One of a job that is gone is dropped."""
        if self._engine is not None and isinstance(message, wire.Prefilled | wire.Failed):
            self._engine.prefills.pop(message.id, None)
            if not self._engine.prefills:
                self._engine.has_read_all.set()
        if self._engine is None or not isinstance(
            message, wire.Started | wire.Progress | wire.Finished | wire.Matched | wire.Failed
        ):
            return
        job = self._engine.jobs.get(message.id)
        if job is None:
            return
        if isinstance(message, wire.Started | wire.Progress):
            if isinstance(message, wire.Started):
                job.started_at = asyncio.get_running_loop().time()
            else:
                job.has_produced = job.has_produced or message.output_tokens > 0
            job.on_event(message)
            return
        del self._engine.jobs[message.id]
        self._quarantine.clear(job.digest)
        if not job.result.done():
            if isinstance(message, wire.Failed):
                job.result.set_exception(_failure(message))
            else:
                job.result.set_result(message)
        self._pump()

    def detach(self, has_crashed: bool) -> None:
        """Let go of the engine, because it ended; its jobs are requeued or ended."""
        if self._engine is None:
            return
        jobs, prefills = list(self._engine.jobs.values()), self._engine.prefills
        self._engine.has_read_all.set()
        self._engine = None
        for digest in prefills.values() if has_crashed else ():
            self._quarantine.suspect(digest, was_alone=False)
        requeued = []
        for job in jobs:
            if job.result.done():
                continue
            if has_crashed:
                self._quarantine.suspect(job.digest, was_alone=len(jobs) == 1)
            if self._quarantine.is_poison(job.digest):
                self._counters.add("poison_requests")
                job.result.set_exception(_poison())
            elif self._refusal is not None:
                job.result.set_exception(copy(self._refusal))
            elif job.has_produced or job.tries >= MAX_TRIES:
                self._counters.add("engine_crashed_errors")
                job.result.set_exception(
                    EngineCrashed("the engine ended while it wrote the answer; ask again")
                )
            else:
                self._counters.add("requeued")
                job.started_at = None
                requeued.append(job)
        self._waiting.extendleft(reversed(requeued))

    def refuse(self, error: SqlstrictError | None) -> None:
        """End what waits with the error, and whatever comes until this is called with None."""
        self._refusal = error
        if error is not None:
            waiting, self._waiting = self._waiting, deque()
            for job in waiting:
                if not job.result.done():
                    job.result.set_exception(copy(error))

    def abort(self, error: SqlstrictError) -> None:
        """End what waits and what runs with the error."""
        self.refuse(error)
        for job in list(self._engine.jobs.values()) if self._engine else ():
            if not job.result.done():
                job.result.set_exception(copy(error))

    def _pump(self) -> None:
        """Give the engine what may start, in order. A suspect runs alone; a Match needs no slot."""
        engine = self._engine
        if engine is None:
            return
        for job in tuple(self._waiting):
            if engine.jobs and (
                self._is_suspect(job) or any(map(self._is_suspect, engine.jobs.values()))
            ):
                return
            if isinstance(job.work, wire.Generate) and engine.n_generating >= engine.slots:
                continue
            self._waiting.remove(job)
            try:
                engine.send(job.work)
            except wire.FrameError:
                error = GrammarTooLarge(
                    "the schema's grammar is larger than the engine takes; leave out tables"
                )
                if not job.result.done():
                    job.result.set_exception(error)
                continue
            job.tries += 1
            engine.jobs[job.work.id] = job

    def _is_suspect(self, job: Job) -> bool:
        return self._quarantine.is_suspect(job.digest)

    def _forget(self, job: Job) -> None:
        """Take a job out of the house that nobody waits for any more."""
        if job in self._waiting:
            self._waiting.remove(job)
        elif self._engine is not None and self._engine.jobs.pop(job.work.id, None) is not None:
            self._engine.send(wire.Cancel(job.work.id))
        self._pump()

    def _numbered(self, work: Work) -> Work:
        return replace(work, id=self._next_id())

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _digest(work: Work | wire.Prefill) -> str:
    """Hash what the engine is asked to do, without the grammar's text, which its key stands for."""
    body = {**asdict(work), "id": 0, "grammar": ""}
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()


def _poison() -> PoisonRequest:
    return PoisonRequest(
        "the engine crashed twice while it worked on this request; it is not tried again for now."
        " Please report it"
    )


def _failure(message: wire.Failed) -> SqlstrictError:
    error = ENGINE_REASONS.get(message.reason, EngineFault)
    if error is EngineFault:
        return EngineFault(f"the engine could not do this ({message.reason}); please report it")
    return error(message.message)
