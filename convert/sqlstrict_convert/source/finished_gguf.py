"""A GGUF file that somebody else made -> the same bytes in the models folder, checked first.

Called by `sources`, `conversion` and `pull`. Its head is read here, its weights are loaded and
computed with in a child process, and nothing of it is changed: whoever compares its digest with the
publisher's finds them equal.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlstrict_convert.errors import CheckError, CheckpointError, OutputError
from sqlstrict_convert.gguf_format.header import GgufError, GgufHeader, read_header
from sqlstrict_convert.progress import Progress, Stopwatch
from sqlstrict_convert.quality.check import load_gguf
from sqlstrict_convert.staging import publish, staging_folder

CHUNK_BYTES = 4 << 20


def check_gguf_header(path: Path) -> GgufHeader:
    """Return the head of a finished GGUF file that a daemon could serve.

    Raises:
        CheckpointError: it is broken, one part of several, or speaks no ChatML.
    """
    try:
        header = read_header(path)
    except GgufError as error:
        raise CheckpointError(str(error)) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if header.part_count > 1:
        raise CheckpointError(
            f"{path.name} is one of {header.part_count} parts; join them first "
            "(llama-gguf-split --merge)"
        )
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, tuple) or not {"<|im_start|>", "<|im_end|>"} <= set(tokens):
        raise CheckpointError(
            f"{path.name} has no tokens <|im_start|> and <|im_end|>; only models that were trained "
            "on ChatML can be asked here"
        )
    return header


def take_gguf(
    path: Path,
    target: Path,
    on_progress: Callable[[Progress], None],
    on_finished: Callable[[Path], None] = lambda path: None,
) -> GgufHeader:
    """Copy a finished GGUF file to `target`, where it appears only when the copy computes.

    `on_finished` is called with the copy just before it gets its name.

    Raises:
        CheckpointError: the copy is no whole GGUF file of the kind that is served.
        CheckError: llama.cpp does not load it or does not compute finite logits.
        OutputError: it cannot be written there.
    """
    on_progress = Stopwatch(on_progress)
    try:
        with staging_folder(target, path.stat().st_size) as folder:
            copy = folder / "model.gguf"
            _copy(path, copy, on_progress)
            header = check_gguf_header(copy)
            on_progress(Progress("check", 0, 1))
            load_gguf(copy)
            on_progress(Progress("check", 1, 1))
            on_finished(copy)
            publish(copy, target)
            return header
    except OSError as error:
        raise OutputError(f"cannot copy {path.name} to {target}: {error.strerror}") from error
    except CheckError as error:
        raise CheckError(f"{path.name}: {error}") from error


def _copy(path: Path, target: Path, on_progress: Callable[[Progress], None]) -> None:
    with path.open("rb") as source, target.open("wb") as file:
        total, done = os.fstat(source.fileno()).st_size, 0
        on_progress(Progress("copy", 0, total))
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            on_progress(Progress("copy", done, max(done, total)))
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, target)
