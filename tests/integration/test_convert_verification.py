"""Verifying files: whole ones of ours and of others, and damage wherever it stands."""

from pathlib import Path

import pytest
from random_checkpoint import write_checkpoint
from sqlstrict_convert import CheckError, Progress, convert
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.quality.verification import verify_gguf


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tokenizer_json: str) -> Path:
    folder = tmp_path_factory.mktemp("verified")
    write_checkpoint(folder / "checkpoint", "untied", tokenizer_json)
    return convert(folder / "checkpoint", folder / "model.gguf", "Q8_0", n_threads=1).path


def test_a_whole_file_is_verified_and_its_report_returned(model: Path) -> None:
    seen: list[Progress] = []
    found = verify_gguf(model, seen.append)
    assert found.has_hashes
    assert found.n_vocab == 320
    assert found.size_bytes == model.stat().st_size
    assert found.report.quantization == "Q8_0"
    assert found.report.figures is not None
    assert list(dict.fromkeys(progress.step for progress in seen)) == ["hash", "check"]
    json = found.as_json()
    assert json["report"]["figures"]["n_prompts"] == found.report.figures.n_prompts
    assert json["data_sha256"] == read_header(model).text("sqlstrict.data_sha256")


def test_a_file_of_others_is_loaded_and_said_to_carry_no_hashes(tiny_gguf: Path) -> None:
    found = verify_gguf(tiny_gguf)
    assert not found.has_hashes and found.report.figures is None
    assert found.n_vocab == 1024


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_changed_weight_is_found(model: Path, tmp_path: Path, share: float) -> None:
    whole, start = model.read_bytes(), read_header(model).data_offset
    at = start + int(share * (len(whole) - 1 - start))
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
    with pytest.raises(CheckError, match=r"damaged\.gguf is damaged: its weights"):
        verify_gguf(damaged)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"lfm2.rope.freq_base", b"lfm2.rope.freq_basX"),
        (b"<|im_start|>", b"<|im_stArt|>"),
        (b"blk.0.ffn_up.weight", b"blk.9.ffn_up.weight"),
        (b"sqlstrict.head_sha256", b"sqlstrict.head_shaXXX"),
    ],
)
def test_changed_metadata_is_found(model: Path, tmp_path: Path, old: bytes, new: bytes) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(model.read_bytes().replace(old, new, 1))
    with pytest.raises(CheckError, match="damaged or was changed: its metadata"):
        verify_gguf(damaged)


def test_a_file_that_is_cut_off(model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:-1000])
    with pytest.raises(CheckError, match="cut off"):
        verify_gguf(cut)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="cannot be read"):
        verify_gguf(tmp_path / "nothing.gguf")
