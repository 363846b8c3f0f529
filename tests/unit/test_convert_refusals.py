"""Adapters that are torn or contradict themselves or their base.

Each, and each kind that is not converted, is refused by name before any long work.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_forms import ADAPTERS, array_part, write_adapter, write_form, write_parts
from checkpoint_forms import read_plain as stored_in
from numpy.typing import NDArray
from random_checkpoint import write_checkpoint
from sqlstrict_convert.checkpoint.adapter_config import parse_adapter_config
from sqlstrict_convert.checkpoint.checkpoint import Checkpoint, open_checkpoint
from sqlstrict_convert.errors import CheckpointError, ConvertError, UnsupportedCheckpoint

SHAPE = "convolution_first"


SETTINGS = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "base", SHAPE, "{}")


def open_adapter(base: Path, adapter: str = "plain", **changes: Any) -> Checkpoint:
    folder = base.parent / "adapter"
    write_adapter(folder, adapter, stored_in(base), "x/base", **changes)
    return open_checkpoint(folder, find_base=lambda name, revision: base)


def rewrite(path: Path, changed: dict[str, NDArray[Any] | None]) -> None:
    """Write a plain safetensors file again with tensors replaced, added, or (None) left out."""
    tensors = {name: tensor.read() for name, tensor in stored_in(path.parent).items()}
    kept = {name: values for name, values in {**tensors, **changed}.items() if values is not None}
    write_parts(path, [array_part(name, values, "F32") for name, values in kept.items()])


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"peft_type": "IA3"}, "'IA3'"),
        ({"peft_type": None}, "None"),
        ({"init_lora_weights": "pissa_niter_16"}, "pissa_niter_16"),
        ({"init_lora_weights": "loftq"}, "loftq"),
        ({"init_lora_weights": "OLoRA"}, "OLoRA"),
        ({"layer_replication": [[0, 2], [1, 4]]}, "layer_replication"),
        ({"alora_invocation_tokens": [3, 4]}, "alora_invocation_tokens"),
        ({"megatron_config": {"tp": 2}}, "megatron_config"),
        ({"loftq_config": {"loftq_bits": 4}}, "loftq_config"),
        ({"use_qalora": True}, "use_qalora"),
        ({"target_parameters": ["experts.w1"]}, "target_parameters"),
        ({"an_option_of_tomorrow": True}, "an_option_of_tomorrow"),
    ],
)
def test_adapters_that_are_not_merged(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedCheckpoint, match=named):
        parse_adapter_config({**SETTINGS, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 0},
        {"r": True},
        {"lora_alpha": "8"},
        {"lora_alpha": float("nan")},
        {"rank_pattern": {"(": 4}},
        {"rank_pattern": {"q_proj": -1}},
        {"alpha_pattern": [1]},
        {"target_modules": "("},
        {"target_modules": [1]},
        {"layers_pattern": ["("]},
        {"layers_to_transform": [-1]},
        {"modules_to_save": "lm_head"},
        {"trainable_token_indices": {"embed_tokens": ["a"]}},
        {"use_dora": "yes"},
        {"base_model_name_or_path": 5},
    ],
)
def test_adapter_settings_of_the_wrong_type(settings: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=next(iter(settings))):
        parse_adapter_config({**SETTINGS, **settings})


def test_options_without_effect_are_no_obstacle() -> None:
    inert = {"qalora_group_size": 16, "megatron_core": "megatron.core", "eva_config": {"rho": 2}}
    assert parse_adapter_config({**SETTINGS, **inert}) == parse_adapter_config(SETTINGS)


@pytest.mark.parametrize(
    ("adapter", "changes", "problem"),
    [
        ("plain", {"r": 5}, "rank 5 over a base of"),
        ("plain", {"target_modules": ["q_proj"]}, "does not name in target_modules"),
        ("regex", {"target_modules": ["q_proj", "v_proj", "w2"]}, "lacks .*w2"),
        ("dora", {"use_dora": False}, "has DoRA's magnitudes"),
        ("plain", {"use_dora": True}, "lacks DoRA's magnitudes"),
        ("saved_norms", {"modules_to_save": ["operator_norm"]}, "whole model.embedding_norm"),
        ("plain", {"modules_to_save": ["lm_head"]}, "lacks lm_head"),
        ("tokens", {"trainable_token_indices": [1, 2]}, r"need \[2, 64\]"),
        ("tokens", {"trainable_token_indices": [1, 2, 320]}, "token 320"),
        ("plain", {"trainable_token_indices": [1]}, "lacks the rows of embed_tokens"),
        ("tokens", {"trainable_token_indices": {"w1": [1]}}, "lacks the rows of w1"),
    ],
)
def test_adapters_whose_files_disagree(
    base: Path, adapter: str, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CheckpointError, match=problem):
        open_adapter(base, adapter, **changes)


@pytest.mark.parametrize(
    ("name", "shape", "problem"),
    [
        ("model.layers.0.feed_forward.w1.lora_B.weight", None, "only a part"),
        ("model.layers.9.feed_forward.w1.lora_A.weight", (4, 64), "only a part|does not"),
        ("model.layers.0.feed_forward.w1.lora_A.weight", (4, 63), "needs \\[4, 64\\]"),
        ("model.layers.0.feed_forward.w1.ia3_l", (64,), "none that a LoRA adapter"),
        ("model.layers.0.feed_forward.w1.bias", (96,), "none that a LoRA adapter"),
        ("model.layers.0.feed_forward.w1.lora_B.bias", (96,), "lora_bias"),
        ("model.layers.0.feed_forward.w1.weight", (96, 64), "in\\s+modules_to_save"),
        ("model.embed_tokens.weight", (330, 63), "has shape"),
        ("lm_head.weight", (330, 64), "330 of the head"),
    ],
)
def test_adapter_files_that_are_torn(
    base: Path, name: str, shape: tuple[int, ...] | None, problem: str
) -> None:
    folder = base.parent / "adapter"
    write_adapter(folder, "plain", stored_in(base), "x/base")
    values = None if shape is None else np.ones(shape, np.float32)
    rewrite(folder / "adapter_model.safetensors", {f"base_model.model.{name}": values})
    with pytest.raises(ConvertError, match=problem):
        open_checkpoint(folder, find_base=lambda *_: base)


def test_tokens_of_a_tied_head_are_the_embeddings(base: Path) -> None:
    said = {"embed_tokens": [5, 3, 9], "lm_head": [5, 3, 9]}
    opened = open_adapter(base, "tokens", trainable_token_indices=said)
    assert "lm_head.weight" not in opened.tensors


def test_names_that_the_model_does_not_have(base: Path) -> None:
    assert open_adapter(base, "plain", modules_to_save=["classifier"]).shapes()


def test_an_adapter_on_a_convolution(base: Path) -> None:
    folder = base.parent / "adapter"
    targets = ["q_proj", "conv.conv"]
    settings = {**SETTINGS, "target_modules": targets, "base_model_name_or_path": "x/base"}
    write_adapter(folder, "regex", stored_in(base), "x/base", **settings)
    name = "base_model.model.model.layers.0.conv.conv.lora_"
    path = folder / "adapter_model.safetensors"
    without_v = {
        f"base_model.model.model.layers.{i}.self_attn.v_proj.lora_{ab}.weight": None
        for i in (1, 3)
        for ab in "AB"
    }
    ones = np.ones((4, 64, 3), np.float32)
    rewrite(path, {**without_v, f"{name}A.weight": ones, f"{name}B.weight": ones})
    with pytest.raises(CheckpointError, match="layers.0.conv.conv, which is no matrix"):
        open_checkpoint(folder, find_base=lambda *_: base)


def test_a_bias_of_zeros_changes_nothing(base: Path) -> None:
    folder = base.parent / "adapter"
    write_adapter(folder, "plain", stored_in(base), "x/base")
    name = "base_model.model.model.layers.0.feed_forward.w1.lora_B.bias"
    rewrite(folder / "adapter_model.safetensors", {name: np.zeros(96, np.float32)})
    assert open_checkpoint(folder, find_base=lambda *_: base).shapes()


def test_adapters_of_other_bases_and_of_adapters(base: Path) -> None:
    adapter = write_form(base, base.parent / "adapter", "adapter-plain")
    smaller = write_checkpoint(base.parent / "other", "adjusted_feed_forward", "{}")
    with pytest.raises(CheckpointError, match="needs"):
        open_checkpoint(adapter, find_base=lambda *_: smaller)
    second = write_form(base, base.parent / "second", "adapter-dora")
    with pytest.raises(UnsupportedCheckpoint, match="is an adapter itself"):
        open_checkpoint(second, find_base=lambda *_: adapter)
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(UnsupportedCheckpoint, match="pickled adapter"):
        open_checkpoint(adapter, find_base=lambda *_: base)


def test_weights_and_an_adapter_in_one_folder(base: Path) -> None:
    write_adapter(base, "plain", stored_in(base), "x/base")
    with pytest.raises(UnsupportedCheckpoint, match="whether they are merged"):
        open_checkpoint(base, find_base=lambda *_: base)


def test_an_adapter_brings_its_own_tokenizer(base: Path) -> None:
    adapter = write_form(base, base.parent / "adapter", "adapter-plain")
    (base / "tokenizer.json").write_text('{"whose": "base"}')
    (base / "chat_template.jinja").write_text("base")

    def opened() -> Checkpoint:
        return open_checkpoint(adapter, find_base=lambda *_: base)

    assert (opened().tokenizer, opened().chat_template) == ({"whose": "base"}, "base")
    (adapter / "tokenizer_config.json").write_text("{}")
    assert opened().chat_template == "base" and opened().tokenizer_config == {}
    (adapter / "tokenizer_config.json").write_text('{"chat_template": "mine"}')
    assert opened().chat_template is None
    (adapter / "chat_template.jinja").write_text("adapter")
    assert (opened().tokenizer, opened().chat_template) == ({"whose": "base"}, "adapter")
    (adapter / "tokenizer.json").write_text('{"whose": "adapter"}')
    assert opened().tokenizer == {"whose": "adapter"}


def test_a_revision_is_asked_for(base: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    def find_base(name: str, revision: str | None) -> Path:
        asked.append((name, revision))
        return base

    folder = base.parent / "adapter"
    write_adapter(folder, "plain", stored_in(base), "x/base", revision="v2")
    open_checkpoint(folder, find_base=find_base)
    assert asked == [("x/base", "v2")]


def test_every_form_of_adapter_is_told_from_the_settings_alone() -> None:
    """What a hub is asked before anything is downloaded."""
    for name, settings in ADAPTERS.items():
        inert = {key: value for key, value in settings.items() if key not in ("targets",)}
        inert.pop("extra_rows", None)
        assert parse_adapter_config({**SETTINGS, **inert}).rank == 4, name
