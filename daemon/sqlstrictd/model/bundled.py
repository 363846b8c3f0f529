"""The bundled model: a checkpoint in this package, made into a GGUF of the models folder once.

`choice.py` asks for it where no other model is chosen. The converter runs in a process of its
own, since nothing of the front may import llama.cpp.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sys
from pathlib import Path

from sqlstrictd.errors import CannotStart

log = logging.getLogger(__name__)

BUNDLED = Path(__file__).parents[1] / "bundled"
BUNDLED_QUANTIZATION = "Q4_K_M"


async def bundled_model(folder: Path, checkpoint: Path = BUNDLED) -> Path:
    """Return the bundled model's GGUF in the folder, converting it where that has not been done.

    It is named by its checkpoint's content. Raises CannotStart where there is none.
    """
    if not (checkpoint / "config.json").is_file():
        raise CannotStart("this installation has no bundled model; give one with --model FILE")
    key = await asyncio.to_thread(_checkpoint_digest, checkpoint)
    target = folder / f"bundled-{key[:16]}-{BUNDLED_QUANTIZATION}.gguf"
    if target.is_file():
        return target
    log.info("converting the bundled model, once: %s", target)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sqlstrict_convert",
            str(checkpoint),
            "--out",
            str(target),  # which appears when it is whole
            "--quantize",
            BUNDLED_QUANTIZATION,
            "--no-compare",  # the first start need not wait for what tests hold
            "--json",  # its last word says why it failed; progress goes nowhere
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()  # it removes what it has begun
            await process.wait()
            raise
        if process.returncode != 0:
            why = _last_message(said) or f"exit code {process.returncode}"
            raise CannotStart(f"the bundled model could not be converted: {why}")
    except OSError as error:
        raise CannotStart(f"the model cannot be kept in {folder}: {error.strerror}") from error
    return target


def _last_message(said: bytes) -> str:
    """Return the message of the converter's last event, "" where it ended without one."""
    for line in reversed(said.splitlines()):
        try:
            return str(json.loads(line)["message"])
        except (KeyError, TypeError, ValueError):
            continue
    return ""


def _checkpoint_digest(checkpoint: Path) -> str:
    """Hash the names and contents of a checkpoint's files."""
    digest = hashlib.sha256()
    for path in sorted(checkpoint.iterdir()):
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
