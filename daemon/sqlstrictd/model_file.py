"""Which GGUF file the engine loads: the one that was asked for, or the bundled one.

`server.py` calls it once at start. The bundled model ships as a checkpoint and becomes a GGUF in
the data folder at first use, by the converter in a process of its own, since nothing of the front
may import llama.cpp.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlstrictd.config import Config
from sqlstrictd.errors import CannotStart

log = logging.getLogger(__name__)

BUNDLED = Path(__file__).parent / "bundled"
BUNDLED_QUANTIZATION = "Q4_K_M"
MAX_MODEL_BYTES = 16 * 2**30


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model's file and its digest: 64 hexadecimal digits."""

    path: Path
    sha256: str


async def find_model_file(config: Config, bundled: Path = BUNDLED) -> ModelFile:
    """Return the file to load, converting the bundled model first where that has not been done.

    Raises CannotStart where there is none, or it is not a file that a model could be in.
    """
    path = config.model or await _convert(bundled, config.data_folder / "models")
    return ModelFile(path, await asyncio.to_thread(_digest, path))


def _digest(path: Path) -> str:
    """Hash a model's file. Opened without waiting: a fifo of that name must not hang the start."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise CannotStart(f"the model {path} cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise CannotStart(f"the model {path} is not a file; give the path of a GGUF file")
        if found.st_size > MAX_MODEL_BYTES:
            raise CannotStart(f"the model {path} has {found.st_size} bytes; the limit is 16 GiB")
        if os.pread(descriptor, 4, 0) != b"GGUF":
            raise CannotStart(
                f"the model {path} is not a GGUF file; `sqlstrict convert` makes one of a"
                " Hugging Face checkpoint"
            )
        with open(descriptor, "rb", closefd=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    finally:
        os.close(descriptor)


async def _convert(checkpoint: Path, folder: Path) -> Path:
    """Return the bundled model as a GGUF, named by its checkpoint's content."""
    if not (checkpoint / "config.json").is_file():
        raise CannotStart("this installation has no bundled model; give one with --model FILE")
    key = await asyncio.to_thread(_checkpoint_digest, checkpoint)
    target = folder / f"bundled-{key[:16]}-{BUNDLED_QUANTIZATION}.gguf"
    if target.is_file():
        return target
    log.info("converting the bundled model, once: %s", target)
    partial = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sqlstrict_convert",
            str(checkpoint),
            "--out",
            str(partial),
            "--quantize",
            BUNDLED_QUANTIZATION,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if code != 0:
            raise CannotStart(f"the bundled model could not be converted (exit code {code})")
        os.replace(partial, target)
    except OSError as error:
        raise CannotStart(f"the model cannot be kept in {folder}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return target


def _checkpoint_digest(checkpoint: Path) -> str:
    """Hash the names and contents of a checkpoint's files."""
    digest = hashlib.sha256()
    for path in sorted(checkpoint.iterdir()):
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
