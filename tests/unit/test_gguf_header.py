"""GGUF heads: what is read of a whole file, and how each kind of broken one is named."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import gguf_bytes
import pytest
from gguf_bytes import ARRAY, BOOL, F32, KINDS, Q4_0, gguf, key, number_key, string_key, tensor
from sqlstrict_convert.gguf_format import header as gguf_header
from sqlstrict_convert.gguf_format.header import GgufError, GgufHeader, read_header

Read = Callable[[bytes], GgufHeader]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(content: bytes) -> GgufHeader:
        path = tmp_path / "model.gguf"
        path.write_bytes(content)
        return read_header(path)

    return write_and_read


def test_a_whole_file(read: Read) -> None:
    content = gguf_bytes.small_gguf()
    header = read(content)
    assert dict(header.metadata) == {
        "general.architecture": "lfm2",
        "general.name": "small",
        "general.file_type": 2,
        "lfm2.context_length": 128,
        "flag": True,
        "tokenizer.ggml.tokens": ("a", "b", "\\xff"),
        "numbers": (-1, 0, 7),
    }
    assert (header.architecture, header.quantization) == ("lfm2", "Q4_0")
    assert (header.size_bytes, header.data_offset) == (len(content), len(content) - 300)
    assert (header.n_parameters, header.part_count) == (64 + 59, 1)
    first, second = header.tensors
    assert (first.name, first.shape, first.type) == ("first.weight", (32, 2), "Q4_0")
    assert (first.start, first.size_bytes) == (header.data_offset, 36)
    assert (second.start, second.size_bytes) == (header.data_offset + 64, 236)


def test_every_kind_of_number(read: Read) -> None:
    values = {"u8": 255, "i8": -128, "u16": 65535, "i16": -9, "u32": 7, "i32": -7, "f32": 0.5}
    values |= {"u64": 2**64 - 1, "i64": -(2**63)}
    header = read(gguf([number_key(kind, kind, value) for kind, value in values.items()]))
    assert dict(header.metadata) == values


def test_what_the_metadata_leaves_out(read: Read) -> None:
    header = read(gguf([], [tensor("a", (64,), Q4_0), tensor("b", (2,), F32, 64)], bytes(96)))
    assert header.quantization == "Q4_0"  # of the most bytes
    assert (header.architecture, header.text("general.name")) == ("", None)
    assert read(gguf([number_key("split.count", "u16", 3)])).part_count == 3
    assert read(gguf()).quantization == ""


def test_an_alignment_of_its_own(read: Read) -> None:
    keys = [number_key("general.alignment", "u32", 64)]
    tensors = [tensor("a", (3,)), tensor("b", (3,), F32, 64)]
    header = read(gguf(keys, tensors, bytes(64 + 12), alignment=64))
    assert header.data_offset % 64 == 0
    assert header.tensors[1].start == header.data_offset + 64


def test_every_truncation_is_noticed(read: Read) -> None:
    whole = gguf_bytes.small_gguf()
    for length in range(len(whole)):
        with pytest.raises(GgufError, match="cut off|does not begin"):
            read(whole[:length])


NUMBER = number_key("n", "u32", 1)
LIST = struct.pack("<IQ", KINDS["u32"], 1)
BROKEN = {
    "does not begin as": gguf(magic=b"GGML"),
    "GGUF version 1;": gguf(version=1),
    "of a big-endian machine": gguf(version=3 << 24),
    "it says that it has 16385 keys": gguf(n_keys=16385),
    "it says that it has 18446744073709551615 tensors": gguf(n_tensors=2**64 - 1),
    "key 'n' stands twice": gguf([NUMBER, NUMBER]),
    "kind 13, which GGUF does not have": gguf([key("n", 13, b"")]),
    "neither true nor false": gguf([key("n", BOOL, b"\2")]),
    "items of kind 9, which is not read": gguf([key("n", ARRAY, struct.pack("<IQ", ARRAY, 1))]),
    "items; too many": gguf([key("n", ARRAY, struct.pack("<IQ", KINDS["u8"], 2**62))]),
    "key 0 says that it has 65536 bytes": gguf([struct.pack("<Q", 65536)]),
    "the value of 'n' says that it has": gguf([key("n", 8, struct.pack("<Q", 2**63))]),
    "key 0 is not UTF-8": gguf([gguf_bytes.text(b"\xff") + struct.pack("<II", 4, 1)]),
    "alignment 3 is no power of two": gguf([number_key("general.alignment", "u32", 3)]),
    "alignment 0 is no power of two": gguf([number_key("general.alignment", "u32", 0)]),
    "alignment '32' is no power": gguf([string_key("general.alignment", "32")]),
    "alignment True is no power": gguf([key("general.alignment", BOOL, b"\1")]),
    "5 sides of tensor 't'": gguf([], [tensor("t", (1,) * 5)], bytes(4)),
    "the name of tensor 0 says": gguf([], [tensor("t" * 64, (1,))], bytes(4)),
    "tensor 't' stands twice": gguf([], [tensor("t", (8,)), tensor("t", (8,), F32, 32)], bytes(64)),
    "type 4, which is not known": gguf([], [tensor("t", (1,), 4)], bytes(4)),
    "has the shape [0]": gguf([], [tensor("t", (0,))], bytes(4)),
    "has the shape [4294967296, 4294967296]": gguf([], [tensor("t", (2**32,) * 2)], bytes(4)),
    "rows of 33 values; Q4_0 stores 32": gguf([], [tensor("t", (33,), Q4_0)], bytes(64)),
    "begins at 32, not at 0": gguf([], [tensor("t", (1,), F32, 32)], bytes(64)),
    "ends at byte 4294967": gguf([], [tensor("t", (2**30 - 24,))], bytes(4)),
}


@pytest.mark.parametrize("told", BROKEN)
def test_a_broken_file_is_named(read: Read, told: str) -> None:
    with pytest.raises(GgufError) as error:
        read(BROKEN[told])
    assert told in str(error.value)
    assert str(error.value).startswith("model.gguf is no whole GGUF file: ")
    assert "(at byte " in str(error.value)


def test_lists_share_one_cap(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_header, "ITEMS_MAX", 3)
    pair = struct.pack("<IQ2B", KINDS["u8"], 2, 0, 0)
    assert read(gguf([key("a", ARRAY, pair)])).metadata["a"] == (0, 0)
    with pytest.raises(GgufError, match="the list 'b' says that it has 2 items; too many"):
        read(gguf([key("a", ARRAY, pair), key("b", ARRAY, pair)]))


def test_a_head_has_a_largest_size(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_header, "HEADER_MAX_BYTES", 100)
    with pytest.raises(GgufError, match="its head is larger than"):
        read(gguf([string_key("n", "x" * 200)]))


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # without O_NONBLOCK, opening it would wait for a writer
    with pytest.raises(GgufError, match="pipe is not a regular file"):
        read_header(tmp_path / "pipe")
    with pytest.raises(GgufError, match="is not a regular file"):
        read_header(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "absent.gguf")


def test_a_sparse_file_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sparse.gguf"
    with path.open("wb") as file:
        file.truncate(200 << 30)
    with pytest.raises(GgufError, match="does not begin"):
        read_header(path)
