"""The random models of bench/make_model.py: the same from the same seed, and loadable."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import plan_tensors
from sqlstrict_convert.llama.library import load_bindings, set_log
from sqlstrict_convert.quality.check import check_gguf
from sqlstrict_convert.quality.check_child import decode_logits, load_model, tokenize


@pytest.fixture(scope="module")
def bindings() -> Any:
    module = load_bindings()
    set_log(module, lambda text: None)
    return module


def test_same_seed_same_file(make_model: ModuleType, tmp_path: Path) -> None:
    first, second, other = (
        make_model.make_model("tiny", tmp_path / f"{name}.gguf", seed).read_bytes()
        for name, seed in (("first", 1), ("second", 1), ("other", 2))
    )
    assert first != other
    assert first == second
    assert len(first) < 1_200_000


def test_prompt_markers_are_single_tokens(bindings: Any, tiny_gguf: Path) -> None:
    model = load_model(bindings, str(tiny_gguf))
    prompt = b"<|im_start|>user\nx<|im_end|>\n"
    tokens = tokenize(bindings, model, prompt, parses_special=True)
    assert (tokens[0], tokens[-2]) == (3, 4)
    assert not {3, 4} & set(tokenize(bindings, model, prompt, parses_special=False))
    logits = decode_logits(bindings, model, tokens)
    assert np.isfinite(logits).all()
    assert len(set(logits.argmax(axis=1).tolist())) > 1
    bindings.llama_model_free(model)


@pytest.mark.parametrize("quantization", ["F16", "Q4_0", "Q4_K_M"])
def test_quantized(make_model: ModuleType, tmp_path: Path, quantization: str) -> None:
    path = make_model.make_model("tiny", tmp_path / "tiny.gguf", quantize=quantization)
    config = parse_config(make_model.SIZES["tiny"].config)
    check_gguf(path, config, plan_tensors(config))


def test_the_large_size_is_the_real_shape(make_model: ModuleType) -> None:
    config = parse_config(make_model.SIZES["350m"].config)
    assert config.feed_forward_size == 4608
    assert sum(plan.n_values for plan in plan_tensors(config)) == 354_483_968
