"""Figures from measurements, and the bounds that decide whether a quantized model is used."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.quality.bounds import BOUNDS, find_problems
from sqlstrict_convert.quality.comparison import Figures, sum_up
from sqlstrict_convert.quality.measurements import Measurements
from sqlstrict_convert.quality.report import read_report, report_keys, report_lines
from sqlstrict_convert.quantize.quantize import QUANTIZATIONS

GOOD = Figures(
    n_prompts=32,
    n_tokens=1000,
    unquantized_perplexity=1.2,
    perplexity=1.21,
    divergence_mean=0.002,
    divergence_p90=0.001,
    divergence_p99=0.05,
    agreement=0.99,
    n_certain=950,
    certain_agreement=0.998,
    same_statements=0.9,
)


def test_divergence_and_surprise_by_hand() -> None:
    measured = Measurements()
    reference = np.log(np.array([0.5, 0.25, 0.25], np.float32)) + 3  # logits have no fixed zero
    own = np.log(np.array([0.25, 0.5, 0.25], np.float32)) - 7
    measured.add(own, 2, reference)
    measured.add(reference, 0, reference)
    assert measured.divergence == pytest.approx([0.25 * np.log(2), 0.0], abs=1e-6)
    assert measured.surprise == pytest.approx([np.log(4), np.log(2)], rel=1e-6)
    assert measured.agrees == [False, True]
    assert measured.certainty == pytest.approx([0.5, 0.5])


def test_logits_that_are_no_numbers() -> None:
    with pytest.raises(CheckError, match="not finite"):
        Measurements().add_reference(np.array([1.0, np.nan], np.float32), 0)


def test_figures_of_measurements() -> None:
    reference: dict[str, Any] = {"surprise": [0.0, np.log(4.0)], "statements": [[1, 2], [3], [4]]}
    measured: dict[str, Any] = {
        "surprise": [np.log(2.0), np.log(2.0)],
        "divergence": [0.0, 1.0],
        "agrees": [True, False],
        "certainty": [0.9, 0.2],
        "statements": [[1, 2], [3, 3], [4]],
    }
    figures = sum_up(reference, measured)
    assert figures.n_prompts == 3 and figures.n_tokens == 2
    assert figures.unquantized_perplexity == pytest.approx(2.0)
    assert figures.perplexity == pytest.approx(2.0)
    assert figures.divergence_mean == 0.5 and figures.divergence_p99 == pytest.approx(0.99)
    assert figures.divergence_p90 == pytest.approx(0.9)
    assert figures.agreement == 0.5
    assert (figures.n_certain, figures.certain_agreement) == (1, 1.0)
    assert figures.same_statements == pytest.approx(2 / 3)


def test_every_quantization_has_bounds_that_widen_with_fewer_bits() -> None:
    assert set(BOUNDS) == set(QUANTIZATIONS)
    order = ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0"]
    means = [BOUNDS[name].divergence_mean for name in order]
    assert means == sorted(means)
    assert all(not find_problems(GOOD, name) for name in BOUNDS)


@pytest.mark.parametrize(
    ("figure", "value", "word"),
    [
        ("divergence_mean", 0.5, "mean KL divergence 0.5"),
        ("divergence_p99", 3.0, "99th percentile of the KL divergence 3"),
        ("certain_agreement", 0.9, "same token as the unquantized model in 90.0%"),
        ("divergence_mean", float("nan"), "mean KL divergence nan"),
    ],
)
def test_what_is_out_of_bounds_is_named(figure: str, value: float, word: str) -> None:
    (problem,) = find_problems(replace(GOOD, **{figure: value}), "Q4_K_M")
    assert word in problem


def test_a_few_certain_tokens_decide_nothing() -> None:
    few = replace(GOOD, n_certain=20, certain_agreement=0.5)
    assert not find_problems(few, "Q4_K_M")
    assert find_problems(replace(few, n_certain=200), "Q4_K_M")


def test_flat_logits_are_not_refused_for_another_likeliest_token() -> None:
    flat = replace(GOOD, agreement=0.3, n_certain=0, certain_agreement=1.0, same_statements=0.0)
    assert not find_problems(flat, "Q4_0")


def test_a_report_is_read_as_it_was_written() -> None:
    keys = report_keys(
        "Q4_K_M",
        has_importance_matrix=True,
        inputs=["00ff  config.json"],
        form="plain",
        figures=GOOD,
        converter="sqlstrict 1",
    )
    metadata = {
        **{key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()},
        "sqlstrict.source": "someone/model",
        "sqlstrict.revision": "abc123",
        "general.license": "lfm1.0",
    }
    report = read_report(metadata)
    assert report.figures == GOOD
    assert (report.source, report.revision, report.license) == ("someone/model", "abc123", "lfm1.0")
    assert (report.inputs, report.form) == (("00ff  config.json",), "plain")
    assert report_lines(report) == [
        "Q4_K_M, with importance matrix, schemas as ddl",
        "from someone/model@abc123, licence lfm1.0",
        "against F16 on 32 held-back prompts, 1000 tokens:",
        "  perplexity 1.21 (F16 1.2), KL divergence mean 0.002, 99 % below 0.05",
        "  same likeliest token 99.0%, same statement 90%",
    ]


def test_a_foreign_file_has_an_empty_report() -> None:
    report = read_report({"sqlstrict.quantization": 4, "sqlstrict.comparison.n_tokens": "many"})
    assert report.figures is None and report.quantization is None and report.inputs == ()
    assert report_lines(report)[-1] == "not compared with its unquantized form"
