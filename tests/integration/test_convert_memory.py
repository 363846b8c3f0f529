"""A model file that claims more than the machine should give: refused in words, at no cost."""

import re
import struct
import sys
from pathlib import Path

import pytest
from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.llama.child import watch_child
from sqlstrict_convert.llama.memory import free_bytes
from sqlstrict_convert.quality.check import load_gguf

LIMIT_BYTES = 1 << 30
N_WIDE = 1 << 21  # of the feed-forward: 12 matrices of 0.5 GB each
linux = pytest.mark.skipif(sys.platform != "linux", reason="nothing limits memory elsewhere")


def claim_wide_layers(source: Path, target: Path) -> None:
    """Write the head of a tiny model with wide layers, and a file as long as it says, all holes."""
    header = read_header(source)
    raw = bytearray(source.read_bytes()[: header.data_offset])
    key = b"lfm2.feed_forward_length" + struct.pack("<I", 4)
    at = raw.index(key) + len(key)
    n_before = struct.unpack_from("<I", raw, at)[0]
    struct.pack_into("<I", raw, at, N_WIDE)
    end = 0
    for tensor in header.tensors:
        shape = [N_WIDE if side == n_before else side for side in tensor.shape]
        if "ffn_" not in tensor.name or "norm" in tensor.name:
            shape = list(tensor.shape)
        name = struct.pack("<Q", len(tensor.name)) + tensor.name.encode()
        row = raw.index(name) + len(name)
        struct.pack_into(f"<I{len(shape)}Q", raw, row, len(shape), *shape)
        struct.pack_into("<Q", raw, row + 4 + 8 * len(shape) + 4, end)
        n_values = 1
        for side in shape:
            n_values *= side
        end += 4 * n_values  # in F32, and all of them fill whole blocks of 32 bytes
    with target.open("wb") as file:
        file.write(raw)
        file.truncate(header.data_offset + end)


@linux
def test_a_file_of_holes_that_claims_gigabytes_is_refused(tiny_gguf: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.gguf"
    claim_wide_layers(tiny_gguf, path)
    assert read_header(path).size_bytes > 6 * LIMIT_BYTES  # whole, as far as its head goes
    assert path.stat().st_blocks * 512 < 1 << 24
    with pytest.raises(CheckError, match=r"wide\.gguf: ") as caught:
        load_gguf(path, LIMIT_BYTES)
    assert re.search(r"does not load|not enough memory|ended with status", str(caught.value))
    assert "alloc" in str(caught.value)
    assert load_gguf(tiny_gguf, LIMIT_BYTES)["n_vocab"] == 1024


@linux
def test_a_child_without_room_for_itself_is_told_of(tiny_gguf: Path) -> None:
    with pytest.raises(CheckError, match="ended with status|memory"):
        watch_child("quality.check_child", (tiny_gguf,), memory_bytes=1 << 20)


def test_a_child_that_takes_too_long_is_ended(tiny_gguf: Path) -> None:
    with pytest.raises(CheckError, match=r"did not finish within 0\.001 s"):
        watch_child("quality.check_child", (tiny_gguf,), limit_s=0.001)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("MemTotal: 9 kB\nMemAvailable:   2 kB\n", 2048),
        ("MemTotal: 9 kB\n", None),
        ("MemAvailable: x\n", None),
    ],
)
def test_what_the_machine_has_free(tmp_path: Path, content: str, found: int | None) -> None:
    (tmp_path / "meminfo").write_text(content)
    assert free_bytes(tmp_path / "meminfo") == found
    assert free_bytes(tmp_path / "nothing") is None
