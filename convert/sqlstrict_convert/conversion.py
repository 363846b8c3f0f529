"""The main line: read, map, write, quantize, check.

Called by the command line and, as a function, by programs. Each step is a file of its own; this one
gives them their order, their temporary places and the room on the disk, and names the result only
when all has gone well.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlstrict_convert.check import check_gguf
from sqlstrict_convert.checkpoint import Checkpoint, open_checkpoint
from sqlstrict_convert.config import ModelConfig, parse_config
from sqlstrict_convert.errors import CheckpointError, ConvertError, OutputError
from sqlstrict_convert.gguf_file import stored_type, write_gguf
from sqlstrict_convert.origin import read_origin
from sqlstrict_convert.progress import Progress, Stopwatch
from sqlstrict_convert.quantize import BITS_PER_WEIGHT, FLOATS, QUANTIZATIONS, quantize_gguf
from sqlstrict_convert.staging import publish, staging_folder
from sqlstrict_convert.tensors import TensorPlan, match_tensors, plan_tensors
from sqlstrict_convert.vocab import Vocabulary, parse_vocabulary

DEFAULT_QUANTIZATION = "Q4_K_M"
TOKEN_BYTES = 100  # a token and its merge in the file's tables, rounded up


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A checkpoint that can be converted, and what its files mean."""

    checkpoint: Checkpoint
    config: ModelConfig
    vocabulary: Vocabulary
    plans: tuple[TensorPlan, ...]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion made."""

    path: Path
    size_bytes: int
    quantization: str
    n_tensors: int
    n_parameters: int
    f16_path: Path | None  # the kept intermediate file


def convert(
    checkpoint_folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    quantization: str = DEFAULT_QUANTIZATION,
    *,
    keeps_f16: bool = False,
    assumes_word_pattern: bool = False,
    n_threads: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Conversion:
    """Turn a Hugging Face LFM2 checkpoint folder into one GGUF file at `out`.

    `out` is replaced in one step at the end; until then it is left as it is, whatever happens.
    `quantization` is F32, F16 or a name of QUANTIZATIONS. `keeps_f16` leaves the unquantized file
    beside `out`, named after it with `-F16`. `assumes_word_pattern`: see `parse_vocabulary`.

    Raises:
        UnsupportedCheckpoint, CheckpointError: before anything is written.
        OutputError, QuantizeError, CheckError: nothing is left of what was written.
    """
    target = Path(out)
    if quantization not in BITS_PER_WEIGHT:
        raise ConvertError(
            f"unknown quantization {quantization!r}; known are {', '.join(BITS_PER_WEIGHT)}"
        )
    on_progress = Stopwatch(on_progress)
    on_progress(Progress("read", 0, 1))
    model = read_model(Path(checkpoint_folder), assumes_word_pattern=assumes_word_pattern)
    on_progress(Progress("read", 1, 1))

    with staging_folder(target, _needed_bytes(model, quantization)) as folder:
        try:
            finished = _write(model, folder, quantization, on_progress)
        except OSError as error:
            raise OutputError(f"cannot write beside {target}: {error.strerror}") from error
        f16_path = None
        if quantization in QUANTIZATIONS:
            written, finished = finished, folder / "quantized.gguf"
            quantize_gguf(
                written,
                finished,
                quantization,
                n_threads=n_threads,
                on_progress=lambda done, total: on_progress(Progress("quantize", done, total)),
            )
            if keeps_f16:
                f16_path = target.with_name(f"{target.stem}-F16.gguf")
            else:
                written.unlink()
        on_progress(Progress("check", 0, 1))
        check_gguf(finished, model.config, model.plans)
        on_progress(Progress("check", 1, 1))
        size_bytes = finished.stat().st_size
        if f16_path is not None:
            publish(written, f16_path)
        publish(finished, target)
    return Conversion(
        path=target,
        size_bytes=size_bytes,
        quantization=quantization,
        n_tensors=len(model.plans),
        n_parameters=sum(plan.n_values for plan in model.plans),
        f16_path=f16_path,
    )


def read_model(folder: Path, *, assumes_word_pattern: bool) -> SourceModel:
    """Read and check all of a checkpoint but its weights' values.

    Raises:
        UnsupportedCheckpoint, CheckpointError: it cannot be converted; the message says why.
    """
    try:
        checkpoint = open_checkpoint(folder)
    except OSError as error:
        raise CheckpointError(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        config = parse_config(checkpoint.config)
        vocabulary = parse_vocabulary(
            checkpoint.tokenizer,
            checkpoint.tokenizer_config,
            checkpoint.chat_template,
            config,
            assumes_word_pattern=assumes_word_pattern,
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # The parsers check meanings; a list where an object belongs ends up here.
        raise CheckpointError(
            "config.json, tokenizer.json or tokenizer_config.json is not of the form that Hugging "
            f"Face writes: {type(error).__name__}: {error}"
        ) from error
    plans = plan_tensors(config)
    match_tensors(plans, checkpoint.shapes(), config.is_tied)
    return SourceModel(checkpoint, config, vocabulary, plans)


def _write(
    model: SourceModel,
    folder: Path,
    quantization: str,
    on_progress: Callable[[Progress], None],
) -> Path:
    is_f16 = quantization != "F32"
    total = sum(plan.n_values * stored_type(plan, is_f16).itemsize for plan in model.plans)
    done = 0

    def count(plan: TensorPlan) -> None:
        nonlocal done
        done += plan.n_values * stored_type(plan, is_f16).itemsize
        on_progress(Progress("write", done, total))

    written = folder / "model.gguf"
    write_gguf(
        written,
        model.config,
        model.vocabulary,
        read_origin(model.checkpoint.folder, model.checkpoint.config),
        model.plans,
        lambda plan: model.checkpoint.pieces(plan.source_name),
        is_f16=is_f16,
        on_tensor=count,
    )
    return written


def _needed_bytes(model: SourceModel, quantization: str) -> int:
    n_values = sum(plan.n_values for plan in model.plans)
    unquantized = quantization if quantization in FLOATS else "F16"
    needed = n_values * BITS_PER_WEIGHT[unquantized] // 8 + model.config.vocab_size * TOKEN_BYTES
    if quantization in QUANTIZATIONS:  # both files stand there while quantizing
        needed += (
            n_values * BITS_PER_WEIGHT[quantization] // 8 + model.config.vocab_size * TOKEN_BYTES
        )
    return needed
