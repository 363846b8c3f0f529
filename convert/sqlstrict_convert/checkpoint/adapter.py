"""A base's weights and an adapter's tensors -> the weights of the merged model.

Called by `checkpoint` when a folder holds an adapter. Every tensor of the adapter is accounted for,
and every module that its settings name; what is merged is computed in `merged_weight` while it
streams. What a tied head becomes follows what PEFT computes while the adapter is in place: an
adapter on the embedding leaves the head as it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlstrict_convert.checkpoint.adapter_config import EMBEDDING, FILE, HEAD, AdapterConfig
from sqlstrict_convert.checkpoint.merged_weight import LoraWeight, ReplacedRows
from sqlstrict_convert.checkpoint.safetensors_file import StoredTensor
from sqlstrict_convert.checkpoint.tied_head import is_tied
from sqlstrict_convert.checkpoint.weight import Weight, plain_weight, read_whole
from sqlstrict_convert.checkpoint.weight_names import plain_name
from sqlstrict_convert.errors import CheckpointError, TensorError, UnsupportedCheckpoint

_PARTS = {
    "down": re.compile(r"\.(lora_A(\.default)?\.weight|lora_embedding_A(\.default)?)$"),
    "up": re.compile(r"\.(lora_B(\.default)?\.weight|lora_embedding_B(\.default)?)$"),
    "bias": re.compile(r"\.lora_B(\.default)?\.bias$"),
    "magnitude": re.compile(r"\.lora_magnitude_vector(\.default)?(\.weight)?$"),
    "tokens": re.compile(r"\.token_adapter\.trainable_tokens_delta(\.default)?$"),
    "base": re.compile(r"(\.token_adapter)?\.base_layer\.weight$"),
    "saved": re.compile(r"(\.modules_to_save\.default)?\.weight$"),
}
NAMES_SHOWN = 3


@dataclass(slots=True)
class _Module:
    """What an adapter's file has for one module."""

    name: str
    parts: dict[str, Weight] = field(default_factory=dict)


def merge_adapter(
    adapter: AdapterConfig,
    tensors: Mapping[str, StoredTensor],
    config: Mapping[str, Any],
    base: Mapping[str, Weight],
) -> tuple[dict[str, Any], dict[str, Weight]]:
    """Return the merged model's config.json and weights.

    `config` and `base` are the base's; `tensors` are those of the adapter's file. A tied model may
    come out with a head in its weights: `settle_head` is for after this.

    Raises:
        CheckpointError: the file, its settings and the base do not belong together.
        UnsupportedCheckpoint: the adapter changes what cannot be changed in LFM2.
    """
    modules = _sort_tensors(tensors)
    weights = dict(base)
    merged_config = dict(config)
    if is_tied(config) and f"{EMBEDDING}.weight" in base:
        weights.pop(f"{HEAD}.weight", None)
        if _has_own_head(adapter, modules):
            weights[f"{HEAD}.weight"] = _tied_head(adapter, modules, base[f"{EMBEDDING}.weight"])
    _check_targets(adapter, modules, weights, has_head=is_tied(config))
    for module in modules.values():
        name = f"{module.name}.weight"
        if name not in weights:
            raise TensorError(
                f"adapter_model.safetensors changes {module.name}, which the base model does not "
                "have; is it another base?"
            )
        weights[name] = _merged(adapter, module, weights[name])
    _resize(merged_config, config, base, weights)
    return merged_config, weights


def _sort_tensors(tensors: Mapping[str, StoredTensor]) -> dict[str, _Module]:
    modules: dict[str, _Module] = {}
    for name, tensor in tensors.items():
        key, part = _module_and_part(name)
        module = modules.setdefault(key, _Module(key))
        if part in module.parts:
            raise CheckpointError(f"adapter_model.safetensors holds {name} twice")
        module.parts[part] = plain_weight(name, tensor)
    if not modules:
        raise CheckpointError("adapter_model.safetensors holds no tensors")
    return modules


def _module_and_part(name: str) -> tuple[str, str]:
    plain = plain_name(name)
    for part, pattern in _PARTS.items():
        match = pattern.search(plain)
        if match:
            return plain[: match.start()], part
    raise UnsupportedCheckpoint(
        f"adapter_model.safetensors: tensor {name} is none that a LoRA adapter of LFM2 has"
    )


def _has_own_head(adapter: AdapterConfig, modules: Mapping[str, _Module]) -> bool:
    """Return whether a tied base's head parts from the embedding."""
    embedding, head = modules.get(EMBEDDING), modules.get(HEAD)
    if head is not None:
        return True
    # A resized embedding is saved without being trained, and then the head follows it; so it does
    # with rows of single tokens.
    return embedding is not None and (
        "down" in embedding.parts or ("saved" in embedding.parts and adapter.is_saved(EMBEDDING))
    )


def _tied_head(
    adapter: AdapterConfig, modules: Mapping[str, _Module], base_embedding: Weight
) -> Weight:
    """Return the head as it is before an adapter of its own."""
    if EMBEDDING not in modules:
        return base_embedding
    parts = modules[EMBEDDING].parts
    if "base" in parts:
        return parts["base"]
    if "saved" in parts and not adapter.is_saved(EMBEDDING):
        return parts["saved"]
    return base_embedding


def _check_targets(
    adapter: AdapterConfig,
    modules: Mapping[str, _Module],
    weights: Mapping[str, Weight],
    *,
    has_head: bool,
) -> None:
    changed = {name for name, module in modules.items() if "down" in module.parts}
    if adapter.target_modules is not None:
        # What is no matrix but was changed all the same is refused where its shape is checked.
        known = changed | {
            name.removesuffix(".weight")
            for name, weight in weights.items()
            if len(weight.shape) == 2
        }
        known |= {HEAD} if has_head else set()
        wanted = {name for name in known if adapter.is_target(name)}
        if wanted - changed:
            raise TensorError(
                f"adapter_model.safetensors lacks {_some(wanted - changed)}, which {FILE} names in "
                "target_modules; is the file whole?"
            )
        if changed - wanted:
            raise TensorError(
                f"adapter_model.safetensors changes {_some(changed - wanted)}, which {FILE} does "
                "not name in target_modules"
            )
    names = {name.removesuffix(".weight") for name in weights} | ({HEAD} if has_head else set())
    for saved in adapter.saved_modules:  # a name that LFM2 does not have stands for nothing
        pattern = re.compile(rf"(^|\.){re.escape(saved)}($|\.)")
        whole = {name for name, module in modules.items() if "saved" in module.parts}
        if any(map(pattern.search, names)) and not any(map(pattern.search, whole)):
            raise TensorError(
                f"adapter_model.safetensors lacks {saved}, which {FILE} names in modules_to_save"
            )
    for name in adapter.token_indices:
        is_there = (has_head and name == HEAD) or any(  # a tied head's rows are the embedding's
            "tokens" in module.parts and f".{path}".endswith(f".{name}")
            for path, module in modules.items()
        )
        if not is_there:
            raise TensorError(
                f"adapter_model.safetensors lacks the rows of {name} that {FILE} names in "
                "trainable_token_indices"
            )


def _merged(adapter: AdapterConfig, module: _Module, base: Weight) -> Weight:
    parts, name = module.parts, module.name
    _check_parts(adapter, module)
    current = parts.get("base") or parts.get("saved") or base
    is_table = name in (EMBEDDING, HEAD)
    if current.shape != base.shape and (not is_table or current.shape[1:] != base.shape[1:]):
        raise TensorError(
            f"adapter_model.safetensors: {name} has shape {list(current.shape)}, the base's has "
            f"{list(base.shape)}"
        )
    if "down" in parts:
        current = LoraWeight(
            name,
            current,
            down=parts["down"],
            up=parts["up"],
            magnitude=parts.get("magnitude"),
            scale=adapter.scale_of(name),
            is_embedding=name == EMBEDDING,
        )
        current.check(adapter.rank_of(name))
    if "tokens" in parts:
        indices = adapter.tokens_of(name) or adapter.tokens_of(EMBEDDING)
        current = ReplacedRows(name, current, parts["tokens"], indices)
        current.check()
    return current


def _check_parts(adapter: AdapterConfig, module: _Module) -> None:
    parts, name = module.parts, module.name
    if "bias" in parts and read_whole(parts["bias"]).any():
        raise UnsupportedCheckpoint(
            f"adapter_model.safetensors: {name} was given a bias (lora_bias); LFM2's layers have "
            "none, so it cannot be merged"
        )
    if ("down" in parts) != ("up" in parts) or ("magnitude" in parts and "down" not in parts):
        raise TensorError(
            f"adapter_model.safetensors holds only a part of the adapter for {name}; is the file "
            "whole?"
        )
    if "down" in parts and ("magnitude" in parts) != adapter.has_magnitudes:
        raise TensorError(
            f"adapter_model.safetensors {'has' if 'magnitude' in parts else 'lacks'} DoRA's "
            f"magnitudes for {name}, {FILE} says use_dora {str(adapter.has_magnitudes).lower()}"
        )
    if "saved" in parts and not (adapter.is_saved(name) or name in (EMBEDDING, HEAD)):
        raise TensorError(
            f"adapter_model.safetensors holds a whole {name}, which {FILE} does not name in "
            "modules_to_save"
        )
    if "saved" in parts and len(parts) > 1:
        raise TensorError(
            f"adapter_model.safetensors holds {name} both whole and with an adapter on it"
        )


def _resize(
    merged: dict[str, Any],
    config: Mapping[str, Any],
    base: Mapping[str, Weight],
    weights: Mapping[str, Weight],
) -> None:
    """Follow an embedding that was given rows for more tokens."""
    embedding, head = weights.get(f"{EMBEDDING}.weight"), weights.get(f"{HEAD}.weight")
    before = base.get(f"{EMBEDDING}.weight")
    if embedding is None or before is None:
        return  # the tensors are held against the model's plan later
    if head is not None and head.shape[0] != embedding.shape[0]:
        raise TensorError(
            f"the adapter leaves {embedding.shape[0]} rows of the embedding and {head.shape[0]} of "
            "the head; save both of them (modules_to_save)"
        )
    if embedding.shape[0] != before.shape[0]:
        merged["vocab_size"] = embedding.shape[0]


def _some(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
