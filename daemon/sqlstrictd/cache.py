"""A bounded cache whose values are made by coroutines, each once however many ask for it.

Used for parsed schemas and for grammars. What is made outlives the request that asked first: when
that client goes away, the others that wait still get the value. Errors are not kept.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Holds at most `max_entries` values of together at most `max_size`, the last used ones."""

    def __init__(
        self, max_entries: int, max_size: int, size_of: Callable[[V], int] = lambda _: 0
    ) -> None:
        self._max_entries = max_entries
        self._max_size = max_size
        self._size_of = size_of
        self._values: OrderedDict[K, V] = OrderedDict()
        self._size = 0
        self._being_made: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._values)

    async def get(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        """Return the value of the key, made by `make` where it is not here."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        task = self._being_made.get(key)
        if task is None:
            task = asyncio.ensure_future(self._make(key, make))
            self._being_made[key] = task
            task.add_done_callback(lambda done: self._made(key, done))
        return await asyncio.shield(task)

    async def _make(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        value = await make()
        self._values[key] = value
        self._size += self._size_of(value)
        # A value larger than the whole cache is handed out but not kept.
        while self._values and (
            len(self._values) > self._max_entries or self._size > self._max_size
        ):
            _, old = self._values.popitem(last=False)
            self._size -= self._size_of(old)
        return value

    def _made(self, key: K, task: asyncio.Task[V]) -> None:
        del self._being_made[key]
        if not task.cancelled():
            # Looked at here, so that an error whose askers have all gone is not reported as lost.
            task.exception()
