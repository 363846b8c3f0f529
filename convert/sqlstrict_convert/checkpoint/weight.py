"""One tensor of a model as float32 rows, whatever form it is stored in.

`checkpoint` hands these out; each form of storage brings a class of its own that can do what
`Weight` says. Here are the interface, the plain float form, and the choice of block sizes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.checkpoint.safetensors_file import StoredTensor
from sqlstrict_convert.errors import UnsupportedCheckpoint

FLOATS = ("F32", "F16", "BF16")
BLOCK_VALUES = 1 << 20  # values at a time: 4 MB in F32


class Weight(Protocol):
    """A tensor that can be read, from the first row to the last, as often as needed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the values in order: blocks of whole rows, about BLOCK_VALUES each.

        Raises:
            CheckpointError: the file became shorter since it was opened, or its values are damaged.
        """


@dataclass(frozen=True, slots=True)
class PlainWeight:
    """A tensor stored as floats."""

    tensor: StoredTensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.tensor.shape

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the values in order, as Weight says."""
        row_values = prod(self.shape[1:])
        for first, stop in row_ranges(self.shape):
            data = self.tensor.read(first * row_values, stop * row_values)
            yield as_float32(data, self.tensor.dtype).reshape(stop - first, *self.shape[1:])


def plain_weight(name: str, tensor: StoredTensor) -> PlainWeight:
    """Return a stored tensor as a weight.

    Raises:
        UnsupportedCheckpoint: its numbers are not plain floats of 16 or 32 bits.
    """
    if tensor.dtype not in FLOATS:
        raise UnsupportedCheckpoint(
            f"{tensor.path.name}: tensor {name} is stored as {tensor.dtype}; only "
            f"{', '.join(FLOATS)} and what bitsandbytes writes are converted, so take the merged "
            "16-bit weights"
        )
    return PlainWeight(tensor)


def read_whole(weight: Weight) -> NDArray[np.float32]:
    """Return all values at once: for what is known to be small."""
    blocks = list(weight.blocks())
    return np.concatenate(blocks) if blocks else np.zeros(weight.shape, np.float32)


def row_ranges(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the first row and the row after the last of each block; a scalar is one row."""
    n_rows = shape[0] if shape else 1
    step = max(1, BLOCK_VALUES // max(1, prod(shape[1:])))
    for first in range(0, n_rows, step):
        yield first, min(n_rows, first + step)


def as_float32(data: bytes, dtype: str) -> NDArray[np.float32]:
    """Return the numbers of one of FLOATS."""
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, "<f2" if dtype == "F16" else "<f4").astype(np.float32)
