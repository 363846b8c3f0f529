"""The file that the engine is to load: a given one, or the bundled checkpoint, converted once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from random_checkpoint import write_checkpoint
from sqlstrictd.config import Config
from sqlstrictd.errors import CannotStart
from sqlstrictd.model import choice
from sqlstrictd.model.bundled import BUNDLED
from sqlstrictd.model.choice import ModelChoice, find_model_file
from sqlstrictd.model.file import ModelFile


def choices(folder: Path, model: Path | None = None, bundled: Path = BUNDLED) -> ModelChoice:
    config = Config(socket_path=folder / "s", data_folder=folder / "data", model=model)
    return ModelChoice(config, bundled)


async def find(folder: Path, model: Path | None = None, bundled: Path = BUNDLED) -> ModelFile:
    _, file = await find_model_file(choices(folder, model, bundled))
    file.close()
    return file


async def test_a_given_file_is_taken_with_its_digest(tmp_path: Path, tiny_gguf: Path) -> None:
    found = await find(tmp_path, tiny_gguf)
    assert found.path == tiny_gguf
    assert found.sha256 == hashlib.sha256(tiny_gguf.read_bytes()).hexdigest()
    assert not (tmp_path / "data").exists()


async def test_the_bundled_checkpoint_is_converted_once(
    tmp_path: Path, tokenizer_json: str
) -> None:
    bundled = write_checkpoint(tmp_path / "bundled", "convolution_first", tokenizer_json)
    first = await find(tmp_path, None, bundled)
    assert first.path.read_bytes()[:4] == b"GGUF"
    assert first.path.is_relative_to(tmp_path / "data" / "models")
    written_at = first.path.stat().st_mtime_ns
    assert (await find(tmp_path, None, bundled)).path == first.path
    assert first.path.stat().st_mtime_ns == written_at
    # Nothing half-made stays beside it.
    assert list(first.path.parent.iterdir()) == [first.path]
    # Another checkpoint is another file, and the one before is of no use to anybody.
    other = write_checkpoint(tmp_path / "other", "untied", tokenizer_json)
    second = await find(tmp_path, None, other)
    assert second.path != first.path
    assert list(first.path.parent.iterdir()) == [second.path]


async def test_a_chosen_model_that_cannot_be_read_leaves_its_place_to_the_bundled_one(
    tmp_path: Path, tokenizer_json: str
) -> None:
    bundled = write_checkpoint(tmp_path / "bundled", "convolution_first", tokenizer_json)
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    (folder / "chosen").write_text("mine\n")
    for content in (None, b"no model", b"GGUF and then nothing"):
        if content is not None:
            (folder / "mine.gguf").write_bytes(content)
        found, file = await find_model_file(choices(tmp_path, None, bundled))
        file.close()
        assert found.origin == "bundled" and found.name.startswith("bundled-")
    (bundled / "config.json").unlink()
    with pytest.raises(CannotStart, match="mine.*`sqlstrict model use`.*no bundled model"):
        await find(tmp_path, None, bundled)


async def test_the_bundled_model_is_made_again_where_it_was_removed(
    tmp_path: Path, tokenizer_json: str
) -> None:
    bundled = write_checkpoint(tmp_path / "bundled", "convolution_first", tokenizer_json)
    found = choices(tmp_path, None, bundled)
    path = (await found.read()).path
    path.unlink()
    assert (await found.read()).path == path and path.is_file()


async def test_a_checkpoint_that_cannot_be_converted_stops_the_start(
    tmp_path: Path, tokenizer_json: str
) -> None:
    bundled = write_checkpoint(tmp_path / "bundled", "convolution_first", tokenizer_json)
    (bundled / "model.safetensors").write_bytes(b"nothing")
    # In the converter's own words: status and whoever started the daemon have nothing else.
    with pytest.raises(CannotStart, match="could not be converted: model.safetensors"):
        await find(tmp_path, None, bundled)
    assert list((tmp_path / "data" / "models").iterdir()) == []


@pytest.mark.parametrize("retry_s, tries", [(3600.0, 1), (0.0, 2)])
async def test_a_conversion_that_failed_is_not_tried_at_every_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retry_s: float, tries: int
) -> None:
    tried = []

    async def failing(folder: Path, checkpoint: Path) -> Path:
        tried.append(checkpoint)
        raise CannotStart("no room")

    monkeypatch.setattr(choice, "BUNDLED_RETRY_S", retry_s)
    monkeypatch.setattr(choice, "bundled_model", failing)
    found = choices(tmp_path)
    for _ in range(2):
        with pytest.raises(CannotStart, match="no room"):
            await found.read()
    assert len(tried) == tries


async def test_without_a_bundled_checkpoint_a_model_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="--model FILE"):
        await find(tmp_path, None, tmp_path / "nothing")


async def test_a_data_folder_that_cannot_be_written_stops_the_start(
    tmp_path: Path, tokenizer_json: str
) -> None:
    bundled = write_checkpoint(tmp_path / "bundled", "convolution_first", tokenizer_json)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(CannotStart, match="cannot be kept"):
        await find(tmp_path, None, bundled)
