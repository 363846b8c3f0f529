"""A Hugging Face checkpoint folder -> its parsed JSON files and its tensors as float32 pieces.

Called by `model`. Opens nothing but JSON and safetensors: no pickle, no code of the checkpoint.
Which form the weights are in (plain, in shards, quantized by bitsandbytes, an adapter over a base)
is settled here; each form is a file of its own, and kinds that are not taken are refused before any
long work. Knows LFM2 by the names of its embedding and head alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.checkpoint.adapter import merge_adapter
from sqlstrict_convert.checkpoint.adapter_config import parse_adapter_config
from sqlstrict_convert.checkpoint.bitsandbytes import read_weights
from sqlstrict_convert.checkpoint.json_file import read_json, read_text
from sqlstrict_convert.checkpoint.quantization import parse_quantization
from sqlstrict_convert.checkpoint.safetensors_file import StoredTensor, read_header
from sqlstrict_convert.checkpoint.tied_head import settle_head
from sqlstrict_convert.checkpoint.weight import Weight
from sqlstrict_convert.checkpoint.weight_names import rename_tensors
from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
TEMPLATE = "chat_template.jinja"
ADAPTER_CONFIG, ADAPTER = "adapter_config.json", "adapter_model.safetensors"
MODEL, INDEX = "model.safetensors", "model.safetensors.index.json"

FindBase = Callable[[str, str | None], Path]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint: what its JSON files say, and its weights."""

    folder: Path
    config: Mapping[str, Any]  # of the merged model, where there is an adapter
    tokenizer: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    chat_template: str | None
    tensors: Mapping[str, Weight]
    form: str  # in words: "plain", "bitsandbytes 4-bit nf4", "LoRA adapter over plain"
    files: tuple[Path, ...]  # all that were read, the base's included

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return each tensor's shape by name."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    def pieces(self, name: str) -> Iterator[NDArray[np.float32]]:
        """Yield a tensor's values in order, in flat float32 pieces.

        Raises:
            CheckpointError: the file became shorter since it was opened, or its values are damaged.
        """
        for block in self.tensors[name].blocks():
            yield block.reshape(-1)


@dataclass(frozen=True, slots=True)
class _Model:
    """Config and weights of a folder, without its tokenizer."""

    config: Mapping[str, Any]
    weights: Mapping[str, Weight]
    form: str
    files: tuple[Path, ...]


def open_checkpoint(folder: Path, *, find_base: FindBase | None = None) -> Checkpoint:
    """Read every JSON file and safetensors header of a checkpoint folder.

    `find_base` returns the folder of an adapter's base, by the name and revision that the adapter
    gives; without it an adapter is refused.

    Raises:
        UnsupportedCheckpoint: a GGUF file, pickled weights, another number format or adapter.
        CheckpointError: a file is missing or broken, or files do not belong together.
    """
    _refuse_other_kinds(folder)
    if not _is_adapter(folder):
        model = _read_model(folder)
        texts = (folder, folder, folder)
    else:
        model, base = _read_merged(folder, find_base)
        texts = _text_folders(folder, base)
    tokenizer, tokenizer_config, template = (
        place / name
        for place, name in zip(texts, (TOKENIZER, TOKENIZER_CONFIG, TEMPLATE), strict=True)
    )
    config, weights = settle_head(model.config, model.weights)
    texts_read = (path for path in (tokenizer, tokenizer_config, template) if path.is_file())
    return Checkpoint(
        folder=folder,
        config=config,
        tokenizer=read_json(tokenizer),
        tokenizer_config=read_json(tokenizer_config) if tokenizer_config.is_file() else {},
        chat_template=read_text(template) if template.is_file() else None,
        tensors=weights,
        form=model.form,
        files=(*model.files, *texts_read),
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
    if not (folder / CONFIG).is_file() and not (folder / ADAPTER_CONFIG).is_file():
        ready = sorted(folder.glob("*.gguf"))
        if ready:
            raise UnsupportedCheckpoint(
                f"{folder} holds a GGUF file already; give {ready[0].name} to "
                "`sqlstrict serve --model`"
            )
        raise CheckpointError(f"{folder} has no config.json; is it a Hugging Face checkpoint?")


def _is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter and no weights of a whole model."""
    has_weights = (folder / MODEL).is_file() or (folder / INDEX).is_file()
    if not (folder / ADAPTER_CONFIG).is_file():
        return False
    if has_weights and (folder / ADAPTER).is_file():
        raise UnsupportedCheckpoint(
            f"{folder} holds the weights of a whole model and an adapter; whether they are merged "
            f"already is not said. Remove {ADAPTER} or the model's weights"
        )
    return not has_weights


def _read_model(folder: Path) -> _Model:
    config = read_json(folder / CONFIG)
    quantization = parse_quantization(config)
    stored, files = _find_tensors(folder)
    weights = read_weights(rename_tensors(stored), quantization)
    is_quantized = len(stored) != len(weights)
    form = f"bitsandbytes {quantization}" if is_quantized else "plain"
    return _Model(config, weights, form, (folder / CONFIG, *files))


def _read_merged(folder: Path, find_base: FindBase | None) -> tuple[_Model, Path]:
    adapter = parse_adapter_config(read_json(folder / ADAPTER_CONFIG))
    if not (folder / ADAPTER).is_file():
        if (folder / "adapter_model.bin").is_file():
            raise UnsupportedCheckpoint(
                f"{folder} holds a pickled adapter, which can run code when read; save it as "
                "safetensors (save_pretrained does) and convert that"
            )
        raise CheckpointError(f"{folder} has {ADAPTER_CONFIG} without {ADAPTER}")
    tensors = read_header(folder / ADAPTER)
    if adapter.base_name is None and find_base is None:
        raise CheckpointError(f"{folder / ADAPTER_CONFIG} does not name the base model")
    if find_base is None:
        raise CheckpointError(
            f"{folder} holds a LoRA adapter alone; its base {adapter.base_name} is needed too"
        )
    base_folder = find_base(adapter.base_name or "", adapter.base_revision)
    _refuse_other_kinds(base_folder)
    if _is_adapter(base_folder):
        raise UnsupportedCheckpoint(
            f"{base_folder}, the base of the adapter, is an adapter itself; merge that one first "
            "(PEFT's merge_and_unload) and name the merged folder as the base"
        )
    base = _read_model(base_folder)
    config, weights = merge_adapter(adapter, tensors, base.config, base.weights)
    files = (folder / ADAPTER_CONFIG, folder / ADAPTER, *base.files)
    return _Model(config, weights, f"LoRA adapter over {base.form}", files), base_folder


def _text_folders(adapter: Path, base: Path) -> tuple[Path, Path, Path]:
    """Return where tokenizer, its config and the chat template come from.

    What the adapter brings goes before the base's; a template in its tokenizer_config.json too.
    """
    if (adapter / TOKENIZER).is_file():
        return adapter, adapter, adapter
    if not (adapter / TOKENIZER_CONFIG).is_file():
        return base, base, adapter if (adapter / TEMPLATE).is_file() else base
    brings = (adapter / TEMPLATE).is_file()
    brings = brings or bool(read_json(adapter / TOKENIZER_CONFIG).get("chat_template"))
    return base, adapter, adapter if brings else base


def _find_tensors(folder: Path) -> tuple[dict[str, StoredTensor], tuple[Path, ...]]:
    index, single = folder / INDEX, folder / MODEL
    if single.is_file():
        return read_header(single), (single,)
    if index.is_file():
        return _read_shards(index)
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt*")):
        raise UnsupportedCheckpoint(
            f"{folder} holds pickled weights, which can run code when read; save them as "
            "safetensors (save_pretrained does) and convert those"
        )
    raise CheckpointError(f"{folder} has neither {MODEL} nor {INDEX}")


def _read_shards(index: Path) -> tuple[dict[str, StoredTensor], tuple[Path, ...]]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index.name} has no weight_map")
    tensors: dict[str, StoredTensor] = {}
    files = [index]
    for shard in sorted(set(map(str, weight_map.values()))):
        if Path(shard).name != shard:
            raise CheckpointError(f"{index.name} names a shard outside of the folder: {shard!r}")
        files.append(index.parent / shard)
        if not files[-1].is_file():
            raise CheckpointError(f"{shard} is missing; {index.name} asks for it")
        for name, tensor in read_header(files[-1]).items():
            if weight_map.get(name) != shard:
                raise CheckpointError(f"{shard} holds {name}, which {index.name} puts elsewhere")
            tensors[name] = tensor
    for name, shard in weight_map.items():
        if name not in tensors:
            raise CheckpointError(f"{shard} lacks {name}, which {index.name} puts there")
    return tensors, tuple(files)
