"""Builds GGUF files byte by byte, so that tests can make ones that no writer would write."""

import struct
from collections.abc import Sequence
from typing import Any

KINDS = {"u8": 0, "i8": 1, "u16": 2, "i16": 3, "u32": 4, "i32": 5, "f32": 6, "u64": 10, "i64": 11}
LAYOUTS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 10: "Q", 11: "q"}
BOOL, STRING, ARRAY = 7, 8, 9
F32, Q4_0 = 0, 2


def text(value: str | bytes) -> bytes:
    """A string as GGUF stores it."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def key(name: str, kind: int, value: bytes) -> bytes:
    """One key with its value, already packed."""
    return text(name) + struct.pack("<I", kind) + value


def string_key(name: str, value: str | bytes) -> bytes:
    return key(name, STRING, text(value))


def number_key(name: str, kind: str, value: Any) -> bytes:
    return key(name, KINDS[kind], struct.pack("<" + LAYOUTS[KINDS[kind]], value))


def strings_key(name: str, values: Sequence[str | bytes]) -> bytes:
    packed = struct.pack("<IQ", STRING, len(values)) + b"".join(text(value) for value in values)
    return key(name, ARRAY, packed)


def tensor(name: str, shape: Sequence[int], kind: int = F32, offset: int = 0) -> bytes:
    """One row of the tensor table."""
    sides = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + sides + struct.pack("<IQ", kind, offset)


def gguf(
    keys: Sequence[bytes] = (),
    tensors: Sequence[bytes] = (),
    data: bytes = b"",
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    n_keys: int | None = None,
    n_tensors: int | None = None,
    alignment: int = 32,
) -> bytes:
    """A whole file; `n_keys` and `n_tensors` may say other counts than the true ones."""
    head = magic + struct.pack(
        "<IQQ",
        version,
        len(tensors) if n_tensors is None else n_tensors,
        len(keys) if n_keys is None else n_keys,
    )
    head += b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + data


def small_gguf() -> bytes:
    """A whole file with a value of each common kind and two tensors, 300 bytes of data."""
    return gguf(
        [
            string_key("general.architecture", "lfm2"),
            string_key("general.name", "small"),
            number_key("general.file_type", "u32", 2),
            number_key("lfm2.context_length", "u32", 128),
            key("flag", BOOL, b"\1"),
            strings_key("tokenizer.ggml.tokens", ["a", "b", b"\xff"]),
            key("numbers", ARRAY, struct.pack("<IQ3i", KINDS["i32"], 3, -1, 0, 7)),
        ],
        [tensor("first.weight", (32, 2), Q4_0), tensor("second.weight", (59,), F32, 64)],
        bytes(300),
    )
