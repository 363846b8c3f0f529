"""Parts of sequences to the batch that llama_decode reads, in arrays that are allocated once."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

import numpy as np

from sqlstrictd.engine import binding

# A step's worth of tokens; more in one batch would end the process (GGML_ASSERT).
BATCH_TOKENS = 512
# Rows of a batch beyond one a sequence: a buffer is set aside for their logits.
SCORED_TOKENS = 32


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive tokens of one sequence in a batch; logits, where wanted, are the last one's."""

    seq_id: int
    position: int
    tokens: Items[int]
    wants_logits: bool


class TokenBatch:
    """A llama_batch in numpy: llama_decode reads it during the call and keeps nothing."""

    def __init__(self, library: Any) -> None:
        self._tokens = np.zeros(BATCH_TOKENS, dtype=np.int32)
        self._positions = np.zeros(BATCH_TOKENS, dtype=np.int32)
        self._seq_ids = np.zeros(BATCH_TOKENS, dtype=np.int32)
        self._wants_logits = np.zeros(BATCH_TOKENS, dtype=np.int8)
        self._n_seq_ids = np.ones(BATCH_TOKENS, dtype=np.int32)
        # One pointer per token, each to that token's own entry in _seq_ids.
        self._seq_id_pointers = np.arange(BATCH_TOKENS, dtype=np.uintp) * 4
        self._seq_id_pointers += self._seq_ids.ctypes.data
        self.struct = library.llama_batch()
        for name, array in (
            ("token", self._tokens),
            ("pos", self._positions),
            ("n_seq_id", self._n_seq_ids),
            ("seq_id", self._seq_id_pointers),
            ("logits", self._wants_logits),
        ):
            kind = dict(self.struct._fields_)[name]
            binding.set_field(self.struct, name, ctypes.cast(array.ctypes.data, kind))

    def fill(self, parts: Items[Part]) -> list[int]:
        """Write the parts one after the other; return the place of each one's last token.

        Raises:
            ValueError: a part is empty, or there are more than BATCH_TOKENS tokens.
        """
        end = 0
        last_tokens = []
        for part in parts:
            start, end = end, end + len(part.tokens)
            if start == end or end > BATCH_TOKENS:
                raise ValueError(f"a batch of {end} tokens, or an empty part; 1 to {BATCH_TOKENS}")
            self._tokens[start:end] = part.tokens
            self._positions[start:end] = range(part.position, part.position + end - start)
            self._seq_ids[start:end] = part.seq_id
            self._wants_logits[start:end] = 0
            self._wants_logits[end - 1] = part.wants_logits
            last_tokens.append(end - 1)
        binding.set_field(self.struct, "n_tokens", end)
        return last_tokens
