"""How much memory a child process may take, so that a hostile file cannot exhaust the machine.

Called by `child`. Linux alone lets a process limit another; elsewhere nothing is limited.
"""

from __future__ import annotations

import sys
from pathlib import Path

LEAST_BYTES = 1 << 30  # Python, its libraries and a small model, whatever else runs


def free_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return what the machine can give without taking it from others; None where it is not told."""
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # not Linux, or hidden
    return None


def limit_memory(pid: int, n_bytes: int | None = None) -> None:
    """Let a process just started take `n_bytes` at most, by default what is free now.

    What it asks for beyond that is refused to it, which llama.cpp says or ends over.
    """
    if sys.platform != "linux":
        return
    import resource

    if n_bytes is None:
        free = free_bytes()
        if free is None:
            return
        n_bytes = max(free, LEAST_BYTES)
    try:
        resource.prlimit(pid, resource.RLIMIT_DATA, (n_bytes, n_bytes))
    except (ProcessLookupError, PermissionError, ValueError):
        return  # it has ended already, or a lower limit than this one is set from outside
