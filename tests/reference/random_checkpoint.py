"""Small random LFM2 checkpoints in Hugging Face form, made from a seed with numpy alone.

Used by make_reference.py (with transformers) and by the tests (without), so that both speak of the
same weights and none are committed. Every weight is a small whole number times a power of two,
which F32, F16 and BF16 hold exactly: one set of reference logits serves all three.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 20
N_TOKENS = 24
KEPT_ROWS = (0, 1, 2, 7, N_TOKENS - 1)  # of which all logits are kept; of the others the argmax
CLEAR_LEAD = 0.05  # between the best two tokens: twice the error allowed and more
TOO_CLOSE = -1  # stands for the argmax where the lead is smaller

_BASE: dict[str, Any] = {
    "model_type": "lfm2",
    "architectures": ["Lfm2ForCausalLM"],
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 96,
    "block_auto_adjust_ff_dim": False,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "layer_types": ["conv", "full_attention", "conv", "full_attention"],
    "conv_L_cache": 3,
    "max_position_embeddings": 512,
    "norm_eps": 1e-5,
    "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 4,
}
SHAPES: dict[str, dict[str, Any]] = {
    "convolution_first": {},
    "attention_first_and_last": {
        "layer_types": ["full_attention", "conv", "conv", "full_attention"],
    },
    "untied": {"tie_word_embeddings": False},
    "padded_vocabulary": {"vocab_size": 352},  # the tokenizer has 320
    "adjusted_feed_forward": {
        "intermediate_size": 150,
        "block_auto_adjust_ff_dim": True,
        "block_multiple_of": 32,
        "block_ffn_dim_multiplier": 1.1,
    },
    "one_key_value_head": {"num_attention_heads": 8, "num_key_value_heads": 1},
    "sixteen_layers": {  # where the real LFM2-350M has its attention
        "num_hidden_layers": 16,
        "layer_types": [
            "full_attention" if i in (2, 5, 8, 10, 12, 14) else "conv" for i in range(16)
        ],
    },
    "old_config_names": {  # as the first LFM2 checkpoints were published
        "layer_types": None,
        "full_attn_idxs": [1, 3],
        "intermediate_size": None,
        "block_ff_dim": 96,
        "rope_parameters": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": None,
        "tie_embedding": True,
        "conv_L_cache": 4,
    },
}
TOKENIZER_SIZE = 320


def config_of(shape: str) -> dict[str, Any]:
    """Return the config.json of one of SHAPES."""
    merged = {**_BASE, **SHAPES[shape]}
    return {key: value for key, value in merged.items() if value is not None}


def token_ids(shape: str) -> list[int]:
    """Return the sequence whose logits are compared."""
    vocab_size = config_of(shape)["vocab_size"]
    return [int(i) for i in np.random.default_rng(SEED).integers(0, vocab_size, N_TOKENS)]


def weights_of(shape: str) -> dict[str, NDArray[np.float32]]:
    """Return every tensor under its Hugging Face name."""
    config = config_of(shape)
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    head = hidden // config["num_attention_heads"]
    kv = head * config["num_key_value_heads"]
    ff = FEED_FORWARD[shape]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocab, hidden),
        "model.embedding_norm.weight": (hidden,),
    }
    if not config.get("tie_word_embeddings", True):
        shapes["lm_head.weight"] = (vocab, hidden)
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}"
        shapes |= {
            f"{at}.operator_norm.weight": (hidden,),
            f"{at}.ffn_norm.weight": (hidden,),
            f"{at}.feed_forward.w1.weight": (ff, hidden),
            f"{at}.feed_forward.w2.weight": (hidden, ff),
            f"{at}.feed_forward.w3.weight": (ff, hidden),
        }
        is_attention = (
            config["layer_types"][i] == "full_attention"
            if "layer_types" in config
            else i in config["full_attn_idxs"]
        )
        if is_attention:
            shapes |= {
                f"{at}.self_attn.q_proj.weight": (hidden, hidden),
                f"{at}.self_attn.k_proj.weight": (kv, hidden),
                f"{at}.self_attn.v_proj.weight": (kv, hidden),
                f"{at}.self_attn.out_proj.weight": (hidden, hidden),
                f"{at}.self_attn.q_layernorm.weight": (head,),
                f"{at}.self_attn.k_layernorm.weight": (head,),
            }
        else:
            shapes |= {
                f"{at}.conv.in_proj.weight": (3 * hidden, hidden),
                f"{at}.conv.out_proj.weight": (hidden, hidden),
                f"{at}.conv.conv.weight": (hidden, 1, config["conv_L_cache"]),
            }
    return {name: _exact_values(name, size) for name, size in shapes.items()}


# Written out, not computed: the rule that gives them is one of the things under test.
FEED_FORWARD = dict.fromkeys(SHAPES, 96) | {"adjusted_feed_forward": 128}


def _exact_values(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    stream = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    if len(shape) == 1:
        return (1 + stream.integers(-31, 32, shape) / 64).astype(np.float32)
    scale = 2.0**-7 if name.endswith("conv.conv.weight") else 2.0**-9
    return (stream.integers(-127, 128, shape) * scale).astype(np.float32)


def write_checkpoint(
    folder: Path,
    shape: str,
    tokenizer_json: str,
    *,
    dtype: str = "F32",
    n_shards: int = 1,
    weights: dict[str, NDArray[np.float32]] | None = None,
) -> Path:
    """Write a whole checkpoint folder and return it. `dtype` is F32, F16 or BF16."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(shape)))
    (folder / "tokenizer.json").write_text(tokenizer_json)
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    tensors = sorted((weights or weights_of(shape)).items())
    if n_shards == 1:
        write_safetensors(folder / "model.safetensors", dict(tensors), dtype)
        return folder
    weight_map = {}
    for n in range(n_shards):
        shard = f"model-{n + 1:05}-of-{n_shards:05}.safetensors"
        part = dict(tensors[n::n_shards])
        write_safetensors(folder / shard, part, dtype)
        weight_map |= dict.fromkeys(part, shard)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def write_safetensors(path: Path, tensors: dict[str, NDArray[np.float32]], dtype: str) -> None:
    """Write one safetensors file in the given number format."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, values in tensors.items():
        if dtype == "BF16":
            raw = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            raw = values.astype("<f2" if dtype == "F16" else "<f4").tobytes()
        span = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": span}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
