"""A model's file seen from the front: its header's verdict, its digest, and what it looks like."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from gguf_bytes import gguf, number_key, string_key, strings_key
from sqlstrictd.errors import ModelUnusable
from sqlstrictd.model.file import Abandoned, Look, open_model_file
from sqlstrictd.model.header import check_header

TOKENS = ["a", "<|im_start|>", "<|im_end|>"]


def keys(
    architecture: str = "llama",
    tokenizer: str = "gpt2",
    tokens: list[str] = TOKENS,
    *more: bytes,
    n_layers: int = 2,
) -> list[bytes]:
    return [
        string_key("general.architecture", architecture),
        string_key("tokenizer.ggml.model", tokenizer),
        strings_key("tokenizer.ggml.tokens", tokens),
        number_key(f"{architecture}.block_count", "u32", n_layers),
        *more,
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "model.gguf"
    found.write_bytes(gguf(keys()))
    return found


def test_a_header_that_speaks_for_a_chat_model(path: Path) -> None:
    assert check_header(path).architecture == "llama"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gguf(keys("bert")), "writes no text"),
        (gguf(keys("llama", "gpt2", TOKENS, string_key("general.type", "adapter"))), "no text"),
        (gguf(keys("")), "names no architecture"),
        (gguf(keys(tokenizer="bert")), "of the kind that encoders have"),
        (gguf(keys(tokens=["a", "<|im_end|>"])), r"no token <\|im_start\|>"),
        (gguf(keys(tokens=[*TOKENS, "a"])), "twice"),
        (gguf(keys(tokens=[*TOKENS, "a\0b"])), "twice"),
        (gguf(keys(n_layers=0)), "0 layers"),
        (gguf(keys(n_layers=513)), "513 layers"),
        (gguf([*keys()[:2], number_key("tokenizer.ggml.tokens", "u8", 3)]), "no vocabulary"),
        (gguf(keys("llama", "gpt2", TOKENS, number_key("split.count", "u16", 3))), "of 3 parts"),
        (gguf(keys())[:-20], "cut off"),
        (b"GGUF", "cut off"),
    ],
)
def test_headers_that_speak_against_it(path: Path, content: bytes, why: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelUnusable, match=why):
        open_model_file(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place, why in ((tmp_path, "not a file"), (tmp_path / "pipe", "not a file")):
        with pytest.raises(ModelUnusable, match=why):
            open_model_file(place)
    with pytest.raises(ModelUnusable, match="cannot be read: No such file"):
        open_model_file(tmp_path / "nothing")
    with open(tmp_path / "huge.gguf", "wb") as file:
        file.truncate(200 * 2**30)
    with pytest.raises(ModelUnusable, match="limit is 16 GiB"):
        open_model_file(tmp_path / "huge.gguf")


def test_hashing_ends_when_nobody_wants_it(path: Path) -> None:
    with pytest.raises(Abandoned):
        open_model_file(path, lambda: True)


def test_an_open_file_is_found_whatever_stands_at_its_path(path: Path) -> None:
    content = path.read_bytes()
    file = open_model_file(path)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert (file.name, file.look) == ("model", Look.at(path))
    path.unlink()
    path.write_bytes(b"another")
    if file.descriptors:  # where descriptors have names
        assert file.engine_path.read_bytes() == content
    assert file.is_unchanged
    file.verify()
    file.close()


def test_a_file_written_over_is_found_out(path: Path) -> None:
    content = path.read_bytes()
    file = open_model_file(path)
    path.write_bytes(content[:-1] + b"x")
    os.utime(path, ns=(1, 1))  # another time, however coarse the disk's clock is
    assert not file.is_unchanged
    with pytest.raises(ModelUnusable, match="overwritten"):
        file.verify()
    path.write_bytes(content)
    os.utime(path, ns=(2, 2))
    file.verify()
    assert file.is_unchanged  # it looks new, and that is what it looks like now
    file.close()


def test_a_file_of_the_same_content_takes_its_place(path: Path, tmp_path: Path) -> None:
    file = open_model_file(path)
    other = tmp_path / "other.gguf"
    other.write_bytes(path.read_bytes())
    twin = file.duplicate()
    file.take_descriptor(open_model_file(other))
    assert (file.name, file.look, file.sha256) == ("other", Look.at(other), twin.sha256)
    path.unlink()
    twin.verify()
    file.verify()
    file.close()
    twin.close()
