"""A loaded model and a context over it, as the measuring child processes need them.

Used by `importance_child`, `comparison_child` and `check_child`, each in a process of its own, for
llama.cpp ends the process where it asserts. Low-level API only; every status is checked.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.llama.library import set_fields
from sqlstrict_convert.quality.prompts import END_OF_TURN, Example, Piece

# Of one step: more rows cost memory for nothing, since two cores are busy with fewer.
BATCH_TOKENS = 512
META_BYTES = 256


def load_model(bindings: Any, path: str) -> Any:
    """Load a model without mapping the file; the caller frees it with llama_model_free.

    Raises:
        CheckError: llama.cpp does not take the file.
    """
    params = bindings.llama_model_default_params()
    # Not mapped: a file replaced under a mapping would end the process. No extra buffers: they
    # repack the weights for speed, which one decode does not need, and some (AMX in virtual
    # machines that do not carry its state) end the process at the first batch.
    set_fields(
        params, n_gpu_layers=0, load_mode=bindings.LLAMA_LOAD_MODE_NONE, use_extra_bufts=False
    )
    model = bindings.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise CheckError(f"llama.cpp does not load {path}")
    return model


def tokenize(bindings: Any, model: Any, text: bytes, *, parses_special: bool) -> list[int]:
    """Return the tokens of a text, without the BOS token; what is no UTF-8 becomes U+FFFD."""
    vocab = bindings.llama_model_get_vocab(model)
    # llama.cpp ends the process at some bytes that are no text.
    text = text.decode("utf-8", "replace").encode()
    room = len(text) + 8
    tokens = (bindings.llama_token * room)()
    count = bindings.llama_tokenize(vocab, text, len(text), tokens, room, False, parses_special)
    if count < 0:
        raise CheckError(f"llama.cpp does not tokenize {len(text)} bytes (status {count})")
    return list(tokens[:count])


def metadata_text(bindings: Any, model: Any, key: str) -> str | None:
    """Return a value of the file's metadata as text, None where it has none."""
    buffer = ctypes.create_string_buffer(META_BYTES)
    length = bindings.llama_model_meta_val_str(model, key.encode(), buffer, META_BYTES)
    return None if length < 0 else buffer.value.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Tokens:
    """An example as the model reads it: BOS and prompt, then statement and end of turn."""

    prompt: list[int]
    answer: list[int]


def example_tokens(bindings: Any, model: Any, example: Example) -> Tokens:
    """Tokenize an example piece by piece, as the daemon's engine does.

    Raises:
        CheckError: the model does not know the chat's control tokens.
    """
    vocab = bindings.llama_model_get_vocab(model)
    bos = bindings.llama_vocab_bos(vocab)
    end = tokenize(bindings, model, END_OF_TURN.encode(), parses_special=True)
    if len(end) != 1:
        raise CheckError(f"the model has no control token {END_OF_TURN}; it is no ChatML model")
    return Tokens(
        prompt=([bos] if bos >= 0 else []) + _piece_tokens(bindings, model, example.prompt),
        answer=_piece_tokens(bindings, model, [Piece(example.statement, False)]) + end,
    )


def _piece_tokens(bindings: Any, model: Any, pieces: Sequence[Piece]) -> list[int]:
    tokens: list[int] = []
    for piece in pieces:
        tokens += tokenize(bindings, model, piece.text.encode(), parses_special=piece.is_scaffold)
    return tokens


class Context:
    """Key-value cells for `n_sequences` sequences of together `n_cells` tokens.

    `fields` are further fields of llama_context_params. Close it before the model is freed.
    """

    def __init__(
        self,
        bindings: Any,
        model: Any,
        *,
        n_cells: int,
        n_sequences: int,
        n_threads: int,
        **fields: Any,
    ) -> None:
        self._bindings = bindings
        vocab = bindings.llama_model_get_vocab(model)
        self.n_vocab = int(bindings.llama_vocab_n_tokens(vocab))
        params = bindings.llama_context_default_params()
        set_fields(
            params,
            n_ctx=n_cells,
            n_batch=BATCH_TOKENS,
            n_ubatch=BATCH_TOKENS,
            n_seq_max=n_sequences,
            n_threads=n_threads,
            n_threads_batch=n_threads,
            kv_unified=True,
            no_perf=True,
            **fields,
        )
        self._pointer = bindings.llama_init_from_model(model, params)
        if not self._pointer:
            raise CheckError(f"llama.cpp makes no context of {n_cells} tokens for the model")
        self._batch = bindings.llama_batch_init(BATCH_TOKENS, 0, 1)

    def decode(self, rows: Sequence[tuple[int, int, int, bool]], *, is_fresh: bool = False) -> None:
        """Decode (token, position, sequence, wants output) rows as one batch.

        `is_fresh` forgets every sequence first.

        Raises:
            CheckError: llama.cpp does not decode them.
        """
        if is_fresh:
            self._bindings.llama_memory_clear(self._bindings.llama_get_memory(self._pointer), True)
        if not 0 < len(rows) <= BATCH_TOKENS:
            raise ValueError(f"a batch of {len(rows)} tokens; 1 to {BATCH_TOKENS}")
        batch = self._batch
        for i, (token, position, sequence, wants_output) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wants_output
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        batch.n_tokens = len(rows)
        status = self._bindings.llama_decode(self._pointer, batch)
        if status != 0:
            raise CheckError(f"llama.cpp does not decode (status {status})")

    def fork(self, source: int, target: int) -> None:
        """Let an empty sequence share the state of another.

        Raises:
            CheckError: llama.cpp did nothing, of which it says nothing itself.
        """
        memory = self._bindings.llama_get_memory(self._pointer)
        self._bindings.llama_memory_seq_cp(memory, source, target, -1, -1)
        ends = [self._bindings.llama_memory_seq_pos_max(memory, at) for at in (source, target)]
        if ends[0] != ends[1]:
            raise CheckError("llama.cpp does not share the state of a sequence")

    def forget(self, sequence: int) -> None:
        """Empty a sequence.

        Raises:
            CheckError: llama.cpp does not.
        """
        memory = self._bindings.llama_get_memory(self._pointer)
        if not self._bindings.llama_memory_seq_rm(memory, sequence, -1, -1):
            raise CheckError("llama.cpp does not forget a sequence")

    def logits(self, row: int) -> NDArray[np.float32]:
        """Return the logits of a row of the last batch: (n_vocab,), valid until the next one."""
        pointer = self._bindings.llama_get_logits_ith(self._pointer, row)
        if not pointer:
            raise CheckError(f"llama.cpp gives no logits for row {row}")
        return np.ctypeslib.as_array(pointer, (self.n_vocab,))

    def close(self) -> None:
        """Free the memory."""
        if self._pointer:
            self._bindings.llama_batch_free(self._batch)
            self._bindings.llama_free(self._pointer)
            self._pointer = None
