"""Checkpoint folders and safetensors files -> tensors, and what is refused before any long work."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_checkpoint import weights_of, write_checkpoint, write_safetensors
from sqlstrict_convert.checkpoint.checkpoint import open_checkpoint
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.safetensors_file import read_header
from sqlstrict_convert.checkpoint.tensors import match_tensors, plan_tensors
from sqlstrict_convert.checkpoint.weight import BLOCK_VALUES
from sqlstrict_convert.errors import CheckpointError, TensorError, UnsupportedCheckpoint

SHAPE = "convolution_first"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "checkpoint", SHAPE, "{}")


def rewrite_header(path: Path, change: dict[str, Any]) -> None:
    """Change entries of a safetensors header in place, leaving the data as it is."""
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.dumps({**json.loads(raw[8:end]), **change}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw[end:])


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("n_shards", [1, 3])
def test_values_come_back_exactly(tmp_path: Path, dtype: str, n_shards: int) -> None:
    write_checkpoint(tmp_path, SHAPE, "{}", dtype=dtype, n_shards=n_shards)
    checkpoint = open_checkpoint(tmp_path)
    wanted = weights_of(SHAPE)
    assert checkpoint.shapes() == {name: values.shape for name, values in wanted.items()}
    for name, values in wanted.items():
        read = np.concatenate(list(checkpoint.pieces(name)))
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, values.ravel())


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_long_tensors_come_in_pieces(tmp_path: Path, dtype: str) -> None:
    write_checkpoint(tmp_path, SHAPE, "{}")
    values = (np.arange(BLOCK_VALUES + 5, dtype=np.float32) % 251).reshape(-1, 1)
    write_safetensors(tmp_path / "model.safetensors", {"long": values}, dtype)
    pieces = list(open_checkpoint(tmp_path).pieces("long"))
    assert [len(piece) for piece in pieces] == [BLOCK_VALUES, 5]
    np.testing.assert_array_equal(np.concatenate(pieces), values.ravel())


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, SHAPE, "{}")
    values = np.array([1.0, -0.00390625, 3.3895314e38, 1e-40, 0.1], np.float32)
    write_safetensors(tmp_path / "model.safetensors", {"x": values}, "BF16")
    (read,) = open_checkpoint(tmp_path).pieces("x")
    np.testing.assert_array_equal(read.view(np.uint32), values.view(np.uint32) & 0xFFFF0000)


def test_a_file_that_became_shorter(folder: Path) -> None:
    checkpoint = open_checkpoint(folder)
    path = folder / "model.safetensors"
    tensors = read_header(path)
    last = max(tensors, key=lambda name: tensors[name].start)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="ends inside of a tensor"):
        list(checkpoint.pieces(last))


def test_kinds_of_input_that_are_refused(tmp_path: Path) -> None:
    gguf = tmp_path / "model.gguf"
    gguf.write_bytes(b"GGUF\x03\0\0\0")
    with pytest.raises(UnsupportedCheckpoint, match="GGUF file already"):
        open_checkpoint(gguf)
    with pytest.raises(UnsupportedCheckpoint, match=r"give model\.gguf to"):
        open_checkpoint(tmp_path)
    other = tmp_path / "model.zip"
    other.write_bytes(b"PK")
    with pytest.raises(UnsupportedCheckpoint, match="give the folder"):
        open_checkpoint(other)
    with pytest.raises(CheckpointError, match="does not exist"):
        open_checkpoint(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        (tmp_path / "empty").mkdir()
        open_checkpoint(tmp_path / "empty")


@pytest.mark.parametrize("has_config", [False, True])
def test_an_adapter_needs_its_base(folder: Path, has_config: bool) -> None:
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "base_model_name_or_path": "x/y"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    if not has_config:
        (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match="its base x/y is needed too"):
        open_checkpoint(folder)


def test_a_merged_model_may_keep_its_adapters_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    assert open_checkpoint(folder).tensors


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnsupportedCheckpoint, match="pickled"):
        open_checkpoint(folder)


def test_missing_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"neither model\.safetensors nor"):
        open_checkpoint(folder)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("config.json", "{", "not JSON"),
        ("config.json", "[]", "not a JSON object"),
        ("tokenizer.json", "[" * 100_000, "not JSON"),
        ("tokenizer.json", None, r"no tokenizer\.json"),
        ("tokenizer_config.json", "\x00", "not JSON"),
    ],
)
def test_broken_json(folder: Path, name: str, text: str | None, problem: str) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=problem):
        open_checkpoint(folder)


def test_text_that_is_not_utf8(folder: Path) -> None:
    (folder / "config.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(CheckpointError, match="byte 7"):
        open_checkpoint(folder)


def test_shards_that_do_not_fit_their_index(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, SHAPE, "{}", n_shards=2)
    index = folder / "model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    name = next(iter(weight_map))

    def with_map(changed: dict[str, Any]) -> None:
        index.write_text(json.dumps({"weight_map": {**weight_map, **changed}}))

    with_map({"more": weight_map[name]})
    with pytest.raises(CheckpointError, match="lacks more"):
        open_checkpoint(folder)
    with_map({name: "../elsewhere.safetensors"})
    with pytest.raises(CheckpointError, match="outside of the folder"):
        open_checkpoint(folder)
    other = next(shard for shard in weight_map.values() if shard != weight_map[name])
    with_map({name: other})
    with pytest.raises(CheckpointError, match=f"holds {name}"):
        open_checkpoint(folder)
    with_map({})
    (folder / other).unlink()
    with pytest.raises(CheckpointError, match=f"{other} is missing"):
        open_checkpoint(folder)


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
def test_truncated_safetensors(folder: Path, kept: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="cut off|no whole"):
        read_header(path)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 12]}, "12 bytes"),
        ({"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}, "no counts"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}, "-4 bytes"),
        ({"dtype": "F32", "shape": [1]}, "lacks"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "overlap"),
        ({"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}, "cut off"),
        ([], "lacks"),
    ],
)
def test_lying_headers(folder: Path, entry: Any, problem: str) -> None:
    rewrite_header(folder / "model.safetensors", {"extra": entry})
    with pytest.raises(CheckpointError, match=problem):
        read_header(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("dtype", "n_bytes"), [("F8_E4M3", 1), ("U8", 1), ("I8", 1), ("F64", 8), ("F4", 1), (8, 1)]
)
def test_other_number_formats_are_refused(folder: Path, dtype: object, n_bytes: int) -> None:
    path = folder / "model.safetensors"
    write_safetensors(path, {**weights_of(SHAPE), "extra": np.zeros(2, np.float32)}, "F32")
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    begin = json.loads(raw[8:end])["extra"]["data_offsets"][0]
    entry = {"dtype": dtype, "shape": [1], "data_offsets": [begin, begin + n_bytes]}
    rewrite_header(path, {"extra": entry})
    with pytest.raises(UnsupportedCheckpoint, match=f"extra is stored as {dtype}"):
        open_checkpoint(folder)


def test_header_limits(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}" * 10)
    with pytest.raises(CheckpointError, match="no whole safetensors"):
        read_header(path)
    twice = b'{"a": {}, "a": {}}'
    path.write_bytes(len(twice).to_bytes(8, "little") + twice)
    with pytest.raises(CheckpointError, match="stands twice"):
        read_header(path)


def test_tensors_must_match_the_config(folder: Path) -> None:
    checkpoint = open_checkpoint(folder)
    config = parse_config(checkpoint.config)
    plans, found = plan_tensors(config), checkpoint.shapes()
    match_tensors(plans, found, config.is_tied)
    match_tensors(plans, {**found, "lm_head.weight": (320, 64)}, is_tied=True)
    name = "model.layers.1.self_attn.q_proj.weight"
    with pytest.raises(TensorError, match=f"lacks {name};"):
        match_tensors(plans, {k: v for k, v in found.items() if k != name}, is_tied=True)
    with pytest.raises(TensorError, match=r"model.layers.0.*and 3\d more"):
        match_tensors(plans, {"model.embed_tokens.weight": (320, 64)}, is_tied=True)
    with pytest.raises(TensorError, match=r"LFM2 does not: classifier\.weight"):
        match_tensors(plans, {**found, "classifier.weight": (2, 64)}, is_tied=True)
    with pytest.raises(TensorError, match=r"shape \[64, 32\], config.json asks for \[64, 64\]"):
        match_tensors(plans, {**found, name: (64, 32)}, is_tied=True)
    with pytest.raises(TensorError, match="lm_head"):
        match_tensors(plans, {**found, "lm_head.weight": (320, 64)}, is_tied=False)


def test_every_gguf_name_is_one_of_the_architecture(folder: Path) -> None:
    import gguf

    names = {
        gguf.TENSOR_NAMES[kind].format(bid=layer) + ".weight"
        for kind in gguf.MODEL_TENSORS[gguf.MODEL_ARCH.LFM2]
        for layer in range(4)
    }
    plans = plan_tensors(parse_config(open_checkpoint(folder).config))
    assert {plan.name for plan in plans} <= names
    assert len({plan.name for plan in plans}) == len(plans) == 40
