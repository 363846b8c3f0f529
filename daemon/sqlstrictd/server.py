"""The life of the daemon: claim the socket, load the model, serve, drain, leave nothing behind.

`command.py` calls `serve` and exits with what it returns. What answers requests is in `house.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from sqlstrict_proto.address import format_address

from sqlstrictd.claim import Claim
from sqlstrictd.config import Config
from sqlstrictd.engine_process import EngineLink, EngineProcess, engine_command
from sqlstrictd.house import House
from sqlstrictd.model.choice import ModelChoice, find_model_file
from sqlstrictd.model.file import ModelFile

log = logging.getLogger(__name__)

STOPPED = 0
RESTART_ME = 75
SOCKET_WATCH_S = 1.0

Announce = Callable[[str], None]


async def serve(config: Config, announce: Announce) -> int:
    """Serve until a signal, and return the exit code: 0 stopped, 75 start me again.

    Raises CannotStart. SIGTERM and SIGINT drain; a second one ends what still runs.
    """
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    claim = Claim.take(config.socket_path)
    try:
        return await _serve_claimed(config, claim, announce, stop, hurry)
    finally:
        claim.release()


async def _serve_claimed(
    config: Config, claim: Claim, announce: Announce, stop: asyncio.Event, hurry: asyncio.Event
) -> int:
    address = format_address(claim.path)
    if claim.was_stale:
        announce(f"replacing the socket {address}, which a daemon that is gone has left")
    choices = ModelChoice(config)
    found = await _unless(stop, find_model_file(choices))
    if found is None:
        return STOPPED
    choice, model_file = found

    async def spawn(file: ModelFile) -> EngineLink:
        return await EngineProcess.spawn(engine_command(config, file), file.descriptors)

    house = House(config, choices, choice, model_file, spawn)
    try:
        announce(f"loading {model_file.path}")
        starting = asyncio.create_task(house.start_engine())
        try:
            # Clients may come while the model is loading; their questions wait for it.
            await house.open(claim.bind_path)
            claim.publish()
            if await _unless(stop, _wait_for(starting)) is None:
                return STOPPED
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        model = house.engine.model
        announce(f"ready on {address}, model {model.name if model else model_file.path.stem}")
        notify("READY=1")
        return await _serve_until_stopped(house, claim, stop, hurry)
    finally:
        notify("STOPPING=1")
        await house.drain(0.0, hurry)
        await house.close()


async def _serve_until_stopped(
    house: House, claim: Claim, stop: asyncio.Event, hurry: asyncio.Event
) -> int:
    """Wait for a signal, or for the socket to vanish; then drain."""
    lost = asyncio.create_task(_wait_until_lost(claim))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
    code = STOPPED if stopped.done() else RESTART_ME
    if code == RESTART_ME:
        log.error("the socket %s is gone or not ours any more; nobody can reach us", claim.path)
    for task in (lost, stopped):
        task.cancel()
    log.info("stopping: running questions have %g s", house.config.grace_s)
    await house.drain(house.config.grace_s, hurry)
    return code


async def _wait_until_lost(claim: Claim) -> None:
    while claim.is_in_place:
        await asyncio.sleep(SOCKET_WATCH_S)


async def _wait_for(task: asyncio.Task[None]) -> bool:
    await task
    return True


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> Any:
    """Return the work's result; None where the stop came first, and the work is cancelled."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def notify(state: str) -> None:
    """Tell the service manager a state, where one listens (the protocol of sd_notify)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + path[1:] if path[0] == "@" else path)
        sock.sendall(state.encode())
