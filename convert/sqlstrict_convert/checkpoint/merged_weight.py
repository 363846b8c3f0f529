"""A base's weight with an adapter's matrices on it, computed while it streams.

Made by `adapter`; read as any `Weight`. The base's rows come block by block; the adapter's own
matrices are small and are held while their module is read. All arithmetic is in float32; numbers
that leave its range become infinite, which is found when they are written.

Source: peft 0.21, lora.Linear.merge, lora.Embedding.merge, the DoRA variants of both, and
TrainableTokensLayer.merge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.checkpoint.weight import Weight, read_whole
from sqlstrict_convert.errors import TensorError


@dataclass(frozen=True, slots=True)
class LoraWeight:
    """A linear layer or embedding, plus the scaled product of two matrices of low rank.

    `down` is (rank, columns) and `up` (rows, rank); of an embedding, whose matrix PEFT takes as
    turned, `down` is (rank, rows) and `up` (columns, rank). `magnitude` (DoRA) is the norm that
    each row is brought to, of an embedding each column.
    """

    name: str
    base: Weight
    down: Weight
    up: Weight
    magnitude: Weight | None
    scale: float
    is_embedding: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.base.shape

    def check(self, rank: int) -> None:
        """Hold the matrices' shapes against the base and the rank that the settings give.

        Raises:
            TensorError: they do not fit.
        """
        if len(self.shape) != 2:
            raise TensorError(
                f"the adapter changes {self.name}, which is no matrix; only linear layers and the "
                "embedding are merged"
            )
        n_rows, n_columns = self.shape
        into, out = (n_rows, n_columns) if self.is_embedding else (n_columns, n_rows)
        wanted: dict[str, tuple[Weight, tuple[int, ...]]] = {
            "lora_A": (self.down, (rank, into)),
            "lora_B": (self.up, (out, rank)),
        }
        if self.magnitude is not None:
            size = n_columns if self.is_embedding else n_rows
            wanted["lora_magnitude_vector"] = (self.magnitude, (size,))
        for part, (weight, shape) in wanted.items():
            if weight.shape != shape:
                raise TensorError(
                    f"the adapter's {part} of {self.name} has shape {list(weight.shape)}; rank "
                    f"{rank} over a base of {list(self.shape)} needs {list(shape)}"
                )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the values in order, as Weight says."""
        if self.magnitude is None:
            yield from self._sums()
            return
        magnitude = read_whole(self.magnitude)
        if self.is_embedding:
            squares = np.zeros(self.shape[1], np.float64)
            for block in self._sums():
                squares += _squares(block, axis=0)
            for block in self._sums():
                yield self._scaled(block, magnitude, np.sqrt(squares))
            return
        first = 0
        for block in self._sums():
            norm = np.sqrt(_squares(block, axis=1))
            yield self._scaled(block, magnitude[first : first + len(block), None], norm[:, None])
            first += len(block)

    def _sums(self) -> Iterator[NDArray[np.float32]]:
        """Yield the base's blocks with the product added."""
        down, up = read_whole(self.down), read_whole(self.up)
        left, right = (down.T, up.T) if self.is_embedding else (up, down)
        scale, first = np.float32(self.scale), 0
        for block in self.base.blocks():
            with np.errstate(over="ignore", invalid="ignore"):
                change = left[first : first + len(block)] @ right
                change *= scale
                change += block
            first += len(block)
            yield change

    def _scaled(
        self,
        block: NDArray[np.float32],
        magnitude: NDArray[np.float32],
        norm: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        if not norm.all():
            raise TensorError(f"{self.name} has a row or column of zeros, which DoRA cannot scale")
        with np.errstate(over="ignore", invalid="ignore"):
            block *= np.divide(magnitude, norm, dtype=np.float32)
        return block


def _squares(block: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        squares: NDArray[np.float64] = np.square(block, dtype=np.float64).sum(axis=axis)
    return squares


@dataclass(frozen=True, slots=True)
class ReplacedRows:
    """An embedding of which the rows of single tokens were trained."""

    name: str
    base: Weight
    rows: Weight
    indices: tuple[int, ...]  # the row of the base that each of `rows` takes the place of

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.base.shape

    def check(self) -> None:
        """Hold the rows against the base and the settings.

        Raises:
            TensorError: they do not fit.
        """
        wanted = (len(self.indices), *self.shape[1:])
        if self.rows.shape != wanted:
            raise TensorError(
                f"the adapter's rows for single tokens of {self.name} have shape "
                f"{list(self.rows.shape)}, trainable_token_indices and the base need {list(wanted)}"
            )
        if max(self.indices, default=0) >= self.shape[0]:
            raise TensorError(
                f"trainable_token_indices names token {max(self.indices)}, {self.name} has "
                f"{self.shape[0]} rows"
            )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the values in order, as Weight says."""
        rows, indices = read_whole(self.rows), np.array(self.indices, np.int64)
        first = 0
        for block in self.base.blocks():
            inside = (indices >= first) & (indices < first + len(block))
            block[indices[inside] - first] = rows[inside]
            first += len(block)
            yield block
