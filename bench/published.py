"""A checkpoint -> the folders that somebody may have published it as.

`pull.py` calls it. The checkpoint is random, of a size of `make_model`, or the bundled one. A
random one's adapters are trained on noise, as it is; those of the bundled one lead back to it: what
they add is taken from their base first, so that base and adapter together answer as it does.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "reference")]

import numpy as np  # noqa: E402
from checkpoint_forms import (  # noqa: E402
    BESIDE,
    array_part,
    read_plain,
    write_form,
    write_parts,
    write_random,
)
from make_model import SIZES, random_values, train_tokenizer  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sqlstrict_convert.checkpoint.config import parse_config  # noqa: E402
from sqlstrict_convert.checkpoint.tensors import plan_tensors  # noqa: E402

PEFT_PREFIX = "base_model.model."
# Small beside the bundled model's weights, as what training changes is beside what it begins with.
ADAPTER_SCALE = 0.1


def write_random_checkpoint(folder: Path, size: str, tokenizer_file: Path | None) -> Path:
    """Write the random checkpoint that all forms are made of, in BF16, unless it is there."""
    if folder.is_dir():
        return folder
    chosen = SIZES[size]
    if tokenizer_file:
        tokenizer_json = tokenizer_file.read_text(encoding="utf-8")
    else:
        tokenizer_json = train_tokenizer(chosen.config["vocab_size"], chosen.corpus_bytes)
    plans = {plan.source_name: plan for plan in plan_tensors(parse_config(chosen.config))}

    def values(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        return np.concatenate(list(random_values(plans[name], 0))).reshape(shape)

    shapes = {name: plan.source_shape for name, plan in plans.items()}
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    write_random(unfinished, chosen.config, tokenizer_json, shapes, values)
    return unfinished.rename(folder)


def write_leading_back(plain: Path, base: Path, adapter: Path, form: str, base_name: str) -> None:
    """Write an adapter and its base, in F32, that together are the plain checkpoint.

    A LoRA matrix's base is the weight less what the adapter adds; with DoRA the magnitudes are the
    lengths of the weight's own rows.
    """
    write_form(plain, adapter, form, base_name=base_name)
    config = json.loads((adapter / "adapter_config.json").read_text())
    scale = config["lora_alpha"] / (math.sqrt(config["r"]) if config["use_rslora"] else config["r"])
    added = {name: part.read() for name, part in read_plain(adapter).items()}
    weights = {name: stored.read() for name, stored in read_plain(plain).items()}
    for name in added:
        if not name.endswith(".lora_A.weight"):
            continue
        module = name.removesuffix(".lora_A.weight")
        up = f"{module}.lora_B.weight"
        added[up] = added[up] * np.float32(ADAPTER_SCALE)
        weight = f"{module.removeprefix(PEFT_PREFIX)}.weight"
        magnitude = f"{module}.lora_magnitude_vector"
        if magnitude in added:
            added[magnitude] = np.linalg.norm(weights[weight], axis=1).astype(np.float32)
        weights[weight] = weights[weight] - np.float32(scale) * (added[up] @ added[name])
    parts = [array_part(name, values, "F32") for name, values in added.items()]
    write_parts(adapter / "adapter_model.safetensors", parts)
    base.mkdir(parents=True)
    for name in ("config.json", *BESIDE):
        if (plain / name).is_file():
            shutil.copyfile(plain / name, base / name)
    parts = [array_part(name, values, "F32") for name, values in weights.items()]
    write_parts(base / "model.safetensors", parts)
