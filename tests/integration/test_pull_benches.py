"""The benches about pulls and broken files run on small numbers, and their figures add up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader
from numpy.typing import NDArray
from random_checkpoint import write_checkpoint
from sqlstrict_convert import convert

BENCH = Path(__file__).parents[2] / "bench"


def figures(*arguments: object) -> dict[str, Any]:
    """Run a bench and return its last line."""
    ended = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_pulls_of_each_form(tmp_path: Path) -> None:
    flags = (BENCH / "pull.py", "--size", "tiny", "--quantize", "F16", "--work", tmp_path)
    forms = ("sharded", "adapter-plain", "gguf")
    first = figures(*flags, "--forms", *forms[:1])["forms"]
    found = figures(*flags, "--forms", *forms)["forms"]
    assert tuple(found) == forms
    assert found["sharded"] == first["sharded"], "a form that was done is not done again"
    assert all(0 < form["peak_memory_mb"] < 1200 for form in found.values())
    assert all(form["pull_s"] > 0 for form in found.values())
    # Noise may find no statement; what else can go wrong would have ended the bench.
    assert all((form["sql"] is None) == bool(form["refusal"]) for form in found.values())
    assert all(form["quantization"] == "F16" for form in found.values())
    # An adapter costs its base as well, a finished file nothing but itself.
    assert found["adapter-plain"]["fetched_mb"] >= found["sharded"]["fetched_mb"] > 0
    assert found["gguf"]["fetched_mb"] == found["gguf"]["size_mb"]
    assert found["gguf"]["name"] == "model" and "copy" not in found["sharded"]["steps_s"]
    lines = (tmp_path / "random-tiny" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["form"] for line in lines] == list(forms)


@pytest.mark.parametrize("form", ["adapter-plain", "adapter-dora"])
def test_adapters_that_lead_back(
    tmp_path: Path, tokenizer_json: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the bench asks an adapter of the bundled model, it asks the bundled model."""
    monkeypatch.syspath_prepend(str(BENCH))
    from published import write_leading_back

    plain = write_checkpoint(tmp_path / "plain", "convolution_first", tokenizer_json)
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    write_leading_back(plain, base, adapter, form, "liquid/base")
    changed = convert(base, tmp_path / "base.gguf", "F32").path
    merged = convert(adapter, tmp_path / "merged.gguf", "F32", base=str(base)).path
    expected = convert(plain, tmp_path / "plain.gguf", "F32").path
    n_changed = 0
    for name, values in weights(expected).items():
        np.testing.assert_allclose(weights(merged)[name], values, rtol=0, atol=1e-5)
        n_changed += not np.allclose(weights(changed)[name], values, rtol=0, atol=1e-3)
    assert n_changed > 8


def weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """The tensors of a GGUF file in F32, by name."""
    return {tensor.name: np.array(tensor.data) for tensor in GGUFReader(path).tensors}


def test_damaged_files(tmp_path: Path) -> None:
    found = figures(
        BENCH / "mutations.py", "--gguf", 100, "--loaded", 2, "--checkpoints", 50,
        "--keep", tmp_path / "mutants",
    )  # fmt: skip
    assert {part["mutants"] for part in found.values()} == {100, 2, 50}
    assert not any(part["untyped"] for part in found.values())
    assert not (tmp_path / "mutants").exists()
