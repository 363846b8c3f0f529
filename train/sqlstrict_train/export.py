"""Write a trained model as a Hugging Face checkpoint that `sqlstrict_convert` takes.

Called by the `bundled` command. Weights are stored in BF16, the tied output head once. The config
says which schema rendering the model was trained on; the converter carries it into the GGUF.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlstrict_train.tokenizer import write_tokenizer

LIMIT = 16 * 1024 * 1024  # bytes that the repository gives the whole folder


def export(model: Any, tokenizer_content: dict[str, Any], folder: Path) -> int:
    """Write config.json, tokenizer files and model.safetensors; return their bytes in all.

    Raises:
        ValueError: the folder would be larger than `LIMIT`.
    """
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.to(torch.bfloat16).contiguous()
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        key: value
        for key, value in model.config.to_dict().items()
        if key in _CONFIG_KEYS and value is not None
    }
    config |= {"architectures": ["Lfm2ForCausalLM"], "dtype": "bfloat16"}
    config["rope_theta"] = model.config.rope_parameters["rope_theta"]
    config["sqlstrict"] = {"schema_rendering": "compact"}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    write_tokenizer(tokenizer_content, folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > LIMIT:
        raise ValueError(f"{folder} holds {size} bytes, {size - LIMIT} too many; shrink the model")
    return size


_CONFIG_KEYS = frozenset(
    "model_type vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads "
    "num_key_value_heads max_position_embeddings initializer_range norm_eps use_cache "
    "pad_token_id bos_token_id eos_token_id tie_word_embeddings rope_parameters conv_bias "
    "conv_L_cache block_multiple_of block_ffn_dim_multiplier block_auto_adjust_ff_dim "
    "layer_types".split()
)
