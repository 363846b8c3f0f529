"""The folder of prefix files: private, bounded, and shared with other daemons.

`prefix_store.py` calls it from its threads. The folder is ours alone (0700, no link), and so is
each file (0600, a plain file with one name); what is not is deleted, never followed. A file comes
into being under its name whole or not at all, by a rename; it is not synced to the disk first,
since what a power failure leaves behind fails its checksum and is built anew. A temporary file is
locked by whoever writes it, so that one without a lock was left behind by a process that died, and
can be removed by any other.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlstrictd.engine import prefix_file
from sqlstrictd.engine.prefix_file import Refused, Tokens
from sqlstrictd.engine.sequence_state import State

MAX_FILES = 256
_SUFFIX, _TEMPORARY = ".prefix", ".tmp"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NOT_OURS = (errno.ELOOP, errno.EACCES, errno.ENXIO)  # a link, closed to us, a socket


class PrefixFolder:
    """At most `max_bytes` of files, the least recently used ones deleted first."""

    def __init__(
        self, path: Path, identity: bytes, max_bytes: int, max_files: int = MAX_FILES
    ) -> None:
        self._path = path
        self._identity = identity
        self._max_bytes = max_bytes
        self._max_files = max_files

    def name_of(self, tokens: Tokens) -> str:
        """Return the name of the file for these tokens."""
        return prefix_file.file_name(self._identity, tokens)

    def read(self, tokens: Tokens) -> State | None:
        """Return the state of these tokens and note its use; None where there is no file.

        Raises:
            Refused: there was one that is not what its name says; it is deleted.
            OSError: the folder or the file cannot be read, or the folder is not ours alone.
        """
        name = self.name_of(tokens)
        with self._open() as folder:
            try:
                descriptor = os.open(name, _OLD, dir_fd=folder)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno not in _NOT_OURS:
                    raise
                self._delete(folder, name)
                raise Refused("it is not a plain file of ours") from None
            try:
                state = prefix_file.read(descriptor, self._size(descriptor), self._identity, tokens)
                os.utime(descriptor)
            except Refused:
                self._delete(folder, name)
                raise
            finally:
                os.close(descriptor)
            return state

    def write(self, tokens: Tokens, state: State) -> list[str]:
        """Keep a state; return the names that made way for it, or its own where it is too large.

        Raises OSError, also where another daemon took the temporary file for an abandoned one in
        the moment before its lock; nothing is left behind then.
        """
        size, name = prefix_file.file_bytes(tokens, state), self.name_of(tokens)
        if size > self._max_bytes:
            return [name]
        with self._open() as folder:
            deleted = self._make_room(folder, size, name)
            temporary = f"{secrets.token_hex(16)}{_TEMPORARY}"
            descriptor = os.open(temporary, _NEW, 0o600, dir_fd=folder)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                prefix_file.write(descriptor, self._identity, tokens, state)
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                self._delete(folder, temporary)
                raise
            finally:
                os.close(descriptor)
            return deleted

    def note_use(self, tokens: Tokens) -> None:
        """Make the file of these tokens the last one to be deleted. Raises OSError."""
        with self._open() as folder, suppress(FileNotFoundError):
            os.utime(self.name_of(tokens), dir_fd=folder, follow_symlinks=False)

    def delete(self, tokens: Tokens) -> None:
        """Delete the file of these tokens. Raises OSError."""
        with self._open() as folder:
            self._delete(folder, self.name_of(tokens))

    @contextmanager
    def _open(self) -> Iterator[int]:
        """Open the folder, made if need be. Raises OSError where it is not ours alone."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        folder = os.open(self._path, flags)
        try:
            found = os.fstat(folder)
            if found.st_uid != os.geteuid() or found.st_mode & 0o077:
                raise PermissionError("the folder of prefix files is open to others")
            yield folder
        finally:
            os.close(folder)

    def _size(self, descriptor: int) -> int:
        """Return the length of a file that is plain, ours alone and not too large, else refuse."""
        found = os.fstat(descriptor)
        is_ours = found.st_uid == os.geteuid() and not found.st_mode & 0o077
        # None are left of its names where another daemon has just put its own in the place.
        if not (stat.S_ISREG(found.st_mode) and is_ours and found.st_nlink <= 1):
            raise Refused("it is not a plain file of ours")
        if found.st_size > self._max_bytes:
            raise Refused("it is larger than all files together may be")
        return found.st_size

    def _make_room(self, folder: int, size: int, name: str) -> list[str]:
        """Delete the oldest files until one more fits, which replaces that of its name."""
        found = []
        n_bytes = 0
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for one in names:
            with suppress(FileNotFoundError):
                if one.endswith(_TEMPORARY) and self._is_abandoned(folder, one):
                    self._delete(folder, one)
                elif one.endswith((_SUFFIX, _TEMPORARY)) and one != name:
                    look = os.stat(one, dir_fd=folder, follow_symlinks=False)
                    n_bytes += look.st_size
                    if one.endswith(_SUFFIX):
                        found.append((look.st_mtime_ns, look.st_size, one))
        found.sort(reverse=True)
        deleted = []
        while found and (n_bytes + size > self._max_bytes or len(found) >= self._max_files):
            _, n_bytes_of_one, oldest = found.pop()
            self._delete(folder, oldest)
            n_bytes -= n_bytes_of_one
            deleted.append(oldest)
        return deleted

    def _is_abandoned(self, folder: int, name: str) -> bool:
        """Whether nobody writes the temporary file any more."""
        try:
            descriptor = os.open(name, _OLD, dir_fd=folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            return error.errno in _NOT_OURS
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _delete(self, folder: int, name: str) -> None:
        with suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(name, dir_fd=folder)
