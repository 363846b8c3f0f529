"""llama.cpp's own greedy loop through its C functions: the limit that `engine.py` measures."""

from __future__ import annotations

import ctypes
from typing import Any

from sqlstrictd.engine import binding
from sqlstrictd.engine.llama import Model
from sqlstrictd.engine.token_batch import BATCH_TOKENS


def some_tokens(start: int, end: int) -> list[int]:
    """Return tokens for these positions that every vocabulary has, no control tokens."""
    return [100 + position % 800 for position in range(start, end)]


class OwnLoop:
    """llama.cpp's own loop on a context of its own: decode, its greedy sampler, decode."""

    def __init__(self, model: Model, depth: int, n_threads: int) -> None:
        self._llama = binding.load()
        params = self._llama.llama_context_default_params()
        for name, value in (
            ("n_ctx", depth + 4096),
            ("n_batch", BATCH_TOKENS),
            ("n_threads", n_threads),
            ("n_threads_batch", n_threads),
            ("no_perf", True),
        ):
            binding.set_field(params, name, value)
        self._pointer = self._llama.llama_init_from_model(model.handle, params)
        self._sampler = self._llama.llama_sampler_init_greedy()
        self._last = (ctypes.c_int32 * 1)()
        for start in range(0, depth, BATCH_TOKENS):
            n_tokens = min(BATCH_TOKENS, depth - start)
            tokens = (ctypes.c_int32 * n_tokens)(*some_tokens(start, start + n_tokens))
            self._decode(tokens, n_tokens)
        self._choose()

    def _decode(self, tokens: Any, n_tokens: int) -> None:
        batch = self._llama.llama_batch_get_one(tokens, n_tokens)
        if self._llama.llama_decode(self._pointer, batch):
            raise SystemExit("engine: llama_decode failed in llama.cpp's own loop")

    def _choose(self) -> None:
        self._last[0] = self._llama.llama_sampler_sample(self._sampler, self._pointer, -1)

    def run(self, n_tokens: int) -> None:
        """Write so many tokens, whatever they are."""
        for _ in range(n_tokens):
            self._decode(self._last, 1)
            self._choose()

    def save(self) -> Any:
        """Return the sequence's state as bytes."""
        size = self._llama.llama_state_seq_get_size(self._pointer, 0)
        data = (ctypes.c_uint8 * size)()
        if self._llama.llama_state_seq_get_data(self._pointer, data, size, 0) != size:
            raise SystemExit("engine: the state could not be saved")
        return data

    def restore(self, data: Any) -> None:
        """Put a saved state back."""
        if not self._llama.llama_state_seq_set_data(self._pointer, data, len(data), 0):
            raise SystemExit("engine: the state could not be restored")

    def close(self) -> None:
        """Free the memory; before the model's."""
        self._llama.llama_sampler_free(self._sampler)
        self._llama.llama_free(self._pointer)
