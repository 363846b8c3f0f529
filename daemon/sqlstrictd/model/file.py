"""One model's file, held open: what it looks like, its digest, whether it is still the same.

`choice.py` and `follower.py` open files, `loaded.py` starts engines on them. The
descriptor is kept, so that an engine that ends can be started again on the very same weights after
the file was replaced or removed. A file that is overwritten in place is found out by its look.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlstrictd.errors import ModelUnusable
from sqlstrictd.model.header import check_open_header
from sqlstrictd.model.old_bundled import hold

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
    """A model's file. `sha256` has 64 hexadecimal digits; `name` is the path's last part alone;
    `quantization` is what its head says, such as "Q4_K_M", "" where nobody has read it.

    The event loop's thread uses it, but for `verify`, which is another thread's work.
    """

    def __init__(
        self,
        path: Path,
        sha256: str,
        look: Look | None = None,
        descriptor: int | None = None,
        quantization: str = "",
    ) -> None:
        self.path = path
        self.name = path.name.removesuffix(".gguf")
        self.sha256 = sha256
        self.look = look
        self.quantization = quantization
        self._descriptor = descriptor
        self._lock = threading.Lock()  # of descriptor and look together

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
        with self._lock:
            if self._descriptor is None or self.is_unchanged:
                return
            known = self.look
            # Of its own: another file may take this one's place while it is read.
            descriptor = os.dup(self._descriptor)
        try:
            look = Look.of(os.fstat(descriptor))
            is_same = _digest(descriptor, lambda: False) == self.sha256
            is_same = is_same and Look.of(os.fstat(descriptor)) == look
        finally:
            os.close(descriptor)
        with self._lock:
            if self.look is not known:
                return  # another file of this content has taken its place
            if not is_same:
                raise ModelUnusable(
                    f"the model {self.path} was overwritten while it was in use, and cannot be"
                    " loaded again; put the file back, or choose another with `sqlstrict model use`"
                )
            self.look = look

    def take_descriptor(self, other: ModelFile) -> None:
        """Go on with another file of the same content, and close it; this one's may be gone."""
        with self._lock:
            mine, self._descriptor = self._descriptor, other._descriptor
            self.path, self.name, self.look = other.path, other.name, other.look
            other._descriptor = mine
        other.close()

    def duplicate(self) -> ModelFile:
        """Return the same file with a descriptor of its own."""
        descriptor = None if self._descriptor is None else os.dup(self._descriptor)
        return ModelFile(self.path, self.sha256, self.look, descriptor, self.quantization)

    def close(self) -> None:
        """Close the file; engines that run keep what they have read."""
        with self._lock:
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
        hold(descriptor)
        header = check_open_header(descriptor, path)
        digest = _digest(descriptor, should_stop)
        file = ModelFile(path, digest, Look.of(found), descriptor, header.quantization)
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
