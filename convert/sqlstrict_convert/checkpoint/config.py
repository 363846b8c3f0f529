"""config.json of an LFM2 checkpoint -> the shape of the model, checked.

Called by `model` for real checkpoints and by tools that make random ones. Knows no tensor and no
GGUF key; refuses every config that llama.cpp's `lfm2` graph would compute differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlstrict_convert.checkpoint.quantization import parse_quantization
from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

ARCHITECTURES = ("Lfm2ForCausalLM", "LFM2ForCausalLM")
HEADLESS = ("Lfm2Model",)  # whole all the same where the head is the embedding
# The first checkpoints carried LFM2's code with them; by these names it is the model known here.
_KNOWN_CODE = (*ARCHITECTURES, *HEADLESS, "LFM2Model", "Lfm2Config", "LFM2Config")
MAX_LAYERS = 512  # llama.cpp's own limit
SCHEMA_RENDERINGS = ("compact", "ddl")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The shape of one LFM2 model, with every default of the Hugging Face config applied."""

    vocab_size: int
    hidden_size: int
    feed_forward_size: int  # after the automatic adjustment, as the weights have it
    n_heads: int
    n_kv_heads: int
    is_attention_layer: tuple[bool, ...]  # one per layer; False is a short convolution
    conv_cache_length: int
    norm_epsilon: float
    rope_theta: float
    context_tokens: int
    is_tied: bool  # the output head is the embedding
    bos_token_id: int | None
    eos_token_id: int | None
    pad_token_id: int | None
    schema_rendering: str | None  # how prompts write a schema; None when the checkpoint is silent

    @property
    def n_layers(self) -> int:
        """Count of layers of both kinds."""
        return len(self.is_attention_layer)

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.n_heads


def parse_config(config: Mapping[str, Any]) -> ModelConfig:
    """Return the model's shape from the parsed config.json.

    Raises:
        UnsupportedCheckpoint: another architecture, weights quantized by another tool, or an option
            that llama.cpp has no counterpart for.
        CheckpointError: a value is missing, of the wrong type, or contradicts another.
    """
    _refuse_other_kinds(config)
    n_layers = _positive(config, "num_hidden_layers", limit=MAX_LAYERS)
    hidden_size = _positive(config, "hidden_size")
    n_heads = _positive(config, "num_attention_heads")
    n_kv_heads = _positive(config, "num_key_value_heads")
    if hidden_size % n_heads:
        raise CheckpointError(
            f"config.json: hidden_size {hidden_size} is not a multiple of "
            f"num_attention_heads {n_heads}"
        )
    if n_heads % n_kv_heads:
        raise CheckpointError(
            f"config.json: num_attention_heads {n_heads} is not a multiple of "
            f"num_key_value_heads {n_kv_heads}"
        )
    head_dim = config.get("head_dim")
    if head_dim is not None and head_dim != hidden_size // n_heads:
        raise UnsupportedCheckpoint(
            f"config.json: head_dim {head_dim} is not hidden_size / num_attention_heads "
            f"({hidden_size // n_heads}); llama.cpp's lfm2 has no other head size"
        )
    return ModelConfig(
        vocab_size=_positive(config, "vocab_size"),
        hidden_size=hidden_size,
        feed_forward_size=_feed_forward_size(config),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        is_attention_layer=_layer_kinds(config, n_layers),
        conv_cache_length=_conv_cache_length(config),
        norm_epsilon=_number(config, "norm_eps", 1e-5),
        rope_theta=_rope_theta(config),
        context_tokens=_positive(config, "max_position_embeddings"),
        is_tied=bool(config.get("tie_embedding", config.get("tie_word_embeddings", True))),
        bos_token_id=_token_id(config, "bos_token_id"),
        eos_token_id=_token_id(config, "eos_token_id"),
        pad_token_id=_token_id(config, "pad_token_id"),
        schema_rendering=_schema_rendering(config),
    )


def _refuse_other_kinds(config: Mapping[str, Any]) -> None:
    parse_quantization(config)
    model_type = config.get("model_type")
    architectures = config.get("architectures") or []
    if model_type != "lfm2":
        raise UnsupportedCheckpoint(
            f"config.json: model_type is {model_type!r}, only 'lfm2' is converted; "
            "use llama.cpp's own converter for other models"
        )
    if architectures and not any(name in (*ARCHITECTURES, *HEADLESS) for name in architectures):
        raise UnsupportedCheckpoint(
            f"config.json: architecture {architectures[0]!r} is no text model with an output head; "
            f"only {ARCHITECTURES[0]!r} is converted"
        )
    code = config.get("auto_map") or {}
    for use, place in code.items() if isinstance(code, Mapping) else [("auto_map", code)]:
        if str(place).rpartition(".")[2] not in _KNOWN_CODE:
            raise UnsupportedCheckpoint(
                f"config.json: the model needs code of its own ({use}: {place}); a checkpoint's "
                "code is never run"
            )
    if config.get("conv_bias", False):
        raise UnsupportedCheckpoint(
            "config.json: conv_bias is true; llama.cpp's lfm2 has no bias in its convolution layers"
        )


def _feed_forward_size(config: Mapping[str, Any]) -> int:
    key = "block_ff_dim" if "block_ff_dim" in config else "intermediate_size"
    size = _positive(config, key)
    if not config.get("block_auto_adjust_ff_dim", True):
        return size
    # Source: transformers, Lfm2MLP: two thirds (the gate is a third matrix), scaled, rounded up.
    size = int(2 * size / 3)
    multiplier = config.get("block_ffn_dim_multiplier", 1.0)
    if multiplier is None:
        return size
    if isinstance(multiplier, bool) or not isinstance(multiplier, int | float) or multiplier <= 0:
        raise CheckpointError(
            f"config.json: block_ffn_dim_multiplier is {multiplier!r}, not a positive number"
        )
    size = int(multiplier * size)
    multiple = _positive(config, "block_multiple_of", 256)
    return multiple * ((size + multiple - 1) // multiple)


def _layer_kinds(config: Mapping[str, Any], n_layers: int) -> tuple[bool, ...]:
    layer_types = config.get("layer_types")
    if layer_types is not None:
        unknown = sorted({str(kind) for kind in layer_types} - {"conv", "full_attention"})
        if unknown:
            raise UnsupportedCheckpoint(
                f"config.json: layer_types has {unknown[0]!r}, "
                "known are 'conv' and 'full_attention'"
            )
        if len(layer_types) != n_layers:
            raise CheckpointError(
                f"config.json: layer_types has {len(layer_types)} entries, "
                f"num_hidden_layers is {n_layers}"
            )
        return tuple(kind == "full_attention" for kind in layer_types)
    indices = config.get("full_attn_idxs")
    if indices is None:  # transformers' default: attention everywhere
        return (True,) * n_layers
    wrong = [i for i in indices if isinstance(i, bool) or not isinstance(i, int)]
    if wrong or any(i < 0 or i >= n_layers for i in indices):
        raise CheckpointError(
            f"config.json: full_attn_idxs {indices!r} does not fit num_hidden_layers {n_layers}"
        )
    return tuple(i in indices for i in range(n_layers))


def _conv_cache_length(config: Mapping[str, Any]) -> int:
    length = _positive(config, "conv_L_cache", 3)
    if length < 2:  # llama.cpp keeps length - 1 columns of state and asserts that there is one
        raise UnsupportedCheckpoint(
            f"config.json: conv_L_cache is {length}, llama.cpp needs 2 or more"
        )
    return length


def _rope_theta(config: Mapping[str, Any]) -> float:
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(rope, Mapping):
        raise CheckpointError("config.json: rope_parameters is not an object")
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise UnsupportedCheckpoint(
            f"config.json: rope_type {kind!r} is not converted, only 'default'"
        )
    source = rope if "rope_theta" in rope else config
    return _number(source, "rope_theta", 1_000_000.0)


def _schema_rendering(config: Mapping[str, Any]) -> str | None:
    ours = config.get("sqlstrict")
    if ours is None:
        return None
    rendering = ours.get("schema_rendering") if isinstance(ours, Mapping) else None
    if rendering is not None and rendering not in SCHEMA_RENDERINGS:
        raise CheckpointError(
            f"config.json: sqlstrict.schema_rendering is {rendering!r}, "
            f"known are {' and '.join(map(repr, SCHEMA_RENDERINGS))}"
        )
    return rendering


def _positive(
    config: Mapping[str, Any], key: str, default: int | None = None, limit: int = 2**31 - 1
) -> int:
    value = config.get(key, default)
    if value is None:
        raise CheckpointError(f"config.json: {key} is missing")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= limit:
        raise CheckpointError(
            f"config.json: {key} is {value!r}, not a whole number from 1 to {limit}"
        )
    return value


def _number(config: Mapping[str, Any], key: str, default: float) -> float:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e30:
        raise CheckpointError(f"config.json: {key} is {value!r}, not a number above 0")
    return float(value)


def _token_id(config: Mapping[str, Any], key: str) -> int | None:
    value = config.get(key)
    if (
        isinstance(value, list) and value
    ):  # generation configs may list several ends; the first leads
        value = value[0]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CheckpointError(f"config.json: {key} is {value!r}, not a token id")
    return value
