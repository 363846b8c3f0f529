"""Checkpoints with one thing wrong somewhere: whatever it is, the outcome is typed."""

import json
import random
from pathlib import Path

import gguf_bytes
import pytest
from convert_mutations import mutate, mutate_gguf, mutate_safetensors
from random_checkpoint import write_checkpoint
from sqlstrict_convert import ConvertError
from sqlstrict_convert.checkpoint.model import read_model
from sqlstrict_convert.gguf_format.header import GgufError, read_header

N_MUTATIONS = 150
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


@pytest.fixture
def folder(tmp_path: Path, tokenizer_json: str) -> Path:
    return write_checkpoint(tmp_path / "checkpoint", "convolution_first", tokenizer_json)


def is_taken(folder: Path) -> bool:
    """Read the checkpoint; any exception but ConvertError fails the test."""
    try:
        read_model(folder, assumes_word_pattern=False)
    except ConvertError as error:
        assert str(error)
        return False
    return True


@pytest.mark.parametrize("name", FILES)
def test_mutated_json(folder: Path, name: str) -> None:
    stream = random.Random(name)
    whole = json.loads((folder / name).read_text())
    taken = 0
    for _ in range(N_MUTATIONS):
        (folder / name).write_text(json.dumps(mutate(whole, stream)))
        taken += is_taken(folder)
    assert 0 < taken < N_MUTATIONS  # some mutations change nothing that counts


@pytest.mark.parametrize("name", ["tokenizer.json", "chat_template.jinja"])
def test_files_that_cannot_be_read(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(name)  # a link to itself
    if name == "chat_template.jinja":
        assert is_taken(folder)
    else:
        assert not is_taken(folder)


def test_mutated_safetensors(folder: Path) -> None:
    stream = random.Random(5)
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    taken = 0
    for _ in range(2 * N_MUTATIONS):
        path.write_bytes(mutate_safetensors(raw, stream))
        taken += is_taken(folder)
    assert taken < N_MUTATIONS


def test_mutated_gguf_heads(tmp_path: Path) -> None:
    stream = random.Random(7)
    raw, path = gguf_bytes.small_gguf(), tmp_path / "model.gguf"
    taken = 0
    for _ in range(10 * N_MUTATIONS):
        path.write_bytes(mutate_gguf(raw, len(raw) - 300, stream))
        try:
            read_header(path)
            taken += 1
        except GgufError as error:
            assert "model.gguf is no whole GGUF file" in str(error)
    assert 0 < taken < 5 * N_MUTATIONS  # a changed letter of a value is no damage that shows
