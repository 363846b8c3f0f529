"""What a conversion writes: keys, quantized tensors, and never half a file, whatever happens."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from random_checkpoint import config_of, weights_of, write_checkpoint
from sqlstrict_convert import (
    CheckError,
    ConvertError,
    OutputError,
    Progress,
    QuantizeError,
    TensorError,
    convert,
)
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import plan_tensors
from sqlstrict_convert.quality.check import check_gguf
from sqlstrict_convert.quantize.quantize import quantize_gguf
from sqlstrict_convert.staging import staging_folder

SHAPE = "convolution_first"
CARD = """---
license: other
license_name: lfm1.0
base_model: someone/base
---
license: not this one
"""
# Converts and stands still at the named step, so that the process can be killed there.
STOPPING = """
import sys, time
from sqlstrict_convert import convert
def stop(progress):
    if progress.step == sys.argv[3]:
        print(progress.step, flush=True)
        time.sleep(600)
convert(sys.argv[1], sys.argv[2], "Q4_0", on_progress=stop)
"""


@pytest.fixture
def folder(tmp_path: Path, tokenizer_json: str) -> Path:
    return write_checkpoint(tmp_path / "some-model", SHAPE, tokenizer_json, dtype="BF16")


def fields(path: Path) -> dict[str, Any]:
    reader = gguf.GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items()}


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_keys_of_the_file(folder: Path, tmp_path: Path) -> None:
    config = {**config_of(SHAPE), "sqlstrict": {"schema_rendering": "compact"}}
    config["_name_or_path"] = "someone/small-sql"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text(CARD)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    convert(folder, tmp_path / "model.gguf", "Q4_0", compares=False)
    found = fields(tmp_path / "model.gguf")
    wanted = {
        "general.architecture": "lfm2",
        "general.name": "small-sql",
        "general.license": "lfm1.0",
        "general.file_type": 2,
        "general.quantization_version": 2,
        "sqlstrict.source": "someone/small-sql",
        "sqlstrict.schema_rendering": "compact",
        "lfm2.block_count": 4,
        "lfm2.context_length": 512,
        "lfm2.embedding_length": 64,
        "lfm2.feed_forward_length": 96,
        "lfm2.attention.head_count": 4,
        "lfm2.attention.head_count_kv": [0, 2, 0, 2],
        "lfm2.shortconv.l_cache": 3,
        "lfm2.vocab_size": 320,
        "lfm2.rope.freq_base": 1e6,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "lfm2",
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 4,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.chat_template": "{{ messages }}",
    }
    assert {key: found.get(key) for key in wanted} == wanted


def test_a_silent_checkpoint_is_named_after_its_folder(folder: Path, tmp_path: Path) -> None:
    config = {**config_of(SHAPE), "_name_or_path": "/home/someone/secret/model"}
    (folder / "config.json").write_text(json.dumps(config))
    convert(folder, tmp_path / "model.gguf", "F16")
    found = fields(tmp_path / "model.gguf")
    assert found["general.name"] == "some-model"
    keys = ("sqlstrict.source", "sqlstrict.schema_rendering", "general.license")
    assert not set(keys) & set(found)
    assert "secret" not in str(found)


def test_only_matrices_are_quantized(folder: Path, tmp_path: Path) -> None:
    made = convert(folder, tmp_path / "model.gguf", "Q4_0", keeps_f16=True, compares=False)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(made.path).tensors}
    assert len(tensors) == made.n_tensors == 40
    kinds = {name: tensor.tensor_type.name for name, tensor in tensors.items()}
    assert kinds["blk.0.shortconv.conv.weight"] == "F32"
    assert list(tensors["blk.0.shortconv.conv.weight"].shape) == [3, 64]
    assert kinds["token_embd_norm.weight"] == kinds["blk.1.attn_q_norm.weight"] == "F32"
    assert kinds["blk.0.ffn_down.weight"] == kinds["blk.1.attn_q.weight"] == "Q4_0"
    assert made.size_bytes == made.path.stat().st_size

    assert made.f16_path == tmp_path / "model-F16.gguf"
    kept = {tensor.name: tensor for tensor in gguf.GGUFReader(made.f16_path).tensors}
    values = weights_of(SHAPE)["model.layers.0.feed_forward.w2.weight"]
    np.testing.assert_array_equal(kept["blk.0.ffn_down.weight"].data, values.astype(np.float16))
    assert made.n_parameters == sum(tensor.n_elements for tensor in kept.values())
    assert names_in(tmp_path) == ["model-F16.gguf", "model.gguf", "some-model"]


STEPS = ["read", "hash", "write", "importance", "quantize", "compare", "stamp", "check"]


def test_progress_goes_through_the_steps(folder: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    convert(folder, tmp_path / "model.gguf", "Q4_K_M", on_progress=seen.append)
    assert list(dict.fromkeys(progress.step for progress in seen)) == STEPS
    for step in STEPS:
        last = [progress for progress in seen if progress.step == step][-1]
        assert last.done == last.total > 0


@pytest.mark.parametrize(
    ("name", "value", "quantization", "problem"),
    [
        ("model.layers.1.ffn_norm.weight", float("nan"), "F32", "not finite"),
        ("model.layers.0.feed_forward.w1.weight", float("inf"), "F16", "not finite"),
        ("model.layers.0.feed_forward.w1.weight", 70000.0, "Q4_0", "F16 ends at 65504"),
    ],
)
def test_values_that_cannot_be_stored(
    tmp_path: Path,
    tokenizer_json: str,
    name: str,
    value: float,
    quantization: str,
    problem: str,
) -> None:
    weights = weights_of(SHAPE)
    weights[name].flat[5] = value
    folder = write_checkpoint(tmp_path / "checkpoint", SHAPE, tokenizer_json, weights=weights)
    with pytest.raises(TensorError, match=f"{name} holds .*{problem}"):
        convert(folder, tmp_path / "model.gguf", quantization)
    assert names_in(tmp_path) == ["checkpoint"]


def test_large_values_fit_f32(tmp_path: Path, tokenizer_json: str) -> None:
    weights = weights_of(SHAPE)
    weights["model.layers.0.feed_forward.w1.weight"].flat[5] = 70000.0
    folder = write_checkpoint(tmp_path / "checkpoint", SHAPE, tokenizer_json, weights=weights)
    assert convert(folder, tmp_path / "model.gguf", "F32").path.is_file()


def test_a_failure_leaves_the_old_file(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    target.write_text("the old model")
    weights = weights_of(SHAPE) | {"model.embedding_norm.weight": np.full(64, np.nan, np.float32)}
    write_checkpoint(folder, SHAPE, (folder / "tokenizer.json").read_text(), weights=weights)
    with pytest.raises(TensorError):
        convert(folder, target, "F16")
    assert target.read_text() == "the old model"
    assert names_in(tmp_path) == ["model.gguf", "some-model"]


@pytest.mark.parametrize("step", STEPS)
def test_a_caller_may_stop_a_run(folder: Path, tmp_path: Path, step: str) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise Stopped

    with pytest.raises(Stopped):
        convert(folder, tmp_path / "model.gguf", "Q4_K_M", on_progress=stop)
    assert names_in(tmp_path) == ["some-model"]


@pytest.mark.parametrize("step", STEPS[2:])
def test_a_killed_run_leaves_the_old_file(folder: Path, tmp_path: Path, step: str) -> None:
    target = tmp_path / "model.gguf"
    target.write_text("the old model")
    command = [sys.executable, "-c", STOPPING, str(folder), str(target), step]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == step
        # A second run for the same target does not take the first one's files away.
        convert(folder, tmp_path / "second.gguf", "F16")
        assert list(tmp_path.glob(".model.gguf.*.sqlstrict-partial"))
        process.kill()
    assert target.read_text() == "the old model"
    assert list(tmp_path.glob(".model.gguf.*.sqlstrict-partial"))
    convert(folder, target, "Q4_0", compares=False)
    assert target.read_bytes()[:4] == b"GGUF"
    assert not list(tmp_path.glob(".*"))


def test_two_runs_for_one_target_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    with staging_folder(target, 0) as first:
        (first / "model.gguf").write_text("unfinished")
        with staging_folder(target, 0) as second:
            assert second != first
        assert (first / "model.gguf").read_text() == "unfinished"
    assert names_in(tmp_path) == []


def test_what_a_dead_run_left_is_removed_by_any_other(tmp_path: Path) -> None:
    dead = tmp_path / ".other.gguf.abcd1234.sqlstrict-partial"
    dead.mkdir()
    (dead / "model.gguf").write_text("half")
    kept = tmp_path / ".notes.sqlstrict-partial"
    kept.write_text("a file, and so none of ours")
    with staging_folder(tmp_path / "first.gguf", 0) as first:
        assert not dead.exists() and kept.exists()
        with staging_folder(tmp_path / "second.gguf", 0):
            assert first.exists()
    assert names_in(tmp_path) == [kept.name]


def test_sigterm_removes_what_was_begun(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "model.gguf"
    target.parent.mkdir()
    command = [sys.executable, "-m", "sqlstrict_convert", str(folder), "--out", str(target)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not any(target.parent.iterdir()):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate()
    if process.returncode == 0:  # it was quicker than the signal
        assert names_in(target.parent) == ["model.gguf"]
    else:
        assert process.returncode == 130
        assert "stopped; nothing was changed" in stderr
        assert names_in(target.parent) == []


def test_a_full_disk(folder: Path, tmp_path: Path) -> None:
    limited = (
        "import resource, signal, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from sqlstrict_convert.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    target = tmp_path / "model.gguf"
    made = subprocess.run(
        [sys.executable, "-c", limited, str(folder), "--out", str(target)],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 1
    assert "cannot write beside" in made.stderr
    assert names_in(tmp_path) == ["some-model"]


def test_too_little_room_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="MB free, the conversion needs"):
        with staging_folder(tmp_path / "model.gguf", 1 << 60):
            pytest.fail("the folder was given")
    assert names_in(tmp_path) == []


def test_places_that_cannot_hold_the_file(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        convert(folder, folder, "F16")
    with pytest.raises(OutputError, match="does not exist"):
        convert(folder, tmp_path / "nowhere" / "model.gguf", "F16")
    with pytest.raises(OutputError, match="cannot write into"):
        convert(folder, Path("/proc/model.gguf"), "F16")
    with pytest.raises(ConvertError, match="unknown quantization 'Q9'.*Q4_K_M"):
        convert(folder, tmp_path / "model.gguf", "Q9")


def test_quantizing_what_is_no_model(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(QuantizeError, match="did not quantize to Q4_0"):
        quantize_gguf(broken, tmp_path / "out.gguf", "Q4_0")


def test_the_check_finds_damage(tiny_gguf: Path, make_model: Any, tmp_path: Path) -> None:
    config = parse_config(make_model.SIZES["tiny"].config)
    plans = plan_tensors(config)
    check_gguf(tiny_gguf, config, plans)
    damaged = tmp_path / "damaged.gguf"
    whole = tiny_gguf.read_bytes()

    damaged.write_bytes(whole[:-4096])
    with pytest.raises(CheckError):
        check_gguf(damaged, config, plans)
    damaged.write_bytes(whole.replace(b"blk.3.ffn_up.weight", b"blk.9.ffn_up.weight"))
    with pytest.raises(CheckError, match=r"blk\.\d\.ffn_up\.weight is not as planned"):
        check_gguf(damaged, config, plans)
    damaged.write_bytes(whole.replace(b"lfm2", b"lfm9"))
    with pytest.raises(CheckError, match="general.architecture is not lfm2"):
        check_gguf(damaged, config, plans)
    damaged.write_bytes(whole.replace(b"lfm2.shortconv.l_cache", b"lfm2.shortconv.l_cachX"))
    with pytest.raises(CheckError, match="does not load"):
        check_gguf(damaged, config, plans)
    damaged.write_bytes(whole[:-4096] + np.full(1024, np.nan, np.float32).tobytes())
    with pytest.raises(CheckError, match="not finite"):
        check_gguf(damaged, config, plans)
