"""config.json -> the model's shape, and every config that is refused."""

from typing import Any

import pytest
from random_checkpoint import FEED_FORWARD, SHAPES, config_of
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

# What the real LFM2.5-350M's config says, and what its weights have.
REAL_350M: dict[str, Any] = {
    "architectures": ["Lfm2ForCausalLM"],
    "model_type": "lfm2",
    "block_auto_adjust_ff_dim": True,
    "block_ff_dim": 6656,
    "block_ffn_dim_multiplier": 1.0,
    "block_multiple_of": 256,
    "conv_L_cache": 3,
    "conv_bias": False,
    "full_attn_idxs": [2, 5, 8, 10, 12, 14],
    "hidden_size": 1024,
    "intermediate_size": 6656,
    "max_position_embeddings": 32768,
    "norm_eps": 1e-5,
    "num_attention_heads": 16,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "rope_theta": 1000000.0,
    "vocab_size": 65536,
    "bos_token_id": 1,
    "eos_token_id": 7,
    "pad_token_id": 0,
}


def changed(**values: Any) -> dict[str, Any]:
    return {**config_of("convolution_first"), **values}


def test_the_real_models_shape() -> None:
    config = parse_config(REAL_350M)
    assert config.feed_forward_size == 4608
    assert [i for i, is_attention in enumerate(config.is_attention_layer) if is_attention] == [
        2,
        5,
        8,
        10,
        12,
        14,
    ]
    assert (config.head_size, config.n_layers, config.is_tied) == (64, 16, True)
    assert config.rope_theta == 1e6
    assert config.schema_rendering is None


@pytest.mark.parametrize("shape", SHAPES)
def test_feed_forward_size(shape: str) -> None:
    assert parse_config(config_of(shape)).feed_forward_size == FEED_FORWARD[shape]


def test_defaults_are_those_of_transformers() -> None:
    config = config_of("convolution_first")
    for key in (
        "layer_types",
        "conv_L_cache",
        "norm_eps",
        "rope_parameters",
        "tie_word_embeddings",
    ):
        del config[key]
    parsed = parse_config(config)
    assert parsed.is_attention_layer == (True,) * 4
    assert parsed.conv_cache_length == 3
    assert parsed.norm_epsilon == 1e-5
    assert parsed.rope_theta == 1e6
    assert parsed.is_tied


def test_old_name_of_tying_goes_first() -> None:
    assert not parse_config(changed(tie_embedding=False, tie_word_embeddings=True)).is_tied


def test_first_of_several_end_tokens() -> None:
    assert parse_config(changed(eos_token_id=[4, 2])).eos_token_id == 4


@pytest.mark.parametrize(
    "values",
    [
        {"auto_map": {"AutoModelForCausalLM": "modeling_lfm2.LFM2ForCausalLM"}},
        {"architectures": ["Lfm2Model"]},
        {"quantization_config": {"load_in_8bit": True}},
        {"quantization_config": {"quant_method": "bitsandbytes", "_load_in_4bit": True}},
    ],
)
def test_kinds_that_are_converted_too(values: dict[str, Any]) -> None:
    assert parse_config(changed(**values)) == parse_config(changed())


@pytest.mark.parametrize("rendering", ["compact", "ddl"])
def test_schema_rendering(rendering: str) -> None:
    parsed = parse_config(changed(sqlstrict={"schema_rendering": rendering}))
    assert parsed.schema_rendering == rendering


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"model_type": "qwen3"}, "'qwen3'"),
        ({"model_type": "lfm2_moe", "architectures": ["Lfm2MoeForCausalLM"]}, "'lfm2_moe'"),
        ({"architectures": ["Lfm2ForTokenClassification"]}, "'Lfm2ForTokenClassification'"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "'gptq'"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "'compressed-tensors'"),
        ({"quantization_config": {"bits": 4}}, "'unknown'"),
        (
            {"quantization_config": {"load_in_4bit": True, "bnb_4bit_quant_type": "int4"}},
            "'int4'",
        ),
        ({"auto_map": {"AutoModelForCausalLM": "modeling_x.MyLfm2"}}, "modeling_x.MyLfm2"),
        ({"auto_map": ["x"]}, "code of its own"),
        ({"conv_bias": True}, "conv_bias"),
        ({"head_dim": 32}, "head_dim 32"),
        ({"conv_L_cache": 1}, "conv_L_cache is 1"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e6}}, "'yarn'"),
        ({"rope_parameters": None, "rope_scaling": {"type": "linear"}}, "'linear'"),
        (
            {"layer_types": ["conv", "sliding_attention", "conv", "full_attention"]},
            "'sliding_attention'",
        ),
    ],
)
def test_kinds_that_are_not_converted(values: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedCheckpoint, match=named):
        parse_config(changed(**values))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"hidden_size": "64"}, "hidden_size is '64'"),
        ({"hidden_size": 66}, "num_attention_heads 4"),
        ({"num_key_value_heads": 3}, "num_key_value_heads 3"),
        ({"num_hidden_layers": 5}, "layer_types has 4 entries"),
        ({"num_hidden_layers": 10**9, "layer_types": None}, "num_hidden_layers is 1000000000"),
        ({"layer_types": None, "full_attn_idxs": [1, 4]}, "full_attn_idxs"),
        ({"norm_eps": float("nan")}, "norm_eps"),
        ({"vocab_size": True}, "vocab_size is True"),
        ({"block_auto_adjust_ff_dim": True, "block_ffn_dim_multiplier": -1}, "multiplier is -1"),
        ({"bos_token_id": -1}, "bos_token_id is -1"),
        ({"sqlstrict": {"schema_rendering": "prose"}}, "'prose'"),
    ],
)
def test_broken_values(values: dict[str, Any], named: str) -> None:
    with pytest.raises(CheckpointError, match=named):
        parse_config(changed(**values))
