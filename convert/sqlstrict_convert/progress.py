"""How far a step of the work is, and how long it will still take.

Made by `checkpoint_conversion`, `finished_gguf` and `sources`; read by the command lines. Prints
nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is, in units of its own: bytes, tensors or tokens."""

    step: str
    done: int
    total: int
    left_s: float | None = None  # estimated for this step; None while there is nothing to go by


class Stopwatch:
    """Adds to each progress how long its step will still take, by its speed so far.

    Called in place of the listener that it passes everything on to.
    """

    def __init__(
        self,
        listener: Callable[[Progress], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._step = ""
        self._first_done = 0
        self._start_s = 0.0

    def __call__(self, progress: Progress) -> None:
        """Pass a progress on with its estimate."""
        now_s = self._clock()
        if progress.step != self._step or progress.done < self._first_done:
            # A resumed download begins far from zero, and that part took no time of this run.
            self._step, self._first_done, self._start_s = progress.step, progress.done, now_s
        made = progress.done - self._first_done
        left = progress.total - progress.done
        estimate = (now_s - self._start_s) * left / made if made > 0 else None
        self._listener(replace(progress, left_s=0.0 if left <= 0 else estimate))
