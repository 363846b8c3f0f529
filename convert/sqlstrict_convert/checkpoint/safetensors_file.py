"""One safetensors file -> where each tensor lies in it, checked before any value is read.

Called by `checkpoint`. Written here because the safetensors library gives numpy no BF16, and so
that every claim of the header is held against the file: a header may not be larger than the format
allows, and tensors may neither leave the file nor overlap. Which number formats are of use is for
others to say.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

HEADER_MAX_BYTES = 100_000_000  # the format's own limit
VALUE_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U64": 8,
    "U32": 4,
    "U16": 2,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where one tensor lies: `start` is the offset of its first byte in the file."""

    path: Path
    dtype: str  # a key of VALUE_BYTES
    shape: tuple[int, ...]
    start: int

    @property
    def n_values(self) -> int:
        """Count of numbers in the tensor."""
        return prod(self.shape)

    @property
    def value_bytes(self) -> int:
        """Size of one number."""
        return VALUE_BYTES[self.dtype]

    def read(self, first: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of the values from `first` to before `stop`; by default of all.

        Raises:
            CheckpointError: the file became shorter since it was opened.
        """
        n_values = (self.n_values if stop is None else stop) - first
        with self.path.open("rb") as file:
            file.seek(self.start + first * self.value_bytes)
            data = file.read(n_values * self.value_bytes)
        if len(data) != n_values * self.value_bytes:
            raise CheckpointError(
                f"{self.path.name} ends inside of a tensor; it changed while it was read"
            )
        return data


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Return every tensor of the file by name.

    Raises:
        CheckpointError: the header is broken, or the file is shorter than the header says.
        UnsupportedCheckpoint: numbers in a format that is not converted.

    Source: the format's description in the safetensors repository.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if size_bytes < 8 or header_bytes > min(HEADER_MAX_BYTES, size_bytes - 8):
            raise CheckpointError(
                f"{path.name} is no whole safetensors file: {size_bytes} bytes, "
                f"a header of {header_bytes}"
            )
        raw = file.read(header_bytes)
    try:
        header = json.loads(raw, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name}: the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path.name}: the header is not a JSON object")
    data_start, data_bytes = 8 + header_bytes, size_bytes - 8 - header_bytes
    spans: list[tuple[int, int, str]] = []
    tensors: dict[str, StoredTensor] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, shape, begin, end = _parse_entry(path, name, entry)
        if end > data_bytes:
            raise CheckpointError(
                f"{path.name} is cut off: tensor {name} ends at byte {data_start + end}, "
                f"the file at {size_bytes}; download it again"
            )
        spans.append((begin, end, name))
        tensors[name] = StoredTensor(path, dtype, shape, data_start + begin)
    _check_spans(path, spans)
    return tensors


def _parse_entry(path: Path, name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path.name}: tensor {name} lacks dtype, shape or data_offsets"
        ) from error
    if not isinstance(dtype, str) or dtype not in VALUE_BYTES:
        raise UnsupportedCheckpoint(
            f"{path.name}: tensor {name} is stored as {dtype}, which is not known here; take the "
            "merged 16-bit weights"
        )
    lengths = [*shape, begin, end] if isinstance(shape, list) else [None]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in lengths):
        raise CheckpointError(
            f"{path.name}: tensor {name} has a shape or offsets that are no counts"
        )
    if end - begin != prod(shape) * VALUE_BYTES[dtype]:
        raise CheckpointError(
            f"{path.name}: tensor {name} has {end - begin} bytes, its shape {shape} in {dtype} "
            f"needs {prod(shape) * VALUE_BYTES[dtype]}"
        )
    return dtype, tuple(shape), begin, end


def _check_spans(path: Path, spans: list[tuple[int, int, str]]) -> None:
    spans.sort()
    for (_, end, name), (begin, _, other) in zip(spans, spans[1:], strict=False):
        if begin < end:
            raise CheckpointError(f"{path.name}: tensors {name} and {other} overlap")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
