"""Adapters merged here against PEFT's model with the adapter in place: the same logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_forms import ADAPTERS, write_form
from random_checkpoint import token_ids, write_checkpoint
from sqlstrict_convert.checkpoint.checkpoint import Checkpoint, open_checkpoint
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import match_tensors, plan_tensors
from sqlstrict_convert.checkpoint.vocab import parse_vocabulary
from sqlstrict_convert.gguf_format.file import write_gguf
from sqlstrict_convert.gguf_format.metadata import Origin
from sqlstrict_convert.llama.library import load_bindings, set_log
from sqlstrict_convert.quality.check_child import decode_logits, load_model

REFERENCE = Path(__file__).parents[1] / "reference"
ROWS = (0, 23)  # as make_forms_reference.py has them
# The logits spread by 1 to 5; what DoRA divides by a norm comes out in another order of sums.
TOLERANCE = 5e-4


@pytest.fixture(scope="module")
def bindings() -> Any:
    module = load_bindings()
    set_log(module, lambda text: None)
    return module


def write_f32(checkpoint: Checkpoint, path: Path) -> None:
    """Write the checkpoint's weights as they are, without the steps that come after."""
    config = parse_config(checkpoint.config)
    plans = plan_tensors(config)
    match_tensors(plans, checkpoint.shapes(), config.is_tied)
    vocabulary = parse_vocabulary(
        checkpoint.tokenizer, checkpoint.tokenizer_config, checkpoint.chat_template, config
    )
    write_gguf(
        path,
        config,
        vocabulary,
        Origin(name="merged"),
        plans,
        lambda plan: checkpoint.pieces(plan.source_name),
        is_f16=False,
    )


@pytest.mark.parametrize("shape", ["convolution_first", "untied"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_logits_are_those_of_peft(
    bindings: Any, tokenizer_json: str, tmp_path: Path, adapter: str, shape: str
) -> None:
    base = write_checkpoint(tmp_path / "base", shape, tokenizer_json)
    folder = write_form(base, tmp_path / "adapter", f"adapter-{adapter}")
    path = tmp_path / "model.gguf"
    write_f32(open_checkpoint(folder, find_base=lambda name, revision: base), path)
    model = load_model(bindings, str(path))
    logits = decode_logits(bindings, model, token_ids(shape), is_exact=True)
    bindings.llama_model_free(model)
    with np.load(REFERENCE / f"peft-{shape}.npz") as reference:
        wanted = reference[f"{adapter}.logits"]
    assert logits.shape[1] == wanted.shape[1]
    assert np.abs(logits[list(ROWS)] - wanted).max() < TOLERANCE
