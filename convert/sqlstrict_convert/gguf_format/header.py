"""A GGUF file -> its metadata and tensor table, every claim held against the file's size.

Read by whatever takes a model file that somebody else made: the converter, the models folder, the
daemon before it starts an engine. Standard library alone. Every count and length has a cap and is
checked before memory is asked for, so a hostile file costs at most a few hundred megabytes and ends
in a GgufError. Reads no weights and loads no model; what it takes, llama.cpp may still refuse.
"""

import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from math import prod
from pathlib import Path
from typing import Any

from sqlstrict_convert.gguf_format.types import FILE_TYPES, TENSOR_TYPES

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
HEADER_MAX_BYTES = 256 << 20  # the largest vocabularies published take about 20 MB
STRING_MAX_BYTES = 16 << 20
ITEMS_MAX = 1 << 22  # of all arrays together; the largest vocabularies have about a million
KEYS_MAX = 1 << 14
TENSORS_MAX = 1 << 16
KEY_MAX_BYTES = (1 << 16) - 1
TENSOR_NAME_MAX_BYTES = 63  # ggml's
DIMENSIONS_MAX = 4  # ggml's
CHUNK_BYTES = 1 << 20

# Kinds of values, as gguf.h of llama.cpp numbers them, and how `struct` reads them.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 10: "Q", 11: "q", 12: "d"}
_BOOL, _STRING, _ARRAY = 7, 8, 9


class GgufError(Exception):
    """The file is no whole GGUF file; the message says which file, what and where."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One row of the tensor table; `start` is the offset of its first byte in the file."""

    name: str
    shape: tuple[int, ...]  # as GGUF orders it: the side that lies together in memory first
    type: str  # a name of TENSOR_TYPES
    start: int
    size_bytes: int

    @property
    def n_values(self) -> int:
        """Count of numbers in the tensor."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself: str, int, float, bool and tuples of these by key."""

    metadata: Mapping[str, Any]
    tensors: tuple[TensorEntry, ...]
    data_offset: int  # where the tensors begin
    size_bytes: int  # of the whole file
    version: int

    @property
    def architecture(self) -> str:
        """The architecture's name in llama.cpp, "" where the file names none."""
        return self.text("general.architecture") or ""

    @property
    def quantization(self) -> str:
        """The usual name of how most weights are stored, such as Q4_K_M."""
        kind = self.metadata.get("general.file_type")
        if isinstance(kind, int) and kind in FILE_TYPES:
            return FILE_TYPES[kind]
        sizes: dict[str, int] = {}
        for tensor in self.tensors:
            sizes[tensor.type] = sizes.get(tensor.type, 0) + tensor.size_bytes
        return max(sizes, key=lambda name: sizes[name], default="")

    @property
    def n_parameters(self) -> int:
        """Count of numbers in all tensors."""
        return sum(tensor.n_values for tensor in self.tensors)

    @property
    def part_count(self) -> int:
        """Of how many files the model consists; 1 for a whole one."""
        count = self.metadata.get("split.count")
        return count if isinstance(count, int) and count > 1 else 1

    def text(self, key: str) -> str | None:
        """Return a value that is text, None where the key is missing or of another kind."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None


def read_header(path: str | os.PathLike[str]) -> GgufHeader:
    """Read and check everything of a GGUF file but its weights.

    Raises:
        GgufError: no GGUF file, cut off, or not as llama.cpp would take it.
        OSError: the file cannot be opened or read.
    """
    # Without O_NONBLOCK, opening a pipe would wait for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return read_open_header(descriptor, Path(path).name)
    finally:
        os.close(descriptor)


def read_open_header(descriptor: int, name: str) -> GgufHeader:
    """Do the same with an open file, which messages call `name`; it is left open, and moved in.

    Raises as `read_header`.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise GgufError(f"{name} is not a regular file")
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        return _Reading(name, file, status.st_size).header()


class _Reading:
    """One pass over a file's head, with all of it that was read so far in memory."""

    def __init__(self, name: str, file: FileIO, size_bytes: int) -> None:
        self.name = name
        self.file = file
        self.size_bytes = size_bytes
        self.data = bytearray()
        self.at = 0
        self.items_left = ITEMS_MAX

    def header(self) -> GgufHeader:
        if self.size_bytes < 4 or bytes(self.take(4)) != MAGIC:
            raise self.error("it does not begin as a GGUF file does")
        version = self.number("I")
        if version not in VERSIONS:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
            hint = ", of a big-endian machine" if swapped in VERSIONS else ""
            raise self.error(f"GGUF version {version}{hint}; versions 2 and 3 are read")
        n_tensors = self.count("tensors", self.number("Q"), TENSORS_MAX)
        n_keys = self.count("keys", self.number("Q"), KEYS_MAX)
        metadata: dict[str, Any] = {}
        for index in range(n_keys):
            key = self.string(f"key {index}", KEY_MAX_BYTES, is_name=True)
            if key in metadata:
                raise self.error(f"key {key!r} stands twice")
            metadata[key] = self.value(key, self.number("I"))
        alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
            raise self.error(f"general.alignment {alignment!r} is no power of two")
        rows = [self.tensor_row(index) for index in range(n_tensors)]
        data_offset = _padded(self.at, alignment)
        return GgufHeader(
            metadata=metadata,
            tensors=self.place(rows, data_offset, alignment),
            data_offset=data_offset,
            size_bytes=self.size_bytes,
            version=version,
        )

    def value(self, key: str, kind: int) -> Any:
        if kind == _ARRAY:
            return self.array(key)
        if kind == _STRING:
            return self.string(f"the value of {key!r}", STRING_MAX_BYTES)
        if kind == _BOOL:
            return self.booleans(key, 1)[0]
        if kind not in _SCALARS:
            raise self.error(f"key {key!r} is of kind {kind}, which GGUF does not have")
        return self.number(_SCALARS[kind])

    def array(self, key: str) -> tuple[Any, ...]:
        kind, n_items = self.number("I"), self.number("Q")
        if n_items > self.items_left:
            raise self.error(f"the list {key!r} says that it has {n_items} items; too many")
        self.items_left -= n_items
        if kind == _STRING:
            what = f"an item of {key!r}"
            return tuple([self.string(what, STRING_MAX_BYTES) for _ in range(n_items)])
        if kind == _BOOL:
            return self.booleans(key, n_items)
        if kind not in _SCALARS:  # a list of lists too, which llama.cpp does not read
            raise self.error(f"the list {key!r} has items of kind {kind}, which is not read")
        layout = f"<{n_items}{_SCALARS[kind]}"
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def booleans(self, key: str, n_items: int) -> tuple[bool, ...]:
        raw = bytes(self.take(n_items))
        if raw.strip(b"\0\1"):
            raise self.error(f"the value of {key!r} is neither true nor false")
        return tuple([byte == 1 for byte in raw])

    def tensor_row(self, index: int) -> tuple[str, tuple[int, ...], int, int]:
        name = self.string(f"the name of tensor {index}", TENSOR_NAME_MAX_BYTES, is_name=True)
        n_dimensions = self.count(f"sides of tensor {name!r}", self.number("I"), DIMENSIONS_MAX)
        shape = tuple(self.number("Q") for _ in range(n_dimensions))
        return name, shape, self.number("I"), self.number("Q")

    def place(
        self,
        rows: list[tuple[str, tuple[int, ...], int, int]],
        data_offset: int,
        alignment: int,
    ) -> tuple[TensorEntry, ...]:
        """Check that the tensors lie one behind the other, as llama.cpp asks, within the file."""
        tensors: dict[str, TensorEntry] = {}
        expected = 0
        for name, shape, kind, offset in rows:
            if name in tensors:
                raise self.error(f"tensor {name!r} stands twice")
            if kind not in TENSOR_TYPES:
                raise self.error(f"tensor {name!r} is stored as type {kind}, which is not known")
            type_name, block_values, block_bytes = TENSOR_TYPES[kind]
            if not all(0 < side < 1 << 63 for side in shape) or prod(shape) >= 1 << 63:
                raise self.error(f"tensor {name!r} has the shape {list(shape)}")
            if (shape[0] if shape else 1) % block_values:
                raise self.error(
                    f"tensor {name!r} has rows of {shape[0] if shape else 1} values; {type_name} "
                    f"stores {block_values} together"
                )
            size_bytes = prod(shape) // block_values * block_bytes
            if offset != expected:
                raise self.error(f"tensor {name!r} begins at {offset}, not at {expected}")
            end = data_offset + offset + size_bytes
            if end > self.size_bytes:
                raise self.error(
                    f"cut off: tensor {name!r} ends at byte {end}, the file at {self.size_bytes}"
                )
            tensors[name] = TensorEntry(name, shape, type_name, data_offset + offset, size_bytes)
            expected = _padded(offset + size_bytes, alignment)
        return tuple(tensors.values())

    def count(self, what: str, number: int, limit: int) -> int:
        if number > limit:
            raise self.error(f"it says that it has {number} {what}; at most {limit} are read")
        return number

    def string(self, what: str, limit: int, *, is_name: bool = False) -> str:
        length = self.number("Q")
        if length > limit:
            raise self.error(f"{what} says that it has {length} bytes; at most {limit} are read")
        raw = self.take(length)
        try:
            # Vocabularies hold pieces of characters; these are read as escapes, and stay distinct.
            return str(raw, "utf-8", "strict" if is_name else "backslashreplace")
        except UnicodeDecodeError as error:
            raise self.error(f"{what} is not UTF-8") from error

    def number(self, layout: str) -> Any:
        layout = "<" + layout
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def take(self, length: int) -> bytearray:
        end = self.at + length
        if end > HEADER_MAX_BYTES:
            raise self.error(f"its head is larger than {HEADER_MAX_BYTES:,} bytes")
        if end > len(self.data):
            self.fill(end)
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def fill(self, end: int) -> None:
        if end > self.size_bytes:
            raise self.error(
                f"cut off: it goes on to byte {end}, the file ends at byte {self.size_bytes}"
            )
        while len(self.data) < end:
            chunk = self.file.read(max(end - len(self.data), CHUNK_BYTES))
            if not chunk:
                raise self.error("it became shorter while it was read")
            self.data += chunk

    def error(self, what: str) -> GgufError:
        return GgufError(f"{self.name} is no whole GGUF file: {what} (at byte {self.at})")


def _padded(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) // alignment * alignment
