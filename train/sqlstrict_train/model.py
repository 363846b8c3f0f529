"""The bundled model's shape: a small LFM2 that two CPU cores can train and 16 MiB can hold.

Called by `loop.py` and `export.py`. Every row of weights is a multiple of 256 long, as Q4_K wants
it. Weights begin at random; nothing is downloaded.
"""

from __future__ import annotations

from typing import Any

from sqlstrict_train.tokenizer import BOS, END, PAD

LAYERS = ("conv", "full_attention") * 4


def make_config(
    vocabulary: int, hidden: int = 256, feed_forward: int = 512, layers: tuple[str, ...] = LAYERS
) -> Any:
    """The transformers config of the bundled model; needs the train extra."""
    from transformers import Lfm2Config

    return Lfm2Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=feed_forward,
        num_hidden_layers=len(layers),
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        conv_L_cache=3,
        conv_bias=False,
        block_auto_adjust_ff_dim=False,
        layer_types=list(layers),
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=END,
    )


def make_model(config: Any, seed: int) -> Any:
    """A model of that config with random weights; the same seed gives the same weights."""
    import torch
    from transformers import Lfm2ForCausalLM

    torch.manual_seed(seed)
    model = Lfm2ForCausalLM(config)
    for name, parameter in model.named_parameters():
        # Outputs into the residual stream start small, so that early layers are not drowned.
        if name.endswith(("out_proj.weight", "w2.weight")):
            torch.nn.init.normal_(parameter, std=0.02 / (2 * config.num_hidden_layers) ** 0.5)
    return model
