"""Keys added to GGUF files: what was there stays, byte for byte, and hashes tell of any change."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from sqlstrict_convert.gguf_format.edit import Value, add_keys, data_sha256, head_sha256
from sqlstrict_convert.gguf_format.header import GgufError, read_header
from sqlstrict_convert.gguf_format.metadata import DATA_HASH_KEY, HEAD_HASH_KEY

ADDED: dict[str, Value] = {
    "sqlstrict.text": "a b",
    "sqlstrict.count": -3,
    "sqlstrict.share": 0.25,
    "sqlstrict.is_so": True,
    "sqlstrict.list": ["one", "", "drei ✓"],
    "general.name": "new name",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with a key of every kind and tensors that need padding."""
    path = tmp_path / "source.gguf"
    writer = gguf.GGUFWriter(path, "lfm2")
    writer.add_name("old name")
    for name, value in (("uint8", 1), ("int8", -1), ("uint16", 2), ("int16", -2)):
        getattr(writer, f"add_{name}")(f"k.{name}", value)
    for name, value in (("uint32", 3), ("int32", -3), ("uint64", 4), ("int64", -4)):
        getattr(writer, f"add_{name}")(f"k.{name}", value)
    writer.add_float32("k.float32", 0.5)
    writer.add_float64("k.float64", 0.1)
    writer.add_bool("k.bool", True)
    writer.add_array("k.strings", ["a", "", "bc", "0" * 64])
    writer.add_array("k.numbers", [1, 2, 3])
    writer.add_tensor("a", np.arange(7, dtype=np.float32))
    writer.add_tensor("b", np.arange(12, dtype=np.float16).reshape(3, 4))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def contents(path: Path) -> dict[str, Any]:
    reader = gguf.GGUFReader(path)
    return {
        name: field.contents()
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }


def test_keys_are_added_and_all_else_stays(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.gguf"
    seen: list[tuple[int, int]] = []
    add_keys(source, target, ADDED, lambda done, total: seen.append((done, total)))
    before, after = contents(source), contents(target)
    assert {key: after[key] for key in ADDED} == ADDED
    assert set(after) == set(before) | set(ADDED) | {DATA_HASH_KEY, HEAD_HASH_KEY}
    assert all(after[key] == value for key, value in before.items() if key != "general.name")
    tensors = [gguf.GGUFReader(path).tensors for path in (source, target)]
    for one, other in zip(*tensors, strict=True):
        assert (one.name, one.tensor_type) == (other.name, other.tensor_type)
        np.testing.assert_array_equal(one.data, other.data)
    assert read_header(target).data_offset % 32 == 0
    assert seen[-1][0] == seen[-1][1]


def test_adding_twice_replaces(source: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.gguf", tmp_path / "twice.gguf"
    add_keys(source, once, ADDED)
    add_keys(once, twice, {"sqlstrict.count": 5})
    assert contents(twice)["sqlstrict.count"] == 5
    kept = {key: value for key, value in contents(twice).items() if key in ADDED}
    assert kept == {**ADDED, "sqlstrict.count": 5}


def test_hashes_tell_of_every_changed_byte(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.gguf"
    add_keys(source, target, ADDED)
    header = read_header(target)
    stored = (header.text(DATA_HASH_KEY), header.text(HEAD_HASH_KEY))
    whole = target.read_bytes()

    def hashes() -> tuple[str, str]:
        data = data_sha256(target, header.data_offset, lambda done: None)
        return data, head_sha256(target, header.data_offset, stored[1] or "")

    assert hashes() == stored
    for at in range(0, len(whole), 7):
        target.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        is_data = at >= header.data_offset
        # A change of the stored hash itself shows too: it is not found to be blanked.
        assert (hashes()[0] != stored[0], hashes()[1] != stored[1]) == (is_data, not is_data)


def test_a_foreign_file_is_not_edited(tmp_path: Path) -> None:
    source = tmp_path / "source.gguf"
    source.write_bytes(b"GGUF" + b"\xff" * 60)
    with pytest.raises(GgufError):
        add_keys(source, tmp_path / "target.gguf", ADDED)
    assert not (tmp_path / "target.gguf").exists()
