"""A plain checkpoint folder -> the same model in another published form: 16 bit, sharded, quantized
by bitsandbytes, or an adapter that belongs to it. Written with numpy alone.

`write_form(source, target, form)` reads and writes one tensor at a time, so a checkpoint of 350M
parameters works too. Used by the tests, by the fake hub and by benches; make_forms_reference.py
asks PEFT and bitsandbytes what they make of these folders.
"""

import json
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from bitsandbytes_forms import QUANTIZED, Part, quantized_parts
from numpy.typing import NDArray

DTYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16"}
BESIDE = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "README.md")
LINEAR = ["q_proj", "k_proj", "v_proj", "out_proj", "in_proj", "w1", "w2", "w3"]
RANK, ALPHA, TOKENS = 4, 6, [5, 3, 9]
EMBEDDING, HEAD = "model.embed_tokens", "lm_head"

# Each says what stands in adapter_config.json apart from _CONFIG. `targets` names the modules (by
# the end of their name) that have matrices; `extra_rows` counts the tokens added to the embedding.
ADAPTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "regex": {"target_modules": r".*\.self_attn\.(q|v)_proj", "targets": ["q_proj", "v_proj"]},
    "all_linear": {"target_modules": "all-linear"},
    "patterns": {
        "rank_pattern": {"q_proj": 2, r"layers\.1\.feed_forward\.w\d": 5},
        "alpha_pattern": {"^model.layers.2.feed_forward.w1": 9, "q_proj": 3},
    },
    "patterns_rslora": {
        "use_rslora": True,
        "rank_pattern": {"w1": 8},
        "alpha_pattern": {"w1": 5, "k_proj": 11},
    },
    "layers": {"layers_to_transform": [1, 3], "layers_pattern": "layers"},
    "excluded": {"exclude_modules": ["model.layers.0.feed_forward.w1", "k_proj"]},
    "fan_in": {"fan_in_fan_out": True, "targets": ["q_proj", "embed_tokens"]},
    "embedding": {"targets": ["q_proj", "embed_tokens"]},
    "embedding_dora": {"use_dora": True, "targets": ["q_proj", "embed_tokens"]},
    "embedding_and_head": {"targets": ["w1", "embed_tokens", "lm_head"]},
    "head": {"targets": ["q_proj", "lm_head"]},
    "saved_both": {"modules_to_save": ["embed_tokens", "lm_head"]},
    "saved_embedding": {"modules_to_save": ["embed_tokens"]},
    "saved_head": {"modules_to_save": ["lm_head"]},
    "saved_norms": {"modules_to_save": ["operator_norm", "embedding_norm"]},
    "tokens": {"trainable_token_indices": TOKENS},
    "resized": {"extra_rows": 10},
}
FORMS = (*DTYPES, "sharded", *QUANTIZED, *(f"adapter-{name}" for name in ADAPTERS))
_CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "auto_mapping": {"base_model_class": "Lfm2ForCausalLM"},
    "revision": None,
    "bias": "none",
    "r": RANK,
    "lora_alpha": ALPHA,
    "lora_dropout": 0.0,
    "init_lora_weights": True,
    "inference_mode": True,
    "megatron_core": "megatron.core",
    "qalora_group_size": 16,
    "loftq_config": {},
    "use_dora": False,
    "use_rslora": False,
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of a plain safetensors file, read when it is asked for."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int

    def read(self) -> NDArray[np.float32]:
        kind = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}[self.dtype]
        raw = np.fromfile(self.path, kind, prod(self.shape), offset=self.start).reshape(self.shape)
        if self.dtype == "BF16":
            return (raw.astype(np.uint32) << 16).view(np.float32)
        return raw.astype(np.float32)


def write_form(
    source: Path, target: Path, form: str, *, base_name: str = "liquid/base", n_shards: int = 3
) -> Path:
    """Write the checkpoint in `source` (plain safetensors) to `target` in one of FORMS.

    An adapter's folder names `base_name` as its base and holds no tokenizer of its own.
    """
    target.mkdir(parents=True, exist_ok=True)
    tensors = read_plain(source)
    if form.startswith("adapter-"):
        return write_adapter(target, form.removeprefix("adapter-"), tensors, base_name)
    config = json.loads((source / "config.json").read_text())
    for name in BESIDE:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    if form in QUANTIZED:
        config["quantization_config"] = QUANTIZED[form].config
        parts = list(quantized_parts(QUANTIZED[form], tensors))
    else:
        dtype = DTYPES.get(form, "BF16")
        parts = [float_part(name, tensor, dtype) for name, tensor in tensors.items()]
    (target / "config.json").write_text(json.dumps(config))
    if form == "sharded":
        write_shards(target, parts, n_shards)
    else:
        write_parts(target / "model.safetensors", parts)
    return target


def write_adapter(
    target: Path,
    name: str,
    tensors: Mapping[str, Stored],
    base_name: str,
    dtype: str = "F32",
    **changes: Any,
) -> Path:
    """Write one of ADAPTERS as PEFT's save_pretrained does; `changes` go into its config."""
    target.mkdir(parents=True, exist_ok=True)
    settings = dict(ADAPTERS[name])
    targets, extra_rows = settings.pop("targets", LINEAR), settings.pop("extra_rows", 0)
    config = {
        **_CONFIG,
        "target_modules": targets,
        **settings,
        "base_model_name_or_path": base_name,
    }
    (target / "adapter_config.json").write_text(json.dumps({**config, **changes}))
    values = {
        f"base_model.model.{key}": array
        for key, array in adapter_values(name, targets, config, tensors)
    }
    if extra_rows:
        values |= resized_tables(tensors, extra_rows)
    parts = [array_part(key, array, dtype) for key, array in values.items()]
    write_parts(target / "adapter_model.safetensors", parts)
    return target


def adapter_values(
    adapter: str, targets: list[str], config: Mapping[str, Any], tensors: Mapping[str, Stored]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the tensors of an adapter by the names that PEFT gives them, without its prefix."""
    shapes = {name.removesuffix(".weight"): tensor.shape for name, tensor in tensors.items()}
    shapes.setdefault(HEAD, shapes[EMBEDDING])
    for module, shape in shapes.items():
        end = module.rpartition(".")[2]
        if end in (config.get("modules_to_save") or ()):
            yield f"{module}.weight", base_values(module, tensors) + noise(f"{module}.new", shape)
        if module == EMBEDDING and config.get("trainable_token_indices"):
            rows = (len(config["trainable_token_indices"]), shape[1])
            name = f"{module}.token_adapter.trainable_tokens_delta"
            yield name, noise(name, rows) * 10
        if end not in targets or not _is_wanted(adapter, module) or len(shape) != 2:
            continue
        rank = rank_of(adapter, module)
        if module == EMBEDDING:
            yield f"{module}.base_layer.weight", base_values(module, tensors)
            yield f"{module}.lora_embedding_A", noise(f"{module}.A", (rank, shape[0]))
            yield f"{module}.lora_embedding_B", noise(f"{module}.B", (shape[1], rank))
        else:
            if module == HEAD:
                yield f"{module}.base_layer.weight", base_values(module, tensors)
            yield f"{module}.lora_A.weight", noise(f"{module}.A", (rank, shape[1]))
            yield f"{module}.lora_B.weight", noise(f"{module}.B", (shape[0], rank))
        if config["use_dora"]:
            size = shape[1] if module == EMBEDDING else shape[0]
            magnitude = 1 + np.abs(noise(f"{module}.m", (size,))) * 10
            yield f"{module}.lora_magnitude_vector", magnitude


def resized_tables(tensors: Mapping[str, Stored], n_rows: int) -> dict[str, NDArray[np.float32]]:
    """Embedding and head as PEFT saves them when tokens were added, though not trained."""
    values = {}
    for module in (EMBEDDING, HEAD):
        base = base_values(module, tensors)
        is_tied = f"{HEAD}.weight" not in tensors
        new = noise("new" if is_tied else f"{module}.new", (n_rows, base.shape[1]))
        values[f"base_model.model.{module}.weight"] = np.concatenate([base, new])
    return values


def rank_of(adapter: str, module: str) -> int:
    """The rank of one module's matrices: written out, the rule is one of the things under test."""
    if adapter == "patterns":
        if module.endswith("q_proj"):
            return 2
        return 5 if "layers.1.feed_forward" in module else RANK
    return 8 if adapter == "patterns_rslora" and module.endswith("w1") else RANK


def _is_wanted(adapter: str, module: str) -> bool:
    if adapter == "layers":
        return ".1." in module or ".3." in module
    if adapter == "excluded":
        return module != "model.layers.0.feed_forward.w1" and not module.endswith("k_proj")
    return True


def base_values(module: str, tensors: Mapping[str, Stored]) -> NDArray[np.float32]:
    """The base's weight of a module; a tied head's is the embedding."""
    name = f"{module}.weight"
    return tensors[name if name in tensors else f"{EMBEDDING}.weight"].read()


def noise(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Random values of a stream of their own, in steps that BF16 holds exactly."""
    stream = np.random.default_rng(zlib.crc32(name.encode()))
    return (stream.integers(-63, 64, shape) / 512).astype(np.float32)


def read_plain(folder: Path) -> dict[str, Stored]:
    """Where each tensor of a plain checkpoint lies, sharded or not."""
    found: dict[str, Stored] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        for name, entry in header.items():
            if name != "__metadata__":
                start = 8 + size + entry["data_offsets"][0]
                found[name] = Stored(path, entry["dtype"], tuple(entry["shape"]), start)
    return found


def float_part(name: str, tensor: Stored, dtype: str) -> Part:
    """A tensor in another number format."""
    return Part(name, dtype, tensor.shape, lambda: as_bytes(tensor.read(), dtype))


def array_part(name: str, values: NDArray[Any], dtype: str) -> Part:
    """An array that is in memory already."""
    return Part(name, dtype, values.shape, lambda: as_bytes(values, dtype))


def as_bytes(values: NDArray[Any], dtype: str) -> bytes:
    """The bytes of values in a float format; BF16 rounds to the nearest, ties to even."""
    if dtype == "BF16":
        bits = values.astype("<f4").view("<u4")
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2", "U8": "u1"}[dtype]).tobytes()


def write_shards(folder: Path, parts: list[Part], n_shards: int) -> None:
    """Write shards and their index."""
    weight_map: dict[str, str] = {}
    for n in range(n_shards):
        shard = f"model-{n + 1:05}-of-{n_shards:05}.safetensors"
        write_parts(folder / shard, parts[n::n_shards])
        weight_map |= {part.name: shard for part in parts[n::n_shards]}
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def write_parts(path: Path, parts: list[Part]) -> None:
    """Write one safetensors file, holding one tensor at a time."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for part in parts:
        header[part.name] = {
            "dtype": part.dtype,
            "shape": list(part.shape),
            "data_offsets": [end, end + part.n_bytes],
        }
        end += part.n_bytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for part in parts:
            raw = part.read()
            assert len(raw) == part.n_bytes, part.name
            file.write(raw)


def write_random(
    folder: Path,
    config: Mapping[str, Any],
    tokenizer_json: str,
    shapes: Mapping[str, tuple[int, ...]],
    values: Callable[[str, tuple[int, ...]], NDArray[np.float32]],
    dtype: str = "BF16",
) -> Path:
    """Write a plain checkpoint of any size from a function that makes one tensor's values."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(tokenizer_json)
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))

    def part(name: str, shape: tuple[int, ...]) -> Part:
        return Part(name, dtype, shape, lambda: as_bytes(values(name, shape), dtype))

    write_parts(folder / "model.safetensors", [part(*item) for item in shapes.items()])
    return folder
