"""A token's hidden state to the logits of a few tokens, without the rest of the output head.

The rows of the output matrix that masks ask for are read from the model file, widened to F32 by
ggml's own functions and kept. The scheduler uses it where the mask of every row of a batch is
narrow; `open_head` says whether a model's logits are those products at all. Rows that are no
longer what they were when the model was loaded are never used.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence as Items
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlstrict_convert.gguf_format.header import GgufError, TensorEntry, read_header

from sqlstrictd.engine.hidden import HiddenState, StatesMissing
from sqlstrictd.engine.llama import Context, Logits
from sqlstrictd.engine.row_types import RowType, row_type
from sqlstrictd.engine.token_batch import Part

Tokens = NDArray[np.int64]

# The matrix that gives the logits: the first of these that the file has.
_MATRICES = ("output.weight", "token_embd.weight")
# A wider mask takes the whole head. 2,000 of 65,536 rows of 1,024 numbers, in Q6_K, cost 2 ms of
# processor time where the whole head costs 7; few masks lie between 2,000 and 10,000.
MAX_SHARE = 1 / 32
# Below so many weights the whole head costs no more than what is done instead.
MIN_WEIGHTS = 2**22
_CACHE_BYTES = 16 * 2**20
# The file is looked at again only to read rows, and held against a checksum of so many at a time.
_CHECKED_ROWS = 16
# How far the two heads may be apart, in parts of the largest logit. llama.cpp rounds the state to
# 8 bits for the product with quantized rows: 0.006 measured. A head of another kind is far off.
_BOUND = 0.05


class OutputHead:
    """The output matrix of a model file, (vocabulary size, hidden size), a few rows at a time."""

    def __init__(self, path: Path, matrix: TensorEntry, kind: RowType, max_rows: int) -> None:
        """`max_rows`: of the widest mask. Raises OSError."""
        self._hidden_size, self.vocabulary_size = matrix.shape
        self._kind = kind
        self._start = matrix.start
        self._row_bytes = matrix.size_bytes // self.vocabulary_size
        n_kept = max(64, _CACHE_BYTES // (4 * self._hidden_size))
        self.max_rows = min(max_rows, n_kept)
        self._rows = np.empty((n_kept, self._hidden_size), dtype=np.float32)
        self._n_kept = 0
        self._place = np.full(self.vocabulary_size, -1, dtype=np.int32)  # of a token in _rows
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        n_blocks = -(-self.vocabulary_size // _CHECKED_ROWS)
        self._checksums = [zlib.crc32(self._read_block(index)) for index in range(n_blocks)]

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def fetch(self, rows: Items[Tokens]) -> bool:
        """Have at hand what the `logits` of these rows need; return False where that cannot be.

        That is where a mask is too wide, all together are too many, or the file is not any more
        what it was: then it is never read again.
        """
        if not all(tokens.size <= self.max_rows for tokens in rows):
            return False
        missing = self._missing(rows)
        if self._n_kept + missing.size > len(self._rows):
            self._place.fill(-1)  # few models have so many rows that matter; begin again
            self._n_kept = 0
            missing = self._missing(rows)
        if missing.size > len(self._rows):
            return False
        if missing.size and not self._keep(missing):
            self.max_rows = 0
            return False
        return True

    def _missing(self, rows: Items[Tokens]) -> Tokens:
        return np.unique(np.concatenate([tokens[self._place[tokens] < 0] for tokens in rows]))

    def logits(self, state: HiddenState, tokens: Tokens) -> Logits:
        """Return the logits of some tokens, (n,), whose rows `fetch` has at hand."""
        # Not `@`: BLAS would wake threads of its own, which get in the way of llama.cpp's.
        logits: Logits = np.vecdot(self._rows[self._place[tokens]], state)
        return logits

    def _keep(self, tokens: Tokens) -> bool:
        """Read the rows of tokens, in ascending order; return False where the file has changed."""
        blocks = tokens // _CHECKED_ROWS
        raw = bytearray()
        for block in np.unique(blocks).tolist():
            data = self._read_block(block)
            if zlib.crc32(data) != self._checksums[block]:
                return False
            for token in tokens[blocks == block].tolist():
                start = token % _CHECKED_ROWS * self._row_bytes
                raw += data[start : start + self._row_bytes]
        end = self._n_kept + tokens.size
        self._kind.widen(raw, self._rows[self._n_kept : end])
        self._place[tokens] = np.arange(self._n_kept, end)
        self._n_kept = end
        return True

    def _read_block(self, index: int) -> bytes:
        n_bytes = _CHECKED_ROWS * self._row_bytes
        whole = self.vocabulary_size * self._row_bytes
        return os.pread(
            self._fd, min(n_bytes, whole - index * n_bytes), self._start + index * n_bytes
        )


def paying_rows(vocabulary_size: int, hidden_size: int) -> int:
    """Return how wide a mask may be for the head to be left out with profit; 0 for never."""
    is_large = vocabulary_size * hidden_size >= MIN_WEIGHTS
    return int(vocabulary_size * MAX_SHARE) if is_large else 0


def open_head(path: Path, context: Context, max_rows: int) -> OutputHead | None:
    """Return the head of the model that the context runs; None where it is of another kind.

    That is one without attention, or that scales or caps its logits, adds to them, or stores the
    matrix in a way that is not known here. Rows of both heads are compared, so sequences 0 and 1
    must be empty; they are again afterwards.
    """
    if not (context.has_states and max_rows):
        return None
    try:
        tensors = {tensor.name: tensor for tensor in read_header(path).tensors}
    except (GgufError, OSError):
        return None
    matrix = next((tensors[name] for name in _MATRICES if name in tensors), None)
    if matrix is None or matrix.shape != (context.hidden_size, context.vocabulary_size):
        return None
    kind = row_type(context.library, matrix.type)
    if kind is None:
        return None
    head = OutputHead(path, matrix, kind, max_rows)
    if not _agrees(head, context):
        head.close()
        return None
    return head


def _agrees(head: OutputHead, context: Context) -> bool:
    """Compare both heads on a batch of sequences of unlike lengths, and a row in between."""
    chance = np.random.default_rng(0)
    n_compared = min(head.max_rows, 256)
    tokens = np.sort(chance.choice(head.vocabulary_size, n_compared, replace=False))
    parts = []
    for seq_id, lengths in enumerate(((1, 1), (1,))):
        position = 0
        for length in lengths:
            some = chance.integers(head.vocabulary_size, size=length).tolist()
            parts.append(Part(seq_id, position, some, wants_logits=True))
            position += length
    found = []
    for wants_states in (False, True):
        try:
            rows = context.decode(parts, wants_states)
        except StatesMissing:
            return False  # an architecture whose last norm goes by another name
        finally:
            for seq_id in range(2):
                context.clear_sequence(seq_id)
        found.append([row.copy() for row in rows if row is not None])
    for logits, state in zip(*found, strict=True):
        whole = logits[tokens]
        apart = np.abs(whole - head.logits(state, tokens)).max() if head.fetch([tokens]) else np.inf
        if not apart <= _BOUND * np.abs(whole).max():
            return False
    return True
