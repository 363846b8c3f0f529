"""Which requests may be killing the engine: suspects, and those that are known to.

Kept by the hash of the request, in memory only, and forgotten after ten minutes. `dispatch.py` says
what happened and asks what to do.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

QUARANTINE_S = 600.0
MAX_ENTRIES = 1024


@dataclass(slots=True)
class _Entry:
    n_crashes: int
    is_poison: bool
    until: float


class Quarantine:
    """Remembers requests that the engine worked on when it crashed."""

    def __init__(
        self, duration_s: float = QUARANTINE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._duration_s = duration_s
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def suspect(self, digest: str, was_alone: bool) -> None:
        """Note that the engine crashed over this request; alone and not for the first time: poison.

        A request that shared both crashes with others stays a suspect, since they may be guilty.
        """
        entry = self._find(digest)
        n_crashes = (entry.n_crashes if entry else 0) + 1
        is_poison = (entry.is_poison if entry else False) or (n_crashes >= 2 and was_alone)
        self._entries[digest] = _Entry(n_crashes, is_poison, self._clock() + self._duration_s)
        self._entries.move_to_end(digest)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def clear(self, digest: str) -> None:
        """Note that the engine has survived this request."""
        self._entries.pop(digest, None)

    def is_suspect(self, digest: str) -> bool:
        """Whether the engine crashed over this request lately."""
        return self._find(digest) is not None

    def is_poison(self, digest: str) -> bool:
        """Whether this request is not to be given to the engine."""
        entry = self._find(digest)
        return entry is not None and entry.is_poison

    def _find(self, digest: str) -> _Entry | None:
        entry = self._entries.get(digest)
        if entry is not None and entry.until <= self._clock():
            del self._entries[digest]
            return None
        return entry
