"""Clients, sync and async, of a stand-in daemon over a real Unix socket."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlstrict import AsyncClient, Client
from stand_in_daemon import StandInDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[StandInDaemon]:
    # A path that gRPC would misread if it were not encoded.
    with StandInDaemon(tmp_path / "a b%20#?é" / "s.sock") as running:
        yield running


@pytest.fixture
def client(daemon: StandInDaemon) -> Iterator[Client]:
    with Client(daemon.address, timeout_s=20) as connected:
        yield connected


class Awaited:
    """An `AsyncClient` called as if it were a `Client`, so that both take the same tests."""

    def __init__(self, address: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._connect(address, options))

    async def _connect(self, address: str, options: dict[str, Any]) -> AsyncClient:
        return AsyncClient(address, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            found = method(*arguments, **options)
            if inspect.isawaitable(found):
                return self._loop.run_until_complete(found)
            return self._drawn(found)

        return call

    def _drawn(self, events: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(anext(events))
            except StopAsyncIteration:
                return

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


@pytest.fixture(params=[Client, Awaited], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Any:
    """Make a client of either kind."""
    return request.param


@pytest.fixture
def either(daemon: StandInDaemon, connect: Any) -> Iterator[Any]:
    with connect(daemon.address, timeout_s=20) as connected:
        yield connected
