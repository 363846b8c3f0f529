"""A Hugging Face checkpoint folder -> its parsed JSON files and its tensors as float32 pieces.

Called by `convert`. Opens nothing but JSON and safetensors: no pickle, no code of the checkpoint.
Knows files and number formats, not LFM2; kinds of files that are not taken are refused here, before
any long work. Adapters and weights quantized by other tools would enter here as further readers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint
from sqlstrict_convert.safetensors_file import StoredTensor, read_header

JSON_MAX_BYTES = 64 << 20  # the real tokenizer.json has 5 MB
PIECE_VALUES = 1 << 20  # values read at a time: 4 MB in F32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint: what its JSON files say, and where each tensor lies."""

    folder: Path
    config: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    chat_template: str | None
    tensors: Mapping[str, StoredTensor]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return each tensor's shape by name."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    def pieces(self, name: str) -> Iterator[NDArray[np.float32]]:
        """Yield a tensor's values in order, in flat float32 pieces.

        Raises:
            CheckpointError: the file became shorter since it was opened.
        """
        tensor = self.tensors[name]
        with tensor.path.open("rb") as file:
            file.seek(tensor.start)
            left = tensor.n_values
            while left:
                n_values = min(left, PIECE_VALUES)
                data = file.read(n_values * tensor.value_bytes)
                if len(data) != n_values * tensor.value_bytes:
                    raise CheckpointError(f"{tensor.path.name} ends inside of tensor {name}")
                yield _as_float32(data, tensor.dtype)
                left -= n_values


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read every JSON file and safetensors header of a checkpoint folder.

    Raises:
        UnsupportedCheckpoint: a GGUF file, an adapter, pickled weights, or another number format.
        CheckpointError: a file is missing or broken.
    """
    _refuse_other_kinds(folder)
    template = folder / "chat_template.jinja"
    tokenizer_config = folder / "tokenizer_config.json"
    return Checkpoint(
        folder=folder,
        config=_read_json(folder / "config.json"),
        tokenizer=_read_json(folder / "tokenizer.json"),
        tokenizer_config=_read_json(tokenizer_config) if tokenizer_config.is_file() else {},
        chat_template=_read_text(template) if template.is_file() else None,
        tensors=_find_tensors(folder),
    )


def _refuse_other_kinds(folder: Path) -> None:
    if folder.is_file():
        with folder.open("rb") as file:
            magic = file.read(4)
        if magic == b"GGUF":
            raise UnsupportedCheckpoint(
                f"{folder} is a GGUF file already; give it to `sqlstrict serve --model` as it is"
            )
        raise UnsupportedCheckpoint(
            f"{folder} is a file; give the folder that holds config.json, tokenizer.json "
            "and the weights"
        )
    if not folder.is_dir():
        raise CheckpointError(f"{folder} does not exist")
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise UnsupportedCheckpoint(
                f"{folder} holds a LoRA adapter alone; merge it into its base model first "
                "(peft: merge_and_unload, then save_pretrained) and convert the merged folder"
            )
        ready = sorted(folder.glob("*.gguf"))
        if ready:
            raise UnsupportedCheckpoint(
                f"{folder} holds a GGUF file already; give {ready[0].name} to "
                "`sqlstrict serve --model`"
            )
        raise CheckpointError(f"{folder} has no config.json; is it a Hugging Face checkpoint?")


def _find_tensors(folder: Path) -> dict[str, StoredTensor]:
    index = folder / "model.safetensors.index.json"
    single = folder / "model.safetensors"
    if single.is_file():
        return read_header(single)
    if index.is_file():
        return _read_shards(index)
    if (folder / "adapter_config.json").is_file():
        raise UnsupportedCheckpoint(
            f"{folder} holds a LoRA adapter without the base model's weights; merge it first "
            "(peft: merge_and_unload, then save_pretrained) and convert the merged folder"
        )
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt*")):
        raise UnsupportedCheckpoint(
            f"{folder} holds pickled weights, which can run code when read; save them as "
            "safetensors (save_pretrained does) and convert those"
        )
    raise CheckpointError(f"{folder} has neither {single.name} nor {index.name}")


def _read_shards(index: Path) -> dict[str, StoredTensor]:
    weight_map = _read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index.name} has no weight_map")
    tensors: dict[str, StoredTensor] = {}
    for shard in sorted(set(weight_map.values()), key=str):
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise CheckpointError(f"{index.name} names a shard outside of the folder: {shard!r}")
        if not (index.parent / shard).is_file():
            raise CheckpointError(f"{shard} is missing; {index.name} asks for it")
        for name, tensor in read_header(index.parent / shard).items():
            if weight_map.get(name) != shard:
                raise CheckpointError(f"{shard} holds {name}, which {index.name} puts elsewhere")
            tensors[name] = tensor
    for name, shard in weight_map.items():
        if name not in tensors:
            raise CheckpointError(f"{shard} lacks {name}, which {index.name} puts there")
    return tensors


def _as_float32(data: bytes, dtype: str) -> NDArray[np.float32]:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, "<f2" if dtype == "F16" else "<f4").astype(np.float32)


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > JSON_MAX_BYTES:
            raise CheckpointError(f"{path.name} is larger than {JSON_MAX_BYTES >> 20} MB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} has no {path.name}") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path.name} is not UTF-8: byte {error.start}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(_read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{path.name} is not a JSON object")
    return parsed
