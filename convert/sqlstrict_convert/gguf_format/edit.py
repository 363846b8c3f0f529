"""A GGUF file of our own making and further keys -> the same model with these keys, and hashes.

Called by `checkpoint_conversion` as the last step before a file gets its name, and by
`verification`, which computes the hashes again. Copies the tensors as they are, a piece at a time.
Takes files that this package or llama.cpp just wrote; those of others go through `header` first.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.gguf_format.metadata import DATA_HASH_KEY, HEAD_HASH_KEY

Value = str | int | float | bool | list[str]
PIECE_BYTES = 1 << 20
NO_HASH = "0" * 64  # stands where the head's own hash will stand, while it is computed
_COUNTS = struct.Struct("<4sIQQ")  # magic, version, tensors, keys
_STRING, _ARRAY = 8, 9
# Sizes of the other kinds of values, as gguf.h of llama.cpp numbers them.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def add_keys(
    source: Path,
    target: Path,
    values: Mapping[str, Value],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write `source` with these keys and both hashes to `target` and force it to the disk.

    A key that is there already gets the new value. `on_progress` gets bytes read and their total,
    which is twice the file: it is hashed first and copied then.

    Raises:
        GgufError: `source` is no GGUF file.
        OSError: `target` cannot be written.
    """
    found = read_header(source)
    alignment = found.metadata.get("general.alignment", 32)
    total = 2 * (found.size_bytes - found.data_offset)
    with source.open("rb") as file:
        head = file.read(found.data_offset)
        data_hash = _copy(file, None, lambda done: on_progress(done, total))
        added = {**values, DATA_HASH_KEY: data_hash, HEAD_HASH_KEY: NO_HASH}
        new_head = _with_keys(head, added, alignment)
        # The last one: a vocabulary may hold a token of as many zeros.
        at = new_head.rindex(NO_HASH.encode())
        head_hash = hashlib.sha256(new_head).hexdigest().encode()
        new_head = new_head[:at] + head_hash + new_head[at + len(head_hash) :]
        file.seek(found.data_offset)
        with target.open("wb") as copy:
            copy.write(new_head)
            _copy(file, copy, lambda done: on_progress(total // 2 + done, total))
            copy.flush()
            os.fsync(copy.fileno())


def data_sha256(path: Path, data_offset: int, on_bytes: Callable[[int], None]) -> str:
    """Return the hash of everything behind the tensor table; `on_bytes` gets the bytes done."""
    with path.open("rb") as file:
        file.seek(data_offset)
        return _copy(file, None, on_bytes)


def head_sha256(path: Path, data_offset: int, stored: str) -> str:
    """Return the hash of all before the tensors, computed as if NO_HASH stood for `stored`."""
    with path.open("rb") as file:
        head = file.read(data_offset)
    return hashlib.sha256(head.replace(stored.encode(), NO_HASH.encode(), 1)).hexdigest()


def _copy(source: BinaryIO, target: BinaryIO | None, on_bytes: Callable[[int], None]) -> str:
    digest, done = hashlib.sha256(), 0
    while piece := source.read(PIECE_BYTES):
        digest.update(piece)
        if target is not None:
            target.write(piece)
        done += len(piece)
        on_bytes(done)
    return digest.hexdigest()


def _with_keys(head: bytes, added: Mapping[str, Value], alignment: int) -> bytes:
    """Return the head with the keys behind its own, padded to where the tensors may begin."""
    magic, version, n_tensors, n_keys = _COUNTS.unpack_from(head)
    kept = []
    at = _COUNTS.size
    for _ in range(n_keys):
        start = at
        key, at = _read_string(head, at)
        at = _skip_value(head, at)
        if key not in added:
            kept.append(head[start:at])
    kept += [_string(key) + _value(value) for key, value in added.items()]
    table_end = at
    for _ in range(n_tensors):
        _, table_end = _read_string(head, table_end)
        (n_sides,) = struct.unpack_from("<I", head, table_end)
        table_end += 4 + 8 * n_sides + 4 + 8
    new_head = b"".join(
        [_COUNTS.pack(magic, version, n_tensors, len(kept)), *kept, head[at:table_end]]
    )
    return new_head + bytes(-len(new_head) % alignment)


def _skip_value(head: bytes, at: int) -> int:
    (kind,) = struct.unpack_from("<I", head, at)
    at += 4
    if kind == _STRING:
        return _read_string(head, at)[1]
    if kind != _ARRAY:
        return at + _SIZES[kind]
    kind, n_items = struct.unpack_from("<IQ", head, at)
    at += 12
    if kind != _STRING:
        return at + int(n_items) * _SIZES[kind]
    for _ in range(n_items):
        (length,) = struct.unpack_from("<Q", head, at)
        at += 8 + length
    return at


def _read_string(head: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", head, at)
    end = at + 8 + length
    return head[at + 8 : end].decode(errors="replace"), end


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<Iq", 11, value)
    if isinstance(value, float):
        return struct.pack("<Id", 12, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    items = b"".join(map(_string, value))
    return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + items
