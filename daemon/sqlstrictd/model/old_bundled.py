"""GGUFs of bundled models of earlier versions, which no daemon uses any more, are removed.

`choice.py` calls it when the present one is there. A daemon holds the files that it uses under a
shared lock; one that can be locked alone is nobody's. A daemon that opens the file in that moment
keeps what it has opened.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import stat
from pathlib import Path

log = logging.getLogger(__name__)

_BUNDLED = re.compile(r"bundled-[0-9a-f]{16}-[A-Z0-9_]+\.gguf")


def hold(descriptor: int) -> None:
    """Say that an open file is in use, until the descriptor and its copies are closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return  # being removed just now, or a disk without locks; what is open stays open


def remove_old_bundled(present: Path, chosen: str | None) -> None:
    """Remove bundled models beside the present one, unless they are in use or chosen by name."""
    try:
        entries = list(os.scandir(present.parent))
    except OSError as error:
        log.warning("bundled models of earlier versions are not looked for: %s", error)
        return
    for entry in entries:
        is_old = _BUNDLED.fullmatch(entry.name) and entry.name != present.name
        if is_old and entry.name != f"{chosen}.gguf":
            try:
                _remove_unused(Path(entry.path))
            except BlockingIOError:
                continue  # a daemon uses it
            except OSError as error:
                log.warning("%s is not used any more, and cannot be removed: %s", entry.name, error)


def _remove_unused(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = os.lstat(path)
        if (now.st_dev, now.st_ino) == (found.st_dev, found.st_ino):
            path.unlink()
            log.info("removed %s, the bundled model of an earlier version", path.name)
    finally:
        os.close(descriptor)
