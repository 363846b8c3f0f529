"""How much memory a process and all that it starts hold in RAM, looked at every 50 ms.

Used by `pull.py`. Resident pages are counted by /proc, shared ones in each process that has them.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

LOOK_EVERY_S = 0.05
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class TreeMemory:
    """The largest sum of a process and all below it, and the largest process, from `with` on."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self.peak_of_one_bytes = 0
        self._root = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_often)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def peak_mb(self) -> int:
        """The largest sum in megabytes."""
        return round(self.peak_bytes / 1e6)

    def _look_often(self) -> None:
        while True:
            sizes = [resident_bytes(pid) for pid in tree_of(self._root)]
            self.peak_bytes = max(self.peak_bytes, sum(sizes))
            self.peak_of_one_bytes = max(self.peak_of_one_bytes, *sizes, 0)
            if self._is_over.wait(LOOK_EVERY_S):
                return


def tree_of(pid: int) -> list[int]:
    """Return a process and all below it."""
    found, left = [], [pid]
    while left:
        at = left.pop()
        found.append(at)
        try:
            for task in Path(f"/proc/{at}/task").iterdir():
                left += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it has ended
    return found


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0
