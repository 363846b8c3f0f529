"""How much memory this process and its children may still take, as far as the system tells.

`swap.py` asks before it loads a second model beside the first.
"""

from __future__ import annotations

from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def free_memory_bytes(
    meminfo: Path = Path("/proc/meminfo"),
    own_group: Path = Path("/proc/self/cgroup"),
    groups: Path = _GROUPS,
) -> int | None:
    """Return what the machine or a control group above us has left; None where nothing is told."""
    found = [_available(meminfo), *_left_in_groups(own_group, groups)]
    known = [number for number in found if number is not None]
    return min(known, default=None)


def _available(meminfo: Path) -> int | None:
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # not Linux, or hidden
    return None


def _left_in_groups(own_group: Path, groups: Path) -> list[int | None]:
    """Return what each group from ours upwards has left (version 2 of control groups)."""
    try:
        lines = own_group.read_text().splitlines()
    except OSError:
        return []
    names = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    if not names:
        return []
    folder = groups / names[0]
    return [_left(folder) for folder in (folder, *folder.parents) if folder.is_relative_to(groups)]


def _left(group: Path) -> int | None:
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((group / "memory.current").read_text())
        # Pages of files that were read are given up before anything is refused.
        for line in (group / "memory.stat").read_text().splitlines():
            if line.startswith("inactive_file "):
                used -= int(line.split()[1])
        return max(0, int(limit) - used)
    except (OSError, ValueError):
        return None
