"""One model's file, held open: what it looks like, its digest, whether it is still the same.

`choice.py` and `follower.py` open files, `loaded.py` starts engines on them. The
descriptor is kept, so that an engine that ends can be started again on the very same weights after
the file was replaced or removed. A file that is overwritten in place is found out by its look.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlstrictd.errors import ModelUnusable
from sqlstrictd.model.header import check_header

MAX_MODEL_BYTES = 16 * 2**30
BLOCK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looks like from outside; two looks differ where it was written or replaced."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: Path) -> Look:
        """Look at what the path leads to. Raises OSError."""
        return cls.of(os.stat(path))

    @classmethod
    def of(cls, found: os.stat_result) -> Look:
        """Return the look in what the system says of a file."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class Abandoned(Exception):
    """Nobody wants the file's digest any more."""


class ModelFile:
    """A model's file. `sha256` has 64 hexadecimal digits; `name` is the path's last part alone."""

    def __init__(
        self, path: Path, sha256: str, look: Look | None = None, descriptor: int | None = None
    ) -> None:
        self.path = path
        self.name = path.name.removesuffix(".gguf")
        self.sha256 = sha256
        self.look = look
        self._descriptor = descriptor

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What an engine must inherit to find the file at `engine_path`."""
        return () if self._descriptor is None or not self._is_named else (self._descriptor,)

    @property
    def engine_path(self) -> Path:
        """Where an engine finds exactly this file, whatever stands at its path by then.

        That works on Linux, where a descriptor has a name that opens its file anew; elsewhere it is
        the path.
        """
        return Path(f"/proc/self/fd/{self._descriptor}") if self._is_named else self.path

    @property
    def _is_named(self) -> bool:
        return self._descriptor is not None and os.path.exists(f"/proc/self/fd/{self._descriptor}")

    @property
    def is_unchanged(self) -> bool:
        """Whether the file looks as when it was hashed, so that what is read of it is that."""
        return self._descriptor is None or self._look_now() == self.look

    def verify(self) -> None:
        """Make sure that its content is what the digest says. Raises ModelUnusable."""
        if self._descriptor is None or self.is_unchanged:
            return
        look = self._look_now()
        if _digest(self._descriptor, lambda: False) != self.sha256 or self._look_now() != look:
            raise ModelUnusable(
                f"the model {self.path} was overwritten while it was in use, and cannot be loaded"
                " again; put the file back, or choose another with `sqlstrict model use`"
            )
        self.look = look

    def take_descriptor(self, other: ModelFile) -> None:
        """Go on with another file of the same content, and close it; this one's may be gone."""
        mine, self._descriptor = self._descriptor, other._descriptor
        self.path, self.name, self.look = other.path, other.name, other.look
        other._descriptor = mine
        other.close()

    def duplicate(self) -> ModelFile:
        """Return the same file with a descriptor of its own."""
        descriptor = None if self._descriptor is None else os.dup(self._descriptor)
        return ModelFile(self.path, self.sha256, self.look, descriptor)

    def close(self) -> None:
        """Close the file; engines that run keep what they have read."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _look_now(self) -> Look:
        assert self._descriptor is not None
        return Look.of(os.fstat(self._descriptor))


def open_model_file(path: Path, should_stop: Callable[[], bool] = lambda: False) -> ModelFile:
    """Open, check and hash a model's file; slow, so that it is a thread's work.

    Raises:
        ModelUnusable: it cannot be read, or what its header says cannot be used.
        Abandoned: `should_stop` said so.
    """
    try:
        # Without waiting: a fifo of that name must not hold anybody up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ModelUnusable(f"the model {path} cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ModelUnusable(f"the model {path} is not a file; give the path of a GGUF file")
        if found.st_size > MAX_MODEL_BYTES:
            raise ModelUnusable(f"the model {path} has {found.st_size} bytes; the limit is 16 GiB")
        if os.pread(descriptor, 4, 0) != b"GGUF":
            raise ModelUnusable(
                f"the model {path} is not a GGUF file; `sqlstrict convert` makes one of a"
                " Hugging Face checkpoint"
            )
        check_header(path)
        file = ModelFile(path, _digest(descriptor, should_stop), Look.of(found), descriptor)
        if not file.is_unchanged:
            raise ModelUnusable(f"the model {path} is still being written")
        return file
    except OSError as error:
        os.close(descriptor)
        raise ModelUnusable(f"the model {path} cannot be read: {error.strerror}") from error
    except BaseException:
        os.close(descriptor)
        raise


def _digest(descriptor: int, should_stop: Callable[[], bool]) -> str:
    digest, offset = hashlib.sha256(), 0
    while block := os.pread(descriptor, BLOCK_BYTES, offset):
        if should_stop():
            raise Abandoned
        digest.update(block)
        offset += len(block)
    return digest.hexdigest()
