"""Adapters and quantized checkpoints with one thing wrong somewhere: every outcome is typed.

Values are read too, since what a quantized tensor's own tables say is held against them only then.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_forms import write_form
from convert_mutations import mutate
from random_checkpoint import write_checkpoint
from sqlstrict_convert.checkpoint.checkpoint import open_checkpoint
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import match_tensors, plan_tensors
from sqlstrict_convert.errors import ConvertError

N_MUTATIONS = 200
ADAPTER_FORMS = ("patterns_rslora", "layers", "tokens", "embedding_dora", "saved_both")


def mutations(value: Any, stream: random.Random) -> Iterator[Any]:
    """Yield copies with one value, at any depth, removed or replaced."""
    while True:
        yield mutate(value, stream)


def is_taken(folder: Path, base: Path, *, reads_values: bool = False) -> bool:
    """Read the checkpoint; any exception but ConvertError fails the test."""
    try:
        checkpoint = open_checkpoint(folder, find_base=lambda name, revision: base)
        config = parse_config(checkpoint.config)
        match_tensors(plan_tensors(config), checkpoint.shapes(), config.is_tied)
        for name in checkpoint.tensors if reads_values else ():
            size = sum(piece.size for piece in checkpoint.pieces(name))
            assert size == np.prod(checkpoint.tensors[name].shape)
    except ConvertError as error:
        assert str(error)
        return False
    return True


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "base", "convolution_first", "{}")


@pytest.mark.parametrize("adapter", ADAPTER_FORMS)
def test_mutated_adapter_settings(base: Path, adapter: str) -> None:
    folder = write_form(base, base.parent / "adapter", f"adapter-{adapter}")
    path = folder / "adapter_config.json"
    stream = random.Random(adapter)
    changes = mutations(json.loads(path.read_text()), stream)
    taken = 0
    for _ in range(N_MUTATIONS):
        path.write_text(json.dumps(next(changes)))
        taken += is_taken(folder, base, reads_values=True)
    assert 0 < taken < N_MUTATIONS


@pytest.mark.parametrize("form", ["adapter-dora", "nf4_double", "int8"])
def test_mutated_headers(base: Path, form: str) -> None:
    folder = write_form(base, base.parent / "form", form)
    (path,) = folder.glob("*.safetensors")
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    changes = mutations(json.loads(raw[8:end]), random.Random(form))
    for _ in range(N_MUTATIONS):
        header = json.dumps(next(changes)).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + raw[end:])
        is_taken(folder, base)


@pytest.mark.parametrize("form", ["nf4_double", "fp4_double"])
def test_mutated_states(base: Path, form: str) -> None:
    """The JSON text in which bitsandbytes keeps shape, type and block sizes."""
    folder = write_form(base, base.parent / "form", form)
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    (name, *_) = [name for name in header if "quant_state" in name]
    begin, stop = (end + n for n in header[name]["data_offsets"])
    changes = mutations(json.loads(raw[begin:stop]), random.Random(form))
    taken = 0
    for _ in range(N_MUTATIONS):
        state = json.dumps(next(changes)).encode()
        if len(state) <= stop - begin:
            padded = state.ljust(stop - begin)
            path.write_bytes(raw[:begin] + padded + raw[stop:])
            taken += is_taken(folder, base, reads_values=True)
    assert 0 < taken < N_MUTATIONS


@pytest.mark.parametrize("form", ["adapter-dora", "nf4_double", "int8"])
def test_mutated_bytes(base: Path, form: str) -> None:
    folder = write_form(base, base.parent / "form", form)
    (path,) = folder.glob("*.safetensors")
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    stream = random.Random(form)
    for _ in range(N_MUTATIONS):
        changed = bytearray(raw)
        for _ in range(3):  # half of them in the header, which is a small part
            reach = end if stream.random() < 0.5 else len(raw)
            changed[stream.randrange(reach)] = stream.randrange(256)
        path.write_bytes(changed)
        is_taken(folder, base, reads_values=True)
