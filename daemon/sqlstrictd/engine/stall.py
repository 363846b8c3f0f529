"""How long work has been at hand undone, for the heartbeat; `__main__` reads it at every beat.

Time in which the whole process stood still does not count: after Ctrl-Z, a frozen container or a
paused virtual machine, the engine would else be killed for what it had no chance to do.
"""

from __future__ import annotations

from sqlstrictd.engine.wire import HEARTBEAT_S

# Two readings further apart than this: the process did not run in between.
LONGEST_GAP_S = 2 * HEARTBEAT_S


class StallClock:
    """Adds up the time between readings in which there was work and no progress."""

    def __init__(self, now_s: float) -> None:
        self._read_at_s = now_s
        self._progress_at_s: float | None = None
        self._stalled_s = 0.0

    def read(self, progress_at_s: float | None, now_s: float) -> float:
        """Return the seconds of stall; `progress_at_s` is None where there is nothing to do."""
        since_read_s = min(now_s - self._read_at_s, LONGEST_GAP_S)
        self._read_at_s = now_s
        if progress_at_s is None:
            self._stalled_s = 0.0
        elif progress_at_s != self._progress_at_s:
            self._stalled_s = max(0.0, min(now_s - progress_at_s, since_read_s))
        else:
            self._stalled_s += since_read_s
        self._progress_at_s = progress_at_s
        return self._stalled_s
