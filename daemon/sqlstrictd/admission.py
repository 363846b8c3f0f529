"""How many questions may be in the house at once: those in slots, and those that may wait.

`service/translation.py` takes a place for a question before it looks at anything else of it, so
that a flood costs nothing. Questions of batches take turns on places of their own, twice the slots
at most, so that a batch of any length turns nobody away and holds single questions up for one round
of the slots, and neither do single questions keep a batch out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from copy import copy

from sqlstrictd.errors import QueueFull, SqlstrictError

MIN_RETRY_S, MAX_RETRY_S = 0.2, 5.0


class Admission:
    """Counts who is inside. Used by the event loop's thread alone."""

    def __init__(self, slots: int, queue_limit: int) -> None:
        self.slots = slots
        self.queue_limit = queue_limit
        # Half of them are in slots; the others are made ready meanwhile.
        self._batch_places = slots + min(slots, queue_limit)
        self._n_single = 0
        self._n_batch = 0
        self._outside: deque[asyncio.Future[None]] = deque()
        self._closed: SqlstrictError | None = None
        self._usual_s = 1.0

    @property
    def n_inside(self) -> int:
        """How many questions are in the house."""
        return self._n_single + self._n_batch

    @property
    def n_ahead(self) -> int:
        """How many of them a newcomer would wait for, beyond those in slots."""
        return max(0, self.n_inside - self.slots)

    @property
    def n_waiting(self) -> int:
        """How many single questions wait, or will: those beyond the number of slots.

        Where as many do as may, the next is turned away.
        """
        return max(0, self._n_single - self.slots)

    @property
    def n_batch_waiting(self) -> int:
        """How many questions of batches wait, those outside included."""
        return self.n_ahead - self.n_waiting + len(self._outside)

    @contextmanager
    def place(self) -> Iterator[int]:
        """Take a place for a single question and yield how many are ahead.

        Raises QueueFull where there is none.
        """
        self._raise_if_closed()
        if self._n_single >= self.slots + self.queue_limit:
            raise QueueFull(
                f"{self._n_single} questions are being answered or wait, as many as may;"
                " ask again later",
                retry_after_s=min(MAX_RETRY_S, max(MIN_RETRY_S, self._usual_s)),
            )
        ahead = self.n_ahead
        self._n_single += 1
        try:
            with self._timed():
                yield ahead
        finally:
            self._n_single -= 1

    @asynccontextmanager
    async def place_in_turn(self) -> AsyncIterator[int]:
        """Take a place for a question of a batch, waiting for one; yield how many are ahead."""
        self._raise_if_closed()
        if self._n_batch >= self._batch_places or self._outside:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._outside.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self._leave()
                elif turn in self._outside:
                    self._outside.remove(turn)
                raise
        else:
            self._n_batch += 1
        try:
            with self._timed():
                yield self.n_ahead
        finally:
            self._leave()

    def close(self, error: SqlstrictError) -> None:
        """Turn away whoever comes from now on, and whoever waits outside, with the error."""
        self._closed = error
        while self._outside:
            turn = self._outside.popleft()
            if not turn.done():
                turn.set_exception(copy(error))

    def _leave(self) -> None:
        """Give a batch's place to whoever waits longest outside, or give it up."""
        while self._outside:
            turn = self._outside.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._n_batch -= 1

    @contextmanager
    def _timed(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        yield
        # A moving average of what questions take: how soon asking again may help.
        self._usual_s += 0.2 * (loop.time() - began - self._usual_s)

    def _raise_if_closed(self) -> None:
        if self._closed is not None:
            raise copy(self._closed)
