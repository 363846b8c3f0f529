"""Repacked weights: they replace the plain ones and answer alike; what cannot be repacked stays.

A wrong choice would end the process, so whatever gets through here was right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gguf
import numpy as np
import pytest
from gguf.quants import quantize
from numpy.typing import NDArray
from sqlstrict_convert.gguf_format.header import TensorEntry, read_header
from sqlstrict_convert.quantize.quantize import quantize_gguf
from sqlstrictd.engine import binding, llama, repacking
from sqlstrictd.engine.llama import Context, Model
from sqlstrictd.engine.token_batch import Part

BENCH = Path(__file__).parents[2] / "bench"
# By kind: whether it has weights in Q4_0 or Q4_K, which ggml repacks on most processors.
KINDS = {
    "lfm2-Q4_0": True,
    "lfm2-Q8_0": False,
    "lfm2-F16": False,
    "lfm2-pure": True,  # the token embeddings too, whose rows are looked up
    "llama-pure": True,  # with an output matrix of its own
    "gemma3-pure": True,
    "mamba-pure": True,
    "llama-Q4_K_S": True,  # with Q4_K, and what rows of 64 values make of it
}
PROBE = range(2, 40)
# Both round what is multiplied to 8 bits, each in its own order; either is as far from the products
# of unrounded numbers. 0.04 measured.
BOUND = 0.1


class Layouts:
    """Reads from llama.cpp's log which buffers a model's weights lie in, in bytes by name."""

    def __init__(self, library: Any, log: binding.Log) -> None:
        self.bytes: dict[str, int] = {}
        self._library, self._log = library, log
        self._callback = library.llama_log_callback(self._take)
        library.llama_log_set(self._callback, None)

    def _take(self, _level: int, text: bytes, _user_data: Any) -> None:
        found = re.search(rb" (\w+) model buffer size = +([0-9.]+) MiB", text)
        if found:
            self.bytes[found[1].decode()] = int(float(found[2]) * 2**20)

    def close(self) -> None:
        self._library.llama_log_set(self._log._callback, None)


@pytest.fixture
def layouts() -> Iterator[Layouts]:
    layouts = Layouts(*llama._load_library())
    yield layouts
    layouts.close()


@pytest.fixture(scope="module")
def can_repack() -> bool:
    """Whether this build of ggml has the layout, and this processor the kernels."""
    library, _log = llama._load_library()
    info = library.llama_print_system_info().decode()
    return "REPACK = 1" in info and any(f"{one} = 1" in info for one in ("AVX2", "DOTPROD"))


def quantize_all(source: Path, target: Path) -> None:
    """Write a model with every matrix in Q4_0."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, read_header(source).architecture)
    for field in reader.fields.values():
        if not field.name.startswith(("GGUF.", "general.architecture")):
            kind = field.types[0]
            of_items = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=of_items)
    for tensor in reader.tensors:
        values = tensor.data
        # llama.cpp takes convolutions and states in F32 alone; their rows are no whole blocks.
        if values.ndim == 2 and values.shape[1] % 32 == 0 and "ssm_a" not in tensor.name:
            values = quantize(values, gguf.GGMLQuantizationType.Q4_0)
            writer.add_tensor(tensor.name, values, raw_dtype=gguf.GGMLQuantizationType.Q4_0)
        else:
            writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all kinds: make_model trains its tokenizer once for each folder."""
    return tmp_path_factory.mktemp("repacking")


@pytest.fixture(scope="module", params=KINDS)
def kind_and_gguf(
    request: pytest.FixtureRequest, make_model: ModuleType, folder: Path
) -> tuple[str, Path]:
    architecture, _, how = request.param.partition("-")
    plain, path = folder / f"{request.param}-plain.gguf", folder / f"{request.param}.gguf"
    if architecture == "lfm2":
        make_model.make_model("tiny", plain, quantize="F32" if how == "pure" else how)
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(BENCH)
            import other_models

            if how != "pure":  # Q4_K has blocks of 256 values
                patch.setattr(other_models, "N_EMBEDDING", 256)
                patch.setattr(other_models, "N_FEED_FORWARD", 512)
            other_models.write_other_model(architecture, plain)
    if how == "pure":
        quantize_all(plain, path)
    elif architecture == "lfm2":
        path = plain
    else:
        quantize_gguf(plain, path, how, n_threads=1)
    return request.param, path


def logits_of(path: Path) -> NDArray[np.float32]:
    """Logits after batches of one token, of few, of many, and of several sequences."""
    model = Model(path)
    context = Context(model, n_cells=1024, n_sequences=8, n_threads=1)
    found, end = [], 0
    for n_tokens in (1, 3, 4, 7, 32, 100):
        tokens = [PROBE[index % len(PROBE)] for index in range(end, end + n_tokens)]
        found += context.decode([Part(0, end, tokens, wants_logits=True)])
        found[-1] = np.array(found[-1])  # the next batch overwrites it
        end += n_tokens
    parts = [Part(one, 0, list(PROBE[: 2 * one]), wants_logits=True) for one in range(1, 7)]
    found += context.decode(parts)
    logits = np.array(found)
    context.close()
    model.close()
    return logits


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far the logits lie apart, in parts of their own length."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def leave_all(_library: Any, params: Any, _path: Path) -> object:
    """In place of set_layouts: every weight as it is in the file."""
    binding.set_field(params, "use_extra_bufts", False)
    return None


def test_answers_are_those_of_the_plain_weights_and_the_plain_weights_are_gone(
    kind_and_gguf: tuple[str, Path],
    layouts: Layouts,
    can_repack: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, path = kind_and_gguf
    repacked = logits_of(path)
    chosen = dict(layouts.bytes)
    layouts.bytes.clear()
    monkeypatch.setattr(llama, "set_layouts", leave_all)
    plain = logits_of(path)

    for one, other in zip(repacked, plain, strict=True):
        assert distance(one, other) < BOUND
    assert distance(repacked[-1], plain[-2]) > 2 * BOUND  # the bound notices other tokens
    assert set(layouts.bytes) == {"CPU"}
    assert set(chosen) <= {"CPU", "CPU_REPACK"}
    if can_repack and KINDS[kind]:
        rounding = 2**14  # the log says hundredths of MiB
        tensors = read_header(path).tensors
        fitting = {"Q4_0", "Q4_K"}
        multiplied = sum(
            one.size_bytes
            for one in tensors
            if one.type in fitting and repacking._MULTIPLIED.fullmatch(one.name)
        )
        assert multiplied > 2 * rounding
        assert chosen["CPU_REPACK"] >= multiplied - rounding
        assert chosen["CPU"] <= layouts.bytes["CPU"] - multiplied + rounding


def test_what_ggml_does_not_repack_is_left_out(can_repack: bool) -> None:
    library, _log = llama._load_library()
    device, found = repacking._device_and_layouts(library)
    if not can_repack or b"CPU_REPACK" not in found:
        pytest.skip("ggml repacks nothing on this processor")
    fits = [("Q4_0", (64, 16)), ("Q4_0", (4608, 1024))]
    others = [
        ("Q4_0", (64, 13)),  # rows are repacked by 4 or 8
        ("Q4_0", (64,)),
        ("Q4_0", (64, 16, 2)),
        ("F32", (64, 64)),
        ("F16", (64, 64)),
        ("Q5_0", (64, 64)),
        ("Q3_K", (256, 64)),
        ("IQ2_XXS", (256, 64)),
    ]
    weights = [
        TensorEntry(f"blk.{layer}.attn_q.weight", shape, kind, 0, 0)
        for layer, (kind, shape) in enumerate([*fits, *others])
    ]
    assert repacking.repackable(library, weights, device, found[b"CPU_REPACK"]) == weights[:2]


class OtherBuild:
    """llama.cpp as another build would be: without ggml's functions, or with a graphics card."""

    def __init__(self, library: Any, has_ggml: bool) -> None:
        self._lib = library._lib if has_ggml else object()

    def llama_supports_gpu_offload(self) -> bool:
        return True


def test_other_builds_get_no_list_of_weights(tiny_gguf: Path) -> None:
    library, _log = llama._load_library()
    _, found = repacking._device_and_layouts(library)
    for has_ggml, is_on in ((False, not binding.has_amx()), (True, b"AMX" not in found)):
        params = library.llama_model_default_params()
        assert repacking.set_layouts(OtherBuild(library, has_ggml), params, tiny_gguf) is None
        assert params.use_extra_bufts == is_on
        assert not params.tensor_buft_overrides


def test_without_amx_the_choice_is_llama_cpps(
    tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, _log = llama._load_library()
    for names, is_on in (([b"CPU_REPACK"], True), ([], True), ([b"AMX"], False)):
        found = (1, dict.fromkeys(names, 1))
        monkeypatch.setattr(repacking, "_device_and_layouts", lambda _library, found=found: found)
        params = library.llama_model_default_params()
        assert repacking.set_layouts(library, params, tiny_gguf) is None
        assert params.use_extra_bufts == is_on
        assert not params.tensor_buft_overrides


def test_a_file_that_is_no_model_is_left_to_llama_cpp(tmp_path: Path) -> None:
    library, _log = llama._load_library()
    (tmp_path / "text.gguf").write_text("not a model")
    for path in (tmp_path / "text.gguf", tmp_path / "missing.gguf"):
        params = library.llama_model_default_params()
        assert repacking.set_layouts(library, params, path) is None
        assert not params.tensor_buft_overrides
