"""Quantized, wrapped and headless checkpoints: read where they say one thing, else refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_forms import write_form
from random_checkpoint import config_of, weights_of, write_checkpoint, write_safetensors
from sqlstrict_convert.checkpoint.checkpoint import open_checkpoint
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.errors import CheckpointError, ConvertError

SHAPE = "convolution_first"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "base", SHAPE, "{}")


def quantized(base: Path, form: str, drop: str = "", **config: Any) -> Path:
    """A quantized checkpoint without the tensors whose names end in `drop`."""
    folder = write_form(base, base.parent / "quantized", form)
    said = json.loads((folder / "config.json").read_text())
    said["quantization_config"] |= config
    (folder / "config.json").write_text(json.dumps(said))
    if drop:
        path = folder / "model.safetensors"
        raw = path.read_bytes()
        end = 8 + int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8:end])
        kept = {name: entry for name, entry in header.items() if not name.endswith(drop)}
        text = json.dumps(kept).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + raw[end:])
    return folder


@pytest.mark.parametrize(
    ("form", "drop", "config", "problem"),
    [
        ("nf4", "w1.weight.absmax", {}, "lacks .*w1.weight.absmax"),
        ("nf4", ".quant_map", {}, "lacks .*.quant_map"),
        ("nf4_double", "w1.weight.nested_absmax", {}, "lacks .*nested_absmax"),
        ("nf4_double", "w1.weight.nested_quant_map", {}, "lacks .*nested_quant_map"),
        ("nf4", "w1.weight.quant_state.bitsandbytes__nf4", {}, "stored as U8|stored as F32"),
        ("int8", "w1.SCB", {}, "stored as I8"),
        ("nf4", "", {"bnb_4bit_quant_type": "fp4"}, "quantized as 4-bit nf4, .* says 4-bit fp4"),
        ("int8", "", {"load_in_8bit": False, "_load_in_8bit": False}, "neither load_in_4bit"),
        ("nf4", "", {"quant_method": "hqq"}, "'hqq'"),
    ],
)
def test_quantized_checkpoints_that_disagree(
    base: Path, form: str, drop: str, config: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConvertError, match=problem):
        open_checkpoint(quantized(base, form, drop, **config))


def test_quantized_weights_that_config_is_silent_about(base: Path) -> None:
    folder = quantized(base, "nf4")
    (folder / "config.json").write_text(json.dumps(config_of(SHAPE)))
    with pytest.raises(CheckpointError, match="has no quantization_config"):
        open_checkpoint(folder)


def test_plain_weights_that_config_calls_quantized(base: Path) -> None:
    config = {**config_of(SHAPE), "quantization_config": {"load_in_4bit": True}}
    (base / "config.json").write_text(json.dumps(config))
    assert open_checkpoint(base).form == "plain"


@pytest.mark.parametrize("prefix", ["base_model.model.", "_orig_mod.", "module._orig_mod."])
def test_names_that_wrappers_leave(tmp_path: Path, prefix: str) -> None:
    wrapped = {
        prefix + name.replace("q_proj.", "q_proj.base_layer."): values
        for name, values in weights_of(SHAPE).items()
    }
    folder = write_checkpoint(tmp_path, SHAPE, "{}", weights=wrapped)
    assert open_checkpoint(folder).shapes().keys() == weights_of(SHAPE).keys()


def test_a_model_saved_without_its_head(tmp_path: Path) -> None:
    bare = {name.removeprefix("model."): values for name, values in weights_of(SHAPE).items()}
    folder = write_checkpoint(tmp_path, SHAPE, "{}", weights=bare)
    assert open_checkpoint(folder).shapes().keys() == weights_of(SHAPE).keys()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("model.layers.0.feed_forward.w1.lora_A.default.weight", "adapter that is not merged"),
        ("model.embed_tokens.modules_to_save.default.weight", "adapter that is not merged"),
        ("model.vision_tower.patch.weight", "text and images"),
        ("language_model.model.embed_tokens.weight", "text and images"),
        ("module.model.embed_tokens.weight", "model.embed_tokens.weight twice"),
    ],
)
def test_tensors_that_are_no_plain_models(tmp_path: Path, name: str, problem: str) -> None:
    weights = {**weights_of(SHAPE), name: np.zeros((320, 64), np.float32)}
    folder = write_checkpoint(tmp_path, SHAPE, "{}", weights=weights)
    with pytest.raises(ConvertError, match=problem):
        open_checkpoint(folder)


def test_a_tied_head_that_was_saved_too(base: Path) -> None:
    weights = weights_of(SHAPE)
    embedding = weights["model.embed_tokens.weight"]
    path = base / "model.safetensors"
    write_safetensors(path, {**weights, "lm_head.weight": embedding}, "F32")
    same = open_checkpoint(base)
    assert parse_config(same.config).is_tied and "lm_head.weight" not in same.tensors
    write_safetensors(path, {**weights, "lm_head.weight": embedding + 1}, "F32")
    apart = open_checkpoint(base)
    assert not parse_config(apart.config).is_tied and "lm_head.weight" in apart.tensors
