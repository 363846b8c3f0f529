"""Adapters and quantized weights against what PEFT and bitsandbytes say they mean."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_forms import ADAPTERS, read_plain, write_adapter, write_form
from numpy.typing import NDArray
from random_checkpoint import weights_of, write_checkpoint
from sqlstrict_convert.checkpoint.bitsandbytes import read_weights
from sqlstrict_convert.checkpoint.checkpoint import Checkpoint, open_checkpoint
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.quantization import Quantization
from sqlstrict_convert.checkpoint.safetensors_file import StoredTensor, read_header
from sqlstrict_convert.checkpoint.tensors import match_tensors, plan_tensors
from sqlstrict_convert.checkpoint.weight import as_float32, read_whole

REFERENCE = Path(__file__).parents[1] / "reference"
SAMPLE_EVERY = 97  # as make_forms_reference.py has it
TIED, UNTIED = "convolution_first", "untied"
FOUR_BIT_CASES = [f"case{n}" for n in range(10)]


def values_of(checkpoint: Checkpoint, name: str) -> NDArray[np.float32]:
    values = np.concatenate(list(checkpoint.pieces(name)))
    return values.reshape(checkpoint.tensors[name].shape)


def open_form(folder: Path, shape: str, form: str) -> Checkpoint:
    base = write_checkpoint(folder / "base", shape, "{}")
    target = write_form(base, folder / "form", form)
    return open_checkpoint(target, find_base=lambda name, revision: base)


@pytest.mark.parametrize("shape", [TIED, UNTIED])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_merged_weights_are_pefts(tmp_path: Path, adapter: str, shape: str) -> None:
    checkpoint = open_form(tmp_path, shape, f"adapter-{adapter}")
    config = parse_config(checkpoint.config)
    match_tensors(plan_tensors(config), checkpoint.shapes(), config.is_tied)
    with np.load(REFERENCE / f"peft-{shape}.npz") as reference:
        names, wanted = reference[f"{adapter}.names"], reference[f"{adapter}.weights"]
    assert len(names) >= 39  # of 40 tensors; a tied embedding is judged by the logits
    samples = [values_of(checkpoint, str(name)).ravel()[::SAMPLE_EVERY] for name in names]
    np.testing.assert_allclose(np.concatenate(samples), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", FOUR_BIT_CASES)
def test_four_bits_are_read_as_bitsandbytes_does(case: str) -> None:
    tensors = bitsandbytes_case(case)
    kind = "nf4" if any("nf4" in name for name in tensors) else "fp4"
    expected = tensors.pop(f"{case}.expected")
    (weight,) = read_weights(tensors, Quantization(4, kind)).values()
    assert weight.shape == expected.shape
    wanted = as_float32(expected.read(), expected.dtype).reshape(expected.shape)
    np.testing.assert_array_equal(read_whole(weight), wanted)


def test_eight_bits_are_read_as_bitsandbytes_does() -> None:
    tensors = bitsandbytes_case("int8")
    expected = tensors.pop("int8.expected")
    (weight,) = read_weights(tensors, Quantization(8, None)).values()
    wanted = as_float32(expected.read(), "F32").reshape(expected.shape)
    np.testing.assert_array_equal(read_whole(weight), wanted)


def bitsandbytes_case(case: str) -> dict[str, StoredTensor]:
    tensors = read_header(REFERENCE / "bitsandbytes.safetensors")
    return {name: tensor for name, tensor in tensors.items() if name.startswith(f"{case}.")}


@pytest.mark.parametrize(
    ("form", "largest"),
    [
        ("nf4", 0.2),
        ("nf4_double", 0.2),
        ("nf4_bf16_storage", 0.2),
        ("fp4", 0.2),
        ("fp4_double", 0.2),
        ("int8", 0.01),
    ],
)
def test_a_whole_quantized_checkpoint(tmp_path: Path, form: str, largest: float) -> None:
    checkpoint = open_form(tmp_path, TIED, form)
    assert checkpoint.form.startswith("bitsandbytes")
    for name, wanted in weights_of(TIED).items():
        found = values_of(checkpoint, name)
        error = np.abs(found - wanted).max() / np.abs(wanted).max()
        is_quantized = wanted.ndim == 2 and "embed" not in name
        assert (0 < error < largest) if is_quantized else error == 0, name


@pytest.mark.parametrize("form", ["nf4_double", "int8"])
def test_blocks_of_long_matrices(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_form(tmp_path, TIED, form)
    name = "model.layers.0.feed_forward.w2.weight"  # 64 rows of 96
    wanted = values_of(whole, name)
    monkeypatch.setattr("sqlstrict_convert.checkpoint.weight.BLOCK_VALUES", 5 * 96)
    pieces = list(whole.pieces(name))
    assert [piece.size for piece in pieces] == [5 * 96] * 12 + [4 * 96]
    np.testing.assert_array_equal(np.concatenate(pieces), wanted.ravel())


@pytest.mark.parametrize("adapter", ["dora", "embedding_dora", "embedding_and_head", "tokens"])
def test_merging_in_blocks(tmp_path: Path, adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = open_form(tmp_path, TIED, f"adapter-{adapter}")
    wanted = {name: values_of(checkpoint, name) for name in checkpoint.tensors}
    monkeypatch.setattr("sqlstrict_convert.checkpoint.weight.BLOCK_VALUES", 7 * 64)
    for name, values in wanted.items():
        np.testing.assert_allclose(values_of(checkpoint, name), values, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_adapters_in_16_bits(tmp_path: Path, dtype: str) -> None:
    base = write_checkpoint(tmp_path / "base", TIED, "{}")
    whole = open_form(tmp_path, TIED, "adapter-rslora")
    folder = write_adapter(tmp_path / "half", "rslora", read_plain(base), "x/base", dtype)
    half = open_checkpoint(folder, find_base=lambda *_: base)
    for name in whole.tensors:  # their values are exact in 16 bits
        np.testing.assert_array_equal(values_of(half, name), values_of(whole, name))


def test_an_adapter_over_a_quantized_base(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", TIED, "{}")
    quantized = write_form(base, tmp_path / "quantized", "nf4_double")
    adapter = write_form(base, tmp_path / "adapter", "adapter-plain", base_name="x/base-bnb-4bit")
    asked: list[tuple[str, str | None]] = []

    def find_base(name: str, revision: str | None) -> Path:
        asked.append((name, revision))
        return quantized

    merged = open_checkpoint(adapter, find_base=find_base)
    assert asked == [("x/base-bnb-4bit", None)]
    assert merged.form == "LoRA adapter over bitsandbytes 4-bit nf4"
    alone, plain = open_checkpoint(quantized), open_checkpoint(adapter, find_base=lambda *_: base)
    parse_config(merged.config)
    for name in alone.tensors:
        change = values_of(plain, name) - values_of(open_checkpoint(base), name)
        np.testing.assert_allclose(
            values_of(merged, name), values_of(alone, name) + change, atol=1e-6
        )


def test_every_file_that_was_read_is_named(tmp_path: Path) -> None:
    checkpoint = open_form(tmp_path, TIED, "adapter-plain")
    assert {path.relative_to(tmp_path).as_posix() for path in checkpoint.files} == {
        "form/adapter_config.json",
        "form/adapter_model.safetensors",
        "base/config.json",
        "base/model.safetensors",
        "base/tokenizer.json",
        "base/tokenizer_config.json",
    }


def test_a_resized_embedding_sets_the_vocabulary_size(tmp_path: Path) -> None:
    checkpoint = open_form(tmp_path, TIED, "adapter-resized")
    assert parse_config(checkpoint.config).vocab_size == 330
    assert parse_config(checkpoint.config).is_tied  # the head that was saved is the embedding
    assert "lm_head.weight" not in checkpoint.tensors


def test_what_a_form_reads_is_what_it_was_written_from(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", TIED, "{}")
    wanted = weights_of(TIED)
    for form in ("f32", "f16", "bf16", "sharded"):
        folder = write_form(base, tmp_path / form, form)
        checkpoint: Any = open_checkpoint(folder)
        assert checkpoint.form == "plain" and len(read_plain(folder)) == len(wanted)
        for name, values in wanted.items():
            np.testing.assert_array_equal(values_of(checkpoint, name), values)
