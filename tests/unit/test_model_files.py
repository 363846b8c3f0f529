"""A model's file seen from the front: its header's verdict, its digest, and what it looks like."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from gguf_bytes import gguf, number_key, string_key, strings_key
from sqlstrict_convert.gguf_format.header import GgufHeader
from sqlstrictd.errors import ModelUnusable
from sqlstrictd.model import file as file_module
from sqlstrictd.model.file import Abandoned, Look, open_model_file
from sqlstrictd.model.header import check_header, check_open_header
from sqlstrictd.model.old_bundled import remove_old_bundled

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


def test_what_is_judged_is_what_was_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is put in its place in between changes nothing, for the better or the worse."""
    good, bad = path.read_bytes(), gguf(keys("bert"))

    def check_late(descriptor: int, place: Path) -> GgufHeader:
        other = place.with_name("other")
        other.write_bytes(bad if os.pread(descriptor, len(good), 0) == good else good)
        os.replace(other, place)
        return check_open_header(descriptor, place)

    monkeypatch.setattr(file_module, "check_open_header", check_late)
    first = open_model_file(path)
    assert first.sha256 == hashlib.sha256(good).hexdigest()
    first.close()
    assert path.read_bytes() == bad
    with pytest.raises(ModelUnusable, match="writes no text"):
        open_model_file(path)


def test_another_file_takes_its_place_while_it_is_read_again(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = open_model_file(path)
    other = tmp_path / "other.gguf"
    other.write_bytes(path.read_bytes())
    successor, digest = open_model_file(other), file_module._digest
    os.utime(path, ns=(1, 1))

    def take_meanwhile(descriptor: int, should_stop: Callable[[], bool]) -> str:
        file.take_descriptor(successor)
        return digest(descriptor, should_stop)

    monkeypatch.setattr(file_module, "_digest", take_meanwhile)
    file.verify()
    assert (file.name, file.look) == ("other", Look.at(other)) and file.is_unchanged
    file.close()


def test_the_head_says_how_weights_are_stored(path: Path) -> None:
    path.write_bytes(gguf([*keys(), number_key("general.file_type", "u32", 15)]))
    file = open_model_file(path)
    twin = file.duplicate()
    assert file.quantization == twin.quantization == "Q4_K_M"
    file.close()
    twin.close()


def test_old_bundled_models_are_removed_unless_somebody_uses_them(tmp_path: Path) -> None:
    def install(name: str) -> Path:
        found = tmp_path / f"{name}.gguf"
        found.write_bytes(gguf(keys()))
        return found

    names = [f"bundled-{digit * 16}-Q4_K_M" for digit in "01234"]
    present, old, used, chosen, linked = (tmp_path / f"{name}.gguf" for name in names)
    for name in (*names[:4], "mine", "bundled-mine", f"bundled-{'5' * 16}-Q4_K_M.rejected"):
        install(name)
    linked.symlink_to("mine.gguf")
    file = open_model_file(used)
    remove_old_bundled(present, chosen.name.removesuffix(".gguf"))
    assert not old.exists()
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {
        *(path.name for path in (present, used, chosen, linked)),
        *("mine.gguf", "bundled-mine.gguf", f"bundled-{'5' * 16}-Q4_K_M.rejected.gguf"),
    }
    twin = file.duplicate()
    file.close()
    remove_old_bundled(present, None)
    assert used.exists() and not chosen.exists()
    twin.close()
    remove_old_bundled(present, None)
    assert not used.exists()
    remove_old_bundled(tmp_path / "nowhere" / "x.gguf", None)  # nothing to do, and no error


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
