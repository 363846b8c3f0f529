"""One file of known digest, from somewhere that can begin in the middle -> the whole file, checked.

Called by `hub`, which says where the bytes come from. What has arrived is kept beside the target
under a name made of the digest, so that a broken connection, a killed process or a power cut costs
at most the bytes of the last moment. The target appears when its content is proved, never before.
"""

import errno
import fcntl
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlstrict_convert.errors import HubError, OutputError

SUFFIX = ".sqlstrict.incomplete"
TRIES = 6  # in a row without a single new byte
WAIT_S = 0.5  # before the second try; doubled each time
WAIT_MAX_S = 300.0  # the longest that a hub may ask for
HASH_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What a file must be: `digest` is SHA-256, or git's SHA-1 for small files."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes from `start` on; a server may begin earlier than it was asked to."""

    start: int
    chunks: Iterator[bytes]


class Interrupted(Exception):
    """The bytes stopped coming, and trying again may help; `wait_s` is what the hub asks for."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


Opener = Callable[[int], AbstractContextManager[Body]]


def download(
    content: Content,
    target: Path,
    open_at: Opener,
    on_bytes: Callable[[int], None],
    on_note: Callable[[str], None],
) -> None:
    """Make `target` the whole file; returns at once where it is there.

    `on_bytes` hears how many bytes of the file are here, those of earlier runs included; `on_note`
    of waits, for a person.

    Raises:
        HubError: it does not arrive, or what arrives is something else.
        OutputError: it cannot be written here.
    """
    partial = target.with_name(content.digest + SUFFIX)
    try:
        with _locked(partial, content.name, on_note):
            if target.exists():  # another process finished it meanwhile
                partial.unlink(missing_ok=True)
                return
            for is_last in (False, True):
                _fill(partial, content, open_at, on_bytes, on_note)
                if digest_of(partial, content.digest) == content.digest:
                    break
                os.truncate(partial, 0)
                if is_last:
                    raise HubError(
                        f"{content.name} arrived twice with other content than the hub announces; "
                        "something between here and there changes it"
                    )
                on_note(f"{content.name} arrived damaged; downloading it again")
            os.replace(partial, target)
            _sync(target.parent)
    except OSError as error:
        raise OutputError(
            f"cannot keep {content.name} in {target.parent}: {error.strerror}"
        ) from error


def digest_of(path: Path, like: str) -> str:
    """Return a file's digest of the same kind as `like`: SHA-256, or git's SHA-1 of a blob."""
    digest = hashlib.sha256()
    if len(like) == 40:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fill(
    partial: Path,
    content: Content,
    open_at: Opener,
    on_bytes: Callable[[int], None],
    on_note: Callable[[str], None],
) -> None:
    """Append what is missing, trying again while that helps."""
    failures = 0
    with partial.open("r+b") as file:
        here = file.seek(0, os.SEEK_END)
        if here > content.size_bytes:
            here = _restart(file)
        while here < content.size_bytes:
            before = here
            try:
                with open_at(here) as body:
                    if body.start != here:
                        here = _restart(file)
                    for chunk in body.chunks:
                        file.write(chunk)
                        file.flush()  # to the system, which keeps it when this process is killed
                        here += len(chunk)
                        if here > content.size_bytes:
                            raise Interrupted("more bytes came than the hub announced")
                        on_bytes(here)
                if here < content.size_bytes:
                    raise Interrupted("the connection ended early")
            except Interrupted as error:
                if here > content.size_bytes:
                    here = _restart(file)
                failures = 0 if here > before else failures + 1
                _wait(content.name, here, failures, error, on_note)
        os.fsync(file.fileno())


def _restart(file: BinaryIO) -> int:
    file.seek(0)
    file.truncate()
    return 0


def _wait(
    name: str, here: int, failures: int, error: Interrupted, on_note: Callable[[str], None]
) -> None:
    if failures >= TRIES or (error.wait_s or 0) > WAIT_MAX_S:
        asked = f"; the hub asks to wait {error.wait_s:.0f} s" if error.wait_s else ""
        raise HubError(
            f"{name} does not arrive: {error}{asked}; {here / 1e6:.1f} MB are kept, the same "
            "command goes on from there"
        ) from error
    wait_s = WAIT_S * 2 ** max(failures - 1, 0) * random.uniform(0.5, 1.0)
    wait_s = max(wait_s if error.wait_s is None else 0.0, error.wait_s or 0.0)
    on_note(f"{name}: {error} at {here / 1e6:.1f} MB; trying again in {wait_s:.1f} s")
    time.sleep(wait_s)


@contextmanager
def _locked(partial: Path, name: str, on_note: Callable[[str], None]) -> Iterator[None]:
    partial.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            on_note(f"{name} is being downloaded by another process; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
