"""The command line of the converter: exit codes, and what stands on which stream."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoint_forms import write_form
from random_checkpoint import write_checkpoint


@pytest.fixture
def folder(tmp_path: Path, tokenizer_json: str) -> Path:
    return write_checkpoint(tmp_path / "checkpoint", "untied", tokenizer_json)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sqlstrict_convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_conversion(folder: Path, tmp_path: Path) -> None:
    made = run(folder, "--out", tmp_path / "model.gguf")
    assert made.returncode == 0, made.stderr
    first, *report = made.stdout.splitlines()
    assert first == f"{tmp_path / 'model.gguf'}: Q4_K_M, 0.1 MB"
    assert report[0] == "  Q4_K_M, with importance matrix, schemas as ddl"
    assert report[1].startswith("  against F16 on 32 held-back prompts, ")
    assert "KL divergence mean" in report[2]
    steps = ("reading the checkpoint", "quantizing", "comparing with the unquantized model")
    assert all(f"{step}: 100 %" in made.stderr.splitlines() for step in steps), made.stderr


def test_events(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    made = run(folder, "--out", target, "--quantize", "F16", "--json")
    assert made.returncode == 0
    assert made.stderr == ""
    *progress, done = [json.loads(line) for line in made.stdout.splitlines()]
    assert {event["event"] for event in progress} == {"progress"}
    assert [event["step"] for event in progress if event["done"] == event["total"]] == [
        "read",
        "hash",
        "write",
        "stamp",
        "check",
    ]
    assert done == {
        "event": "done",
        "path": str(target),
        "size_bytes": target.stat().st_size,
        "quantization": "F16",
        "n_tensors": 41,
        "n_parameters": done["n_parameters"],
        "f16_path": None,
        "figures": None,
    }


def test_a_refusal(tmp_path: Path) -> None:
    made = run(tmp_path, "--out", tmp_path / "model.gguf", "--json")
    assert made.returncode == 1
    error = json.loads(made.stdout.splitlines()[-1])
    assert (error["event"], error["kind"]) == ("error", "CheckpointError")
    assert "has no weights" in error["message"]
    assert made.stderr.startswith("sqlstrict: ")


def test_an_adapter_that_names_no_base(folder: Path, tmp_path: Path) -> None:
    adapter = write_form(folder, tmp_path / "adapter", "adapter-plain", base_name="")
    made = run(adapter, "--out", tmp_path / "model.gguf")
    assert made.returncode == 1
    assert "does not name its base; give it by --base" in made.stderr


@pytest.mark.parametrize(
    "source, told", [("", "an empty name is no file"), ("x" * 300, "too long")]
)
def test_what_cannot_be_a_source(tmp_path: Path, source: str, told: str) -> None:
    made = run(source, "--out", tmp_path / "model.gguf")
    assert made.returncode == 1
    assert told in made.stderr and "Traceback" not in made.stderr


def test_a_finished_file_has_no_report_of_ours(tiny_gguf: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    made = run(tiny_gguf, "--out", target, "--quantize", "q4_0")  # as llama.cpp's tools take it
    assert made.returncode == 0, made.stderr
    assert target.read_bytes() == tiny_gguf.read_bytes()
    (line,) = made.stdout.splitlines()
    assert line.startswith(f"{target}: ")


def test_a_reader_that_goes_away_is_no_traceback(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sqlstrict_convert", str(folder), "--json"]
    command += ["--out", str(tmp_path / "model.gguf"), "--quantize", "F16"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1 and "Traceback" not in told


@pytest.mark.parametrize(
    "arguments",
    [(), ("x",), ("x", "--out", "y", "--quantize", "Q1"), ("x", "--out", "y", "--threads", "0")],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    made = run(*arguments)
    assert made.returncode == 2
    assert made.stdout == ""
