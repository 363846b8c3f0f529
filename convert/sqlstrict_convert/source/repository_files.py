"""The names of a repository's files -> those to download, or a refusal before any download.

Called by `sources`. An allow-list: what has no known name is never fetched, so neither pickled
weights nor code reach this machine. Looks at names alone.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint
from sqlstrict_convert.source.repository import is_file_name

DEFAULT_QUANTIZATION = "Q4_K_M"
CARD = "README.md"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
DESCRIPTIONS = (  # small, and read before any weights are fetched
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
    "chat_template.jinja",
    CARD,
    "LICENSE",
)
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_OTHERS = {
    ".onnx": "ONNX",
    ".h5": "TensorFlow",
    ".msgpack": "Flax",
    ".tflite": "TensorFlow Lite",
    ".mlmodel": "Core ML",
    ".mlpackage": "Core ML",
    ".nemo": "NeMo",
    ".npz": "NumPy",
    ".pte": "ExecuTorch",
    ".bundle": "LEAP",
}
_PART_OF_SEVERAL = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_NO_MODEL = re.compile(r"(mmproj|imatrix)", re.IGNORECASE)


class Form(Enum):
    """What a repository holds, as far as names show it."""

    CHECKPOINT = "checkpoint"
    ADAPTER = "adapter"
    GGUF = "gguf"


@dataclass(frozen=True, slots=True)
class Choice:
    """What to fetch: first the descriptions, then the weights; `weights` may be an index yet."""

    form: Form
    descriptions: tuple[str, ...]
    weights: str


def choose_files(
    repository: str, names: Collection[str], file: str | None, quantization: str | None
) -> Choice:
    """Return what of a repository is to be fetched.

    `file` is the GGUF file that was asked for; else `quantization` chooses where there are several.

    Raises:
        UnsupportedCheckpoint: weights in a form that is not taken; the message names the form.
        CheckpointError: no weights at all, or no such file.
    """
    descriptions = tuple(name for name in DESCRIPTIONS if name in names)
    if file is not None:
        return Choice(Form.GGUF, (), choose_gguf(repository, names, file, quantization))
    for weights in (WEIGHTS, INDEX):
        if weights in names:
            _need(repository, names, "config.json")
            _need(repository, names, "tokenizer.json")
            return Choice(Form.CHECKPOINT, descriptions, weights)
    if ADAPTER in names:
        _need(repository, names, ADAPTER_CONFIG)
        return Choice(Form.ADAPTER, (*descriptions, ADAPTER_CONFIG), ADAPTER)
    if any(name.lower().endswith(".gguf") for name in names):
        return Choice(Form.GGUF, (), choose_gguf(repository, names, None, quantization))
    raise _refusal(repository, names)


def choose_gguf(
    repository: str, names: Collection[str], file: str | None, quantization: str | None
) -> str:
    """Return the one GGUF file that is meant. Raises as `choose_files` does."""
    found = [
        name
        for name in sorted(names)
        if name.lower().endswith(".gguf") and not _NO_MODEL.search(name) and is_file_name(name)
    ]
    if file is not None:
        if file not in names:
            raise CheckpointError(f"{repository} has no file {file}{_list(found)}")
        return _whole(repository, file)
    wanted = quantization or DEFAULT_QUANTIZATION
    pattern = re.compile(rf"(^|[^A-Z0-9]){re.escape(wanted.upper())}($|[^A-Z0-9_])")
    fitting = [name for name in found if pattern.search(name.upper())]
    if len(found) == 1:
        fitting = found  # a finished file is taken as it is, whatever it was quantized to
    if len(fitting) != 1:
        how_many = "no" if not fitting else "more than one"
        raise CheckpointError(
            f"{repository} has {how_many} GGUF file of {wanted}; name the file itself, as "
            f"FOLDER/FILE.gguf or hf.co/owner/name/FILE.gguf{_list(found)}"
        )
    return _whole(repository, fitting[0])


def choose_shards(index: Path) -> tuple[str, ...]:
    """Return the files that an index of shards names.

    Raises:
        CheckpointError: the index is broken or names a file outside of the repository.
    """
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        shards = sorted(set(weight_map.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{index.name} has no weight_map that can be read") from error
    for shard in shards:
        if not is_file_name(shard) or "/" in shard or not shard.endswith(".safetensors"):
            raise CheckpointError(f"{index.name} names a shard that is none: {shard[:100]!r}")
    return tuple(shards)


def _whole(repository: str, name: str) -> str:
    if _PART_OF_SEVERAL.search(name):
        raise UnsupportedCheckpoint(
            f"{repository}: {name} is one of several parts; join them first "
            "(llama-gguf-split --merge) and give the joined file"
        )
    return name


def _need(repository: str, names: Collection[str], name: str) -> None:
    if name not in names:
        raise CheckpointError(f"{repository} has weights but no {name}; it is not whole")


def _refusal(repository: str, names: Collection[str]) -> Exception:
    for name in sorted(names):
        if name.lower().endswith(_PICKLED):
            return UnsupportedCheckpoint(
                f"{repository} has pickled weights ({name}), which can run code when read; ask for "
                "safetensors, or save them so (save_pretrained does) and give that folder"
            )
    for name in sorted(names):
        kind = next((_OTHERS[end] for end in _OTHERS if name.lower().endswith(end)), None)
        if kind is not None:
            return UnsupportedCheckpoint(
                f"{repository} has weights for {kind} alone ({name}); safetensors, an adapter or "
                "a GGUF file are taken"
            )
    if any(name.endswith(".safetensors") for name in names):
        return CheckpointError(
            f"{repository} has safetensors, but none that is {WEIGHTS}, {INDEX} or {ADAPTER} at "
            "its top; give the folder that holds them"
        )
    return CheckpointError(f"{repository} has no weights: neither safetensors nor a GGUF file")


def _list(names: Collection[str]) -> str:
    shown = sorted(names)[:20]
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"; it has {', '.join(shown)}{more}" if shown else ""
