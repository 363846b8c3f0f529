"""Comparing real models: equal ones, quantized ones, and one that quantizing broke."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from random_checkpoint import weights_of, write_checkpoint
from sqlstrict_convert import CheckError, CheckpointError, QualityError, convert
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.quality.bounds import find_problems
from sqlstrict_convert.quality.comparison import compare
from sqlstrict_convert.quality.report import read_report
from sqlstrict_convert.quantize.quantize import quantize_gguf

SHAPE = "untied"
N_PROMPTS = 10


def loud_weights() -> dict[str, Any]:
    """Random weights with an output head so large that the model is certain of what it says."""
    weights = weights_of(SHAPE)
    weights["lm_head.weight"] = (weights["lm_head.weight"] * 16).astype(np.float32)
    return weights


@pytest.fixture(scope="module")
def f16(tmp_path_factory: pytest.TempPathFactory, tokenizer_json: str) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    write_checkpoint(folder / "checkpoint", SHAPE, tokenizer_json, weights=loud_weights())
    return convert(folder / "checkpoint", folder / "model-F16.gguf", "F16").path


def test_a_model_does_not_differ_from_itself(f16: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    figures = compare(
        f16,
        f16,
        tmp_path,
        n_threads=1,
        n_prompts=N_PROMPTS,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert figures.n_prompts == N_PROMPTS
    assert figures.n_tokens > 20 * N_PROMPTS
    assert figures.divergence_mean == figures.divergence_p99 == 0.0
    assert figures.agreement == figures.certain_agreement == figures.same_statements == 1.0
    assert figures.perplexity == figures.unquantized_perplexity > 1
    assert figures.n_certain > 0
    assert seen == sorted(seen) and seen[-1] == (2 * N_PROMPTS, 2 * N_PROMPTS)
    assert list(tmp_path.iterdir()) == []


def test_fewer_bits_differ_more(f16: Path, tmp_path: Path) -> None:
    divergence = []
    for quantization in ("Q8_0", "Q4_0"):
        out = tmp_path / f"{quantization}.gguf"
        quantize_gguf(f16, out, quantization, n_threads=1)
        figures = compare(f16, out, tmp_path, n_threads=1, n_prompts=N_PROMPTS)
        divergence.append(figures.divergence_mean)
        assert figures.perplexity != figures.unquantized_perplexity
    assert 0 < divergence[0] < divergence[1] / 4


def test_a_slow_machine_reads_fewer_prompts(f16: Path, tmp_path: Path) -> None:
    figures = compare(f16, f16, tmp_path, n_threads=1, n_prompts=24, seconds=0.0)
    assert figures.n_prompts == 8  # one group


def test_random_weights_are_within_every_bound(tiny_gguf: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiny.gguf"
    quantize_gguf(tiny_gguf, out, "Q4_0", n_threads=1)
    figures = compare(tiny_gguf, out, tmp_path, n_threads=1, n_prompts=N_PROMPTS)
    assert figures.n_certain == 0
    assert not find_problems(figures, "Q8_0")


def test_a_model_that_quantizing_broke_is_kept_aside(tmp_path: Path, tokenizer_json: str) -> None:
    weights = loud_weights()
    # One weight of each block dwarfs the others, which so round to nothing in four bits. It is
    # multiplied with zero, so that the others are all that matters.
    for name, values in weights.items():
        if name.endswith(("operator_norm.weight", "ffn_norm.weight")):
            values[::32] = 0
        elif name.endswith(("in_proj.weight", "q_proj.weight", "w1.weight", "w3.weight")):
            values[:, ::32] = np.where(values[:, ::32] < 0, -8, 8)
    folder = write_checkpoint(tmp_path / "checkpoint", SHAPE, tokenizer_json, weights=weights)
    target = tmp_path / "model.gguf"
    target.write_text("the old model")
    with pytest.raises(QualityError, match=r"mean KL divergence.*model\.rejected\.gguf"):
        convert(folder, target, "Q4_0", n_threads=1)
    assert target.read_text() == "the old model"
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["checkpoint", "model.gguf", "model.rejected.gguf"]
    figures = read_report(read_header(tmp_path / "model.rejected.gguf").metadata).figures
    assert figures is not None and find_problems(figures, "Q4_0")
    made = convert(folder, target, "Q4_0", compares=False, n_threads=1)
    assert made.figures is None and read_header(target).quantization == "Q4_0"


def test_the_file_says_how_it_was_made(f16: Path, tmp_path: Path, tokenizer_json: str) -> None:
    folder = write_checkpoint(tmp_path / "some-model", SHAPE, tokenizer_json)
    made = convert(folder, tmp_path / "model.gguf", "Q4_K_S", n_threads=1)
    report = read_report(read_header(made.path).metadata)
    assert report.figures == made.figures and made.figures is not None
    assert (report.quantization, report.has_importance_matrix) == ("Q4_K_S", True)
    assert (report.rendering, report.form) == ("ddl", "plain")
    names = [line.partition("  ")[2] for line in report.inputs]
    assert sorted(names) == sorted(entry.name for entry in folder.iterdir())
    # What gguf's own reader makes of the keys that were added.
    fields = gguf.GGUFReader(made.path).fields
    assert fields["sqlstrict.comparison.n_tokens"].contents() == made.figures.n_tokens
    assert fields["sqlstrict.inputs"].contents() == list(report.inputs)
    assert fields["sqlstrict.importance_matrix"].contents() is True
    without = convert(folder, tmp_path / "plain.gguf", "Q4_K_S", uses_importance=False)
    assert not read_report(read_header(without.path).metadata).has_importance_matrix


def test_a_model_that_does_not_load_is_said_so(f16: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(f16.read_bytes()[:-4096])
    with pytest.raises(CheckError, match="does not load"):
        compare(f16, broken, tmp_path, n_threads=1, n_prompts=8)
    assert [entry.name for entry in tmp_path.iterdir()] == ["broken.gguf"]


def test_a_finished_gguf_is_taken_as_it_is(f16: Path, tmp_path: Path) -> None:
    made = convert(f16, tmp_path / "taken.gguf", "Q4_0")
    assert made.path.read_bytes() == f16.read_bytes()
    assert made.quantization == "F16" and made.figures is None


def test_a_gguf_without_chatml_is_refused(f16: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    # Same length, so that the file stays whole.
    other.write_bytes(f16.read_bytes().replace(b"<|im_end|>", b"<|im_fin|>"))
    with pytest.raises(CheckpointError, match="im_end"):
        convert(other, tmp_path / "taken.gguf")
    assert not (tmp_path / "taken.gguf").exists()


def test_the_unquantized_copy_is_kept_where_asked(tmp_path: Path, tokenizer_json: str) -> None:
    folder = write_checkpoint(tmp_path / "some-model", SHAPE, tokenizer_json)
    made = convert(folder, tmp_path / "m.gguf", "Q8_0", keeps_f16=True, n_threads=1)
    assert made.f16_path is not None
    report = read_report(read_header(made.f16_path).metadata)
    assert (report.quantization, report.figures) == ("F16", None)
    assert not report.has_importance_matrix
    assert read_report(read_header(made.path).metadata).figures == made.figures
