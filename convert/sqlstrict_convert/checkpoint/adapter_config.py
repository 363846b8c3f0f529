"""adapter_config.json -> which modules a LoRA adapter changes and how strongly, or a refusal.

Called by `adapter`, and before a download, when this file is all there is. Matching and scaling
follow PEFT's own rules; every option that changes the result and is not done here is refused by its
name. Looks at no tensor.

Source: peft 0.21, LoraConfig, check_target_module_exists, get_pattern_key, LoraLayer.update_layer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

FILE = "adapter_config.json"
ALL_LINEAR = "all-linear"
EMBEDDING, HEAD = "model.embed_tokens", "lm_head"
MAX_RANK = 1 << 16
# What these initialisations do to the base's weights is not undone by the adapter that was saved.
CHANGING_INITS = ("pissa", "olora", "corda", "loftq", "lora_ga", "mica")
# Read here or without effect on what the trained adapter computes.
KNOWN = {
    *("peft_type", "task_type", "auto_mapping", "peft_version", "inference_mode", "revision"),
    *("base_model_name_or_path", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern"),
    *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"),
    *("modules_to_save", "trainable_token_indices", "use_dora", "lora_dropout", "bias"),
    # PEFT takes fan_in_fan_out back for the linear layers that LFM2 has; a bias, which LFM2 has
    # nowhere, shows in the tensors; ensure_weight_tying has the head saved like the embedding.
    *("fan_in_fan_out", "lora_bias", "ensure_weight_tying", "init_lora_weights"),
    *("eva_config", "velora_config", "runtime_config"),  # only of use in training
}


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """What an adapter's file of settings says."""

    base_name: str | None
    base_revision: str | None
    rank: int
    alpha: float
    is_rank_stabilized: bool
    has_magnitudes: bool  # DoRA
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    target_modules: tuple[str, ...] | str | None  # names, a pattern, or None where not said
    exclude_modules: tuple[str, ...] | str
    layers: tuple[int, ...]
    layers_pattern: tuple[str, ...]
    saved_modules: tuple[str, ...]
    token_indices: Mapping[str, tuple[int, ...]]  # by the end of a module's name

    def rank_of(self, module: str) -> int:
        """Return the rank of a module's two matrices."""
        return self.rank_pattern.get(_pattern_key(self.rank_pattern, module), self.rank)

    def scale_of(self, module: str) -> float:
        """Return the number that the product of a module's two matrices is multiplied by."""
        alpha = self.alpha_pattern.get(_pattern_key(self.alpha_pattern, module), self.alpha)
        rank = self.rank_of(module)
        return alpha / sqrt(rank) if self.is_rank_stabilized else alpha / rank

    def is_saved(self, module: str) -> bool:
        """Return whether a module, or what it is part of, was trained and saved whole."""
        return any(re.match(rf"(^|.*\.){re.escape(m)}($|\..*)", module) for m in self.saved_modules)

    def is_target(self, module: str) -> bool:
        """Return whether the adapter has two matrices for a linear layer or embedding."""
        if _names(self.exclude_modules, module) or self.is_saved(module):
            return False
        if self.target_modules == ALL_LINEAR:
            return module not in (EMBEDDING, HEAD)
        if self.target_modules is None or not _names(self.target_modules, module):
            return False
        if isinstance(self.target_modules, str) or not self.layers:
            return True
        return self._layer_of(module) in self.layers

    def tokens_of(self, module: str) -> tuple[int, ...]:
        """Return the tokens whose rows of an embedding were trained, in the order of their rows."""
        for name, indices in self.token_indices.items():
            if module == name or module.endswith(f".{name}"):
                return indices
        return ()

    def _layer_of(self, module: str) -> int | None:
        patterns = self.layers_pattern or (r"[^.]*",)
        for pattern in patterns:
            match = re.match(rf"(?:^|.*?\.){pattern}\.(?P<layer>\d+)\.", module)
            if match:
                return int(match["layer"])
        return None


def parse_adapter_config(config: Mapping[str, Any]) -> AdapterConfig:
    """Return what adapter_config.json says.

    Raises:
        UnsupportedCheckpoint: another kind of adapter, or an option that is not done here; named.
        CheckpointError: a value is missing or of the wrong type.
    """
    _refuse_other_kinds(config)
    indices = config.get("trainable_token_indices") or {}
    by_name = indices if isinstance(indices, Mapping) else {"embed_tokens": indices}
    return AdapterConfig(
        base_name=_text(config, "base_model_name_or_path"),
        base_revision=_text(config, "revision"),
        rank=_rank(config.get("r"), "r"),
        alpha=_alpha(config.get("lora_alpha"), "lora_alpha"),
        is_rank_stabilized=_flag(config, "use_rslora"),
        has_magnitudes=_flag(config, "use_dora"),
        rank_pattern={
            key: _rank(value, "rank_pattern") for key, value in _patterns(config, "rank_pattern")
        },
        alpha_pattern={
            key: _alpha(value, "alpha_pattern") for key, value in _patterns(config, "alpha_pattern")
        },
        target_modules=_targets(config),
        exclude_modules=_names_or_pattern(config, "exclude_modules"),
        layers=_whole_numbers(config.get("layers_to_transform"), "layers_to_transform"),
        layers_pattern=_layers_pattern(config),
        saved_modules=_texts(config.get("modules_to_save"), "modules_to_save"),
        token_indices={
            str(name): _whole_numbers(value, "trainable_token_indices")
            for name, value in by_name.items()
        },
    )


def _refuse_other_kinds(config: Mapping[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise UnsupportedCheckpoint(
            f"{FILE}: peft_type is {config.get('peft_type')!r}, only 'LORA' is merged; merge it "
            "with PEFT (merge_and_unload, then save_pretrained) and convert the merged folder"
        )
    init = config.get("init_lora_weights")
    if isinstance(init, str) and init.lower().startswith(CHANGING_INITS):
        raise UnsupportedCheckpoint(
            f"{FILE}: init_lora_weights {init!r} changed the base's weights before training; save "
            "the adapter with path_initial_model_for_weight_conversion, or merge it with PEFT"
        )
    for key, value in config.items():
        # Options are switched on by true, a list or an object; numbers and texts only tune them.
        if key not in KNOWN and (value is True or (isinstance(value, list | dict) and value)):
            raise UnsupportedCheckpoint(
                f"{FILE}: {key} is set, which is not merged here; merge the adapter with PEFT "
                "(merge_and_unload, then save_pretrained) and convert the merged folder"
            )


def _targets(config: Mapping[str, Any]) -> tuple[str, ...] | str | None:
    if config.get("target_modules") is None:
        return None
    targets = _names_or_pattern(config, "target_modules")
    if isinstance(targets, str) and targets.lower() == ALL_LINEAR:
        return ALL_LINEAR
    return targets


def _names_or_pattern(config: Mapping[str, Any], key: str) -> tuple[str, ...] | str:
    value = config.get(key)
    if isinstance(value, str):
        return value if value.lower() == ALL_LINEAR else _pattern(value, key)
    return _texts(value, key)


def _layers_pattern(config: Mapping[str, Any]) -> tuple[str, ...]:
    value = config.get("layers_pattern")
    patterns = _texts([value] if isinstance(value, str) else value, "layers_pattern")
    return tuple(_pattern(pattern, "layers_pattern") for pattern in patterns if pattern)


def _names(said: tuple[str, ...] | str, module: str) -> bool:
    if isinstance(said, str):
        return bool(said) and re.fullmatch(said, module) is not None
    return any(module == name or module.endswith(f".{name}") for name in said)


def _pattern_key(patterns: Mapping[str, Any], module: str) -> str:
    for key in patterns:
        if re.match(rf"(.*\.)?({key})$", module):
            return key
    return module


def _patterns(config: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    value = config.get(key) or {}
    if not isinstance(value, Mapping):
        raise CheckpointError(f"{FILE}: {key} is not an object")
    return [(_pattern(pattern, key), inner) for pattern, inner in value.items()]


def _pattern(text: str, key: str) -> str:
    try:
        re.compile(rf"(.*\.)?({text})$")
    except (re.error, RecursionError, OverflowError) as error:
        raise CheckpointError(f"{FILE}: {key} {text!r} is no pattern: {error}") from error
    return text


def _text(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(key)
    if value is not None and not isinstance(value, str):
        raise CheckpointError(f"{FILE}: {key} is {value!r}, not a text")
    return value or None


def _texts(value: Any, key: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise CheckpointError(f"{FILE}: {key} is {value!r}, not a list of names")
    return tuple(value)


def _whole_numbers(value: Any, key: str) -> tuple[int, ...]:
    numbers = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in numbers):
        raise CheckpointError(f"{FILE}: {key} is {value!r}, not whole numbers")
    return tuple(numbers)


def _rank(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_RANK:
        raise CheckpointError(f"{FILE}: {key} is {value!r}, not a rank from 1 to {MAX_RANK}")
    return value


def _alpha(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
        raise CheckpointError(f"{FILE}: {key} is {value!r}, not a number")
    return float(value)


def _flag(config: Mapping[str, Any], key: str) -> bool:
    value = config.get(key)
    if value not in (None, True, False):
        raise CheckpointError(f"{FILE}: {key} is {value!r}, not true or false")
    return bool(value)
