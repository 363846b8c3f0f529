"""The front's side of a worker process: start it, give it one request at a time, replace it.

`tasks.py` calls it. A worker that ends, answers nonsense or runs out of time is killed; the
request fails with WorkerFailed and the next one starts a new process. A new process has time of its
own to start, since that may take longer on a busy machine than any request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import sys
from collections.abc import Sequence
from typing import Any

from sqlstrictd.counters import Counters
from sqlstrictd.errors import WorkerFailed

COMMAND = (sys.executable, "-m", "sqlstrictd.worker")
HELLO = b'{"task": "hello"}'
HEADER = struct.Struct(">I")
START_LIMIT_S = 30.0
MAX_REPLY_BYTES = 64 * 2**20


class TookTooLong(WorkerFailed):
    """The request ran out of the worker's time."""


class Worker:
    """One process, started at the first request, and again after it was lost.

    With `idle_s` it is stopped after so many seconds without a request, since it holds about 40 MB.
    """

    def __init__(
        self,
        counters: Counters,
        limit_s: float,
        idle_s: float | None = None,
        command: Sequence[str] = COMMAND,
        start_limit_s: float = START_LIMIT_S,
    ) -> None:
        self._counters = counters
        self._limit_s = limit_s
        self._idle_s = idle_s
        self._command = command
        self._start_limit_s = start_limit_s
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the worker's reply. Raises WorkerFailed; TookTooLong where the time was over."""
        # In a task of its own: an asker that goes away must not leave half a message in the pipe.
        task = asyncio.ensure_future(self._ask(request))
        task.add_done_callback(_look_at_error)
        return await asyncio.shield(task)

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        payload = json.dumps(request).encode()
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                process = self._process
                if process is None or process.returncode is not None:
                    process = await self._start()
                async with asyncio.timeout(self._limit_s):
                    reply = await _exchange(process, payload)
            except TimeoutError as error:
                await self._lose()
                raise TookTooLong(
                    f"reading or checking took longer than {self._limit_s:g} s"
                ) from error
            except (OSError, EOFError, ValueError) as error:
                await self._lose()
                raise WorkerFailed("the worker that reads and checks ended; ask again") from error
            if self._idle_s is not None:
                loop = asyncio.get_running_loop()
                self._idle = loop.call_later(self._idle_s, self._stop_idle)
        if "error" in reply:
            self._counters.add("worker_failures")
            self._counters.note_error(f"a worker for reading and checking met {reply['error']}")
            raise WorkerFailed(f"the worker that reads and checks failed: {reply['error']}")
        return reply

    async def close(self) -> None:
        """Stop the process for good."""
        self._is_closed = True
        if self._idle is not None:
            self._idle.cancel()
        await self._kill()

    async def _start(self) -> asyncio.subprocess.Process:
        if self._is_closed:
            raise EOFError("closed")
        try:
            async with asyncio.timeout(self._start_limit_s):
                self._process = process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                await _exchange(process, HELLO)
        except TimeoutError as error:
            await self._lose()
            raise WorkerFailed(
                f"the worker that reads and checks did not start in {self._start_limit_s:g} s;"
                " ask again"
            ) from error
        return process

    def _stop_idle(self) -> None:
        # Its end of the pipe closes, and the child leaves its loop by itself.
        if not self._turn.locked() and self._process is not None and self._process.stdin:
            self._process.stdin.close()
            self._process = None

    async def _lose(self) -> None:
        self._counters.add("worker_failures")
        self._counters.note_error("a worker for reading and checking was lost")
        await self._kill()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _exchange(process: asyncio.subprocess.Process, payload: bytes) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(HEADER.pack(len(payload)) + payload)
    await process.stdin.drain()
    (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
    if length > MAX_REPLY_BYTES:
        raise ValueError("the worker's reply is too long")
    reply = json.loads(await process.stdout.readexactly(length))
    if not isinstance(reply, dict):
        raise ValueError("the worker's reply is not an object")
    return reply


def _look_at_error(task: asyncio.Task[dict[str, Any]]) -> None:
    if not task.cancelled():
        task.exception()
