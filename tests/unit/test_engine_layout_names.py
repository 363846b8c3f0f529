"""The expression that names repacked weights to llama.cpp: it finds these and no other tensor."""

from __future__ import annotations

import random
import re

import pytest
from sqlstrict_convert.gguf_format.header import TensorEntry
from sqlstrictd.engine.repacking import names_pattern

KINDS = ("attn_q", "attn_k", "attn_qkv", "ffn_gate", "ffn_gate_shexp", "shortconv.in_proj")
# Names that hold a weight's name, or that one of its letters too many would find.
OTHERS = (
    "token_embd.weight",
    "output_norm.weight",
    "blk.1.attn_q_norm.weight",
    "blk.1.attn_q.bias",
)
OTHERS += ("dec.blk.1.attn_q.weight", "blk.1.attn_q.weight.scale", "blk.1.shortconvXin_proj.weight")


def weight(name: str) -> TensorEntry:
    return TensorEntry(name, (64, 64), "Q4_0", 0, 2304)


def test_it_finds_the_repacked_weights_alone() -> None:
    names = ["output.weight"]
    names += [f"blk.{layer}.{kind}.weight" for layer in range(12) for kind in KINDS]
    for seed in range(200):
        chance = random.Random(seed)
        share = chance.choice((0.1, 0.5, 0.95, 1.0))
        weights = [weight(name) for name in names if chance.random() < 0.9]
        repacked = [one for one in weights if chance.random() < share]
        pattern = names_pattern(weights, repacked)
        if not repacked:
            assert pattern == ""
            continue
        for one in weights:
            assert bool(re.search(pattern, one.name)) == (one in repacked), (seed, one.name)
        for other in OTHERS:
            assert not re.search(pattern, other), (seed, other)


def test_it_stays_short_where_all_layers_are_repacked() -> None:
    """llama.cpp compiles it for every tensor."""
    weights = [weight(f"blk.{layer}.{kind}.weight") for layer in range(200) for kind in KINDS]
    assert len(names_pattern(weights, weights)) < 120
    assert names_pattern(weights, []) == ""


def test_other_tensors_are_never_named() -> None:
    for name in OTHERS:
        with pytest.raises(ValueError, match="products alone"):
            names_pattern([weight(name)], [weight(name)])
