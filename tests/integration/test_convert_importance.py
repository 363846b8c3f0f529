"""The importance matrix: what llama.cpp multiplies with, added up; and what quantizing gains."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlstrict_convert import CheckError
from sqlstrict_convert.llama.context import example_tokens, load_model
from sqlstrict_convert.llama.library import load_bindings, set_log
from sqlstrict_convert.quality.prompts import read_examples
from sqlstrict_convert.quantize.importance import measure_importance, read_importance
from sqlstrict_convert.quantize.quantize import quantize_gguf

EPSILON = 1e-5
N_EXAMPLES = 3
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def read_tokens(tiny_gguf: Path) -> Iterator[list[list[int]]]:
    """The tokens of the first calibration examples, as the tiny model reads them."""
    bindings = load_bindings()
    set_log(bindings, lambda text: None)
    model = load_model(bindings, str(tiny_gguf))
    examples = islice(read_examples("calibration", "compact"), N_EXAMPLES)
    tokens = [example_tokens(bindings, model, example) for example in examples]
    bindings.llama_model_free(model)
    yield [(each.prompt + each.answer)[-512:] for each in tokens]


@pytest.fixture(scope="module")
def measured(
    tiny_gguf: Path, read_tokens: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The tiny model's importance matrix over exactly these tokens."""
    out = tmp_path_factory.mktemp("importance") / "importance.npz"
    n_tokens = sum(map(len, read_tokens))
    assert measure_importance(tiny_gguf, out, n_threads=1, n_tokens=n_tokens) == 24
    return out


def weights(path: Path) -> dict[str, Floats]:
    return {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
        for tensor in gguf.GGUFReader(path).tensors
    }


def normed(rows: Floats, weight: Floats) -> Floats:
    return rows / np.sqrt(np.square(rows).mean(-1, keepdims=True) + EPSILON) * weight


def first_layer(model: dict[str, Floats], tokens: list[int]) -> dict[str, Floats]:
    """What each matrix of the first layer, a short convolution, is multiplied with."""
    rows = model["token_embd.weight"][tokens]
    entering = normed(rows, model["blk.0.attn_norm.weight"])
    before, after, values = np.split(entering @ model["blk.0.shortconv.in_proj.weight"].T, 3, -1)
    gated = before * values
    kernel = model["blk.0.shortconv.conv.weight"]
    padded = np.vstack([np.zeros((kernel.shape[1] - 1, gated.shape[1])), gated])
    windows = [padded[i : i + len(gated)] * kernel[:, i] for i in range(kernel.shape[1])]
    leaving = after * np.sum(windows, axis=0)
    rows = rows + leaving @ model["blk.0.shortconv.out_proj.weight"].T
    widened = normed(rows, model["blk.0.ffn_norm.weight"])
    gate = widened @ model["blk.0.ffn_gate.weight"].T
    narrowed = gate / (1 + np.exp(-gate)) * (widened @ model["blk.0.ffn_up.weight"].T)
    return {
        "blk.0.shortconv.in_proj.weight": entering,
        "blk.0.shortconv.out_proj.weight": leaving,
        "blk.0.ffn_gate.weight": widened,
        "blk.0.ffn_up.weight": widened,
        "blk.0.ffn_down.weight": narrowed,
    }


def test_it_is_what_numpy_computes(
    tiny_gguf: Path, read_tokens: list[list[int]], measured: Path
) -> None:
    model = weights(tiny_gguf)
    found = read_importance(measured)
    layers = [first_layer(model, tokens) for tokens in read_tokens]
    for name in layers[0]:
        expected = np.square(np.vstack([layer[name] for layer in layers])).mean(axis=0)
        np.testing.assert_allclose(found[name], expected, rtol=2e-3, err_msg=name)


def test_every_matrix_of_every_block_is_measured(tiny_gguf: Path, measured: Path) -> None:
    found = read_importance(measured)
    matrices = {
        name: values.shape[1]
        for name, values in weights(tiny_gguf).items()
        if name.startswith("blk.") and values.ndim == 2 and "conv.conv" not in name
    }
    assert {name: values.size for name, values in found.items()} == matrices
    assert all((values > 0).all() for values in found.values())


@pytest.mark.parametrize("quantization", ["Q4_0", "Q4_K_M"])
def test_quantizing_by_it_lowers_the_weighted_error(
    tiny_gguf: Path, measured: Path, tmp_path: Path, quantization: str
) -> None:
    original, importance = weights(tiny_gguf), read_importance(measured)
    errors = {}
    for name, given in (("plain", None), ("weighted", measured)):
        out = tmp_path / f"{name}.gguf"
        quantize_gguf(tiny_gguf, out, quantization, importance=given, n_threads=1)
        rounded = weights(out)
        errors[name] = {
            tensor: float((np.square(rounded[tensor] - original[tensor]) * values).sum())
            for tensor, values in importance.items()
        }
    assert all(error > 0 for error in errors["plain"].values())
    assert sum(errors["weighted"].values()) < 0.99 * sum(errors["plain"].values())
    # What is outside of the blocks is not weighed, and stays as it was.
    plain, weighted = weights(tmp_path / "plain.gguf"), weights(tmp_path / "weighted.gguf")
    np.testing.assert_array_equal(plain["token_embd.weight"], weighted["token_embd.weight"])


def test_progress_counts_tokens(tiny_gguf: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    measure_importance(
        tiny_gguf,
        tmp_path / "importance.npz",
        n_threads=1,
        n_tokens=900,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert [total for _, total in seen] == [900] * len(seen)
    assert seen == sorted(seen) and seen[-1] == (900, 900) and 0 < seen[0][0] < 900


def test_a_file_that_does_not_load_is_said_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(CheckError, match="does not load"):
        measure_importance(broken, tmp_path / "importance.npz", n_threads=1)
    assert not (tmp_path / "importance.npz").exists()


def test_a_caller_may_stop_it(tiny_gguf: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> Any:
        raise Stopped

    with pytest.raises(Stopped):
        measure_importance(tiny_gguf, tmp_path / "out.npz", n_threads=1, on_progress=stop)
    assert not (tmp_path / "out.npz").exists()
