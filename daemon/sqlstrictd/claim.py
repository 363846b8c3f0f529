"""The daemon's claim on its socket: a private folder, a lock held for life, a path that is ours.

`server.py` makes one claim before anything else. gRPC alone would take a socket from a daemon that
serves on it, and delete whatever stands at its path when it stops; so it binds a path beside, which
is moved into place under the lock, and only this file removes the real one.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

from sqlstrict_proto.address import AddressError, check_folder

from sqlstrictd.errors import CannotStart


class Claim:
    """A socket path that this process alone may bind, until `release`."""

    def __init__(self, path: Path, lock_fd: int, was_stale: bool) -> None:
        self.path = path
        self.was_stale = was_stale
        self._lock_fd = lock_fd
        self._identity: tuple[int, int] | None = None

    @classmethod
    def take(cls, path: Path) -> Claim:
        """Take the lock and look at the path. Raises CannotStart, saying why in one line."""
        folder = path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_folder(folder)
            lock_fd = _lock(_lock_path(path))
        except AddressError as error:
            raise CannotStart(str(error)) from error
        except OSError as error:
            raise CannotStart(f"{error.filename or folder}: {error.strerror}") from error
        try:
            was_stale = _is_stale_socket(path)
        except BaseException:
            _unlock(path, lock_fd)
            raise
        return cls(path, lock_fd, was_stale)

    @property
    def bind_path(self) -> Path:
        """Where gRPC is to bind: beside the real path, and not longer than it."""
        return self.path.with_name("~" + self.path.name[1:])

    def publish(self) -> None:
        """Move the bound socket to its path, in the place of a stale one."""
        os.rename(self.bind_path, self.path)
        self._identity = _identity(self.path)

    @property
    def is_in_place(self) -> bool:
        """Whether clients that go to the path still find this daemon."""
        return self._identity is not None and _identity(self.path) == self._identity

    def release(self) -> None:
        """Remove the socket if it is ours, then the lock's file, then let the lock go."""
        if self.is_in_place:
            self.path.unlink(missing_ok=True)
        _unlock(self.path, self._lock_fd)


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _lock(path: Path) -> int:
    """Take the lock. The lock decides who runs; the process number in the file is for people."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock_fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(lock_fd, 32, 0).decode("ascii", errors="replace").strip()
            os.close(lock_fd)
            raise CannotStart(f"already running (pid {pid or 'unknown'})") from error
        except BaseException:
            os.close(lock_fd)
            raise
        # The daemon before may have removed the file between our open and our lock; then ours is
        # a lock on a file that nobody else will ever open.
        held = os.fstat(lock_fd)
        if _identity(path) == (held.st_dev, held.st_ino):
            os.ftruncate(lock_fd, 0)
            os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
            return lock_fd
        os.close(lock_fd)


def _unlock(path: Path, lock_fd: int) -> None:
    with suppress(OSError):
        _lock_path(path).unlink(missing_ok=True)
    os.close(lock_fd)


def _is_stale_socket(path: Path) -> bool:
    """Say whether a dead daemon's socket is there. Raises CannotStart for anything else there."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISSOCK(mode):
        return True
    kind = next(
        name
        for is_kind, name in (
            (stat.S_ISDIR, "a directory"),
            (stat.S_ISLNK, "a link"),
            (stat.S_ISREG, "a file"),
            (lambda _: True, "not a socket"),
        )
        if is_kind(mode)
    )
    raise CannotStart(f"{path} is {kind}; move it away, or use another --address")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
